-- The ledger. No personal data: a row is a place in a file that is bound by its digest, plus Pismo's numbers,
-- states, counters, codes and times. Times are Unix milliseconds. State numbers: table state.
CREATE TABLE meta (key TEXT PRIMARY KEY, value ANY NOT NULL) STRICT;
CREATE TABLE state (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, final INTEGER NOT NULL) STRICT;
CREATE TABLE file (
    id INTEGER PRIMARY KEY,
    carries INTEGER NOT NULL,         -- 1 cards, 2 customers, 3 both
    sha256 TEXT NOT NULL,
    size INTEGER NOT NULL,
    path TEXT NOT NULL,               -- where it was seen last, "-": standard input
    loaded_ms INTEGER NOT NULL,
    records INTEGER NOT NULL,
    added INTEGER NOT NULL,           -- records = added + repointed + known + skipped + invalid
    repointed INTEGER NOT NULL,
    known INTEGER NOT NULL,
    skipped INTEGER NOT NULL,
    invalid INTEGER NOT NULL,
    without_card INTEGER NOT NULL DEFAULT 0, -- valid customers without any card when it was loaded
    spool INTEGER NOT NULL DEFAULT 0 CHECK (spool IN (0, 1, 2)), -- 1 its bytes are in a spool file, 2 were
    delimiter TEXT NOT NULL,          -- what it was read with, and is read with again
    encoding TEXT NOT NULL,
    lost INTEGER NOT NULL DEFAULT 0,  -- 1: its rows were given up, and it has not come back since
    idle INTEGER NOT NULL DEFAULT -1  -- as long as it equals meta's `revived`, no row to be sent needs it
) STRICT;
CREATE TABLE file_problem (           -- refused records of a file by code, as they were when it was loaded
    file INTEGER NOT NULL,
    code TEXT NOT NULL,
    n INTEGER NOT NULL,
    line INTEGER NOT NULL,            -- of the first of them
    PRIMARY KEY (file, code)
) STRICT, WITHOUT ROWID;
CREATE TABLE customer (
    customer_id INTEGER PRIMARY KEY,
    file INTEGER NOT NULL,
    record INTEGER NOT NULL,
    line INTEGER NOT NULL,
    offset INTEGER NOT NULL,
    length INTEGER NOT NULL,
    flags INTEGER NOT NULL            -- 1 to skip, 2 has a billing address
) STRICT;
CREATE TABLE refused_customer (
    file INTEGER NOT NULL,
    record INTEGER NOT NULL,
    line INTEGER NOT NULL,
    offset INTEGER NOT NULL,
    length INTEGER NOT NULL,
    customer_id INTEGER,
    mark INTEGER,                     -- keyed hash of the record's bytes where it cannot be told by its number
    flags INTEGER NOT NULL,
    code TEXT NOT NULL,
    field TEXT NOT NULL,
    PRIMARY KEY (file, record)
) STRICT, WITHOUT ROWID;
CREATE INDEX refused_customer_id ON refused_customer (customer_id);
-- The checks are ranges: for a list of values SQLite makes a temporary table for every row.
CREATE TABLE card (
    id INTEGER PRIMARY KEY,           -- order of sending; the correlation ID is made from it
    file INTEGER NOT NULL,            -- 0: purged; its place and its story are erased
    record INTEGER NOT NULL,
    line INTEGER NOT NULL,
    offset INTEGER NOT NULL,
    length INTEGER NOT NULL,
    card_id INTEGER,                  -- NULL: the record gives none that can be used
    customer_id INTEGER,
    account_id INTEGER,
    flags INTEGER NOT NULL,           -- 1 to skip, 2 has a billing address, 4 duplicate, 8 carries its customer
    own_code TEXT,                    -- problems of the record itself, without those of its customer
    own_field TEXT,
    mark INTEGER,
    state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 10),
    uncertain INTEGER NOT NULL DEFAULT 0 CHECK (uncertain BETWEEN 0 AND 1),
    attempts INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    attempts_before INTEGER NOT NULL DEFAULT 0, -- of these, before the last retry or before the card call
    call INTEGER NOT NULL DEFAULT 0 CHECK (call BETWEEN 0 AND 2), -- 0 customer, 1 card, 2 card after "already"
    due_ms INTEGER NOT NULL DEFAULT 0, -- 0: never tried, 1: at once; -1: held until told, its answer was lost
    http_status INTEGER,
    code TEXT,
    field TEXT,
    message TEXT,
    event_id TEXT,                    -- of the event that decided; NULL again after a retry
    event_ms INTEGER,                 -- its own time, 0 none; after a retry: failures up to then are of before
    updated_ms INTEGER NOT NULL
) STRICT;
CREATE TABLE attempt (                -- every attempt that did not settle its card for good; code retry: the command
    card INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    http_status INTEGER,
    code TEXT NOT NULL,
    message TEXT
) STRICT;
CREATE TABLE tally (                  -- totals, kept up in the transaction that changes a row
    kind TEXT NOT NULL CHECK (kind IN ('state', 'http', 'purged', 'accepted')),
    key INTEGER NOT NULL,             -- accepted: the time since when such rows wait for their event
    n INTEGER NOT NULL,
    PRIMARY KEY (kind, key)
) STRICT, WITHOUT ROWID;
CREATE TABLE run (
    id INTEGER PRIMARY KEY,
    started_ms INTEGER NOT NULL,
    last_ms INTEGER,                  -- its last answer
    ended_ms INTEGER,                 -- NULL: it runs, or was killed
    exit_code INTEGER,
    reason TEXT,                      -- why it ended so, as it was told on standard error; NULL: nothing went wrong
    version TEXT NOT NULL,
    requests INTEGER NOT NULL DEFAULT 0,
    tokens INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE pulse (                  -- what one minute of one run brought
    run INTEGER NOT NULL,
    minute INTEGER NOT NULL,          -- minutes since 1970
    answers INTEGER NOT NULL,
    accepted INTEGER NOT NULL,
    transient INTEGER NOT NULL,
    latency_us INTEGER NOT NULL,      -- sum
    latency_max_us INTEGER NOT NULL,
    PRIMARY KEY (run, minute)
) STRICT, WITHOUT ROWID;
CREATE TABLE latency (                -- histogram: bucket b holds answers of up to 2^(b/4) microseconds
    run INTEGER NOT NULL,
    bucket INTEGER NOT NULL,
    n INTEGER NOT NULL,
    PRIMARY KEY (run, bucket)
) STRICT, WITHOUT ROWID;
CREATE TABLE event_wait (             -- events that came before the answer of their row, until that is on record
    card INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    event_id TEXT NOT NULL,
    well INTEGER NOT NULL,            -- 1 enrolled, 0 not
    weak INTEGER NOT NULL,            -- 1 matched by numbers, not by its correlation ID
    message TEXT,
    PRIMARY KEY (card, at_ms, event_id, well, weak)
) STRICT, WITHOUT ROWID;
