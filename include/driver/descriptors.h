/* descriptors: how many files and connections the process may have open at once (RLIMIT_NOFILE). */
#ifndef DRIVER_DESCRIPTORS_H
#define DRIVER_DESCRIPTORS_H

/* Raises the soft limit towards `want`, never above the hard limit, and returns what there is now. */
int descriptors_raise(int want);

#endif
