#include "client/linkpool_int.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- when cells are written ---- */

static void write_now(struct pooled_link *p)
{
    p->writes_later = false;
    p->pool->world_ops->output(p->pool->world, p->link);
}

/* When the last run was over: the kernel had all that it wrote. */
static uint64_t ran_us(const struct linkpool *pool)
{
    const struct pooled_link *p;
    uint64_t us = pool->ran_us;
    DL_FOREACH (pool->links, p)
        if (p->ran_us == pool->ran_us && link_sent_us(p->link) > us)
            us = link_sent_us(p->link);
    return us;
}

/* A run of C tor's scheduler: all links that have cells write them. */
static void run(struct linkpool *pool)
{
    struct pooled_link *p;
    pool->ran_us = pool->env->mono_us;
    DL_FOREACH (pool->links, p) {
        if (!p->writes_later)
            continue;
        p->ran_us = pool->ran_us;
        write_now(p);
    }
}

static void write_due(void *arg)
{
    struct linkpool *pool = arg;
    uint64_t wait_us =
        pool->waits ? 0 : habits_write_us(&pool->config.habits, pool->env, ran_us(pool));
    pool->waits = wait_us > 0;
    if (pool->waits)
        env_arm_coarse_us(pool->env, &pool->write, wait_us);
    else
        run(pool);
}

/* Cells go when C tor's scheduler would send them, which is asked when this wake-up has dealt with
 * what came. What a handshake says goes at once, and so does what fills the link. */
static void on_output(void *arg)
{
    struct pooled_link *p = arg;
    struct linkpool *pool = p->pool;
    bool is_open = link_state(p->link) == LINK_OPEN;
    bool is_loaded = is_open && link_is_loaded(p->link);
    if (is_loaded)
        p->ran_us = pool->ran_us = pool->env->mono_us;
    p->writes_later = is_open && !is_loaded;
    if (!p->writes_later)
        write_now(p);
    else if (!pool->write.armed)
        env_arm_coarse_us(pool->env, &pool->write, 0);
}

/* ---- the pool ---- */

struct linkpool *linkpool_new(struct env *env, struct events *events,
                              const struct linkpool_config *config,
                              const struct client_world *world_ops, void *world,
                              const struct linkpool_ops *ops, void *arg)
{
    struct linkpool *pool = calloc(1, sizeof *pool);
    if (!pool)
        return NULL;
    *pool = (struct linkpool){.env = env,
                              .events = events,
                              .config = *config,
                              .world_ops = world_ops,
                              .world = world,
                              .ops = ops,
                              .arg = arg};
    timer_init(&pool->write, write_due, pool);
    return pool;
}

static struct event_orconn describe(const struct pooled_link *p, enum orconn_status status)
{
    return (struct event_orconn){.id = p->id,
                                 .status = status,
                                 .peer = p->target,
                                 .circuits = link_circuits(p->link),
                                 .end = p->end};
}

static void tell(const struct pooled_link *p, enum orconn_status status)
{
    struct event_record e = {.kind = EVENT_ORCONN};
    if (!events_wanted(p->pool->events, EVENT_ORCONN))
        return;
    e.orconn = describe(p, status);
    events_tell(p->pool->events, &e);
}

void linkpool_look(const struct linkpool *pool, void (*fn)(void *arg, const struct event_orconn *e),
                   void *arg)
{
    const struct pooled_link *p;
    DL_FOREACH (pool->links, p) {
        bool open = link_state(p->link) == LINK_OPEN;
        struct event_orconn e = describe(p, open ? ORCONN_CONNECTED : ORCONN_LAUNCHED);
        if (!p->ended)
            fn(arg, &e);
    }
}

static void drop(struct pooled_link *p)
{
    struct linkpool *pool = p->pool;
    if (!p->ended)
        tell(p, link_state(p->link) == LINK_OPEN ? ORCONN_CLOSED : ORCONN_FAILED);
    DL_DELETE(pool->links, p);
    later_cancel(pool->env, &p->reap);
    env_disarm(pool->env, &p->old);
    env_disarm(pool->env, &p->silent);
    pool->world_ops->hangup(pool->world, p->link);
    pool->gone.in += link_bytes_in(p->link);
    pool->gone.out += link_bytes_out(p->link);
    link_free(p->link);
    free(p);
}

void linkpool_free(struct linkpool *pool)
{
    if (!pool)
        return;
    linkpool_drop_all(pool);
    env_disarm(pool->env, &pool->write);
    free(pool);
}

void linkpool_drop_all(struct linkpool *pool)
{
    while (pool->links) {
        struct pooled_link *p = pool->links;
        while (p->wants)
            linkpool_cancel(p->wants);
        drop(p);
    }
}

void linkpool_drop_unwanted(struct linkpool *pool)
{
    struct pooled_link *p, *next;
    DL_FOREACH_SAFE (pool->links, p, next)
        if (!p->ended && !p->wants && link_state(p->link) < LINK_OPEN)
            drop(p);
}

void linkpool_set_config(struct linkpool *pool, const struct linkpool_config *config)
{
    struct pooled_link *p;
    pool->config = *config;
    DL_FOREACH (pool->links, p)
        link_set_padding(p->link, &config->link);
}

const struct circ_config *linkpool_circ_config(const struct linkpool *pool)
{
    return &pool->config.circ;
}

static void retire(void *arg)
{
    struct pooled_link *p = arg;
    p->retired = true;
    link_retire(p->link);
}

void linkpool_distrust(struct linkpool *pool, const struct link *l)
{
    struct pooled_link *p;
    DL_FOREACH (pool->links, p)
        if (p->link == l)
            retire(p);
}

/* Takes the first waiter off, so that what it does next cannot disturb the walk. */
static struct link_want *next_waiter(struct pooled_link *p)
{
    struct link_want *w = p->wants;
    if (w)
        linkpool_cancel(w);
    return w;
}

/* Whether P, which stands, is a link to whom W wants; the link itself looked only at what was known
 * when it was made. */
static bool is_wanted(const struct pooled_link *p, const struct link_want *w)
{
    return !w->has_ed || ed_id_equal(link_peer_ed(p->link), &w->ed);
}

static void refuse(const struct pooled_link *p, struct link_want *w)
{
    struct link_end other = {
        .why = ERR_LINK_IDENTITY, .reason = OR_IDENTITY, .during = LINK_HANDSHAKING};
    char addr[REACH_TEXT_MAX];
    snprintf(other.text, sizeof other.text, "the relay at %s proved another Ed25519 identity",
             reach_text(&p->target.reach, addr));
    w->failed(w->arg, &other);
}

static void on_open(void *arg)
{
    struct pooled_link *p = arg;
    struct link_want *w;
    tell(p, ORCONN_CONNECTED);
    env_disarm(p->pool->env, &p->silent);
    linkpool_believe_others(p);
    p->pool->ops->opened(p->pool->arg, &p->target);
    while (link_state(p->link) == LINK_OPEN && (w = next_waiter(p)))
        if (is_wanted(p, w))
            w->ready(w->arg, p->link);
        else
            refuse(p, w);
}

static void on_end(void *arg, const struct link_end *end)
{
    struct pooled_link *p = arg;
    p->end = *end;
    p->ended = true;
    tell(p, end->during == LINK_OPEN ? ORCONN_CLOSED : ORCONN_FAILED);
    later_ask(p->pool->env, &p->reap);
}

static void reap(void *arg)
{
    struct pooled_link *p = arg;
    struct link_want *w;
    if (p->end.during != LINK_OPEN && !p->renewed)
        p->pool->ops->failed(p->pool->arg, &p->target, &p->end);
    while ((w = next_waiter(p)))
        w->failed(w->arg, &p->end);
    drop(p);
}

static void on_clock_skew(void *arg, int64_t skew_s)
{
    struct pooled_link *p = arg;
    p->pool->ops->clock_skew(p->pool->arg, skew_s, &p->target);
}

static void on_stall(void *arg, bool stalled)
{
    struct pooled_link *p = arg;
    p->mute &= stalled;
    p->stalls_us = p->pool->env->mono_us;
    p->pool->ops->stalled(p->pool->arg, stalled);
}

static void on_step(void *arg)
{
    const struct pooled_link *p = arg;
    const struct event_record e = {.kind = EVENT_LINK_STEP,
                                   .link_step = {.state = link_state(p->link)}};
    events_tell(p->pool->events, &e);
}

static const struct link_ops link_ops = {
    .on_step = on_step,
    .on_open = on_open,
    .on_end = on_end,
    .on_output = on_output,
    .on_clock_skew = on_clock_skew,
    .on_stall = on_stall,
};

static bool same_peer(const struct pooled_link *p, const struct link_target *b)
{
    const struct link_target *a = &p->target;
    /* The way counts too: the address it was made to may not be allowed any more, and what one
     * transport hides from an onlooker another may show. */
    if (!rsa_id_equal(&a->rsa, &b->rsa) || !reach_equal(&a->reach, &b->reach))
        return false;
    if (!b->has_ed)
        return true;
    /* Who asks for an Ed25519 identity must get a link on which it was proved, even if the link was
     * made without knowing it (to an authority, or a guard without its microdescriptor). */
    if (a->has_ed)
        return ed_id_equal(&a->ed, &b->ed);
    return link_state(p->link) != LINK_OPEN || ed_id_equal(link_peer_ed(p->link), &b->ed);
}

static bool takes_circuits(const struct pooled_link *p)
{
    return !p->retired && !p->ended && !link_is_stalled(p->link) &&
           link_state(p->link) != LINK_CLOSED;
}

/* One to TARGET that takes circuits, open or not; NULL: there is none. */
static struct pooled_link *find(struct linkpool *pool, const struct link_target *target)
{
    struct pooled_link *p;
    DL_FOREACH (pool->links, p)
        if (same_peer(p, target) && takes_circuits(p))
            return p;
    return NULL;
}

struct pooled_link *linkpool_launch(struct linkpool *pool, const struct link_target *target)
{
    struct pooled_link *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    p->pool = pool;
    p->target = *target;
    later_init(&p->reap, reap, p);
    timer_init(&p->old, retire, p);
    timer_init(&p->silent, linkpool_silent, p);
    struct link_config config = pool->config.link;
    config.idle_timeout_ms =
        habits_link_idle_s(&pool->config.habits, pool->env) * (uint64_t)MS_PER_SEC;
    p->link = link_new(pool->env, &config, target, &link_ops, p);
    if (!p->link) {
        free(p);
        return NULL;
    }
    DL_APPEND(pool->links, p);
    p->id = ++pool->last_id;
    p->since_us = pool->env->mono_us;
    tell(p, ORCONN_LAUNCHED);
    env_arm_ms(pool->env, &p->silent, LINK_SILENT_MS);
    env_arm_ms(pool->env, &p->old, HABITS_LINK_OLD_S * (uint64_t)MS_PER_SEC);
    pool->world_ops->dial(pool->world, p->link, &target->reach);
    return p;
}

err_t linkpool_get(struct linkpool *pool, const struct link_target *target, struct link_want *w,
                   struct link **out)
{
    struct pooled_link *p = find(pool, target);
    *out = NULL;
    if (!p)
        p = linkpool_launch(pool, target);
    if (!p)
        return ERR_NOMEM;
    if (link_state(p->link) == LINK_OPEN) {
        *out = p->link;
        return OK;
    }
    w->on = p;
    w->has_ed = target->has_ed;
    w->ed = target->ed;
    DL_APPEND(p->wants, w);
    return OK;
}

void linkpool_prepare(struct linkpool *pool, const struct link_target *target)
{
    if (!find(pool, target))
        (void)linkpool_launch(pool, target); /* out of memory: who asks for one will say so */
}

void linkpool_cancel(struct link_want *w)
{
    if (!w->on)
        return;
    DL_DELETE(w->on->wants, w);
    w->on = NULL;
}

struct linkpool_bytes linkpool_bytes(const struct linkpool *pool)
{
    struct linkpool_bytes sum = pool->gone;
    const struct pooled_link *p;
    DL_FOREACH (pool->links, p) {
        sum.in += link_bytes_in(p->link);
        sum.out += link_bytes_out(p->link);
    }
    return sum;
}

void linkpool_tell_bytes(struct linkpool *pool)
{
    struct pooled_link *p;
    DL_FOREACH (pool->links, p) {
        uint64_t in = link_bytes_in(p->link), out = link_bytes_out(p->link);
        const struct event_record e = {
            .kind = EVENT_CONN_BW,
            .conn_bw = {.id = p->id, .read = in - p->told_in, .written = out - p->told_out}};
        p->told_in = in;
        p->told_out = out;
        if (e.conn_bw.read || e.conn_bw.written)
            events_tell(pool->events, &e);
    }
}

uint64_t linkpool_id(const struct linkpool *pool, const struct link *l)
{
    const struct pooled_link *p;
    DL_FOREACH (pool->links, p)
        if (p->link == l)
            return p->id;
    return 0;
}

void linkpool_each(const struct linkpool *pool, void (*fn)(void *arg, struct link *l), void *arg)
{
    const struct pooled_link *p;
    DL_FOREACH (pool->links, p)
        fn(arg, p->link);
}
