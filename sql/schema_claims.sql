-- Rows that were never tried are claimed in the order of their ids, and nothing is written into them for it: such a row
-- (ready, due_ms 0) was claimed where its id is at most `last`. A claim is one small row that way, not an update of each.
CREATE TABLE claimed (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    after INTEGER NOT NULL,           -- no row up to this one is claimed in this way any more
    last INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,           -- the latest such claim
    CHECK (after <= last)             -- or rows in flight would be nobody's
) STRICT;
INSERT INTO claimed (id, after, last, at_ms) VALUES (1, 0, 0, 0);
-- Rows as they are, those among them that are in flight without saying so (table claimed): what is told of rows, and
-- what an event finds, comes from here.
CREATE VIEW card_now AS
SELECT id, file, record, line, offset, length, card_id, customer_id, account_id, flags, own_code, own_field, mark,
       iif(flies, 4, state) AS state, uncertain, iif(flies, attempts + 1, attempts) AS attempts, attempts_before, call,
       due_ms, http_status, code, field, message, event_id, event_ms,
       iif(flies, (SELECT at_ms FROM claimed), updated_ms) AS updated_ms
FROM (SELECT *, CASE WHEN state <> 3 OR due_ms <> 0 THEN 0 ELSE id <= (SELECT last FROM claimed) END AS flies
      FROM card);
-- Rows that were never tried and stand in no index, those in flight (4) among them.
CREATE VIEW card_fresh AS
SELECT id, file, customer_id, account_id, flags, iif(id <= (SELECT last FROM claimed), 4, 3) AS state, call FROM card
WHERE id > (SELECT after FROM claimed) AND +state = 3 AND due_ms = 0;
-- Rows that are still to be sent, or are in flight.
CREATE VIEW card_open AS
SELECT id, file, customer_id, account_id, flags, state, call FROM card
WHERE state IN (2, 3, 4) AND state <= 4 AND (state <> 3 OR due_ms <> 0)
UNION ALL
SELECT * FROM card_fresh;
