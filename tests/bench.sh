#!/bin/bash
# make bench, make bench-quick: measurements beside peers, printed with the goals that were set for them and never judged.
# Every part prints a table of its own; the last one has a line for each comparison. Contestants take turns, so a line is
# the median of the rounds' ratios. QUICK=1 takes sizes that end within three minutes. BENCH names the parts (check
# submit events scale); BENCH_SCALE=10000000 adds that size; BENCH_CORES=0,1 the cores of server and client.
# shellcheck source=tests/flow.sh
. "$(dirname "$0")/flow.sh"
flow_begin
for part in measure server check submit events scale; do
    # shellcheck source=/dev/null
    . "$ROOT/tests/bench/$part.sh"
done
export PYTHONDONTWRITEBYTECODE=1

# One after the other, each with its sizes.
bench_parts() {
    local part
    for part in ${BENCH:-check submit events scale}; do
        case $part${QUICK:+-quick} in
        check) bench_check 100000 7 1000000 3 ;;
        check-quick) bench_check 50000 3 0 1 ;;
        submit) bench_submit 50000 7 50000 7 7 ;;
        submit-quick) bench_submit 10000 3 5000 3 3 ;;
        events) bench_events 1000000 ;;
        events-quick) bench_events 100000 ;;
        scale) bench_scale 100000 7 1000000 3 ;;
        scale-quick) bench_scale 20000 3 100000 3 ;;
        *) die "BENCH: no part named '$part'" ;;
        esac
    done
}

printf '%s, %s cores%s\n' "$(awk -F': *' '/^model name/ { print $2; exit }' /proc/cpuinfo)" "$(nproc)" \
    "${ON_CLIENT:+; server on core ${ON_SERVER[2]:-}, client on core ${ON_CLIENT[2]:-}}"
bench_parts
print_figures
printf '\n%d s, load of the machine at the end: %s\n' "$SECONDS" "$(cut -d ' ' -f 1-3 /proc/loadavg)"
flow_end
