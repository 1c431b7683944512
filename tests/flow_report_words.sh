#!/bin/bash
# Words from outside in the reports: what the API's refusals and the reasons of events say, be it formulas of spreadsheets,
# card numbers or names, starts no formula, and no card number and no name is found anywhere but in the rejects.
# shellcheck source=tests/flow.sh
. "$(dirname "$0")/flow.sh"
flow_begin
RULES=(--set enroll.locale=pt_BR --set enroll.owner_bid=0001)
REST='ana@example.com,5511955577001,Rua Um 1,BRA'
EVENTS=$WORK/events.jsonl
PAN='4111[ -]?1111[ -]?1111[ -]?1111'
cat >"$WORK/cards.csv" <<EOF
customer_id,account_id,card_id,first_name,last_name,emails,phones,billing_address_line1,billing_country_code
11,21,501,@cmd,Zanzibarix,$REST
12,22,502,+4111111111111111,Zanzibarix,$REST
13,23,503,@SUM(A1),Zanzibarix,$REST
14,24,504,-4111 1111 1111 1111,Zanzibarix,$REST
15,25,4111111111111111,Ana,Zanzibarix,$REST
EOF

# Files that hold what they should not.
leaking() {
    grep -rlEai -e "$PAN" -e Zanzibarix "$WORK" | grep -v -e '/cards.csv$' -e '/events.jsonl$' -e '\.rejects\.csv$'
}
formulas() { # report folder
    results "$1" | tr '\t' '\n' | grep -E '^[=+@-]|^[[:space:]]+[=+@-]'
}

# ---- refusals of the API that repeat the request ----

start_sandbox --fault echo400=100%
assert_exit 3 submit "${RULES[@]}" --cards "$WORK/cards.csv" --log-level debug
stop_sandbox
cp "$WORK/stderr" "$WORK/refused.stderr"
assert_eq "states" '501 rejected
502 rejected
503 rejected
504 rejected
 invalid' "$(results "$OUT" | awk -F'\t' '{ print $6 " " $7 }')"
assert_true "the refusals have words" test "$(results "$OUT" | awk -F'\t' '$7 == "rejected" && length($12) > 8' | wc -l)" = 4
assert_eq "formulas of refusals" "" "$(formulas "$OUT")"
assert_eq "card numbers and names of refusals" "" "$(leaking)"

# ---- reasons of events ----

# shellcheck disable=SC2034 # flow.sh uses it
LEDGER=$WORK/events.db
OUT=$WORK/told
start_sandbox
sed -i -e "s/,[=+@-][^,]*,Zanz/,Ana,Zanz/" "$WORK/cards.csv"
assert_exit 3 submit "${RULES[@]}" --cards "$WORK/cards.csv"
stop_sandbox
event() { # card, status, reason as JSON
    local cid
    cid=$(results "$OUT" | awk -F'\t' -v card="$1" '$6 == card { print $13 }')
    printf '{"event_id":"e-%s","domain":"cards-tokenization","event_type":"click-to-pay-1","schema_version":1,"org_id":"TN-FLOW","cid":"%s","timestamp":"%s","data":{"status":"%s","reason":%s}}\n' \
        "$1" "$cid" "$(date -u +%Y-%m-%dT%H:%M:%S.000Z)" "$2" "$3"
}
{
    event 501 '=FAILED' "\"=cmd|' /C calc'!A0\""
    event 502 -FAILED '"card 4111111111111111 of Ana Zanzibarix expired"'
    event 503 @FAILED '{"code":"4111 1111 1111 1111","message":"+1+cmd"}'
    event 504 '+FAILED' '"4111-1111-1111-1111 VIDC-2003 <script>alert(1)</script>"'
} >"$EVENTS"
assert_exit 0 enroll reconcile --set api.tenant=TN-FLOW --set 'events.failure==FAILED;-FAILED;@FAILED;+FAILED' "$EVENTS"
assert_exit 0 enroll report --out "$OUT"
assert_eq "states" '501 declined
502 declined
503 declined
504 declined
 invalid' "$(results "$OUT" | awk -F'\t' '{ print $6 " " $7 }')"
assert_eq "formulas of reasons" "" "$(formulas "$OUT")"
assert_true "the harmless words are left" test "$(results "$OUT" | awk -F'\t' '$12 ~ /card .*expired/' | wc -l)" = 1
enroll show --card 502 >"$WORK/show.txt"
enroll status --json >"$WORK/status.json"
assert_eq "card numbers and names of reasons" "" "$(leaking)"
assert_eq "markup" 0 "$(grep -c '<script' "$OUT/report.html")"
assert_true "the reason's code" grep -q '<code>VIDC-2003</code>' "$OUT/report.html"

flow_end
