#!/bin/bash
# retry: by state, code and card; what is refused and why; --dry-run; its story in show; beside a running run; the files
# that the next run will need.
# shellcheck source=tests/flow.sh
. "$(dirname "$0")/flow.sh"
flow_begin
RULES=(--set enroll.locale=pt_BR --set enroll.owner_bid=0001)
PEOPLE=first_name,last_name,emails,phones,billing_address_line1,billing_country_code
DATA='Ana,Lua,ana@example.com,5511955577001,Rua Um 1,BRA'
{
    echo "customer_id,account_id,card_id,$PEOPLE"
    for row in 11,21,501 12,21,502 13,21,503 13,21,504 14,21,505; do
        echo "$row,$DATA"
    done
    echo "15,21,506,${DATA%BRA}UK"
} >"$WORK/cards.csv"

states() {
    results "$OUT" | awk -F'\t' '{ print $6 " " $7 " " $9 }'
}
retry() {
    enroll retry "$@"
}

# ---- no ledger, nothing chosen ----

assert_exit 6 retry --all-failed
assert_exit 2 retry
assert_in "it asks which rows" 'retry needs to know which rows: --state, --code, --card or --all-failed' "$WORK/stderr"

# Customer 12 is there already; everybody else's request is refused once as bad, or fails to the end.
start_sandbox --already 12 --fault echo400=100%
assert_exit 3 submit "${RULES[@]}" --cards "$WORK/cards.csv"
stop_sandbox
assert_eq "states at first" '501 rejected 1
502 rejected 1
503 rejected 1
504 rejected 1
505 rejected 1
506 invalid 0' "$(states)"

# ---- what is refused, and why ----

for state in enrolled skipped invalid ready sent; do
    assert_exit 2 retry --state $state
done
assert_exit 2 retry --state enrolled
assert_in "enrolled" "state: a card that is enrolled cannot be retried: it is enrolled" "$WORK/stderr"
assert_exit 2 retry --state invalid
assert_in "invalid" "its record was refused: correct it" "$WORK/stderr"
assert_exit 2 retry --state "done"
assert_in "no such state" "'done' is none of rejected, declined, exhausted, already, held, accepted" "$WORK/stderr"
assert_exit 2 retry --card 501 --card 506
assert_in "a card that is invalid" "card 506 \(invalid\) cannot be retried" "$WORK/stderr"
assert_exit 2 retry --card 999
assert_in "no such card" "the ledger has no card 999" "$WORK/stderr"
assert_exit 2 retry --card x
for number in 4111111111111111 0000004111111111111111; do
    assert_exit 2 retry --card $number
    assert_in "a card's number is none" 'looks_like_pan' "$WORK/stderr"
    assert_eq "it is not repeated" "" "$(grep -h 41111111 "$WORK/stdout" "$WORK/stderr")"
done
assert_exit 2 retry --state 4111111111111111
assert_eq "nor as a state" "" "$(grep -h 41111111 "$WORK/stdout" "$WORK/stderr")"
assert_exit 2 enroll show --card 4111111111111111
assert_eq "nor by show" "" "$(grep -h 41111111 "$WORK/stdout" "$WORK/stderr")"
assert_exit 2 retry --all-failed --reason 'ann@example.com asked'
assert_exit 2 retry --all-failed --reason 'card 4111 1111 1111 1111'
assert_exit 2 retry --all-failed --reason "$(printf '%0121d' 0)"
assert_exit 2 retry --all-failed --reason $'two\nlines\001'
assert_eq "nothing changed" 5 "$(enroll status --json | jq .totals.rejected)"

# ---- a look, then the thing ----

assert_exit 0 retry --all-failed --dry-run
assert_eq "dry run" '           5  rejected
           5  rows in all: 4 ready, 1 held behind another card
dry run: nothing was changed' "$(cat "$WORK/stdout")"
assert_eq "nothing changed by a look" 5 "$(enroll status --json | jq .totals.rejected)"
assert_exit 0 retry --card 501 --card 503 --reason 'ticket 4711' --json
assert_eq "as JSON" '{"schema_version":1,"dry_run":false,"rows":2,"from":{"rejected":2},"ready":2,"held":0}' "$(jq -c . "$WORK/stdout")"
assert_exit 0 retry --code no_such_code
assert_eq "no row" '           0  rows in all: 0 ready, 0 held behind another card' "$(cat "$WORK/stdout")"
assert_exit 0 retry --code bad_request --state rejected --state declined
assert_eq "by code" '           3  rejected
           3  rows in all: 2 ready, 1 held behind another card
the next run sends them' "$(cat "$WORK/stdout")"
enroll report --out "$OUT" >/dev/null
assert_eq "states after the retries" '501 ready 1
502 ready 1
503 ready 1
504 held 1
505 ready 1
506 invalid 0' "$(states)"
enroll show --card 501 >"$WORK/show"
assert_in "the answer before" '^  attempt 1 +[0-9TZ:.-]+  400 bad_request: ' "$WORK/show"
assert_in "the retry and its reason" '^  retry +[0-9TZ:.-]+  ticket 4711$' "$WORK/show"
assert_eq "the same as JSON" 'ticket 4711 bad_request' \
    "$(enroll show --card 501 --json | jq -r '.rows[0] | "\(.retries[0].reason) \(.failed_attempts[0].code)"')"

# ---- the file is gone ----

mv "$WORK/cards.csv" "$WORK/away.csv"
assert_exit 0 retry --state rejected
assert_eq "no warning for nothing" "" "$(cat "$WORK/stderr")"
start_sandbox --already 12
assert_exit 6 submit "${RULES[@]}"
mv "$WORK/away.csv" "$WORK/cards.csv"
assert_exit 3 submit "${RULES[@]}"
stop_sandbox
assert_eq "states after the next run" '501 accepted 2
502 already 2
503 accepted 2
504 held 1
505 accepted 2
506 invalid 0' "$(states)"
assert_eq "cards under two correlation IDs" "" "$(journal_enrols | cut -f1,4 | sort -u | cut -f1 | uniq -d)"

# ---- accepted ones, only when overdue and only when meant ----

assert_exit 2 retry --card 501
assert_in "it was taken" "card 501 \(accepted\) cannot be retried: it was taken; --state accepted" "$WORK/stderr"
assert_exit 0 retry --state accepted
assert_in "none is overdue" '^ +0  rows in all' "$WORK/stdout"
assert_exit 0 retry --state accepted --card 501 --set events.overdue=1ms
assert_in "a warning" 'cards that were taken are sent again, under the same correlation IDs' "$WORK/stderr"
assert_in "one" '^ +1  accepted' "$WORK/stdout"
mv "$WORK/cards.csv" "$WORK/away.csv"
assert_exit 0 retry --state accepted --card 503 --set events.overdue=1ms
assert_in "a warning for the file" 'rows to be sent need a file that is gone: .*cards.csv rows=2$' "$WORK/stderr"
mv "$WORK/away.csv" "$WORK/cards.csv"
start_sandbox --already 11,12
assert_exit 3 submit "${RULES[@]}"
stop_sandbox
assert_eq "what Pismo had taken is already there" '501 already 3' "$(states | head -n 1)"
assert_eq "cards under two correlation IDs, accepted ones too" "" "$(journal_enrols | cut -f1,4 | sort -u | cut -f1 | uniq -d)"

# ---- a spool file that was removed ----

LEDGER=$WORK/spool.db JOURNAL=$WORK/spool.jsonl
head -n 3 "$WORK/cards.csv" | gzip >"$WORK/packed.csv.gz"
start_sandbox --fault echo400=100%
assert_exit 3 submit "${RULES[@]}" --cards "$WORK/packed.csv.gz"
stop_sandbox
assert_eq "its spool file" "" "$(find "$WORK" -name '*.spool')"
mv "$WORK/packed.csv.gz" "$WORK/away.csv.gz"
assert_exit 0 retry --all-failed
assert_in "a warning for the spool file" 'spool file was removed.*packed.csv.gz' "$WORK/stderr"
mv "$WORK/away.csv.gz" "$WORK/packed.csv.gz"
start_sandbox
assert_exit 0 submit "${RULES[@]}"
stop_sandbox
assert_eq "made again from the file" 2 "$(in_state "$OUT" accepted)"

# ---- by Visa's code in what the event said ----

results "$OUT" | awk -F'\t' -v now="$(date -u +%Y-%m-%dT%H:%M:%S.000Z)" '
    { printf "{\"event_id\":\"e%d\",\"domain\":\"cards-tokenization\",\"event_type\":\"click-to-pay\",\"schema_version\":1,", NR
      printf "\"org_id\":\"TN-FLOW\",\"cid\":\"%s\",\"timestamp\":\"%s\",", $13, now
      printf "\"data\":{\"status\":\"FAILED\",\"reason\":\"VIDC-%d\"}}\n", 4999 + NR }' >"$WORK/events.json"
assert_exit 0 enroll reconcile "$WORK/events.json"
assert_eq "declined" 2 "$(enroll status --json | jq .totals.declined)"
assert_exit 0 retry --code VIDC-500
assert_in "a part of a code is none" '^ +0  rows in all' "$WORK/stdout"
assert_exit 0 retry --code VIDC-5001
assert_in "the card that was declined for it" '^ +1  declined' "$WORK/stdout"
assert_eq "which one" 502 "$(sql "$LEDGER" 'SELECT card_id FROM card_now WHERE state = 3')"

# ---- beside a running run: it sends them too, and everything adds up ----

# shellcheck disable=SC2034 # flow.sh reads them
LEDGER=$WORK/beside.db JOURNAL=$WORK/beside.jsonl
make_portfolio many --customers 400 --cards 400 --seed 3
start_sandbox --fault echo400=50% --seed 4 --latency 1ms..3ms
start_run --cards "$WORK/many/cards.csv" --customers "$WORK/many/customers.csv" --rate 300
# shellcheck disable=SC2016
wait_until '[ "$(enrol_count)" -ge 20 ]' 20 || die "the run sent nothing"
rounds=0
while kill -0 "$RUN_PID" 2>/dev/null && [ $rounds -lt 40 ]; do
    assert_exit 0 retry --state rejected
    rounds=$((rounds + 1))
done
wait_run
case $RUN_CODE in 0 | 3 | 5) ;; *) fault "the run ended with $RUN_CODE: $(tail -n 2 "$WORK/run.stderr")" ;; esac
[ $rounds -gt 1 ] || fault "no retry came beside the run"
stop_sandbox
start_sandbox
enroll retry --state rejected >/dev/null
assert_exit 0 submit
stop_sandbox
assert_eq "all accepted" 400 "$(in_state "$OUT" accepted)"
assert_eq "accepted once each" "" "$(journal_enrols | awk -F'\t' '$5 == 202 { print $1 }' | sort | uniq -d)"
assert_eq "cards under two correlation IDs, beside a run" "" "$(journal_enrols | cut -f1,4 | sort -u | cut -f1 | uniq -d)"

flow_end
