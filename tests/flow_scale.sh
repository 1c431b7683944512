#!/bin/bash
# make bench only: peak memory and speed at 10,000 and 1,000,000 cards. Memory must not grow with the portfolio by
# more than 8 MiB. SMALL and LARGE name other sizes; SECONDS_OF_RUN bounds the submitting part.
# shellcheck source=tests/flow.sh
. "$(dirname "$0")/flow.sh"
flow_begin

SMALL=${SMALL:-10000}
LARGE=${LARGE:-1000000}
SECONDS_OF_RUN=${SECONDS_OF_RUN:-20}
GROWTH_MOST_KIB=8192
command -v /usr/bin/time >/dev/null || die "needs /usr/bin/time (package time)"

# Runs a command under time -v; leaves its exit code in CODE, peak KiB in PEAK, milliseconds in TOOK.
measure() {
    local begun
    begun=$(date +%s%3N)
    /usr/bin/time -v -o "$WORK/time" "$@" >"$WORK/stdout" 2>"$WORK/stderr"
    CODE=$?
    TOOK=$(($(date +%s%3N) - begun))
    PEAK=$(awk -F': ' '/Maximum resident set size/ { print $2 }' "$WORK/time")
}

row() { # what, cards
    printf '%-8s %9s cards  %8s ms  %9s cards/s  %7s KiB peak\n' "$1" "$2" "$TOOK" $(($2 * 1000 / (TOOK + 1))) "$PEAK"
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
