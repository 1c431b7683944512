/* reload: the settings once more, in the midst of a run.
 *
 * All layers are read as at the start, so what a flag or the environment sets stays so. Rates, bursts,
 * requests in flight, the timetable and the log level may change; whatever else has changed is named in a
 * warning and stays as it was. Settings that cannot be read leave everything as it was, with a line in the
 * log. */
#ifndef CLI_RELOAD_H
#define CLI_RELOAD_H

#include "cli/config.h"
#include "cli/options.h"
#include "flow/engine.h"

/* `config`: what the run began with. True when *out holds the limits for engine_set; log->level is set then.
 */
bool reload(const struct config *config, const struct options *options, struct log *log,
            struct engine_options *out);

#endif
