#include "app/measure/stockside.h"

#include <stdlib.h>
#include <string.h>

#include "app/measure/keys.h"
#include "app/measure/verdict.h"
#include "app/measure/wires.h"
#include "measure/echohop.h"
#include "measure/polite.h"

enum { HOP_SPARE_MS = 120 * 1000, KEY_PATH_MAX = 4096 };

static bool complain(const char *why)
{
    (void)tool_complain(0, why);
    return false;
}

static const struct measure_options *options_of(const struct stockside *s)
{
    return &s->tool->options;
}

/* ---- what relays say of themselves ---- */

static void on_descriptor(void *arg, const struct selfdesc_answer *a)
{
    struct stockside *s = arg;
    s->answer = *a;
    s->answer.descriptor.s = a->err == OK ? text_dup(a->descriptor) : NULL;
    selfdesc_free(s->asking);
    s->asking = NULL;
    net_stop(s->tool->net);
}

/* The descriptor of the relay at AT, which the caller frees; NULL, with a complaint. */
static char *ask(struct stockside *s, const struct meas_relay *relay)
{
    const struct selfdesc_config config = {
        .tls = s->tool->tls, .sockets = &wires_world, .world = s->tool->net, .relay = *relay};
    char why[CONSENT_WHY_MAX];
    net_enter(s->tool->net);
    s->answer = (struct selfdesc_answer){.err = ERR_STATE};
    if (selfdesc_new(net_env(s->tool->net), &config, on_descriptor, s, &s->asking, why) != OK) {
        (void)complain(why);
        return NULL;
    }
    net_run(s->tool->net);
    if (s->asking) { /* interrupted */
        selfdesc_free(s->asking);
        s->asking = NULL;
        return NULL;
    }
    if (s->answer.err != OK || !s->answer.descriptor.s)
        (void)complain(s->answer.err == OK ? "out of memory" : s->answer.why);
    return (char *)(uintptr_t)s->answer.descriptor.s;
}

/* Before it is asked anything: with no key nobody can have agreed. */
static bool has_key(const struct stockside *s)
{
    return s->has_pin ||
           complain("a relay that is not of this computer is measured with a key that its operator "
                    "has agreed to: --key NAME, as `tunic measure keygen NAME` made it");
}

static bool has_agreed(struct stockside *s, const char *descriptor)
{
    char why[CONSENT_WHY_MAX];
    return consent_by_contact(&s->answer.relay, text_of(descriptor), &s->pin,
                              env_wall_s(net_env(s->tool->net)), why) == OK ||
           complain(why);
}

/* A relay of this computer may be measured as it is; of any other its own word is needed, and then
 * it is known whose link it has to be. */
static bool ask_relay(struct stockside *s, struct whom *whom)
{
    char why[CONSENT_WHY_MAX];
    struct meas_relay *r = &whom->relay;
    if (consent_check_address(&r->addrs[0], why) != OK)
        return complain(why);
    r->n_addrs = 1;
    if (consent_is_free(&r->addrs[0]))
        return true;
    if (!has_key(s) || !(s->proof = ask(s, r)) || !has_agreed(s, s->proof))
        return false;
    r->fp = s->answer.relay.rsa;
    r->ed25519 = s->answer.relay.ed;
    r->has_fp = r->has_ed25519 = true;
    fprintf(
        stderr,
        "%s will be driven to its limit. It may say so (overload-ratelimits) for a day, and its "
        "observed bandwidth may rise.\n",
        whom->name);
    return true;
}

static bool ask_exit(struct stockside *s)
{
    const struct meas_relay exit = {.addrs = {options_of(s)->exit}, .n_addrs = 1};
    char why[CONSENT_WHY_MAX];
    bool is_free = consent_is_free(&options_of(s)->exit);
    if (!is_free && !has_key(s))
        return false;
    s->next_proof = ask(s, &exit);
    if (!s->next_proof)
        return false;
    const struct meas_exit how = {.at = options_of(s)->exit, .proof = text_of(s->next_proof)};
    if (stock_exit(&how, &s->next, why) != OK)
        return complain(why);
    return is_free || has_agreed(s, s->next_proof);
}

static bool open_door(struct stockside *s, const struct whom *whom)
{
    const struct measure_options *o = options_of(s);
    unsigned every = o->mode == MEAS_SINK2 ? STOCK_SINK_EVERY : 1;
    uint64_t life_ms = (uint64_t)o->dur * MS_PER_SEC + HOP_SPARE_MS;
    char why[CONSENT_WHY_MAX];
    net_enter(s->tool->net);
    if (hopdoor_open(s->tool->net, &o->hop, every, life_ms, &s->door, why) != OK)
        return complain(why);
    s->next = hopdoor_target(s->door);
    if (consent_hop(&whom->relay.addrs[0], s->next.v4.port ? &s->next.v4 : &s->next.v6, why) != OK)
        return complain(why);
    return true;
}

/* ---- what its own tor counts ---- */

static void control_on_ready(void *arg)
{
    struct stockside *s = arg;
    if (s->control_waits)
        net_stop(s->tool->net);
}

static void control_on_bw(void *arg, uint64_t read, uint64_t written)
{
    struct stockside *s = arg;
    if (!s->counts || s->n_counted == ESTIMATE_SECONDS_MOST)
        return;
    s->read[s->n_counted] = read;
    s->written[s->n_counted++] = written;
}

static void control_on_end(void *arg, const char *why)
{
    struct stockside *s = arg;
    snprintf(s->no_control, sizeof s->no_control, "%s", why);
    control_on_ready(s);
}

/* The operator has asked for it, so that a run without it would not be what he wants. */
static bool open_control(struct stockside *s)
{
    static const struct torcontrol_ops ops = {control_on_ready, control_on_bw, control_on_end};
    if (!options_of(s)->control.port)
        return true;
    net_enter(s->tool->net);
    s->control_waits = true;
    s->control = torcontrol_new(s->tool->net, &options_of(s)->control, &ops, s);
    if (!s->control)
        return complain("out of memory");
    net_run(s->tool->net);
    s->control_waits = false;
    return s->no_control[0] ? complain(s->no_control) : true;
}

/* ---- the run ---- */

/* Whoever asks has the key that goes with the pin: a certificate alone is no secret. */
static bool read_key(struct stockside *s)
{
    char tls[KEY_PATH_MAX], identity[KEY_PATH_MAX], why[KEYS_WHY];
    struct keys keys;
    if (!options_of(s)->key)
        return true;
    snprintf(tls, sizeof tls, "%s.pem", options_of(s)->key);
    snprintf(identity, sizeof identity, "%s.id", options_of(s)->key);
    net_enter(s->tool->net);
    if (keys_read(net_env(s->tool->net), tls, identity, false, &keys, why) != OK)
        return complain(why);
    s->has_pin = true;
    s->pin = keys.pin;
    keys_free(&keys);
    return true;
}

/* What was asked for and is not done, of links and of loops. */
static void say_less(const struct measure_options *o, const char *name)
{
    if (o->sockets_said && polite_sockets(o->sockets) < o->sockets)
        fprintf(stderr, "%s: --sockets %u is taken as %u: no more go to a relay of tor's.\n", name,
                o->sockets, polite_sockets(o->sockets));
    if (o->threads > 1)
        fprintf(stderr, "%s: --threads is for flashflow alone: here one loop measures.\n", name);
}

bool stockside_begin(struct stockside *s, struct tool *t, struct whom *whom)
{
    *s = (struct stockside){.tool = t};
    say_less(&t->options, whom->name);
    if (!read_key(s) || !ask_relay(s, whom))
        return false;
    if (t->options.mode == MEAS_HTTP && !ask_exit(s))
        return false;
    bool needs_hop = t->options.mode == MEAS_ECHO2 || t->options.mode == MEAS_SINK2;
    return (!needs_hop || open_door(s, whom)) && open_control(s);
}

bool stockside_unreached(const struct stockside *s)
{
    err_t e = s->answer.err;
    return e == ERR_LINK_CONNECT || e == ERR_LINK_TIMEOUT || e == ERR_LINK_CLOSED;
}

void stockside_fill(const struct stockside *s, struct local_config *config, uint64_t bytes_left)
{
    config->stock = (struct local_stock){.pin = s->has_pin ? &s->pin : NULL,
                                         .hop = s->door ? hopdoor_hop(s->door) : NULL,
                                         .next = s->next,
                                         .next_proof = text_of(s->next_proof ? s->next_proof : ""),
                                         .server = options_of(s)->server,
                                         .bytes_most = bytes_left};
    config->run.proof = text_of(s->proof ? s->proof : "");
    config->run.hop_addr = s->next.v4.port ? s->next.v4 : s->next.v6;
    config->run.sockets = polite_sockets(config->run.sockets);
    config->run.members[0].sockets_free = config->run.sockets;
}

void stockside_second(struct stockside *s)
{
    s->counts = true;
}

void stockside_end(struct stockside *s)
{
    hopdoor_free(s->door);
    torcontrol_free(s->control);
    selfdesc_free(s->asking);
    free(s->proof);
    free(s->next_proof);
    *s = (struct stockside){.tool = NULL};
}

/* ---- words ---- */

static double mbit(uint64_t bytes)
{
    return (double)bytes * 8 / 1e6;
}

/* By the relay's own count, bytes a second. Its seconds are not ours, so medians are held against
 * each other. */
static uint64_t counted(const struct stockside *s)
{
    const uint64_t *from = options_of(s)->mode == MEAS_DROP ? s->read : s->written;
    uint64_t total[ESTIMATE_SECONDS_MOST];
    memcpy(total, from, s->n_counted * sizeof *total);
    return estimate_median(total, s->n_counted);
}

/* What it counts has nothing to do with what we saw. */
static bool counts_otherwise(uint64_t its, uint64_t ours)
{
    return its < ours / 4;
}

static void say_counted(const struct stockside *s, FILE *to, uint64_t its, uint64_t ours)
{
    bool drop = options_of(s)->mode == MEAS_DROP;
    if (!s->control) {
        fputs("  What its clients had meanwhile is not known: --control PORT of its own tor would "
              "tell.\n",
              to);
        return;
    }
    fprintf(to, "  By its own count it %s %.1f Mbit/s (%.3f MB/s), the median of %u seconds",
            drop ? "read" : "wrote", mbit(its), (double)its / 1e6, s->n_counted);
    if (counts_otherwise(its, ours))
        fputs(
            ".\n  Warning: that is nearly nothing beside ours. Tor neither counts nor limits what "
            "goes to private\n  addresses, loopback too, unless its torrc has "
            "CountPrivateBandwidth 1.\n",
            to);
    else if (drop)
        fputs(".\n", to);
    else
        fprintf(to,
                ".\n  The two differ by %.1f Mbit/s: what its clients had, if it has any, and what "
                "counts and seconds differ by.\n",
                mbit(its > ours ? its - ours : ours - its));
}

static void say_limit(FILE *to, const struct estimate *e)
{
    if (e->limited_by == LIMITED_BY_RELAY)
        fprintf(to,
                "  The limit was the relay, or the way to it: we were held back %u%% of the "
                "time.\n",
                e->blocked);
    else if (e->cpu >= ESTIMATE_CPU_MOST || e->lag_ms >= ESTIMATE_LAG_MOST_MS)
        fprintf(to, "  The limit was this computer: %u%% of a core, %u ms late.\n", e->cpu,
                e->lag_ms);
    else
        fprintf(to,
                "  The limit was what it was given, by --prior or --bw: we were held back only "
                "%u%% of the time.\n",
                e->blocked);
}

void stockside_verdict(const struct stockside *s, FILE *to, const char *name,
                       const struct run_result *result, const struct run *run)
{
    const struct estimate *e = &result->estimate;
    enum meas_mode mode = options_of(s)->mode;
    char cells[VERDICT_NUMBER_MAX];
    uint64_t its = counted(s);
    bool is_all = s->n_counted && result->conclusive && !counts_otherwise(its, e->bw);
    if (result->state == RUN_FAILED) {
        fprintf(to, "%s was not measured: %s (%s)\n", name,
                result->failure.info[0] ? result->failure.info : "no reason is known",
                run_why(result));
        verdict_so_far(to, result, run);
        return;
    }
    fprintf(to, "%s %s %.1f Mbit/s (%.3f MB/s)%s%s: ", name,
            mode == MEAS_DROP ? "was sent"
            : is_all          ? "carries"
                              : "carries at least",
            mbit(e->bw), (double)e->bw / 1e6, is_all && mode != MEAS_DROP ? " of ours" : "",
            result->conclusive || mode == MEAS_DROP ? "" : ", inconclusively");
    verdict_spread(to, e);
    fprintf(to, "  %s: %s.\n", meas_mode_name(mode), stock_mode_proves(mode));
    say_limit(to, e);
    if (mode != MEAS_DROP)
        verdict_again(to, result->next_prior);
    if (mode == MEAS_ECHO2 || mode == MEAS_SINK2)
        fprintf(to, "  %s cells were checked, and all were good.\n",
                verdict_grouped(result->checked, cells));
    say_counted(s, to, its, e->bw);
}
