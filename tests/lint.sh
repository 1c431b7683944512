#!/bin/bash
# lint: the rules of the house that no tool knows: floors, library confinement, sizes, words. The floors stand in
# docs/design.md only. Prints every breach as FILE:LINE: what, and fails if there was one.
set -uf # -f: the block holds patterns
cd "$(dirname "$0")/.." || exit 1

FILE_LINES=600
FUNCTION_LINES=60

breaches=0
breach() {
    printf '%s\n' "$1"
    breaches=$((breaches + 1))
}

# ---- the block in docs/design.md ------------------------------------------------------------------------------
declare -A rank modules allowed apart
confined=()
order=()
read_floors() {
    local word rest n=0
    while read -r word rest; do
        set -- $rest
        case $word in
        floor) n=$((n + 1)) rank[$1]=$n modules[$1]=${*:2} order+=("$1") ;;
        allow) allowed[$1]=" ${*:2} " ;;
        apart) apart[$1]=" ${*:2} " ;;
        confine) confined+=("$rest") ;;
        *) breach "docs/design.md: no line of a floor block begins with '$word'" ;;
        esac
    done < <(sed -n '/^```floors$/,/^```$/{/^```/d;p}' docs/design.md)
    [ "$n" -gt 0 ] || breach 'docs/design.md: the block ```floors is missing'
}

# ---- includes ---------------------------------------------------------------------------------------------------
# The module of floor $1 that the file named $2 belongs to: itself, or x for x_y where include/floor/x.h is there.
module_of() {
    local name=$2
    module=$2
    while [[ $name == *_* ]]; do
        name=${name%_*}
        if [ -f "include/$1/$name.h" ]; then module=$name; fi
    done
}

# Place of module $2 in the order of floor $1; 0: the floor has none.
place_of() {
    local i=0 word star=0
    place=0
    for word in ${modules[$1]}; do
        i=$((i + 1))
        [ "$word" = "$2" ] && { place=$i; return; }
        [ "$word" = '*' ] && star=$i
    done
    place=$star
}

# File $2 of floor $1 includes "$3"; $4 is FILE:LINE.
check_include() {
    local floor=$1 name=$2 header=$3 where=$4 other=${3%%/*} own target mine
    if [[ $header != */* ]]; then
        [ -f "$(dirname "${where%%:*}")/$header" ] || [[ $header == iso_tables.h || $header == report_css.h ]] ||
            breach "$where: \"$header\" is not beside its file"
        return
    fi
    [ "$other" = sql ] && return
    if [ -z "${rank[$other]:-}" ]; then
        breach "$where: \"$header\" is on no floor"
    elif [ -n "${apart[$floor]:-}" ]; then
        [[ ${apart[$floor]} == *" $other "* ]] || breach "$where: $floor stands apart and may not include $header"
    elif [ "${rank[$other]}" -gt "${rank[$floor]}" ]; then
        breach "$where: $floor includes $header of a higher floor"
    elif [ "$other" = "$floor" ]; then
        target=${header#*/} target=${target%.*}
        module_of "$floor" "$name" && own=$module
        module_of "$floor" "$target" && target=$module
        [ "$own" = "$target" ] && return
        [[ ${allowed[$floor/$own]:-} == *" $floor/$target "* ]] && return
        place_of "$floor" "$own" && mine=$place
        place_of "$floor" "$target"
        [ "$place" -gt 0 ] && [ "$place" -lt "$mine" ] && return
        breach "$where: $floor/$name includes $header of its own floor"
    fi
}

check_includes() {
    local file line text floor name
    while IFS=: read -r file line text; do
        floor=${file#*/} floor=${floor%%/*}
        name=${file##*/} name=${name%.*}
        if [ -z "${rank[$floor]:-}${apart[$floor]:-}" ]; then
            breach "$file: its folder is no floor"
            continue
        fi
        text=${text#*\"}
        check_include "$floor" "$name" "${text%%\"*}" "$file:$line"
    done < <(grep -nE '^ *# *include *"' -r src include --include='*.[ch]' --include='*.def')
}

check_confined() {
    local file line text header rule words ok
    while IFS=: read -r file line text; do
        header=${text#*[<\"]}
        header=${header%%[>\"]*}
        for rule in "${confined[@]}"; do
            read -ra words <<<"$rule"
            # shellcheck disable=SC2053 # patterns on purpose
            [[ $header == ${words[0]} ]] || continue
            ok=
            for text in "${words[@]:1}"; do
                # shellcheck disable=SC2053
                [[ $file == $text ]] && ok=1
            done
            [ -n "$ok" ] || breach "$file:$line: $header belongs to ${words[*]:1}"
        done
    done < <(grep -nE '^ *# *include *[<"]' -r src include --include='*.[ch]')
}

# The floors that the Makefile puts into the library, and each fuzzer's seeds.
check_lists() {
    local file name made
    made=$(sed -n 's/^FLOORS := //p' Makefile)
    [ "$made main" = "${order[*]}" ] || breach "Makefile: FLOORS is '$made', the floors are '${order[*]}'"
    while read -r file; do
        name=${file##*/fuzz_}
        [ -n "$(find "testdata/fuzz/${name%.c}" -type f 2>/dev/null)" ] ||
            breach "$file: no seed in testdata/fuzz/${name%.c}"
    done < <(find tests -name 'fuzz_*.c')
}

# ---- sizes and words ----------------------------------------------------------------------------------------------
check_sizes() {
    local text
    while read -r text; do
        breach "$text"
    done < <(find src tests -name '*.c' -exec awk -v most=$FILE_LINES '
        FNR == 1 && last > most { print name ": " last " lines, " most " at most" }
        { name = FILENAME; last = FNR }
        END { if (last > most) print name ": " last " lines, " most " at most" }' {} +
        find src -name '*.c' -exec awk -v most=$FUNCTION_LINES '
        FNR == 1 { start = 0 }
        /^[a-z].*\(/ { head = $0 }
        /^\{/ { start = FNR }
        /^\}/ && start { if (FNR - start + 1 > most) print FILENAME ":" start ": " FNR - start + 1 " lines, " \
                         most " at most: " substr(head, 1, 60); start = 0 }' {} +)
}

# Each word is written with a bracket, so that this list does not find itself.
check_words() {
    local text
    while read -r text; do
        breach "$text"
    done < <({
        grep -rnE '\b([T]ODO|[F]IXME|[X]XX)\b' src include sql tests docs Makefile .ci
        grep -rnE '\b([s]trcpy|[s]trcat|[s]printf|[v]sprintf|[g]ets|[a]toi|[a]tol|[a]toll|[a]tof|[s]scanf|[s]trtok|[a]lloca)\(' \
            src include tests --include='*.[ch]'
        grep -rnE '\b([u]sleep|[n]anosleep|[s]leep)\(' tests --include='*.[ch]'
    } | sed 's/$/   <- forbidden word/')
}

read_floors
check_includes
check_confined
check_lists
check_sizes
check_words
[ "$breaches" -eq 0 ] || { echo "lint: $breaches breaches of the house rules"; exit 1; }
