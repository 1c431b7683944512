#!/bin/bash
# shellcheck disable=SC2317 # functions called through assert_exit are reachable
# Compressed files, standard input and pipes: judged and sent like plain files, through spool files beside the
# ledger that survive a kill -9, hold nothing open to others, and go when no row needs them.
# shellcheck source=tests/flow.sh
. "$(dirname "$0")/flow.sh"
flow_begin

spools() { # how many spool files, of any kind, lie beside the ledger
    find "$(dirname "$LEDGER")" -maxdepth 1 -name '*.spool*' | wc -l | tr -d ' '
}

digest() { # file: the first 16 digits of its content's SHA-256
    sha256sum "$1" | cut -c1-16
}

pack() { # folder: cards.csv.gz and customers.csv.zst beside the plain files
    gzip -n -c "$1/cards.csv" >"$1/cards.csv.gz"
    zstd -q -c "$1/customers.csv" >"$1/customers.csv.zst"
}

# ---- check judges alike, whatever way the bytes come ------------------------------------------------------------

mkdir "$WORK/demo"
cp "$DEMO/cards.csv" "$DEMO/customers.csv" "$WORK/demo"
pack "$WORK/demo"
CARDS=$WORK/demo/cards.csv CUSTOMERS=$WORK/demo/customers.csv

check() { # options of check
    "$BUILD/ctp-enroll" check --config "$DEMO/ctp-enroll.conf" --ledger "$LEDGER" "$@"
}

assert_exit 3 check --cards "$CARDS" --customers "$CUSTOMERS" --out "$WORK/plain"
results "$WORK/plain" | cut -f2-7,11 >"$WORK/results.plain"

same() { # what, name of the cards in results.csv
    results "$OUT" | cut -f2-7,11 >"$WORK/results.other"
    assert_same "results of $1" "$WORK/results.plain" "$WORK/results.other"
    assert_same "cards.rejects.csv of $1" "$WORK/plain/cards.rejects.csv" "$OUT/cards.rejects.csv"
    assert_same "customers.rejects.csv of $1" "$WORK/plain/customers.rejects.csv" "$OUT/customers.rejects.csv"
    assert_eq "name of the cards of $1" "$2" "$(results "$OUT" | cut -f1 | sort -u)"
    assert_eq "digests of $1" "$(json "$WORK/plain/summary.json" '[.files[].sha256] | join(" ")')" \
        "$(json "$OUT/summary.json" '[.files[].sha256] | join(" ")')"
    assert_eq "spool files after $1" 0 "$(spools)"
    rm -rf "$OUT"
}

assert_exit 3 check --cards "$CARDS.gz" --customers "$CUSTOMERS.zst" --out "$OUT"
same "gz and zst" cards.csv.gz
assert_exit 3 check --cards "$CARDS.gz" --customers - --out "$OUT" <"$CUSTOMERS"
same "customers on standard input" cards.csv.gz
cat "$CARDS.gz" | assert_exit 3 check --cards - --customers "$CUSTOMERS.zst" --out "$OUT"
same "packed cards on standard input" -
assert_exit 3 check --cards <(cat "$CARDS") --customers <(zstd -q -c "$CUSTOMERS") --out "$OUT"
[ "$(results "$OUT" | cut -f1 | sort -u | grep -cE '^[0-9]+$')" = 1 ] || fault "a process substitution has no name"
same "process substitutions" "$(results "$OUT" | cut -f1 | sort -u)"
mkfifo "$WORK/fifo"
cat "$CARDS" >"$WORK/fifo" &
assert_exit 3 check --cards "$WORK/fifo" --customers "$CUSTOMERS" --out "$OUT"
same "a named pipe" fifo
cp "$CARDS.gz" "$WORK/renamed"
assert_exit 3 check --cards "$WORK/renamed" --customers "$CUSTOMERS" --out "$OUT"
same "gzip by another name" renamed
# In several members, and in frames with a skippable one before them.
{ head -c 40000 "$CARDS" | gzip; tail -c +40001 "$CARDS" | gzip -1; } >"$WORK/members.gz"
{
    printf '\x5a\x2a\x4d\x18\x05\x00\x00\x00junk!'
    head -c 70000 "$CUSTOMERS" | zstd -q -c
    tail -c +70001 "$CUSTOMERS" | zstd -q -19 -c
} >"$WORK/frames.zst"
assert_exit 3 check --cards "$WORK/members.gz" --customers "$WORK/frames.zst" --out "$OUT"
same "members and frames" members.gz

for command in check run; do
    for cards in - /dev/stdin; do
        assert_exit 2 enroll $command --cards $cards --customers - </dev/null
        assert_in "$command with both on standard input" 'cannot both be standard input' "$WORK/stderr"
    done
done
[ ! -e "$LEDGER" ] || fault "a refused command line made a ledger"

# ---- what is damaged loads nothing ---------------------------------------------------------------------------------

refused() { # words in the message, cards file
    assert_exit 6 check --cards "$2" --customers "$CUSTOMERS" --out "$OUT"
    assert_in "check of $(basename "$2")" "$1" "$WORK/stderr"
    assert_in "check of $(basename "$2") names it" "${2##*/}: " "$WORK/stderr"
    assert_eq "spool files after $(basename "$2")" 0 "$(spools)"
}

damage() { # from, to, byte: one byte of a copy becomes Z
    cp "$1" "$2"
    printf Z | dd of="$2" bs=1 seek="$3" conv=notrunc status=none
}

head -c 3000 "$CARDS.gz" >"$WORK/cut.csv.gz"
refused 'truncated: the gzip stream stops at byte 3000 ' "$WORK/cut.csv.gz"
head -c $(($(wc -c <"$CARDS.gz") - 8)) "$CARDS.gz" >"$WORK/notrailer.csv.gz"
refused "truncated: the gzip stream stops at byte $(wc -c <"$WORK/notrailer.csv.gz") " "$WORK/notrailer.csv.gz"
zstd -q -c "$CARDS" >"$CARDS.zst"
head -c 2000 "$CARDS.zst" >"$WORK/cut.csv.zst"
refused 'truncated: the zstd stream stops at byte 2000 ' "$WORK/cut.csv.zst"
size=$(wc -c <"$CARDS.gz")
damage "$CARDS.gz" "$WORK/sum.csv.gz" $((size - 6))
refused "damaged gzip stream at byte .*check" "$WORK/sum.csv.gz"
damage "$CARDS.zst" "$WORK/damaged.csv.zst" 5
refused 'damaged zstd stream at byte [0-9]+:' "$WORK/damaged.csv.zst"
{ cat "$CARDS.gz"; echo more; } >"$WORK/behind.csv.gz"
refused "damaged gzip stream at byte $size: something else follows its end" "$WORK/behind.csv.gz"
{ cat "$CARDS.zst"; echo more; } >"$WORK/behind.csv.zst"
refused "damaged zstd stream at byte $(wc -c <"$CARDS.zst"):" "$WORK/behind.csv.zst"
cp "$CARDS" "$WORK/named.csv.gz"
refused 'neither gzip nor zstd in spite of its name' "$WORK/named.csv.gz"
: >"$WORK/nothing.csv.gz"
refused 'in spite of its name, but empty' "$WORK/nothing.csv.gz"
gzip -c /dev/null >"$WORK/hollow.csv.gz"
refused 'empty: a header line' "$WORK/hollow.csv.gz"
printf 'PK\003\004more' >"$WORK/book.xlsx"
refused 'ZIP archive or a spreadsheet' "$WORK/book.xlsx"
refused 'empty: a header line' /dev/null
assert_exit 6 check --cards "$WORK" --customers "$CUSTOMERS" --out "$OUT"

# Sizes at which a block of the reader or of the writer is full; then, memory does not grow with the file.
for n in 262144 524288; do
    { echo card_id; yes | head -c $((n - 8)); } >"$WORK/block.csv"
    gzip -c "$WORK/block.csv" >"$WORK/block.csv.gz"
    zstd -q -c "$WORK/block.csv" >"$WORK/block.csv.zst"
    for form in gz zst; do
        refused 'required column' "$WORK/block.csv.$form"
    done
    refused 'required column' <(cat "$WORK/block.csv")
done
for tool in "gzip -1" "zstd -q" cat; do
    assert_exit 6 /usr/bin/time -o "$WORK/memory" -f %M "$BUILD/ctp-enroll" check --ledger "$LEDGER" --out "$OUT" \
        --cards <({ echo card_id; yes 501 | head -c 200000000; } | $tool)
    assert_in "200 MB through $tool" 'required column' "$WORK/stderr"
    assert_true "memory of 200 MB through $tool: $(tail -n 1 "$WORK/memory") KiB" test "$(tail -n 1 "$WORK/memory")" -lt 100000
done

# Where no spool file can be made, or the disk is full.
LEDGER=$WORK/none/ledger.db
assert_exit 7 check --cards "$CARDS.gz" --customers "$CUSTOMERS" --out "$OUT"
LEDGER=$WORK/ledger.db
assert_in "the folder is named" 'cannot make a spool file in .*/none: .*--ledger' "$WORK/stderr"
limited() { # blocks of 1024 bytes, command...
    (
        trap '' XFSZ
        ulimit -f "$1"
        shift
        "$@"
    )
}
assert_exit 7 limited 40 check --cards "$CARDS.gz" --customers "$CUSTOMERS" --out "$OUT"
assert_in "a full disk" "cards.csv.gz: no room to unpack it into $WORK: " "$WORK/stderr"
assert_eq "spool files after a full disk" 0 "$(spools)"

# ---- run: killed, carried on without the originals -----------------------------------------------------------------

make_portfolio some --customers 400 --cards 440 --bad 20 --seed 61
SOME=$WORK/some TRUTH=$WORK/some/truth.json
pack "$SOME"
cp -r "$SOME" "$WORK/copy"
start_sandbox --latency 20ms..60ms --seed 6
run_options # not start_run: the shell gives what it starts in the background an empty standard input
"$BUILD/ctp-enroll" run "${RUN_OPTIONS[@]}" --cards "$SOME/cards.csv.gz" --customers - --concurrency 4 \
    <"$SOME/customers.csv" >"$WORK/run.stdout" 2>"$WORK/run.stderr" &
RUN_PID=$!
# shellcheck disable=SC2016
wait_until '[ "$(journal_lines)" -ge 40 ]' 20 || die "the run sent nothing"
kill -s KILL "$RUN_PID"
wait_run
rm -r "$SOME/cards.csv" "$SOME/cards.csv.gz" "$SOME/customers.csv" "$SOME/customers.csv.zst"
CARDS_SPOOL=$LEDGER.$(digest "$WORK/copy/cards.csv").spool
CUSTOMERS_SPOOL=$LEDGER.$(digest "$WORK/copy/customers.csv").spool
assert_same "spool file of the cards" "$WORK/copy/cards.csv" "$CARDS_SPOOL"
assert_same "spool file of the customers" "$WORK/copy/customers.csv" "$CUSTOMERS_SPOOL"
assert_eq "modes of the spool files" "600 600" "$(stat -c %a "$CARDS_SPOOL" "$CUSTOMERS_SPOOL" | xargs)"
assert_eq "spool files of a killed run" 2 "$(spools)"

# A spool file that someone took away: nothing is sent; brought back, the run carries on.
mv "$CARDS_SPOOL" "$WORK/taken"
assert_exit 6 submit
assert_in "the lost spool file is named" "cards.csv.gz: its spool file $CARDS_SPOOL is gone or changed; [0-9]+ rows" "$WORK/stderr"
mv "$WORK/taken" "$CARDS_SPOOL"
assert_exit 3 submit
assert_eq "accepted" "$(json "$TRUTH" .enrollable)" "$(in_state "$OUT" accepted)"
assert_eq "names in results.csv" cards.csv.gz "$(results "$OUT" | cut -f1 | sort -u)"
assert_eq "paths in summary.json" "- $SOME/cards.csv.gz" "$(json "$OUT/summary.json" '[.files[].path] | join(" ")')"
assert_eq "spool files that accepted rows need" 2 "$(spools)"
awk -F'\t' 'NR > 1' "$OUT/cards.rejects.csv" | cut -d, -f1-3 >"$WORK/rejected"
assert_true "rejects hold records" test -s "$WORK/rejected"
while read -r record; do
    assert_true "the original bytes of $record" grep -qF -- "$record" "$WORK/copy/cards.csv"
done <"$WORK/rejected"

# ---- the same content, plain and packed ---------------------------------------------------------------------------

known() { # what, spool files, cards, customers
    assert_exit 3 submit --cards "$3" --customers "$4"
    assert_eq "files known, $1" 2 "$(grep -c 'file known; nothing added' "$WORK/stderr")"
    assert_eq "spool files, $1" "$2" "$(spools)"
    assert_eq "files in the ledger, $1" 2 "$(sql "$LEDGER" 'SELECT count(*) FROM file')"
}
known "packed again" 2 "$WORK/copy/cards.csv.gz" "$WORK/copy/customers.csv.zst"
gzip -9 -n -c "$WORK/copy/cards.csv" >"$WORK/copy/again"
known "packed in another way" 2 "$WORK/copy/again" "$WORK/copy/customers.csv.zst"
known "plain" 0 "$WORK/copy/cards.csv" "$WORK/copy/customers.csv"
assert_eq "path of the plain cards" "$WORK/copy/cards.csv" \
    "$(json "$OUT/summary.json" '.files[] | select(.carries == "cards") | .path')"
known "cards packed once more" 1 "$WORK/copy/cards.csv.gz" "$WORK/copy/customers.csv"
assert_exit 3 submit --dry-run --cards "$WORK/copy/again" --customers "$WORK/copy/customers.csv.zst"
assert_eq "spool files after a dry run" 1 "$(spools)"
stop_sandbox
assert_eq "cards sent twice" "" "$(journal_enrols | awk -F'\t' '$6 == "true" { print $1 }' | sort | uniq -d)"

# ---- removal when all is final ---------------------------------------------------------------------------------------

LEDGER=$WORK/final/ledger.db OUT=$WORK/final/out
mkdir "$WORK/final"
rm "$JOURNAL"
cp "$WORK/copy/cards.csv.gz" "$WORK/copy/customers.csv.zst" "$WORK/final"
start_sandbox --already 100% --seed 7
: >"$LEDGER.0123456789abcdef.spool.txt"
: >"$WORK/final/other.db.0123456789abcdef.spool"
assert_exit 3 submit --set api.enroll_card_path= --cards "$WORK/final/cards.csv.gz" --customers "$WORK/final/customers.csv.zst"
assert_eq "spool files that held rows need" 2 "$(find "$WORK/final" -name 'ledger.db.*.spool' | wc -l | tr -d ' ')"
sql "$LEDGER" "UPDATE card SET state = 8 WHERE state = 2; UPDATE tally SET n = (SELECT count(*) FROM card_now WHERE state = key) WHERE kind = 'state'"
assert_exit 3 submit
assert_eq "spool files when all is final" 0 "$(find "$WORK/final" -name 'ledger.db.*.spool' | wc -l | tr -d ' ')"
assert_eq "files whose spool was removed" 2 "$(sql "$LEDGER" 'SELECT count(*) FROM file WHERE spool = 2')"
assert_true "files of other names stay" test -e "$LEDGER.0123456789abcdef.spool.txt" -a -e "$WORK/final/other.db.0123456789abcdef.spool"

# The rejects are made again from the files that were given, as long as they are there.
cp "$OUT/cards.rejects.csv" "$WORK/rejects.first"
assert_exit 0 enroll report --out "$OUT"
assert_same "rejects from the packed file" "$WORK/rejects.first" "$OUT/cards.rejects.csv"
rm "$WORK/final/cards.csv.gz" "$WORK/final/customers.csv.zst"
assert_exit 0 enroll report --out "$OUT"
assert_in "why there are none" 'cannot be written again: their spool file was removed .* load the file again' "$WORK/stderr"
assert_same "rejects of before stay" "$WORK/rejects.first" "$OUT/cards.rejects.csv"
assert_exit 3 submit
assert_eq "requests for what is final" "$(json "$TRUTH" .enrollable)" "$(journal_lines >/dev/null; stop_sandbox; enrol_count)"

# ---- kill -9 between the naming and the commit -------------------------------------------------------------------

LEDGER=$WORK/big/ledger.db OUT=$WORK/big/out
make_portfolio big --customers 60000 --cards 60000 --seed 62
pack "$WORK/big"
start_sandbox --seed 8
start_run --cards "$WORK/big/cards.csv.gz" --customers "$WORK/big/customers.csv.zst"
# shellcheck disable=SC2016
wait_until '[ "$(find "$WORK/big" -name "*.spool" | wc -l)" -eq 2 ]' 20 || die "no spool file was made"
kill -s KILL "$RUN_PID"
wait_run
assert_eq "files loaded by the killed run" 0 "$(sql "$LEDGER" 'SELECT count(*) FROM file')"
assert_eq "orphans" 2 "$(spools)"
: >"$LEDGER.AbC123.spool.tmp"
: >"$LEDGER.0123456789abcdef.spool.tmp"
make_portfolio few --customers 5 --cards 5 --seed 63
pack "$WORK/few"
assert_exit 0 submit --cards "$WORK/few/cards.csv.gz" --customers "$WORK/few/customers.csv"
assert_eq "orphans after the next run" "ledger.db.$(digest "$WORK/few/cards.csv").spool" \
    "$(find "$WORK/big" -name '*.spool*' -printf '%f\n')"

# While it is still read, a killed run leaves nothing at all. A pipe takes 64 KiB: more is written only as it is read.
{
    head -c 1000000 "$WORK/big/customers.csv"
    : >"$WORK/written"
    exec tail -f /dev/null
} >"$WORK/fifo" &
WRITER=$!
LEDGER=$WORK/half.db
: >"$LEDGER.0123456789abcdef.spool" # an orphan makes room before new spool files are made
start_run --cards "$WORK/few/cards.csv" --customers "$WORK/fifo"
# shellcheck disable=SC2016
wait_until '[ -e "$WORK/written" ]' 20 || fault "the pipe was not read"
kill -s KILL "$RUN_PID"
wait_run
kill "$WRITER" 2>/dev/null
assert_eq "spool files of a run killed while it read" 0 "$(find "$WORK" -maxdepth 1 -name 'half.db.*.spool*' | wc -l | tr -d ' ')"

# ---- --drop-lost -------------------------------------------------------------------------------------------------------

LEDGER=$WORK/lost.db OUT=$WORK/lost
assert_exit 5 submit --cards "$WORK/few/cards.csv.gz" --customers "$WORK/few/customers.csv" --rate 1/s --max-duration 500ms
rm "$LEDGER".*.spool
mv "$WORK/few/cards.csv.gz" "$WORK/few/away"
assert_exit 6 submit
mv "$WORK/few/away" "$WORK/few/cards.csv.gz"
assert_exit 5 submit --rate 1/s --max-duration 500ms
assert_eq "a spool file made again from the file it came from" 1 "$(find "$WORK" -maxdepth 1 -name 'lost.db.*.spool' | wc -l | tr -d ' ')"
rm "$LEDGER".*.spool "$WORK/few/cards.csv.gz"
assert_exit 3 submit --drop-lost
assert_true "rows were given up" test "$(in_state "$OUT" invalid)" -gt 0

# ---- rejects that cannot be made again, and a newer file without any ----------------------------------------------

LEDGER=$WORK/refused.db OUT=$WORK/refused
PERSON=customer_id,account_id,card_id,owner_bid,locale,first_name,last_name,emails,phones,billing_address_line1
printf '%s\n' "$PERSON" '901,9,901,0001,pt_BR,Ana,Lua,none,5511955577001,Rua 1' >"$WORK/refused.csv"
assert_exit 3 submit --cards - <"$WORK/refused.csv"
assert_eq "spool files of refused records alone" 0 "$(find "$WORK" -maxdepth 1 -name 'refused.db.*.spool' | wc -l | tr -d ' ')"
cp "$OUT/cards.rejects.csv" "$WORK/rejects.only"
printf '%s\n' "$PERSON" '902,9,902,0001,pt_BR,Ana,Lua,ana@example.com,5511955577002,Rua 2' >"$WORK/newer.csv"
assert_exit 3 submit --cards "$WORK/newer.csv"
assert_in "that they cannot be made again" 'refused records cannot be written again' "$WORK/stderr"
assert_same "the only rejects there are" "$WORK/rejects.only" "$OUT/cards.rejects.csv"
sed 's/,none,/,ana@example.com,/' "$WORK/rejects.only" >"$WORK/corrected.csv"
assert_exit 0 submit --cards "$WORK/corrected.csv"
assert_eq "rejects when all are corrected" 1 "$(wc -l <"$OUT/cards.rejects.csv" | tr -d ' ')"

flow_end
