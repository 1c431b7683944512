#!/bin/bash
# Identifiers beyond 2^53 arrive digit for digit, in requests, tokens and reports; an empty cell leaves its key out
# (the sandbox refuses empty strings and null, so that every request must be valid).
# shellcheck source=tests/flow.sh
. "$(dirname "$0")/flow.sh"
flow_begin

make_portfolio big --customers 80 --cards 96 --big-ids --shuffle --seed 31
tail -n +2 "$WORK/big/cards.csv" | awk -F, '{ print $3 "\t" $1 "\t" $2 }' | sort >"$WORK/input"
assert_eq "identifiers of fewer than 16 digits in the input" 0 \
    "$(tr '\t' '\n' <"$WORK/input" | awk 'length($0) < 16' | wc -l | tr -d ' ')"
assert_true "the largest identifier is in the input" grep -q 9223372036854775807 "$WORK/input"

start_sandbox --seed 2
assert_exit 0 submit --cards "$WORK/big/cards.csv" --customers "$WORK/big/customers.csv"
stop_sandbox

results "$OUT" | awk -F'\t' '{ print $6 "\t" $4 "\t" $5 }' | sort >"$WORK/output"
assert_same "identifiers of results.csv" "$WORK/input" "$WORK/output"
journal_enrols | cut -f1-3 | sort >"$WORK/sent"
assert_eq "requests" "$(json "$WORK/big/truth.json" .enrollable)" "$(wc -l <"$WORK/sent" | tr -d ' ')"
assert_eq "requests with identifiers of no row" "" "$(comm -13 "$WORK/input" "$WORK/sent")"
assert_eq "requests that were not valid" 0 "$(journal_enrols | awk -F'\t' '$7 != "true"' | wc -l | tr -d ' ')"

# The same through status and show.
card=$(cut -f1 "$WORK/sent" | head -n 1)
assert_exit 0 enroll show --card "$card"
assert_in "show names the card" "$card" "$WORK/stdout"

# Rows with as little as can be: every optional cell empty.
{
    echo customer_id,account_id,card_id,owner_bid,locale,first_name,middle_name,last_name,country_code,emails,phones,national_identifiers,consent_time,consent_version,consent_presenter,billing_address_line1,billing_address_line2,billing_city,billing_state,billing_postal_code,billing_country_code
    echo '9007199254740993,9007199254740995,9007199254740997,0000052,pt_BR,Ada,,Abel,,ada@example.com,+55 11 95555 0100,,,,,Rua A,,,,,'
    echo '9007199254740994,9007199254740995,9007199254740998,0000052,pt_BR,Ada," ",Abel,"",ada@example.com;,+55 11 95555 0100,"",,,,Rua A," ",,,,'
} >"$WORK/sparse.csv"
LEDGER=$WORK/sparse.db JOURNAL=$WORK/sparse.jsonl
start_sandbox --seed 3
assert_exit 0 submit --cards "$WORK/sparse.csv"
stop_sandbox
assert_eq "sparse requests taken" 2 "$(journal_enrols | awk -F'\t' '$5 == 202 && $7 == "true"' | wc -l | tr -d ' ')"

flow_end
