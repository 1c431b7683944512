/* The limits of now: what the operator allows, and what the timetable makes of it at this hour. Looked at
 * once a second by the wall clock, so that a change of the clocks, or a machine that slept, is noticed like
 * any other minute. While it is closed nothing is claimed, rows at hand go back, and what flies is finished.
 */
#include "engine_impl.h"

#include "kit/clock.h"

#include <stdio.h>

static const char *const day_names[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};

static void fit(struct engine_options *options)
{
    if (options->room < options->pace.concurrency)
        options->room = options->pace.concurrency;
    if (options->token_room < options->token_pace.concurrency)
        options->token_room = options->token_pace.concurrency;
}

static void log_closed(struct engine *engine)
{
    char when[16];
    const char *until = "never";
    int at = engine->opens_at;

    if (at >= 0) {
        (void)snprintf(when, sizeof when, "%s %02d:%02d", day_names[at / TIMETABLE_DAY % 7],
                       at % TIMETABLE_DAY / 60, at % 60);
        until = when;
    }
    log_add(engine->handles.log, LOG_INFO, "closed by pace.timetable; nothing is sent",
            LOG_TEXT("until", until));
}

/* What holds at this minute of the week; `anew` where the operator's limits are others. */
static void apply(struct engine *engine, int minute, bool anew)
{
    struct pace_options pace = engine->options.pace, token_pace = engine->options.token_pace;
    bool was = engine->closed;
    double rate;

    if (timetable_rate(&engine->options.timetable, minute, &rate)) {
        pace.closed = rate <= 0;
        if (!pace.closed)
            pace.rate = rate;
        if (!engine->options.burst_given)
            pace.burst = pace.rate;
    }
    token_pace.closed = pace.closed;
    engine->opens_at = pace.closed ? timetable_opens(&engine->options.timetable, minute) : minute;
    if (!anew && pace.rate == engine->rate && pace.closed == was)
        return;
    if (pace.rate != engine->rate && !pace.closed)
        log_add(engine->handles.log, LOG_INFO, "pace.timetable sets another rate",
                LOG_INT("requests_a_minute", pace.rate * 60));
    engine->rate = pace.rate;
    engine->closed = pace.closed;
    pace_set(engine->pace, &pace, engine->now_ms);
    pace_set(engine->token_pace, &token_pace, engine->now_ms);
    if (engine->closed && !was)
        log_closed(engine);
    if (!engine->closed && was)
        log_add(engine->handles.log, LOG_INFO, "open again by pace.timetable");
    engine->look = engine->look || engine->closed != was;
}

void engine_limits_open(struct engine *engine)
{
    fit(&engine->options);
    engine->rate = engine->options.pace.rate;
    engine->limits_second = -1;
    engine->opens_at = -1;
}

void engine_limits_turn(struct engine *engine)
{
    int64_t second = engine->wall_ms / 1000;
    int minute;

    if (second != engine->limits_second && engine->options.timetable.count > 0) {
        minute = clock_week_minute(engine->wall_ms);
        if (minute != engine->limits_minute || engine->limits_second < 0)
            apply(engine, minute, engine->limits_second < 0);
        engine->limits_second = second;
        engine->limits_minute = minute;
    }
    if (engine->closed)
        engine_release_waiting(engine);
}

void engine_set(struct engine *engine, const struct engine_options *options)
{
    struct engine_options *own = &engine->options;

    own->pace.rate = options->pace.rate;
    own->pace.burst = options->pace.burst;
    own->burst_given = options->burst_given;
    own->pace.concurrency = options->pace.concurrency < own->room ? options->pace.concurrency : own->room;
    own->token_pace.rate = options->token_pace.rate;
    own->token_pace.burst = options->token_pace.burst;
    own->token_pace.concurrency =
        options->token_pace.concurrency < own->token_room ? options->token_pace.concurrency : own->token_room;
    own->timetable = options->timetable;
    engine->now_ms = clock_mono_ms();
    engine->wall_ms = clock_wall_ms();
    engine->rate = own->pace.rate;
    apply(engine, clock_week_minute(engine->wall_ms), true);
    engine->limits_second = -1;
}
