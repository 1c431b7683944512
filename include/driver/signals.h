/* signals: what SIGINT, SIGTERM, SIGHUP and SIGUSR1 do. One handle a process.
 *
 * Outside signals_watch a stop signal ends the process at once with exit code 5: whatever it was at, loading
 * or reporting, can be killed at any instant and is carried on by the next run. Between signals_watch and
 * signals_unwatch they only make signals_fd readable and are counted, so that what flies can be finished.
 * SIGHUP and SIGUSR1 never end the process: from signals_open on they wait to be asked for, however early
 * they came. SIGPIPE and SIGXFSZ are ignored: a closed pipe and a file-size limit come back as errors of the
 * call that met them. */
#ifndef DRIVER_SIGNALS_H
#define DRIVER_SIGNALS_H

#include "kit/fail.h"

#include <stdbool.h>

struct signals;

int signals_open(struct signals **out, struct fail *fail) MUST_CHECK;
void signals_close(struct signals *signals); /* leaves the process as after signals_unwatch */
void signals_watch(struct signals *signals);
void signals_unwatch(struct signals *signals);
int signals_fd(const struct signals *signals); /* readable when one has come */
int signals_stops(struct signals *signals);    /* how many stop signals have come while watching */
bool signals_reload(struct signals *signals);  /* whether a SIGHUP has come since it was last asked */
bool signals_status(struct signals *signals);  /* the same for SIGUSR1 */

#endif
