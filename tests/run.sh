#!/bin/sh
# run.sh PROGRAM|SCRIPT...: runs the cmocka programs and flow scripts given, names each case, and ends with the
# line "N passed, N failed". A program counts its cases, a script counts one. Scratch space is $BUILD/tmp, where
# each has a folder of its own, so that as many as TEST_JOBS (the number of processors) run at a time: most of
# them wait more than they work. Each one's lines come together when it has ended.
set -u

build=${BUILD:-build}
here=$(pwd)
case $build in /*) ;; *) build=$here/$build ;; esac
mkdir -p "$build/tmp" "$build/log"
export CTP_ENROLL_BIN="$build/ctp-enroll" CTP_SANDBOX_BIN="$build/ctp-sandbox"
export BUILD="$build" TMPDIR="$build/tmp"
export ASAN_OPTIONS="${ASAN_OPTIONS:-detect_leaks=1:abort_on_error=0}"
export UBSAN_OPTIONS="${UBSAN_OPTIONS:-print_stacktrace=1}"
export CMOCKA_MESSAGE_OUTPUT=STDOUT LC_ALL=C.UTF-8
unset NO_COLOR STATE_DIRECTORY

# cmocka tells of every case on a line of its own; a program that dies in one tells nothing of the rest.
count_cases() {
    ok=$(grep -c '^\[ *OK *\]' "$log")
    bad=$(grep '^\[ *FAILED *\]' "$log" | grep -v 'test(s)' | sort -u | wc -l)
    [ "$1" -eq 0 ] || [ "$bad" -gt 0 ] || bad=1
}

show() {
    echo "$name"
    case $program in
    *.sh) [ "$bad" -gt 0 ] || echo "  ok      $name" ;;
    *) sed -n -e 's/^\[ *OK *\] /  ok      /p' "$log" ;;
    esac
    if [ "$bad" -gt 0 ]; then
        echo "  FAILED  $name (exit code $code); the end of $log:"
        tail -n 60 "$log" | sed 's/^/    /'
    fi
}

# One program, as a process of its own: its counts are left in a file beside its log.
run_one() {
    program=$1
    name=$(basename "$program" .sh)
    log=$build/log/$name.log
    case $program in
    *.sh)
        timeout 600 bash "$program" >"$log" 2>&1
        code=$?
        ok=0 bad=1
        [ "$code" -ne 0 ] || { ok=1 bad=0; }
        ;;
    *)
        timeout 300 "$program" >"$log" 2>&1
        code=$?
        count_cases "$code"
        ;;
    esac
    echo "$ok $bad" >"$build/log/$name.count"
    (flock 9 && show) 9>"$build/log/lock"
}

if [ "${1:-}" = --one ]; then
    run_one "$2"
    exit 0
fi
[ $# -gt 0 ] || exit 1
for program; do
    rm -f "$build/log/$(basename "$program" .sh).count"
done
printf '%s\n' "$@" | xargs -P "${TEST_JOBS:-$(nproc)}" -n 1 sh "$0" --one
passed=0
failed=0
for program; do
    ok=0 bad=1 # of one that left no counts
    read -r ok bad <"$build/log/$(basename "$program" .sh).count"
    passed=$((passed + ok))
    failed=$((failed + bad))
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
