/* Which seconds count: those in which all measurers of a run were at work. Each counts its seconds
 * by its own clock from when `go` came to it; one that begins late, or lags, has seconds behind the
 * end of the others', in which the relay was its alone, while theirs had been without it: summed up
 * these would be more than the relay carries. What is known here is when reports came: no second
 * ends later than that. */
#include "measure/run_int.h"

static int64_t late_us(const struct run *r, unsigned sec)
{
    return (int64_t)(r->env->mono_us - r->go_us) - (int64_t)sec * US_PER_SEC;
}

void run_together_note(struct run *r, size_t k, unsigned sec)
{
    int64_t late = late_us(r, sec), off_ms = (late < 0 ? -late : late) / US_PER_MS;
    if (sec == 1 || late < r->team.begun_late_us[k])
        r->team.begun_late_us[k] = late;
    if (sec == r->config.dur && !r->team.first_end_us)
        r->team.first_end_us = r->env->mono_us;
    if (off_ms > r->result.skew_ms) {
        r->result.skew_ms = (unsigned)off_ms;
        r->result.skewed = k;
    }
}

bool run_together_is(const struct run *r, unsigned sec)
{
    uint64_t end_us = r->team.first_end_us;
    uint64_t spare_us = sec < r->config.dur ? 0 : RUN_SKEW_MS * (uint64_t)US_PER_MS;
    return !end_us || r->env->mono_us <= end_us + spare_us;
}

/* Seconds from `go` until the last of several had begun. */
static unsigned until_all_began(const struct run *r)
{
    int64_t most = 0;
    for (size_t k = 0; k < r->config.n_members && r->config.n_members > 1; k++)
        if (r->team.told[k] && r->team.reported[k] && r->team.begun_late_us[k] > most)
            most = r->team.begun_late_us[k];
    most -= RUN_SKEW_MS * (int64_t)US_PER_MS;
    return most > 0 ? (unsigned)((most + US_PER_SEC - 1) / US_PER_SEC) : 0;
}

unsigned run_together_skipped(const struct run *r)
{
    /* Second 1 begins before anything can have come back, and the second in which more is given
     * is of two rates. */
    unsigned skipped = r->raise.last_s ? r->raise.last_s + 1 : 1, apart = until_all_began(r);
    return apart > skipped ? apart : skipped;
}
