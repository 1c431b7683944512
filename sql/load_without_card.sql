-- :named of the file's valid customers are named by a card: of the cards file loaded with it, whatever that record is
-- worth; where the file came alone, of the ledger.
UPDATE file SET without_card = added + repointed - :named WHERE id = :file;
