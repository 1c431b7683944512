#!/bin/bash
# kill -9 at random moments of load, mint, submit and settle, with answers that get lost, KILL_ROUNDS times (default
# 8), then the same command again: every valid card is taken once, nothing is sent after its answer was recorded, a
# card keeps its correlation ID, the ledger is sound and its totals add up. After each PART rounds a new portfolio
# begins, so that loads are met too. SEED repeats a sequence of moments. KILL_ROUNDS=1000 takes about half an hour.
# shellcheck source=tests/flow.sh
. "$(dirname "$0")/flow.sh"
flow_begin

KILL_ROUNDS=${KILL_ROUNDS:-8}
PART=20
SEED=${SEED:-$$}
RANDOM=$SEED
RATE=600
note "seed $SEED, $KILL_ROUNDS rounds"

# A sound copy: the check must not mend what the next run has to mend.
check_ledger() { # when
    rm -rf "$WORK/copy"
    mkdir "$WORK/copy"
    cp "$LEDGER" "$WORK/copy/ledger.db"
    [ ! -f "$LEDGER-wal" ] || cp "$LEDGER-wal" "$WORK/copy/ledger.db-wal"
    assert_eq "integrity $1" ok "$(sql "$WORK/copy/ledger.db" 'PRAGMA integrity_check' 2>&1)"
}

# Rows whose answer the ledger holds, by correlation ID (the journal knows no card of a request that a fault
# answered), with the time of the look: time TAB cid.
SETTLED=$WORK/settled
remember_settled() {
    enroll report --out "$WORK/snapshot" >/dev/null 2>"$WORK/stderr" || return
    snapshots=$((snapshots + 1))
    results "$WORK/snapshot" |
        awk -F'\t' -v now="$(date -u +%Y-%m-%dT%H:%M:%S.%3NZ)" \
            '$7 == "accepted" || $7 == "already" || $7 == "rejected" { print now "\t" $13 }' >>"$SETTLED"
}

killed=0
kill_often() { # rounds
    local round moment
    for round in $(seq "$1"); do
        # A third of the rounds ends within the load, which takes some tens of milliseconds.
        if [ $((round % 3)) = 1 ]; then
            moment=$((RANDOM % 120))
        else
            moment=$((150 + RANDOM % 900))
        fi
        start_run "${PORTFOLIO[@]}"
        sleep "$(printf '%d.%03d' $((moment / 1000)) $((moment % 1000)))" # the random moment is the test
        stop_run
        case $RUN_CODE in
        137) killed=$((killed + 1)) ;;
        3) ;;
        *) fault "round $round: exit code $RUN_CODE: $(tail -n 1 "$WORK/run.stderr")" ;;
        esac
        [ -s "$LEDGER" ] || continue
        check_ledger "after round $round ($moment ms)"
        remember_settled
    done
}

judge() {
    assert_exit 3 submit "${PORTFOLIO[@]}"
    assert_exit 3 submit
    check_ledger "at the end"
    stop_sandbox
    [ "$snapshots" -gt 0 ] || fault "no report could be made after a kill"

    # Every valid card is taken, and once.
    assert_eq "accepted" "$(json "$TRUTH" .enrollable)" "$(in_state "$OUT" accepted)"
    assert_eq "held" "$(json "$TRUTH" .held)" "$(in_state "$OUT" held)"
    assert_eq "invalid" "$(json "$TRUTH" .card_records_bad)" "$(in_state "$OUT" invalid)"
    assert_eq "records" "$(json "$TRUTH" .card_records)" "$(results "$OUT" | wc -l | tr -d ' ')"
    results "$OUT" | awk -F'\t' '$7 == "accepted" { print $6 }' | sort >"$WORK/accepted"
    journal_enrols | awk -F'\t' '$6 == "true" { print $1 }' | sort >"$WORK/taken"
    assert_same "cards accepted and cards taken" "$WORK/accepted" "$WORK/taken"
    assert_eq "requests that were not valid" 0 "$(journal_enrols | awk -F'\t' '$7 == "false"' | wc -l | tr -d ' ')"

    # One correlation ID a card, one card a correlation ID, the one of results.csv.
    journal_enrols | awk -F'\t' '$1 != "null" { print $1 "\t" $4 }' | sort -u >"$WORK/cids"
    assert_eq "cards under two correlation IDs" "" "$(cut -f1 "$WORK/cids" | uniq -d)"
    assert_eq "correlation IDs of two cards" "" "$(cut -f2 "$WORK/cids" | sort | uniq -d)"
    results "$OUT" | cut -f6,13 | sort -u >"$WORK/cids.results"
    assert_eq "correlation IDs that results.csv does not know" "" "$(comm -23 "$WORK/cids" "$WORK/cids.results")"
    cut -f2 "$WORK/cids.results" | sort -u >"$WORK/cids.known"
    assert_eq "requests under an unknown correlation ID" "" \
        "$(journal_enrols | cut -f4 | sort -u | comm -23 - "$WORK/cids.known")"

    # No request for a card after its answer was seen in the ledger.
    grep clicktopay "$JOURNAL" |
        sed -E 's/.*"time":"([^"]*)".*"cid":"([^"]*)".*/\1\t\2/' |
        awk -F'\t' 'NR == FNR { if (!($2 in seen)) seen[$2] = $1; next }
            $2 in seen && $1 > seen[$2] { print $2, $1 }' "$SETTLED" - >"$WORK/resent"
    assert_eq "requests after a recorded answer" "" "$(head -n 3 "$WORK/resent")"
    [ -s "$SETTLED" ] || fault "no settled card was seen between the rounds"

    # status and results.csv count alike.
    enroll status --json >"$WORK/status.json"
    for state in accepted held ready sent; do
        assert_eq "status and results: $state" "$(in_state "$OUT" $state)" "$(json "$WORK/status.json" ".totals.$state // 0")"
    done
    note "$snapshots looks after kills, $(wc -l <"$SETTLED" | tr -d ' ') settled cards seen, $(enrol_count) requests"
}

part=0
left=$KILL_ROUNDS
while [ "$left" -gt 0 ]; do
    part=$((part + 1))
    rounds=$((left < PART ? left : PART))
    left=$((left - rounds))
    LEDGER=$WORK/ledger.$part.db
    JOURNAL=$WORK/journal.$part.jsonl
    : >"$SETTLED"
    snapshots=0
    customers=$((1500 + 250 * rounds))
    make_portfolio big --customers $customers --cards $((customers * 6 / 5)) --bad 40 --shuffle --seed $((80 + part))
    TRUTH=$WORK/big/truth.json
    PORTFOLIO=(--cards "$WORK/big/cards.csv" --customers "$WORK/big/customers.csv" --set "pace.rate=$RATE/s")
    start_sandbox --latency 2ms..40ms --fault 429=1%,500=1%,reset=1% --seed $((13 + part))
    kill_often $rounds
    judge
    [ "$FAILED" -eq 0 ] || break
    rm -rf "$LEDGER" "$LEDGER"-* "$LEDGER".lock "$JOURNAL" "$OUT" "$WORK/snapshot" "$WORK/big"
done
note "$killed of $KILL_ROUNDS rounds ended by the kill, $part portfolios"

flow_end
