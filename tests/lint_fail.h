/* For static analysis only (make lint): fail_set and fail_context live in another file, so the analyzer would
 * think that `return fail_set(...)` may return 0 with the outputs unset. They never do. */
#ifndef LINT_FAIL_H
#define LINT_FAIL_H

#include "kit/fail.h"

#define fail_set(...) (fail_set(__VA_ARGS__), -1)
#define fail_context(...) (fail_context(__VA_ARGS__), -1)

#endif
