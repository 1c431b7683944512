-- Before the first load of a ledger: the indexes in which all cards stand, by shuffled numbers.
DROP INDEX IF EXISTS card_number;
DROP INDEX IF EXISTS card_customer;
