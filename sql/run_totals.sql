SELECT count(*), coalesce(sum(requests), 0), coalesce(sum(tokens), 0), coalesce(sum(last_ms - started_ms), 0)
FROM (SELECT requests, tokens, started_ms,
             coalesce(ended_ms, max(started_ms, (SELECT max(minute) * 60000 FROM pulse WHERE pulse.run = run.id)),
                      started_ms) AS last_ms
      FROM run);
