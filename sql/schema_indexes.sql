-- Made apart from the tables: a first load builds the large ones in one sort each instead of row by row. A row that is to be
-- sent stands by its state in card_live alone, and not there before it was tried, so that settling it touches no other.
CREATE INDEX IF NOT EXISTS card_live ON card (state, due_ms) WHERE state <= 4 AND (state <> 3 OR due_ms <> 0);
CREATE UNIQUE INDEX IF NOT EXISTS card_number ON card (card_id) WHERE flags & 4 = 0;
CREATE INDEX IF NOT EXISTS card_duplicate ON card (card_id) WHERE flags & 4 <> 0;
CREATE INDEX IF NOT EXISTS card_customer ON card (customer_id);
CREATE INDEX IF NOT EXISTS card_mark ON card (mark) WHERE mark IS NOT NULL;
CREATE INDEX IF NOT EXISTS attempt_card ON attempt (card);
CREATE INDEX IF NOT EXISTS attempt_event ON attempt (card, at_ms, message) WHERE code >= 'event_' AND code < 'event~';
