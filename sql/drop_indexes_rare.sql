-- Before a first load with many records that are refused or skipped: only such stand in these.
DROP INDEX IF EXISTS card_refused;
DROP INDEX IF EXISTS card_duplicate;
DROP INDEX IF EXISTS card_mark;
