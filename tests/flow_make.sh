#!/bin/bash
# Goals that are given to make together share one graph: whatever they need is made once, after the packages that it
# needs. Two makes beside each other would write the same archive at the same time.
# shellcheck source=tests/flow.sh
. "$(dirname "$0")/flow.sh"
flow_begin
unset MAKEFLAGS MFLAGS MAKELEVEL

plan() { # goals...
    make -n -C "$ROOT" BUILD="$WORK/none" V=1 "$@" >"$WORK/plan" 2>"$WORK/plan.stderr" || fault "make $*: $(tail -n 1 "$WORK/plan.stderr")"
    assert_eq "make $*: libctp.a is made" 1 "$(grep -c "ar qcs $WORK/none/libctp.a " "$WORK/plan")"
    assert_eq "make $*: ctp-enroll is linked" 1 "$(grep -c -- "-o $WORK/none/ctp-enroll " "$WORK/plan")"
}
line() { # pattern: its first place in the plan
    grep -n -m 1 -- "$1" "$WORK/plan" | cut -d: -f1
}

for goals in 'all test' 'test all' 'all demo' 'demo test' test demo; do
    # shellcheck disable=SC2086 # several words
    plan $goals
    [ "$(line 'deps install build')" -lt "$(line ' -c -o ')" ] || fault "make $goals compiles before it installs"
done
plan all
assert_eq "make all installs nothing" "" "$(line 'deps install')"

flow_end
