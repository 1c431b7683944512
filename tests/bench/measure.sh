# shellcheck shell=bash disable=SC2034 # what is set here is used by the benches
# measure: what the benches share, sourced after tests/flow.sh. Figures of single runs drift with whatever else the
# machine does; only ratios within a round are comparable, so contestants take turns and the tables pair them. Each
# bench prints its own table as it ends; `figure` keeps the lines of the one table that ends it all.

# What is left for a look after a failure is small: a bench has files of some hundred MiB.
flow_undo() {
    stop_servers
    if [ "$FAILED" -eq 0 ]; then
        rm -rf "$WORK"
    else
        find "$WORK" -type f -size +1M -delete
    fi
}

command -v /usr/bin/time >/dev/null || die "needs /usr/bin/time (package time)"

# Client and server on cores of their own, where there are two. BENCH_CORES=2,3 names others: server, client.
choose_cores() {
    local cores
    ON_SERVER=() ON_CLIENT=()
    cores=${BENCH_CORES:-$(taskset -c -p $$ 2>/dev/null | awk '{
        n = split($NF, part, ",")
        for (i = 1; i <= n; i++) {
            split(part[i], edge, "-")
            for (core = edge[1]; core <= (edge[2] == "" ? edge[1] : edge[2]) && found < 2; core++)
                printf "%s%s", found++ ? "," : "", core
        }
    }')}
    case $cores in
    *,*) ON_SERVER=(taskset -c "${cores%%,*}") ON_CLIENT=(taskset -c "${cores##*,}") ;;
    *) echo 'one core only: client and server share it, which no figure with a goal was set for' ;;
    esac
}
choose_cores

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

# One contestant's turn in round $ROUND, noted in $SAMPLES.
turn() { # wanted exit code, name, command...
    local want=$1 name=$2
    shift 2
    measure "$@"
    assert_eq "exit code of $name" "$want" "$CODE"
    sample "$SAMPLES" "$ROUND" "$name"
}

# The first contestant in the file of samples is the one that the others are compared with.
table() { # file of samples, items of one run, what an item is
    awk -F'\t' -v items="$2" -v item="$3" -f "$ROOT/tests/bench/table.awk" "$1"
}

# ---- the table at the end ----

# One contestant's CPU, clock or peak beside another's: a ratio for each round in which both had a turn.
pairs() { # file of samples, cpu|wall|peak, one, other
    awk -F'\t' -v what="$2" -v one="$3" -v other="$4" '
        BEGIN { at["cpu"] = 3; at["wall"] = 4; at["peak"] = 5 }
        $2 == one { a[$1] = $at[what] }
        $2 == other { b[$1] = $at[what] }
        END { for (round in a) if (b[round] > 0) print a[round] / b[round] }' "$1"
}

# A line of the table: the values of the rounds come on stdin. Goals are shown and compared, never enforced.
figure() { # what, format of a value, '<=' or '>=' or '' without goal, goal, stretch goal or ''
    sort -g | awk -v what="$1" -v form="$2" -v sign="${3:-}" -v goal="${4:-}" -v stretch="${5:-}" \
        -f "$ROOT/tests/bench/figure.awk" >>"$WORK/figures"
}

# A line for a comparison that could not be made, and why.
no_figure() { # what, why
    printf '%s: left out: %s\n' "$1" "$2"
    printf '%s\t-\t\t\t\tleft out: %s\n' "$1" "$2" >>"$WORK/figures"
}

print_figures() {
    local form='%-58s  %-28s %6s  %-8s %-8s  %s\n'
    # shellcheck disable=SC2059 # one format for head and lines
    printf "\n$form" 'medians of paired ratios, or of values where a unit stands' 'median (least..most)' rounds goal \
        stretch ''
    while IFS=$'\037' read -r what value rounds goal stretch verdict; do
        # shellcheck disable=SC2059
        printf "$form" "$what" "$value" "$rounds" "$goal" "$stretch" "$verdict"
    done < <(tr '\t' '\037' <"$WORK/figures") # a tab would be taken for a blank, and empty fields lost
}
