# shellcheck shell=bash disable=SC2034 # turn uses ROUND and SAMPLES
# submit: whole runs (load, requests, ledger, reports) beside clients that only send and beside scripts that do the main
# of it: against nginx, plain and TLS, and against a server 25 +- 20 ms away. One account with one token from a file, so
# that all send the same. Sourced by tests/bench.sh.

NODE_HOME=$BUILD/bench/node

# The contestant; a ledger of its own each time.
run_turn() { # base URL, name, further options
    local url=$1 name=$2
    shift 2
    rm -f "$WORK/run.db"*
    turn 0 "$name" "${ON_CLIENT[@]}" "$BUILD/ctp-enroll" run --ledger "$WORK/run.db" --out "$WORK/run.out" --quiet \
        --cards "$CARDS_FILE" --customers "$CUSTOMERS_FILE" --tenant TN-BENCH --base-url "$url" --rate 100000/s \
        --concurrency 64 --set auth.method=file --set auth.token_file="$TOKEN_FILE" --set tls.ca_file="$CA" "$@"
    rm -rf "$WORK/run.db"* "$WORK/run.out"
}

h2load_turn() { # base URL, name, requests
    turn 0 "$2" "${ON_CLIENT[@]}" h2load --h1 -n "$3" -c 64 -m 1 -d "$WORK/body.json" -H 'Content-Type: application/json' \
        -H 'x-tenant: TN-BENCH' -H 'x-customer-id: 10000001' -H 'x-cid: 6ec0bd7f-11c0-43da-975e-2a8ad9ebae0b' \
        -H "Authorization: Bearer $(cat "$TOKEN_FILE")" "$1$API_PATH"
    grep -q "$3 succeeded" "$WORK/stdout" || fault "h2load: $(grep '^requests:' "$WORK/stdout")"
}

bare_turn() { # base URL, name, requests
    turn 0 "$2" "${ON_CLIENT[@]}" "$BUILD/bench/bare_client" --url "$1$API_PATH" --token-file "$TOKEN_FILE" \
        --body-file "$WORK/body.json" --requests "$3" --ca "$CA"
}

script_turn() { # base URL, name, interpreter, script
    local trust=()
    case $1 in https:*) trust=(--ca "$CA") ;; esac
    rm -f "$WORK/peer.db"*
    turn 0 "$2" "${ON_CLIENT[@]}" "$3" "$4" --cards "$CARDS_FILE" --customers "$CUSTOMERS_FILE" --url "$1" \
        --token-file "$TOKEN_FILE" --db "$WORK/peer.db" "${trust[@]}"
    rm -f "$WORK/peer.db"*
}

# What all of them send: the body of our own first request.
make_body() {
    local ROUND=0 SAMPLES=/dev/null
    make_portfolio one --customers 1 --cards 1 --accounts 1 --seed 7
    start_target --first-file "$WORK/first"
    CARDS_FILE=$WORK/one/cards.csv CUSTOMERS_FILE=$WORK/one/customers.csv run_turn "$DELAYED" 'one card'
    stop_target
    awk 'body { printf "%s", $0 } /^\r$/ { body = 1 }' "$WORK/first" >"$WORK/body.json"
    [ -s "$WORK/body.json" ] || die "no body of a request"
}

# Packages from the npm registry go into the build folder, once; better-sqlite3 may have to be compiled, for which
# Debian's nodejs brings its headers along. In a quick bench they are used if they are there.
find_node() {
    NODE=$(command -v node) || { NODE_WHY='node (package nodejs) is not there'; return 1; }
    export NODE_PATH=$NODE_HOME/node_modules
    if [ ! -d "$NODE_PATH" ] && [ -z "${QUICK:-}" ] && command -v npm >/dev/null; then
        echo 'installing the packages of the Node peer'
        mkdir -p "$NODE_HOME"
        cp "$ROOT"/tests/bench/node/package*.json "$NODE_HOME"
        [ -f /usr/include/node/node.h ] && export npm_config_nodedir=/usr
        (cd "$NODE_HOME" && npm ci --no-audit --no-fund --loglevel=error) >"$WORK/npm.log" 2>&1
    fi
    NODE_WHY='its npm packages could not be installed'
    [ -z "${QUICK:-}" ] || NODE_WHY='its npm packages are not there yet (make bench installs them)'
    "$NODE" -e 'require("better-sqlite3")(":memory:"); require("undici"); require("csv-parse")' 2>/dev/null
}

contest() { # base URL, cards, rounds, words for the transport
    local ROUND SAMPLES=$WORK/submit.samples
    rm -f "$SAMPLES"
    for ROUND in $(seq "$3"); do
        run_turn "$1" run
        h2load_turn "$1" 'h2load, HTTP/1.1' "$2"
        bare_turn "$1" 'bare libcurl' "$2"
        [ -z "$HAVE_AIOHTTP" ] || script_turn "$1" 'aiohttp, csv, sqlite3' "$PYTHON" "$ROOT/tests/bench/aiohttp_peer.py"
        [ -z "$HAVE_NODE" ] || script_turn "$1" 'Node, undici' "$NODE" "$ROOT/tests/bench/node/peer.js"
    done
    printf '\nrun, loading and reports included, %s, %s cards:\n' "$4" "$2"
    table "$SAMPLES" "$2" card
}

contest_figures() { # words for the transport, then goal and stretch goal beside h2load and in speed beside aiohttp
    local SAMPLES=$WORK/submit.samples
    pairs "$SAMPLES" cpu run 'h2load, HTTP/1.1' | figure "run, $1: CPU / h2load" '%.2f' '<=' "$2" "$3"
    pairs "$SAMPLES" cpu run 'bare libcurl' | figure "run, $1: CPU / bare libcurl" '%.2f'
    if [ -n "$HAVE_AIOHTTP" ]; then
        pairs "$SAMPLES" wall 'aiohttp, csv, sqlite3' run |
            figure "run, $1: cards a second / aiohttp" '%.2f' '>=' "$4" "$5"
    fi
    if [ -n "$HAVE_NODE" ]; then
        pairs "$SAMPLES" cpu run 'Node, undici' | figure "run, $1: CPU / Node" '%.2f' '<=' 0.70 0.55
    fi
}

# A request flies 25 ms, so a round takes its time whatever the client.
bench_latency() { # cards, rounds
    local ROUND SAMPLES=$WORK/latency.samples
    start_target --least-ms 5 --most-ms 45
    for ROUND in $(seq "$2"); do
        run_turn "$DELAYED" run
        bare_turn "$DELAYED" 'bare libcurl' "$1"
    done
    stop_target
    printf '\nrun, loading and reports included, server 25 +- 20 ms away, %s cards:\n' "$1"
    table "$SAMPLES" "$1" card
    pairs "$SAMPLES" cpu run 'bare libcurl' | figure 'run, 25 +- 20 ms: CPU / bare libcurl' '%.2f' '<=' 1.35 1.2
    pairs "$SAMPLES" wall run 'bare libcurl' | figure 'run, 25 +- 20 ms: clock / bare libcurl' '%.2f'
}

# The program has no mode without a ledger, so what SQLite takes is timed in place (sqlite_clock.c).
bench_ledger() { # cards, rounds
    local ROUND SAMPLES=$WORK/ledger.samples
    for ROUND in $(seq "$2"); do
        SQLITE_CLOCK=$WORK/clock LD_PRELOAD=$BUILD/bench/sqlite_clock.so run_turn "$HTTP" 'run, SQLite timed'
        awk -F'\t' -v cpu="$CPU" -v cards="$1" '$1 == "total" {
            whole = cpu * 1e6 - $4
            print whole / (whole - $2) >>on_off
            print $2 / cards >>each
        }' on_off="$WORK/on_off" each="$WORK/each" "$WORK/clock"
    done
    figure 'ledger: CPU of a run / the same less SQLite' '%.2f' '<=' 1.10 1.05 <"$WORK/on_off"
    figure 'ledger: CPU in SQLite a card, load included, us' '%.1f' <"$WORK/each"
    printf '\nCPU in SQLite, the last of these runs, us a card:\n'
    awk -F'\t' -v cards="$1" '$1 == "statement" { printf "%8.2f  %s\n", $2 / cards, substr($4, 1, 100) }' "$WORK/clock" |
        sort -rn | head -n "$LEDGER_LINES"
}
LEDGER_LINES=16

# Calls of the allocator by whom (alloc_count.c), a file for each number of cards in the folder of that name; what the
# larger number asks for beyond the smaller is asked for with every card. The program's own must not be
# (tests/flow_allocations.sh); the libraries' are shown.
bench_allocations() { # base URL, cards, words for the transport
    local cards
    for cards in "$2" $((2 * $2)); do
        rm -rf "$WORK/calls_$cards" "$WORK/calls.db"*
        make_portfolio "calls_$cards" --customers "$cards" --cards "$cards" --accounts 1 --shuffle --seed 7
        assert_exit 0 env ALLOC_COUNT="$WORK/calls_$cards/count" LD_PRELOAD="$BUILD/bench/alloc_count.so" \
            "$BUILD/ctp-enroll" run --ledger "$WORK/calls.db" --out "$WORK/calls_$cards/out" --quiet \
            --cards "$WORK/calls_$cards/cards.csv" --customers "$WORK/calls_$cards/customers.csv" --tenant TN-BENCH \
            --base-url "$1" --rate 100000/s --concurrency 64 --set auth.method=file \
            --set auth.token_file="$TOKEN_FILE" --set tls.ca_file="$CA"
    done
    printf '\nallocations a card, %s:\n' "$3"
    awk -F'\t' -v cards="$2" 'NR == FNR { before[$1] = $2; next } $2 > before[$1] + cards / 1000 || $1 == "program" {
        printf "%8.3f  %s\n", ($2 - before[$1]) / cards, $1
    }' "$WORK/calls_$2/count" "$WORK/calls_$((2 * $2))/count" | tee "$WORK/calls"
    awk '$2 == "program" { print $1 }' "$WORK/calls" | figure "run, $3: allocations a card, ours" '%.3f' '<=' 0.1
    awk '{ sum += $1 } END { print sum }' "$WORK/calls" | figure "run, $3: allocations a card, libraries too" '%.2f'
    rm -rf "$WORK/calls"*
}

# Each request on a connection of its own, trust from a bundle as large as the system's: what TLS adds a connection. The
# bundle is parsed once, and that is in the figure.
bench_handshakes() { # connections, rounds
    local ROUND SAMPLES=$WORK/handshake.samples CA=$WORK/tls/bundle.pem
    make_portfolio handshakes --customers "$1" --cards "$1" --accounts 1 --seed 7
    CARDS_FILE=$WORK/handshakes/cards.csv CUSTOMERS_FILE=$WORK/handshakes/customers.csv
    for ROUND in $(seq "$2"); do
        run_turn "$HTTPS_CLOSE" 'TLS'
        run_turn "$HTTP_CLOSE" 'plain'
    done
    printf '\nrun, a connection for each request, %s certificates to trust, %s connections:\n' \
        "$(grep -c BEGIN "$CA")" "$1"
    table "$SAMPLES" "$1" connection
    awk -F'\t' -v n="$1" '$2 == "TLS" { tls[$1] = $3 } $2 == "plain" { plain[$1] = $3 }
        END { for (round in tls) print (tls[round] - plain[round]) * 1000 / n }' "$SAMPLES" |
        figure 'TLS set-up: CPU a connection, ms' '%.2f' '<=' 2 1.5
}

bench_submit() { # cards, rounds; cards and rounds at a distance; rounds with the ledger timed
    local tool CARDS_FILE CUSTOMERS_FILE HAVE_AIOHTTP HAVE_NODE=1
    for tool in h2load curl openssl; do
        command -v "$tool" >/dev/null || { no_figure run "$tool is not there"; return; }
    done
    make_certificates
    make_tokens
    make_body
    make_portfolio far --customers "$3" --cards "$3" --accounts 1 --shuffle --seed 7
    CARDS_FILE=$WORK/far/cards.csv CUSTOMERS_FILE=$WORK/far/customers.csv
    bench_latency "$3" "$4"
    start_nginx || { no_figure run 'nginx (package nginx-light) is not there'; return; }
    HAVE_AIOHTTP=$("$PYTHON" -c 'import aiohttp; print(aiohttp.__version__)' 2>/dev/null)
    [ -n "$HAVE_AIOHTTP" ] || no_figure 'run beside aiohttp' 'package python3-aiohttp is not there'
    find_node || { HAVE_NODE='' && no_figure 'run beside Node' "$NODE_WHY"; }
    make_portfolio near --customers "$1" --cards "$1" --accounts 1 --shuffle --seed 7
    CARDS_FILE=$WORK/near/cards.csv CUSTOMERS_FILE=$WORK/near/customers.csv
    contest "$HTTP" "$1" "$2" HTTP/1.1
    contest_figures HTTP/1.1 3.0 2.6 5.5 7
    contest "$HTTPS" "$1" "$2" TLS
    contest_figures TLS 2.7 2.3 4.5 6
    bench_ledger "$1" "$5"
    bench_allocations "$HTTP" 5000 HTTP/1.1
    bench_allocations "$HTTPS" 5000 TLS
    bench_handshakes 512 "$2"
    stop_servers
    rm -rf "$WORK/near" "$WORK/far" "$WORK/handshakes"
}
