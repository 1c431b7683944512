-- How far rows never tried are claimed: to this one, or to the end where none is left.
UPDATE claimed
SET last = coalesce(:last, (SELECT max(id) FROM card)), at_ms = iif(:any, :now, at_ms)
WHERE :any OR last < (SELECT max(id) FROM card);
