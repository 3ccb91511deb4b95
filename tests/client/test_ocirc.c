/* One circuit of ours, over links and circuits that the test plays. */
#include "client/ocirc.h"

#include <string.h>

#include "cell/reason.h"
#include "client/fakeconflux.h"
#include "support/test.h"

struct circ {
    const struct circ_ops *ops;
    void *arg;
    bool fast, closed, freed;
    size_t hops;
};

static struct {
    struct link *link; /* open already, or NULL: wait */
    err_t get, build;
    struct link_want *want;
    unsigned cancelled, distrusted, unanswered;
    struct circ circ;
    bool no_circ;
} net;

static struct link *const a_link = (struct link *)&net;

err_t linkpool_get(struct linkpool *pool, const struct link_target *target, struct link_want *w,
                   struct link **out)
{
    (void)pool, (void)target;
    *out = net.link;
    if (net.get == OK && !net.link)
        net.want = w;
    return net.get;
}

void linkpool_distrust(struct linkpool *pool, const struct link *l)
{
    (void)pool;
    ck_assert_ptr_eq(l, a_link);
    net.distrusted++;
}

void linkpool_unanswered(struct linkpool *pool, const struct link *l, uint64_t since_us)
{
    (void)pool, (void)since_us;
    ck_assert_ptr_eq(l, a_link);
    net.unanswered++;
}

const struct circ_config *linkpool_circ_config(const struct linkpool *pool)
{
    static const struct circ_config config = {.early_most = 5};
    (void)pool;
    return &config;
}

void linkpool_cancel(struct link_want *w)
{
    net.cancelled += net.want == w;
    net.want = NULL;
}

struct circ *circ_new(struct env *env, struct link *l, const struct circ_config *config,
                      const struct circ_ops *ops, void *arg)
{
    (void)env;
    ck_assert_uint_eq(config->early_most, 5); /* the pool's */
    ck_assert_ptr_eq(l, a_link);
    if (net.no_circ)
        return NULL;
    net.circ = (struct circ){.ops = ops, .arg = arg};
    return &net.circ;
}

err_t circ_build(struct circ *c, const struct circ_hop_target *hops, size_t n)
{
    (void)hops;
    c->hops += n;
    return net.build;
}

err_t circ_build_fast(struct circ *c)
{
    c->fast = true;
    return net.build;
}

unsigned circ_hops(const struct circ *c)
{
    return (unsigned)c->hops;
}

static void circ_gone(struct circ *c, err_t why, unsigned hops)
{
    struct circ_end end = {.why = why, .hops = hops};
    c->ops->on_end(c->arg, &end);
}

void circ_close(struct circ *c, err_t why, uint8_t reason)
{
    (void)why, (void)reason;
    ck_assert(!c->closed);
    c->closed = true; /* the test tells when it is gone */
}

void circ_free(struct circ *c)
{
    if (c)
        c->freed = true;
}

struct carrier *carrier_of_hop(struct circ *c, unsigned hop)
{
    static struct carrier carrier;
    ck_assert_uint_eq(hop, c->hops);
    return &carrier;
}

/* ---- the owner ---- */

struct fixture {
    struct env *env;
    struct events *events;
    struct circuits *circuits;
    struct ocirc *oc;
    unsigned began, opened, ended;
    struct ocirc_end end;
};

static void on_begin(void *arg, struct ocirc *oc)
{
    struct fixture *f = arg;
    (void)oc;
    f->began++;
}

static void on_open(void *arg, struct ocirc *oc)
{
    struct fixture *f = arg;
    ck_assert_int_eq(oc->state, OCIRC_OPEN);
    f->opened++;
}

static void on_end(void *arg, struct ocirc *oc, const struct ocirc_end *end)
{
    struct fixture *f = arg;
    f->ended++;
    f->end = *end;
    ocirc_free(oc); /* "the owner may free OC inside" */
    f->oc = NULL;
}

static const struct ocirc_ops ops = {.on_begin = on_begin, .on_open = on_open, .on_end = on_end};

static void setup(struct fixture *f)
{
    memset(&net, 0, sizeof net);
    *f = (struct fixture){.env = test_env(1)};
    f->events = events_new(f->env);
    f->circuits = circuits_new(f->env, NULL, f->events);
}

static void start(struct fixture *f)
{
    const struct ocirc_plan plan = {.n_hops = 3, .timeout_ms = 1000};
    f->oc = ocirc_new(f->circuits, &plan, &ops, f);
    ck_assert_ptr_nonnull(f->oc);
}

static void teardown(struct fixture *f)
{
    ocirc_free(f->oc);
    circuits_free(f->circuits);
    events_free(f->events);
    test_env_free(f->env);
}

START_TEST(test_ocirc_waits_for_its_link_then_builds)
{
    struct fixture f;
    setup(&f);
    start(&f);
    ck_assert_int_eq(f.oc->state, OCIRC_WAITING);
    test_env_advance_ms(f.env, 50000); /* the link has deadlines of its own */
    ck_assert_uint_eq(f.ended, 0);
    net.want->ready(net.want->arg, a_link);
    ck_assert_int_eq(f.oc->state, OCIRC_BUILDING);
    ck_assert_uint_eq(f.began, 1);
    ck_assert_uint_eq(net.circ.hops, 3);
    net.circ.ops->on_open(net.circ.arg);
    ck_assert_uint_eq(f.opened, 1);
    ck_assert_ptr_nonnull(ocirc_carrier(f.oc, 3)); /* of the third hop */
    test_env_advance_ms(f.env, 50000);             /* once open it has no deadline */
    ck_assert(!net.circ.closed);
    teardown(&f);
    ck_assert(net.circ.freed);
}
END_TEST

START_TEST(test_ocirc_begins_at_once_on_an_open_link)
{
    struct fixture f;
    setup(&f);
    net.link = a_link;
    start(&f);
    ck_assert_int_eq(f.oc->state, OCIRC_BUILDING);
    teardown(&f);
}
END_TEST

START_TEST(test_ocirc_link_that_fails_ends_it)
{
    struct fixture f;
    const struct link_end end = {.why = ERR_LINK_TLS, .text = "no TLS"};
    setup(&f);
    start(&f);
    net.want->failed(net.want->arg, &end);
    ck_assert_uint_eq(f.ended, 0); /* at the end of the wake-up */
    test_env_advance_ms(f.env, 0);
    ck_assert_uint_eq(f.ended, 1);
    ck_assert_int_eq(f.end.during, OCIRC_WAITING);
    ck_assert(f.end.circ.link_ended);
    ck_assert_str_eq(f.end.circ.link.text, "no TLS");
    ck_assert(ocirc_end_blames_first_hop(&f.end));
    teardown(&f);
}
END_TEST

START_TEST(test_ocirc_times_out_while_building)
{
    struct fixture f;
    setup(&f);
    net.link = a_link;
    start(&f);
    test_env_advance_ms(f.env, 999);
    ck_assert(!net.circ.closed);
    net.circ.hops = 2; /* are done by then */
    test_env_advance_ms(f.env, 1);
    ck_assert(net.circ.closed);
    ck_assert_uint_eq(net.distrusted, 0);
    circ_gone(&net.circ, ERR_CIRC_TIMEOUT, 2);
    test_env_advance_ms(f.env, 0);
    ck_assert_uint_eq(f.ended, 1);
    ck_assert(f.end.timed_out);
    ck_assert_int_eq(f.end.during, OCIRC_BUILDING);
    teardown(&f);
}
END_TEST

START_TEST(test_ocirc_distrusts_a_link_that_never_answered)
{
    struct fixture f;
    setup(&f);
    net.link = a_link;
    start(&f);
    net.circ.hops = 0;
    test_env_advance_ms(f.env, 1000);
    ck_assert_uint_eq(net.distrusted, 1);
    circ_gone(&net.circ, ERR_CIRC_TIMEOUT, 0);
    test_env_advance_ms(f.env, 0);
    ck_assert(ocirc_end_blames_first_hop(&f.end));
    teardown(&f);
}
END_TEST

START_TEST(test_ocirc_says_that_its_first_hop_is_late)
{
    for (size_t answered = 0; answered < 2; answered++) {
        struct fixture f;
        setup(&f);
        net.link = a_link;
        start(&f);
        env_arm_ms(f.env, &f.oc->deadline, 60000);
        test_env_advance_ms(f.env, 4999);
        if (answered)
            net.circ.ops->on_hop(net.circ.arg, 1);
        test_env_advance_ms(f.env, 1);
        ck_assert_uint_eq(net.unanswered, !answered);
        teardown(&f);
    }
}
END_TEST

START_TEST(test_ocirc_ends_once_whatever_comes)
{
    struct fixture f;
    setup(&f);
    net.link = a_link;
    start(&f);
    ocirc_close(f.oc, OK, DESTROY_FINISHED);
    circ_gone(&net.circ, OK, 0);
    ocirc_close(f.oc, OK, DESTROY_FINISHED); /* harmless */
    test_env_advance_ms(f.env, 50000);
    ck_assert_uint_eq(f.ended, 1);
    teardown(&f);
}
END_TEST

START_TEST(test_ocirc_closed_while_it_waits_leaves_the_queue)
{
    struct fixture f;
    setup(&f);
    start(&f);
    ocirc_close(f.oc, OK, DESTROY_FINISHED);
    ck_assert_uint_eq(net.cancelled, 1);
    test_env_advance_ms(f.env, 0);
    ck_assert_uint_eq(f.ended, 1);
    teardown(&f);
}
END_TEST

START_TEST(test_ocirc_freed_while_it_waits_leaves_the_queue)
{
    struct fixture f;
    setup(&f);
    start(&f);
    ocirc_free(f.oc);
    f.oc = NULL;
    ck_assert_uint_eq(net.cancelled, 1);
    test_env_advance_ms(f.env, 50000);
    ck_assert_uint_eq(f.ended, 0);
    teardown(&f);
}
END_TEST

START_TEST(test_ocirc_lack_of_anything_ends_it)
{
    for (int i = 0; i < 3; i++) {
        struct fixture f;
        setup(&f);
        net.link = i ? a_link : NULL;
        net.get = i == 0 ? ERR_NOMEM : OK;
        net.no_circ = i == 1;
        net.build = i == 2 ? ERR_FULL : OK;
        start(&f);
        if (i == 2) {
            ck_assert(net.circ.closed);
            circ_gone(&net.circ, ERR_NOMEM, 0);
        }
        test_env_advance_ms(f.env, 0);
        ck_assert_uint_eq(f.ended, 1);
        ck_assert_int_ne(f.end.during, OCIRC_OPEN);
        ck_assert(!ocirc_end_blames_first_hop(&f.end)); /* ours is the lack */
        teardown(&f);
    }
}
END_TEST

START_TEST(test_ocirc_first_hop_is_blamed_for_its_own_only)
{
    static const struct {
        struct ocirc_end end;
        bool blamed;
    } rows[] = {
        {{.during = OCIRC_BUILDING, .circ = {.why = ERR_CIRC_TIMEOUT}}, true},
        {{.during = OCIRC_BUILDING, .circ = {.why = ERR_CIRC_HANDSHAKE}}, true},
        {{.during = OCIRC_BUILDING, .circ = {.why = ERR_CIRC_TIMEOUT, .hops = 1}}, false},
        {{.during = OCIRC_BUILDING, .circ = {.why = OK, .remote = true}}, false}, /* DESTROY */
        {{.during = OCIRC_BUILDING, .circ = {.why = ERR_NOMEM}}, false},
        {{.during = OCIRC_OPEN, .circ = {.why = ERR_LINK_CLOSED}}, false},
        {{.during = OCIRC_WAITING,
          .circ = {.why = ERR_LINK_CONNECT,
                   .link_ended = true,
                   .link = {.reason = OR_CONNECTREFUSED}}},
         true},
        {{.during = OCIRC_WAITING,
          .circ = {.why = ERR_LINK_IDENTITY, .link_ended = true, .link = {.reason = OR_IDENTITY}}},
         true},
        {{.during = OCIRC_WAITING, /* no file descriptor was left */
          .circ = {.why = ERR_LINK_CONNECT,
                   .link_ended = true,
                   .link = {.reason = OR_RESOURCELIMIT}}},
         false},
        {{.during = OCIRC_WAITING, /* the proxy before it failed */
          .circ = {.why = ERR_LINK_PROXY,
                   .link_ended = true,
                   .link = {.why = ERR_LINK_PROXY, .reason = OR_CONNECTREFUSED}}},
         false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        ck_assert_msg(ocirc_end_blames_first_hop(&rows[i].end) == rows[i].blamed, "row %zu", i);
}
END_TEST

START_TEST(test_ocirc_path_text_is_bounded)
{
    struct fixture f;
    char text[256], small[20];
    setup(&f);
    start(&f);
    ck_assert_uint_eq(strlen(ocirc_path_text(f.oc, text, sizeof text)), 3 * 41 + 2);
    ck_assert_uint_eq(strlen(ocirc_path_text(f.oc, small, sizeof small)), sizeof small - 1);
    teardown(&f);
}
END_TEST

START_TEST(test_ocirc_goes_on_by_further_hops)
{
    struct fixture f;
    const struct ocirc_plan more = {.n_hops = 2, .timeout_ms = 400};
    const struct ocirc_plan too_many = {.n_hops = CIRC_MAX_HOPS - 4, .timeout_ms = 400};
    setup(&f);
    net.link = a_link;
    start(&f);
    net.circ.ops->on_open(net.circ.arg);
    uint64_t open_us = f.oc->open_us;
    test_env_advance_ms(f.env, 5000);
    ck_ok(ocirc_extend(f.oc, &more));
    ck_assert_uint_eq(net.circ.hops, 5);
    ck_assert_int_eq(f.oc->state, OCIRC_BUILDING);
    net.circ.ops->on_open(net.circ.arg);
    ck_assert_uint_eq(f.opened, 2);
    ck_assert_uint_eq(f.oc->open_us, open_us);
    ck_err(ocirc_extend(f.oc, &too_many), ERR_LIMIT);
    test_env_advance_ms(f.env, 5000);
    ck_assert(!net.circ.closed);
    ck_ok(ocirc_extend(f.oc, &more));
    test_env_advance_ms(f.env, 400); /* and has a deadline again */
    ck_assert(net.circ.closed);
    circ_gone(&net.circ, ERR_CIRC_TIMEOUT, 5);
    ck_err(ocirc_extend(f.oc, &more), ERR_STATE);
    teardown(&f);
}
END_TEST

START_TEST(test_ocirc_asked_for_more_while_it_is_built)
{
    struct fixture f;
    const struct ocirc_plan more = {.n_hops = 1, .timeout_ms = 400};
    setup(&f);
    start(&f);
    ck_ok(ocirc_extend(f.oc, &more)); /* while it waits for its link */
    net.want->ready(net.want->arg, a_link);
    ck_assert_uint_eq(net.circ.hops, 4);
    ck_ok(ocirc_extend(f.oc, &more)); /* and while it is built */
    ck_assert_uint_eq(net.circ.hops, 4);
    net.circ.ops->on_open(net.circ.arg);
    ck_assert_uint_eq(f.opened, 0);
    ck_assert_uint_eq(net.circ.hops, 5);
    net.circ.ops->on_open(net.circ.arg);
    ck_assert_uint_eq(f.opened, 1);
    teardown(&f);
}
END_TEST

TESTS("client/ocirc", test_ocirc_goes_on_by_further_hops,
      test_ocirc_asked_for_more_while_it_is_built, test_ocirc_waits_for_its_link_then_builds,
      test_ocirc_begins_at_once_on_an_open_link, test_ocirc_link_that_fails_ends_it,
      test_ocirc_times_out_while_building, test_ocirc_distrusts_a_link_that_never_answered,
      test_ocirc_says_that_its_first_hop_is_late, test_ocirc_ends_once_whatever_comes,
      test_ocirc_closed_while_it_waits_leaves_the_queue,
      test_ocirc_freed_while_it_waits_leaves_the_queue, test_ocirc_lack_of_anything_ends_it,
      test_ocirc_first_hop_is_blamed_for_its_own_only, test_ocirc_path_text_is_bounded)
