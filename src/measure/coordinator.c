#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/secret.h"
#include "measure/coordinator_plan.h"
#include "measure/pin.h"

/* ---- sessions ---- */

static const struct mconf_measurer *listed(const struct coordinator *c, const struct sha256 *pin)
{
    for (size_t i = 0; i < c->conf.n_measurers; i++)
        if (secret_equal(c->conf.measurers[i].pin.b, pin->b, sizeof pin->b))
            return &c->conf.measurers[i];
    return NULL;
}

/* Of two measurers with one key the older stays as long as it answers: else they would throw each
 * other out for ever, and nothing would be measured. The younger may come again, and waits longer
 * each time, since it never was open. */
static bool has_older(struct csession *s)
{
    const struct coordinator *c = s->coordinator;
    const uint64_t most_us = COORDINATOR_ANSWERS_S * (uint64_t)US_PER_SEC;
    for (struct csession *o = c->sessions; o; o = o->next)
        if (o != s && o->open && memcmp(&o->who.pin, &s->who.pin, sizeof o->who.pin) == 0 &&
            c->env->mono_us - coord_proto_heard_us(o->proto) <= most_us) {
            log_warn(c->env->log,
                     "Another measurer with the key of %s was sent away: each needs its own",
                     s->who.name);
            coord_proto_fail(s->proto, 0, MEAS_RESOURCES,
                             "a measurer with this key is connected: each needs its own");
            coord_proto_close(s->proto, "a measurer with its key is connected");
            return true;
        }
    return false;
}

static bool on_peer(void *arg, const struct sha256 *pin, char text[COORD_TEXT_MAX])
{
    struct csession *s = arg;
    const struct mconf_measurer *who = listed(s->coordinator, pin);
    char shown[PIN_TEXT_MAX];
    if (!who) {
        snprintf(text, COORD_TEXT_MAX, "no measurer has the key %s", pin_text(pin, shown));
        log_warn(s->coordinator->env->log,
                 "A measurer was sent away: %s is in no line \"measurer\"", shown);
        return false;
    }
    s->who = *who;
    s->known = true;
    (void)has_older(s); /* then it has been told so, and is over */
    return true;
}

/* A measurer that comes back: its old connection is of no use, whether that knows it or not. */
static void replace_older(struct csession *s)
{
    for (struct csession *o = s->coordinator->sessions; o; o = o->next)
        if (o != s && o->open && strcmp(o->who.name, s->who.name) == 0)
            coord_proto_close(o->proto, "it has come back by another connection");
}

static void on_open(void *arg, const struct msg_hello *theirs)
{
    struct csession *s = arg;
    struct coordinator *c = s->coordinator;
    s->hello = *theirs;
    if (has_older(s))
        return;
    replace_older(s);
    s->open = true;
    log_notice(c->env->log, "Measurer %s is there (%s)", s->who.name, theirs->software);
    env_arm_ms(c->env, &c->look, 0);
}

static void on_msg(void *arg, const struct msg *m)
{
    cjob_session_msg(arg, m);
}

static void session_free(struct coordinator *c, struct csession *s)
{
    struct csession **at = &c->sessions;
    while (*at != s)
        at = &(*at)->next;
    *at = s->next;
    c->ops->hangup(c->arg, s->proto);
    coord_proto_free(s->proto);
    free(s);
}

static void on_end(void *arg, const struct coord_proto_end *end)
{
    struct csession *s = arg;
    struct coordinator *c = s->coordinator;
    if (s->open)
        log_notice(c->env->log, "Measurer %s is gone: %s", s->who.name, end->text);
    else
        log_info(c->env->log, "A connection came to nothing: %s", end->text);
    s->open = false;
    cjob_session_lost(c, s, end->text);
    session_free(c, s);
}

static void on_output(void *arg)
{
    struct csession *s = arg;
    if (s->proto)
        s->coordinator->ops->output(s->coordinator->arg, s->proto);
}

static const struct coord_proto_ops proto_ops = {
    .on_peer = on_peer,
    .on_open = on_open,
    .on_msg = on_msg,
    .on_end = on_end,
    .on_output = on_output,
};

/* Who has a /64 has all of its addresses. */
static bool is_near(const struct ip *a, const struct ip *b)
{
    return a->family == b->family && memcmp(a->b, b->b, a->family == IP_V6 ? 8 : 4) == 0;
}

/* Of those who have not said hello, from FROM or (NULL) at all, at most as many as leave room for
 * one: the oldest goes. */
static void make_room(struct coordinator *c, const struct ip *from, size_t most)
{
    struct csession *oldest = NULL;
    size_t n = 0;
    for (struct csession *s = c->sessions; s; s = s->next) { /* the newest first */
        if (s->open || s->leaving || (from && !is_near(&s->from, from)))
            continue;
        oldest = s;
        n++;
    }
    if (n < most)
        return;
    oldest->leaving = true;
    coord_proto_close(oldest->proto, "others came, and it has not said hello");
}

struct coord_proto *coordinator_accept(struct coordinator *c, const struct ip *from)
{
    make_room(c, from, COORDINATOR_STRANGERS_HERE);
    make_room(c, NULL, COORDINATOR_STRANGERS_MOST);
    struct csession *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    const struct coord_proto_config config = {.tls = c->tls, .is_coord = true, .say = &c->say};
    s->coordinator = c;
    s->from = *from;
    s->proto = coord_proto_new(c->env, &config, &proto_ops, s);
    if (!s->proto) {
        free(s);
        return NULL;
    }
    s->next = c->sessions;
    c->sessions = s;
    return s->proto;
}

/* ---- life ---- */

err_t coordinator_recall(struct coordinator *c, struct text line)
{
    err_t e = history_read(&c->history, line, c->polite);
    c->forgetful |= e == ERR_NOMEM;
    return e;
}

err_t coordinator_recalled(struct coordinator *c)
{
    err_t e = history_read_end(&c->history, c->polite);
    ckeep_read_end(c->plan);
    TRY(e);
    return c->forgetful ? ERR_NOMEM : OK;
}

struct coordinator *coordinator_new(struct env *env, const struct mconf_coord *conf,
                                    struct tls_ctx *tls, const struct sha256 *pin,
                                    const struct coordinator_ops *ops, void *arg)
{
    struct coordinator *c = calloc(1, sizeof *c);
    struct polite *polite = polite_new(POLITE_BYTES_A_DAY);
    if (!c || !polite) {
        free(c);
        polite_free(polite);
        return NULL;
    }
    *c = (struct coordinator){.env = env,
                              .conf = *conf,
                              .tls = tls,
                              .pin = *pin,
                              .ops = ops,
                              .arg = arg,
                              .polite = polite};
    c->say =
        (struct msg_hello){.proto = MSG_PROTO, .software = "tunic " TUNIC_VERSION, .name = "coord"};
    history_init(&c->history);
    timer_init(&c->look, cjob_look, c);
    c->plan = cplan_new(c);
    if (!c->plan) {
        coordinator_free(c);
        return NULL;
    }
    return c;
}

void coordinator_reconfigure(struct coordinator *c, const struct mconf_coord *conf)
{
    c->conf = *conf;
    for (struct csession *s = c->sessions; s; s = s->next) {
        const struct mconf_measurer *who = s->known ? listed(c, &s->who.pin) : NULL;
        if (who)
            s->who = *who;
        else if (s->known)
            coord_proto_close(s->proto, "it is not in the configuration any more");
    }
}

void coordinator_finish(struct coordinator *c)
{
    cplan_finish(c->plan);
    for (struct cjob *j = c->jobs, *next; j; j = next) {
        next = j->next;
        if (!j->run)
            cjob_refuse(j, "cancelled", "the coordinator was ended");
    }
    c->finishing = true;
    if (!c->jobs)
        c->ops->on_idle(c->arg);
}

void coordinator_free(struct coordinator *c)
{
    if (!c)
        return;
    env_disarm(c->env, &c->look);
    cplan_free(c->plan);
    while (c->jobs)
        cjob_free(c->jobs);
    while (c->sessions)
        session_free(c, c->sessions);
    history_free(&c->history);
    polite_free(c->polite);
    free(c);
}
