/* config: defaults, layers, names, and what is never shown. */
#include "config_tools.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- defaults ----------------------------------------------------------------------------------------- */

static const char defaults[] = "api.base_url = \n"
                               "api.tenant = \n"
                               "api.enroll_card_path = \n"
                               "api.connect_timeout = 10s\n"
                               "api.timeout = 30s\n"
                               "api.stall_timeout = 15s\n"
                               "api.http_version = 1.1\n"
                               "auth.method = s2s\n"
                               "auth.url = \n"
                               "auth.timeout = 30s\n"
                               "auth.server_key = \n"
                               "auth.server_secret = \n"
                               "auth.server_key_file = \n"
                               "auth.server_secret_file = \n"
                               "auth.token_file = \n"
                               "auth.command = \n"
                               "auth.scope = \n"
                               "auth.private_key_file = \n"
                               "auth.issuer = \n"
                               "auth.subject = \n"
                               "auth.audience = \n"
                               "auth.claims_file = \n"
                               "auth.assertion_field = token\n"
                               "auth.assertion_life = 1h\n"
                               "auth.token_field = token\n"
                               "auth.renew_margin = 60s\n"
                               "tls.ca_file = \n"
                               "tls.cert_file = \n"
                               "tls.key_file = \n"
                               "tls.min_version = 1.2\n"
                               "tls.expiry_warning = 30d\n"
                               "proxy.url = \n"
                               "proxy.credentials = \n"
                               "proxy.credentials_file = \n"
                               "proxy.except = \n"
                               "enroll.owner_bid = \n"
                               "enroll.locale = \n"
                               "enroll.consent_time = \n"
                               "enroll.consent_version = \n"
                               "enroll.consent_presenter = \n"
                               "input.delimiter = ,\n"
                               "input.encoding = UTF-8\n"
                               "input.list_separator = ;\n"
                               "input.calling_code = \n"
                               "input.allow_internal = no\n"
                               "input.skip_status = \n"
                               "input.max_bad = \n"
                               "input.max_record_bytes = 65536\n"
                               "input.one_account_per_customer = no\n"
                               "input.address_check = visa\n"
                               "pace.rate = 50/s\n"
                               "pace.burst = \n"
                               "pace.concurrency = 64\n"
                               "pace.adaptive = yes\n"
                               "pace.timetable = \n"
                               "pace.token_rate = 50/s\n"
                               "pace.token_concurrency = 64\n"
                               "retry.base = 1s\n"
                               "retry.cap = 5m\n"
                               "retry.max_attempts = 8\n"
                               "retry.on_lost_answer = resend\n"
                               "retry.after_cap = 1h\n"
                               "retry.budget = 20%\n"
                               "breaker.failures = 20\n"
                               "breaker.pause = 5s\n"
                               "breaker.pause_cap = 2m\n"
                               "breaker.limit = 30m\n"
                               "run.grace = 30s\n"
                               "run.deadline = \n"
                               "run.max_duration = \n"
                               "events.types = click-to-pay;click_to_pay\n"
                               "events.domains = cards-tokenization\n"
                               "events.status_pointer = /data/status\n"
                               "events.reason_pointer = /data/reason\n"
                               "events.success = SUCCESS;SUCCEEDED;ENROLLED;COMPLETED;APPROVED\n"
                               "events.failure = FAILURE;FAILED;ERROR;DECLINED;DENIED;REJECTED\n"
                               "events.operation_pointer = /data/operation\n"
                               "events.operations = enroll*;enrol*\n"
                               "events.account_pointer = /data/account_id\n"
                               "events.card_pointer = /data/card_id\n"
                               "events.customer_pointer = /data/customer_id\n"
                               "events.overdue = 24h\n"
                               "metrics.textfile = \n"
                               "metrics.interval = 15s\n"
                               "metrics.portfolio = \n"
                               "log.level = info\n"
                               "log.format = text\n";

static void defaults_are_those_of_the_contract(void **state)
{
    struct config *config = config_opened();
    char *text = config_shown(config, false, false);

    (void)state;
    assert_string_equal(text, defaults);
    free(text);
    config_close(config);
}

/* ---- layers ------------------------------------------------------------------------------------------- */

static void a_higher_layer_wins(void **state)
{
    struct config *config;
    struct fail fail;

    (void)state;
    assert_int_equal(setenv("CTP_ENROLL_PACE_TOKEN_RATE", "7/s", 1), 0);
    assert_int_equal(setenv("CTP_ENROLL_PACE_CONCURRENCY", "5", 1), 0);
    config = config_loaded("[pace]\nrate = 9/s\ntoken_rate = 9/s\nconcurrency = 9\n");
    assert_int_equal(config_set(config, "pace.concurrency", "3", "--concurrency", &fail), 0);
    assert_true(config_rate(config, SET_PACE_RATE) == 9.0);
    assert_true(config_rate(config, SET_PACE_TOKEN_RATE) == 7.0);
    assert_int_equal(config_int(config, SET_PACE_CONCURRENCY), 3);
    assert_int_equal(config_ms(config, SET_RETRY_BASE), 1000);
    config_close(config);
    assert_int_equal(unsetenv("CTP_ENROLL_PACE_TOKEN_RATE"), 0);
    assert_int_equal(unsetenv("CTP_ENROLL_PACE_CONCURRENCY"), 0);
}

static void origin_names_who_set_it(void **state)
{
    struct config *config;
    struct fail fail;
    char *text, line[600];

    (void)state;
    assert_int_equal(setenv("CTP_ENROLL_API_TENANT", "TN-1", 1), 0);
    config = config_loaded("# first\n[pace]\nrate = 9/s\n");
    assert_int_equal(config_set(config, "pace.concurrency", "3", "--concurrency", &fail), 0);
    text = config_shown(config, true, false);
    (void)snprintf(line, sizeof line, "\npace.rate = 9/s  # %s:3\n", config_file);
    assert_non_null(strstr(text, line));
    assert_non_null(strstr(text, "\napi.tenant = TN-1  # environment CTP_ENROLL_API_TENANT\n"));
    assert_non_null(strstr(text, "\npace.concurrency = 3  # --concurrency\n"));
    assert_non_null(strstr(text, "\nretry.base = 1s  # default\n"));
    assert_non_null(strstr(text, "\nauth.url =   # default\n"));
    free(text);
    config_close(config);
    assert_int_equal(unsetenv("CTP_ENROLL_API_TENANT"), 0);
}

static void json_has_a_member_a_setting(void **state)
{
    static const char expected[] = "{\n  \"api.base_url\": null,\n  \"api.tenant\": \"TN-\\\"1\\\"\",\n";
    struct config *config = config_opened();
    char *text;

    (void)state;
    config_set_ok(config, "api.tenant", "TN-\"1\"");
    text = config_shown(config, false, true);
    assert_int_equal(strncmp(text, expected, strlen(expected)), 0);
    free(text);
    text = config_shown(config, true, true);
    assert_non_null(
        strstr(text, "\"api.tenant\": {\n    \"value\": \"TN-\\\"1\\\"\",\n    \"origin\": \"--set\"\n  }"));
    free(text);
    config_close(config);
}

/* ---- names -------------------------------------------------------------------------------------------- */

static void unknown_names_in_a_file(void **state)
{
    (void)state;
    config_refused("[api]\n\n[pace]\nrat = 5/s\n", ":4: unknown key 'pace.rat'; did you mean 'pace.rate'?");
    config_refused("[pase]\nrate = 5/s\n", ":2: unknown section 'pase'; did you mean 'pace'?");
    config_refused("[pace]\nPaceRateZzzzzz = 5\n", ":2: unknown key 'pace.PaceRateZzzzzz'");
    config_refused("[api]\nrate = 5/s\n", ":2: unknown key 'api.rate'; did you mean 'pace.rate'?");
    config_refused("rate = 5/s\n", ":1: a key before the first [section]");
}

static void unknown_columns_in_a_file(void **state)
{
    struct config *config = config_opened();
    struct fail fail = {0};

    (void)state;
    config_file_write("[columns]\nfirst_nam = Given Name\n");
    assert_int_equal(config_load(config, config_file, &fail), -1);
    assert_int_equal(fail.kind, FAIL_USAGE);
    assert_memory_equal(fail.text + strlen(config_file), ":2: ", 4);
    assert_non_null(strstr(fail.text, "'first_name'"));
    config_close(config);
}

static void unknown_names_on_the_command_line(void **state)
{
    (void)state;
    config_set_refused("pace.rat", "5/s", "--set: unknown key 'pace.rat'; did you mean 'pace.rate'?");
    config_set_refused("rate", "5/s", "--set: 'rate' is not of the form section.key");
}

static void environment_of_known_sections_only(void **state)
{
    struct config *config = config_opened();
    struct fail fail = {0};

    (void)state;
    assert_int_equal(setenv("CTP_ENROLL_ACCOUNT_ID", "17", 1), 0);
    assert_int_equal(setenv("CTP_ENROLL_CONFIG", "x.conf", 1), 0);
    assert_int_equal(setenv("CTP_ENROLL_BIN", "x", 1), 0);
    assert_int_equal(config_load(config, NULL, &fail), 0);
    assert_int_equal(setenv("CTP_ENROLL_PACE_RAT", "5/s", 1), 0);
    assert_int_equal(config_load(config, NULL, &fail), -1);
    assert_int_equal(fail.kind, FAIL_USAGE);
    assert_string_equal(fail.text,
                        "environment CTP_ENROLL_PACE_RAT: unknown key 'pace.rat'; did you mean 'pace.rate'?");
    config_close(config);
    assert_int_equal(unsetenv("CTP_ENROLL_PACE_RAT"), 0);
    assert_int_equal(unsetenv("CTP_ENROLL_BIN"), 0);
    assert_int_equal(unsetenv("CTP_ENROLL_CONFIG"), 0);
    assert_int_equal(unsetenv("CTP_ENROLL_ACCOUNT_ID"), 0);
}

static void a_named_file_must_be_there(void **state)
{
    struct config *config = config_opened();
    struct fail fail = {0};

    (void)state;
    assert_int_equal(config_load(config, "no/such/file.conf", &fail), -1);
    assert_int_equal(fail.kind, FAIL_USAGE);
    assert_string_equal(fail.text, "configuration file no/such/file.conf: No such file or directory");
    config_close(config);
}

/* ---- secrets ------------------------------------------------------------------------------------------ */

#define SECRET_WAY                                                                                          \
    "auth.server_secret is a secret: it comes from the environment variable CTP_ENROLL_AUTH_SERVER_SECRET " \
    "or from the file that auth.server_secret_file names, never from the command line or a configuration "  \
    "file"

static void secrets_come_from_the_environment_only(void **state)
{
    struct config *config;
    char *text;

    (void)state;
    config_set_refused("auth.server_secret", "hunter2", "--set: " SECRET_WAY);
    config_refused("[auth]\nserver_secret = hunter2\n", ":2: " SECRET_WAY);
    assert_int_equal(setenv("CTP_ENROLL_AUTH_SERVER_SECRET", "hunter2", 1), 0);
    config = config_loaded("");
    assert_string_equal(config_text(config, SET_AUTH_SERVER_SECRET), "hunter2");
    for (int form = 0; form < 4; form++) {
        text = config_shown(config, form & 1, form & 2);
        assert_null(strstr(text, "hunter2"));
        assert_non_null(strstr(text, "********"));
        free(text);
    }
    config_close(config);
    assert_int_equal(unsetenv("CTP_ENROLL_AUTH_SERVER_SECRET"), 0);
}

/* ---- [columns] and [verdicts] ------------------------------------------------------------------------- */

static void columns_are_headers_or_constants(void **state)
{
    const struct column_setting *columns;
    struct config *config;
    size_t count;

    (void)state;
    assert_int_equal(setenv("CTP_ENROLL_COLUMNS_LAST_NAME", "Family Name", 1), 0);
    config =
        config_loaded("[columns]\nfirst_name = Given Name\nowner_bid = \"1000052\"\nlast_name = Surname\n"
                      "email_1 = Mail\n");
    columns = config_columns(config, &count);
    assert_int_equal(count, 4);
    assert_string_equal(columns[0].column, "last_name");
    assert_string_equal(columns[0].header, "Family Name");
    assert_string_equal(columns[1].column, "first_name");
    assert_string_equal(columns[1].header, "Given Name");
    assert_null(columns[1].constant);
    assert_string_equal(columns[2].column, "owner_bid");
    assert_null(columns[2].header);
    assert_string_equal(columns[2].constant, "1000052");
    assert_string_equal(columns[3].column, "email_1");
    config_set_ok(config, "columns.phone_2", "Mobile");
    columns = config_columns(config, &count);
    assert_int_equal(count, 5);
    assert_string_equal(columns[0].column, "phone_2");
    assert_string_equal(columns[1].column, "last_name");
    config_close(config);
    assert_int_equal(unsetenv("CTP_ENROLL_COLUMNS_LAST_NAME"), 0);
    config_refused("[columns]\nowner_bid = \"1000052\n",
                   ":2: columns.owner_bid: the constant has no closing quote");
    config_refused("[columns]\nowner_bid =\n",
                   ":2: columns.owner_bid: neither a header name nor a \"constant\"");
}

static void verdicts_of_a_higher_layer_come_first(void **state)
{
    const struct api_verdict *verdicts;
    struct config *config = config_loaded("[verdicts]\n400 wrong bid = rejected\n409 busy = transient\n");
    size_t count;
    char *text;

    (void)state;
    config_set_ok(config, "verdicts.400", "transient");
    config_set_ok(config, "verdicts.422", "rejected");
    config_set_ok(config, "verdicts.409 busy", "rejected");
    verdicts = config_verdicts(config, &count);
    assert_int_equal(count, 4);
    assert_int_equal(verdicts[0].status_from, 400);
    assert_string_equal(verdicts[0].pattern, "");
    assert_int_equal(verdicts[0].verdict, VERDICT_TRANSIENT);
    assert_int_equal(verdicts[1].status_from, 422);
    assert_int_equal(verdicts[2].status_from, 409);
    assert_int_equal(verdicts[2].verdict, VERDICT_REJECTED);
    assert_int_equal(verdicts[3].status_from, 400);
    assert_string_equal(verdicts[3].pattern, "wrong bid");
    text = config_shown(config, false, false);
    assert_non_null(strstr(text, "\nverdicts.400 wrong bid = rejected\n"));
    free(text);
    config_close(config);
}

static void the_last_line_of_a_key_counts(void **state)
{
    const struct column_setting *columns;
    struct config *config = config_loaded("[columns]\nphone_1 = A\nphone_2 = B\nphone_1 = C\nphone_3 = D\n"
                                          "[pace]\nburst = 3\nburst = 4\n");
    size_t count;

    (void)state;
    columns = config_columns(config, &count);
    assert_int_equal(count, 3);
    assert_string_equal(columns[0].column, "phone_2");
    assert_string_equal(columns[1].column, "phone_1");
    assert_string_equal(columns[1].header, "C");
    assert_string_equal(columns[2].column, "phone_3");
    assert_int_equal(config_int(config, SET_PACE_BURST), 4);
    config_close(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_those_of_the_contract),
        cmocka_unit_test(a_higher_layer_wins),
        cmocka_unit_test(origin_names_who_set_it),
        cmocka_unit_test(json_has_a_member_a_setting),
        cmocka_unit_test(unknown_names_in_a_file),
        cmocka_unit_test(unknown_columns_in_a_file),
        cmocka_unit_test(unknown_names_on_the_command_line),
        cmocka_unit_test(environment_of_known_sections_only),
        cmocka_unit_test(a_named_file_must_be_there),
        cmocka_unit_test(secrets_come_from_the_environment_only),
        cmocka_unit_test(columns_are_headers_or_constants),
        cmocka_unit_test(the_last_line_of_a_key_counts),
        cmocka_unit_test(verdicts_of_a_higher_layer_come_first),
    };

    return cmocka_run_group_tests_name("config", tests, config_file_name, config_file_remove);
}
