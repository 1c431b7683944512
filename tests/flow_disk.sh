#!/bin/bash
# shellcheck disable=SC2317 # functions called through assert_exit and traps are reachable
# A full disk, in the load and in mid-submit: exit 7; with room again the next run carries on and finishes. Needs a
# small tmpfs (root); without one the file size limit stands in for the disk.
# shellcheck source=tests/flow.sh
. "$(dirname "$0")/flow.sh"
flow_begin

make_portfolio some --customers 6000 --cards 6600 --seed 91
TRUTH=$WORK/some/truth.json
PORTFOLIO=(--cards "$WORK/some/cards.csv" --customers "$WORK/some/customers.csv")
DISK=$WORK/disk
mkdir "$DISK"

flow_undo() {
    if mountpoint -q "$DISK"; then
        umount "$DISK" || umount -l "$DISK"
    fi
}

finish() { # what
    assert_exit 0 submit "${PORTFOLIO[@]}"
    assert_eq "integrity, $1" ok "$(sql "$LEDGER" 'PRAGMA integrity_check')"
    assert_eq "accepted, $1" "$(json "$TRUTH" .enrollable)" "$(in_state "$OUT" accepted)"
    assert_eq "held, $1" "$(json "$TRUTH" .held)" "$(in_state "$OUT" held)"
    stop_sandbox
    journal_enrols | awk -F'\t' '$6 == "true" { print $1 }' | sort >"$WORK/taken"
    assert_eq "cards taken, $1" "$(json "$TRUTH" .enrollable)" "$(wc -l <"$WORK/taken" | tr -d ' ')"
    assert_eq "cards under two correlation IDs, $1" "" "$(journal_enrols | cut -f1,4 | sort -u | cut -f1 | uniq -d)"
}

says_disk() {
    assert_in "the message speaks of the disk" 'disk|space|full|size' "$WORK/stderr"
}

with_tmpfs() {
    LEDGER=$DISK/ledger.db JOURNAL=$WORK/load.jsonl
    start_sandbox --latency 1ms..3ms --seed 15
    assert_exit 7 submit "${PORTFOLIO[@]}"
    says_disk
    assert_eq "requests before the load was whole" 0 "$(enrol_count)"
    mount -o remount,size=64m "$DISK" || die "cannot enlarge the tmpfs"
    finish "after a full disk in the load"

    # Loaded, stopped, started again with a write-ahead log that has to grow, then filled up from outside.
    LEDGER=$DISK/second.db JOURNAL=$WORK/submit.jsonl
    start_sandbox --latency 1ms..3ms --seed 16
    assert_exit 5 submit "${PORTFOLIO[@]}" --rate 300/s --max-duration 1s
    # shellcheck disable=SC2034 # used in the condition below
    seen=$(journal_lines)
    start_run --rate 600/s
    # shellcheck disable=SC2016 # looked at again each time
    wait_until '[ "$(journal_lines)" -ge $((seen + 300)) ]' 30 || die "the run sent nothing"
    dd if=/dev/zero of="$DISK/filler" bs=4k 2>/dev/null
    wait_run
    assert_eq "exit code when the disk fills in mid-submit" 7 "$RUN_CODE"
    cp "$WORK/run.stderr" "$WORK/stderr"
    says_disk
    rm "$DISK/filler"
    finish "after a full disk in mid-submit"
}

# The limit counts 1024-byte blocks of any one file; SIGXFSZ ignored, a write beyond it fails.
with_file_limit() {
    JOURNAL=$WORK/limit.jsonl
    start_sandbox --latency 1ms..3ms --seed 15
    assert_exit 7 limited "${PORTFOLIO[@]}"
    says_disk
    finish "after a file size limit"
}

limited() {
    (
        trap '' XFSZ
        ulimit -f 400
        submit "$@"
    )
}

# Of a user's ulimit the signal would end the program before it could say a word.
checked() {
    (
        ulimit -f 400
        "$BUILD/ctp-enroll" check "${PORTFOLIO[@]}" --ledger "$WORK/check.db" --out "$WORK/check"
    )
}
assert_exit 7 checked
says_disk

if [ "$(id -u)" = 0 ] && mount -t tmpfs -o size=512k,mode=700 tmpfs "$DISK" 2>/dev/null; then
    with_tmpfs
else
    note "no tmpfs can be mounted here: the file size limit stands in for it"
    with_file_limit
fi

flow_end
