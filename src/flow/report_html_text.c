#include "report_html_impl.h"

#include "kit/clock.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>

void html_text(struct buf *out, struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '&')
            buf_add_text(out, "&amp;");
        else if (c == '<')
            buf_add_text(out, "&lt;");
        else if (c == '>')
            buf_add_text(out, "&gt;");
        else if (c == '"')
            buf_add_text(out, "&quot;");
        else if (c == '\'')
            buf_add_text(out, "&#39;");
        else if ((unsigned char)c < ' ' || c == 0x7f)
            buf_add_text(out, "\xef\xbf\xbd");
        else
            buf_add_char(out, c);
    }
}

void html_sentence(struct buf *out, const char *text, bool named)
{
    char first = named ? text[0] : (char)toupper((unsigned char)text[0]);

    if (text[0] == '\0')
        return;
    html_text(out, (struct span){&first, 1});
    html_text(out, span_of(text + 1));
}

void html_count(struct buf *out, int64_t n)
{
    char digits[24];
    int len = snprintf(digits, sizeof digits, "%" PRId64, n);

    for (int i = 0; i < len; i++) {
        if (i > 0 && digits[i - 1] != '-' && (len - i) % 3 == 0)
            buf_add_char(out, ',');
        buf_add_char(out, digits[i]);
    }
}

void html_counted(struct buf *out, int64_t n, const char *one, const char *many)
{
    html_count(out, n);
    buf_addf(out, " %s", n == 1 ? one : many);
}

/* Never 0 % for some, nor 100 % for not all. */
void html_share(struct buf *out, int64_t n, int64_t all)
{
    double percent = all > 0 ? 100.0 * (double)n / (double)all : 0;

    if (n > 0 && percent < 0.1)
        buf_add_text(out, "&lt;0.1&nbsp;%");
    else if (n < all && percent > 99.9)
        buf_add_text(out, "&gt;99.9&nbsp;%");
    else
        buf_addf(out, "%.1f&nbsp;%%", percent);
}

void html_time(struct buf *out, int64_t wall_ms)
{
    char text[CLOCK_TEXT_SIZE];

    (void)clock_format(wall_ms, text);
    buf_addf(out, "<time datetime=\"%s\">%.10s %.8s</time>", text, text, text + 11);
}

/* The second only where there is some of it. */
static void add_two(struct buf *out, int64_t first, const char *unit, int64_t second, const char *smaller)
{
    buf_addf(out, "%" PRId64 " %s", first, unit);
    if (second > 0)
        buf_addf(out, " %" PRId64 " %s", second, smaller);
}

void html_duration(struct buf *out, int64_t ms)
{
    int64_t seconds = ms / 1000, minutes = seconds / 60, hours = minutes / 60;

    if (ms < 10000)
        buf_addf(out, "%" PRId64 ".%" PRId64 " s", seconds, ms % 1000 / 100);
    else if (minutes == 0)
        buf_addf(out, "%" PRId64 " s", seconds);
    else if (hours == 0)
        add_two(out, minutes, "min", seconds % 60, "s");
    else if (hours < 48)
        add_two(out, hours, "h", minutes % 60, "min");
    else
        add_two(out, hours / 24, "days", hours % 24, "h");
}

void html_latency(struct buf *out, int64_t us)
{
    if (us < 10000)
        buf_addf(out, "%.1f ms", (double)us / 1e3);
    else if (us < 1000000)
        buf_addf(out, "%" PRId64 " ms", us / 1000);
    else
        buf_addf(out, "%.1f s", (double)us / 1e6);
}
