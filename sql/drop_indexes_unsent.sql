-- Before a load that nothing is sent from.
DROP INDEX IF EXISTS card_live;
DROP INDEX IF EXISTS card_duplicate;
DROP INDEX IF EXISTS card_mark;
