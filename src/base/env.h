/* The environment of a machine: clocks, randomness, log and timers.
 *
 * One env belongs to one client (or one test) and outlives every machine made with it. Whoever
 * drives the machines (net, or a test) sets the clocks once per wake-up, before it calls in; inside
 * a wake-up time stands still. Nothing below net asks the system for time or randomness. */
#ifndef TUNIC_BASE_ENV_H
#define TUNIC_BASE_ENV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/timer.h"

#define US_PER_MS  1000u
#define US_PER_SEC 1000000u
#define MS_PER_SEC 1000u

/* Who wants to hear that time did not pass as it does: a member of the machine. */
struct clock_watch {
    /* Called before anything else of this wake-up. LATE: SECONDS went by in which nobody called,
     * the machine slept or the process was stopped. Else the wall clock was set by SECONDS. Must
     * not unwatch. */
    void (*jumped)(void *arg, int64_t seconds, bool late);
    void *arg;
    struct clock_watch *prev, *next;
};

struct hoard;

/* What the queues of an environment hold: base/queue.h. */
struct queues {
    struct buf_tally tally; /* of all that traffic fills */
    size_t most;            /* of tally.held; 0: no bound */
    struct hoard *holding;  /* those that hold bytes and may be shed */
    struct timer look;      /* armed: too much is held */
    uint8_t scratch[4096];  /* for bytes that are handed on, or copied, before the call is over */
};

struct env {
    uint64_t mono_us; /* monotonic clock that goes on while the machine sleeps, any origin */
    int64_t wall_us;  /* microseconds since 1970 */
    uint32_t lag_us; /* how far the kernel's coarse clock, which goes in steps, is behind mono_us */
    void (*random)(void *random_arg, void *out, size_t len);
    void *random_arg;
    /* For what is thrown away: plenty, and quickly. NULL: as random. */
    void (*padding)(void *padding_arg, void *out, size_t len);
    void *padding_arg;
    struct log *log;
    struct timerq timers;
    struct timerq coarse; /* timers that go by the coarse clock, as all of C tor's do */
    struct timerq lazy;   /* timers for which nobody wakes up while one of COARSE is armed */
    struct clock_watch *watches;
    struct queues queues;
};

/* A jump less than this is none, as in C tor (NUM_JUMPED_SECONDS_BEFORE_WARN). */
enum { CLOCK_JUMP_LEAST_S = 100 };

static inline int64_t env_wall_s(const struct env *env)
{
    return env->wall_us / (int64_t)US_PER_SEC;
}

/* A wake-up begins: sets the clocks and tells those who watch them of a jump. The first call only
 * sets them. */
void env_set_clocks(struct env *env, uint64_t mono_us, int64_t wall_us);
void env_watch_clocks(struct env *env, struct clock_watch *w);
/* Harmless on one that does not watch. */
void env_unwatch_clocks(struct env *env, struct clock_watch *w);

void env_random(struct env *env, void *out, size_t len);
/* Bytes that nobody can foresee but that are no secret: padding. */
void env_padding(struct env *env, void *out, size_t len);

/* Uniform in [0, bound); bound > 0. */
uint64_t env_random_below(struct env *env, uint64_t bound);

/* Arms T to fire DELAY_MS after this wake-up's time (0: when this wake-up's calls are done). */
void env_arm_ms(struct env *env, struct timer *t, uint64_t delay_ms);
void env_disarm(struct env *env, struct timer *t);

/* What the coarse clock showed when the wake-up began. */
static inline uint64_t env_coarse_us(const struct env *env)
{
    return env->mono_us - env->lag_us;
}

/* Arms T for when the coarse clock shows that DELAY_US went by:
 * up to a step of it later than it says, or sooner, since the clock was behind at first. */
void env_arm_coarse_us(struct env *env, struct timer *t, uint64_t delay_us);

/* As env_arm_ms(), but T may come as late as the next coarse timer does: a client looks at all that
 * can wait once a second, as C tor does, and sleeps in between. */
void env_arm_lazy_ms(struct env *env, struct timer *t, uint64_t delay_ms);

/* When the next timer may be due, by mono_us; TIMER_NEVER: none is armed. */
uint64_t env_next_us(const struct env *env);

/* Runs every timer that is due. */
void env_run_timers(struct env *env);

#endif
