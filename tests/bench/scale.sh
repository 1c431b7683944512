# shellcheck shell=bash
# scale: what must not grow with the portfolio. Loads of shuffled files at several sizes; then, on the largest, how long a
# half-done ledger takes to go on and what `status` takes beside it; then whole runs over TLS at 10,000 cards and at the
# largest size, for their memory. Four customers to five cards. BENCH_SCALE=10000000 adds the size that the goals are set
# for: an hour, and 20 GiB of disk. Sourced by tests/bench.sh.

SCALE_SMALL=10000
STATUS_LOOKS=5

scale_portfolio() { # folder, cards
    make_portfolio "$1" --customers $(($2 * 4 / 5)) --cards "$2" --shuffle --seed 101
    CARDS_FILE=$WORK/$1/cards.csv CUSTOMERS_FILE=$WORK/$1/customers.csv
    RECORDS=$(($2 + $2 * 4 / 5))
}

scale_options() { # ledger, base URL
    OPTIONS=(--ledger "$1" --out "$WORK/scale.out" --tenant TN-BENCH --base-url "$2" --rate 100000/s --concurrency 64
        --set auth.method=file --set auth.token_file="$TOKEN_FOR_ALL" --set tls.ca_file="$CA" --log-format json)
}

now_ms() {
    date +%s%3N
}

# ---- load ----

# A load alone: the run's time is over before its first request. Timed to the log's word that the files are loaded.
load_once() { # ledger
    local start end
    rm -f "$1" "$1"-*
    scale_options "$1" http://127.0.0.1:9
    start=$(now_ms)
    measure "${ON_CLIENT[@]}" "$BUILD/ctp-enroll" run "${OPTIONS[@]}" --cards "$CARDS_FILE" --customers "$CUSTOMERS_FILE" \
        --max-duration 1ms
    assert_eq "exit code of a load" 5 "$CODE"
    end=$(jq -r 'select(.event == "file loaded") | .time' "$WORK/stderr" | tail -n 1)
    WALL=$(awk -v start="$start" -v end="$(date -d "$end" +%s%3N)" 'BEGIN { print (end - start) / 1000 }')
}

# The figures of a size; the last ledger and its files are left.
bench_load() { # cards, rounds
    local ROUND
    scale_portfolio scale "$1"
    for ROUND in $(seq "$2"); do
        load_once "$WORK/scale.db"
        awk -v round="$ROUND" -v size="$1" -v took="$WALL" -v n="$RECORDS" \
            'BEGIN { printf "%d\t%d\t%.0f\n", round, size, n / took }' >>"$WORK/loads"
    done
    printf '\nload of %s cards, four customers to five: %s s, peak %s KiB with reports, ledger %s MiB\n' "$1" "$WALL" \
        "$PEAK" $(($(stat -c %s "$WORK/scale.db") >> 20))
    awk -F'\t' -v size="$1" '$2 == size { print $3 }' "$WORK/loads" |
        figure "load, $1 cards: records a second" '%.0f'
}

# Each load of a size beside the one of the same round, or the last there is, of another.
load_ratio() { # size, other size, goal
    awk -F'\t' -v one="$1" -v other="$2" '$2 == one { a[++n] = $3 } $2 == other { b[++m] = $3 }
        END { for (i = 1; i <= n; i++) print a[i] / b[i < m ? i : m] }' "$WORK/loads" |
        figure "load: records a second, $1 / $2 cards" '%.2f' '>=' "$3"
}

# ---- resume and status ----

# Made by hand, because sending millions of cards is measured elsewhere: the first half is accepted.
half_done() { # ledger, cards
    sqlite3 "$1" "UPDATE card SET state = 5, attempts = 1, http_status = 202, code = 'accepted',
            updated_ms = 1700000000000 + id / 250 * 250 WHERE state = 3 AND id <= $2 / 2;
        UPDATE claimed SET after = $2 / 2, last = $2 / 2;
        DELETE FROM tally WHERE kind IN ('state', 'accepted');
        INSERT INTO tally SELECT 'state', state, count(*) FROM card_now GROUP BY state;
        INSERT INTO tally SELECT 'accepted', updated_ms, count(*) FROM card_now WHERE state = 5 GROUP BY updated_ms;"
}

# A run that goes on, in the background; RESUMED: seconds until its first request reached the server.
resume() {
    local start
    rm -f "$WORK/first"
    start_target --first-file "$WORK/first"
    scale_options "$WORK/scale.db" "$DELAYED"
    start=$(now_ms)
    "${ON_CLIENT[@]}" "$BUILD/ctp-enroll" run "${OPTIONS[@]}" >"$WORK/run.stdout" 2>"$WORK/run.stderr" &
    RUN_PID=$!
    # shellcheck disable=SC2016 # expanded at each look
    wait_until '[ -s "$WORK/first" ] || ! kill -0 "$RUN_PID" 2>/dev/null' 600
    [ -s "$WORK/first" ] || die "a half-done ledger does not go on: $(tail -n 3 "$WORK/run.stderr")"
    RESUMED=$(awk -v start="$start" 'NR == 1 { print ($1 - start) / 1000; exit }' "$WORK/first")
}

time_status() { # looks
    local _
    for _ in $(seq "$1"); do
        measure "$BUILD/ctp-enroll" status --ledger "$WORK/scale.db" --json
        assert_eq 'exit code of status' 0 "$CODE"
        echo "$WALL"
    done >>"$WORK/status.values"
}

end_run() { # signal
    kill -s "$1" "$RUN_PID"
    wait_run
    stop_target
}

bench_resume() { # cards, rounds
    local round
    half_done "$WORK/scale.db" "$1"
    for round in $(seq "$2"); do
        measure openssl dgst -sha256 "$CARDS_FILE" "$CUSTOMERS_FILE"
        echo "$WALL" >>"$WORK/digest.values"
        resume
        echo "$RESUMED" >>"$WORK/resume.values"
        awk -v all="$RESUMED" -v digest="$WALL" 'BEGIN { print all - digest }' >>"$WORK/rest.values"
        time_status "$STATUS_LOOKS"
        if [ "$round" -lt "$2" ]; then end_run TERM; else end_run KILL; fi
    done
    resume
    end_run KILL
    echo "$RESUMED" >"$WORK/killed.values"
    figure "resume, $1 cards half done: first request after, s" '%.2f' <"$WORK/resume.values"
    figure 'resume: the same less SHA-256 of the files by openssl, s' '%.2f' '<=' 2 <"$WORK/rest.values"
    figure 'resume after kill -9, s' '%.2f' <"$WORK/killed.values"
    figure "status beside that run, $1 cards, s" '%.3f' '<=' 1 <"$WORK/status.values"
    rm -f "$WORK/scale.db"*
}

# ---- memory ----

whole_run() { # cards
    scale_portfolio scale "$1"
    rm -f "$WORK/scale.db"*
    scale_options "$WORK/scale.db" "$HTTPS"
    measure "${ON_CLIENT[@]}" "$BUILD/ctp-enroll" run "${OPTIONS[@]}" --cards "$CARDS_FILE" --customers "$CUSTOMERS_FILE"
    assert_eq "exit code of a whole run" 0 "$CODE"
    printf '\nrun over TLS, %s cards: %s s, %s s of CPU, %s KiB peak\n' "$1" "$WALL" "$CPU" "$PEAK"
    rm -rf "$WORK/scale" "$WORK/scale.db"* "$WORK/scale.out"
}

bench_memory() { # cards
    local peak each
    whole_run "$SCALE_SMALL"
    peak=$PEAK
    each=$(awk -v cpu="$CPU" -v n="$SCALE_SMALL" 'BEGIN { print cpu / n }')
    whole_run "$1"
    awk -v peak="$PEAK" 'BEGIN { print peak / 1024 }' | figure "peak RSS, TLS, 64 in flight, $1 cards, MiB" '%.1f' '<=' 32 26
    awk -v one="$PEAK" -v other="$peak" 'BEGIN { print (one - other) / 1024 }' |
        figure "peak RSS, $1 less $SCALE_SMALL cards, MiB" '%.1f' '<=' 4 3
    awk -v cpu="$CPU" -v n="$1" -v each="$each" 'BEGIN { print cpu / n / each }' |
        figure "run over TLS: CPU a card, $1 / $SCALE_SMALL cards" '%.2f' '<=' 1.25 1.1
}

bench_scale() { # cards and rounds of the smallest load, of the middle one
    local CARDS_FILE CUSTOMERS_FILE RECORDS OPTIONS largest=$3
    make_certificates
    make_tokens
    bench_load "$1" "$2"
    bench_load "$3" "$4"
    load_ratio "$3" "$1" 0.70
    if [ -n "${BENCH_SCALE:-}" ]; then
        largest=$BENCH_SCALE
        bench_load "$largest" 1
        load_ratio "$largest" "$3" 0.70
    fi
    bench_resume "$largest" 3
    if start_nginx; then
        bench_memory "$largest"
        stop_servers
    else
        no_figure 'peak RSS' 'nginx (package nginx-light) is not there'
    fi
}
