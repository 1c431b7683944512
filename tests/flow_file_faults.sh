#!/bin/bash
# File faults: a file that cannot be what it should be stops check and run with exit code 6 before any request and before
# anything is loaded, with one message that names the file, the place and the remedy. What stands in the first line of a
# file without a header may be of a person: none of it is told.
# shellcheck source=tests/flow.sh
. "$(dirname "$0")/flow.sh"
flow_begin
cd "$WORK" || die "no $WORK"

BOM=$'\xef\xbb\xbf'
CARDS_HEADER=customer_id,account_id,card_id,owner_bid,billing_address_line1
CUSTOMERS_HEADER=customer_id,locale,first_name,last_name,emails,phones
CARD='11,21,501,1000052,1 Main Street'
CUSTOMER='11,en_US,Quirina,Quarantania,quirina@example.com,+4930123456'
printf '%s\n%s\n' "$CARDS_HEADER" "$CARD" >cards.csv
printf '%s\n%s\n' "$CUSTOMERS_HEADER" "$CUSTOMER" >customers.csv

start_sandbox

# Nothing was sent, nothing is in the ledger, nothing of a record is told.
refused() { # what, command, file, words (a fixed string)
    grep -Fq -- "$3: $4" "$WORK/stderr" || fault "$1, $2: not '$3: $4' but '$(tail -n 1 "$WORK/stderr")'"
    assert_eq "$1, $2: messages" 1 "$(grep -c '^ctp-enroll: ' "$WORK/stderr")"
    assert_eq "$1, $2: output" "" "$(cat "$WORK/stdout")"
    assert_eq "$1, $2: values of a record" "" "$(grep -Ei 'quirina|quarantania|4930123456|Main Street' "$WORK/stderr" "$WORK/stdout")"
}
faulty() { # what, cards or customers, words; the file is $WORK/bad.csv
    local files=(--cards cards.csv --customers customers.csv)
    [ "$2" = cards ] && files=(--cards bad.csv --customers customers.csv)
    [ "$2" = customers ] && files=(--cards cards.csv --customers bad.csv)
    assert_exit 6 "$BUILD/ctp-enroll" check "${files[@]}" --out "$OUT" "${@:4}"
    refused "$1" check bad.csv "$3"
    assert_exit 6 submit "${files[@]}" "${@:4}"
    refused "$1" run bad.csv "$3"
    assert_eq "$1: files of the ledger" 0 "$(sql "$LEDGER" 'SELECT count(*) FROM file')"
    assert_true "$1: no reports" test ! -e "$OUT"
}
both() { # what, words: as the cards and as the customers file
    faulty "$1" cards "$2" "${@:3}"
    faulty "$1" customers "$2" "${@:3}"
}

# ---- no header ----

EMPTY='empty: a header line with column names is needed'
: >bad.csv
both 'an empty file' "$EMPTY"
printf '\n\r\n   \n\t\n' >bad.csv
both 'blank lines' "$EMPTY"
printf '%s' "$BOM" >bad.csv
both 'a byte order mark alone' "$EMPTY"
printf '%s\r\n\n' "$BOM" >bad.csv
both 'a byte order mark and blank lines' "$EMPTY"

NONE='no header: the first line names no known column, it seems to be'
ABOVE="$NONE data (put a line with column names above it, or map its names in [columns]); required:"
NEEDS="'customer_id', 'locale', 'first_name', 'last_name', 'emails', 'phones'"
printf '%s\n' "$CUSTOMER" >bad.csv
faulty 'customers without a header' customers "$ABOVE $NEEDS"
printf '\n%s\n%s\n' "$CUSTOMER" "$CUSTOMER" >bad.csv
faulty 'customers without a header behind a blank line' customers "$ABOVE $NEEDS"
printf '11,Locala,Quirina,Last Nam,Status,Emil\n' >bad.csv
faulty 'a first record that sounds like a header' customers "header: required column missing: $NEEDS; add it"
printf '%s\n' "$CARD" >bad.csv
faulty 'cards without a header' cards "$ABOVE 'customer_id', 'account_id', 'card_id', 'owner_bid'"
tr ',' ';' <cards.csv >bad.csv
faulty 'another delimiter' cards "$NONE parted by another delimiter (set input.delimiter, or auto); required: 'customer_id'"
tr ',' '|' <customers.csv >bad.csv
faulty 'another delimiter' customers "$NONE parted by another delimiter"
printf '"%s\n%s\n' "$CARDS_HEADER" "$CARD" >bad.csv
faulty 'a quote that does not close' cards 'line 1: the header cannot be read (a quote does not close)'
printf '\n"%s\n%s\n' "$CARDS_HEADER" "$CARD" >bad.csv
faulty 'a quote that does not close on line 2' cards 'line 2: the header cannot be read (a quote does not close)'
{ printf '%s,' "$CARDS_HEADER"; printf 'x%.0s' {1..2000}; printf '\n%s,\n' "$CARD"; } >bad.csv
faulty 'a header that is too long' cards 'line 1: the header cannot be read (it is too long)' --set input.max_record_bytes=1k
{ printf '%s' "$CARDS_HEADER"; printf ',x%s' {1..508}; printf '\n%s\n' "$CARD"; } >bad.csv
faulty 'a header of too many cells' cards 'line 1: the header cannot be read (it has more than 512 cells)'

# ---- columns ----

MISSING='header: required column missing:'
REMEDY='; add it, or map its name in [columns]'
for column in customer_id account_id card_id owner_bid; do
    sed "1s/$column/quite_another/" cards.csv >bad.csv
    faulty "no $column" cards "$MISSING '$column'$REMEDY"
done
for column in customer_id locale first_name last_name emails phones; do
    sed "1s/$column/quite_another/" customers.csv >bad.csv
    faulty "no $column" customers "$MISSING '$column'$REMEDY"
done
sed '1s/account_id/acount_id/; 1s/card_id/no/' cards.csv >bad.csv
faulty 'two columns missing' cards "$MISSING 'account_id' (the header has 'acount_id'), 'card_id'$REMEDY"
sed '1s/billing_address_line1/product/' cards.csv >bad.csv
faulty 'no billing address in either file' cards 'no billing address: neither file has a column such as billing_address_line1; add them'

twice() { # names, cells, header, which file
    sed "1s/.*/$3/; 2,\$s/\$/,/" "$4.csv" >bad.csv
    faulty "$1 twice" "$4" "header: the column '$1' stands twice (cells $2); remove one"
}
twice card_id '3 and 6' "$CARDS_HEADER,card_id" cards
twice card_id '3 and 6' "$CARDS_HEADER,Card-ID" cards
twice customer_id '1 and 6' "$CARDS_HEADER, CUSTOMER ID " cards
twice first_name '3 and 7' "$CUSTOMERS_HEADER,firstName" customers
twice email_2 '5 and 7' "customer_id,locale,first_name,last_name,email_2,phones,E Mail 2" customers
printf '%s\n%s\n' "$CARDS_HEADER" "$CARD" >bad.csv
faulty 'a mapping that matches no header' cards "header: [columns] names what is not there: columns.card_id = 'Karte'" --set columns.card_id=Karte

# ---- bytes ----

printf 'customer_id,account_id,card_id,owner_bid,Stra\xdfe\n%s\n' "$CARD" >bad.csv
faulty 'a header that does not decode' cards 'header, cell 5: not valid UTF-8; export the file as UTF-8, or name its encoding in input.encoding'
printf '11,en_US,Quirina\xdf,Quarantania\n' >bad.csv
faulty 'a first record that does not decode' customers 'header, cell 3: not valid UTF-8'
cp cards.csv bad.csv
assert_exit 6 "$BUILD/ctp-enroll" check --cards bad.csv --customers customers.csv --set input.encoding=latin-99
assert_in 'an unknown encoding' 'latin-99' "$WORK/stderr"
assert_exit 6 submit --cards bad.csv --customers customers.csv --set input.encoding=latin-99
assert_in 'an unknown encoding' 'latin-99' "$WORK/stderr"

# ---- the files themselves ----

rm bad.csv
both 'a missing file' 'cannot open: No such file or directory'
mkdir bad.csv
both 'a folder' ''
rmdir bad.csv

stop_sandbox
assert_eq 'lines in the journal' 0 "$(journal_lines)"

# A header that lost its line end and took the first record in: no cell of it is told.
sed "1s/\$/,zone4,13,quirina@example.com,Quarantania/; 2,\$s/\$/,,,,/" cards.csv >bad.csv
assert_exit 0 "$BUILD/ctp-enroll" check --cards bad.csv --customers customers.csv --out "$WORK/merged" --log-level debug
assert_in 'columns that are not used' 'not named' "$WORK/stderr"
assert_eq 'values in the header' "" "$(grep -Ei 'quirina|quarantania' "$WORK/stderr" "$WORK/stdout")"

# The widest header there may be: the rejects, with three columns more, can be read as well.
{ printf '%s' "$CARDS_HEADER"; printf ',x%s' {1..507}; printf '\n11,21,none'; printf ',%.0s' {1..509}; echo; } >bad.csv
assert_exit 3 "$BUILD/ctp-enroll" check --cards bad.csv --customers customers.csv --out "$WORK/wide"
assert_exit 3 "$BUILD/ctp-enroll" check --cards "$WORK/wide/cards.rejects.csv" --customers customers.csv --out "$WORK/wide-again"
assert_eq 'records of the rejects' 2 "$(wc -l <"$WORK/wide-again/results.csv" | tr -d ' ')"

# The same files without a fault, also with the names that the faults mention.
start_sandbox
assert_exit 0 submit --cards cards.csv --customers customers.csv
stop_sandbox

flow_end
