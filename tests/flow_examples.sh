#!/bin/bash
# Every example of README.md, the man page, docs/operations.md and --help is a command that works. Examples are found in the
# texts, none is listed here: lines in an indented or fenced block (.nf in the man page, Examples: in the help) and code
# spans that begin with ctp-enroll, ctp-sandbox or sqlite3 and a blank. testdata/examples.txt says how each is run and
# how it must end; one that it does not know fails, and so does a line of it that no text has any more.
#
# What runs is the example as it stands, but for: absolute paths, which lead into a desk (a folder of this test); the port
# of a rehearsal; `...`, which stands for the usual options; ID and $L, which the text explains. Hosts are replaced by
# the environment, which beats a configuration file.
# shellcheck source=tests/flow.sh
. "$(dirname "$0")/flow.sh"
flow_begin
TABLE=$ROOT/testdata/examples.txt
EXAMPLES=$WORK/examples # TEXT TAB FILE:LINE
DESK=$WORK/desk

# ---- finding ----

# Joins continued lines, drops a prompt, a service file's key, another user and a program's folder, and folds blanks.
# Prints what then is a command.
pick() { # file's name; lines "NUMBER TAB TEXT" on stdin
    awk -F'\t' -v name="$1" '
        {
            text = $2
            sub(/^[ ]+/, "", text)
            if (!open) {
                line = $1
                sub(/^\$ /, "", text); sub(/^ExecStart=/, "", text); sub(/^sudo -u ctp-enroll /, "", text)
                sub(/^\/usr\/local\/bin\//, "", text)
            }
            whole = open ? whole " " text : text
            open = sub(/\\$/, "", whole)
            if (open) next
            gsub(/[ ]+/, " ", whole)
            sub(/ $/, "", whole)
            if (whole ~ /^(ctp-enroll|ctp-sandbox|sqlite3) /) print whole "\t" name ":" line
        }'
}

# Blocks by line; a code span may go over the end of a line, not of a paragraph.
from_markdown() { # file
    awk '
        /^ *```/ { fenced = !fenced; next }
        fenced || /^    / { print FNR "\t" $0 }' "$ROOT/$1" | pick "$1"
    awk '
        function spans(text, line,    parts, n, i) {
            n = split(text, parts, "`")
            for (i = 2; i <= n; i += 2) print line "\t" parts[i]
        }
        /^ *```/ { fenced = !fenced; next }
        fenced || /^    / || /^ *$/ { if (text != "") spans(text, line); text = ""; next }
        text == "" { line = FNR }
        { sub(/^ */, ""); text = text == "" ? $0 : text " " $0 }
        gsub(/`/, "`", text) % 2 == 0 { spans(text, line); text = "" }
        END { spans(text, line) }' "$ROOT/$1" | pick "$1"
}

from_man_page() { # file
    awk '/^\.nf/ { example = 1; next } /^\.fi/ { example = 0 } example { print FNR "\t" $0 }' "$ROOT/$1" |
        sed -e 's/\\-/-/g' -e 's/\\(dq/"/g' -e 's/\\(aq/'"'"'/g' -e 's/\\e/\\/g' | pick "$1"
}

from_help() { # command, or nothing
    "$BUILD/ctp-enroll" "$@" --help |
        awk '/^Examples:/ { example = 1; next } !/^  / { example = 0 } example { print FNR "\t" $0 }' |
        pick "ctp-enroll${1:+ $1} --help"
}

find_examples() {
    local command
    from_markdown README.md
    from_markdown docs/operations.md
    from_man_page docs/ctp-enroll.1
    from_help
    for command in $("$BUILD/ctp-enroll" --help |
        awk '/^Commands:/ { list = 1; next } !/^  / { list = 0 } list { print $1 }'); do
        from_help "$command"
    done
}

find_examples >"$EXAMPLES"
[ "$(cut -f2 "$EXAMPLES" | cut -d: -f1 | sort -u | wc -l)" -ge 8 ] || fault "texts without any example: $(cut -f2 "$EXAMPLES")"

# ---- the table ----

# Lines "CODE DESK EXAMPLE".
grep -vE '^(#|$)' "$TABLE" >"$WORK/table"
cut -d' ' -f3- "$WORK/table" | sort >"$WORK/known"
assert_eq "lines twice in testdata/examples.txt" "" "$(uniq -d "$WORK/known")"
cut -f1 "$EXAMPLES" | sort -u >"$WORK/found"
while IFS= read -r text; do
    fault "an example is not tested; say in testdata/examples.txt how it is run and ends: $(
        grep -F -- "$text	" "$EXAMPLES" | cut -f2 | sort -u | tr '\n' ' '): $text"
done < <(comm -13 "$WORK/known" "$WORK/found")
while IFS= read -r text; do
    fault "no text has this example of testdata/examples.txt any more: $text"
done < <(comm -23 "$WORK/known" "$WORK/found")

# ---- desks ----

CARD_HEADER=customer_id,account_id,card_id,owner_bid
CUSTOMER_HEADER=first_name,last_name,emails,phones,locale,billing_address_line1,billing_city,billing_state,billing_postal_code,billing_country_code
person() { # number
    echo "Ada,Example$1,ada$1@mail.example,5521999990$((100 + $1)),pt_BR,Rua Exemplo $1,Rio de Janeiro,RJ,20000000,BRA"
}

# Eight customers with a card each; the first card is the one that the texts name.
make_files() { # folder
    local i card
    mkdir -p "$1"
    echo "$CARD_HEADER" >"$1/cards.csv"
    echo "customer_id,$CUSTOMER_HEADER" >"$1/customers.csv"
    for i in 1 2 3 4 5 6 7 8; do
        card=$((6743051 + i))
        [ $i != 2 ] || card=400000046
        echo "$((500 + i)),$((900 + i)),$card,1000052" >>"$1/cards.csv"
        echo "$((500 + i)),$(person $i)" >>"$1/customers.csv"
    done
    head -n 3 "$1/cards.csv" >"$1/corrected.csv"
}

# The configuration is README's own.
configuration() {
    awk '/^ *\[api\]$/ { on = 1 } on && !/^ *(\[|[a-z_]+ = |$)/ { exit } on' "$ROOT/README.md" |
        sed -e 's/^ *//' -e "s#/etc/#$DESK/etc/#"
}

# One file with the columns of both.
widen() {
    local i
    {
        echo "$CARD_HEADER,$CUSTOMER_HEADER"
        for i in 1 2 3; do echo "$((500 + i)),$((900 + i)),$((6743051 + i)),1000052,$(person $i)"; done
    } >"$DESK/cards.csv"
    gzip -k "$DESK/cards.csv"
}

at_desk() { # command...
    (cd "$DESK" && PATH=$BUILD:$PATH STATE_DIRECTORY=$DESK/var/lib/ctp-enroll HOME=$DESK \
        L="--ledger $DESK/var/lib/ctp-enroll/ctp-enroll.db" "$@") >"$WORK/example.stdout" 2>"$WORK/example.stderr"
}

# Every desk has the files and the configuration. files: nothing else. wide: cards.csv carries the customers. begun: a run
# has loaded them and was stopped before its first request. done: a run has submitted them; the sandbox's events of it are
# in events.jsonl, events-1.json.gz and srv/ctp/events. part: the same, but some cards never got through. refused: the same, but one record was refused, which
# corrected.csv brings again. sandbox: a program that stays.
prepare() { # desk
    local sandbox=() code=0
    rm -rf "$DESK" "$WORK/outcomes.jsonl"
    mkdir -p "$DESK/var/lib/ctp-enroll" "$DESK/etc/ctp-enroll" "$DESK/backup" "$DESK/build/demo"
    ln -s "$ROOT/testdata" "$DESK/testdata"
    make_files "$DESK"
    make_files "$DESK/srv/ctp/in"
    configuration >"$DESK/ctp-enroll.conf"
    for name in server.key server.secret server-key server-secret; do
        (umask 077 && echo example >"$DESK/etc/ctp-enroll/$name")
    done
    : >"$JOURNAL"
    case $1 in
    done) sandbox=(--events "$WORK/outcomes.jsonl") ;;
    part) sandbox=(--fault '500=40%' --seed 5) code=3 ;;
    refused) sed -i '3s/,902,/,,/' "$DESK/cards.csv" "$DESK/srv/ctp/in/cards.csv" && code=3 ;;
    wide) widen ;;
    esac
    start_sandbox "${sandbox[@]}"
    export CTP_ENROLL_API_BASE_URL=http://127.0.0.1:$PORT/cards-tokenization
    export CTP_ENROLL_AUTH_URL=http://127.0.0.1:$PORT/passport
    export CTP_ENROLL_API_TENANT=TN-EXAMPLE CTP_ENROLL_PACE_RATE=2000/s CTP_ENROLL_PACE_TOKEN_RATE=2000/s
    export CTP_ENROLL_RETRY_BASE=10ms CTP_ENROLL_ENROLL_OWNER_BID=1000052
    case $1 in
    begun) code=5 && set -- begun --max-duration 1ms ;;
    part) set -- part --set retry.max_attempts=1 ;;
    done | refused) ;;
    *) return ;;
    esac
    at_desk ctp-enroll run --cards cards.csv --customers customers.csv "${@:2}"
    assert_eq "exit code of the run before a desk '$1'" $code $?
    for name in ctp-enroll.db portfolio.db rehearsal.db; do
        cp "$DESK/var/lib/ctp-enroll/ctp-enroll.db" "$DESK/$name"
    done
    if [ "$1" = "done" ]; then
        stop_sandbox # it writes its last events at its end
        mkdir "$DESK/srv/ctp/events"
        cp "$WORK/outcomes.jsonl" "$DESK/events.jsonl" && gzip -c "$DESK/events.jsonl" >"$DESK/events-1.json.gz" &&
            cp "$DESK/events-1.json.gz" "$DESK/srv/ctp/events/" && cp "$DESK/ctp-enroll.db" "$DESK/events.jsonl" "$DESK/build/demo/"
        start_sandbox
    fi
}

# ---- running ----

runnable() { # example
    local usual='--cards cards.csv --customers customers.csv --config ctp-enroll.conf'
    case $1 in *testdata/demo/cards.csv*) usual='--config testdata/demo/ctp-enroll.conf --out build/demo/run' ;; esac
    sed -e "s#\.\.\.#$usual#; s#…#$usual#; s# ID\b# 6743052#; s# \$##; s#127\.0\.0\.1:80[89]0#127.0.0.1:$PORT#g" \
        -e "s#\(^\|[ =:'\"]\)/\(srv\|var/lib\|etc\|backup\)/#\1$DESK/\2/#g" <<<"$1"
}

# One that stays: it must come up.
run_sandbox() { # example
    local command
    command=$(runnable "$1" | sed -e 's/ --port [0-9]*/ --port 0 --port-file up/' -e 's/ &$//')
    (cd "$DESK" && PATH=$BUILD:$PATH exec bash -c "exec $command") >"$WORK/example.stdout" 2>"$WORK/example.stderr" &
    RUN_PID=$!
    # shellcheck disable=SC2016
    wait_until '[ -s "$DESK/up" ] || ! kill -0 "$RUN_PID" 2>/dev/null' 10
    kill -s TERM "$RUN_PID" 2>/dev/null
    wait_run
    [ -s "$DESK/up" ] || return 1
    return "$RUN_CODE"
}

# Deadlines such as 06:00 are far away where it is noon.
hour=$(date -u +%-H)
export TZ="NOON$((hour - 12))"
count=0
while read -r code desk example; do
    grep -qxF -- "$example" "$WORK/found" || continue
    prepare "$desk"
    if [ "$desk" = sandbox ]; then
        run_sandbox "$example"
    else
        at_desk bash -c "$(runnable "$example")"
    fi
    got=$?
    stop_sandbox
    count=$((count + 1))
    [ "$got" = "$code" ] || {
        fault "exit code $got instead of $code: $example"
        tail -n 3 "$WORK/example.stderr" >&2
    }
done <"$WORK/table"
note "$count examples run"

flow_end
