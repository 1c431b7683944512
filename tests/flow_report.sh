#!/bin/bash
# The report set as one thing: which files there are, their manifest, the page's numbers against results.csv, no personal
# data in it, the same again later; then the pages as a browser shows them, wide and narrow, light and dark.
# shellcheck source=tests/flow.sh
. "$(dirname "$0")/flow.sh"
# shellcheck source=tests/browser/browser.sh
. "$(dirname "$0")/browser/browser.sh"
flow_undo() {
    browser_close
}
flow_begin

CANARY=Zanzibarix
make_portfolio people --customers 1300 --cards 1500 --bad 60 --canary $CANARY --seed 91
CARDS=$WORK/people/cards.csv CUSTOMERS=$WORK/people/customers.csv

headline() { # report folder
    sed -n 's/^<p class="headline">\(.*\)<\/p>$/\1/p' "$1/report.html"
}
# The page without the time at which it was written.
timeless() { # report folder
    sed -e 's/^<p class="when">.*//' -e 's/, written <time.*//' "$1/report.html"
}
grouped() { # number
    printf '%s' "$1" | sed -e ':a' -e 's/\([0-9]\)\([0-9]\{3\}\)\($\|,\)/\1,\2\3/;ta'
}

# ---- the set of a run ----
start_sandbox --latency 2ms..20ms --fault echo400=5%,500=3%,reset=1% --seed 17
assert_exit 3 submit --cards "$CARDS" --customers "$CUSTOMERS" --set retry.max_attempts=3 \
    --set metrics.textfile="$WORK/metrics.prom"
stop_sandbox
assert_eq "the files of the set" \
    "SHA256SUMS cards.rejects.csv customers.rejects.csv report.html results.csv summary.json" \
    "$(find "$OUT" -mindepth 1 -printf '%f\n' | sort | tr '\n' ' ' | sed 's/ $//')"
assert_true "the manifest agrees" eval '(cd "$OUT" && sha256sum --quiet --strict -c SHA256SUMS)'
assert_eq "the manifest is of every file" \
    "cards.rejects.csv customers.rejects.csv report.html results.csv summary.json" \
    "$(sed 's/^[0-9a-f]\{64\}  //' "$OUT/SHA256SUMS" | sort | tr '\n' ' ' | sed 's/ $//')"
for file in "$OUT"/*; do
    assert_eq "mode of $(basename "$file")" 600 "$(stat -c %a "$file")"
done
assert_true "the manifest is the newest file" test -z "$(find "$OUT" -newer "$OUT/SHA256SUMS" -type f)"

accepted=$(in_state "$OUT" accepted)
assert_true "some cards were refused" test "$(in_state "$OUT" rejected)" -gt 0
assert_in "the headline counts what was taken" \
    "^$(grouped "$accepted") of $(grouped "$(results "$OUT" | wc -l)") cards were taken by Pismo" <(headline "$OUT")
for state in accepted held invalid rejected; do
    assert_true "the table has $state" grep -q "</svg>$state</th><td data-label=\"Cards\" class=\"n\">$(grouped "$(in_state \
        "$OUT" "$state")")</td>" "$OUT/report.html"
done
assert_true "the page has the whole digest" grep -q "$(sha256sum <"$CARDS" | cut -d' ' -f1)" "$OUT/report.html"

# ---- no value of the input where it does not belong ----
# Every cell of customers.csv that could be of a person, and every number of cards.csv.
head -n 1 "$CUSTOMERS" | tr , '\n' >"$WORK/columns"
csv_cells "$CUSTOMERS" | tail -n +2 | cut -f2- | tr '\t;' '\n\n' | grep -aE '.{6,}' | sort -u >"$WORK/values"
csv_cells "$CUSTOMERS" | tail -n +2 | cut -f2-4,13-15 | tr '\t' '\n' | grep -aE '.{4,}' | sort -u >>"$WORK/values"
csv_cells "$CARDS" | tail -n +2 | cut -f1-3 | tr '\t' '\n' | grep -aE '^[0-9]{6,}$' | sort -u >"$WORK/numbers"
csv_cells "$CARDS" | tail -n +2 | cut -f6-8 | tr '\t' '\n' | grep -aE '.{4,}' | sort -u >>"$WORK/values"
grep -avxE 'Bank|Example Bank|[A-Z]{3}|20[0-9-]{8}T.*' "$WORK/values" | sort -u >"$WORK/personal"
assert_true "there is much to look for" test "$(wc -l <"$WORK/personal")" -gt 4000
assert_true "cards' numbers, too" test "$(wc -l <"$WORK/numbers")" -gt 3000
for file in report.html summary.json SHA256SUMS ../metrics.prom; do
    assert_eq "values of the input in $file" "" \
        "$(grep -aoFf "$WORK/personal" "$OUT/$file" | sort | uniq -c | head -n 5)"
    assert_eq "numbers of the input in $file" "" "$(grep -aowFf "$WORK/numbers" "$OUT/$file" | head -n 5)"
done
assert_eq "values of the input in results.csv" "" \
    "$(grep -aoFf "$WORK/personal" "$OUT/results.csv" | sort | uniq -c | head -n 5)"
assert_true "the same look finds them in the rejects" grep -qFf "$WORK/personal" "$OUT/customers.rejects.csv"

# ---- later ----
assert_exit 0 enroll report --out "$WORK/later"
assert_true "the page is the same later" diff <(timeless "$OUT") <(timeless "$WORK/later")
assert_exit 0 enroll report --out "$WORK/later" --set columns.card_id=nowhere
assert_in "settings that do not fit are named" "cannot be written again with these settings.*nowhere" "$WORK/stderr"
assert_eq "a file that is there is not called changed" 0 "$(grep -c 'gone or changed' "$WORK/stderr")"
assert_true "the manifest agrees still" eval '(cd "$WORK/later" && sha256sum --quiet --strict -c SHA256SUMS)'

# ---- totals that do not add up ----
cp "$LEDGER" "$WORK/broken.db"
sql "$WORK/broken.db" "UPDATE tally SET n = n + 1 WHERE kind = 'state' AND key = 5"
assert_exit 1 "$BUILD/ctp-enroll" report --ledger "$WORK/broken.db" --out "$WORK/broken"
assert_in "why" "totals do not add up" "$WORK/stderr"
assert_true "no manifest" test ! -e "$WORK/broken/SHA256SUMS"

# ---- check, with a name that would be markup ----
cp "$CARDS" "$WORK/<script>alert(1)<b>.csv"
assert_exit 3 "$BUILD/ctp-enroll" check --cards "$WORK/<script>alert(1)<b>.csv" --customers "$CUSTOMERS" --out "$WORK/check"
assert_in "the check's headline" "pass the rules; .* Nothing was sent\.$" <(headline "$WORK/check")
assert_eq "a name becomes no markup" 0 "$(grep -c '<script' "$WORK/check/report.html")"

# ---- an end that is fatal ----
start_sandbox --latency 2ms..20ms --fault html403=100% --seed 17
LEDGER=$WORK/fatal.db OUT=$WORK/fatal assert_exit 4 submit --cards "$CARDS" --customers "$CUSTOMERS"
stop_sandbox
assert_in "the fatal end's headline" "^None of 1,[0-9]{3} cards has been taken by Pismo" <(headline "$WORK/fatal")
assert_in "the reason" "<b>Why it stopped:</b> The API&#39;s answer is fatal for the whole run: forbidden \(403\)" \
    "$WORK/fatal/report.html"
assert_in "what to do" "Look at the rights of the key" "$WORK/fatal/report.html"
assert_in "the exit code" "exit code 4<" "$WORK/fatal/report.html"

# ---- a longer history: a night with an outage, forty nights, and numbers of a large portfolio ----
nights() { # ledger, nights, minutes each
    cp "$LEDGER" "$1"
    sql "$1" "
        DELETE FROM run; DELETE FROM pulse; DELETE FROM latency;
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $2)
            INSERT INTO run (id, started_ms, last_ms, ended_ms, exit_code, version, requests, tokens)
                SELECT i, 1699999200000 + i * 86400000, 1699999200000 + i * 86400000 + $3 * 60000,
                1699999200000 + i * 86400000 + $3 * 60000, CASE WHEN i < $2 THEN 5 ELSE 3 END, 't', $3 * 12345, $3 FROM n;
        WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < $3 - 1)
            INSERT INTO pulse SELECT id, 28333320 + id * 1440 + i, 12345, 12000, 300, 12345 * (20000 + i * 50), 30000000
            FROM run, n WHERE i NOT BETWEEN 100 AND 150;
        INSERT INTO latency SELECT id, 60, 1000 FROM run; INSERT INTO latency SELECT id, 72, 60 FROM run;"
    assert_exit 0 "$BUILD/ctp-enroll" report --ledger "$1" --out "${1%.db}"
}
nights "$WORK/night.db" 1 480
nights "$WORK/forty.db" 40 240
assert_true "a page stays small" test "$(stat -c %s "$WORK/forty/report.html")" -lt 150000

# ---- as a browser shows it ----
look() { # page, width, scheme
    local what
    what="$(basename "$(dirname "$1")"), width $2, $3"
    browser_show "$1" "$2" "$3" || { fault "$what: not shown"; return; }
    assert_eq "$what: the console" "" "$(browser_log)"
    assert_eq "$what: faults" "[]" "$(browser_tell "$(cat "$ROOT/tests/browser/page.js")" | jq -c .)"
    assert_eq "$what: a light or a dark page" "$3" "$(browser_tell '
        const paper = getComputedStyle(document.body).backgroundColor.match(/\d+/g).map(Number);
        return paper[0] > 128 ? "light" : "dark"' | jq -r .)"
    browser_shot "$WORK/shots/$(basename "$(dirname "$1")")-$2-$3.png" "$2" || fault "$what: no picture"
}

# What must be found in a page with known faults, so that a look that sees nothing is noticed.
look_twice() {
    sed -e 's/<main>/<main><p style="width: 3000px; color: #ccc; font-size: 9px; background: #fff">wide<\/p><img src="x.png">/' \
        "$OUT/report.html" >"$WORK/faulty.html"
    browser_show "$WORK/faulty.html" 390 light || fault "the faulty page: not shown"
    assert_in "the console of a faulty page" "Content Security Policy" <(browser_log)
    browser_tell "$(cat "$ROOT/tests/browser/page.js")" | jq -r '.[]' >"$WORK/faulty.txt"
    assert_in "too small" "'wide' is 9 px" "$WORK/faulty.txt"
    assert_in "too pale" "'wide' has a contrast of 1\.6" "$WORK/faulty.txt"
    assert_in "too wide" "px wide on 390" "$WORK/faulty.txt"
}

if ! browser_there; then
    note "no chromium and chromedriver here: the pages were not looked at in a browser"
    flow_end
fi
mkdir -p "$WORK/shots"
browser_open || die "the browser did not start: $(tail -n 3 "$WORK/chromedriver.log")"
for page in out check fatal night forty; do
    for width in 1280 390; do
        for scheme in light dark; do
            look "$WORK/$page/report.html" "$width" "$scheme"
        done
    done
done
look_twice
browser_show "$OUT/report.html" 1280 light && browser_print "$WORK/shots/report.pdf"
assert_eq "the printed page" "%PDF" "$(head -c 4 "$WORK/shots/report.pdf")"
flow_end
