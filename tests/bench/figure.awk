# figure: values, sorted, one a line, as one line of the table at the end: what, median with least and most, how many,
# goal, stretch goal, verdict; parted by tabs.

function holds(value, limit) {
    return sign == "<=" ? value <= limit + 0 : value >= limit + 0
}

NF { value[++n] = $1 + 0 }

END {
    if (n == 0) {
        printf "%s\t-\t\t\t\tno values\n", what
        exit
    }
    middle = n % 2 ? value[(n + 1) / 2] : (value[n / 2] + value[n / 2 + 1]) / 2
    text = sprintf(form, middle)
    if (n > 1)
        text = text sprintf(" (" form ".." form ")", value[1], value[n])
    if (goal == "")
        verdict = ""
    else if (!holds(middle, goal))
        verdict = "missed"
    else
        verdict = stretch != "" && holds(middle, stretch) ? "met, stretch" : "met"
    printf "%s\t%s\t%d\t%s\t%s\t%s\n", what, text, n, goal == "" ? "" : sign " " goal, \
        stretch == "" ? "" : sign " " stretch, verdict
}
