# shellcheck shell=bash disable=SC2034 # what is set here is used by the benches
# measure: what the benches share, sourced after tests/flow.sh. Figures of single runs drift with whatever else the
# machine does; only ratios within a round are comparable, so contestants take turns and the table pairs them.

# What is left for a look after a failure is small: a bench has files of some hundred MiB.
flow_undo() {
    if [ "$FAILED" -eq 0 ]; then
        rm -rf "$WORK"
    else
        find "$WORK" -type f -size +1M -delete
    fi
}

command -v /usr/bin/time >/dev/null || die "needs /usr/bin/time (package time)"

# Runs a command; its output is left in $WORK/stdout and $WORK/stderr, its exit code in CODE, seconds of CPU (user and
# system) in CPU, of the clock in WALL, and its peak memory in KiB in PEAK.
measure() {
    local TIMEFORMAT='%3U %3S %3R' user sys
    {
        time /usr/bin/time -q -f %M -o "$WORK/peak" "$@" >"$WORK/stdout" 2>"$WORK/stderr"
        CODE=$?
    } 2>"$WORK/took"
    read -r user sys WALL <"$WORK/took"
    CPU=$(awk -v user="$user" -v sys="$sys" 'BEGIN { printf "%.3f", user + sys }')
    PEAK=$(tail -n 1 "$WORK/peak")
}

# Notes the last measurement of a contestant, the words to show it by, in this round.
sample() { # file of samples, round, name
    printf '%s\t%s\t%s\t%s\t%s\n' "$2" "$3" "$CPU" "$WALL" "$PEAK" >>"$1"
}

# The first contestant in the file of samples is the one that the others are compared with.
table() { # file of samples, items of one run, what an item is
    awk -F'\t' -v items="$2" -v item="$3" -f "$ROOT/tests/bench/table.awk" "$1"
}

