/* auth.command: what its exit code means, what it printed, and what of its words may stand in the log. */
#include "mint_impl.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* From sysexits.h, which shell programs know, and from the shell itself. */
enum { EXIT_TRY_LATER = 75, EXIT_NO_PERMISSION = 77, EXIT_NOT_EXECUTABLE = 126, EXIT_NOT_FOUND = 127 };

enum { LINES_MOST = 10, LINE_MOST = 300, SECRET_LEAST = 32 };

int mint_command_open(struct mint *mint, struct fail *fail)
{
    const struct process_options options = {.command = mint->options.command,
                                            .most = mint->options.concurrency,
                                            .timeout_ms = mint->options.timeout_ms,
                                            .output_cap = MINT_TEXT_CAP};

    if (!options.command || !options.command[0])
        return fail_set(fail, FAIL_USAGE, "auth.method = command needs auth.command");
    return process_open(&mint->process, &options, fail);
}

void mint_start(struct mint *mint, int64_t account)
{
    char number[48];
    struct buf tenant;
    const char *variables[3] = {number, NULL, NULL};

    (void)snprintf(number, sizeof number, "CTP_ENROLL_ACCOUNT_ID=%" PRId64, account);
    buf_init(&tenant, MINT_TEXT_CAP);
    buf_addf(&tenant, "CTP_ENROLL_TENANT=%s", mint->options.tenant ? mint->options.tenant : "");
    variables[1] = buf_text(&tenant);
    process_start(mint->process, account, variables);
    buf_free(&tenant);
}

/* ---- what it says on standard error ---- */

static bool is_secret_letter(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' ||
           c == '_' || c == '.' || c == '=' || c == '+';
}

/* Runs of letters that may be a token are hidden: those that stand in what was printed, and long ones. */
static void hide(struct span line, struct span output, struct buf *out)
{
    for (size_t at = 0, end; at < line.len; at = end) {
        struct span run = {line.ptr + at, 0};
        bool secret;
        while (at + run.len < line.len && is_secret_letter(run.ptr[run.len]))
            run.len++;
        end = at + (run.len > 0 ? run.len : 1);
        secret = run.len >= SECRET_LEAST;
        for (size_t i = 0; !secret && run.len >= 8 && i + run.len <= output.len; i++)
            secret = memcmp(output.ptr + i, run.ptr, run.len) == 0;
        if (secret)
            buf_add_text(out, "***");
        else
            buf_add(out, line.ptr + at, end - at);
    }
}

static void log_words(struct mint *mint, const struct process_result *run)
{
    bool good = run->end == PROCESS_EXITED && run->code == 0;
    struct span rest = run->words, line;

    for (int lines = 0; lines < LINES_MOST && span_cut(&rest, '\n', &line);) {
        line = span_trim(line);
        if (line.len == 0)
            continue;
        lines++;
        buf_wipe(&mint->text);
        hide(line, span_trim(run->output), &mint->text);
        if (mint->text.len > LINE_MOST) {
            mint->text.len = LINE_MOST;
            mint->text.ptr[LINE_MOST] = '\0';
        }
        log_add(mint->options.log, good ? LOG_INFO : LOG_WARN, "auth.command says",
                LOG_INT("account_id", run->tag), LOG_TEXT("text", buf_text(&mint->text)));
    }
}

/* ---- what it means ---- */

static enum api_token_result judge_code(int code, struct api_token *out)
{
    (void)snprintf(out->reason, sizeof out->reason, "auth.command ended with exit code %d", code);
    if (code == EXIT_TRY_LATER)
        return API_TOKEN_TRANSIENT;
    if (code == EXIT_NO_PERMISSION)
        return API_TOKEN_REFUSED;
    if (code == EXIT_NOT_EXECUTABLE || code == EXIT_NOT_FOUND)
        return API_TOKEN_UNREADABLE;
    return API_TOKEN_NO_ACCOUNT;
}

static enum api_token_result judge(struct mint *mint, const struct process_result *run, int64_t wall_ms,
                                   struct api_token *out)
{
    const struct api_token_ask ask = {
        .account = run->tag, .wall_ms = wall_ms, .field = mint->options.token_field};

    *out = (struct api_token){.text = {"", 0}};
    switch (run->end) {
    case PROCESS_EXITED:
        return run->code == 0 ? api_token_printed(&ask, run->output, &mint->store, out)
                              : judge_code(run->code, out);
    case PROCESS_SIGNALLED:
        (void)snprintf(out->reason, sizeof out->reason, "auth.command was ended by signal %d", run->code);
        return API_TOKEN_TRANSIENT;
    case PROCESS_TIMEOUT:
        (void)snprintf(out->reason, sizeof out->reason, "auth.command ran longer than auth.timeout");
        return API_TOKEN_TRANSIENT;
    case PROCESS_NOT_STARTED:
        (void)snprintf(out->reason, sizeof out->reason, "auth.command cannot be started: %s",
                       strerror(run->code));
        return API_TOKEN_TRANSIENT;
    case PROCESS_TOO_LONG:
        break;
    }
    (void)snprintf(out->reason, sizeof out->reason, "auth.command printed more than %d bytes", MINT_TEXT_CAP);
    return API_TOKEN_UNREADABLE;
}

int mint_take(struct mint *mint, int64_t wall_ms, struct mint_done *out)
{
    struct process_result run;

    if (!mint->process || process_take(mint->process, &run) == 0)
        return 0;
    buf_wipe(&mint->store);
    *out = (struct mint_done){.account = run.tag,
                              .answered = run.end == PROCESS_EXITED && run.code != EXIT_TRY_LATER,
                              .started_ms = run.started_ms};
    out->result = judge(mint, &run, wall_ms, &out->token);
    log_words(mint, &run);
    return 1;
}

int mint_wake_fd(struct mint *mint, int other, int *out, struct fail *fail)
{
    *out = other;
    if (!mint->process)
        return 0;
    *out = process_fd(mint->process);
    return other >= 0 ? process_watch(mint->process, other, fail) : 0;
}

int64_t mint_wait_ms(const struct mint *mint)
{
    return mint->process ? process_wait_ms(mint->process) : INT64_MAX;
}

void mint_stop(struct mint *mint)
{
    if (mint->process)
        process_stop(mint->process);
}
