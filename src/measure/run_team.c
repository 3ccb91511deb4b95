/* A run's measurers: what each is told, and what each says. */
#include <stdio.h>
#include <string.h>

#include "cell/chan.h"
#include "crypto/secret.h"
#include "measure/run_int.h"

/* A measurer's claims: no more came back than it sent, nor than its links carried, nor than it has.
 * Of the last it may have saved up for so many seconds. */
enum { SAVED_S = 2 };

/* A relay may send what is no echo: a measurer ends that (measurement.c), but bytes of so many
 * times what it has may have come, and so many more on each link. */
enum { WIRE_TIMES = 3, WIRE_LINK = 128 * 1024 };

/* Head, kind and tag of a record of TLS 1.3. */
enum { TLS_RECORD_EXTRA = 5 + 1 + 16 };

static uint64_t us_of(unsigned seconds)
{
    return (uint64_t)seconds * US_PER_SEC;
}

/* ---- what they are told ---- */

void run_team_connect(struct run *r)
{
    const struct run_config *c = &r->config;
    struct connect_to_relay told = {
        .meas_id = c->meas_id,
        .relay = c->relay,
        .mode = c->mode,
        .dur = c->dur,
        .check = c->check,
        .echo = c->echo,
        .hop_addr = c->hop_addr,
        .proof = c->proof,
        .exit = c->exit,
    };
    memcpy(told.session, r->session, sizeof told.session);
    for (size_t k = 0; k < c->n_members && r->state == RUN_CONNECTING; k++) {
        if (!r->team.parts[k].sockets)
            continue;
        /* Each has its own: two that are called the same would send the same cells, and a relay
         * could answer one with what came from the other. */
        env_random(r->env, told.seed, sizeof told.seed);
        told.n_circs = r->team.parts[k].sockets;
        told.alloc_bw = r->team.parts[k].bw;
        r->team.told[k] = true;
        r->ops->connect(r->arg, k, &told);
    }
    secret_wipe(told.seed, sizeof told.seed);
}

static void go(struct run *r)
{
    r->held = false;
    run_enter(r, RUN_RUNNING);
    r->go_us = r->env->mono_us;
    env_arm_ms(r->env, &r->deadline, 500);
    for (size_t k = 0; k < r->config.n_members && r->state == RUN_RUNNING; k++)
        if (r->team.told[k])
            r->ops->go(r->arg, k, r->config.meas_id);
}

static void go_or_hold(struct run *r)
{
    r->held = r->config.hold;
    if (r->held)
        env_arm_ms(r->env, &r->deadline, RUN_HOLD_MS);
    else
        go(r);
}

void run_release(struct run *r)
{
    r->config.hold = false;
    if (r->held)
        go(r);
}

/* ---- what they say ---- */

static const char *name_of(const struct run *r, size_t k)
{
    return r->config.members[k].name;
}

/* Whether K may speak at all; nobody else is listened to. */
static bool takes_part(const struct run *r, size_t k, uint32_t meas_id)
{
    return k < r->config.n_members && r->team.told[k] && !r->team.gone[k] && r->state < RUN_DONE &&
           meas_id == r->config.meas_id;
}

void run_connected(struct run *r, size_t k, const struct connected_to_relay *m)
{
    if (!takes_part(r, k, m->meas_id) || r->state != RUN_CONNECTING || r->team.is_connected[k])
        return;
    r->team.connected[k] = *m;
    r->team.is_connected[k] = true;
    /* 316: "If any of them fails to connect to at least half, it's a failure". */
    if (m->circs > r->team.parts[k].sockets || 2 * m->ready_circs < r->team.parts[k].sockets) {
        run_fail(r, MEAS_LAUNCH_CIRCS, k, "%s: %u of %u circuits stand", name_of(r, k),
                 m->ready_circs, r->team.parts[k].sockets);
        return;
    }
    for (size_t i = 0; i < r->config.n_members; i++)
        if (r->team.told[i] && !r->team.is_connected[i])
            return;
    go_or_hold(r);
}

void run_failed(struct run *r, size_t k, const struct meas_failure *m)
{
    if (!takes_part(r, k, m->meas_id))
        return;
    r->result.failure.cheat = m->cheat;
    run_fail(r, m->code, k, "%s: %s", name_of(r, k),
             m->info[0] ? m->info : meas_code_name(m->code));
}

void run_lost(struct run *r, size_t k, const char *why)
{
    if (k < r->config.n_members && r->team.told[k] && !r->team.gone[k])
        run_fail(r, MEAS_MEASURER_LOST, k, "%s: %s", name_of(r, k), why);
}

/* ---- reports ---- */

static void add(struct bw_report *sum, const struct bw_report *m)
{
    sum->sent += m->sent;
    sum->recv += m->recv;
    sum->wire_in += m->wire_in;
    sum->wire_out += m->wire_out;
    sum->checked += m->checked;
    sum->bad += m->bad;
}

/* What cannot be true of SUM, or NULL. */
static const char *lie(const struct run *r, size_t k, const struct bw_report *sum, unsigned sec)
{
    uint64_t bw = r->config.members[k].free_bw;
    /* A relay of unmodified tor may handle a byte twice, or more comes than was asked for. */
    if (r->config.mode == MEAS_FLASHFLOW && sum->recv > sum->sent)
        return "more came back than was sent";
    if (sum->recv > (r->config.mode == MEAS_DROP ? sum->wire_out : sum->wire_in))
        return "more cells came than bytes on its links";
    if (sum->recv / (sec + SAVED_S) > bw)
        return "more than it has";
    uint64_t spare = (uint64_t)r->team.parts[k].sockets * WIRE_LINK;
    if (sum->wire_in > spare && (sum->wire_in - spare) / (sec + SAVED_S) / WIRE_TIMES > bw)
        return "more bytes on its links than it has";
    return NULL;
}

static bool is_sound(struct run *r, size_t k, const struct bw_report *m)
{
    struct bw_report sum = r->team.sums[k];
    if (m->sec != r->team.reported[k] + 1 || m->sec > r->config.dur || m->blocked > 100) {
        run_fail(r, MEAS_MALFORMED, k, "%s: second %u was reported behind second %u", name_of(r, k),
                 m->sec, r->team.reported[k]);
        return false;
    }
    add(&sum, m);
    const char *wrong = lie(r, k, &sum, m->sec);
    if (wrong)
        run_fail(r, MEAS_MALFORMED, k, "%s claims in second %u: %s", name_of(r, k), m->sec, wrong);
    else if (m->bad)
        run_fail(r, MEAS_CHEAT, k, "%s: %llu cells of second %u were not what had been sent",
                 name_of(r, k), (unsigned long long)m->bad, m->sec);
    r->team.sums[k] = sum;
    return r->state == RUN_RUNNING;
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static struct bw_report *report_at(const struct run *r, size_t k, unsigned sec)
{
    return &r->team.reports[k * r->config.dur + sec - 1];
}

/* What K's cells took on the wire, which is what relays count: TLS adds to each record, and there
 * is no more than one a cell. Bytes count in the second in which they came, though the cells that
 * they are part of may be whole, and found good, in the next one: half of a second's, on average.
 * Where no cell came back, none of them counts; nor does more in a second than the measurer has,
 * but for a quarter that may have waited. What would count may be less than what has, if less and
 * less comes back. */
static uint64_t on_wire(struct run *r, size_t k, unsigned sec)
{
    const struct bw_report *m = report_at(r, k, sec);
    uint64_t cells = 0, wire = r->config.mode == MEAS_DROP ? m->wire_out : m->wire_in;
    uint64_t has = r->config.members[k].free_bw;
    if (!m->recv)
        return 0;
    for (unsigned s = 1; s <= sec; s++)
        cells += report_at(r, k, s)->recv;
    uint64_t most = cells + cells / CHAN_CELL_MAX * TLS_RECORD_EXTRA + cells / sec / 2;
    uint64_t left = most > r->team.counted[k] ? most - r->team.counted[k] : 0;
    uint64_t counts = least(wire, least(left, has + has / 4));
    r->team.counted[k] += counts;
    return counts;
}

/* Second SEC of all: each measurer's blocked time weighs what it was to send. */
static void sum_second(struct run *r, unsigned sec, struct run_second *out)
{
    struct estimate_second *s = &r->seconds[sec - 1];
    uint64_t blocked = 0, weight = 0, recv = 0;
    for (size_t k = 0; k < r->config.n_members; k++) {
        if (!r->team.told[k])
            continue;
        const struct bw_report *m = report_at(r, k, sec);
        uint64_t w = r->team.parts[k].bw >> 10 ? r->team.parts[k].bw >> 10 : 1;
        s->x += on_wire(r, k, sec);
        recv += m->recv;
        s->cpu = m->cpu > s->cpu ? m->cpu : s->cpu;
        s->lag_ms = m->lag_ms > s->lag_ms ? m->lag_ms : s->lag_ms;
        blocked += w * m->blocked;
        weight += w;
        out->wire += m->wire_in + m->wire_out;
        out->checked += r->team.sums[k].checked;
        out->bad += r->team.sums[k].bad;
    }
    s->blocked = weight ? (unsigned)(blocked / weight) : 0;
    s->reported = run_together_is(r, sec);
    r->result.apart += !s->reported;
    r->empty = recv ? 0 : r->empty + 1;
}

bool run_team_is_clear(const struct run *r)
{
    struct estimate e;
    if (estimate_make(r->seconds, r->summed, run_together_skipped(r), r->percent, &e) != OK)
        return false;
    return e.limited_by == LIMITED_BY_RELAY && (e.p75 - e.p25) * 100 <= e.bw * RUN_EARLY_PERCENT;
}

bool run_may_end(const struct run *r)
{
    return r->state == RUN_RUNNING && r->summed &&
           (r->summed >= r->config.dur ||
            (r->config.adaptive && r->summed >= r->length && run_team_is_clear(r)));
}

void run_end_early(struct run *r)
{
    if (!run_may_end(r) || r->ending)
        return;
    if (run_has_claim(r, r->summed)) {
        run_finish(r);
        return;
    }
    r->ending = true;
    env_arm_ms(r->env, &r->deadline, RUN_REPORT_MS);
}

static void end_if_over(struct run *r)
{
    if (r->summed >= r->config.dur || !r->config.tied)
        run_end_early(r);
}

/* All have reported second SEC. */
static void second_over(struct run *r, unsigned sec)
{
    run_tell(r);
    if (r->state != RUN_RUNNING)
        return;
    r->untold = (struct run_second){.sec = sec, .allotted = r->raise.allotted};
    sum_second(r, sec, &r->untold);
    r->summed = sec;
    run_tell_if_whole(r);
    /* Of drop nothing comes back, and what is sent goes in bursts: large socket buffers that a slow
     * relay takes long to empty. */
    if (r->empty == RUN_STALL_S && r->config.mode != MEAS_DROP)
        run_fail(r, MEAS_TIMEOUT, RUN_NOBODY, "the relay has given nothing back for %d s",
                 RUN_STALL_S);
    if (r->state != RUN_RUNNING)
        return;
    /* Later than that too few seconds would be left to count. */
    if (3 * (sec + 1) <= r->config.dur &&
        alloc_raise_second(&r->raise, sec, r->seconds[sec - 1].blocked))
        run_allot_raise(r);
    if (r->state == RUN_RUNNING)
        end_if_over(r);
}

void run_report(struct run *r, size_t k, const struct bw_report *m)
{
    if (!takes_part(r, k, m->meas_id) || r->state != RUN_RUNNING || r->ending || !is_sound(r, k, m))
        return;
    *report_at(r, k, m->sec) = *m;
    r->team.reported[k] = m->sec;
    run_together_note(r, k, m->sec);
    for (size_t i = 0; i < r->config.n_members; i++)
        if (r->team.told[i] && r->team.reported[i] < r->summed + 1)
            return;
    second_over(r, r->summed + 1);
}

void run_team_look(struct run *r)
{
    for (size_t k = 0; k < r->config.n_members && r->state == RUN_RUNNING; k++) {
        unsigned next = r->team.reported[k] + 1;
        if (r->team.told[k] && next <= r->config.dur &&
            r->env->mono_us >= r->go_us + us_of(next) + RUN_REPORT_MS * US_PER_MS)
            run_fail(r, MEAS_MEASURER_LOST, k, "%s: second %u was not reported", name_of(r, k),
                     next);
    }
}
