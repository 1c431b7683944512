#!/bin/bash
# Nothing is allocated per card by the program itself: with twice the cards, check, run (plain and TLS) and reconcile
# ask the allocator hardly more often. What still comes beside an exchange or a larger buffer has room in a tenth of a
# call a card; one call with each card has not. Libraries' own calls are not judged: tests/bench/alloc_count.c, which
# counts, tells them apart. The Makefile leaves this flow out of builds with sanitizers, whose allocator it would hide.
# shellcheck source=tests/flow.sh
. "$(dirname "$0")/flow.sh"
flow_begin
COUNTER=$BUILD/bench/alloc_count.so
[ -f "$COUNTER" ] || die "$COUNTER is not built"
CARDS=2000

# The program's own calls are left in $OWN.
counted() { # command...
    rm -f "$WORK/count"
    assert_exit 0 env ALLOC_COUNT="$WORK/count" LD_PRELOAD="$COUNTER" "$@"
    OWN=$(awk '$1 == "program" { print $2 }' "$WORK/count")
    [ "${OWN:-0}" -gt 0 ] || die "nothing was counted: $*"
}

few_more() { # what, calls with $CARDS cards, with twice as many
    note "$1: $2 calls with $CARDS cards, $3 with $((2 * CARDS))"
    [ $(($3 - $2)) -lt $((CARDS / 10)) ] || fault "$1 allocates with every card: $2 calls, then $3"
}

# $FOLDER has the portfolio, $LEDGER and $OUT are its own.
choose() { # cards
    FOLDER=$WORK/of_$1 LEDGER=$WORK/of_$1/ledger.db OUT=$WORK/of_$1/out
    run_options
    INPUT=(--cards "$FOLDER/cards.csv" --customers "$FOLDER/customers.csv" --quiet)
}

counted_run() { # cards, further options
    local cards=$1
    shift
    choose "$cards"
    rm -f "$LEDGER"*
    counted "$BUILD/ctp-enroll" run "${RUN_OPTIONS[@]}" "${INPUT[@]}" --rate 100000/s --concurrency 16 "$@"
    assert_eq 'cards accepted' "$cards" "$(json "$OUT/summary.json" .totals.accepted)"
}

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj '/CN=127.0.0.1' \
    -addext subjectAltName=IP:127.0.0.1 -keyout "$WORK/key.pem" -out "$WORK/cert.pem" 2>"$WORK/openssl.log" ||
    die 'openssl makes no certificate'
for cards in $CARDS $((2 * CARDS)); do
    make_portfolio "of_$cards" --customers "$cards" --cards "$cards" --accounts 1 --shuffle --seed 7
done

# ---- check ----
for cards in $CARDS $((2 * CARDS)); do
    choose $cards
    counted "$BUILD/ctp-enroll" check --out "$OUT" "${INPUT[@]}"
    CALLS[cards]=$OWN
done
few_more check "${CALLS[CARDS]}" "${CALLS[2 * CARDS]}"

# ---- run ----
# A sandbox for each: it knows who was enrolled before.
for cards in $CARDS $((2 * CARDS)); do
    start_sandbox --tls "$WORK/cert.pem,$WORK/key.pem"
    counted_run $cards --base-url "https://127.0.0.1:$PORT/cards-tokenization" \
        --auth-url "https://127.0.0.1:$PORT/passport" --set tls.ca_file="$WORK/cert.pem"
    stop_sandbox
    CALLS[cards]=$OWN
done
few_more 'run over TLS' "${CALLS[CARDS]}" "${CALLS[2 * CARDS]}"

for cards in $CARDS $((2 * CARDS)); do
    start_sandbox --events "$WORK/events_$cards.jsonl"
    counted_run $cards
    stop_sandbox
    CALLS[cards]=$OWN
done
few_more run "${CALLS[CARDS]}" "${CALLS[2 * CARDS]}"

# ---- reconcile ----
for cards in $CARDS $((2 * CARDS)); do
    choose $cards
    counted "$BUILD/ctp-enroll" reconcile --ledger "$LEDGER" --set api.tenant=TN-FLOW "$WORK/events_$cards.jsonl"
    CALLS[cards]=$OWN
    assert_eq 'cards enrolled' "$cards" "$(enroll status --json | jq .totals.enrolled)"
done
few_more reconcile "${CALLS[CARDS]}" "${CALLS[2 * CARDS]}"
flow_end
