#include "command/command.h"

#include "kit/json.h"

#include <string.h>

/* One line of the verdict table, as [verdicts] would write it. */
static void print_verdict(const struct api_verdict *line, bool builtin, struct buf *out)
{
    buf_addf(out, "%d", line->status_from);
    if (line->status_from != line->status_to)
        buf_addf(out, "-%d", line->status_to);
    buf_addf(out, "%s%s = %s", line->pattern[0] ? " " : "", line->pattern, job_verdict_name(line->verdict));
    buf_addf(out, "  # %s%s\n", line->code ? line->code : "http_<status>",
             builtin ? "" : ", from [verdicts]");
}

static void verdict_json(const struct api_verdict *line, bool builtin, struct json *json)
{
    json_object(json);
    json_key(json, "status_from");
    json_int(json, line->status_from);
    json_key(json, "status_to");
    json_int(json, line->status_to);
    json_key(json, "pattern");
    json_text(json, line->pattern);
    json_key(json, "verdict");
    json_text(json, job_verdict_name(line->verdict));
    json_key(json, "code");
    json_text(json, line->code);
    json_key(json, "builtin");
    json_bool(json, builtin);
    json_end_object(json);
}

/* The table in its order: the configuration's lines first. */
static void print_verdicts(struct command *command)
{
    struct json json;

    json_init(&json, &command->result, true);
    if (command->json)
        json_array(&json);
    for (int builtin = 0; builtin < 2; builtin++) {
        size_t count;
        const struct api_verdict *lines =
            builtin ? api_verdicts(&count) : config_verdicts(command->config, &count);
        for (size_t i = 0; i < count; i++) {
            if (command->json)
                verdict_json(&lines[i], builtin != 0, &json);
            else
                print_verdict(&lines[i], builtin != 0, &command->result);
        }
    }
    if (command->json) {
        json_end_array(&json);
        buf_add_char(&command->result, '\n');
    }
}

int command_config(struct command *command, int *exit_code, struct fail *fail)
{
    const char *what = options_word(command->options, 0), *part = options_word(command->options, 1);

    *exit_code = 0;
    if (strcmp(what, "check") == 0 && !part) {
        buf_add_text(&command->result,
                     command->json ? "{\"valid\": true}\n" : "the configuration is valid\n");
        return 0;
    }
    if (strcmp(what, "show") != 0 || (part && strcmp(part, "verdicts") != 0))
        return fail_set(fail, FAIL_USAGE, "config takes: show, show verdicts, or check");
    if (part)
        print_verdicts(command);
    else
        config_show(command->config, options_has(command->options, "origin"), command->json,
                    &command->result);
    return 0;
}
