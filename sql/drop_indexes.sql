-- Before the first load of a ledger.
DROP INDEX IF EXISTS card_live;
DROP INDEX IF EXISTS card_refused;
DROP INDEX IF EXISTS card_number;
DROP INDEX IF EXISTS card_duplicate;
DROP INDEX IF EXISTS card_customer;
DROP INDEX IF EXISTS card_mark;
