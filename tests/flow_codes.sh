#!/bin/bash
# Every problem code of the contract, out of the program itself: place, codes and fields in results.csv and in the
# ledger, the original bytes and a message with its remedy in the rejects. The faulty records stand among quoted line
# breaks (LF, CRLF, CR), CRLF and lone CR line ends, blank lines, a byte order mark, unclosed quotes and records that
# are too long, so that a place is right only if all of these are counted right. No value of a person, and nothing that
# looks like a card number, stands anywhere but in the rejects.
# shellcheck source=tests/flow.sh
. "$(dirname "$0")/flow.sh"
flow_begin

BOM=$'\xef\xbb\xbf'
PAN=9999990001234562         # invented; passes the Luhn check
PAN_GROUPS='9999 9900 0123 4562'
printf -v LONG 'Quarantania %.0s' {1..120}
printf -v BREAKS 'Quarantania\n%.0s' {1..100} # a hundred line breaks, over 1,000 bytes
SETTINGS=(--set input.max_record_bytes=1k --set input.skip_status='OPTED_OUT;CLOSED'
    --set input.one_account_per_customer=yes)

# ---- making the files ----

EOL=$'\n'
COLUMNS_OF_ROW=()
declare -A DEFAULTS

# Sets $ROW: the cells of the defaults, but for those given as column=raw cell.
row() { # column=cell...
    local -A cell=()
    local name pair
    for name in "${COLUMNS_OF_ROW[@]}"; do
        cell[$name]=${DEFAULTS[$name]-}
    done
    for pair; do
        cell[${pair%%=*}]=${pair#*=}
    done
    ROW=
    for name in "${COLUMNS_OF_ROW[@]}"; do
        ROW+=${cell[$name]},
    done
    ROW=${ROW%,}
}

# Begins $FILE with its header, and what is expected of it: $FILE.rows and $FILE.rejects.
file() { # name, line end of the header, columns
    FILE=$WORK/$1
    read -ra COLUMNS_OF_ROW <<<"$3"
    printf '%s%s%s' "$BOM" "${3// /,}" "$2" >"$FILE"
    printf '%s%s,_ctp_code,_ctp_field,_ctp_message\n' "$BOM" "${3// /,}" >"$FILE.rejects"
    : >"$FILE.rows"
}

good() { # column=cell...
    row "$@"
    printf '%s%s' "$ROW" "$EOL" >>"$FILE"
}

blank() { # blanks
    printf '%s%s' "${1-}" "$EOL" >>"$FILE"
}

# A record that is refused, with all that must be told of it. $SURPLUS goes behind its last cell.
SURPLUS=
bad() { # record, line, codes, fields, message, column=cell...
    local record=$1 line=$2 codes=$3 fields=$4 message=$5
    shift 5
    row "$@"
    ROW+=$SURPLUS
    case $message in *[,\"]*) message=\"${message//\"/\"\"}\" ;; esac
    printf '%s%s' "$ROW" "$EOL" >>"$FILE"
    printf '%s,%s,%s,%s\n' "$ROW" "$codes" "$fields" "$message" >>"$FILE.rejects"
    printf '%s\t%s\t%s\t%s\n' "$record" "$line" "$codes" "$fields" >>"$FILE.rows"
}

FILL='required but not given; fill it in'
DIGITS='not a whole number from 1 to 9223372036854775807; give the Pismo ID in digits only; in a spreadsheet format the column as text'
EMAIL_REMEDY='correct it, or leave it out if another one is given'
PHONE_REMEDY="give 8 to 15 digits that begin with the country's calling code, or set input.calling_code; in a spreadsheet format the column as text"
LOCALE_REMEDY='give an ISO 639-1 language and an ISO 3166-1 alpha-2 country, such as en_US'
UTF8_REMEDY="export as UTF-8, or name the file's encoding in input.encoding"
TIME_REMEDY='write YYYY-MM-DDThh:mm:ss.000Z, or a date as YYYY-MM-DD'
QUOTE_REMEDY='close it, or double a quote that belongs to the value'
TOO_LONG_RECORD='the record is longer than input.max_record_bytes; look for a quote that is not closed where it should be, or raise the limit'
CELLS_REMEDY='look for a missing delimiter, or for one inside a value without quotes'
STATE_REMEDY='give the part after the hyphen of its ISO 3166-2 code, such as RJ of BR-RJ, or leave it empty'
POSTAL_REMEDY='use letters, digits, single blanks and hyphens; in a spreadsheet format the column as text'
PAN_MESSAGE="card_id: looks like a payment card's number (PAN); give Pismo's card ID, and remove card numbers from this file"
IDENTIFIER_REMEDY='give TYPE:VALUE; TYPE is PASSPORT, DRIVING_LICENSE or NATIONAL_IDENTITY, VALUE has 1 to 24 characters'
CHARACTER_REMEDY='remove or replace that character'
MEANT_UK="'UK' is not in ISO 3166-1; the code of the United Kingdom is"

PERSON='locale first_name middle_name last_name country_code emails phones national_identifiers consent_time consent_version consent_presenter'
BILLING='billing_address_line1 billing_city billing_state billing_postal_code billing_country_code'
DEFAULTS=([locale]=pt_BR [first_name]=Quarantania [last_name]=Fictibus [country_code]=BRA
    [emails]=quara.box@example.com [phones]=+5511955577001 [billing_address_line1]='Rua Inventada 7'
    [billing_city]=Zanzibarra [billing_state]=RJ [billing_postal_code]=20000-000 [billing_country_code]=BRA
    [customer_id]=101 [account_id]=7 [owner_bid]=0001000052)

# ---- two files ----

EOL=$'\r\n'
file people.csv "$EOL" "customer_id $PERSON $BILLING status"
good customer_id=101 first_name=$'"Quara\nntania"'
blank
bad 2 5 required first_name "first_name: $FILL" customer_id=102 first_name=
bad 3 6 too_long last_name 'last_name: too long (36 characters, 35 at most); shorten it' \
    customer_id=103 first_name=$'"Quara\r\nntania"' last_name=FictibusFictibusFictibusFictibusFict
EOL=$'\r'
bad 4 8 bad_country country_code "country_code: $MEANT_UK GBR" customer_id=104 country_code=UK
bad 5 9 bad_locale locale "locale: $MEANT_UK GB" customer_id=105 locale=en_UK
blank
EOL=$'\n'
bad 6 11 bad_email emails "emails (value 2): not an e-mail address (no @); $EMAIL_REMEDY" \
    customer_id=106 'emails=quara.box@example.com;quara.box'
blank $' \t '
bad 7 13 bad_phone phones "phones (value 1): not a telephone number (a spreadsheet's exponent form); $PHONE_REMEDY" \
    customer_id=107 phones=5.5119555E+12
bad 8 14 bad_identifier national_identifiers \
    "national_identifiers (value 1): not a national identifier (unknown type); $IDENTIFIER_REMEDY" \
    customer_id=108 national_identifiers=CPF:KANARI77
bad 9 15 bad_timestamp consent_time "consent_time: not a date and time; $TIME_REMEDY" \
    customer_id=109 consent_time=31/12/2025
bad 10 16 in_future consent_time \
    'consent_time: lies in the future; give the time at which consent was given, with its UTC offset' \
    customer_id=110 consent_time=2999-01-01T00:00:00Z
bad 11 17 too_many emails 'emails: more than 5 values (6); keep the 5 that matter most' customer_id=111 \
    'emails=quara.box@example.com;b@example.com;c@example.com;d@example.com;e@example.com;f@example.com'
bad 12 18 bad_character first_name \
    "first_name: holds a character that is not allowed (control U+0007); $CHARACTER_REMEDY" \
    customer_id=112 first_name=$'Quara\antania'
bad 13 19 bad_utf8 last_name "last_name: not valid UTF-8; $UTF8_REMEDY" customer_id=113 last_name=$'Fictibus\xe9'
bad 14 20 unclosed_quote '' "a quote is opened and never closed (on line 20); $QUOTE_REMEDY" \
    customer_id=114 'first_name="Quarantania'
bad 15 21 bad_format billing_state \
    "billing_state: not a subdivision of the billing country (no such subdivision); $STATE_REMEDY" \
    customer_id=115 first_name=$'"Quara\nnta\rnia"' billing_state=XX
SURPLUS=,Zanzibarra
bad 16 24 column_count '' "the record has not as many cells as the header (19 instead of 18); $CELLS_REMEDY" \
    customer_id=116
SURPLUS=
bad 17 25 record_too_long '' "$TOO_LONG_RECORD" customer_id=117 first_name="$LONG"
bad 18 26 record_too_long '' "$TOO_LONG_RECORD" customer_id=118 first_name="\"$BREAKS\""
bad 19 127 duplicate_customer customer_id \
    'customer_id: another record with this customer_id says otherwise; the first one stands; keep one of the two' \
    customer_id=101 last_name=Fictibella
bad 20 128 bad_integer customer_id "customer_id: $DIGITS" customer_id=12a
bad 21 129 'bad_locale;required;bad_email;bad_email;bad_phone;required;bad_format' \
    'locale;first_name;emails;emails;phones;consent_time;billing_state' \
    "locale: not a locale (language xx); $LOCALE_REMEDY; first_name: $FILL; emails (value 1): not an e-mail address (no @); $EMAIL_REMEDY; emails (value 2): not an e-mail address (nothing before the @); $EMAIL_REMEDY; phones (value 1): not a telephone number (fewer than 8 digits); $PHONE_REMEDY; consent_time: required with consent_version or consent_presenter, but not given; fill it in, or leave all three out; billing_state: not a subdivision of the billing country (no such subdivision); $STATE_REMEDY" \
    customer_id=121 locale=xx_BR first_name= 'emails=quara.box;@example.com' phones=123 consent_version=1.0 \
    billing_state=XX
EOL=
good customer_id=122
EOL=$'\n'

file cards.csv "$EOL" "customer_id account_id card_id owner_bid status $BILLING"
NO_ADDRESS=(billing_address_line1= billing_city= billing_state= billing_postal_code= billing_country_code=)
EOL=$'\r\n'
good card_id=9001 billing_address_line1=$'"Rua\r\nInventada 7"'
EOL=$'\n'
bad 2 4 required account_id "account_id: $FILL" account_id= card_id=9002
bad 3 5 bad_integer card_id "card_id: $DIGITS" card_id=12a
bad 4 6 looks_like_pan card_id "$PAN_MESSAGE" card_id=$PAN
blank
bad 5 8 no_customer customer_id \
    'customer_id: no record of the customers file has this customer_id; add the customer, or remove the card' \
    customer_id=999 card_id=9005
bad 6 9 customer_invalid customer_id \
    "customer_id: the record of this customer in the customers file is refused; correct the customer's record" \
    customer_id=102 card_id=9006
bad 7 10 duplicate_card card_id \
    'card_id: another record with this card_id says otherwise; the first one stands; keep one of the two' \
    customer_id=122 card_id=9001 status=$'"NOR\nMAL"'
bad 8 12 bad_character billing_address_line1 \
    "billing_address_line1: holds a character that is not allowed (# is refused by Visa); $CHARACTER_REMEDY" \
    card_id=9008 'billing_address_line1=Rua Inventada #7'
bad 9 13 bad_format billing_postal_code "billing_postal_code: not a postal code (odd characters); $POSTAL_REMEDY" \
    card_id=9009 billing_postal_code=20.000
bad 10 14 bad_utf8 billing_city "billing_city: not valid UTF-8; $UTF8_REMEDY" \
    card_id=9010 billing_city=$'Zanzibarra\xed\xa0\x80'
bad 11 15 bad_country billing_country_code "billing_country_code: $MEANT_UK GBR" \
    card_id=9011 billing_state= billing_country_code=UK
bad 12 16 'required;customer_invalid' 'card_id;customer_id' \
    "card_id: $FILL; customer_id: the record of this customer in the customers file is refused; correct the customer's record" \
    customer_id=102 card_id= "${NO_ADDRESS[@]}"
bad 13 17 too_long billing_city 'billing_city: too long (33 characters, 32 at most); shorten it' \
    card_id=9013 billing_city=ZanzibarraZanzibarraZanzibarraZan
bad 14 18 unclosed_quote '' "a quote is opened and never closed (on line 18); $QUOTE_REMEDY" \
    card_id=9014 'owner_bid="0001000052'
SURPLUS=,Zanzibarra
bad 15 19 column_count '' "the record has not as many cells as the header (11 instead of 10); $CELLS_REMEDY" \
    card_id=9015
SURPLUS=
bad 16 20 record_too_long '' "$TOO_LONG_RECORD" card_id=9016 billing_address_line1="$LONG"
bad 17 21 customer_two_accounts account_id \
    "account_id: this customer's cards stand under two accounts; check account_id, or set input.one_account_per_customer = no" \
    account_id=8 card_id=9017 "${NO_ADDRESS[@]}"
good card_id=0 status=$'"opted_out\n"'
good customer_id=122 card_id=9019 "${NO_ADDRESS[@]}"
good card_id=9020 "${NO_ADDRESS[@]}"
bad 21 26 'bad_integer;looks_like_pan;required;too_long;bad_character;bad_format;no_customer' \
    'account_id;card_id;owner_bid;billing_address_line1;billing_address_line1;billing_postal_code;customer_id' \
    "account_id: $DIGITS; $PAN_MESSAGE; owner_bid: required but not given; fill it in, or set enroll.owner_bid; billing_address_line1: too long (65 characters, 64 at most); shorten it; billing_address_line1: holds a character that is not allowed (# is refused by Visa); $CHARACTER_REMEDY; billing_postal_code: not a postal code (odd characters); $POSTAL_REMEDY; customer_id: no record of the customers file has this customer_id; add the customer, or remove the card" \
    customer_id=999 account_id=x card_id="$PAN_GROUPS" owner_bid= billing_postal_code=20.000 \
    billing_address_line1="#$(printf 'Zanzibar%.0s' {1..8})"
EOL=
bad 22 27 unclosed_quote '' "a quote is opened and never closed (on line 27); $QUOTE_REMEDY" \
    card_id=9022 'billing_city="Zanzibarra'
EOL=$'\n'

# ---- one file ----

file all.csv "$EOL" "customer_id account_id card_id owner_bid $PERSON $BILLING status"
good customer_id=201 card_id=8001 first_name=$'"Quara\nntania"' billing_address_line1=$'"Rua\r\nInventada 7"'
EOL=$'\r\n'
bad 2 5 'required;required' 'last_name;billing_address_line1' \
    "last_name: $FILL; billing_address_line1: no billing address, neither with the card nor with the customer; fill in the billing columns of one of them" \
    customer_id=202 card_id=8002 last_name= "${NO_ADDRESS[@]}"
blank
bad 3 7 too_long consent_presenter 'consent_presenter: too long (31 characters, 30 at most); shorten it' \
    customer_id=203 card_id=8003 consent_time=$'"2020-01-01\r12:00"' consent_presenter=ZanzibarraZanzibarraZanzibarraZ
EOL=$'\r'
bad 4 9 bad_country country_code \
    'country_code: not a country code of ISO 3166-1; use the alpha-2, alpha-3 or three-digit numeric code' \
    customer_id=204 card_id=8004 country_code=Zanzibarra
bad 5 10 bad_country country_code "country_code: a country's name instead of its code; the code of Brazil is BRA" \
    customer_id=205 card_id=8005 country_code=Brazil
EOL=$'\n'
bad 6 11 bad_locale locale "locale: not a locale; $LOCALE_REMEDY" customer_id=206 card_id=8006 locale=Zanzibarra
bad 7 12 bad_email emails "emails (value 1): not an e-mail address (a domain without a dot); $EMAIL_REMEDY" \
    customer_id=207 card_id=8007 emails=quara.box@localhost
blank ' '
bad 8 14 bad_phone phones "phones (value 2): not a telephone number (no calling code in front); $PHONE_REMEDY" \
    customer_id=208 card_id=8008 'phones=+5511955577001;011955577001'
bad 9 15 bad_identifier national_identifiers \
    "national_identifiers (value 1): not a national identifier (no ':' between type and value); $IDENTIFIER_REMEDY" \
    customer_id=209 card_id=8009 national_identifiers=KANARI77
bad 10 16 bad_timestamp consent_time "consent_time: not a date and time (no day of the calendar); $TIME_REMEDY" \
    customer_id=210 card_id=8010 consent_time=2023-02-29
bad 11 17 in_future consent_time \
    'consent_time: lies in the future; give the time at which consent was given, with its UTC offset' \
    customer_id=211 card_id=8011 consent_time=9999-12-31
bad 12 18 too_many phones 'phones: more than 5 values (6); keep the 5 that matter most' customer_id=212 card_id=8012 \
    'phones=5511955577001;5511955577002;5511955577003;5511955577004;5511955577005;5511955577006'
bad 13 19 bad_character middle_name \
    "middle_name: holds a character that is not allowed (control U+009F); $CHARACTER_REMEDY" \
    customer_id=213 card_id=8013 middle_name=$'Quara\xc2\x9fntania'
bad 14 20 bad_utf8 emails "emails (value 1): not valid UTF-8; $UTF8_REMEDY" \
    customer_id=214 card_id=8014 emails=$'quara.box\xff@example.com'
bad 15 21 unclosed_quote '' "a quote is opened and never closed (on line 22); $QUOTE_REMEDY" \
    customer_id=215 card_id=8015 first_name=$'"Quara\nntania"' 'last_name="Fictibus'
bad 16 23 bad_format billing_state \
    "billing_state: not a subdivision of the billing country (it names another country); $STATE_REMEDY" \
    customer_id=216 card_id=8016 first_name=$'"Quara\nnta\rnia"' billing_state=US-CA
SURPLUS=,,
bad 17 26 column_count '' "the record has not as many cells as the header (23 instead of 21); $CELLS_REMEDY" \
    customer_id=217 card_id=8017
SURPLUS=
bad 18 27 record_too_long '' "$TOO_LONG_RECORD" customer_id=218 card_id=8018 first_name="\"$BREAKS\""
bad 19 128 bad_integer account_id "account_id: not a whole number from 1 to 9223372036854775807 (too large); give the Pismo ID in digits only; in a spreadsheet format the column as text" \
    customer_id=219 account_id=9223372036854775808 card_id=8019
bad 20 129 looks_like_pan card_id "$PAN_MESSAGE" customer_id=220 card_id="$PAN_GROUPS"
bad 21 130 duplicate_card card_id \
    'card_id: another record with this card_id says otherwise; the first one stands; keep one of the two' \
    customer_id=221 card_id=8001
bad 22 131 customer_two_accounts account_id \
    "account_id: this customer's cards stand under two accounts; check account_id, or set input.one_account_per_customer = no" \
    customer_id=201 account_id=8 card_id=8022
bad 23 132 'looks_like_pan;bad_locale;required;bad_email;bad_identifier;bad_identifier;in_future;too_long;bad_format' \
    'card_id;locale;first_name;emails;national_identifiers;national_identifiers;consent_time;billing_city;billing_postal_code' \
    "$PAN_MESSAGE; locale: not a locale; $LOCALE_REMEDY; first_name: $FILL; emails (value 1): not an e-mail address (no @); $EMAIL_REMEDY; national_identifiers (value 1): not a national identifier (no type); $IDENTIFIER_REMEDY; national_identifiers (value 3): not a national identifier (no value); $IDENTIFIER_REMEDY; consent_time: lies in the future; give the time at which consent was given, with its UTC offset; billing_city: too long (33 characters, 32 at most); shorten it; billing_postal_code: not a postal code (odd characters); $POSTAL_REMEDY" \
    customer_id=223 card_id=$PAN locale=Zanzibarra first_name= emails=quara.box consent_time=2999-12-31 \
    'national_identifiers=:KANARI77;PASSPORT:KANARI77;PASSPORT:' billing_postal_code=20.000 \
    billing_city=ZanzibarraZanzibarraZanzibarraZan
EOL=
good customer_id=224 card_id=8024
EOL=$'\n'

# ---- judging ----

enroll_codes() { # command, its options
    local command=$1
    shift
    "$BUILD/ctp-enroll" "$command" --ledger "$LEDGER" --out "$OUT" "${SETTINGS[@]}" --log-level debug "$@"
}

# Record, line, state and codes of every cards record; the expected ones without a code are named here.
check_places() { # what, cards file, lines "record TAB line TAB state"
    local what=$1 file=$2
    {
        awk -F'\t' '{ print $1 "\t" $2 "\tinvalid\t" $3 }' "$file.rows"
        printf '%s\n' "${@:3}" | awk '{ print $1 "\t" $2 "\t" $3 "\t" }'
    } | sort -n >"$WORK/places.expected"
    results "$OUT" | awk -F'\t' '{ print $2 "\t" $3 "\t" $7 "\t" ($7 == "invalid" ? $11 : "") }' >"$WORK/places.found"
    assert_same "$what: results.csv" "$WORK/places.expected" "$WORK/places.found"
}

check_counts() { # what, files
    local what=$1
    shift
    for FILE; do cut -f3 "$FILE.rows"; done | tr ';' '\n' | LC_ALL=C sort | uniq -c |
        awk '{ print $2, $1 }' >"$WORK/counts.expected"
    json "$OUT/summary.json" '.problems | to_entries[] | select(.value > 0) | "\(.key) \(.value)"' |
        LC_ALL=C sort >"$WORK/counts.found"
    assert_same "$what: problems in summary.json" "$WORK/counts.expected" "$WORK/counts.found"
}

# Nothing of a person, nothing that looks like a card number, anywhere but in the rejects and the files themselves.
CANARIES='Quara|Fictib|Zanzibar|KANARI|Inventada|955577001|9999990001234562|9999 9900 0123 4562'
check_secrecy() { # what
    local leaks
    leaks=$(cd "$WORK" && grep -rlaE "$CANARIES" . | grep -vE '(\.rejects(\.csv)?|^\./(people|cards|late|all|mapped-(people|cards))\.csv)$')
    assert_eq "$1: where values of a person stand" "" "$leaks"
}

check_two() { # what, then the states of the good records
    check_places "$1" "$WORK/cards.csv" "${@:2}"
    assert_same "$1: cards.rejects.csv" "$WORK/cards.csv.rejects" "$OUT/cards.rejects.csv"
    assert_same "$1: customers.rejects.csv" "$WORK/people.csv.rejects" "$OUT/customers.rejects.csv"
    check_counts "$1" "$WORK/cards.csv" "$WORK/people.csv"
    check_secrecy "$1"
}

TWO=(--cards "$WORK/cards.csv" --customers "$WORK/people.csv")
assert_exit 3 enroll_codes check "${TWO[@]}"
check_two "check" "1 2 ready" "18 22 skipped" "19 24 ready" "20 25 held"
for place in 5:required 6:too_long 9:bad_locale 14:bad_identifier 20:unclosed_quote 21:bad_format 24:column_count; do
    assert_in "the line of a customer's problem" "people\.csv:${place%:*}: ${place#*:}: " "$WORK/stdout"
done
assert_exit 3 enroll_codes check "${TWO[@]}" --json
check_secrecy "check --json"

start_sandbox --token-ttl 60
remote() {
    enroll_codes run --tenant TN-FLOW --base-url "http://127.0.0.1:$PORT/cards-tokenization" \
        --auth-url "http://127.0.0.1:$PORT/passport" "$@"
}
assert_exit 3 remote "${TWO[@]}"
check_two "run" "1 2 accepted" "18 22 skipped" "19 24 accepted" "20 25 held"
sql "$LEDGER" 'SELECT record, line, code, field FROM refused_customer ORDER BY record' | tr '|' '\t' >"$WORK/refused.found"
assert_same "places of refused customers" "$WORK/people.csv.rows" "$WORK/refused.found"
assert_exit 3 enroll_codes run --dry-run
rm -r "$OUT"
assert_exit 0 enroll_codes report
check_two "report" "1 2 accepted" "18 22 skipped" "19 24 accepted" "20 25 held"
assert_exit 0 enroll show --card 9006
check_secrecy "show"

LEDGER=$WORK/one.db
ONE=("1 2 ready" "24 133 ready")
assert_exit 3 enroll_codes check --cards "$WORK/all.csv"
check_one() { # what, then the states of the good records
    check_places "$1" "$WORK/all.csv" "${@:2}"
    assert_same "$1: cards.rejects.csv" "$WORK/all.csv.rejects" "$OUT/cards.rejects.csv"
    check_counts "$1" "$WORK/all.csv"
    check_secrecy "$1"
}
check_one "check of one file" "${ONE[@]}"
assert_exit 3 remote --cards "$WORK/all.csv"
check_one "run of one file" "${ONE[@]/ready/accepted}"
stop_sandbox
check_secrecy "at the end"

# ---- rows whose file is gone ----

# shellcheck disable=SC2034
LEDGER=$WORK/lost.db OUT=$WORK/lost JOURNAL=$WORK/lost.jsonl
file late.csv $'\r\n' "customer_id account_id card_id owner_bid status"
EOL=$'\r\n'
good card_id=7001 status=$'"NOR\nMAL"'
blank
good customer_id=122 card_id=7002
# Nothing can be sent: nobody listens there any more.
assert_exit 4 enroll_codes run --cards "$FILE" --customers "$WORK/people.csv" --tenant TN-FLOW --base-url "http://127.0.0.1:$PORT/x" \
    --auth-url "http://127.0.0.1:$PORT/y" --set retry.base=10ms --set retry.cap=10ms --set breaker.failures=1 \
    --set breaker.pause=10ms --set breaker.pause_cap=10ms --set breaker.limit=100ms
rm "$FILE"
start_sandbox
assert_exit 6 remote
assert_in "the rows of the lost file are counted" '2 rows?' "$WORK/stderr"
assert_exit 3 remote --drop-lost
assert_eq "requests for lost rows" 0 "$(enrol_count)"
results "$OUT" | cut -f 2,3,6,7,11,12 >"$WORK/lost.found"
printf '1\t2\t7001\tinvalid\tsource_lost\t\n2\t5\t7002\tinvalid\tsource_lost\t\n' >"$WORK/lost.expected"
assert_same "lost rows" "$WORK/lost.expected" "$WORK/lost.found"
assert_eq "lost rows in summary.json" 2 "$(json "$OUT/summary.json" .problems.source_lost)"
assert_exit 0 enroll show --card 7002
assert_in "show names the code" source_lost "$WORK/stdout"

# ---- names in [columns] that no file has ----

LEDGER=$WORK/columns.db OUT=$WORK/columns
file mapped-people.csv "$EOL" "customer_id $PERSON Street TownName billing_country_code"
good Street='Rua Inventada 7' TownName=Zanzibarra
file mapped-cards.csv "$EOL" "customer_id account_id card_id owner_bid Street"
good card_id=6001
mapped() { # settings of [columns]
    local setting
    local -a options=()
    for setting; do
        options+=(--set "columns.$setting")
    done
    enroll_codes check --cards "$WORK/mapped-cards.csv" --customers "$WORK/mapped-people.csv" "${options[@]}"
}
# In both files, in one of them, and a constant: no fault.
assert_exit 0 mapped billing_address_line1=Street 'billing_city=town name' 'status="ACTIVE"'
assert_exit 6 mapped billing_address_line1=Street billing_city=TownNames
assert_in "setting and nearest header" \
    "mapped-cards\\.csv and .*mapped-people\\.csv: .*columns\\.billing_city = 'TownNames' \\(there is 'TownName'\\)" "$WORK/stderr"
assert_exit 6 mapped billing_address_line1=Street middle_name=Midname
assert_in "a column of one file" "columns\\.middle_name = 'Midname' \\(the header has 'middle_name'\\)" "$WORK/stderr"
assert_exit 6 mapped billing_address_line1=Street owner_bid=Bank
assert_in "a required column" "columns\\.owner_bid = 'Bank'" "$WORK/stderr"
assert_exit 2 mapped biling_city=TownName
assert_in "an unknown column" "biling_city.*did you mean 'billing_city'" "$WORK/stderr"
check_secrecy "settings of [columns]"

# ---- every code was there ----

cut -f3 "$WORK"/*.rows | tr ';' '\n' | LC_ALL=C sort -u >"$WORK/codes.found"
printf '%s\n' required too_long bad_integer bad_format bad_character bad_utf8 bad_country bad_locale bad_email bad_phone \
    bad_identifier bad_timestamp in_future too_many looks_like_pan column_count record_too_long unclosed_quote \
    no_customer customer_invalid duplicate_customer duplicate_card customer_two_accounts |
    LC_ALL=C sort >"$WORK/codes.expected"
assert_same "codes of the contract in these files" "$WORK/codes.expected" "$WORK/codes.found"

flow_end
