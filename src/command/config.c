#include "command/command.h"

#include <string.h>

/* The verdict table, the configuration's lines first, as [verdicts] would write them. */
static void print_verdicts(const struct command *command, struct buf *out)
{
    for (int builtin = 0; builtin < 2; builtin++) {
        size_t count;
        const struct api_verdict *lines =
            builtin ? api_verdicts(&count) : config_verdicts(command->config, &count);
        for (size_t i = 0; i < count; i++) {
            const struct api_verdict *line = &lines[i];
            if (line->status_from == line->status_to)
                buf_addf(out, "%d", line->status_from);
            else
                buf_addf(out, "%d-%d", line->status_from, line->status_to);
            buf_addf(out, "%s%s = %s", line->pattern[0] ? " " : "", line->pattern,
                     job_verdict_name(line->verdict));
            buf_addf(out, "  # %s%s\n", line->code ? line->code : "http_<status>",
                     builtin ? "" : ", from [verdicts]");
        }
    }
}

int command_config(struct command *command, int *exit_code, struct fail *fail)
{
    const char *what = options_word(command->options, 0), *part = options_word(command->options, 1);

    *exit_code = 0;
    if (strcmp(what, "check") == 0 && !part) {
        buf_add_text(&command->result, "the configuration is valid\n");
        return 0;
    }
    if (strcmp(what, "show") != 0 || (part && strcmp(part, "verdicts") != 0))
        return fail_set(fail, FAIL_USAGE, "config takes: show, show verdicts, or check");
    if (part)
        print_verdicts(command, &command->result);
    else
        config_show(command->config, options_has(command->options, "origin"), command->json,
                    &command->result);
    return 0;
}
