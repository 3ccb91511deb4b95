#include "path/pathbias.h"

#include <math.h>
#include <stdio.h>

#include "base/hash.h"
#include "crypto/encode.h"
#include "path/guards_int.h"

void pathbias_set_times(struct guards *g, const struct cbt *cbt)
{
    g->cbt = cbt;
}

/* ---- parameters (path-spec 7.4) ---- */

static double rate(const struct netdir *nd, double torrc, const char *name, int32_t percent)
{
    return torrc >= 0 ? torrc : netdir_param(nd, name, percent, 0, 100) / 100.0;
}

static double threshold(const struct netdir *nd, int32_t torrc, const char *name, int32_t fallback,
                        int32_t least)
{
    return torrc >= least ? torrc : netdir_param(nd, name, fallback, least, INT32_MAX);
}

void pathbias_read_params(struct guards *g, const struct netdir *nd)
{
    const struct pathbias_config *c = &g->cfg->path_bias;
    struct pathbias_params *p = &g->bias;
    int32_t denominator = netdir_param(nd, "pb_scalefactor", 2, 2, INT32_MAX);
    *p = (struct pathbias_params){
        .least_circs = threshold(nd, c->circ_threshold, "pb_mincircs", 150, 5),
        .scale_circs = threshold(nd, c->scale_threshold, "pb_scalecircs", 300, 10),
        .notice = rate(nd, c->notice_rate, "pb_noticepct", 70),
        .warn = rate(nd, c->warn_rate, "pb_warnpct", 50),
        .extreme = rate(nd, c->extreme_rate, "pb_extremepct", 30),
        .least_uses = threshold(nd, c->use_threshold, "pb_minuse", 20, 3),
        .scale_uses = threshold(nd, c->scale_use_threshold, "pb_scaleuse", 100, 10),
        .notice_use = rate(nd, c->notice_use_rate, "pb_noticeusepct", 80),
        .extreme_use = rate(nd, c->extreme_use_rate, "pb_extremeusepct", 60),
        .scale = netdir_param(nd, "pb_multfactor", 1, 1, denominator) / (double)denominator,
        .drops = c->drop_guards == CONFIG_AUTO ? netdir_param(nd, "pb_dropguards", 0, 0, 1) != 0
                                               : c->drop_guards == CONFIG_YES,
    };
}

/* ---- counts ---- */

/* Circuits through GUARD whose state is between FROM and TO: they count as if they had gone well.
 */
static double open_between(const struct guards *g, const struct guard *guard,
                           enum pathbias_state from, enum pathbias_state to)
{
    const struct guard_circuit *c;
    unsigned n = 0;
    DL_FOREACH (g->circuits, c)
        n += c->bias >= from && c->bias <= to && rsa_id_equal(&c->guard, &guard->rsa);
    return n;
}

double pathbias_closed_well(const struct guards *g, const struct guard *guard)
{
    return guard->bias.successful_circuits_closed +
           open_between(g, guard, PATHBIAS_BUILT, PATHBIAS_ANSWERED);
}

double pathbias_used_well(const struct guards *g, const struct guard *guard)
{
    return guard->bias.use_successes + open_between(g, guard, PATHBIAS_USED, PATHBIAS_ANSWERED);
}

/* The guard whose circuit C is, if it is counted. */
static struct guard *counted(const struct guards *g, const struct guard_circuit *c)
{
    if (c->state == GUARD_CIRCUIT_NONE || c->bias == PATHBIAS_IGNORED)
        return NULL;
    return sample_find(g->now, &c->guard);
}

static void count(struct guards *g, double *counter)
{
    *counter += 1;
    g->dirty = true;
}

/* ---- what is told ---- */

static long whole(double x)
{
    return lround(x);
}

/* FAILS, and the figures behind it. "is failing" with what, and the two "counts are", stand as in
 * tor's log, for who looks for them there. */
static void tell(const struct guards *g, const struct guard *guard, enum log_level level,
                 bool of_uses, const char *fails)
{
    const struct pathbias *b = &guard->bias;
    char id[HEX_SIZE(sizeof guard->rsa.b)], figures[2][64];
    snprintf(figures[!of_uses], sizeof figures[0], "Use counts are %ld/%ld. ",
             whole(pathbias_used_well(g, guard)), whole(b->use_attempts));
    snprintf(figures[of_uses], sizeof figures[0], "Success counts are %ld/%ld. ",
             whole(pathbias_closed_well(g, guard)), whole(b->circ_attempts));
    LOG_AT(g->env->log, level,
           "Guard %s ($%s) is failing %s %s%sOf its circuits %ld stood, %ld of these served "
           "nobody, %ld broke, and %ld took longer than %u s.",
           guard->nickname, hex_upper(guard->rsa.b, sizeof guard->rsa.b, id), fails, figures[0],
           figures[1], whole(b->circ_successes), whole(b->unusable_circuits),
           whole(b->collapsed_circuits), whole(b->timeouts),
           g->cbt ? cbt_close_ms(g->cbt, CBT_HOPS) / MS_PER_SEC : 0);
}

/* Told once in each run. */
static void tell_once(const struct guards *g, const struct guard *guard, bool *told,
                      enum log_level level, bool of_uses, const char *fails)
{
    if (!*told)
        tell(g, guard, level, of_uses, fails);
    *told = true;
}

#define RULED_OUT "It is used no more (PathBiasDropGuards): it may be choosing which circuits live."

static void rule_out(struct guards *g, struct guard *guard, bool of_uses, const char *fails)
{
    tell_once(g, guard, &guard->bias.disabled, LOG_WARN, of_uses, fails);
}

/* A rate of 0 switches a warning off: no share is below it. */
static void measure_uses(struct guards *g, struct guard *guard)
{
    const struct pathbias_params *p = &g->bias;
    struct pathbias *b = &guard->bias;
    if (b->use_attempts <= p->least_uses)
        return;
    double share = pathbias_used_well(g, guard) / b->use_attempts;
    if (share < p->extreme_use && p->drops)
        rule_out(g, guard, true, "to carry an extremely large amount of streams. " RULED_OUT);
    else if (share < p->extreme_use)
        tell_once(
            g, guard, &b->use_extreme_told, LOG_WARN, true,
            "to carry an extremely large amount of streams. It may be choosing which circuits "
            "live; or too much is asked of it, of your own connection or of the network, or "
            "Tunic does something wrong.");
    else if (share < p->notice_use)
        tell_once(g, guard, &b->use_noticed, LOG_NOTICE, true,
                  "to carry more streams than usual. Probably your own connection is bad, or "
                  "relays have too much to do.");
}

static void measure_circuits(struct guards *g, struct guard *guard)
{
    const struct pathbias_params *p = &g->bias;
    struct pathbias *b = &guard->bias;
    if (b->circ_attempts <= p->least_circs)
        return;
    double share = pathbias_closed_well(g, guard) / b->circ_attempts;
    if (share < p->extreme && p->drops)
        rule_out(g, guard, false, "an extremely large amount of circuits. " RULED_OUT);
    else if (share < p->extreme)
        tell_once(g, guard, &b->extreme_told, LOG_WARN, false,
                  "an extremely large amount of circuits. It may be choosing which circuits live; "
                  "or far too much is asked of the network, or Tunic does something wrong.");
    else if (share < p->warn)
        tell_once(g, guard, &b->warned, LOG_WARN, false,
                  "a very large amount of circuits. Probably relays have too much to do; but it "
                  "may also be attacked, or choose which circuits live.");
    else if (share < p->notice)
        tell_once(g, guard, &b->noticed, LOG_NOTICE, false,
                  "more circuits than usual. Probably relays have too much to do.");
}

void pathbias_judge_loaded(struct guards *g, struct guard *guard)
{
    struct pathbias *b = &guard->bias;
    bool uses =
        b->use_attempts > 0 && pathbias_used_well(g, guard) / b->use_attempts < g->bias.extreme_use;
    bool circuits =
        b->circ_attempts > 0 && pathbias_closed_well(g, guard) / b->circ_attempts < g->bias.extreme;
    b->disabled |= g->bias.drops && (uses || circuits);
}

/* ---- scaling: newer counts weigh more ---- */

static void scale_circuits(const struct guards *g, struct guard *guard)
{
    struct pathbias *b = &guard->bias;
    double by = g->bias.scale;
    if (b->circ_attempts <= g->bias.scale_circs)
        return;
    double building = open_between(g, guard, PATHBIAS_ATTEMPTED, PATHBIAS_ATTEMPTED);
    double standing = open_between(g, guard, PATHBIAS_BUILT, PATHBIAS_FAILED);
    b->circ_attempts = (b->circ_attempts - building - standing) * by + building + standing;
    b->circ_successes = (b->circ_successes - standing) * by + standing;
    b->timeouts *= by;
    b->successful_circuits_closed *= by;
    b->collapsed_circuits *= by;
    b->unusable_circuits *= by;
}

static void scale_uses(const struct guards *g, struct guard *guard)
{
    struct pathbias *b = &guard->bias;
    if (b->use_attempts <= g->bias.scale_uses)
        return;
    double open = open_between(g, guard, PATHBIAS_USED, PATHBIAS_ANSWERED);
    b->use_attempts = (b->use_attempts - open) * g->bias.scale + open;
    b->use_successes *= g->bias.scale;
}

/* ---- a circuit's life ---- */

bool pathbias_attempted(struct guards *g, struct guard_circuit *c)
{
    struct guard *guard = counted(g, c);
    if (!guard || c->bias != PATHBIAS_NEW)
        return true;
    c->bias = PATHBIAS_ATTEMPTED;
    measure_circuits(g, guard);
    if (guard->bias.disabled)
        return false;
    scale_circuits(g, guard);
    count(g, &guard->bias.circ_attempts);
    return true;
}

void pathbias_built(struct guards *g, struct guard_circuit *c)
{
    struct guard *guard = counted(g, c);
    if (c->bias != PATHBIAS_ATTEMPTED)
        return;
    c->bias = PATHBIAS_BUILT;
    if (guard)
        count(g, &guard->bias.circ_successes);
}

void pathbias_timed_out(struct guards *g, struct guard_circuit *c)
{
    struct guard *guard = counted(g, c);
    if (guard && c->bias != PATHBIAS_ANSWERED)
        count(g, &guard->bias.timeouts);
}

void pathbias_used(struct guards *g, struct guard_circuit *c)
{
    struct guard *guard = counted(g, c);
    if (c->bias != PATHBIAS_BUILT)
        return;
    if (guard) {
        measure_uses(g, guard);
        scale_uses(g, guard);
        count(g, &guard->bias.use_attempts);
    }
    c->bias = PATHBIAS_USED;
}

/* The guard's count waits for the circuit's end. */
void pathbias_answered(struct guard_circuit *c)
{
    if (c->bias == PATHBIAS_USED)
        c->bias = PATHBIAS_ANSWERED;
}

void pathbias_left(struct guard_circuit *c)
{
    if (c->bias == PATHBIAS_ANSWERED)
        c->bias = PATHBIAS_USED;
}

void pathbias_garbled(struct guard_circuit *c)
{
    if (c->bias == PATHBIAS_USED || c->bias == PATHBIAS_ANSWERED)
        c->bias = PATHBIAS_FAILED;
}

void pathbias_ignore(struct guard_circuit *c)
{
    c->bias = PATHBIAS_IGNORED;
}

bool pathbias_wants_probe(const struct guard_circuit *c)
{
    return c->state != GUARD_CIRCUIT_NONE && c->bias == PATHBIAS_USED;
}

/* C tor, pathbias_check_close() */
void pathbias_closed(struct guards *g, struct guard_circuit *c, bool ours)
{
    struct guard *guard = counted(g, c);
    struct pathbias none = {0}, *b = guard ? &guard->bias : &none;
    if (c->bias == PATHBIAS_ANSWERED)
        count(g, &b->use_successes);
    if (c->bias == PATHBIAS_ANSWERED || (c->bias == PATHBIAS_BUILT && ours))
        count(g, &b->successful_circuits_closed);
    else if (c->bias == PATHBIAS_BUILT)
        count(g, &b->collapsed_circuits);
    else if (c->bias == PATHBIAS_USED || c->bias == PATHBIAS_FAILED)
        count(g, &b->unusable_circuits);
    c->bias = PATHBIAS_IGNORED;
}
