#!/bin/bash
# make bench: CPU and speed of a whole run (files, rules, ledger, requests, reports) beside h2load on the same server
# and with the same number of requests, in turn, as ratios of each round. ROUNDS and CARDS name other sizes. One
# account: tokens are measured elsewhere.
# shellcheck source=tests/flow.sh
. "$(dirname "$0")/flow.sh"
flow_begin

ROUNDS=${ROUNDS:-7}
CARDS_N=${CARDS:-50000}
for tool in h2load curl jq /usr/bin/time; do
    command -v "$tool" >/dev/null || die "needs $tool (packages nghttp2-client curl jq time)"
done

make_portfolio bench --customers "$CARDS_N" --cards "$CARDS_N" --accounts 1 --shuffle --seed 7
BODY=$WORK/body.json
printf '%s' '{"owner_bid":"1000052","card_information":{"card_id":6743052,"billing_address":{"address_line1":"1 Market Street, Suite 100","city":"San Francisco","state":"CA","postal_code":"94105","country_code":"USA"}},"customer_information":{"locale":"en_US","first_name":"Alexandra","last_name":"Example","country_code":"USA","emails":["alexandra@example.com"],"phones":["16504005555"],"consent":{"time_of_consent":"2024-05-05T12:12:12.000Z","version":"1.0","presenter":"Example Bank"}}}' >"$BODY"

# Seconds of CPU and of the clock that a command took, into CPU and WALL.
measure() {
    /usr/bin/time -f '%U %S %e' -o "$WORK/time" "$@" >"$WORK/stdout" 2>"$WORK/stderr"
    CODE=$?
    read -r user sys WALL <<<"$(tail -n 1 "$WORK/time")"
    CPU=$(echo "$user $sys" | awk '{ print $1 + $2 }')
}

median() {
    sort -n | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2, v[1], v[NR] }'
}

: >"$WORK/ratios"
for round in $(seq "$ROUNDS"); do
    JOURNAL=/dev/null
    start_sandbox --seed 17
    token=$(curl -s "http://127.0.0.1:$PORT/passport/v2/s2s/access-token" -H 'Content-Type: application/json' \
        -d '{"server_key":"k","server_secret":"s","account_id":1}' | jq -r .token)
    measure h2load --h1 -n "$CARDS_N" -c 64 -m 1 -d "$BODY" -H 'Content-Type: application/json' -H 'x-tenant: TN-BENCH' \
        -H 'x-customer-id: 1' -H "Authorization: Bearer $token" \
        "http://127.0.0.1:$PORT/cards-tokenization/v1/clicktopay/visa/enroll/customer"
    yardstick=$CPU yardstick_wall=$WALL
    LEDGER=$WORK/$round.db
    run_options
    measure "$BUILD/ctp-enroll" run "${RUN_OPTIONS[@]}" --cards "$WORK/bench/cards.csv" \
        --customers "$WORK/bench/customers.csv" --quiet --rate 100000/s --concurrency 64
    assert_eq "exit code of round $round" 0 "$CODE"
    echo "$CPU $WALL $yardstick $yardstick_wall $CARDS_N" |
        awk '{ printf "%.3f %.0f %.1f %.1f\n", $1 / $3, $5 / $2, $1 * 1e6 / $5, $3 * 1e6 / $5 }' >>"$WORK/ratios"
    stop_sandbox
done

printf '%-52s %10s %10s %10s\n' "$CARDS_N cards, $ROUNDS rounds" median least most
line() { # what, column
    local middle least most
    read -r middle least most < <(cut -d' ' -f"$2" "$WORK/ratios" | median)
    printf '%-52s %10s %10s %10s\n' "$1" "$middle" "$least" "$most"
}
line "CPU of a row, whole run / h2load's request" 1
line "rows a second, loading and reports included" 2
line "CPU of a row, microseconds" 3
line "CPU of h2load's request, microseconds" 4
flow_end
