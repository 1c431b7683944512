#!/bin/bash
# Tokens: every method against the sandbox, what the token host or a command may do wrong, short lives, and that no
# secret gets out.
# shellcheck source=tests/flow.sh
. "$(dirname "$0")/flow.sh"
flow_begin

make_portfolio small --customers 24 --cards 24 --seed 91
CARDS=$WORK/small/cards.csv CUSTOMERS=$WORK/small/customers.csv
ENROLLABLE=$(json "$WORK/small/truth.json" .enrollable)
openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$WORK/key.pem" 2>/dev/null ||
    openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$WORK/key.pem" 2>/dev/null
openssl pkey -in "$WORK/key.pem" -pubout -out "$WORK/public.pem"
chmod 600 "$WORK/key.pem"

OPENID=(--set auth.method=openid --set "auth.private_key_file=$WORK/key.pem" --set auth.issuer=issuer.example
    --set auth.subject=subject-1 --set auth.audience=passport.example)
OAUTH2=(--set auth.method=oauth2 --set 'auth.scope=pismo-v1:cards:rw pismo-v1:other:r')

begin() { # name, arguments of the sandbox
    local name=$1
    shift
    stop_sandbox
    LEDGER=$WORK/$name.db JOURNAL=$WORK/$name.jsonl OUT=$WORK/$name.out
    start_sandbox "$@"
}

load() { # options of run
    submit --cards "$CARDS" --customers "$CUSTOMERS" "$@"
}

enrols() {
    journal_enrols | wc -l
}

mints() {
    grep -c '"path": *"[^"]*/\(access-token\|token\)"' "$JOURNAL"
}

accounts() {
    results "$OUT" | awk -F'\t' '$7 == "accepted" { print $5 }' | sort -u | wc -l
}

# All rows taken, at the first attempt, with one token an account.
assert_taken() { # what
    assert_eq "accepted: $1" "$ENROLLABLE" "$(in_state "$OUT" accepted)"
    assert_eq "attempts beyond the first: $1" 0 "$(results "$OUT" | awk -F'\t' '$9 > 1' | wc -l)"
    assert_eq "token calls: $1" "$(accounts)" "$(mints)"
}

# ---- the methods ----

begin openid --openid-key "$WORK/public.pem"
assert_exit 0 load "${OPENID[@]}"
assert_taken openid

cat >"$WORK/claims.json" <<'END'
{
  "tenant_id": "{tenant}",
  "account_id": "{account_id:number}",
  "pismo": {"group": "pismo-v1:example:rw"},
  "customClaims": {"brace": "{{x}"}
}
END
begin template --openid-key "$WORK/public.pem"
assert_exit 0 load "${OPENID[@]}" --set "auth.claims_file=$WORK/claims.json" --set auth.assertion_life=5m \
    --set auth.assertion_field=assertion
assert_taken "openid with a template"

begin oauth2 --server-key flow-key --server-secret flow-secret
assert_exit 0 load "${OAUTH2[@]}"
assert_taken oauth2

# A helper that asks the sandbox; both variables reach it, and it may end in any folder.
cat >"$WORK/helper" <<'END'
#!/bin/sh
# Prints the sandbox's whole answer.
[ "$CTP_ENROLL_TENANT" = TN-FLOW ] || exit 1
echo "asked for $CTP_ENROLL_ACCOUNT_ID" >&2
curl -s "http://127.0.0.1:$1/passport/v2/s2s/access-token" -H 'Content-Type: application/json' \
    -d "{\"server_key\":\"k\",\"server_secret\":\"s\",\"account_id\":$CTP_ENROLL_ACCOUNT_ID}"
END
chmod 700 "$WORK/helper"
begin command
assert_exit 0 load --set auth.method=command --set "auth.command='$WORK/helper' $PORT | cat"
assert_taken command
assert_in "what the helper says" 'auth\.command says account_id=[0-9]+ text="asked for [0-9]+"' "$WORK/stderr"


# ---- what a token host does wrong ----

# Each fault is passing: no row loses an attempt. The call that hangs is given up after auth.timeout.
for method in s2s openid oauth2; do
    case $method in
    openid) METHOD=("${OPENID[@]}") ;;
    oauth2) METHOD=("${OAUTH2[@]}") ;;
    *) METHOD=() ;;
    esac
    begin "passing-$method" --seed 17 \
        --fault token-429=10%,token-500=10%,token-502=5%,token-reset=10%,token-truncated=10%,token-close=5%,token-hang=5%
    assert_exit 0 load "${METHOD[@]}" --set auth.timeout=500ms
    assert_eq "accepted: passing faults, $method" "$ENROLLABLE" "$(in_state "$OUT" accepted)"
    assert_eq "attempts: passing faults, $method" 0 "$(results "$OUT" | awk -F'\t' '$9 > 1' | wc -l)"
    assert_in "the log says so" 'no token for now; trying again' "$WORK/stderr"

    for fault in html403 401; do
        begin "$fault-$method" --fault "token-$fault=100%"
        assert_exit 4 load "${METHOD[@]}"
        assert_in "the words for $fault, $method" 'the token host refuses the credentials: HTTP 40[13]' "$WORK/stderr"
        assert_eq "rows left after $fault, $method" "$ENROLLABLE" "$(in_state "$OUT" ready)"
        assert_eq "attempts after $fault, $method" 0 "$(results "$OUT" | awk -F'\t' '$9 > 0' | wc -l)"
        assert_eq "enrol requests after $fault, $method" 0 "$(enrols)"
    done
done

# ---- credentials that are refused ----

openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$WORK/other.pem" 2>/dev/null
chmod 640 "$WORK/other.pem"
begin foreign --openid-key "$WORK/public.pem"
assert_exit 4 load "${OPENID[@]}" --set "auth.private_key_file=$WORK/other.pem"
assert_in "a foreign key" 'no token.*: HTTP 400: the .* signature does not verify' "$WORK/stderr"
assert_in "a key that others may read" "chmod 600 it file=$WORK/other\.pem" "$WORK/stderr"
begin secret --server-key flow-key --server-secret another
assert_exit 4 load "${OAUTH2[@]}"
assert_in "a wrong secret" 'the token host refuses the credentials: HTTP 401' "$WORK/stderr"
stop_sandbox

# ---- what is wrong before the first request ----

openssl pkey -in "$WORK/key.pem" -aes256 -passout pass:invented -out "$WORK/locked.pem"
chmod 600 "$WORK/locked.pem"
printf '{\n "uid": "{acount_id}"\n}\n' >"$WORK/misspelt.json"
unfit() { # words, settings
    local words=$1
    shift
    assert_exit 2 "$BUILD/ctp-enroll" config check --set auth.url=https://auth.example.com/passport "$@" </dev/null
    assert_in "config check" "$words" "$WORK/stderr"
    assert_exit 2 load "$@"
    assert_in "run" "$words" "$WORK/stderr"
}
LEDGER=$WORK/unfit.db
unfit 'locked\.pem: the private key is encrypted' "${OPENID[@]}" --set "auth.private_key_file=$WORK/locked.pem"
unfit 'misspelt\.json:2: \{acount_id\}: no placeholder' "${OPENID[@]}" --set "auth.claims_file=$WORK/misspelt.json"
unfit 'needs auth\.subject' "${OPENID[@]}" --set auth.subject=
unfit 'auth\.method = command needs auth\.command' --set auth.method=command
unfit 'auth\.method = openid needs auth\.private_key_file' --set auth.method=openid
unfit 'auth\.method = file needs auth\.token_file' --set auth.method=file
assert_true "no ledger was made" test ! -e "$LEDGER"
assert_exit 0 "$BUILD/ctp-enroll" config check --set auth.url=https://auth.example.com/passport "${OPENID[@]}"
assert_exit 0 env -u CTP_ENROLL_AUTH_SERVER_KEY -u CTP_ENROLL_AUTH_SERVER_SECRET "$BUILD/ctp-enroll" config check --json
assert_eq "a configuration for check alone" true "$(jq '.valid and (.run_needs | contains("auth.url"))' "$WORK/stdout")"

# ---- what a command does ----

# Later for each account at first, no token for one of them.
cat >"$WORK/moody" <<END
#!/bin/sh
[ -e "$WORK/seen.\$CTP_ENROLL_ACCOUNT_ID" ] || { : >"$WORK/seen.\$CTP_ENROLL_ACCOUNT_ID"; exit 75; }
[ "\$CTP_ENROLL_ACCOUNT_ID" = 200000007 ] && echo 'no such account' >&2 && exit 1
exec "$WORK/helper" "\$1"
END
chmod 700 "$WORK/moody"
begin moody
assert_exit 3 load --set auth.method=command --set "auth.command='$WORK/moody' $PORT" --set retry.max_attempts=3
odd=$(results "$OUT" | awk -F'\t' '$5 == 200000007' | wc -l)
[ "$odd" -ge 1 ] || fault "the portfolio has no account 200000007"
assert_eq "rows of an account without a token" "$odd" "$(results "$OUT" | awk -F'\t' '$5 == 200000007 && $7 == "exhausted" && $11 == "no_token"' | wc -l)"
assert_eq "the others" $((ENROLLABLE - odd)) "$(in_state "$OUT" accepted)"
assert_in "why" 'auth\.command says account_id=200000007 text="no such account"' "$WORK/stderr"

begin refusing
assert_exit 4 load --set auth.method=command --set 'auth.command=exit 77'
assert_in "exit code 77" 'auth\.command refuses the credentials' "$WORK/stderr"
assert_exit 4 load --set auth.method=command --set 'auth.command=/nowhere/helper'
assert_in "a command that is not there" 'exit code 127' "$WORK/stderr"
assert_exit 4 load --set auth.method=command --set 'auth.command=exit 1'
assert_in "no token for the first account" 'no token.*: auth\.command ended with exit code 1' "$WORK/stderr"
assert_eq "rows left" "$ENROLLABLE" "$(in_state "$OUT" ready)"
assert_eq "enrol requests" 0 "$(enrols)"

# A helper that hangs holds up nothing but its account, and dies with the run.
cat >"$WORK/stuck" <<END
#!/bin/sh
[ "\$CTP_ENROLL_ACCOUNT_ID" = 200000007 ] || exec "$WORK/helper" "\$1"
echo \$\$ >"$WORK/stuck.new" && mv "$WORK/stuck.new" "$WORK/stuck.pid"
exec sleep 600
END
chmod 700 "$WORK/stuck"
begin stuck
start_run --cards "$CARDS" --customers "$CUSTOMERS" --set auth.method=command --set "auth.command='$WORK/stuck' $PORT"
wait_until "[ \"\$(enrols)\" -ge $((ENROLLABLE - odd)) ] && [ -s '$WORK/stuck.pid' ]" 20 || fault "one helper holds up all"
kill -s TERM "$RUN_PID"
wait_run
assert_eq "exit code with a helper that hangs" 5 "$RUN_CODE"
assert_true "the helper is gone" wait_until "! kill -0 $(cat "$WORK/stuck.pid") 2>/dev/null" 5
assert_eq "rows of its account" "$odd" "$(results "$OUT" | awk -F'\t' '$5 == 200000007 && $7 == "ready" && $9 == 0' | wc -l)"

# ---- lives of five seconds ----

make_portfolio lives --customers 600 --cards 600 --accounts 360 --shuffle --seed 92
begin lives --token-ttl 5 --latency 5ms..30ms
assert_exit 0 submit --cards "$WORK/lives/cards.csv" --customers "$WORK/lives/customers.csv" --set pace.rate=50/s
assert_eq "accepted: short lives" 600 "$(in_state "$OUT" accepted)"
assert_eq "attempts: short lives" 0 "$(results "$OUT" | awk -F'\t' '$9 != 1' | wc -l)"
assert_eq "401s: short lives" 0 "$(journal_enrols | awk -F'\t' '$5 == 401' | wc -l)"
note "360 accounts, tokens of five seconds: $(mints) token calls"
[ "$(mints)" -le 396 ] || fault "$(mints) token calls for 360 accounts"
stop_sandbox

# ---- secrets ----

leaking=$(grep -rlEa -e 'eyJ[A-Za-z0-9_-]{12}' -e flow-secret "$WORK" --include='*.db*' --include='*.csv' --include='*.json' \
    --include='std*' --include='run.*' --include='*.jsonl' | grep -v -e /small/ -e /lives/)
assert_eq "files with tokens or secrets" "" "$leaking"

flow_end
