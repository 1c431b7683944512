#!/bin/bash
# Three generations of run, rejects corrected, run, reconcile, retry: whatever went wrong on the way, in the end every card of
# the input stands once in results.csv, in input order, the totals are the input's, and nothing was enrolled twice.
# shellcheck source=tests/flow.sh
. "$(dirname "$0")/flow.sh"
flow_begin
EVENTS=$WORK/events.jsonl
RULES=(--set enroll.locale=pt_BR --set enroll.owner_bid=0001 --set api.enroll_card_path=/v1/clicktopay/visa/enroll/card)
HEADER=customer_id,account_id,card_id,first_name,last_name,emails,phones,billing_address_line1,billing_country_code

# 120 customers with 1, 2 or 3 cards a generation; every ninth record has a country that is none.
make_cards() { # generation
    echo "$HEADER"
    awk -v g="$1" 'BEGIN {
        for (c = 1; c <= 120; c++)
            for (k = 1; k <= 1 + c % 3; k++)
                printf "%d,%d,%d,Ana,Lua,ana%d@example.com,5511955577001,Rua Um %d,%s\n", 1000 + c, 2000 + c, \
                    100000 * g + 10 * c + k, c, c, ++n % 9 ? "BRA" : "UK"
    }'
}
reconcile() {
    enroll reconcile --set api.tenant=TN-FLOW "$EVENTS"
}
# The sandbox writes what it has every 100 ms; its journal has a request before its event.
events_written() {
    [ "$(jq -r 'select(.taken) | .cid' "$JOURNAL" | wc -l)" = "$(jq -r .event_id "$EVENTS" | sort -u | wc -l)" ]
}
# Runs and reconciles until neither changes anything: further cards follow the event of the first.
work() { # options of run
    local before after=
    while :; do
        before=$after
        submit "${RULES[@]}" "$@" >"$WORK/stdout" 2>"$WORK/stderr"
        case $? in 0 | 3) ;; *) die "a run failed: $(tail -n 3 "$WORK/stderr")" ;; esac
        wait_until events_written 20 || die "events are missing"
        assert_exit 0 reconcile
        after=$(enroll status --json | jq -c .totals)
        [ "$before" != "$after" ] || return 0
        set --
    done
}

start_sandbox --events "$EVENTS" --event-faults failure=15%,duplicate=20% --already 10% --fault echo400=12%,500=5% --seed 3
: >"$WORK/input"
for generation in 1 2 3; do
    make_cards $generation >"$WORK/cards.$generation.csv"
    tail -n +2 "$WORK/cards.$generation.csv" | cut -d, -f3 >>"$WORK/input"
    work --cards "$WORK/cards.$generation.csv"
    assert_eq "invalid, generation $generation" 26 "$(enroll status --json | jq .totals.invalid)"
    sed 's/,UK,/,BRA,/' "$OUT/cards.rejects.csv" >"$WORK/corrected.$generation.csv"
    work --cards "$WORK/corrected.$generation.csv"
    assert_eq "invalid, corrected, generation $generation" 0 "$(enroll status --json | jq .totals.invalid)"
    for _ in 1 2; do
        failed=$(enroll status --json | jq '.totals | .rejected + .declined + .exhausted')
        assert_true "something failed, generation $generation" test "$failed" -gt 0
        assert_exit 0 enroll retry --all-failed --reason "generation $generation" --json
        assert_eq "rows tried again, generation $generation" "$failed" "$(json "$WORK/stdout" .rows)"
        work
    done
    enroll report --out "$OUT" >/dev/null || fault "report, generation $generation"
    assert_eq "totals and lines, generation $generation" "$((240 * generation)) $((240 * generation))" \
        "$(json "$OUT/summary.json" '.totals | add') $(results "$OUT" | wc -l)"
    assert_true "nothing waits for an event, generation $generation" test "$(in_state "$OUT" accepted)" = 0
done
stop_sandbox

assert_eq "cards in the input" 720 "$(wc -l <"$WORK/input" | tr -d ' ')"
assert_eq "every card of the input once" "" \
    "$(comm -3 <(sort "$WORK/input") <(results "$OUT" | cut -f6 | sort))"
# Files in the order of their loads, records in their order: those that were right, then those that were corrected.
for generation in 1 2 3; do
    grep -v -e ',UK$' -e '^customer_id' "$WORK/cards.$generation.csv" | awk -F, -v g=$generation '{ print "cards." g ".csv," $3 }'
    grep ',UK$' "$WORK/cards.$generation.csv" | awk -F, -v g=$generation '{ print "corrected." g ".csv," $3 }'
done >"$WORK/order.expected"
results "$OUT" | awk -F'\t' '{ print $1 "," $6 }' >"$WORK/order"
assert_same "input order" "$WORK/order.expected" "$WORK/order"
assert_eq "lines of each file" '214 cards.1.csv
26 corrected.1.csv
214 cards.2.csv
26 corrected.2.csv
214 cards.3.csv
26 corrected.3.csv' "$(results "$OUT" | cut -f1 | uniq -c | awk '{ print $1, $2 }')"
assert_eq "files: records = new + re-pointed + known + skipped + invalid" \
    '240=214+0+0+0+26
26=0+26+0+0+0
240=214+0+0+0+26
26=0+26+0+0+0
240=214+0+0+0+26
26=0+26+0+0+0' \
    "$(json "$OUT/summary.json" '.files[] | "\(.records)=\(.new)+\(.repointed)+\(.known)+\(.skipped)+\(.invalid)"')"
assert_eq "states" "" "$(results "$OUT" | cut -f7 | sort -u | grep -vxE 'enrolled|declined|rejected|held|already')"
[ "$(in_state "$OUT" enrolled)" -ge 600 ] || fault "only $(in_state "$OUT" enrolled) are enrolled"

# The other side: who is enrolled was taken; nothing was taken again after it had succeeded.
assert_eq "enrolled, but not taken" "" "$(comm -23 <(results "$OUT" | awk -F'\t' '$7 == "enrolled" { print $6 }' | sort) \
    <(jq -r 'select(.taken) | .card' "$JOURNAL" | sort -u))"
assert_eq "success twice for a card" "" \
    "$(jq -r 'select(.data.status == "SUCCESS") | "\(.event_id) \(.data.card_id)"' "$EVENTS" | sort -u | cut -d' ' -f2 | sort | uniq -d)"
assert_eq "correlation IDs" "" "$(journal_enrols | cut -f1,4 | sort -u | cut -f1 | grep -v null | uniq -d)"

flow_end
