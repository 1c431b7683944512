#!/bin/bash
# purge: finished rows go, totals and digests stay, a nightly extract with purged cards sends none of them again;
# --dry-run; refused beside a run.
# shellcheck source=tests/flow.sh
. "$(dirname "$0")/flow.sh"
flow_begin
RULES=(--set enroll.locale=pt_BR --set enroll.owner_bid=0001 --set input.skip_status=CLOSED)
PEOPLE=first_name,last_name,emails,phones,billing_address_line1,billing_country_code
DATA='Ana,Lua,ana@example.com,5511955577001,Rua Um 1,BRA'
{
    echo "customer_id,account_id,card_id,status,$PEOPLE"
    for row in '11,21,501,' '11,21,502,' '12,21,503,' 13,21,504,CLOSED '14,21,505,'; do
        echo "$row,$DATA"
    done
} >"$WORK/cards.csv"

purge() {
    enroll purge "$@"
}
totals() {
    enroll status --json | jq -c .totals
}

assert_exit 6 purge --older-than 90d
assert_exit 2 purge
assert_exit 2 purge --older-than soon
start_sandbox --already 11,14
assert_exit 0 submit "${RULES[@]}" --cards "$WORK/cards.csv"
assert_eq "states" '501 already
502 held
503 accepted
504 skipped
505 already' "$(results "$OUT" | awk -F'\t' '{ print $6 " " $7 }')"
before=$(totals)

assert_exit 0 purge --older-than 90d
assert_eq "nothing is so old" '           0  rows purged; totals and digests stay' "$(cat "$WORK/stdout")"
# 100 days ago.
sqlite3 "$LEDGER" 'UPDATE card SET updated_ms = updated_ms - 8640000000'
assert_exit 0 purge --older-than 90d --dry-run
assert_eq "dry run" '           1  skipped
           2  already
           3  rows would be purged; totals and digests stay
dry run: nothing was changed' "$(cat "$WORK/stdout")"
assert_exit 0 purge --older-than 90d --dry-run --json
assert_eq "dry run as JSON" '{"schema_version":1,"dry_run":true,"rows":3,"from":{"skipped":1,"already":2}}' "$(jq -c . "$WORK/stdout")"
assert_eq "a dry run changes nothing" 0 "$(sql "$LEDGER" 'SELECT count(*) FROM card_now WHERE file = 0')"

exec 9>>"$LEDGER.lock"
flock -n 9 || die "cannot hold the ledger"
assert_exit 75 purge --older-than 90d
exec 9>&-

assert_in "the words of an answer, before" 'customer already on click to pay' "$LEDGER"
assert_exit 0 purge --older-than 90d
assert_eq "their bytes are gone" "" "$(grep -al 'already on click to pay' "$LEDGER"*)"
assert_in "three" '^ +3  rows purged; totals and digests stay$' "$WORK/stdout"
assert_eq "totals" "$before" "$(totals)"
assert_exit 0 enroll report --out "$OUT"
assert_eq "results.csv without them" '502 held
503 accepted' "$(results "$OUT" | awk -F'\t' '{ print $6 " " $7 }')"
assert_exit 0 enroll show --card 501
assert_in "show says so" '^  purged +its record and its story were erased$' "$WORK/stdout"
assert_exit 2 enroll retry --card 501
assert_in "there is nothing to retry" 'card 501 \(already\) cannot be retried: it was purged' "$WORK/stderr"
assert_eq "digests" "$(sha256sum <"$WORK/cards.csv" | cut -d' ' -f1)" "$(enroll status --json | jq -r '.files[0].sha256')"

# What a purge was cut off from giving back, the next one gives back.
sqlite3 "$LEDGER" "CREATE TABLE room (t); INSERT INTO room VALUES (zeroblob(400000)); DROP TABLE room;
    UPDATE meta SET value = 1 WHERE key = 'unshrunk'"
[ "$(stat -c %s "$LEDGER")" -gt 400000 ] || fault "the ledger did not grow"
assert_exit 0 purge --older-than 90d
[ "$(stat -c %s "$LEDGER")" -lt 400000 ] || fault "the ledger did not shrink"

# The same file, then an extract of other bytes with one new card of customer 14.
: >"$JOURNAL"
assert_exit 0 submit "${RULES[@]}" --cards "$WORK/cards.csv"
{
    cat "$WORK/cards.csv"
    echo "14,21,506,,$DATA"
    echo "15,21,507,,$DATA"
} >"$WORK/newer.csv"
assert_exit 0 submit "${RULES[@]}" --cards "$WORK/newer.csv"
stop_sandbox
assert_eq "known, new, re-pointed" "4 2 1" "$(enroll status --json | jq -r '.files[] | select(.file == "newer.csv") | "\(.known) \(.new) \(.repointed)"')"
assert_eq "only the new customer's card is sent" '507 202' "$(journal_enrols | awk -F'\t' '{ print $1, $5 }')"
assert_eq "a further card of a purged one is held" '506 held' "$(results "$OUT" | awk -F'\t' '$6 == 506 { print $6 " " $7 }')"

flow_end
