-- Exceptions only: flag 16, the customer is to be skipped; a missing or refused customer; no address in either.
UPDATE stage_card SET flags = flags | 16 * x.skip, joined = x.joined
FROM (SELECT s.record, coalesce(k.flags, 0) & 1 AS skip,
             CASE WHEN k.customer_id IS NOT NULL
                      THEN iif((s.flags | k.flags) & 2 OR :allow_internal, NULL, 'required')
                  WHEN EXISTS (SELECT 1 FROM refused_customer r WHERE r.customer_id = s.customer_id)
                      THEN 'customer_invalid'
                  ELSE 'no_customer' END AS joined
      FROM stage_card AS s LEFT JOIN customer AS k ON k.customer_id = s.customer_id
      WHERE s.flags & 8 = 0 AND s.customer_id IS NOT NULL
        AND (k.customer_id IS NULL OR k.flags & 1 OR (s.flags | k.flags) & 2 = 0)) AS x
WHERE stage_card.record = x.record;
