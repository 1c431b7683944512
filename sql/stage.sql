-- Where a load gathers its files before it touches the ledger: temporary, nothing of it survives the process.
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
CREATE TEMP TABLE duplicate (id INTEGER PRIMARY KEY, first INTEGER NOT NULL);
CREATE TEMP TABLE several (customer_id INTEGER PRIMARY KEY, first INTEGER NOT NULL, account_id INTEGER NOT NULL);
-- The column that a joined problem is told of.
CREATE TEMP TABLE joined_field (code TEXT PRIMARY KEY, field TEXT NOT NULL);
INSERT INTO joined_field VALUES ('no_customer', 'customer_id'), ('customer_invalid', 'customer_id'),
    ('customer_two_accounts', 'account_id'), ('required', 'billing_address_line1');
