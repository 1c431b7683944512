#!/bin/bash
# What `config check` and `run` say of certificates, keys and the proxy before anything is sent: wrong ones end with 2,
# a client certificate near its end is a warning with its date, and no credential is ever printed.
# shellcheck source=tests/flow.sh
. "$(dirname "$0")/flow.sh"
flow_begin

certificate() { # name, days
    openssl req -x509 -newkey rsa:2048 -nodes -keyout "$WORK/$1.key" -out "$WORK/$1.pem" -days "$2" \
        -subj "/CN=$1.example.com" 2>/dev/null || die "openssl made no certificate"
    chmod 600 "$WORK/$1.key"
}
certificate long 100
certificate short 10

tls() { # name of the certificate, name of the key, further options
    local cert=$1 key=$2
    shift 2
    CHECK=("$BUILD/ctp-enroll" config check --set auth.url=http://127.0.0.1:9/p --set "tls.cert_file=$WORK/$cert" --set "tls.key_file=$WORK/$key" "$@")
}

# ---- certificates ----

tls long.pem long.key
assert_exit 0 "${CHECK[@]}"
assert_eq "a good certificate is not worth a word" "the configuration is valid" "$(cat "$WORK/stdout" "$WORK/stderr")"
tls short.pem short.key
assert_exit 0 "${CHECK[@]}"
ENDS=$(date -u -d "$(openssl x509 -in "$WORK/short.pem" -noout -enddate | cut -d= -f2)" +%Y-%m-%dT%H:%M:%S)
assert_in "the warning has the date" "ends soon.*file=$WORK/short.pem ends=$ENDS.000Z days=(9|10)$" "$WORK/stderr"
tls short.pem short.key --set tls.expiry_warning=5d
assert_exit 0 "${CHECK[@]}"
assert_eq "no warning before tls.expiry_warning" "" "$(cat "$WORK/stderr")"
tls long.pem short.key
assert_exit 2 "${CHECK[@]}"
assert_in "a key of another certificate" 'belongs to another certificate' "$WORK/stderr"
tls missing.pem long.key
assert_exit 2 "${CHECK[@]}"
assert_in "a missing certificate" 'missing.pem: No such file' "$WORK/stderr"
: >"$WORK/empty.pem"
assert_exit 2 "$BUILD/ctp-enroll" config check --set "tls.ca_file=$WORK/empty.pem"
assert_in "an empty CA file" 'CA file .*empty.pem: the file is empty' "$WORK/stderr"
chmod 644 "$WORK/long.key"
tls long.pem long.key
assert_exit 0 "${CHECK[@]}"
assert_in "a key that others may read" "read by others.*$WORK/long.key" "$WORK/stderr"
chmod 600 "$WORK/long.key"

make_portfolio data --customers 10 --cards 10
start_sandbox
CARDS=(--cards "$WORK/data/cards.csv" --customers "$WORK/data/customers.csv")
assert_exit 2 submit "${CARDS[@]}" --set "tls.cert_file=$WORK/long.pem" --set "tls.key_file=$WORK/short.key"
assert_true "nothing is loaded before that" test ! -e "$LEDGER"
assert_exit 0 submit "${CARDS[@]}" --set "tls.cert_file=$WORK/short.pem" --set "tls.key_file=$WORK/short.key"
assert_in "run warns as well" 'client certificate ends soon' "$WORK/stderr"

# ---- the proxy ----

assert_exit 2 "$BUILD/ctp-enroll" config check --set proxy.url=http://bob:hush@proxy.example.com:3128
assert_in "no credentials in the URL" 'proxy.credentials_file' "$WORK/stderr"
assert_eq "and they are not repeated" "" "$(grep -h hush "$WORK/stdout" "$WORK/stderr")"
assert_exit 2 "$BUILD/ctp-enroll" config check --set proxy.url=proxy.example.com:3128
assert_exit 2 "$BUILD/ctp-enroll" config check --set proxy.credentials=bob:hush
assert_exit 2 env https_proxy=ftp://bob:hush@proxy.example.com "$BUILD/ctp-enroll" config check
assert_in "a proxy of the environment that is none" https_proxy "$WORK/stderr"
assert_eq "nor is it repeated" "" "$(grep -h hush "$WORK/stdout" "$WORK/stderr")"
assert_exit 0 env https_proxy=ftp://proxy.example.com "$BUILD/ctp-enroll" config check --set auth.url=http://127.0.0.1:9/p --set proxy.url=none
assert_exit 0 env CTP_ENROLL_PROXY_CREDENTIALS=bob:hush "$BUILD/ctp-enroll" config show
assert_in "masked" '^proxy.credentials = \*+$' "$WORK/stdout"
assert_eq "never printed" "" "$(grep -h hush "$WORK/stdout" "$WORK/stderr")"
# Loopback needs no proxy of the environment: nobody listens on that port.
echo 'bob:hush' >"$WORK/credentials"
chmod 600 "$WORK/credentials"
LEDGER=$WORK/second.db
assert_exit 0 env https_proxy=http://127.0.0.1:9 http_proxy=http://127.0.0.1:9 \
    "$BUILD/ctp-enroll" run --ledger "$LEDGER" --out "$OUT" --tenant TN-FLOW "${CARDS[@]}" \
    --base-url "http://127.0.0.1:$PORT/cards-tokenization" --auth-url "http://127.0.0.1:$PORT/passport" \
    --set "proxy.credentials_file=$WORK/credentials"
assert_exit 2 submit --set proxy.url=http://127.0.0.1:9 --set "proxy.credentials_file=$WORK/missing"
echo 'no colon' >"$WORK/credentials"
assert_exit 2 submit --set proxy.url=http://127.0.0.1:9 --set "proxy.credentials_file=$WORK/credentials"
assert_in "credentials of no form" 'name:password' "$WORK/stderr"

flow_end
