-- Where a load gathers its files before it touches the ledger: temporary, nothing of it survives the process.
CREATE TEMP TABLE stage_customer (
    record INTEGER PRIMARY KEY, line INTEGER, offset INTEGER, length INTEGER,
    customer_id INTEGER, mark INTEGER, flags INTEGER, code TEXT, field TEXT);
CREATE TEMP TABLE stage_card (
    record INTEGER PRIMARY KEY,       -- negative: a row of the ledger that is judged anew
    file INTEGER, line INTEGER, offset INTEGER, length INTEGER,
    card_id INTEGER, customer_id INTEGER, account_id INTEGER,
    mark INTEGER, flags INTEGER, code TEXT, field TEXT,
    existing INTEGER);                -- the ledger's row of this card
