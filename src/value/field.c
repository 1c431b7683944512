/* Both tables are expanded here once; the enums of the header index them. */
#include "value/field.h"

#include <assert.h>

static const struct {
    const char *name;
    unsigned files;
    size_t most;
} FIELDS[FIELD_COUNT] = {
#define X(id, name, file, most) {name, file, most},
    FIELD_TABLE(X)
#undef X
};

static const char *const PROBLEMS[PROBLEM_COUNT] = {
#define X(id, name) name,
    PROBLEM_TABLE(X)
#undef X
};

const char *field_name(enum field field)
{
    assert(field <= FIELD_RECORD);
    return field == FIELD_RECORD ? "" : FIELDS[field].name;
}

unsigned field_files(enum field field)
{
    assert(field < FIELD_COUNT);
    return FIELDS[field].files;
}

size_t field_most(enum field field)
{
    assert(field < FIELD_COUNT);
    return FIELDS[field].most;
}

const char *problem_name(enum problem_code code)
{
    assert(code < PROBLEM_COUNT);
    return PROBLEMS[code];
}

int field_find(struct span name, enum field *out)
{
    for (int i = 0; i <= FIELD_COUNT; i++)
        if (span_is(name, field_name((enum field)i))) {
            *out = (enum field)i;
            return 0;
        }
    return -1;
}

int problem_find(struct span name, enum problem_code *out)
{
    for (int i = 0; i < PROBLEM_COUNT; i++)
        if (span_is(name, PROBLEMS[i])) {
            *out = (enum problem_code)i;
            return 0;
        }
    return -1;
}
