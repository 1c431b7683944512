/* signals: SIGINT and SIGTERM as something to wait for, by signalfd(2). SIGPIPE and SIGXFSZ are ignored, so
 * that a closed pipe and a file-size limit come back as errors of the call that met them. One handle a
 * process. */
#ifndef DRIVER_SIGNALS_H
#define DRIVER_SIGNALS_H

#include "kit/fail.h"

struct signals;

int signals_open(struct signals **out, struct fail *fail) MUST_CHECK;
void signals_close(struct signals *signals);
int signals_fd(const struct signals *signals); /* readable when one has come */
int signals_stops(struct signals *signals);    /* how many stop signals have come since the open */

#endif
