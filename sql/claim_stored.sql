-- After claim_store.sql, and after the deletions of a load: whose ids new rows may get, which nobody claimed.
UPDATE claimed SET last = min(last, coalesce((SELECT max(id) FROM card), 0)), after = last;
