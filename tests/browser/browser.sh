# shellcheck shell=bash
# browser: a headless Chromium for flow tests, driven through chromedriver with curl and jq. Sourced after flow.sh.
#
# browser_open, then browser_show (page, width, scheme), browser_tell (a script's value), browser_shot (a picture of the
# whole page), browser_print, browser_log; browser_close at the end, also from flow_undo. The browser reaches no host but this
# one. Each page is loaded anew for its width and scheme, so that what the log holds is that load's.

BROWSER_PID=
BROWSER_SESSION=
BROWSER_URL=

# The names under which distributions install it; empty: not there.
browser_binary() {
    command -v chromium || command -v chromium-browser || command -v google-chrome || true
}

browser_there() {
    [ -n "$(browser_binary)" ] && command -v chromedriver >/dev/null
}

browser_call() { # method, path below the session, JSON; prints the value
    local answer
    answer=$(curl -sS --max-time 60 --noproxy '*' -X "$1" -H 'Content-Type: application/json' \
        ${3:+--data-binary "$3"} "$BROWSER_URL/session${BROWSER_SESSION:+/$BROWSER_SESSION}$2") || return 1
    if [ "$(jq -r '.value.error? // empty' <<<"$answer" 2>/dev/null)" ]; then
        jq -r '.value.message' <<<"$answer" >&2
        return 1
    fi
    jq '.value' <<<"$answer"
}

browser_cdp() { # command, JSON parameters; prints the result
    browser_call POST /goog/cdp/execute "$(jq -n --arg cmd "$1" --argjson params "$2" '{cmd: $cmd, params: $params}')"
}

browser_open() {
    local capabilities
    chromedriver --port=0 >"$WORK/chromedriver.log" 2>&1 &
    BROWSER_PID=$!
    # shellcheck disable=SC2016 # looked at again each time
    wait_until 'grep -q "started successfully on port" "$WORK/chromedriver.log"' 30 || return 1
    BROWSER_URL=http://127.0.0.1:$(sed -n 's/.*started successfully on port \([0-9]*\).*/\1/p' "$WORK/chromedriver.log")
    capabilities=$(jq -n --arg binary "$(browser_binary)" --arg data "$WORK/browser" '
        {capabilities: {alwaysMatch: {browserName: "chrome", "goog:loggingPrefs": {browser: "ALL"},
          "goog:chromeOptions": {binary: $binary, args: ["--headless=new", "--no-sandbox", "--disable-gpu",
            "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking", "--disable-component-update",
            "--disable-sync", "--no-proxy-server", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
            "--user-data-dir=\($data)"]}}}}')
    BROWSER_SESSION=$(browser_call POST '' "$capabilities" | jq -r .sessionId)
    [ -n "$BROWSER_SESSION" ] && [ "$BROWSER_SESSION" != null ]
}

browser_close() {
    [ -z "$BROWSER_SESSION" ] || browser_call DELETE '' >/dev/null 2>&1
    BROWSER_SESSION=
    [ -z "$BROWSER_PID" ] || { kill "$BROWSER_PID" && wait "$BROWSER_PID"; } 2>/dev/null
    BROWSER_PID=
}

browser_show() { # page, width, light|dark
    browser_cdp Emulation.setDeviceMetricsOverride \
        "{\"width\": $2, \"height\": 844, \"deviceScaleFactor\": 1, \"mobile\": $([ "$2" -lt 600 ] && echo true || echo false)}" \
        >/dev/null &&
        browser_cdp Emulation.setEmulatedMedia \
            "{\"features\": [{\"name\": \"prefers-color-scheme\", \"value\": \"$3\"}]}" >/dev/null &&
        browser_call POST /url "$(jq -n --arg url "file://$1" '{url: $url}')" >/dev/null
}

browser_tell() { # body of a function; prints its value as JSON
    browser_call POST /execute/sync "$(jq -n --arg script "$1" '{script: $script, args: []}')"
}

browser_shot() { # PNG file, width
    local height
    height=$(browser_tell 'return Math.ceil(document.documentElement.getBoundingClientRect().height)') || return 1
    browser_cdp Page.captureScreenshot "{\"captureBeyondViewport\": true, \"clip\": {\"x\": 0, \"y\": 0, \"width\": $2,
        \"height\": $height, \"scale\": 1}}" | jq -r .data | base64 -d >"$1"
}

browser_print() { # PDF file
    browser_cdp Page.printToPDF '{"printBackground": true, "preferCSSPageSize": true}' | jq -r .data | base64 -d >"$1"
}

# Messages of the console since the last look, one a line.
browser_log() {
    browser_call POST /se/log '{"type": "browser"}' | jq -r '.[] | "\(.level) \(.message)"'
}
