/* One physical line a turn. Sections are remembered, not checked: only the caller knows their names. */
#include "value/ini.h"

#include <string.h>

void ini_init(struct ini *ini, struct span text)
{
    static const struct span mark = {"\xEF\xBB\xBF", 3};

    *ini = (struct ini){.rest = text, .section = SPAN("")};
    if (text.len >= mark.len && memcmp(text.ptr, mark.ptr, mark.len) == 0) {
        ini->rest.ptr += mark.len;
        ini->rest.len -= mark.len;
    }
}

static int take_section(struct ini *ini, struct span line, struct fail *fail)
{
    if (line.ptr[line.len - 1] != ']')
        return fail_set(fail, FAIL_USAGE, "'[' without ']'; a section is written [name]");
    ini->section = span_trim((struct span){line.ptr + 1, line.len - 2});
    if (ini->section.len == 0)
        return fail_set(fail, FAIL_USAGE, "a section without a name");
    return 0;
}

static int split_line(const struct ini *ini, struct span line, struct ini_entry *out, struct fail *fail)
{
    struct span rest = line, key;

    if (!memchr(line.ptr, '=', line.len))
        return fail_set(fail, FAIL_USAGE, "neither 'key = value' nor '[section]' nor a comment");
    (void)span_cut(&rest, '=', &key); /* the '=' is there, so both parts are */
    key = span_trim(key);
    if (key.len == 0)
        return fail_set(fail, FAIL_USAGE, "'=' without a key before it");
    if (ini->section.len == 0)
        return fail_set(fail, FAIL_USAGE, "a key before the first [section]");
    *out = (struct ini_entry){.section = ini->section, .key = key, .value = span_trim(rest)};
    return 1;
}

int ini_next(struct ini *ini, struct ini_entry *out, struct fail *fail)
{
    struct span line;

    while (span_cut(&ini->rest, '\n', &line)) {
        ini->line++;
        if (memchr(line.ptr, '\0', line.len))
            return fail_set(fail, FAIL_USAGE, "a NUL byte: this is no text file");
        line = span_trim(line);
        if (line.len == 0 || line.ptr[0] == '#' || line.ptr[0] == ';')
            continue;
        if (line.ptr[0] != '[')
            return split_line(ini, line, out, fail);
        if (take_section(ini, line, fail) != 0)
            return -1;
    }
    return 0;
}
