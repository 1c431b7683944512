#!/bin/bash
# shellcheck disable=SC2317 # functions called through assert_exit are reachable
# check: the demo data's planted faults come back with their codes, fields and lines; file faults end with 6.
# shellcheck source=tests/flow.sh
. "$(dirname "$0")/flow.sh"
flow_begin

# Stands in the demo's cards as a card_id: sixteen invented digits that pass the Luhn test.
PAN=$(grep -oE '\b9990[0-9]{12}\b' "$DEMO/cards.csv")

check() { # options of check
    "$BUILD/ctp-enroll" check --config "$DEMO/ctp-enroll.conf" --out "$OUT" "$@"
}

# code and field of each problem, sorted within a record: "bad_email emails;bad_phone phones".
pairs() { # stdin: code TAB field
    awk -F'\t' '{
        n = split($1, code, ";"); split($2, field, ";"); line = ""
        for (i = 1; i <= n; i++) pair[i] = code[i] " " field[i]
        for (i = 2; i <= n; i++)
            for (j = i; j > 1 && pair[j] < pair[j - 1]; j--) { t = pair[j]; pair[j] = pair[j - 1]; pair[j - 1] = t }
        for (i = 1; i <= n; i++) line = line (i > 1 ? ";" : "") pair[i]
        print line
    }'
}

expected() { # file: the pairs the demo's list names, in file order
    awk -F'\t' -v file="$1" '$1 == file { print $4 "\t" $5 }' "$DEMO/faults.tsv" | pairs
}

# The last three cells of each reject. A reject that was cut off inside a quote swallows them: its code is looked
# for in its text.
rejected() { # file
    csv_cells "$1" | tail -n +2 | awk -F'\t' '{
        if ($0 ~ /unclosed_quote/) print "unclosed_quote\t"
        else print $(NF - 2) "\t" $(NF - 1)
    }' | pairs
}

check_rejects() { # cards or customers
    expected "$1.csv" >"$WORK/$1.expected"
    rejected "$OUT/$1.rejects.csv" >"$WORK/$1.rejected"
    assert_same "codes and fields of $1.rejects.csv" "$WORK/$1.expected" "$WORK/$1.rejected"
}

# Each refused record of one physical line stands in the rejects byte for byte.
check_original_bytes() { # cards or customers
    LC_ALL=C awk -F'\t' -v file="$1.csv" '
        FILENAME == ARGV[1] { if ($1 == file) line[$3] = 1; next }
        FILENAME == ARGV[2] { if (FNR in line) { sub(/\r$/, ""); if ($0 != "") want[++n] = $0 }; next }
        { text[++m] = $0 }
        END {
            for (i = 1; i <= n; i++) {
                found = 0
                for (j = 1; j <= m && !found; j++) found = index(text[j], want[i]) == 1
                if (!found) print want[i]
            }
        }' "$DEMO/faults.tsv" "$DEMO/$1.csv" "$OUT/$1.rejects.csv" >"$WORK/$1.missing"
    assert_eq "refused records of $1.csv missing from the rejects" "" "$(cat "$WORK/$1.missing")"
}

assert_exit 3 check --cards "$DEMO/cards.csv" --customers "$DEMO/customers.csv"
check_rejects cards
check_rejects customers
check_original_bytes cards
check_original_bytes customers

expect() { # key of expected.tsv
    awk -F'\t' -v key="$1" '$1 == key { print $2 }' "$DEMO/expected.tsv"
}
total() { # state
    json "$OUT/summary.json" ".totals.$1"
}
assert_eq "cards records" "$(expect cards_records)" "$(json "$OUT/summary.json" '[.totals[]] | add')"
assert_eq "refused cards" "$(expect cards_refused)" "$(total invalid)"
assert_eq "refused customers" "$(expect customers_refused)" "$(json "$OUT/summary.json" .refused_customers)"
assert_eq "skipped cards" "$(expect cards_skipped)" "$(total skipped)"
assert_eq "cards to be enrolled" "$(expect enrollable)" "$(total ready)"
assert_eq "held cards" "$(expect held)" "$(total held)"

# The totals by code are those of the list.
tail -n +2 "$DEMO/faults.tsv" | cut -f4 | tr ';' '\n' | LC_ALL=C sort | uniq -c | awk '{ print $2, $1 }' >"$WORK/codes.expected"
json "$OUT/summary.json" '.problems | to_entries[] | select(.value > 0) | "\(.key) \(.value)"' |
    LC_ALL=C sort >"$WORK/codes.found"
assert_same "problems in summary.json" "$WORK/codes.expected" "$WORK/codes.found"

# Their places stand in results.csv.
awk -F'\t' '$1 == "cards.csv" { print $2 "\t" $3 }' "$DEMO/faults.tsv" >"$WORK/lines.expected"
results "$OUT" | awk -F'\t' '$7 == "invalid" { print $2 "\t" $3 }' >"$WORK/lines.found"
assert_same "records and lines of refused cards" "$WORK/lines.expected" "$WORK/lines.found"
check_rejects cards
check_rejects customers

# A value that may be a card number is echoed nowhere but in the original bytes of its reject.
assert_true "the PAN-like value stands in its reject" grep -q "$PAN" "$OUT/cards.rejects.csv"
leaks=$(grep -rl "$PAN" "$WORK" | grep -v '/cards\.rejects\.csv$')
assert_eq "files with the PAN-like value" "" "$leaks"

for name in results.csv cards.rejects.csv customers.rejects.csv summary.json report.html; do
    [ -e "$OUT/$name" ] || continue
    assert_eq "mode of $name" 600 "$(stat -c %a "$OUT/$name")"
done

# One JSON document on stdout.
assert_exit 3 check --cards "$DEMO/cards.csv" --customers "$DEMO/customers.csv" --json
assert_true "stdout of --json is one document" jq -e -s 'length == 1 and (.[0] | has("problems"))' "$WORK/stdout" >/dev/null

# Clean data.
make_portfolio clean --customers 50 --cards 60
assert_exit 0 check --cards "$WORK/clean/cards.csv" --customers "$WORK/clean/customers.csv"

# The generator plants one of each code; what it wrote down is what comes back.
make_portfolio planted --customers 400 --cards 480 --bad 40 --shuffle --seed 11
assert_exit 3 check --cards "$WORK/planted/cards.csv" --customers "$WORK/planted/customers.csv"
for file in cards customers; do
    json "$WORK/planted/truth.json" ".faults[] | select(.file == \"$file.csv\") | \"\(.code)\t\(.field)\"" |
        pairs >"$WORK/planted.expected"
    rejected "$OUT/$file.rejects.csv" >"$WORK/planted.found"
    assert_same "planted faults of $file.csv" "$WORK/planted.expected" "$WORK/planted.found"
done

# One file that carries the customers too.
make_portfolio one --customers 100 --cards 120 --bad 17 --one-file
assert_exit 3 check --cards "$WORK/one/cards.csv"
json "$WORK/one/truth.json" '.faults[] | "\(.code)\t\(.field)"' | pairs >"$WORK/one.expected"
rejected "$OUT/cards.rejects.csv" >"$WORK/one.found"
assert_same "planted faults of one file" "$WORK/one.expected" "$WORK/one.found"

# Faults between records are printed like a record's own, behind them; 20 lines in all.
mkdir "$WORK/between"
ADDRESS=billing_address_line1,billing_city,billing_state,billing_postal_code,billing_country_code
TOWN='Invented Road 1,Town,BE,10115,DEU'
cat >"$WORK/between/customers.csv" <<EOF
customer_id,first_name,last_name,emails,phones,locale,country_code,$ADDRESS
1,Ann,Inventa,ann@example.com,4915112345678,en_US,DEU,$TOWN
2,Bob,Inventa,bob@example.com,4915112345679,en_US,DEU,,,,,
3,Cid,,cid@example.com,4915112345670,en_US,DEU,$TOWN
1,Ann,Inventabel,ann@example.com,4915112345678,en_US,DEU,$TOWN
EOF
cat >"$WORK/between/cards.csv" <<EOF
customer_id,account_id,card_id
1,11,101
1,11,101
2,12,102
3,13,103
4,14,104
1,15,105
1,,106
EOF
lines() {
    sed -n "s|^$WORK/between/\([a-z]*\.csv:[0-9]*: [^;]*\);.*|\1|p" "$WORK/stdout"
}
assert_exit 3 check --cards "$WORK/between/cards.csv" --customers "$WORK/between/customers.csv" \
    --set input.one_account_per_customer=yes
cat >"$WORK/between.expected" <<EOF
customers.csv:4: required: last_name: required but not given
cards.csv:8: required: account_id: required but not given
customers.csv:5: duplicate_customer: customer_id: another record with this customer_id says otherwise
cards.csv:3: duplicate_card: card_id: another record with this card_id says otherwise
cards.csv:4: required: billing_address_line1: no billing address, neither with the card nor with the customer
cards.csv:5: customer_invalid: customer_id: the record of this customer in the customers file is refused
cards.csv:6: no_customer: customer_id: no record of the customers file has this customer_id
cards.csv:7: customer_two_accounts: account_id: this customer's cards stand under two accounts
EOF
lines >"$WORK/between.found"
assert_same "lines for faults between records" "$WORK/between.expected" "$WORK/between.found"
seq 1001 1030 | sed 's/.*/&,11,&/' >>"$WORK/between/cards.csv"
assert_exit 3 check --cards "$WORK/between/cards.csv" --customers "$WORK/between/customers.csv"
assert_eq "lines at most" 20 "$(lines | wc -l | tr -d ' ')"
assert_eq "the last of them" "cards.csv:21: no_customer: customer_id: no record of the customers file has this customer_id" \
    "$(lines | tail -n 1)"
assert_exit 3 check --cards "$WORK/between/cards.csv" --customers "$WORK/between/customers.csv" --json
assert_true "no such lines beside JSON" jq -e . "$WORK/stdout" >/dev/null

# File faults.
assert_exit 6 check --cards "$WORK/none.csv" --customers "$DEMO/customers.csv"
assert_in "the missing file is named" 'none\.csv' "$WORK/stderr"
sed '1s/card_id/card_number/' "$WORK/clean/cards.csv" >"$WORK/nocolumn.csv"
assert_exit 6 check --cards "$WORK/nocolumn.csv" --customers "$WORK/clean/customers.csv"
assert_in "the missing column is named" 'card_id' "$WORK/stderr"
sed '1s/owner_bid/Card-ID/' "$WORK/clean/cards.csv" >"$WORK/twice.csv"
assert_exit 6 check --cards "$WORK/twice.csv" --customers "$WORK/clean/customers.csv"
: >"$WORK/empty.csv"
assert_exit 6 check --cards "$WORK/empty.csv" --customers "$WORK/clean/customers.csv"
assert_exit 6 check --cards "$DEMO/cards.csv" --customers "$DEMO/customers.csv" --set input.max_bad=10
assert_exit 3 check --cards "$DEMO/cards.csv" --customers "$DEMO/customers.csv" --set input.max_bad=10%

flow_end
