#include "testnet/measurable.h"

#include "testnet/netdocs.h"

enum {
    PERIOD_S = 24 * 3600,
    PERIOD_LEAST_S = 3600,
    PERIOD_MOST_S = 30 * 24 * 3600,
    PERCENT = 25,
    PERCENT_MOST = 99,
    SECONDS = 45,
    SECONDS_LEAST = 10,
    SECONDS_MOST = 120,
    FLOOR_OF = 10 * 1000 * 1000 / 8, /* bytes a second of measuring */
};

static uint32_t choose(const struct measurable_option *o, const struct netdocs *docs,
                       const char *name, const int32_t bounds[3])
{
    int32_t n = docs ? netdocs_param(docs, name, bounds[1]) : bounds[1];
    if (o->said)
        return o->n;
    return (uint32_t)(n < bounds[0] ? bounds[0] : n > bounds[2] ? bounds[2] : n);
}

struct measurable_terms measurable_terms(const struct measurable *said, const struct netdocs *docs)
{
    static const int32_t allowed[] = {0, 0, 1},
                         period[] = {PERIOD_LEAST_S, PERIOD_S, PERIOD_MOST_S},
                         percent[] = {0, PERCENT, PERCENT_MOST},
                         seconds[] = {SECONDS_LEAST, SECONDS, SECONDS_MOST};
    struct measurable_terms t = {
        .allowed = choose(&said->allowed, docs, "FFMeasurementsAllowed", allowed),
        .period_s = choose(&said->period_s, docs, "FFMeasurementPeriod", period),
        .background_percent =
            (uint8_t)choose(&said->background_percent, docs, "FFBackgroundTrafficPercent", percent),
        .seconds_most =
            (uint16_t)choose(&said->seconds_most, docs, "FFMaxMeasurementDuration", seconds)};
    t.speaks = t.allowed || said->allowed.said;
    return t;
}

uint64_t measurable_share(const struct measurable_terms *t, uint64_t x)
{
    return x * t->background_percent / (100u - t->background_percent);
}

uint32_t measurable_floor(const struct measurable_terms *t)
{
    return (uint32_t)measurable_share(t, FLOOR_OF);
}
