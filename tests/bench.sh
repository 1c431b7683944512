#!/bin/bash
# make bench, make bench-quick: measurements, printed and never judged. First `check` beside its peers, then the CPU and
# speed of a whole run (files, rules, ledger, requests, reports) beside h2load on the same server and with the same
# number of requests, in turn, as ratios of each round; then `reconcile`. QUICK=1 takes sizes that end within three
# minutes; CHECK_CARDS, CHECK_LARGE, CHECK_ROUNDS, CARDS, ROUNDS and EVENTS name other sizes.
# shellcheck source=tests/flow.sh
. "$(dirname "$0")/flow.sh"
flow_begin
# shellcheck source=tests/bench/measure.sh
. "$ROOT/tests/bench/measure.sh"
# shellcheck source=tests/bench/check.sh
. "$ROOT/tests/bench/check.sh"
# shellcheck source=tests/bench/submit.sh
. "$ROOT/tests/bench/submit.sh"
# shellcheck source=tests/bench/events.sh
. "$ROOT/tests/bench/events.sh"
export PYTHONDONTWRITEBYTECODE=1

if [ -n "${QUICK:-}" ]; then
    bench_check "${CHECK_CARDS:-100000}" "${CHECK_ROUNDS:-5}" "${CHECK_LARGE:-0}" 1
    bench_submit "${CARDS:-20000}" "${ROUNDS:-3}"
    bench_events "${EVENTS:-100000}"
else
    bench_check "${CHECK_CARDS:-100000}" "${CHECK_ROUNDS:-7}" "${CHECK_LARGE:-1000000}" 3
    bench_submit "${CARDS:-50000}" "${ROUNDS:-7}"
    bench_events "${EVENTS:-1000000}"
fi
flow_end
