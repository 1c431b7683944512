/* quantity: the notations of amounts in settings and options.
 *
 * durations "250ms" "30s" "5m" "4h" "90d"; sizes "65536" "64k" "1m"; rates "50/s" "3000/m" "50" (a second);
 * limits "250" or "5%"; counts "64". Whole text or nothing: no blanks, no sign, no second unit. Every
 * function returns 0 and sets *out, or -1 (not of that form, or more than fits) and leaves it alone. Pure. */
#ifndef VALUE_QUANTITY_H
#define VALUE_QUANTITY_H

#include "kit/buf.h"

struct quantity_limit {
    bool is_share;  /* `percent` counts, else `count` */
    double percent; /* 0 ... 100 */
    int64_t count;
};

int quantity_count(struct span text, int64_t *out) MUST_CHECK;
int quantity_duration(struct span text, int64_t *out_ms) MUST_CHECK;
int quantity_size(struct span text, int64_t *out_bytes) MUST_CHECK;
int quantity_rate(struct span text, double *out_per_second) MUST_CHECK;
int quantity_limit(struct span text, struct quantity_limit *out) MUST_CHECK;

#endif
