/* The pool of links, over links that the test plays. */
#include "client/linkpool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/test.h"

enum { MOST = 16 };

struct link {
    struct link_target target;
    const struct link_ops *ops;
    void *arg;
    enum link_state state;
    struct ed_id proved;
    uint64_t idle_ms;
    enum link_padding padding;
    bool hung_up, retired, loaded, stalled;
    uint64_t heard_us, sent_us;
    size_t circuits;
    uint64_t bytes_in, bytes_out;
};

static struct {
    struct link *link[MOST]; /* NULL once freed */
    unsigned n, alive, dials, hangups, outputs;
    bool oom;
} net;

struct link *link_new(struct env *env, const struct link_config *config,
                      const struct link_target *target, const struct link_ops *ops, void *arg)
{
    (void)env;
    if (net.oom)
        return NULL;
    ck_assert_uint_lt(net.n, MOST);
    struct link *l = calloc(1, sizeof *l);
    ck_assert_ptr_nonnull(l);
    *l = (struct link){.target = *target, .ops = ops, .arg = arg, .padding = config->padding};
    l->idle_ms = config->idle_timeout_ms;
    net.link[net.n++] = l;
    net.alive++;
    return l;
}

void link_free(struct link *l)
{
    ck_assert(l->hung_up); /* while net still knows it, it must not go */
    for (unsigned i = 0; i < net.n; i++)
        if (net.link[i] == l)
            net.link[i] = NULL;
    net.alive--;
    free(l);
}

enum link_state link_state(const struct link *l)
{
    return l->state;
}

uint64_t link_bytes_in(const struct link *l)
{
    return l->bytes_in;
}

uint64_t link_bytes_out(const struct link *l)
{
    return l->bytes_out;
}

uint64_t link_sent_us(const struct link *l)
{
    return l->sent_us;
}

size_t link_circuits(const struct link *l)
{
    return l->circuits;
}

bool link_is_loaded(const struct link *l)
{
    return l->loaded;
}

void link_retire(struct link *l)
{
    l->retired = true;
}

const struct ed_id *link_peer_ed(const struct link *l)
{
    ck_assert_int_eq(l->state, LINK_OPEN); /* "valid once open" */
    return &l->proved;
}

bool link_is_stalled(const struct link *l)
{
    return l->stalled;
}

uint64_t link_heard_us(const struct link *l)
{
    return l->heard_us;
}

void link_stall(struct link *l, bool stalled)
{
    if (l->stalled == stalled)
        return;
    l->stalled = stalled;
    l->ops->on_stall(l->arg, stalled);
}

void link_close(struct link *l, err_t why, enum or_reason reason, const char *text)
{
    const struct link_end end = {.why = why, .reason = reason, .during = l->state};
    (void)text;
    l->state = LINK_CLOSED;
    l->ops->on_end(l->arg, &end);
}

void link_set_padding(struct link *l, const struct link_config *config)
{
    l->padding = config->padding;
}

/* ---- the world, the client and those who wait ---- */

struct fixture {
    struct env *env;
    struct events *events;
    struct event_listener listener;
    char story[400]; /* "1 LAUNCHED, 1 CONNECTED" */
    struct event_orconn last;
    struct linkpool *pool;
    unsigned opened, failed, skewed, stalled, went_on;
};

static void dial(void *world, struct link *l, const struct reach *to)
{
    (void)world;
    ck_assert(reach_equal(&l->target.reach, to));
    net.dials++;
}

static void output(void *world, struct link *l)
{
    (void)world, (void)l;
    net.outputs++;
}

static void hangup(void *world, struct link *l)
{
    (void)world;
    ck_assert(!l->hung_up);
    l->hung_up = true;
    net.hangups++;
}

static const struct client_world world = {.dial = dial, .output = output, .hangup = hangup};

static void skewed(void *arg, int64_t skew_s, const struct link_target *peer)
{
    struct fixture *f = arg;
    (void)skew_s, (void)peer;
    f->skewed++;
}

static void opened(void *arg, const struct link_target *peer)
{
    struct fixture *f = arg;
    (void)peer;
    f->opened++;
}

static void failed(void *arg, const struct link_target *peer, const struct link_end *end)
{
    struct fixture *f = arg;
    (void)peer, (void)end;
    f->failed++;
}

static void stalled(void *arg, bool now)
{
    struct fixture *f = arg;
    *(now ? &f->stalled : &f->went_on) += 1;
}

static const struct linkpool_ops ops = {
    .clock_skew = skewed, .opened = opened, .failed = failed, .stalled = stalled};

struct waiter {
    struct link_want want;
    struct link *got;
    unsigned ready, failed;
    err_t why;
    struct waiter *cancels; /* in its callback */
    bool closes_link;       /* in its callback */
    struct fixture *asks;   /* again, in its callback */
};

static struct link_target peer(uint8_t rsa, uint8_t ed)
{
    struct link_target t = {.has_rsa = true, .has_ed = ed != 0};
    t.rsa.b[0] = rsa;
    t.ed.b[0] = ed;
    t.reach.addr = (struct ipport){ip_v4((const uint8_t[]){127, 0, 0, rsa}), 9001};
    return t;
}

static void close_link(struct link *l, err_t why)
{
    struct link_end end = {.why = why, .during = l->state};
    l->state = LINK_CLOSED;
    l->ops->on_end(l->arg, &end);
}

static void on_ready(void *arg, struct link *l)
{
    struct waiter *w = arg;
    w->ready++;
    w->got = l;
    if (w->cancels)
        linkpool_cancel(&w->cancels->want);
    if (w->closes_link)
        close_link(l, ERR_LINK_PROTO);
}

static struct link *ask(struct fixture *f, struct waiter *w, const struct link_target *t);

static void on_failed(void *arg, const struct link_end *end)
{
    struct waiter *w = arg;
    w->failed++;
    w->why = end->why;
    if (w->cancels)
        linkpool_cancel(&w->cancels->want);
    if (w->asks) {
        struct link_target t = peer(1, 1);
        struct fixture *f = w->asks;
        w->asks = NULL;
        ck_assert_ptr_null(ask(f, w, &t));
    }
}

static struct link *ask(struct fixture *f, struct waiter *w, const struct link_target *t)
{
    struct link *l;
    w->want.ready = on_ready;
    w->want.failed = on_failed;
    w->want.arg = w;
    ck_ok(linkpool_get(f->pool, t, &w->want, &l));
    return l;
}

static void open_link(struct fixture *f, struct link *l)
{
    l->state = LINK_OPEN;
    (void)f;
    l->proved = l->target.ed;
    l->ops->on_open(l->arg);
}

static void on_event(void *arg, const struct event_record *e)
{
    struct fixture *f = arg;
    size_t len = strlen(f->story);
    f->last = e->orconn;
    snprintf(f->story + len, sizeof f->story - len, "%s%llu %s", len ? ", " : "",
             (unsigned long long)e->orconn.id, event_name(e));
}

static void setup(struct fixture *f)
{
    memset(&net, 0, sizeof net);
    *f = (struct fixture){.env = test_env(1)};
    f->events = events_new(f->env);
    f->listener = (struct event_listener){.on_event = on_event, .arg = f};
    events_listen(f->events, &f->listener, EVENT_BIT(EVENT_ORCONN));
    struct linkpool_config config = {.habits = {.conntimeout_s = 1800}};
    f->pool = linkpool_new(f->env, f->events, &config, &world, NULL, &ops, f);
    ck_assert_ptr_nonnull(f->pool);
}

static void teardown(struct fixture *f)
{
    linkpool_free(f->pool);
    events_free(f->events);
    ck_assert_uint_eq(net.alive, 0);
    ck_assert_uint_eq(net.hangups, net.n);
    test_env_free(f->env);
}

/* ---- tests ---- */

START_TEST(test_linkpool_makes_one_link_for_all_who_wait)
{
    struct fixture f;
    struct waiter w[3] = {0};
    struct link_target t = peer(1, 1);
    setup(&f);
    for (int i = 0; i < 3; i++)
        ck_assert_ptr_null(ask(&f, &w[i], &t));
    ck_assert_uint_eq(net.dials, 1);
    open_link(&f, net.link[0]);
    for (int i = 0; i < 3; i++) {
        ck_assert_uint_eq(w[i].ready, 1);
        ck_assert_ptr_eq(w[i].got, net.link[0]);
    }
    ck_assert_uint_eq(f.opened, 1);
    struct waiter late = {0};
    ck_assert_ptr_eq(ask(&f, &late, &t), net.link[0]);
    ck_assert_ptr_null(late.want.on);
    teardown(&f);
}
END_TEST

static void hear_step(void *arg, const struct event_record *e)
{
    struct fixture *f = arg;
    ck_assert_int_eq(e->kind, EVENT_LINK_STEP);
    snprintf(f->story, sizeof f->story, "step %d", (int)e->link_step.state);
}

START_TEST(test_linkpool_tells_how_far_a_link_has_come)
{
    struct fixture f;
    struct waiter a = {0};
    struct link_target t = peer(1, 1);
    char tls[16];
    setup(&f);
    f.listener.on_event = hear_step;
    events_listen(f.events, &f.listener, EVENT_BIT(EVENT_LINK_STEP));
    ask(&f, &a, &t);
    net.link[0]->state = LINK_TLS;
    net.link[0]->ops->on_step(net.link[0]->arg);
    test_env_advance_ms(f.env, 0);
    snprintf(tls, sizeof tls, "step %d", (int)LINK_TLS);
    ck_assert_str_eq(f.story, tls);
    teardown(&f);
}
END_TEST

/* A link made for one peer is there, open or not; another is asked for. */
START_TEST(test_linkpool_shares_by_identity)
{
    static const struct {
        struct {
            uint8_t rsa, ed, proved;
        } has;
        bool open;
        struct {
            uint8_t rsa, ed;
        } want;
        bool shared;
    } rows[] = {
        {{1, 1, 1}, true, {1, 1}, true},
        {{1, 1, 0}, false, {1, 1}, true},
        {{1, 1, 1}, true, {1, 0}, true},  /* more was proved than is asked */
        {{1, 1, 1}, true, {2, 1}, false}, /* RSA differs */
        {{1, 1, 1}, true, {1, 2}, false}, /* Ed25519 differs */
        {{1, 0, 0}, false, {1, 0}, true},
        {{1, 0, 0}, false, {1, 1}, true}, /* what is proved is looked at when it stands */
        {{1, 0, 0}, true, {1, 1}, false}, /* a relay without Ed25519 */
        {{1, 0, 1}, true, {1, 1}, true},  /* proved without being asked */
        {{1, 0, 2}, true, {1, 1}, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fixture f;
        struct waiter a = {0}, b = {0};
        struct link_target has = peer(rows[i].has.rsa, rows[i].has.ed);
        struct link_target want = peer(rows[i].want.rsa, rows[i].want.ed);
        setup(&f);
        ask(&f, &a, &has);
        if (rows[i].open) {
            open_link(&f, net.link[0]);
            net.link[0]->proved.b[0] = rows[i].has.proved;
        }
        ask(&f, &b, &want);
        ck_assert_msg((net.n == 1) == rows[i].shared, "row %zu", i);
        teardown(&f);
    }
}
END_TEST

/* Who waits for a link that was made without knowing an Ed25519 identity has it if that is proved.
 */
START_TEST(test_linkpool_who_waits_for_an_identity_gets_no_other)
{
    struct fixture f;
    struct waiter any = {0}, right = {0}, wrong = {0};
    struct link_target nobody = peer(1, 0), one = peer(1, 1), two = peer(1, 2);
    setup(&f);
    linkpool_prepare(f.pool, &nobody);
    linkpool_prepare(f.pool, &nobody);
    ck_assert_uint_eq(net.dials, 1);
    ask(&f, &any, &nobody);
    ask(&f, &wrong, &two);
    ask(&f, &right, &one);
    ck_assert_uint_eq(net.n, 1);
    net.link[0]->target.ed.b[0] = 1; /* is proved, though not asked for */
    open_link(&f, net.link[0]);
    ck_assert(any.ready == 1 && right.ready == 1 && !wrong.ready);
    ck_assert(wrong.failed == 1 && wrong.why == ERR_LINK_IDENTITY);
    linkpool_prepare(f.pool, &one); /* it stands */
    ck_assert_uint_eq(net.dials, 1);
    teardown(&f);
}
END_TEST

static void shares_nothing(const struct link_target *has, const struct link_target *want)
{
    struct fixture f;
    struct waiter a = {0}, b = {0};
    setup(&f);
    ask(&f, &a, has);
    open_link(&f, net.link[0]);
    ask(&f, &b, want);
    ck_assert_uint_eq(net.n, 2);
    teardown(&f);
}

/* A firewall that the user told of since may forbid the other address. */
START_TEST(test_linkpool_shares_no_link_to_another_address)
{
    struct link_target has = peer(1, 1), want = has;
    want.reach.addr.port++;
    shares_nothing(&has, &want);
}
END_TEST

/* The same relay at the same address: what one transport hides, the other way shows. */
START_TEST(test_linkpool_shares_no_link_between_transports)
{
    struct link_target has = peer(1, 1), want = has;
    strcpy(want.reach.transport, "obfs4");
    shares_nothing(&has, &want);
    shares_nothing(&want, &has);
    has = want;
    strcpy(want.reach.arguments, "iat-mode=2");
    shares_nothing(&has, &want);
}
END_TEST

START_TEST(test_linkpool_tells_each_waiter_of_a_failure_once)
{
    struct fixture f;
    struct waiter w[3] = {0};
    struct link_target t = peer(1, 1);
    setup(&f);
    for (int i = 0; i < 3; i++)
        ask(&f, &w[i], &t);
    close_link(net.link[0], ERR_LINK_CONNECT);
    ck_assert_uint_eq(w[0].failed, 0); /* not inside the link's callback */
    test_env_advance_ms(f.env, 0);
    test_env_advance_ms(f.env, 60000);
    for (int i = 0; i < 3; i++) {
        ck_assert_uint_eq(w[i].failed, 1);
        ck_assert_uint_eq(w[i].ready, 0);
        ck_assert_int_eq(w[i].why, ERR_LINK_CONNECT);
    }
    ck_assert_uint_eq(f.failed, 1);
    ck_assert_uint_eq(net.alive, 0);
    teardown(&f);
}
END_TEST

START_TEST(test_linkpool_link_that_ends_later_is_no_failure_to_connect)
{
    struct fixture f;
    struct waiter w = {0};
    struct link_target t = peer(1, 1);
    setup(&f);
    ask(&f, &w, &t);
    open_link(&f, net.link[0]);
    close_link(net.link[0], ERR_LINK_CLOSED);
    test_env_advance_ms(f.env, 0);
    ck_assert_uint_eq(f.failed, 0);
    ck_assert_uint_eq(w.failed, 0);
    ck_assert_uint_eq(net.alive, 0);
    teardown(&f);
}
END_TEST

START_TEST(test_linkpool_ended_link_is_not_given_out)
{
    struct fixture f;
    struct waiter a = {0}, b = {0};
    struct link_target t = peer(1, 1);
    setup(&f);
    ask(&f, &a, &t);
    open_link(&f, net.link[0]);
    close_link(net.link[0], ERR_LINK_CLOSED);
    ck_assert_ptr_null(ask(&f, &b, &t)); /* before it is reaped */
    ck_assert_uint_eq(net.n, 2);
    test_env_advance_ms(f.env, 0);
    ck_assert_uint_eq(b.failed, 0);
    ck_assert_uint_eq(net.alive, 1);
    teardown(&f);
}
END_TEST

START_TEST(test_linkpool_who_waits_may_ask_again_when_told)
{
    struct fixture f;
    struct waiter w = {0};
    struct link_target t = peer(1, 1);
    setup(&f);
    ask(&f, &w, &t);
    w.asks = &f;
    close_link(net.link[0], ERR_LINK_TLS);
    test_env_advance_ms(f.env, 0);
    ck_assert_uint_eq(w.failed, 1);
    ck_assert_uint_eq(net.n, 2);
    open_link(&f, net.link[1]);
    ck_assert_uint_eq(w.ready, 1);
    teardown(&f);
}
END_TEST

START_TEST(test_linkpool_cancelled_wait_hears_nothing)
{
    struct fixture f;
    struct waiter a = {0}, b = {0}, c = {0};
    struct link_target t = peer(1, 1);
    setup(&f);
    ask(&f, &a, &t);
    ask(&f, &b, &t);
    ask(&f, &c, &t);
    linkpool_cancel(&b.want);
    linkpool_cancel(&b.want); /* harmless */
    a.cancels = &c;           /* from within the first one's callback */
    open_link(&f, net.link[0]);
    ck_assert_uint_eq(a.ready, 1);
    ck_assert_uint_eq(b.ready + b.failed + c.ready + c.failed, 0);
    teardown(&f);
}
END_TEST

START_TEST(test_linkpool_cancelled_wait_hears_of_no_failure)
{
    struct fixture f;
    struct waiter a = {0}, b = {0};
    struct link_target t = peer(1, 1);
    setup(&f);
    ask(&f, &a, &t);
    ask(&f, &b, &t);
    a.cancels = &b;
    close_link(net.link[0], ERR_LINK_CONNECT);
    test_env_advance_ms(f.env, 0);
    ck_assert_uint_eq(a.failed, 1);
    ck_assert_uint_eq(b.failed, 0);
    teardown(&f);
}
END_TEST

START_TEST(test_linkpool_link_closed_by_the_first_fails_the_others)
{
    struct fixture f;
    struct waiter a = {.closes_link = true}, b = {0};
    struct link_target t = peer(1, 1);
    setup(&f);
    ask(&f, &a, &t);
    ask(&f, &b, &t);
    open_link(&f, net.link[0]);
    ck_assert_uint_eq(b.ready, 0);
    test_env_advance_ms(f.env, 0);
    ck_assert_uint_eq(b.failed, 1);
    teardown(&f);
}
END_TEST

START_TEST(test_linkpool_old_link_takes_no_circuits)
{
    struct fixture f;
    struct waiter a = {0}, b = {0};
    struct link_target t = peer(1, 1);
    setup(&f);
    ask(&f, &a, &t);
    open_link(&f, net.link[0]);
    test_env_advance_ms(f.env, UINT64_C(7) * 24 * 3600 * 1000 - 1);
    ck_assert(!net.link[0]->retired);
    test_env_advance_ms(f.env, 1);
    ck_assert(net.link[0]->retired);
    ck_assert_ptr_null(ask(&f, &b, &t));
    ck_assert_uint_eq(net.n, 2);
    ck_assert_uint_eq(net.alive, 2); /* it stays for the circuits it has */
    teardown(&f);
}
END_TEST

START_TEST(test_linkpool_link_that_failed_a_circuit_takes_no_more)
{
    struct fixture f;
    struct waiter a = {0}, b = {0}, c = {0};
    struct link_target t = peer(1, 1), other = peer(2, 2);
    setup(&f);
    ask(&f, &a, &t);
    ask(&f, &c, &other);
    open_link(&f, net.link[0]);
    open_link(&f, net.link[1]);
    linkpool_distrust(f.pool, net.link[0]);
    ck_assert(net.link[0]->retired);
    ck_assert(!net.link[1]->retired);
    ck_assert_ptr_null(ask(&f, &b, &t));
    ck_assert_uint_eq(net.n, 3);
    ck_assert_ptr_eq(ask(&f, &c, &other), net.link[1]);
    teardown(&f);
}
END_TEST

START_TEST(test_linkpool_each_link_rests_by_a_draw_of_its_own)
{
    struct fixture f;
    struct waiter w[MOST] = {0};
    unsigned equal = 0;
    setup(&f);
    for (uint8_t i = 0; i < MOST; i++) {
        struct link_target t = peer(i + 1, i + 1);
        ask(&f, &w[i], &t);
        ck_assert_uint_ge(net.link[i]->idle_ms, 180000);
        ck_assert_uint_lt(net.link[i]->idle_ms, 270000);
        equal += net.link[i]->idle_ms == net.link[0]->idle_ms;
    }
    ck_assert_uint_lt(equal, MOST / 2);
    teardown(&f);
}
END_TEST

START_TEST(test_linkpool_out_of_memory_leaves_no_wait)
{
    struct fixture f;
    struct waiter w = {0};
    struct link_target t = peer(1, 1);
    struct link *l;
    setup(&f);
    net.oom = true;
    ck_err(linkpool_get(f.pool, &t, &w.want, &l), ERR_NOMEM);
    ck_assert_ptr_null(w.want.on);
    ck_assert_ptr_null(l);
    teardown(&f);
}
END_TEST

START_TEST(test_linkpool_end_tells_nobody)
{
    struct fixture f;
    struct waiter w = {0};
    struct link_target t = peer(1, 1);
    setup(&f);
    ask(&f, &w, &t);
    linkpool_free(f.pool);
    f.pool = NULL;
    test_env_advance_ms(f.env, 1000);
    ck_assert_uint_eq(w.ready + w.failed, 0);
    ck_assert_ptr_null(w.want.on);
    teardown(&f);
}
END_TEST

START_TEST(test_linkpool_hands_on_output_clock_and_padding)
{
    struct fixture f;
    struct waiter w = {0}, other = {0};
    struct link_target t = peer(1, 1);
    struct linkpool_config config = {.link.padding = LINK_PADDING_OFF};
    setup(&f);
    ask(&f, &w, &t);
    net.link[0]->ops->on_output(net.link[0]->arg);
    net.link[0]->ops->on_clock_skew(net.link[0]->arg, 3600);
    ck_assert_uint_eq(net.outputs, 1);
    ck_assert_uint_eq(f.skewed, 1);
    linkpool_set_config(f.pool, &config);
    ck_assert_int_eq(net.link[0]->padding, LINK_PADDING_OFF);
    t = peer(2, 2);
    ask(&f, &other, &t);
    ck_assert_int_eq(net.link[1]->padding, LINK_PADDING_OFF);
    teardown(&f);
}
END_TEST

START_TEST(test_linkpool_tells_the_life_of_each_link)
{
    struct fixture f;
    struct waiter w[3] = {0};
    struct link_target a = peer(1, 1), b = peer(2, 2), c = peer(3, 3);
    setup(&f);
    ask(&f, &w[0], &a);
    ask(&f, &w[1], &b);
    ask(&f, &w[2], &c);
    open_link(&f, net.link[0]);
    net.link[0]->circuits = 2;
    close_link(net.link[0], ERR_LINK_PROTO);
    net.link[0]->circuits = 0;
    test_env_advance_ms(f.env, 0);
    ck_assert_str_eq(f.story, "1 LAUNCHED, 2 LAUNCHED, 3 LAUNCHED, 1 CONNECTED, 1 CLOSED");
    ck_assert_uint_eq(f.last.circuits, 2);
    ck_assert_int_eq(f.last.end.why, ERR_LINK_PROTO);
    ck_assert(rsa_id_equal(&f.last.peer.rsa, &a.rsa));
    f.story[0] = 0;
    close_link(net.link[1], ERR_LINK_CONNECT);
    test_env_advance_ms(f.env, 0);
    ck_assert_str_eq(f.story, "2 FAILED");
    f.story[0] = 0;
    linkpool_drop_all(f.pool);
    ask(&f, &w[0], &a);
    test_env_advance_ms(f.env, 0);
    ck_assert_str_eq(f.story, "3 FAILED, 4 LAUNCHED");
    teardown(&f);
}
END_TEST

static void has_output(const struct link *l)
{
    l->ops->on_output(l->arg);
}

/* What came is dealt with: the wake-up ends. */
static void settle(struct fixture *f)
{
    env_run_timers(f->env);
    env_run_timers(f->env);
}

/* kist_scheduler_schedule: what comes within 2 ms of cells that were sent waits, on any link; what
 * the handshake says does not, nor what fills a link. */
START_TEST(test_linkpool_sends_cells_when_tors_scheduler_does)
{
    struct fixture f;
    struct waiter w[3] = {0};
    struct link_target t[3] = {peer(1, 1), peer(2, 2), peer(3, 3)};
    struct linkpool_config config = {.habits = {.write_every_ms = 2}};
    setup(&f);
    linkpool_set_config(f.pool, &config);
    test_env_advance_ms(f.env, 10);
    for (int i = 0; i < 3; i++)
        ask(&f, &w[i], &t[i]);
    open_link(&f, net.link[0]);
    open_link(&f, net.link[1]);
    has_output(net.link[0]);
    has_output(net.link[1]); /* in the same run of the scheduler */
    ck_assert_uint_eq(net.outputs, 0);
    settle(&f);
    ck_assert_uint_eq(net.outputs, 2);
    f.env->mono_us += 300;
    has_output(net.link[1]);
    has_output(net.link[0]);
    settle(&f);
    ck_assert_uint_eq(net.outputs, 2);
    has_output(net.link[2]);
    ck_assert_uint_eq(net.outputs, 3);
    net.link[0]->loaded = true;
    has_output(net.link[0]);
    ck_assert_uint_eq(net.outputs, 4);
    net.link[0]->loaded = false;
    test_env_advance_ms(f.env, 2);
    ck_assert_uint_eq(net.outputs, 5); /* only who has not sent meanwhile */
    test_env_advance_ms(f.env, 2);
    has_output(net.link[2]); /* the scheduler does not run for it */
    f.env->mono_us += 100;
    has_output(net.link[0]);
    settle(&f);
    ck_assert_uint_eq(net.outputs, 7);
    f.env->mono_us += 500;
    has_output(net.link[0]); /* and the pool ends while it waits */
    settle(&f);
    teardown(&f);
}
END_TEST

static void open_one(struct fixture *f, struct waiter *w)
{
    const struct linkpool_config config = {.habits = {.write_every_ms = 2}};
    const struct link_target t = peer(1, 1);
    setup(f);
    linkpool_set_config(f->pool, &config);
    ask(f, w, &t);
    open_link(f, net.link[0]);
    test_env_advance_ms(f->env, 10);
}

/* kist_scheduler_run: scheduler_last_run is taken when all is written. */
START_TEST(test_linkpool_counts_from_when_the_kernel_has_the_cells)
{
    struct fixture f;
    struct waiter w = {0};
    open_one(&f, &w);
    has_output(net.link[0]);
    settle(&f);
    ck_assert_uint_eq(net.outputs, 1);
    f.env->mono_us += 900;
    net.link[0]->sent_us = f.env->mono_us;
    f.env->mono_us += 600; /* 1.5 ms since the run began, 0.6 since it was over */
    has_output(net.link[0]);
    settle(&f);
    ck_assert_uint_eq(net.outputs, 1);
    test_env_advance_ms(f.env, 1);
    ck_assert_uint_eq(net.outputs, 2);
    net.link[0]->sent_us = f.env->mono_us;
    f.env->mono_us += 1001;
    has_output(net.link[0]);
    settle(&f);
    ck_assert_uint_eq(net.outputs, 3);
    teardown(&f);
}
END_TEST

/* scheduler_ev_add: the timer is libevent's, whose clock goes in steps. */
START_TEST(test_linkpool_cells_that_wait_go_with_a_step_of_the_coarse_clock)
{
    struct fixture f;
    struct waiter w = {0};
    open_one(&f, &w);
    has_output(net.link[0]);
    settle(&f);
    ck_assert_uint_eq(net.outputs, 1);
    f.env->mono_us += 900;
    f.env->lag_us = 2600;
    has_output(net.link[0]);
    settle(&f);
    f.env->mono_us += 1300;
    f.env->lag_us = 3900;
    settle(&f); /* 1.3 ms went by, but the coarse clock has not seen it */
    ck_assert_uint_eq(net.outputs, 1);
    f.env->mono_us += 100;
    f.env->lag_us = 0;
    settle(&f);
    ck_assert_uint_eq(net.outputs, 2);
    teardown(&f);
}
END_TEST

/* ---- nothing is heard ---- */

static void heard(struct fixture *f, struct link *l)
{
    l->heard_us = f->env->mono_us;
}

START_TEST(test_linkpool_gives_no_link_that_stalls)
{
    struct fixture f;
    struct waiter a = {0}, b = {0}, c = {0};
    struct link_target t = peer(1, 1);
    setup(&f);
    ask(&f, &a, &t);
    open_link(&f, net.link[0]);
    link_stall(net.link[0], true);
    ck_assert_uint_eq(f.stalled, 1);
    ck_assert_ptr_null(ask(&f, &b, &t));
    ck_assert_uint_eq(net.dials, 2);
    link_stall(net.link[0], false);
    ck_assert_uint_eq(f.went_on, 1);
    ck_assert_ptr_eq(ask(&f, &c, &t), net.link[0]);
    teardown(&f);
}
END_TEST

START_TEST(test_linkpool_says_that_a_dial_is_silent)
{
    struct fixture f;
    struct waiter w[3] = {0};
    struct link_target silent = peer(1, 1), slow = peer(2, 2), open = peer(3, 3);
    setup(&f);
    ask(&f, &w[0], &silent);
    ask(&f, &w[1], &slow);
    ask(&f, &w[2], &open);
    open_link(&f, net.link[2]);
    test_env_advance_ms(f.env, 2000);
    net.link[1]->state = LINK_TLS;
    heard(&f, net.link[1]);
    ck_assert_uint_eq(f.stalled, 0);
    test_env_advance_ms(f.env, 1000);
    ck_assert_uint_eq(f.stalled, 1);
    test_env_advance_ms(f.env, 4999); /* the slow one's kernel has answered: it may be busy */
    ck_assert_uint_eq(f.stalled, 1);
    test_env_advance_ms(f.env, 1);
    ck_assert_uint_eq(f.stalled, 2);
    teardown(&f);
}
END_TEST

START_TEST(test_linkpool_dials_anew_for_who_waits)
{
    struct fixture f;
    struct waiter a = {0}, b = {0}, on = {0};
    struct link_target t = peer(1, 1), other = peer(2, 2);
    setup(&f);
    ask(&f, &a, &t);
    ask(&f, &b, &t);
    ask(&f, &on, &other);
    test_env_advance_ms(f.env, 1900);
    heard(&f, net.link[1]);
    linkpool_dial_anew(f.pool, 2000, true);
    ck_assert_uint_eq(net.dials, 2);
    test_env_advance_ms(f.env, 100);
    linkpool_dial_anew(f.pool, 2000, true);
    ck_assert_uint_eq(net.dials, 3);
    ck_assert_uint_eq(net.link[2]->target.rsa.b[0], 1);
    test_env_advance_ms(f.env, 0);
    ck_assert_ptr_null(net.link[0]);
    ck_assert_uint_eq(a.failed + b.failed, 0);
    ck_assert_uint_eq(f.failed, 0); /* that says nothing of the network */
    open_link(&f, net.link[2]);
    ck_assert_uint_eq(a.ready, 1);
    ck_assert_ptr_eq(b.got, net.link[2]);
    ck_assert_uint_eq(on.ready + on.failed, 0);
    test_env_advance_ms(f.env, 2000);
    linkpool_dial_anew(f.pool, 2000, false);
    test_env_advance_ms(f.env, 0);
    ck_assert_uint_eq(on.failed, 1);
    ck_assert_uint_eq(net.dials, 3);
    teardown(&f);
}
END_TEST

/* A busy relay would never come to a caller that is anew at the end of its queue each two seconds.
 */
START_TEST(test_linkpool_a_busy_relay_has_more_time)
{
    struct fixture f;
    struct waiter busy = {0}, cut = {0};
    struct link_target t = peer(1, 1), other = peer(2, 2);
    setup(&f);
    ask(&f, &busy, &t);
    ask(&f, &cut, &other);
    for (unsigned i = 0; i < 2; i++) {
        net.link[i]->state = LINK_TLS;
        heard(&f, net.link[i]);
    }
    link_stall(net.link[1], true); /* its kernel acknowledges nothing any more */
    test_env_advance_ms(f.env, 2000);
    linkpool_dial_anew(f.pool, 2000, true);
    ck_assert_uint_eq(net.dials, 3);
    ck_assert_uint_eq(net.link[2]->target.rsa.b[0], 2);
    test_env_advance_ms(f.env, 4000);
    ck_assert_uint_eq(net.link[0]->state, LINK_TLS);
    linkpool_way_stands(f.pool, 3000); /* others had no queue */
    test_env_advance_ms(f.env, 0);
    ck_assert_uint_eq(busy.failed, 1);
    teardown(&f);
}
END_TEST

START_TEST(test_linkpool_tries_a_second_link_once)
{
    struct fixture f;
    struct waiter a = {0}, b = {0};
    struct link_target t = peer(1, 1), fine = peer(2, 2);
    setup(&f);
    ask(&f, &a, &t);
    ask(&f, &b, &fine);
    open_link(&f, net.link[0]);
    open_link(&f, net.link[1]);
    link_stall(net.link[0], true);
    linkpool_double_stalled(f.pool);
    linkpool_double_stalled(f.pool);
    linkpool_try(f.pool, &t);
    ck_assert_uint_eq(net.dials, 3);
    ck_assert_uint_eq(net.link[2]->target.rsa.b[0], 1);
    linkpool_try(f.pool, &fine); /* that it stands says nothing of now */
    ck_assert_uint_eq(net.dials, 4);
    teardown(&f);
}
END_TEST

START_TEST(test_linkpool_drops_what_nobody_waits_for)
{
    struct fixture f;
    struct waiter a = {0}, b = {0}, c = {0};
    struct link_target t = peer(1, 1), wanted = peer(2, 2), open = peer(3, 3);
    setup(&f);
    ask(&f, &a, &t);
    ask(&f, &b, &wanted);
    ask(&f, &c, &open);
    open_link(&f, net.link[2]);
    linkpool_cancel(&a.want);
    linkpool_drop_unwanted(f.pool);
    ck_assert_uint_eq(net.hangups, 1);
    linkpool_dial_anew(f.pool, 0, true);
    for (size_t i = 3; i < net.dials; i++)
        ck_assert_uint_ne(net.link[i]->target.rsa.b[0], 1);
    teardown(&f);
}
END_TEST

/* Who does not answer while others do is to blame; what stood is given the time that the kernel's
 * next attempt may take. */
START_TEST(test_linkpool_way_stands)
{
    struct fixture f;
    struct waiter dead = {0}, young = {0}, cut = {0}, lost = {0};
    struct link_target t[] = {peer(1, 1), peer(2, 2), peer(3, 3), peer(4, 4)};
    setup(&f);
    ask(&f, &cut, &t[2]);
    ask(&f, &lost, &t[3]);
    open_link(&f, net.link[0]);
    open_link(&f, net.link[1]);
    link_stall(net.link[0], true);
    link_stall(net.link[1], true);
    test_env_advance_ms(f.env, 10000);
    ask(&f, &dead, &t[0]);
    test_env_advance_ms(f.env, 2500);
    ask(&f, &young, &t[1]);
    test_env_advance_ms(f.env, 500);
    linkpool_way_stands(f.pool, 3000);
    test_env_advance_ms(f.env, 0);
    ck_assert_uint_eq(dead.failed, 1);
    ck_assert_int_eq(dead.why, ERR_LINK_TIMEOUT);
    ck_assert_uint_eq(young.failed, 0);
    ck_assert(net.link[0]->state == LINK_OPEN && net.link[1]->state == LINK_OPEN);
    test_env_advance_ms(f.env, 15000);
    link_stall(net.link[0], false);
    test_env_advance_ms(f.env, 1001);
    ck_assert_int_eq(net.link[0]->state, LINK_OPEN);
    ck_assert_ptr_null(net.link[1]);
    teardown(&f);
}
END_TEST

START_TEST(test_linkpool_a_slow_relay_is_believed)
{
    struct fixture f;
    struct waiter a = {0}, b = {0};
    struct link_target t = peer(1, 1);
    setup(&f);
    ask(&f, &a, &t);
    open_link(&f, net.link[0]);
    test_env_advance_ms(f.env, 1000);
    uint64_t asked_us = f.env->mono_us;
    test_env_advance_ms(f.env, 1000);
    heard(&f, net.link[0]);
    linkpool_unanswered(f.pool, net.link[0], asked_us);
    ck_assert_uint_eq(f.stalled, 0); /* something came */
    linkpool_unanswered(f.pool, net.link[0], f.env->mono_us + 1);
    ck_assert_uint_eq(f.stalled, 1);
    ck_assert_ptr_null(ask(&f, &b, &t));
    open_link(&f, net.link[1]);
    ck_assert_uint_eq(f.went_on, 1);
    linkpool_unanswered(f.pool, net.link[0], f.env->mono_us + 1);
    ck_assert_uint_eq(f.stalled, 1);
    teardown(&f);
}
END_TEST

TESTS("client/linkpool", test_linkpool_tells_how_far_a_link_has_come,
      test_linkpool_sends_cells_when_tors_scheduler_does,
      test_linkpool_counts_from_when_the_kernel_has_the_cells,
      test_linkpool_cells_that_wait_go_with_a_step_of_the_coarse_clock,
      test_linkpool_tells_the_life_of_each_link, test_linkpool_makes_one_link_for_all_who_wait,
      test_linkpool_shares_by_identity, test_linkpool_who_waits_for_an_identity_gets_no_other,
      test_linkpool_shares_no_link_to_another_address,
      test_linkpool_shares_no_link_between_transports,
      test_linkpool_tells_each_waiter_of_a_failure_once,
      test_linkpool_link_that_ends_later_is_no_failure_to_connect,
      test_linkpool_ended_link_is_not_given_out, test_linkpool_who_waits_may_ask_again_when_told,
      test_linkpool_cancelled_wait_hears_nothing, test_linkpool_cancelled_wait_hears_of_no_failure,
      test_linkpool_link_closed_by_the_first_fails_the_others,
      test_linkpool_old_link_takes_no_circuits,
      test_linkpool_link_that_failed_a_circuit_takes_no_more,
      test_linkpool_each_link_rests_by_a_draw_of_its_own,
      test_linkpool_out_of_memory_leaves_no_wait, test_linkpool_end_tells_nobody,
      test_linkpool_hands_on_output_clock_and_padding, test_linkpool_gives_no_link_that_stalls,
      test_linkpool_says_that_a_dial_is_silent, test_linkpool_dials_anew_for_who_waits,
      test_linkpool_a_busy_relay_has_more_time, test_linkpool_tries_a_second_link_once,
      test_linkpool_drops_what_nobody_waits_for, test_linkpool_way_stands,
      test_linkpool_a_slow_relay_is_believed)
