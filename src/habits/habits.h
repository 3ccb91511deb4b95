/* Habits: what an onlooker can time, drawn as C tor draws it. All of it is here, so that one look
 * tells whether a clock tells us from tor; docs/habits.md has the table, with what was measured.
 *
 * Whoever draws has the numbers from the options and the consensus; nothing here keeps any. Times
 * are whole seconds where tor's are, uniform where nothing else is said. */
#ifndef TUNIC_HABITS_HABITS_H
#define TUNIC_HABITS_HABITS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/env.h"

/* How one client rests: its options and its consensus. */
struct habits {
    uint32_t circuits_available_s; /* CircuitsAvailableTimeout; 0: as the consensus says */
    uint32_t conntimeout_s;        /* consensus nf_conntimeout_clients */
    uint32_t write_every_ms;       /* consensus KISTSchedRunIntervalClient */
    bool reduced;                  /* ReducedConnectionPadding */
};

enum {
    /* CIRCTIMEOUT_CLIENTS_{DFLT,MIN,MAX} of nf_conntimeout_clients. */
    HABITS_CONNTIMEOUT_S = 30 * 60,
    HABITS_CONNTIMEOUT_LEAST_S = 60,
    HABITS_CONNTIMEOUT_MOST_S = 24 * 60 * 60,

    /* KIST_SCHED_RUN_INTERVAL_{DEFAULT,MIN,MAX}. */
    HABITS_WRITE_EVERY_MS = 2,
    HABITS_WRITE_EVERY_LEAST_MS = 2,
    HABITS_WRITE_EVERY_MOST_MS = 100,

    /* A link this old takes no new circuit: TIME_BEFORE_OR_CONN_IS_TOO_OLD. */
    HABITS_LINK_OLD_S = 7 * 24 * 60 * 60,
    /* A link that took no byte for so many keepalive periods is stuck
     * (run_connection_housekeeping). */
    HABITS_STUCK_PERIODS = 10,

    /* What is to be done each second is looked at when the coarse clock shows that one went by
     * since the last look (periodic_event_dispatch). */
    HABITS_LOOK_US = 1000000,
    /* Circuits ahead of need: one circuit a look
     * (circuit_predict_and_launch_new) while fewer than two fit a port that was used lately
     * (MIN_CIRCUITS_HANDLING_STREAM) and fewer than 14 are clean (MAX_UNUSED_OPEN_CIRCUITS). */
    HABITS_CLEAN_PER_PORT = 2,
    HABITS_CLEAN_MOST = 14,
    HABITS_FIRST_PORT = 443, /* predicted_ports_init */
    /* Then internal ones, of relays that last, while there are fewer of these than two, or of all
     * fewer than three (SUFFICIENT_UPTIME_INTERNAL_HS_CLIENTS, SUFFICIENT_INTERNAL_HS_CLIENTS). */
    HABITS_STABLE_INTERNAL = 2,
    HABITS_INTERNAL = 3,
    /* After more failures than this in one NewCircuitPeriod there are no more than this and one in
     * the next (MAX_CIRCUIT_FAILURES); each is followed by the next look. */
    HABITS_FAILURES_MOST = 5,
};

/* How long C tor lets cells wait that are queued now, by the coarse clock: 0, unless it sent some
 * less than write_every_ms ago; what has begun of a millisecond counts as one
 * (kist_scheduler_schedule, monotime_diff_msec). */
uint64_t habits_write_us(const struct habits *h, const struct env *env, uint64_t wrote_us);

/* How many seconds C tor counts since SINCE_US: its clock has whole ones (approx_time). */
uint64_t habits_counted_s(const struct env *env, uint64_t since_us);

/* When C tor sees that S seconds have gone by since SINCE_US: its clock has whole seconds, and it
 * looks once in each, at the same POINT_US of it. So it is up to a second early or late. */
uint64_t habits_seen_us(const struct env *env, uint64_t since_us, uint64_t s, uint32_t point_us);

/* From the last circuit of a link to its end: channelpadding_get_channel_idle_timeout, the case of
 * clients. */
uint32_t habits_link_idle_s(const struct habits *h, struct env *env);

/* How long ports are predicted that were used:
 * channelpadding_get_circuits_available_timeout. */
uint32_t habits_predict_s(const struct habits *h, struct env *env);

/* From the launch of a circuit to its end if nothing uses it, while ports are predicted for LEFT_S
 * more: origin_circuit_new. */
uint32_t habits_circuit_idle_s(struct env *env, uint32_t left_s);

/* Between two looks at circuits that have served; PERIOD_S is NewCircuitPeriod. tor looks once a
 * second whether it is over (circuit_expire_old_circs_as_needed), so it is a second longer. */
uint64_t habits_expire_s(uint32_t period_s);

/* From the last cell of a link to a PADDING cell: the greater of two draws in [LOW_MS, HIGH_MS)
 * (channelpadding_get_netflow_inactive_timeout_ms). */
uint64_t habits_padding_ms(struct env *env, unsigned low_ms, unsigned high_ms);

/* When a consensus with these dates is to be replaced:
 * update_consensus_networkstatus_fetch_time_impl. Dates are seconds since 1970. */
int64_t habits_refresh_s(struct env *env, int64_t valid_after_s, int64_t fresh_until_s,
                         int64_t valid_until_s);

/* The same with FetchDirInfoEarly, and with FetchDirInfoExtraEarly. */
int64_t habits_refresh_early_s(struct env *env, int64_t valid_after_s, int64_t fresh_until_s,
                               int64_t valid_until_s);
int64_t habits_refresh_extra_early_s(struct env *env, int64_t valid_after_s, int64_t fresh_until_s,
                                     int64_t valid_until_s);

/* The wait after another failure; LAST_MS is the one before, 0 at first:
 * next_random_exponential_delay. */
uint64_t habits_retry_ms(struct env *env, uint64_t last_ms, uint64_t base_ms);

/* How long a guard that has been down for DOWN_S is left alone: get_retry_schedule. */
uint32_t habits_guard_retry_s(uint64_t down_s, bool primary);

#endif
