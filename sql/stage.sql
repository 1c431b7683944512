-- Where a load gathers its files before it touches the ledger: temporary, nothing of it survives the process.
-- Of customers only records with problems, and later duplicates: the others are rows of a sort (staged_customer).
CREATE TEMP TABLE stage_customer (
    record INTEGER PRIMARY KEY, line INTEGER, offset INTEGER, length INTEGER,
    customer_id INTEGER, mark INTEGER, flags INTEGER, code TEXT, field TEXT);
CREATE TEMP TABLE stage_card (
    record INTEGER PRIMARY KEY,       -- negative: a row of the ledger that is judged anew
    file INTEGER, line INTEGER, offset INTEGER, length INTEGER,
    card_id INTEGER, customer_id INTEGER, account_id INTEGER,
    mark INTEGER, flags INTEGER, code TEXT, field TEXT,
    joined TEXT,                      -- what only card and customer together show
    existing INTEGER, was INTEGER);   -- the ledger's row of this card, and its state
-- What each record of the cards file is: 1 new, 2 re-pointed, 3 known (taken already, or final: left alone, whatever the
-- record is worth), 4 skipped, 5 invalid.
CREATE TEMP VIEW card_part AS
SELECT record, line,
       CASE WHEN was IS NOT NULL AND (was >= 4 OR (was = 1 AND card_id IS NOT NULL)) THEN 3
            WHEN flags & 17 THEN 4
            WHEN code IS NOT NULL OR joined IS NOT NULL THEN 5
            WHEN existing IS NOT NULL THEN 2
            ELSE 1 END AS part,
       CASE WHEN joined IS NULL THEN code ELSE coalesce(code || ';', '') || joined END AS codes
FROM stage_card WHERE record > 0;
-- What the ledger does not have yet, as it will stand there. State 3 is a customer's first good card, 2 a further one.
CREATE TEMP VIEW card_new AS
SELECT s.record, s.line, s.offset, s.length, s.card_id, s.customer_id, s.account_id, s.flags & 15 AS flags,
       s.code AS own_code, s.field AS own_field, s.mark,
       CASE WHEN s.flags & 17 THEN 1 WHEN s.code IS NOT NULL OR s.joined IS NOT NULL THEN 0
            ELSE iif(s.flags & 32, 2, 3) END AS state,
       iif(s.flags & 17, NULL, CASE WHEN s.joined IS NULL THEN s.code
                                    ELSE coalesce(s.code || ';', '') || s.joined END) AS code,
       iif(s.flags & 17, NULL, CASE WHEN s.joined IS NULL THEN s.field
                                    ELSE coalesce(s.field || ';', '') || (SELECT field FROM joined_field
                                                                          WHERE code = s.joined) END) AS field
FROM stage_card AS s WHERE s.existing IS NULL;
-- Customers whose good cards name more than one account, and that of the first of them.
CREATE TEMP TABLE several (customer_id INTEGER PRIMARY KEY, account_id INTEGER NOT NULL);
-- The column that a joined problem is told of.
CREATE TEMP TABLE joined_field (code TEXT PRIMARY KEY, field TEXT NOT NULL);
INSERT INTO joined_field VALUES ('no_customer', 'customer_id'), ('customer_invalid', 'customer_id'),
    ('customer_two_accounts', 'account_id'), ('required', 'billing_address_line1');
