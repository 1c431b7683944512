#!/bin/bash
# Further cards: held while there is no card path; by the card call, one after the other, once their customer is there;
# a first card that is "already" there follows by it too; the path set later, emptied, wrong; the sandbox judges bodies.
# shellcheck source=tests/flow.sh
. "$(dirname "$0")/flow.sh"
flow_begin
CARD_PATH=/v1/clicktopay/visa/enroll/card
WITH_PATH=(--set "api.enroll_card_path=$CARD_PATH")
RULES=(--set enroll.locale=pt_BR --set enroll.owner_bid=0001)

PEOPLE=first_name,last_name,emails,phones,billing_address_line1,billing_country_code
DATA='Ana,Lua,ana@example.com,5511955577001,Rua Um 1,BRA'
# Customer 11 and 12 are on Click to Pay already; 12 has one card; 13 and 14 are not.
{
    echo "customer_id,account_id,card_id,$PEOPLE"
    for row in 11,21,501 11,21,502 11,21,503 12,22,504 13,23,505 13,23,506 14,24,507; do
        echo "$row,$DATA"
    done
} >"$WORK/cards.csv"

states() {
    results "$OUT" | awk -F'\t' '{ print $6 " " $7 " " $9 }'
}
# card, the call's last word, status, in the order of the requests
calls() {
    jq -r 'select(.path | test("clicktopay")) | "\(.card) \(.path | sub(".*/"; "")) \(.status) \(.valid)"' "$JOURNAL"
}
calls_of() { # customer's cards
    calls | grep -E "^($1) "
}

# ---- the path is there from the start ----

LEDGER=$WORK/set.db JOURNAL=$WORK/set.jsonl
start_sandbox --already 11,12 --latency 2ms..6ms
assert_exit 0 submit "${RULES[@]}" "${WITH_PATH[@]}" --cards "$WORK/cards.csv"
stop_sandbox
assert_eq "states with a path" '501 accepted 2
502 accepted 1
503 accepted 1
504 accepted 2
505 accepted 1
506 held 0
507 accepted 1' "$(states)"
assert_eq "calls of a customer that is there, in their order" '501 customer 400 true
501 card 202 true
502 card 202 true
503 card 202 true' "$(calls_of '501|502|503')"
assert_eq "calls of the others" '504 card 202 true
504 customer 400 true
505 customer 202 true
507 customer 202 true' "$(calls_of '504|505|506|507' | sort)"
assert_eq "two requests of a customer at once" "" "$(calls | awk '$3 == 409')"
assert_eq "one correlation ID a card" "" "$(journal_enrols | cut -f1,4 | sort -u | cut -f1 | uniq -d)"
enroll show --card 501 >"$WORK/show" || fault "show"
assert_in "show tells the first answer" '^  attempt 1 +[0-9TZ:.-]+  400 already_on_click_to_pay: customer already on click to pay$' "$WORK/show"
assert_in "show tells the call" '^  call +card$' "$WORK/show"
enroll show --card 506 >"$WORK/show" || fault "show"
assert_in "show tells what holds a card back" '^  other card +505 accepted: it awaits its event$' "$WORK/show"
assert_eq "the same as JSON" '[{"card_id":505,"state":"accepted","holds_back":"awaits its event"}]' \
    "$(enroll show --card 506 --json | jq -c '.rows[0].customer_cards')"

# ---- no path, then one, then none, then one ----

LEDGER=$WORK/later.db JOURNAL=$WORK/later.jsonl
start_sandbox --already 11,12
assert_exit 0 submit "${RULES[@]}" --cards "$WORK/cards.csv"
assert_eq "states without a path" '501 already 1
502 held 0
503 held 0
504 already 1
505 accepted 1
506 held 0
507 accepted 1' "$(states)"
assert_exit 0 submit "${RULES[@]}"
assert_eq "nothing goes by the card call" "" "$(calls | grep ' card ')"
enroll show --card 502 >"$WORK/show"
assert_in "show tells that the path is missing" '^  other card +501 already: it is there, and api.enroll_card_path is not set$' "$WORK/show"
assert_exit 0 submit --dry-run "${RULES[@]}" "${WITH_PATH[@]}"
assert_in "the plan knows them" '^plan: 2 requests' "$WORK/stdout"
stop_sandbox

# The sandbox is away: what would go by the card call stays, and is held or already again without the path.
start_sandbox --already 11,12 --fault 503=100%
assert_exit 5 submit "${RULES[@]}" "${WITH_PATH[@]}" --max-duration 1s --set retry.base=10m
assert_eq "ready for the card call" '501 ready
504 ready' "$(results "$OUT" | awk -F'\t' '$7 == "ready" { print $6 " " $7 }')"
assert_exit 0 submit "${RULES[@]}"
assert_eq "already again" '501 already
504 already' "$(results "$OUT" | awk -F'\t' '$7 == "already" { print $6 " " $7 }')"
stop_sandbox
start_sandbox --already 11,12
assert_exit 0 submit "${RULES[@]}" "${WITH_PATH[@]}"
stop_sandbox
assert_eq "states with a path that came later" '501 accepted
502 accepted
503 accepted
504 accepted
505 accepted
506 held
507 accepted' "$(states | cut -d' ' -f1,2)"
assert_eq "accepted once each" '501 card
502 card
503 card
504 card
505 customer
507 customer' "$(calls | awk '$3 == 202 { print $1, $2 }' | sort)"

# ---- a path that leads nowhere ends the run and loses nothing ----

LEDGER=$WORK/wrong.db JOURNAL=$WORK/wrong.jsonl
start_sandbox --already 11,12
assert_exit 4 submit "${RULES[@]}" --set api.enroll_card_path=/v1/nowhere --cards "$WORK/cards.csv"
assert_in "it is named" '404|not_found' "$WORK/stderr"
assert_exit 2 submit "${RULES[@]}" --set api.enroll_card_path=v1/card
assert_exit 0 submit "${RULES[@]}" "${WITH_PATH[@]}"
stop_sandbox
assert_eq "states after a wrong path" '501 accepted
502 accepted
503 accepted
504 accepted
505 accepted
506 held
507 accepted' "$(states | cut -d' ' -f1,2)"

# ---- files that are gone ----

LEDGER=$WORK/gone.db JOURNAL=$WORK/gone.jsonl
start_sandbox --already 11,12
cp "$WORK/cards.csv" "$WORK/gone.csv"
printf '\n' >>"$WORK/gone.csv"
assert_exit 0 submit "${RULES[@]}" --cards "$WORK/gone.csv"
rm "$WORK/gone.csv"
# 502 would be due now, so the run stops; 501 and 504 are what they were.
assert_exit 6 submit "${RULES[@]}" "${WITH_PATH[@]}"
assert_in "the file is named" 'gone.csv' "$WORK/stderr"
assert_eq "nothing by the card call" "" "$(calls | grep ' card ')"
assert_eq "already stays" 2 "$(in_state "$OUT" already)"
stop_sandbox

# ---- kill -9 at any moment: nothing is sent twice under another ID, no two requests of a customer at once ----

# shellcheck disable=SC2034 # flow.sh reads them
LEDGER=$WORK/kill.db JOURNAL=$WORK/kill.jsonl
make_portfolio many --customers 60 --cards 180 --seed 5
start_sandbox --already 50% --latency 5ms..20ms --seed 9
# shellcheck disable=SC2034 # the condition reads them
for more in 20 25 30; do
    before=$(enrol_count)
    start_run "${WITH_PATH[@]}" --cards "$WORK/many/cards.csv" --customers "$WORK/many/customers.csv" --rate 200
    # shellcheck disable=SC2016
    wait_until '[ "$(enrol_count)" -ge $((before + more)) ]' 20 || die "the run sent nothing"
    stop_run
done
assert_exit 0 submit "${WITH_PATH[@]}" --cards "$WORK/many/cards.csv" --customers "$WORK/many/customers.csv"
stop_sandbox
assert_eq "invalid requests" 0 "$(jq -r 'select(.path | test("clicktopay")) | select(.valid | not) | .card' "$JOURNAL" | wc -l | tr -d ' ')"
assert_eq "cards under two correlation IDs" "" "$(journal_enrols | cut -f1,4 | sort -u | cut -f1 | grep -v null | uniq -d)"
assert_eq "rows" 180 "$(results "$OUT" | wc -l | tr -d ' ')"
assert_eq "only accepted and held" "accepted
held" "$(results "$OUT" | cut -f7 | sort -u)"

flow_end
