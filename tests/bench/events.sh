# shellcheck shell=bash disable=SC2034 # turn uses ROUND and SAMPLES
# events: `ctp-enroll reconcile` on as many accepted cards as events, in random order, the first time and again when all is
# settled; what status and reconcile of nothing take on that ledger; beside what jq takes to parse them, and wc -l. The
# cards are made accepted by hand, because submitting them is measured elsewhere. Sourced by tests/bench.sh.

EVENTS_GOALS='goals: 50,000 events/s, 32 MiB'

# A ledger of that many accepted cards, and their events.
make_events() { # cards
    make_portfolio bench --customers "$1" --cards "$1" --accounts 1000 --seed 7
    LEDGER=$WORK/events.db
    enroll run --cards "$WORK/bench/cards.csv" --customers "$WORK/bench/customers.csv" --out "$WORK/out" --quiet \
        --tenant TN-BENCH --base-url http://127.0.0.1:9/cards-tokenization --auth-url http://127.0.0.1:9/passport \
        --max-duration 100ms >/dev/null 2>&1
    rm -rf "$WORK/bench"
    sqlite3 "$LEDGER" "UPDATE card SET state = 5, attempts = 1, http_status = 202, code = 'accepted',
            updated_ms = 1700000000000 + id / 250 * 250;
        DELETE FROM tally;
        INSERT INTO tally SELECT 'state', 5, count(*) FROM card_now;
        INSERT INTO tally SELECT 'accepted', updated_ms, count(*) FROM card_now GROUP BY updated_ms;"
    enroll report --out "$WORK/out" >/dev/null 2>&1
    tail -n +2 "$WORK/out/results.csv" | awk -F, '{
        ok = NR % 20
        printf "{\"event_id\":\"%08x-0000-4000-8000-%012x\",\"domain\":\"cards-tokenization\",\"event_type\":\"click-to-pay-1\"," \
            "\"schema_version\":1,\"org_id\":\"TN-BENCH\",\"cid\":\"%s\",\"timestamp\":\"2026-01-31T06:30:%02d.000Z\"," \
            "\"data\":{\"account_id\":%s,\"customer_id\":%s,\"card_id\":%s,\"operation\":\"enroll-customer\",\"status\":\"%s\"%s}}\n",
            NR, NR, $13, NR % 60, $5, $4, $6, ok ? "SUCCESS" : "FAILURE", ok ? "" : ",\"reason\":\"VIDC-2003 expired card\""
    }' | shuf --random-source=<(yes) >"$WORK/events.jsonl"
    rm -rf "$WORK/out"
}

bench_events() { # cards
    local ours ROUND=1 SAMPLES=$WORK/events.samples
    make_events "$1"
    ours=("$BUILD/ctp-enroll" reconcile --ledger "$LEDGER" --quiet --set api.tenant=TN-BENCH)
    turn 0 'status, nothing settled' "$BUILD/ctp-enroll" status --ledger "$LEDGER" --json
    turn 0 'reconcile' "${ours[@]}" "$WORK/events.jsonl"
    turn 0 'reconcile again' "${ours[@]}" "$WORK/events.jsonl"
    gzip -1 -k "$WORK/events.jsonl"
    turn 0 'reconcile again, .gz' "${ours[@]}" "$WORK/events.jsonl.gz"
    turn 0 'jq, parsing alone' jq -n 'reduce inputs as $e (0; . + 1)' "$WORK/events.jsonl"
    turn 0 'wc -l' wc -l "$WORK/events.jsonl"
    assert_eq "cards without their outcome" 0 "$(sqlite3 "$LEDGER" 'SELECT count(*) FROM card_now WHERE state NOT IN (6, 7)')"
    printf '\nreconcile, %s events in random order, %s MiB; %s:\n' "$1" $(($(stat -c %s "$WORK/events.jsonl") >> 20)) \
        "$EVENTS_GOALS"
    table "$SAMPLES" "$1" event
    awk -F'\t' -v n="$1" '$2 == "reconcile" { print n / $4 }' "$SAMPLES" |
        figure "reconcile, $1 events: events a second" '%.0f' '>=' 50000
    awk -F'\t' '$2 == "reconcile" { print $5 / 1024 }' "$SAMPLES" | figure 'reconcile: peak RSS, MiB' '%.1f' '<=' 32
    rm -f "$LEDGER" "$LEDGER"-* "$WORK/events.jsonl" "$WORK/events.jsonl.gz"
}
