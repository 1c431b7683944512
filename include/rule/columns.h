/* columns: which cell of a record is which field.
 *
 * Header names match a canonical name without regard to ASCII case, spaces, '-' and '_'. The configuration's
 * [columns] section maps a canonical name (numbered ones too: email_1) to another header name or to a
 * constant. A mapped-away canonical header no longer counts for that field. Headers that nothing maps are
 * counted as ignored and can be listed; those beginning with "_ctp_" are ignored silently. Source: contract
 * section 2. */
#ifndef RULE_COLUMNS_H
#define RULE_COLUMNS_H

#include "value/field.h"

/* One line of [columns], borrowed for the life of the columns. */
struct column_setting {
    const char *column;   /* canonical or numbered name, as written */
    const char *header;   /* header name looked for; NULL when it is a constant */
    const char *constant; /* value used for every record; NULL when it is a header */
};

struct column_options {
    const struct column_setting *settings;
    size_t count;
    unsigned files;     /* what this file carries: IN_CARDS, IN_CUSTOMERS, or IN_BOTH in one-file mode */
    bool has_owner_bid; /* a default is set, so the column may be missing */
    bool has_locale;
    bool allow_internal;  /* names, e-mails, phones and address may be missing */
    const char *encoding; /* the file's, which a header that does not decode names; NULL: UTF-8 */
};

struct columns;

/* Reads the header row (cells borrowed for the call). File faults: a required column missing, the same column
 * twice, a mapped header that is not there, a header cell that is not UTF-8: FAIL_INPUT with a text that
 * names the column and the nearest header. An unknown name in a setting: FAIL_USAGE with the nearest valid
 * name (also offered alone as columns_check, for the configuration). The BOM must be gone already. The
 * billing address is required of neither file alone: columns_has_address tells, and the caller judges both
 * files together. */
int columns_open(struct columns **out, const struct span *cells, size_t count,
                 const struct column_options *options, struct fail *fail) MUST_CHECK;
void columns_close(struct columns *columns);

/* The headers of a run's two files, opened with the same settings. A mapped optional column of both files may
 * stand in one of them; in neither it is FAIL_INPUT, with setting and nearest header. */
int columns_check_pair(const struct columns *cards, const struct columns *customers,
                       struct fail *fail) MUST_CHECK;

int columns_check(const struct column_setting *settings, size_t count, struct fail *fail) MUST_CHECK;

size_t columns_count(const struct columns *columns);     /* cells a record must have */
bool columns_corrected(const struct columns *columns);   /* a rejects file of ours: it has _ctp_code */
bool columns_has_address(const struct columns *columns); /* any billing_ column or constant */
/* The i-th ignored header; NULL at the end. */
const char *columns_ignored(const struct columns *columns, size_t i);

/* Sorts the cells of one record into fields; spans borrowed from `cells` and from the columns (constants). A
 * short record leaves the missing cells empty. */
void columns_pick(const struct columns *columns, const struct span *cells, size_t count,
                  struct raw_fields *out);

#endif
