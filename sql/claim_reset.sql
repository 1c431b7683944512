-- After claim_store.sql, and after the deletions of a load: whose ids new rows may get, which nobody claimed. Both to the
-- same: what is set here is not yet seen here.
UPDATE claimed
SET after = min(last, coalesce((SELECT max(id) FROM card), 0)), last = min(last, coalesce((SELECT max(id) FROM card), 0));
