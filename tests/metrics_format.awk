# metrics_format: judges a file in Prometheus' text format more strictly than its reader would: names, labels, numbers,
# HELP and TYPE once and before their lines, families in one piece, no line twice, counters called _total, a histogram's
# buckets growing up to +Inf, which is its count. Says what is wrong with which line; exit code 1 then.
function wrong(what) { print FILENAME ":" FNR ": " what ": " $0; bad = 1 }

function family_of(name,    base) {
    if (name in type) return name
    base = name
    if (sub(/_(bucket|sum|count)$/, "", base) && type[base] == "histogram") return base
    return ""
}

function end_histogram(family) {
    if (type[family] != "histogram") return
    if (!(family in all)) wrong(family " has no bucket +Inf before this line")
    else if (all[family] != count[family]) wrong(family " counts " count[family] ", its buckets " all[family])
    if (!(family in sum)) wrong(family " has no sum before this line")
}

/^# HELP [a-z_:][a-z0-9_:]* [^ ].*$/ {
    if ($3 in help) wrong("HELP twice")
    help[$3] = 1
    next
}

/^# TYPE [a-z_:][a-z0-9_:]* (counter|gauge|histogram)$/ {
    if ($3 in type) wrong("TYPE twice")
    if (!($3 in help)) wrong("TYPE without HELP")
    if (($4 == "counter") != ($3 ~ /_total$/)) wrong("counters, and only they, end in _total")
    if (now != "") end_histogram(now)
    type[$3] = $4
    now = $3
    next
}

{
    rest = $0
    if (!match(rest, /^[a-z_:][a-z0-9_:]*/)) { wrong("no name"); next }
    name = substr(rest, 1, RLENGTH)
    rest = substr(rest, RLENGTH + 1)
    labels = le = ""
    if (match(rest, /^\{([a-z_]+="([^"\\]|\\["\\n])*",)*[a-z_]+="([^"\\]|\\["\\n])*"\} /)) {
        labels = substr(rest, 1, RLENGTH - 1)
        rest = substr(rest, RLENGTH + 1)
    } else if (sub(/^ /, "", rest) == 0) wrong("neither labels nor a blank behind the name")
    if (rest !~ /^-?[0-9]+(\.[0-9]+)?$/) wrong("no number")
    if (name labels in seen) wrong("twice")
    seen[name labels] = 1
    family = family_of(name)
    if (family == "") wrong("no TYPE")
    else if (family != now) wrong("stands among lines of " now)
    if (type[family] == "counter" && rest ~ /^-/) wrong("a counter below 0")
    if (type[family] == "histogram") {
        if (name == family "_sum") sum[family] = rest
        else if (name == family "_count") count[family] = rest
        else if (!match(labels, /le="[^"]*"/)) wrong("a bucket without a bound")
        else {
            le = substr(labels, RSTART + 4, RLENGTH - 5)
            if (family in all) wrong("a bucket behind +Inf")
            if ((family in last) && (rest + 0 < last[family] + 0)) wrong("fewer than in the bucket before")
            if (le != "+Inf" && (family in bound) && le + 0 <= bound[family] + 0) wrong("bounds do not grow")
            last[family] = rest
            if (le == "+Inf") all[family] = rest
            else bound[family] = le
        }
    }
}

END {
    if (now != "") end_histogram(now)
    if (NR == 0) { print FILENAME ": empty"; bad = 1 }
    exit bad
}
