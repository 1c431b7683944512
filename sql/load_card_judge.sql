-- One line a record: what the ledger has of it, what its customer adds to its problems, in sending order: rows
-- of one account stand together, at the place of the account's first row, so that one token serves them all.
-- known: taken already, or final; left alone.
CREATE TEMP TABLE judged AS
SELECT s.record, s.line, s.offset, s.length, s.card_id, s.customer_id, s.account_id, s.mark, s.flags,
       iif(s.record > 0, :file, s.file) AS file,
       s.code AS own_code, s.field AS own_field, s.code AS code, s.field AS field, s.existing,
       coalesce(c.state >= 4 OR (c.state = 1 AND c.card_id IS NOT NULL), 0) AS known,
       s.flags & 1 OR coalesce(k.flags, 0) & 1 AS skip,
       CASE WHEN s.flags & 8 OR s.customer_id IS NULL THEN NULL
            WHEN k.customer_id IS NOT NULL
                THEN iif((s.flags | k.flags) & 2 OR :allow_internal, NULL, 'required')
            WHEN EXISTS (SELECT 1 FROM refused_customer r WHERE r.customer_id = s.customer_id)
                THEN 'customer_invalid'
            ELSE 'no_customer' END AS joined,
       first_value(s.account_id) OVER (PARTITION BY s.customer_id
                                       ORDER BY s.existing IS NULL, s.existing, s.record) AS first_account,
       min(abs(s.record)) OVER (PARTITION BY s.account_id) AS account_order
FROM stage_card s
LEFT JOIN customer k ON k.customer_id = s.customer_id
LEFT JOIN card c ON c.id = s.existing
ORDER BY account_order, s.record;
