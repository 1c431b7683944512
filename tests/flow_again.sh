#!/bin/bash
# The way of the rejects: files with a fault of every kind are run, what was refused is corrected by hand (literal files
# here) and fed back, in several steps, some corrections still being wrong. In the end every card is accepted or held,
# the remote side has seen each customer once, the reports add up, and the exit code is 0.
# shellcheck source=tests/flow.sh
. "$(dirname "$0")/flow.sh"
flow_begin

PAN=9999990001234562 # invented; passes the Luhn check
printf -v LONG 'Quarantania %.0s' {1..120}
CTP=,_ctp_code,_ctp_field,_ctp_message

start_sandbox --latency 1ms..5ms
again() { # options of run
    submit --set input.max_record_bytes=1k --set input.one_account_per_customer=yes "$@"
}

# Cards with their states in the order of results.csv, "501 accepted"; codes where refused. A record without a card
# number is told by its record.
states() {
    results "$OUT" | awk -F'\t' '{ print ($6 == "" ? "record " $2 : $6), $7 ($7 == "invalid" ? " " $11 : "") }'
}

# Customer and codes of each reject, told by the last physical line of its record.
refusals() { # cards or customers
    tail -n +2 "$OUT/$1.rejects.csv" | LC_ALL=C sed -nE 's/^([^,]*),.*,([a-z_0-9]+(;[a-z_0-9]+)*),[a-z_0-9;]*,"?[a-z].*$/\1 \2/p'
}

assert_lines() { # what, expected lines, then the command
    local what=$1 expected=$2
    shift 2
    printf '%s\n' "$expected" >"$WORK/lines.expected"
    "$@" >"$WORK/lines.found"
    assert_same "$what" "$WORK/lines.expected" "$WORK/lines.found"
}

# Every file's own account of its records, and the totals against results.csv.
check_sums() { # what
    assert_eq "$1: files whose records do not add up" "" "$(json "$OUT/summary.json" '.files[] |
        select(.records != .new + .repointed + .known + .skipped + .invalid) | .file')"
    assert_eq "$1: totals and lines of results.csv" "$(json "$OUT/summary.json" '[.totals[]] | add')" \
        "$(results "$OUT" | wc -l)"
}

# Card and customer of every request, in order of the cards; each must have been valid and taken.
requests() {
    journal_enrols | awk -F'\t' '{ print $1, $2, $5, $7 }' | sort -n
}

check_journal() { # what
    assert_eq "$1: customers with two requests" "" "$(journal_enrols | cut -f2 | sort | uniq -d)"
    assert_eq "$1: cards with two requests" "" "$(journal_enrols | cut -f1 | sort | uniq -d)"
    assert_eq "$1: answers other than 202" "" "$(journal_enrols | cut -f5 | grep -v '^202$')"
}

# Waits for the journal, which is written within 100 ms.
wait_requests() { # number
    # shellcheck disable=SC2016
    wait_until '[ "$(enrol_count)" -ge '"$1"' ]' 10 || fault "only $(enrol_count) of $1 requests in the journal"
}

# ---- two files ----

PEOPLE=customer_id,locale,first_name,last_name,emails,phones,national_identifiers,consent_time,billing_address_line1,billing_state,billing_country_code
{
    echo "$PEOPLE"
    echo '301,pt_BR,Ana,Lua,ana@example.com,5511955577001,,,Rua Um 1,RJ,BRA'
    echo '302,pt_BR,Bea,,bea@example.com,5511955577002,,,Rua Um 2,RJ,BRA'
    echo '303,pt_BR,CeuCeuCeuCeuCeuCeuCeuCeuCeuCeuCeuCeu,Lua,ceu@example.com,5511955577003,,,Rua Um 3,RJ,BRA'
    echo '304,pt_BR,Dia,Lua,dia@example.com,5511955577004,,,Rua Um 4,,UK'
    echo '305,portuguese,Eva,Lua,eva@example.com,5511955577005,,,Rua Um 5,RJ,BRA'
    echo '306,pt_BR,Fia,Lua,fia.example.com,5511955577006,,,Rua Um 6,RJ,BRA'
    echo '307,pt_BR,Gil,Lua,gil@example.com,5.51196E+12,,,Rua Um 7,RJ,BRA'
    echo '308,pt_BR,Ivo,Lua,ivo@example.com,5511955577008,CPF:12,,Rua Um 8,RJ,BRA'
    echo '309,pt_BR,Joa,Lua,joa@example.com,5511955577009,,31/12/2024,Rua Um 9,RJ,BRA'
    echo '310,pt_BR,Kai,Lua,kai@example.com,5511955577010,,2999-12-31,Rua Um 10,RJ,BRA'
    echo '311,pt_BR,Lia,Lua,a@example.com;b@example.com;c@example.com;d@example.com;e@example.com;f@example.com,5511955577011,,,Rua Um 11,RJ,BRA'
    echo '312,pt_BR,Mel,Lua,mel@example.com,5511955577012,,,Rua Um #12,RJ,BRA'
    printf '313,pt_BR,No\xe9,Lua,noe@example.com,5511955577013,,,Rua Um 13,RJ,BRA\n'
    echo '314,pt_BR,"Oto,Lua,oto@example.com,5511955577014,,,Rua Um 14,RJ,BRA'
    printf '315,pt_BR,"Pia\nMar",Lua,pia@example.com,5511955577015,,,Rua Um 15, Casa 2,RJ,BRA\n'
    echo "316,pt_BR,Rui,$LONG,rui@example.com,5511955577016,,,Rua Um 16,RJ,BRA"
    echo '31 7,pt_BR,Sol,Lua,sol@example.com,5511955577017,,,Rua Um 17,RJ,BRA'
    echo '318,pt_BR,Teo,Lua,teo@example.com,5511955577018,,,Rua Um 18,CA,BRA'
    echo '301,pt_BR,Uli,Lua,uli@example.com,5511955577019,,,Rua Um 19,RJ,BRA'
    for number in 321 322 323 324 325 326 327 328 329 330; do
        echo "$number,pt_BR,Vera,Lua,vera$number@example.com,5511955577$number,,,Rua Um $number,RJ,BRA"
    done
} >"$WORK/people.csv"

{
    echo customer_id,account_id,card_id,owner_bid,billing_address_line1
    echo 301,7,501,0001,
    for number in 02 03 04 05 06 07 08 09 10 11 12 13 14 15 16 17 18 19; do
        echo "3$number,7,5$number,0001,"
    done
    echo 301,7,520,0001,
    echo 321,,521,0001,
    echo 322,7,52x2,0001,
    echo "323,7,$PAN,0001,"
    echo 324,7,501,0001,
    echo 325,7,525,0001,Rua Dois 5, Casa 1
    echo '326,7,526,"0001,'
    echo "327,7,527,0001,$LONG"
    printf '328,7,528,0001,Rua Tr\xeas 8\n'
    echo '329,7,529,0001,Rua Tres #9'
    echo 330,7,530,0001,
    echo 330,8,531,0001,
    echo 302,7,,0001,
} >"$WORK/cards.csv"

assert_exit 3 again --cards "$WORK/cards.csv" --customers "$WORK/people.csv"
assert_lines "states at first" '501 accepted
502 invalid customer_invalid
503 invalid customer_invalid
504 invalid customer_invalid
505 invalid customer_invalid
506 invalid customer_invalid
507 invalid customer_invalid
508 invalid customer_invalid
509 invalid customer_invalid
510 invalid customer_invalid
511 invalid customer_invalid
512 invalid customer_invalid
513 invalid customer_invalid
514 invalid no_customer
515 invalid no_customer
516 invalid no_customer
517 invalid no_customer
518 invalid customer_invalid
519 invalid no_customer
520 held
521 invalid required
record 22 invalid bad_integer
record 23 invalid looks_like_pan
501 invalid duplicate_card
record 25 invalid column_count
record 26 invalid unclosed_quote
record 27 invalid record_too_long
528 invalid bad_utf8
529 invalid bad_character
530 accepted
531 invalid customer_two_accounts
record 32 invalid required;customer_invalid' states
assert_lines "refused customers at first" '302 required
303 too_long
304 bad_country
305 bad_locale
306 bad_email
307 bad_phone
308 bad_identifier
309 bad_timestamp
310 in_future
311 too_many
312 bad_character
313 bad_utf8
314 unclosed_quote
Mar" column_count
316 record_too_long
31 7 bad_integer
318 bad_format
301 duplicate_customer' refusals customers
check_sums "at first"

# The customers alone are corrected, two of them wrongly; the rejected cards come back as they are. The duplicate is no
# duplicate any more: its card is accepted, so it counts as known.
cp "$OUT/cards.rejects.csv" "$WORK/cards.1.csv"
cat >"$WORK/people.1.csv" <<END
$PEOPLE$CTP
302,pt_BR,Bea,Lua,bea@example.com,5511955577002,,,Rua Um 2,RJ,BRA,required,last_name,last_name: filled in
303,pt_BR,Ceu,Lua,ceu@example.com,5511955577003,,,Rua Um 3,RJ,BRA,too_long,first_name,
304,en_GB,Dia,Lua,dia@example.com,5511955577004,,,Rua Um 4,,GB,bad_country,billing_country_code,
305,pt_BR,Eva,Lua,eva@example.com,5511955577005,,,Rua Um 5,RJ,BRA,bad_locale,locale,
306,pt_BR,Fia,Lua,fia@example,5511955577006,,,Rua Um 6,RJ,BRA,bad_email,emails,
307,pt_BR,Gil,Lua,gil@example.com,5511955577007,,,Rua Um 7,RJ,BRA,bad_phone,phones,
308,pt_BR,Ivo,Lua,ivo@example.com,5511955577008,NATIONAL_IDENTITY:12,,Rua Um 8,RJ,BRA,bad_identifier,national_identifiers,
309,pt_BR,Joa,Lua,joa@example.com,5511955577009,,2024-12-31,Rua Um 9,RJ,BRA,bad_timestamp,consent_time,
310,pt_BR,Kai,Lua,kai@example.com,5511955577010,,2025-12-31,Rua Um 10,RJ,BRA,in_future,consent_time,
311,pt_BR,Lia,Lua,a@example.com;b@example.com,5511955577011,,,Rua Um 11,RJ,BRA,too_many,emails,
312,pt_BR,Mel,Lua,mel@example.com,5511955577012,,,Rua Um 12,RJ,BRA,bad_character,billing_address_line1,
313,pt_BR,Noé,Lua,noe@example.com,5511955577013,,,Rua Um 13,RJ,BRA,bad_utf8,first_name,
315,pt_BR,"Pia
Mar",Lua,pia@example.com,5511955577015,,,"Rua Um 15, Casa 2",RJ,BRA,column_count,,
316,pt_BR,Rui,Lua,rui@example.com,5511955577016,,,Rua Um 16,RJ,BRA,record_too_long,,
317,pt_BR,Sol,Lua,sol@example.com,5511955577017,,,Rua Um 17,RJ,BRA,bad_integer,customer_id,
318,pt_BR,Teo,Lua,teo@example.com,5511955577018,,,Rua Um 18,RJ,BRA,bad_format,billing_state,
319,pt_BR,Uli,Lua,uli@example.com,5511955577019,,,Rua Um 19,RJ,BRA,duplicate_customer,customer_id,
314,pt_BR,"Oto,Lua,oto@example.com,5511955577014,,,Rua Um 14,RJ,BRA,unclosed_quote,,
END
assert_exit 3 again --cards "$WORK/cards.1.csv" --customers "$WORK/people.1.csv"
assert_lines "refused customers after the first correction" '306 bad_email
314 unclosed_quote' refusals customers
assert_lines "refused cards after the first correction" '306 customer_invalid
314 no_customer
321 required
322 bad_integer
323 looks_like_pan
325 column_count
326 unclosed_quote
327 record_too_long
328 bad_utf8
329 bad_character
330 customer_two_accounts
302 required' refusals cards
assert_eq "known cards of the first correction" 1 \
    "$(json "$OUT/summary.json" '.files[] | select(.file == "cards.1.csv") | .known')"
check_sums "after the first correction"

# The cards are corrected, two of them wrongly; of the customers one is left.
cat >"$WORK/people.2.csv" <<END
$PEOPLE$CTP
306,pt_BR,Fia,Lua,fia@example.com,5511955577006,,,Rua Um 6,RJ,BRA,bad_email,emails,
314,pt_BR,Oto,Lua,oto@example.com,55-none,,,Rua Um 14,RJ,BRA,unclosed_quote,,
END
cat >"$WORK/cards.2.csv" <<END
customer_id,account_id,card_id,owner_bid,billing_address_line1$CTP
306,7,506,0001,,customer_invalid,customer_id,
314,7,514,0001,,no_customer,customer_id,
321,7,521,0001,,required,account_id,
322,7,52-2,0001,,bad_integer,card_id,
323,7,523,0001,,looks_like_pan,card_id,
324,7,524,0001,,duplicate_card,card_id,
325,7,525,0001,"Rua Dois 5, Casa 1",column_count,,
326,7,526,0001,,unclosed_quote,,
327,7,527,0001,,record_too_long,,
328,7,528,0001,Rua Três 8,bad_utf8,billing_address_line1,
329,7,529,0001,Rua Tres 9,bad_character,billing_address_line1,
330,7,531,0001,,customer_two_accounts,account_id,
302,7,532,0001,,required,card_id,
END
assert_exit 3 again --cards "$WORK/cards.2.csv" --customers "$WORK/people.2.csv"
assert_lines "refused customers after the second correction" '314 bad_phone' refusals customers
assert_lines "refused cards after the second correction" '314 customer_invalid
322 bad_integer' refusals cards
check_sums "after the second correction"

# Rejects of rejects, fed back as they are: the same two refusals, each once.
for round in 1 2; do
    cp "$OUT/cards.rejects.csv" "$WORK/cards.same.$round.csv"
    cp "$OUT/customers.rejects.csv" "$WORK/people.same.$round.csv"
    assert_exit 3 again --cards "$WORK/cards.same.$round.csv" --customers "$WORK/people.same.$round.csv"
    assert_lines "refused customers fed back as they are" '314 bad_phone' refusals customers
    assert_lines "refused cards fed back as they are" '314 customer_invalid
322 bad_integer' refusals cards
    check_sums "fed back as they are"
done

# The rest.
cat >"$WORK/people.3.csv" <<END
$PEOPLE$CTP
314,pt_BR,Oto,Lua,oto@example.com,5511955577014,,,Rua Um 14,RJ,BRA,bad_phone,phones,
END
cat >"$WORK/cards.3.csv" <<END
customer_id,account_id,card_id,owner_bid,billing_address_line1$CTP
314,7,514,0001,,customer_invalid,customer_id,
322,7,522,0001,,bad_integer,card_id,
END
assert_exit 0 again --cards "$WORK/cards.3.csv" --customers "$WORK/people.3.csv"

# Each customer's one card that was sent, and the three that wait behind it.
ACCEPTED='501 502 503 504 505 506 507 508 509 510 511 512 513 514 515 516 517 518 519 521 522 523 524 525 526 527 528 529 530'
HELD='520 531 532'
everything() {
    states | sort -n
}
check_end() { # what
    assert_lines "$1: states" "$({ printf '%s accepted\n' $ACCEPTED; printf '%s held\n' $HELD; } | sort -n)" everything
    for file in cards customers; do
        assert_eq "$1: refused $file" "" "$(tail -n +2 "$OUT/$file.rejects.csv")"
    done
    assert_eq "$1: problems" "{}" "$(jq -c .problems "$OUT/summary.json")"
    wait_requests 29
    assert_lines "$1: requests" "$(for card in $ACCEPTED; do echo "$card 3${card#5} 202 true"; done)" requests
    check_journal "$1"
    check_sums "$1"
}
assert_true "the journal says whether a request was valid" test "$(journal_enrols | cut -f7 | sort -u)" = true
check_end "in the end"

# Fed back once more: the same bytes, then the same records in a file of other bytes, then the first files' own.
for step in 3 2; do
    assert_exit 0 again --cards "$WORK/cards.$step.csv" --customers "$WORK/people.$step.csv"
done
check_end "fed back twice"
{
    cat "$WORK/people.3.csv"
    echo
} >"$WORK/people.4.csv"
{
    cat "$WORK/cards.3.csv"
    echo
} >"$WORK/cards.4.csv"
assert_exit 0 again --cards "$WORK/cards.4.csv" --customers "$WORK/people.4.csv"
check_end "the same records again"
assert_eq "the cards of a file of other bytes are known" "0 0 2 0 0" "$(json "$OUT/summary.json" \
    '.files[] | select(.file == "cards.4.csv") | "\(.new) \(.repointed) \(.known) \(.skipped) \(.invalid)"')"
assert_exit 0 again
check_end "carried on"
enroll report --out "$WORK/report" >/dev/null
OUT=$WORK/report
check_end "reported"
stop_sandbox
check_end "in the journal of the finished sandbox"

# ---- one file ----

# shellcheck disable=SC2034
LEDGER=$WORK/one.db OUT=$WORK/one JOURNAL=$WORK/one.jsonl
start_sandbox
ALL=customer_id,account_id,card_id,owner_bid,$PEOPLE
ALL=${ALL/,owner_bid,customer_id,/,owner_bid,}
cat >"$WORK/all.csv" <<END
$ALL
401,7,601,0001,pt_BR,Ana,Lua,ana@example.com,5511955577001,,,Rua Um 1,RJ,BRA
402,7,602,0001,pt_BR,"Bea
Mar",Lua,bea,5511955577002,,,Rua Um 2,RJ,BRA
402,7,622,0001,pt_BR,Bea,Lua,bea@example.com,5511955577002,,,,,
403,7,$PAN,0001,pt_BR,Ceu,Lua,ceu@example.com,5511955577003,,,Rua Um 3,RJ,BRA
404,7,601,0001,pt_BR,Dia,Lua,dia@example.com,5511955577004,,,Rua Um 4,RJ,BRA
405,7,605,0001,pt_BR,"Eva,Lua,eva@example.com,5511955577005,,,Rua Um 5,RJ,BRA
END
assert_exit 3 again --cards "$WORK/all.csv"
assert_lines "states of one file" '601 accepted
602 invalid bad_email
622 invalid required
record 4 invalid looks_like_pan
601 invalid duplicate_card
record 6 invalid unclosed_quote' states
cat >"$WORK/all.1.csv" <<END
$ALL$CTP
402,7,602,0001,pt_BR,"Bea
Mar",Lua,bea@example.com,5511955577002,,,Rua Um 2,RJ,BRA,bad_email,emails,
402,7,622,0001,pt_BR,Bea,Lua,bea@example.com,5511955577002,,,,,,required,billing_address_line1,
403,7,603,0001,pt_BR,Ceu,Lua,ceu@example.com,5511955577003,,,Rua Um 3,RJ,BRA,looks_like_pan,card_id,
404,7,604,0001,pt_BR,Dia,Lua,dia@example.com,5511955577004,,,Rua Um 4,RJ,BRA,duplicate_card,card_id,
405,7,605,0001,pt_BR,Eva",Lua,eva@example.com,5511955577005,,,Rua Um 5,RJ,UK,unclosed_quote,,
END
assert_exit 3 again --cards "$WORK/all.1.csv"
assert_lines "refused of one file after a correction" '402 required
405 bad_country' refusals cards
cat >"$WORK/all.2.csv" <<END
$ALL$CTP
402,7,622,0001,pt_BR,Bea,Lua,bea@example.com,5511955577002,,,Rua Um 2,RJ,BRA,required,billing_address_line1,
405,7,605,0001,pt_BR,Eva,Lua,eva@example.com,5511955577005,,,Rua Um 5,RJ,BRA,bad_country,billing_country_code,
END
assert_exit 0 again --cards "$WORK/all.2.csv"
assert_exit 0 again --cards "$WORK/all.1.csv"
stop_sandbox
assert_lines "states of one file in the end" '601 accepted
602 accepted
603 accepted
604 accepted
605 accepted
622 held' everything
assert_lines "requests of one file" '601 401 202 true
602 402 202 true
603 403 202 true
604 404 202 true
605 405 202 true' requests
check_journal "one file"
check_sums "one file"

flow_end
