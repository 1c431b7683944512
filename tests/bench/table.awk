# table: samples (round, contestant, CPU, wall, peak; one a line) as a table of medians. The ratios are those of the
# first contestant's CPU to each other's in the same round; least and most in brackets.

function sorted(list, n,    i, j, value) {
    for (i = 2; i <= n; i++) {
        value = list[i]
        for (j = i - 1; j >= 1 && list[j] > value; j--)
            list[j + 1] = list[j]
        list[j + 1] = value
    }
}

function middle(list, n) {
    return n % 2 ? list[(n + 1) / 2] : (list[n / 2] + list[n / 2 + 1]) / 2
}

function spread(list, n, form) {
    return n == 1 ? sprintf(form, list[1]) : \
        sprintf(form " (" form ".." form ")", middle(list, n), list[1], list[n])
}

!($2 in rounds) { names[++count] = $2 }
{
    rounds[$2]++
    cpu[$2, $1] = $3
    wall[$2, $1] = $4
    if ($5 > peak[$2])
        peak[$2] = $5
    if ($1 > last)
        last = $1
}

END {
    form = "%-30s %6s  %-22s %9s %11s %9s  %s\n"
    printf form, "", "rounds", "CPU s", "us/" item, item "s/s", "peak MiB", "CPU of " names[1] " / its"
    for (i = 1; i <= count; i++) {
        name = names[i]
        n = 0
        for (round = 1; round <= last; round++)
            if ((name, round) in cpu) {
                used[++n] = cpu[name, round]
                took[n] = wall[name, round]
                ratio[n] = cpu[names[1], round] / (used[n] > 0 ? used[n] : 0.001)
            }
        sorted(used, n)
        sorted(took, n)
        sorted(ratio, n)
        printf form, name, n, spread(used, n, "%.2f"), sprintf("%.2f", middle(used, n) * 1e6 / items),
            sprintf("%.0f", items / (middle(took, n) > 0 ? middle(took, n) : 0.001)), sprintf("%.1f", peak[name] / 1024),
            i == 1 ? "" : spread(ratio, n, "%.2f")
    }
}
