-- All that is counted of refused records, which lie scattered over the table. An index that a check builds as well.
CREATE INDEX IF NOT EXISTS card_refused ON card (state, file, code) WHERE state = 0;
