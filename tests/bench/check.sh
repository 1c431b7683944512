# shellcheck shell=bash
# check: `ctp-enroll check` beside its peers, on one portfolio with faults: the script that judges by the same rules
# (check_peer.py), Miller that only counts records, and what reading the bytes costs at least. Before any timing the
# script's judgement is compared with ours, record by record. Sourced by tests/bench.sh.

# Debian's own Python where it is there: a version manager in front of it would be timed as well.
PYTHON=/usr/bin/python3
[ -x "$PYTHON" ] || PYTHON=$(command -v python3)

# What all contestants read, and the beginning of two command lines; --out and other options follow.
check_files() { # folder
    FILES=("$1/customers.csv" "$1/cards.csv")
    RECORDS=$(($(cat "${FILES[@]}" | wc -l) - 2)) # no record of make_portfolio holds a line end
    OURS=("$BUILD/ctp-enroll" check --quiet --customers "${FILES[0]}" --cards "${FILES[1]}")
    SCRIPT=("$PYTHON" "$ROOT/tests/bench/check_peer.py" --customers "${FILES[0]}" --cards "${FILES[1]}")
}

# Differences are printed, not judged: a faster program that judges otherwise would be no faster.
compare_check() { # what, folder of the files, options
    echo "$1:"
    check_files "$2"
    shift 2
    "${OURS[@]}" --out "$WORK/ours" "$@" >"$WORK/stdout" 2>"$WORK/stderr"
    assert_eq "exit code of check" 3 $?
    "${SCRIPT[@]}" --out "$WORK/peer" "$@" >"$WORK/stdout" 2>"$WORK/stderr"
    assert_eq "exit code of check_peer.py" 3 $?
    "$PYTHON" "$ROOT/tests/bench/compare.py" "$WORK/ours" "$WORK/peer"
}

check_contest() { # folder, rounds, rounds with the slow peer
    local bytes ROUND SAMPLES=$WORK/$1.samples
    check_files "$WORK/$1"
    cat "${FILES[@]}" >/dev/null # all read from memory
    for ROUND in $(seq "$2"); do
        turn 3 check "${OURS[@]}" --out "$WORK/ours"
        if [ -n "$PYTHON" ] && [ "$ROUND" -le "$3" ]; then
            turn 3 'Python csv, same rules' "${SCRIPT[@]}" --out "$WORK/peer"
        fi
        if command -v mlr >/dev/null; then
            turn 0 "mlr --icsv --ojson count" mlr --icsv --ojson --allow-ragged-csv-input count "${FILES[@]}"
        fi
        turn 0 sha256sum sha256sum "${FILES[@]}"
        turn 0 'wc -l' wc -l "${FILES[@]}"
    done
    bytes=$(cat "${FILES[@]}" | wc -c)
    printf '\ncheck, %s records in %s MiB, %s bytes a record:\n' "$RECORDS" $((bytes >> 20)) $((bytes / RECORDS))
    table "$SAMPLES" "$RECORDS" record
    pairs "$SAMPLES" cpu check 'Python csv, same rules' |
        figure "check, $RECORDS records: CPU / Python, same rules" '%.2f' '<=' 0.35 0.15
    pairs "$SAMPLES" cpu check 'mlr --icsv --ojson count' |
        figure "check, $RECORDS records: CPU / mlr count" '%.2f' '<=' 0.13 0.06
    rm -rf "${WORK:?}/$1" "$WORK/ours" "$WORK/peer"
}

# Seven faulty records in a thousand, as in the sizes that the goals were set with.
check_portfolio() { # folder, cards
    make_portfolio "$1" --customers $(($2 * 4 / 5)) --cards "$2" --bad $(($2 * 7 / 1000)) --shuffle --seed 3
}

bench_check() { # cards of the small contest and its rounds; cards of the large one (0: none) and its rounds
    command -v mlr >/dev/null || echo 'mlr (package miller) is not there and cannot be installed: left out'
    [ -n "$PYTHON" ] || echo 'python3 is not there: its peer is left out'
    check_portfolio small "$1"
    if [ -n "$PYTHON" ]; then
        compare_check "demo data, ctp-enroll and Python script" "$DEMO" --set enroll.owner_bid=1000052 \
            --set 'input.skip_status=OPTED_OUT;CLOSED'
        compare_check "$1 made cards, ctp-enroll and Python script" "$WORK/small"
    fi
    check_contest small "$2" "$2"
    if [ "$3" -gt 0 ]; then
        check_portfolio large "$3"
        check_contest large "$4" 3
    fi
}
