#include "command/command.h"

#include "cli/setup.h"
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

/* What `run` does with auth.* before its first request. */
static int try_auth(const struct command *command, struct fail *fail)
{
    struct setup_secrets secrets;
    struct mint_options options;
    struct mint *mint = NULL;
    int rc;

    if (setup_secrets(command->config, command->log, &secrets, fail) != 0)
        return -1;
    setup_mint(command->config, &secrets, command->log, &options);
    rc = mint_open(&mint, &options, fail);
    mint_close(mint);
    setup_secrets_free(&secrets);
    return rc;
}

static bool is_auth_given(const struct config *config)
{
    for (int setting = 0; setting < SETTING_COUNT; setting++) {
        const struct setting_info *info = config_info((enum setting)setting);
        /* Secrets come from the environment, whatever file is checked. */
        if (strcmp(info->section, "auth") == 0 && info->type != SETTING_SECRET &&
            strcmp(config_text(config, (enum setting)setting), info->fallback) != 0)
            return true;
    }
    return false;
}

/* Beyond the values, which were checked when they were read: certificates, keys, the proxy, and what
 * auth.method needs. A configuration for `check` alone may lack all of auth.*: that is told, and no fault. */
static int check(struct command *command, struct fail *fail)
{
    struct http_options http;
    struct api_event_rules events;
    struct json json;
    bool lacks;

    if (setup_http(command->config, NULL, command->log, &http, fail) != 0 ||
        setup_events(command->config, &events, fail) != 0)
        return -1;
    lacks = try_auth(command, fail) != 0;
    if (lacks && is_auth_given(command->config))
        return -1;
    if (!command->json) {
        buf_add_text(&command->result, "the configuration is valid\n");
        if (lacks)
            buf_addf(&command->result, "run needs more: %s\n", fail->text);
        return 0;
    }
    json_init(&json, &command->result, false);
    json_object(&json);
    json_key(&json, "valid");
    json_bool(&json, true);
    if (lacks) {
        json_key(&json, "run_needs");
        json_text(&json, fail->text);
    }
    json_end_object(&json);
    buf_add_char(&command->result, '\n');
    return 0;
}

int command_config(struct command *command, int *exit_code, struct fail *fail)
{
    const char *what = options_word(command->options, 0), *part = options_word(command->options, 1);

    *exit_code = 0;
    if (strcmp(what, "check") == 0 && !part)
        return check(command, fail);
    if (strcmp(what, "show") != 0 || (part && strcmp(part, "verdicts") != 0))
        return fail_set(fail, FAIL_USAGE, "config takes: show, show verdicts, or check");
    if (part)
        print_verdicts(command);
    else
        config_show(command->config, options_has(command->options, "origin"), command->json,
                    &command->result);
    return 0;
}
