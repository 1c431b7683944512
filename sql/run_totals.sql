SELECT count(*), coalesce(sum(requests), 0), coalesce(sum(tokens), 0),
       coalesce(sum(coalesce(ended_ms, last_ms, started_ms) - started_ms), 0)
FROM run;
