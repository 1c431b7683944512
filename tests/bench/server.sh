# shellcheck shell=bash disable=SC2034 # what is set here is used by the benches
# server: the remote sides of the benches, all on the loopback and of this user: nginx with a configuration of its own
# in $WORK, plain and TLS, which takes everything with an empty 202; and tests/bench/target.c, which does so after a
# delay. Sourced by tests/bench.sh.

NGINX_PID=
TARGET_PID=
API_PATH=/v1/clicktopay/visa/enroll/customer

stop_servers() {
    local pid
    for pid in $NGINX_PID $TARGET_PID; do
        kill "$pid" 2>/dev/null
        wait "$pid" 2>/dev/null
    done
    NGINX_PID='' TARGET_PID=''
}

# An authority of our own, the server's certificate, and a bundle as a machine has it with that authority in it.
make_certificates() {
    local dir=$WORK/tls
    [ -d "$dir" ] && return
    mkdir -p "$dir"
    {
        openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj '/CN=Bench Authority' \
            -keyout "$dir/ca.key" -out "$dir/ca.pem" &&
            openssl req -newkey rsa:2048 -nodes -subj '/CN=localhost' -keyout "$dir/server.key" -out "$dir/server.csr" &&
            openssl x509 -req -in "$dir/server.csr" -days 30 -CA "$dir/ca.pem" -CAkey "$dir/ca.key" -CAcreateserial \
                -extfile <(printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\n') -out "$dir/server.pem"
    } >"$WORK/openssl.log" 2>&1 || die "openssl: $(tail -n 3 "$WORK/openssl.log")"
    cat /etc/ssl/certs/ca-certificates.crt "$dir/ca.pem" >"$dir/bundle.pem" 2>/dev/null
    CA=$dir/ca.pem
}

# Four ports in a row: plain, TLS, and both once more with a connection for each request and no TLS session kept.
nginx_conf() { # first port
    local tls="ssl_certificate $WORK/tls/server.pem; ssl_certificate_key $WORK/tls/server.key;
        ssl_session_cache off; ssl_session_tickets off;"
    cat <<END
daemon off; master_process off; pid $WORK/nginx/pid; error_log $WORK/nginx/error.log;
events { worker_connections 4096; }
http {
    access_log off; keepalive_requests 1000000000; server_tokens off; tcp_nodelay on;
    client_body_temp_path $WORK/nginx; proxy_temp_path $WORK/nginx; fastcgi_temp_path $WORK/nginx;
    uwsgi_temp_path $WORK/nginx; scgi_temp_path $WORK/nginx;
    server { listen 127.0.0.1:$1; keepalive_timeout 60s; location / { return 202; } }
    server { listen 127.0.0.1:$(($1 + 1)) ssl; $tls keepalive_timeout 60s; location / { return 202; } }
    server { listen 127.0.0.1:$(($1 + 2)); keepalive_timeout 0; location / { return 202; } }
    server { listen 127.0.0.1:$(($1 + 3)) ssl; $tls keepalive_timeout 0; location / { return 202; } }
}
END
}

# nginx cannot be asked for any free port, so some are tried. HTTP, HTTPS, HTTP_CLOSE and HTTPS_CLOSE are its addresses.
start_nginx() {
    local nginx try port
    nginx=$(PATH=$PATH:/usr/sbin command -v nginx) || return 1
    make_certificates
    mkdir -p "$WORK/nginx"
    for try in $(seq 20); do
        port=$((20000 + (RANDOM + try) % 10000))
        nginx_conf "$port" >"$WORK/nginx/nginx.conf"
        "${ON_SERVER[@]}" "$nginx" -p "$WORK/nginx" -c "$WORK/nginx/nginx.conf" >"$WORK/nginx/log" 2>&1 &
        NGINX_PID=$!
        # shellcheck disable=SC2016 # expanded at each look
        wait_until '! kill -0 "$NGINX_PID" 2>/dev/null || curl -s -o "$WORK/nginx/reply" "127.0.0.1:'"$port"'/"' 5
        kill -0 "$NGINX_PID" 2>/dev/null && break
        wait "$NGINX_PID"
        NGINX_PID=
    done
    [ -n "$NGINX_PID" ] || die "nginx did not start: $(tail -n 3 "$WORK/nginx/log" "$WORK/nginx/error.log")"
    HTTP=http://127.0.0.1:$port HTTPS=https://127.0.0.1:$((port + 1))
    HTTP_CLOSE=http://127.0.0.1:$((port + 2)) HTTPS_CLOSE=https://127.0.0.1:$((port + 3))
}

# DELAYED is its address.
start_target() { # options of target
    rm -f "$WORK/target.port"
    "${ON_SERVER[@]}" "$BUILD/bench/target" --port-file "$WORK/target.port" "$@" 2>"$WORK/target.log" &
    TARGET_PID=$!
    # shellcheck disable=SC2016
    wait_until '[ -s "$WORK/target.port" ] || ! kill -0 "$TARGET_PID" 2>/dev/null' 10
    [ -s "$WORK/target.port" ] || die "the target did not start: $(cat "$WORK/target.log")"
    DELAYED=http://127.0.0.1:$(cat "$WORK/target.port")
}

stop_target() {
    kill "$TARGET_PID" 2>/dev/null
    wait "$TARGET_PID" 2>/dev/null
    TARGET_PID=
}

# A bearer token of 824 bytes, as tokens of the API are: for the one account that make_portfolio --accounts 1 makes, and
# one that names none.
make_tokens() {
    local head claims
    head=$(printf '{"alg":"RS256","typ":"JWT"}' | base64_url)
    for claims in '"account_id":200000001,' ''; do
        claims=$(printf '{"iss":"bench",%s"iat":1700000000,"exp":4102444800}' "$claims" | base64_url)
        printf '%s.%s.%0*d\n' "$head" "$claims" $((824 - ${#head} - ${#claims} - 2)) 0
    done >"$WORK/tokens"
    TOKEN_FILE=$WORK/token TOKEN_FOR_ALL=$WORK/token_for_all
    head -n 1 "$WORK/tokens" >"$TOKEN_FILE"
    tail -n 1 "$WORK/tokens" >"$TOKEN_FOR_ALL"
    chmod 600 "$TOKEN_FILE" "$TOKEN_FOR_ALL"
}

base64_url() {
    base64 -w 0 | tr '+/' '-_' | tr -d =
}
