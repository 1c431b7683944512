SELECT coalesce(sum(n), 0) FROM tally WHERE kind = 'accepted' AND key <= :before_ms;
