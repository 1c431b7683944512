# shellcheck shell=bash
# submit: a whole run beside h2load. One account: tokens are measured elsewhere. Sourced by tests/bench.sh.

SUBMIT_BODY='{"owner_bid":"1000052","card_information":{"card_id":6743052,"billing_address":{"address_line1":"1 Market Street, Suite 100","city":"San Francisco","state":"CA","postal_code":"94105","country_code":"USA"}},"customer_information":{"locale":"en_US","first_name":"Alexandra","last_name":"Example","country_code":"USA","emails":["alexandra@example.com"],"phones":["16504005555"],"consent":{"time_of_consent":"2024-05-05T12:12:12.000Z","version":"1.0","presenter":"Example Bank"}}}'

submit_round() { # cards, round, file of samples
    local token
    # shellcheck disable=SC2034 # of tests/flow.sh
    JOURNAL=/dev/null LEDGER=$WORK/$2.db
    start_sandbox --seed 17
    token=$(curl -s "http://127.0.0.1:$PORT/passport/v2/s2s/access-token" -H 'Content-Type: application/json' \
        -d '{"server_key":"k","server_secret":"s","account_id":1}' | jq -r .token)
    run_options
    measure "$BUILD/ctp-enroll" run "${RUN_OPTIONS[@]}" --cards "$WORK/bench/cards.csv" \
        --customers "$WORK/bench/customers.csv" --quiet --rate 100000/s --concurrency 64
    assert_eq "exit code of round $2" 0 "$CODE"
    sample "$3" "$2" run
    measure h2load --h1 -n "$1" -c 64 -m 1 -d "$WORK/body.json" -H 'Content-Type: application/json' \
        -H 'x-tenant: TN-BENCH' -H 'x-customer-id: 1' -H "Authorization: Bearer $token" \
        "http://127.0.0.1:$PORT/cards-tokenization/v1/clicktopay/visa/enroll/customer"
    assert_eq "exit code of h2load" 0 "$CODE"
    sample "$3" "$2" 'h2load, HTTP/1.1'
    stop_sandbox
    rm -f "$LEDGER" "$LEDGER"-*
}

bench_submit() { # cards, rounds
    local tool round
    for tool in h2load curl jq; do
        command -v "$tool" >/dev/null || {
            echo "$tool (packages nghttp2-client curl jq) is not there and cannot be installed: no measurement of run"
            return
        }
    done
    make_portfolio bench --customers "$1" --cards "$1" --accounts 1 --shuffle --seed 7
    printf '%s' "$SUBMIT_BODY" >"$WORK/body.json"
    for round in $(seq "$2"); do
        submit_round "$1" "$round" "$WORK/submit.samples"
    done
    printf '\nrun, loading and reports included, %s cards:\n' "$1"
    table "$WORK/submit.samples" "$1" card
}
