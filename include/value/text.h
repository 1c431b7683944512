/* text: a cell brought into the form in which text is judged and sent.
 *
 * Valid UTF-8 (no overlong forms, no surrogates, nothing above U+10FFFF); a byte order mark in front dropped;
 * blanks (space, tab, CR, LF, U+00A0) dropped at both ends and folded to one space inside; NFC; code points
 * counted. Any other control character (U+0000-U+001F, U+007F-U+009F) is a fault. Format characters such as
 * ZWJ or bidi marks are text and stay. Pure; most cells take a short way without any library call.
 * Source: contract section 2. */
#ifndef VALUE_TEXT_H
#define VALUE_TEXT_H

#include "kit/buf.h"

enum text_fault { TEXT_OK, TEXT_NOT_UTF8, TEXT_CONTROL };

struct text {
    struct span span; /* begins at the `out` that was given */
    size_t points;    /* code points */
    uint32_t control; /* the character of TEXT_CONTROL */
};

enum { TEXT_GROWTH = 3 }; /* NFC makes UTF-8 at most three times as long (U+1D160 is the worst) */

/* Cleans `raw` into `out`, which has room for TEXT_GROWTH * raw.len bytes and does not overlap it. */
enum text_fault text_clean(struct span raw, char *out, struct text *text) MUST_CHECK;

bool text_is_utf8(struct span raw);
size_t text_points(struct span text); /* of valid UTF-8 */

/* What a spreadsheet leaves in place of a value: NULL, or a few words: "#N/A", "#REF!" and their like,
 * "#####" of a narrow column, "5.54E+12" of a number too wide, "5545999999999.0", a formula, an apostrophe in
 * front of digits. `text` is clean. */
const char *text_damage(struct span text);

#endif
