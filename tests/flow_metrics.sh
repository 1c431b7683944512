#!/bin/bash
# The metrics file: there while a run submits and after its end, however it ends; right by a strict reading of the format
# (tests/metrics_format.awk) and by promtool where that is installed (.ci/promtool fetches it); its numbers are those of
# the reports; kill -9 leaves it whole; what cannot be written is a warning.
# shellcheck source=tests/flow.sh
. "$(dirname "$0")/flow.sh"
flow_begin

PROM=$WORK/collector/ctp.prom
mkdir "$WORK/collector"
PROMTOOL=$(command -v promtool || command -v "$BUILD/promtool" || command -v "$ROOT/build/promtool")
[ -n "$PROMTOOL" ] || note "promtool is not here; the format is judged by metrics_format.awk alone"

assert_page() { # when
    [ -s "$PROM" ] || { fault "no metrics file $1"; return; }
    awk -f "$ROOT/tests/metrics_format.awk" "$PROM" >&2 || fault "the metrics file $1 is against the format"
    [ -z "$PROMTOOL" ] || "$PROMTOOL" check metrics <"$PROM" >"$WORK/promtool" 2>&1 ||
        fault "promtool $1: $(cat "$WORK/promtool")"
    [ -z "$PROMTOOL" ] || [ ! -s "$WORK/promtool" ] || fault "promtool $1: $(cat "$WORK/promtool")"
}

metric() { # series
    SERIES=$1 awk 'index($0, ENVIRON["SERIES"] " ") == 1 { print substr($0, length(ENVIRON["SERIES"]) + 2) }' "$PROM"
}

assert_metric() { # when, series, expected
    assert_eq "$2 $1" "$3" "$(metric "$2")"
}

make_portfolio small --customers 120 --cards 130 --seed 41
FILES=(--cards "$WORK/small/cards.csv" --customers "$WORK/small/customers.csv")
TEXTFILE=(--set metrics.textfile="$PROM" --set metrics.interval=1s)

# The sample rules of docs/operations.md name metrics that are there.
awk '/^groups:/ { on = 1 } /^```/ { on = 0 } on' "$ROOT/docs/operations.md" >"$WORK/rules.yml"
[ -z "$PROMTOOL" ] || "$PROMTOOL" check rules "$WORK/rules.yml" >"$WORK/promtool" 2>&1 ||
    fault "promtool on the sample rules: $(cat "$WORK/promtool")"
assert_in "the sample rules" 'CtpEnrollNeedsPerson' "$WORK/rules.yml"

# Killed on the way: the file is whole, tells of a run at work, and nothing lies beside it that the collector would read.
start_sandbox --latency 100ms..200ms --seed 3
start_run "${FILES[@]}" --concurrency 4 "${TEXTFILE[@]}"
# shellcheck disable=SC2016
wait_until '[ -s "$PROM" ] && [ "$(metric ctp_enroll_requests_total)" -ge 8 ]' 20 || die "no metrics in mid-run"
assert_page "in mid-run"
assert_metric "in mid-run" ctp_enroll_running 1
assert_metric "in mid-run" ctp_enroll_last_exit_code ""
assert_metric "in mid-run" ctp_enroll_run_end_timestamp_seconds 0.000
[ "$(metric ctp_enroll_in_flight)" -ge 1 ] || fault "nothing in flight in mid-run"
[ "$(metric ctp_enroll_limit)" -ge 1 ] || fault "no limit in mid-run"
[ "$(metric 'ctp_enroll_cards{state="ready"}')" -ge 1 ] || fault "nothing ready in mid-run"
stop_run
assert_eq "the run was killed" 137 "$RUN_CODE"
assert_page "after kill -9"
assert_metric "after kill -9" ctp_enroll_running 1
assert_eq "files for the collector" ctp.prom "$(cd "$WORK/collector" && ls -- *.prom)"

# Other commands leave it as it was: its age is what tells of the kill.
cp "$PROM" "$WORK/killed.prom"
assert_exit 0 enroll status "${TEXTFILE[@]}"
assert_same "status wrote the metrics file" "$WORK/killed.prom" "$PROM"
assert_exit 0 enroll report --out "$WORK/between" "${TEXTFILE[@]}"
assert_same "report wrote the metrics file" "$WORK/killed.prom" "$PROM"
stop_sandbox

# A fatal end, with the killed run counted.
start_sandbox --fault html403=100% --seed 3
assert_exit 4 submit "${TEXTFILE[@]}"
stop_sandbox
assert_page "after a fatal answer"
assert_metric "after a fatal answer" ctp_enroll_last_exit_code 4
assert_metric "after a fatal answer" ctp_enroll_running 0
assert_metric "after a fatal answer" ctp_enroll_in_flight 0
assert_metric "after a fatal answer" ctp_enroll_limit 0
assert_metric "after a fatal answer" ctp_enroll_runs_total 2
assert_metric "after a fatal answer" ctp_enroll_last_success_timestamp_seconds 0.000
[ "$(metric 'ctp_enroll_answers_total{status="403"}')" -ge 1 ] || fault "no 403 is counted"

# The end, against the reports and the clock.
begun=$(date +%s)
start_sandbox --seed 3
assert_exit 0 submit "${TEXTFILE[@]}"
stop_sandbox
assert_page "at the end"
for state in invalid skipped held ready sent accepted enrolled declined already rejected exhausted; do
    assert_metric "at the end" "ctp_enroll_cards{state=\"$state\"}" "$(json "$OUT/summary.json" ".totals.$state")"
done
assert_metric "at the end" 'ctp_enroll_cards{state="accepted"}' 120
assert_metric "at the end" 'ctp_enroll_cards{state="held"}' 10
assert_metric "at the end" ctp_enroll_requests_total "$(json "$OUT/summary.json" .requests)"
assert_metric "at the end" ctp_enroll_tokens_total "$(json "$OUT/summary.json" .token_requests)"
assert_metric "at the end" 'ctp_enroll_answers_total{status="202"}' "$(json "$OUT/summary.json" '.http_status["202"]')"
assert_metric "at the end" ctp_enroll_overdue_cards 0
assert_metric "at the end" ctp_enroll_last_exit_code 0
assert_metric "at the end" ctp_enroll_runs_total 3
assert_metric "at the end" ctp_enroll_running 0
assert_metric "at the end" "ctp_enroll_build_info{version=\"$("$BUILD/ctp-enroll" --version | awk 'NR == 1 { print $2 }')\"}" 1
success=$(metric ctp_enroll_last_success_timestamp_seconds)
[ "${success%.*}" -ge "$begun" ] && [ "${success%.*}" -le "$(date +%s)" ] || fault "last success: $success, begun $begun"
assert_eq "mode of the metrics file" 644 "$(stat -c %a "$PROM")"
grep -qE 'csv|ledger|@' "$PROM" && fault "a file's name or an address in the metrics file"

for name in $(grep -oE 'ctp_enroll_[a-z_]+' "$WORK/rules.yml" "$ROOT/docs/operations.md" | cut -d: -f2 | sort -u); do
    grep -qE "^${name}[{ ]" "$PROM" || [ "$name" = ctp_enroll_request_duration_seconds ] || fault "the documentation knows $name"
done
for name in $(awk '/^# TYPE/ { print $3 }' "$PROM"); do
    grep -q "\`$name" "$ROOT/docs/operations.md" || fault "the documentation does not know $name"
done

# Input gone: 6 after the ledger was opened.
LEDGER=$WORK/two.db
start_sandbox --latency 200ms..300ms --seed 3
assert_exit 5 submit "${FILES[@]}" --concurrency 2 --max-duration 300ms "${TEXTFILE[@]}"
stop_sandbox
assert_metric "after a deadline" ctp_enroll_last_exit_code 5
assert_page "after a deadline"
mv "$WORK/small" "$WORK/away"
assert_exit 6 submit "${TEXTFILE[@]}"
assert_metric "with its input gone" ctp_enroll_last_exit_code 6
assert_page "with its input gone"
mv "$WORK/away" "$WORK/small"

# Where it cannot be written: a warning, the same end. Nothing else is made.
rm -r "$WORK/collector"
LEDGER=$WORK/three.db
start_sandbox --seed 3
assert_exit 0 submit "${FILES[@]}" "${TEXTFILE[@]}"
stop_sandbox
assert_eq "warnings" 1 "$(grep -c 'the metrics file cannot be written' "$WORK/stderr")"
[ ! -e "$WORK/collector" ] || fault "the folder was made"

# Two portfolios on one machine; a dry run writes nothing.
mkdir "$WORK/collector"
assert_exit 0 submit --dry-run "${TEXTFILE[@]}"
[ ! -e "$PROM" ] || fault "a dry run wrote the metrics file"
assert_exit 0 submit "${TEXTFILE[@]}" --set 'metrics.portfolio=north "1"'
assert_page "with a label"
assert_metric "with a label" 'ctp_enroll_cards{portfolio="north \"1\"",state="accepted"}' 120

flow_end
