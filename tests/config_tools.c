/* config_tools: opening, filling and showing a configuration, for the tests of config. */
#include "config_tools.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

char config_file[512];

int config_file_name(void **state)
{
    const char *folder = getenv("TMPDIR");

    (void)state;
    (void)snprintf(config_file, sizeof config_file, "%s/test_config.%ld.conf", folder ? folder : "/tmp",
                   (long)getpid());
    return 0;
}

int config_file_remove(void **state)
{
    (void)state;
    (void)unlink(config_file);
    return 0;
}

void config_file_write(const char *text)
{
    FILE *file = fopen(config_file, "w");

    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    assert_int_equal(fclose(file), 0);
}

struct config *config_opened(void)
{
    struct config *config = NULL;
    struct fail fail;

    assert_int_equal(config_open(&config, &fail), 0);
    return config;
}

/* Loads `text` as the --config file. */
struct config *config_loaded(const char *text)
{
    struct config *config = config_opened();
    struct fail fail = {0};

    config_file_write(text);
    if (config_load(config, config_file, &fail) != 0)
        fail_msg("%s", fail.text);
    return config;
}

/* Loading `text` fails, and the message is FILE followed by `message`. */
void config_refused(const char *text, const char *message)
{
    struct config *config = config_opened();
    struct fail fail = {0};

    config_file_write(text);
    assert_int_equal(config_load(config, config_file, &fail), -1);
    assert_int_equal(fail.kind, FAIL_USAGE);
    assert_memory_equal(fail.text, config_file, strlen(config_file));
    assert_string_equal(fail.text + strlen(config_file), message);
    config_close(config);
}

void config_set_refused(const char *name, const char *value, const char *message)
{
    struct config *config = config_opened();
    struct fail fail = {0};

    assert_int_equal(config_set(config, name, value, "--set", &fail), -1);
    assert_int_equal(fail.kind, FAIL_USAGE);
    assert_string_equal(fail.text, message);
    config_close(config);
}

void config_set_ok(struct config *config, const char *name, const char *value)
{
    struct fail fail = {0};

    if (config_set(config, name, value, "--set", &fail) != 0)
        fail_msg("%s", fail.text);
}

char *config_shown(const struct config *config, bool origin, bool json)
{
    struct buf out;

    buf_init(&out, 1024 * 1024);
    config_show(config, origin, json, &out);
    assert_false(out.full);
    return out.ptr;
}
