#!/bin/bash
# encodings: files that are not UTF-8 through check and run, with their right records, lines and names; rejects in the
# bytes of the file, which are input again; what does not decode, and encodings that nobody knows.
# shellcheck source=tests/flow.sh
. "$(dirname "$0")/flow.sh"
flow_begin

INTEGER="not a whole number from 1 to 9223372036854775807; give the Pismo ID in digits only; in a spreadsheet format the column as text"
REMEDY="export as UTF-8, or name the file's encoding in input.encoding"
PASSES="every record passes"

check() { # options of check
    "$BUILD/ctp-enroll" check --out "$OUT" --set enroll.owner_bid=1000052 --set enroll.locale=pt_BR "$@"
}

plan() { # options of run
    "$BUILD/ctp-enroll" run --dry-run --ledger "$LEDGER" --out "$OUT" --set enroll.owner_bid=1000052 \
        --set enroll.locale=pt_BR "$@"
}

# record, line, card, state, code of each record of results.csv.
rows() {
    results "$OUT" | awk -F'\t' '{ print $2, $3, $6, $7, $11 }'
}

utf16le() { # stdin: UTF-8
    iconv -f UTF-8 -t UTF-16LE
}

# ---- WINDOWS-1252: a mapped header, blank lines, a quoted line break, a byte that is no character ----
cat >"$WORK/win.conf" <<'EOF'
[input]
encoding = windows-1252
delimiter = ;
[columns]
first_name = Prénom
last_name = Nom de famille
billing_address_line1 = Straße
EOF
HEADER=$(printf 'customer_id;account_id;card_id;Pr\xE9nom;Nom de famille;emails;phones;country_code;Stra\xDFe;billing_city;billing_state;billing_postal_code;billing_country_code')
TAIL='a@example.com;5521987654321;BRA;Rua Um 23;Rio;RJ;20000-000;BRA'
BAD=$(printf '13;21;503;Fran\x81ois;\x8Aimek;%s' "$TAIL")
WRONG=$(printf '14;21;5x4;Ren\xE9e;"O\x92Brien";%s' "$TAIL")
{
    printf '%s\r\n\r\n' "$HEADER"
    printf '11;21;501;Jos\xE9;M\xFCller;%s\r\n' "$TAIL"
    printf '12;21;502;Zo\xEB;"Nu\xF1ez\r\nL\xF3pez";%s\r\n\r\n' "$TAIL"
    printf '%s\r\n%s\r\n' "$BAD" "$WRONG"
} >"$WORK/win.csv"
{
    printf '%s;_ctp_code;_ctp_field;_ctp_message\n' "$HEADER"
    printf '%s;bad_utf8;first_name;"first_name: does not decode as WINDOWS-1252; %s"\n' "$BAD" "$REMEDY"
    printf '%s;bad_integer;card_id;"card_id: %s"\n' "$WRONG" "$INTEGER"
} >"$WORK/win.expected"
assert_exit 3 check --config "$WORK/win.conf" --cards "$WORK/win.csv"
assert_eq "records of the WINDOWS-1252 file" "1 3 501 ready 
2 4 502 ready 
3 7 503 invalid bad_utf8
4 8  invalid bad_integer" "$(rows)"
assert_same "rejects of the WINDOWS-1252 file" "$WORK/win.expected" "$OUT/cards.rejects.csv"
assert_exit 3 plan --config "$WORK/win.conf" --cards "$WORK/win.csv"
assert_in "the plan of the WINDOWS-1252 file" '^plan: 2 requests' "$WORK/stdout"
assert_same "rejects of the dry run" "$WORK/win.expected" "$OUT/cards.rejects.csv"

# Corrected, they are input with the same settings; what is still wrong keeps its columns once.
LC_ALL=C sed 's/\x81/\xE7/' "$WORK/win.expected" >"$WORK/win.second.csv"
assert_exit 3 check --config "$WORK/win.conf" --cards "$WORK/win.second.csv"
LC_ALL=C sed 2d "$WORK/win.expected" >"$WORK/win.expected2"
assert_same "rejects of the corrected rejects" "$WORK/win.expected2" "$OUT/cards.rejects.csv"
LC_ALL=C sed 's/5x4/504/' "$WORK/win.expected2" >"$WORK/win.third.csv"
assert_exit 0 check --config "$WORK/win.conf" --cards "$WORK/win.third.csv"
assert_in "corrected rejects" "$PASSES" "$WORK/stdout"

# ---- UTF-16 with its byte order mark, as spreadsheets write it; accents as characters of their own ----
A5=$(printf 'A\xCC\x81%.0s' 1 2 3 4 5)
A35=$A5$A5$A5$A5$A5$A5$A5 # 70 code points, of which NFC makes 35
GURMUKHI=$(printf '\xE0\xA8\x8A\xE0\xB4\x8A') # U+0A0A and U+0D0A: line ends by half
TAIL='a@example.com,5521987654321,BRA,Rua Um 23,Rio,RJ,20000-000,BRA'
HEADER='customer_id,account_id,card_id,first_name,last_name,emails,phones,country_code,billing_address_line1,billing_city,billing_state,billing_postal_code,billing_country_code'
utf16_rejects() { # first three records' code, field and message of the reject, after the mark
    printf '\xFF\xFE'
    {
        printf '%s,_ctp_code,_ctp_field,_ctp_message\n' "$HEADER"
        printf '22,21,602,%s,%s,%s,too_long,first_name,"first_name: too long (36 characters, 35 at most); shorten it"\n' \
            "${A35}A" "$GURMUKHI" "$TAIL"
    } | utf16le
}
{
    printf '\xFF\xFE'
    {
        printf '%s\r\n' "$HEADER"
        printf '21,21,601,%s,%s,%s\r\n\r\n' "$A35" "\"$GURMUKHI"$'\r\n'"$GURMUKHI\"" "$TAIL"
        printf '22,21,602,%s,%s,%s\r\n' "${A35}A" "$GURMUKHI" "$TAIL"
        printf '23,21,603,A,B,%s' "$TAIL"
    } | utf16le
} >"$WORK/wide.csv"
utf16_rejects >"$WORK/wide.expected"
assert_exit 3 check --set input.encoding=UTF-16 --cards "$WORK/wide.csv"
assert_eq "records of the UTF-16 file" "1 2 601 ready 
2 5 602 invalid too_long
3 6 603 ready " "$(rows)"
assert_same "rejects of the UTF-16 file" "$WORK/wide.expected" "$OUT/cards.rejects.csv"
assert_exit 3 plan --set input.encoding=utf-16le --cards "$WORK/wide.csv"
assert_in "the plan of the UTF-16 file" '^plan: 2 requests' "$WORK/stdout"
assert_same "rejects of the dry run" "$WORK/wide.expected" "$OUT/cards.rejects.csv"
iconv -f UTF-16LE -t UTF-8 "$WORK/wide.expected" | sed "s/${A35}A/A/" | utf16le >"$WORK/wide.second.csv"
assert_exit 0 check --set input.encoding=UTF-16 --cards "$WORK/wide.second.csv"
assert_in "corrected UTF-16 rejects" "$PASSES" "$WORK/stdout"

# Without the mark the order of bytes has to be told; a mark of another encoding is a mistake.
tail -c +3 "$WORK/wide.csv" >"$WORK/bare.csv"
assert_exit 6 check --set input.encoding=UTF-16 --cards "$WORK/bare.csv"
assert_in "a UTF-16 file without its mark" 'no byte order mark.*set input.encoding = UTF-16LE or UTF-16BE' "$WORK/stderr"
assert_exit 3 check --set input.encoding=UTF-16LE --cards "$WORK/bare.csv"
assert_exit 6 check --cards "$WORK/wide.csv"
assert_in "UTF-16 read as UTF-8" 'byte order mark of UTF-16LE, but input.encoding is UTF-8' "$WORK/stderr"

# ---- Shift_JIS between bars: the second byte of the katakana PO (83 7C) is a bar, that of "table" (95 5C) a backslash ----
HEADER='customer_id|account_id|card_id|first_name|last_name|emails|phones|country_code|billing_address_line1|billing_city|billing_state|billing_postal_code|billing_country_code'
TAIL='a@example.com|819012345678|JPN|1-2-3 Chuo|Tokyo||100-0001|JPN'
{
    printf '%s\n' "$HEADER"
    printf '31|21|701|\x83\x7C\x81[\x83\x8B|\x95\\|%s\n' "$TAIL"
    printf '32|21|7O2|\x83\x7C|"\x83\x7C\n\x83\x7C"|%s\n' "$TAIL"
    printf '33|21|703|\xFD|\x83\x7C|%s\n' "$TAIL"
} >"$WORK/sjis.csv"
{
    printf '%s|_ctp_code|_ctp_field|_ctp_message\n' "$HEADER"
    printf '32|21|7O2|\x83\x7C|"\x83\x7C\n\x83\x7C"|%s|bad_integer|card_id|card_id: %s\n' "$TAIL" "$INTEGER"
    printf '33|21|703|\xFD|\x83\x7C|%s|bad_utf8|first_name|first_name: does not decode as SHIFT_JIS; %s\n' "$TAIL" "$REMEDY"
} >"$WORK/sjis.expected"
SJIS=(--set input.encoding=Shift_JIS --set "input.delimiter=|")
assert_exit 3 check "${SJIS[@]}" --cards "$WORK/sjis.csv"
assert_eq "records of the Shift_JIS file" "1 2 701 ready 
2 3  invalid bad_integer
3 5 703 invalid bad_utf8" "$(rows)"
assert_same "rejects of the Shift_JIS file" "$WORK/sjis.expected" "$OUT/cards.rejects.csv"
assert_exit 3 plan "${SJIS[@]}" --cards "$WORK/sjis.csv"
assert_in "the plan of the Shift_JIS file" '^plan: 1 requests' "$WORK/stdout"
LC_ALL=C sed -e 's/7O2/702/' -e 's/\xFD/\x83\x7C/' "$WORK/sjis.expected" >"$WORK/sjis.second.csv"
assert_exit 0 check "${SJIS[@]}" --cards "$WORK/sjis.second.csv"

# ---- sent: the rows are read again by their places ----
start_sandbox
assert_exit 3 submit --set enroll.owner_bid=1000052 --set enroll.locale=pt_BR --set input.encoding=UTF-16 \
    --cards "$WORK/wide.csv"
assert_exit 0 submit --set enroll.owner_bid=1000052 --set enroll.locale=pt_BR --set input.encoding=UTF-16 \
    --cards "$WORK/wide.second.csv"
stop_sandbox
assert_eq "cards that the sandbox took" "601 602 603" "$(journal_enrols | cut -f 1 | sort | paste -sd ' ')"
assert_eq "accepted cards" 3 "$(in_state "$OUT" accepted)"

# ---- faults of the file, told before anything is read ----
for name in KLINGON UTF-8//IGNORE ISO-8859-1//TRANSLIT; do
    assert_exit 6 check --set "input.encoding=$name" --cards "$WORK/win.csv"
    assert_in "$name" "input.encoding: unknown encoding '$name'; give a name that iconv knows" "$WORK/stderr"
    assert_exit 6 plan --set "input.encoding=$name" --cards - </dev/null
done
assert_exit 6 check --config "$WORK/win.conf" --set input.encoding=UTF-8 --cards "$WORK/win.csv"
assert_in "a header that does not decode" 'header, cell 4: not valid UTF-8' "$WORK/stderr"
printf 'customer_id;Pr\x81nom\n' >"$WORK/header.csv"
assert_exit 6 check --config "$WORK/win.conf" --cards "$WORK/header.csv"
assert_in "a header that does not decode" 'header, cell 2: does not decode as WINDOWS-1252' "$WORK/stderr"

flow_end
