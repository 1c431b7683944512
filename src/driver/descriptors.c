#include "driver/descriptors.h"

#include <limits.h>
#include <sys/resource.h>

int descriptors_raise(int want)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return want; /* unknown: what comes too early fails with an error of its own */
    if (limit.rlim_cur < (rlim_t)want) {
        struct rlimit higher = limit;
        higher.rlim_cur = limit.rlim_max < (rlim_t)want ? limit.rlim_max : (rlim_t)want;
        if (setrlimit(RLIMIT_NOFILE, &higher) == 0)
            limit = higher;
    }
    return limit.rlim_cur > INT_MAX ? INT_MAX : (int)limit.rlim_cur;
}
