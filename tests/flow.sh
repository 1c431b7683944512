# shellcheck shell=bash disable=SC2034 # what is set here is used by the flows
# flow: what the flow tests share. Sourced first by tests/flow_*.sh; BUILD names the build folder.
#
# A flow drives the finished programs as a user does and judges what can be seen from outside: exit codes, reports,
# the sandbox's journal. Every flow has a fresh folder, $WORK; its end stops what it started. A failed assertion is
# printed and counted, so that one run shows them all; flow_end turns the count into the exit code. Waits are polls
# of a condition with a bound. ctp-enroll must write nothing outside $WORK: HOME and STATE_DIRECTORY point into it.

set -u
LC_ALL=C.UTF-8
export LC_ALL
FLOW=$(basename "$0" .sh)
ROOT=$(cd "$(dirname "$0")/.." && pwd)
BUILD=${BUILD:-build}
case $BUILD in /*) ;; *) BUILD=$ROOT/$BUILD ;; esac
WORK=$BUILD/tmp/$FLOW
LEDGER=$WORK/ledger.db
OUT=$WORK/out
JOURNAL=$WORK/journal.jsonl
DEMO=$ROOT/testdata/demo
FAILED=0
SANDBOX_PID=
RUN_PID=
RUN_CODE=
PORT=

RESULTS_HEADER=file,record,line,customer_id,account_id,card_id,state,uncertain,attempts,http_status,code,message,cid,event_id,updated_at

note() {
    printf '%s: %s\n' "$FLOW" "$*" >&2
}

fault() {
    note "FAILED: $*"
    FAILED=$((FAILED + 1))
}

die() {
    note "cannot go on: $*"
    exit 1
}

flow_cleanup() {
    trap - EXIT
    stop_run
    stop_sandbox
    if declare -F flow_undo >/dev/null; then
        flow_undo
    fi
}

flow_begin() {
    local name
    for name in $(compgen -e CTP_ENROLL_); do
        unset "$name"
    done
    [ -x "$BUILD/ctp-enroll" ] || die "$BUILD/ctp-enroll is not built"
    [ -x "$BUILD/ctp-sandbox" ] || die "$BUILD/ctp-sandbox is not built"
    rm -rf "$WORK"
    mkdir -p "$WORK" || die "cannot make $WORK"
    export HOME=$WORK STATE_DIRECTORY=$WORK
    export CTP_ENROLL_AUTH_SERVER_KEY=flow-key CTP_ENROLL_AUTH_SERVER_SECRET=flow-secret
    trap flow_cleanup EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
}

flow_end() {
    if [ "$FAILED" -gt 0 ]; then
        note "$FAILED failed; see $WORK"
        exit 1
    fi
    note ok
    exit 0
}

# ---- assertions ----

assert_eq() { # what, expected, actual
    [ "$2" = "$3" ] || fault "$1: expected '$2', got '$3'"
}

assert_true() { # what, command...
    local what=$1
    shift
    "$@" || fault "$what"
}

# The command's output is left in $WORK/stdout and $WORK/stderr.
assert_exit() { # code, command...
    local want=$1 got
    shift
    "$@" >"$WORK/stdout" 2>"$WORK/stderr"
    got=$?
    [ "$got" = "$want" ] || {
        fault "exit code $got instead of $want: $*"
        tail -n 5 "$WORK/stderr" >&2
    }
}

assert_same() { # what, expected file, actual file
    cmp -s "$2" "$3" || {
        fault "$1"
        diff "$2" "$3" | head -n 20 >&2
    }
}

assert_in() { # what, pattern (extended, any letter case), file
    grep -Eqi -- "$2" "$3" || fault "$1: nothing like '$2' in $3"
}

# ---- waiting ----

wait_until() { # condition, bound in seconds
    local end=$((SECONDS + $2))
    until eval "$1"; do
        [ $SECONDS -lt $end ] || return 1
        sleep 0.02
    done
}

# ---- the programs ----

start_sandbox() { # arguments of ctp-sandbox
    rm -f "$WORK/port"
    "$BUILD/ctp-sandbox" --port 0 --port-file "$WORK/port" --journal "$JOURNAL" "$@" >>"$WORK/sandbox.log" 2>&1 &
    SANDBOX_PID=$!
    # shellcheck disable=SC2016 # the condition is expanded at each look
    wait_until '[ -s "$WORK/port" ] || ! kill -0 "$SANDBOX_PID" 2>/dev/null' 10
    [ -s "$WORK/port" ] || die "the sandbox did not start: $(tail -n 3 "$WORK/sandbox.log")"
    PORT=$(tr -d ' \n' <"$WORK/port")
}

stop_sandbox() {
    if [ -n "$SANDBOX_PID" ]; then
        kill "$SANDBOX_PID" 2>/dev/null
        wait "$SANDBOX_PID" 2>/dev/null
        SANDBOX_PID=
    fi
}

make_portfolio() { # folder name, arguments of make_portfolio
    local folder=$WORK/$1
    shift
    "$BUILD/make_portfolio" --out "$folder" "$@" || die "make_portfolio failed"
}

enroll() { # command, its options
    local command=$1
    shift
    "$BUILD/ctp-enroll" "$command" --ledger "$LEDGER" "$@"
}

# Short pauses, because the remote side is on this machine.
run_options() {
    RUN_OPTIONS=(--ledger "$LEDGER" --out "$OUT" --tenant TN-FLOW --base-url "http://127.0.0.1:$PORT/cards-tokenization"
        --auth-url "http://127.0.0.1:$PORT/passport" --set pace.rate=2000/s --set pace.token_rate=2000/s
        --set retry.base=50ms --set retry.cap=1s --set retry.max_attempts=20)
}

submit() { # options of run
    run_options
    "$BUILD/ctp-enroll" run "${RUN_OPTIONS[@]}" "$@"
}

# A run in the background; $RUN_PID is ctp-enroll itself, so that signals reach it.
start_run() { # options of run
    run_options
    "$BUILD/ctp-enroll" run "${RUN_OPTIONS[@]}" "$@" >"$WORK/run.stdout" 2>"$WORK/run.stderr" &
    RUN_PID=$!
}

# Waits for the run in the background; its exit code is in $RUN_CODE.
wait_run() {
    wait "$RUN_PID" 2>/dev/null
    RUN_CODE=$?
    RUN_PID=
}

stop_run() {
    if [ -n "$RUN_PID" ]; then
        kill -s KILL "$RUN_PID" 2>/dev/null
        wait_run
    fi
}

# ---- looking ----

json() { # file, jq filter
    jq -r "$2" "$1"
}

sql() { # ledger, query
    sqlite3 "$1" "$2"
}

# A CSV file as one line a record, cells parted by tabs; a line break inside a cell becomes \n, a tab a blank.
csv_cells() { # file
    LC_ALL=C awk '
        function emit(text,    n, i, c, cell, quoted, line) {
            n = length(text); cell = ""; line = ""; quoted = 0
            for (i = 1; i <= n; i++) {
                c = substr(text, i, 1)
                if (quoted && c == "\"" && substr(text, i + 1, 1) == "\"") { cell = cell c; i++ }
                else if (c == "\"") quoted = !quoted
                else if (c == "," && !quoted) { line = line cell "\t"; cell = "" }
                else if (c == "\n") cell = cell "\\n"
                else if (c == "\t") cell = cell " "
                else if (c != "\r") cell = cell c
            }
            print line cell
        }
        {
            text = open ? text "\n" $0 : $0
            quotes += gsub(/"/, "\"", $0)
            open = quotes % 2
            if (!open) { if (text != "" && text != "\r") emit(text); quotes = 0 }
        }
        END { if (open) emit(text) }' "$1"
}

# The records of results.csv without the header, cells parted by tabs.
results() { # report folder
    csv_cells "$1/results.csv" | tail -n +2
}

# How many records stand in a state.
in_state() { # report folder, state
    results "$1" | awk -F'\t' -v state="$2" '$7 == state { n++ } END { print n + 0 }'
}

# The enrol requests of the journal: card, customer, account, cid, status, taken, valid. Taken out as text: jq 1.6
# would round identifiers beyond 2^53.
journal_enrols() {
    awk '
        function value(key,    at, rest) {
            at = index($0, "\"" key "\":")
            if (!at) return ""
            rest = substr($0, at + length(key) + 3)
            sub(/^ */, "", rest)
            if (substr(rest, 1, 1) == "\"") { rest = substr(rest, 2); sub(/".*/, "", rest) }
            else sub(/[,}].*/, "", rest)
            return rest
        }
        value("path") ~ /clicktopay/ {
            print value("card") "\t" value("customer") "\t" value("account") "\t" value("cid") "\t" \
                  value("status") "\t" value("taken") "\t" value("valid") "\t" value("fault")
        }' "$JOURNAL"
}

enrol_count() {
    [ -f "$JOURNAL" ] && journal_enrols | wc -l | tr -d ' ' || echo 0
}

# Lines of the journal so far; cheap, for waiting. The sandbox writes a line within 100 ms, and all at its end:
# exact counts are taken after stop_sandbox.
journal_lines() {
    [ -f "$JOURNAL" ] && wc -l <"$JOURNAL" | tr -d ' ' || echo 0
}
