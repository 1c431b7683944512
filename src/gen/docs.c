/* docs completion|man|sample: prints what the tables of options and settings yield for the installation. */
#include "cli/options.h"

#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    struct buf out;
    int bad = 0;

    buf_init(&out, 1024 * 1024);
    if (argc == 2 && strcmp(argv[1], "completion") == 0)
        options_completion(&out);
    else if (argc == 2 && strcmp(argv[1], "man") == 0)
        options_man(&out);
    else if (argc == 2 && strcmp(argv[1], "sample") == 0)
        options_sample(&out);
    else
        bad = 2;
    if (bad)
        (void)fputs("usage: docs completion|man|sample\n", stderr);
    else if (fwrite(buf_text(&out), 1, out.len, stdout) != out.len || fflush(stdout) != 0)
        bad = 1;
    buf_free(&out);
    return bad;
}
