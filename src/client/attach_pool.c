#include "client/attach_pool.h"

#include <stddef.h>
#include <stdlib.h>

#include "cell/reason.h"
#include "client/tunnel_int.h"

enum {
    CATCH_UP_MS = 10,  /* before streams are tried again on a full link */
    TRIES_A_TIME = 32, /* tunnels at one event, the rest in the next wake-ups */
};

struct attach_pool {
    struct env *env;
    struct exits *exits;
    struct attach_policy policy;
    struct waiting *waiting;
    struct timer attach;   /* armed: some that wait are still to be tried */
    struct timer catch_up; /* armed: some are held back by a link that is full */
};

/* ---- one try ---- */

static void attach(struct attach_pool *p, struct tunnel *t, struct ride *ride)
{
    if (tunnel_attach(t, ride) != ERR_FULL)
        return;
    waiting_hold(p->waiting, &t->waiter); /* the link is catching up with a burst of streams */
    env_arm_ms(p->env, &p->catch_up, CATCH_UP_MS);
}

static struct tunnel *tunnel_of(struct waiter *w)
{
    return (struct tunnel *)(void *)((char *)w - offsetof(struct tunnel, waiter));
}

/* T looks at what is open. */
static void try_due(struct attach_pool *p, struct tunnel *t)
{
    struct exit_need need = tunnel_need(t);
    struct exit_circ *circ = exits_find_open(p->exits, &need);
    if (circ) {
        exits_use(circ, &need);
        attach(p, t, exit_circ_ride(circ));
        return;
    }
    waiting_sleep(p->waiting, &t->waiter);
    waiting_begin_round(p->waiting);
}

/* T has whatever can be had. */
static void take_turn(struct attach_pool *p, struct tunnel *t)
{
    const char *why_not = NULL;
    struct exit_need need = tunnel_need(t);
    if (exits_find(p->exits, &need, &why_not))
        waiting_wake_wish(p->waiting, &t->waiter);
    else if (why_not)
        tunnel_cannot(t, why_not);
}

/* Looks cost little, and are for all who are due; what has to be built is given out by turns.
 * False: nobody is to be tried for now. */
static bool try_next(struct attach_pool *p)
{
    struct waiter *w = waiting_next_due(p->waiting);
    if (w) {
        try_due(p, tunnel_of(w));
        return true;
    }
    w = exits_could_serve(p->exits) ? waiting_next_turn(p->waiting) : NULL;
    if (w)
        take_turn(p, tunnel_of(w));
    return w != NULL;
}

static void attach_some(struct attach_pool *p)
{
    for (int i = 0; i < TRIES_A_TIME; i++)
        if (!try_next(p))
            return;
    env_arm_ms(p->env, &p->attach, 0);
}

/* ---- when ---- */

void attach_pool_look(struct attach_pool *p)
{
    waiting_begin_round(p->waiting);
    attach_some(p);
}

void attach_pool_look_these(struct attach_pool *p, const struct isolation_key who[ISOLATION_KEYS])
{
    waiting_wake(p->waiting, who);
    attach_some(p);
}

static void attach_due(void *arg)
{
    attach_some(arg);
}

static void catch_up(void *arg)
{
    struct attach_pool *p = arg;
    waiting_end_hold(p->waiting);
    attach_some(p);
}

/* ---- the policy ---- */

static bool wait(void *arg, struct tunnel *t)
{
    struct attach_pool *p = arg;
    if (!waiting_add(p->waiting, &t->waiter, &t->req, tunnel_asked_host(t),
                     tunnel_is_particular(t)))
        return false;
    env_arm_ms(p->env, &p->attach, 0);
    return true;
}

static void forget(void *arg, struct tunnel *t)
{
    struct attach_pool *p = arg;
    waiting_remove(p->waiting, &t->waiter);
}

static const struct attach_ops pool_ops = {.wait = wait, .forget = forget};

const struct attach_policy *attach_pool_policy(const struct attach_pool *p)
{
    return &p->policy;
}

/* ---- life ---- */

struct attach_pool *attach_pool_new(struct env *env, struct exits *exits)
{
    struct attach_pool *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    *p = (struct attach_pool){
        .env = env, .exits = exits, .policy = {&pool_ops, p}, .waiting = waiting_new()};
    if (!p->waiting) {
        free(p);
        return NULL;
    }
    timer_init(&p->attach, attach_due, p);
    timer_init(&p->catch_up, catch_up, p);
    return p;
}

void attach_pool_free(struct attach_pool *p)
{
    if (!p)
        return;
    env_disarm(p->env, &p->attach);
    env_disarm(p->env, &p->catch_up);
    waiting_free(p->waiting);
    free(p);
}
