-- Counted where it is read: a GROUP BY would sort all rows. File and record tell whether they stand in input order.
SELECT state, file, record FROM card_now ORDER BY id;
