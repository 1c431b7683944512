/* iso_tables: build-time generator: Debian's iso-codes (JSON) -> a header of sorted static tables on stdout.
 *
 * usage: iso_tables DIR > iso_tables.h
 *
 * The tables are laid out for the lookups of src/value: countries sorted by alpha-3, with an index by the
 * first letter; a direct index by alpha-2; subdivisions sorted by country and part, each country naming its
 * range; languages as one bit a letter pair. Anything unexpected in the data ends the build: a table that
 * lacks a country would refuse good rows. */
#include <cjson/cJSON.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_COUNTRIES = 254, LETTERS = 26 }; /* the alpha-2 index counts from 1 in a byte */

struct country {
    const char *alpha2, *alpha3, *numeric, *name;
};

struct subdivision {
    char country[3];
    const char *part;
};

static void die(const char *what, const char *which)
{
    (void)fprintf(stderr, "iso_tables: %s: %s\n", what, which);
    exit(1);
}

static char *read_whole(const char *path)
{
    FILE *file = fopen(path, "rb");
    char *text = NULL;
    long size = -1;

    if (file && fseek(file, 0, SEEK_END) == 0)
        size = ftell(file);
    if (size < 0 || fseek(file, 0, SEEK_SET) != 0)
        die("cannot read", path);
    text = calloc(1, (size_t)size + 1);
    if (!text || fread(text, 1, (size_t)size, file) != (size_t)size || fclose(file) != 0)
        die("cannot read", path);
    return text;
}

/* The array under `key` of DIR/name; the document stays allocated until the end. */
static const cJSON *load(const char *dir, const char *name, const char *key)
{
    char path[4096];
    const cJSON *list;
    char *text;

    if (snprintf(path, sizeof path, "%s/%s", dir, name) >= (int)sizeof path)
        die("path too long", name);
    text = read_whole(path);
    list = cJSON_GetObjectItemCaseSensitive(cJSON_Parse(text), key);
    free(text);
    if (!cJSON_IsArray(list) || cJSON_GetArraySize(list) == 0)
        die("not the JSON expected", path);
    return list;
}

static const char *text_of(const cJSON *entry, const char *key, size_t least, size_t most)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(entry, key));

    if (!text || strlen(text) < least || strlen(text) > most || strpbrk(text, "\"\\"))
        die("entry without a usable", key);
    return text;
}

static void want_upper(const char *code)
{
    if (code[strspn(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")] != '\0')
        die("not an upper-case code", code);
}

static int by_alpha3(const void *a, const void *b)
{
    return strcmp(((const struct country *)a)->alpha3, ((const struct country *)b)->alpha3);
}

static int by_part(const void *a, const void *b)
{
    const struct subdivision *one = a, *two = b;
    int order = strcmp(one->country, two->country);

    return order != 0 ? order : strcmp(one->part, two->part);
}

static size_t read_countries(const char *dir, struct country *countries)
{
    const cJSON *list = load(dir, "iso_3166-1.json", "3166-1"), *entry;
    size_t count = 0;

    cJSON_ArrayForEach(entry, list)
    {
        struct country *country = &countries[count++];
        if (count > MOST_COUNTRIES)
            die("more countries than fit", "iso_3166-1.json");
        country->alpha2 = text_of(entry, "alpha_2", 2, 2);
        country->alpha3 = text_of(entry, "alpha_3", 3, 3);
        country->numeric = text_of(entry, "numeric", 3, 3);
        country->name = text_of(entry, "name", 1, 200);
        if (cJSON_HasObjectItem(entry, "common_name"))
            country->name = text_of(entry, "common_name", 1, 200);
        want_upper(country->alpha2);
        want_upper(country->alpha3);
    }
    qsort(countries, count, sizeof *countries, by_alpha3);
    return count;
}

static size_t read_subdivisions(const char *dir, struct subdivision **out)
{
    const cJSON *list = load(dir, "iso_3166-2.json", "3166-2"), *entry;
    struct subdivision *all = calloc((size_t)cJSON_GetArraySize(list), sizeof *all);
    size_t count = 0;

    if (!all)
        die("out of memory", "iso_3166-2.json");
    cJSON_ArrayForEach(entry, list)
    {
        const char *code = text_of(entry, "code", 4, 6);
        if (code[2] != '-')
            die("not a subdivision code", code);
        memcpy(all[count].country, code, 2);
        all[count].part = code + 3;
        want_upper(all[count].country);
        want_upper(all[count].part);
        count++;
    }
    qsort(all, count, sizeof *all, by_part);
    *out = all;
    return count;
}

static void print_countries(const struct country *countries, size_t count, const struct subdivision *parts,
                            size_t part_count)
{
    puts("struct iso_country {\n    char alpha2[3], alpha3[4], numeric[4];\n"
         "    unsigned short from, to; /* its subdivisions: ISO_PARTS[from ... to-1] */\n    const char "
         "*name;\n};\n");
    puts("/* sorted by alpha-3 */\nstatic const struct iso_country ISO_COUNTRIES[] = {");
    for (size_t i = 0; i < count; i++) {
        size_t from = 0, to;
        while (from < part_count && strcmp(parts[from].country, countries[i].alpha2) != 0)
            from++;
        for (to = from; to < part_count && strcmp(parts[to].country, countries[i].alpha2) == 0;)
            to++;
        printf("    {\"%s\", \"%s\", \"%s\", %zu, %zu, \"%s\"},\n", countries[i].alpha2, countries[i].alpha3,
               countries[i].numeric, from, to, countries[i].name);
    }
    puts("};\n");
}

static void print_indexes(const struct country *countries, size_t count)
{
    unsigned char index[LETTERS * LETTERS] = {0};
    size_t at = 0;

    puts("/* alpha-3 codes that begin with letter i stand at [i] ... [i + 1] - 1 */\n"
         "static const unsigned short ISO_ALPHA3_FROM[27] = {");
    for (int letter = 0; letter <= LETTERS; letter++) {
        while (at < count && countries[at].alpha3[0] - 'A' < letter)
            at++;
        printf("    %zu,\n", at);
    }
    puts("};\n");
    for (size_t i = 0; i < count; i++)
        index[(countries[i].alpha2[0] - 'A') * LETTERS + countries[i].alpha2[1] - 'A'] =
            (unsigned char)(i + 1);
    puts("/* alpha-2 -> 1 + index into ISO_COUNTRIES; 0: no country */\n"
         "static const unsigned char ISO_ALPHA2[26][26] = {");
    for (int first = 0; first < LETTERS; first++) {
        fputs("    {", stdout);
        for (int second = 0; second < LETTERS; second++)
            printf("%s%d", second ? ", " : "", index[first * LETTERS + second]);
        puts("},");
    }
    puts("};\n");
}

static void print_languages(const char *dir)
{
    const cJSON *list = load(dir, "iso_639-2.json", "639-2"), *entry;
    unsigned long bits[LETTERS] = {0};
    int count = 0;

    cJSON_ArrayForEach(entry, list)
    {
        const char *code;
        if (!cJSON_HasObjectItem(entry, "alpha_2"))
            continue;
        code = text_of(entry, "alpha_2", 2, 2);
        if (strspn(code, "abcdefghijklmnopqrstuvwxyz") != 2)
            die("not a language code", code);
        bits[code[0] - 'a'] |= 1UL << (code[1] - 'a');
        count++;
    }
    printf("/* %d languages: bit j of [i] is the pair of letters i, j */\n"
           "static const unsigned int ISO_LANGUAGES[26] = {\n",
           count);
    for (int i = 0; i < LETTERS; i++)
        printf("    0x%07lxu,\n", bits[i]);
    puts("};\n");
}

int main(int argc, char **argv)
{
    static struct country countries[MOST_COUNTRIES + 1];
    struct subdivision *parts = NULL;
    size_t count, part_count;

    if (argc != 2) {
        (void)fputs("usage: iso_tables DIR > iso_tables.h\n", stderr);
        return 2;
    }
    count = read_countries(argv[1], countries);
    part_count = read_subdivisions(argv[1], &parts);
    puts("/* Generated by iso_tables from iso-codes. Do not edit. */\n#ifndef ISO_TABLES_H\n#define "
         "ISO_TABLES_H\n");
    print_countries(countries, count, parts, part_count);
    print_indexes(countries, count);
    puts("/* sorted by country and part */\nstatic const char ISO_PARTS[][4] = {");
    for (size_t i = 0; i < part_count; i++)
        printf("    \"%s\",\n", parts[i].part);
    puts("};\n");
    print_languages(argv[1]);
    puts("#endif");
    if (fflush(stdout) != 0 || ferror(stdout)) {
        (void)fputs("iso_tables: cannot write\n", stderr);
        return 1;
    }
    return 0;
}
