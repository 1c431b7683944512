#!/bin/bash
# make bench only: peak memory and speed at 10,000 and 1,000,000 cards. Memory must not grow with the portfolio by
# more than 8 MiB. SMALL and LARGE name other sizes; SECONDS_OF_RUN bounds the run, loading
# included.
# shellcheck source=tests/flow.sh
. "$(dirname "$0")/flow.sh"
flow_begin
# shellcheck source=tests/bench/measure.sh
. "$ROOT/tests/bench/measure.sh"

SMALL=${SMALL:-10000}
LARGE=${LARGE:-1000000}
SECONDS_OF_RUN=${SECONDS_OF_RUN:-60}
GROWTH_MOST_KIB=8192

row() { # what, cards
    awk -v what="$1" -v cards="$2" -v took="$WALL" -v cpu="$CPU" -v peak="$PEAK" 'BEGIN {
        printf "%-8s %9d cards  %8.2f s  %8.2f s of CPU  %9.0f cards/s  %7d KiB peak\n", what, cards, took, cpu,
            cards / (took + 0.001), peak }'
}

compare() { # what, small peak, large peak
    [ $(($3 - $2)) -le $GROWTH_MOST_KIB ] || fault "$1: peak memory grew from $2 to $3 KiB"
}

for cards in "$SMALL" "$LARGE"; do
    make_portfolio "p$cards" --customers $((cards * 5 / 6)) --cards "$cards" --shuffle --seed 101
    files=(--cards "$WORK/p$cards/cards.csv" --customers "$WORK/p$cards/customers.csv")

    measure "$BUILD/ctp-enroll" check "${files[@]}" --out "$WORK/check$cards" --quiet
    assert_eq "exit code of check" 0 "$CODE"
    row check "$cards"
    check_peak[cards]=$PEAK

    LEDGER=$WORK/$cards.db JOURNAL=/dev/null
    start_sandbox --seed 17
    run_options
    measure "$BUILD/ctp-enroll" run "${RUN_OPTIONS[@]}" "${files[@]}" --quiet --rate 100000/s \
        --set pace.token_rate=100000/s --max-duration "${SECONDS_OF_RUN}s"
    case $CODE in 0 | 5) ;; *) fault "exit code of run: $CODE" ;; esac
    sent=$("$BUILD/ctp-enroll" status --ledger "$LEDGER" --json | jq '.totals.accepted')
    row run "$cards"
    printf '         %9s of them accepted\n' "$sent"
    run_peak[cards]=$PEAK
    stop_sandbox
done
compare check "${check_peak[SMALL]}" "${check_peak[LARGE]}"
compare run "${run_peak[SMALL]}" "${run_peak[LARGE]}"

flow_end
