/* Memory runs out in a run with all of its machines (run, relay_talk, measurement, echo, links), at
 * each of their allocations in turn, whatever the relay does: there is one end, with a reason that
 * blames nobody for a lie; nothing crashes or leaks, and no link is left.
 *
 * STRIDE=N: every so-manieth allocation (1: each). FROM=N: from this one on. */
#include "measure/local.h"

#include "support/nomem.h"

#include "measworld.h"

enum { DUR = 3, RATE = 60000, SOCKETS = 4 };

static struct {
    struct mw_world w;
    struct local *l;
    unsigned ends;
    struct run_result result;
} c;

static void memory(bool of_machines)
{
    nomem.in = of_machines;
}

static void on_second(void *arg, const struct run_second *s)
{
    (void)arg;
    bool was = nomem_out();
    const struct meas_cell bg = {.cmd = MEAS_BG, .bg = {(uint16_t)s->sec, 0, 0}};
    if (c.w.wire[0].circ.link)
        mw_say(&c.w.wire[0], &bg);
    nomem.in = was;
}

static void on_end(void *arg, const struct run_result *result)
{
    (void)arg;
    c.ends++;
    c.result = *result;
}

static const struct local_ops ops = {NULL, on_second, on_end};

static struct local_config config_of(void)
{
    struct local_config config = {
        .run = {.meas_id = 9,
                .relay = mw_relay(&c.w),
                .echo = MEAS_ECHO_RAW,
                .dur = DUR,
                .percent = 25,
                .prior = RATE,
                .sockets = SOCKETS,
                .check = 1,
                .n_members = 1},
        .link = {.tls = c.w.client_tls},
        .ops_world = &mw_ops,
        .world = &c.w,
    };
    struct run_member *m = &config.run.members[0];
    snprintf(m->name, sizeof m->name, "local");
    m->free_bw = 10000000;
    m->sockets_free = SOCKETS;
    return config;
}

static void run(void)
{
    const struct local_config config = config_of();
    nomem_in();
    err_t e = local_new(c.w.env, &config, &ops, &c, &c.l);
    if (e != OK) {
        (void)nomem_out();
        ck_err(e, ERR_NOMEM);
        c.l = NULL;
        return;
    }
    for (unsigned i = 0; !c.ends && i < 80; i++)
        test_env_advance_ms(c.w.env, 1000);
    (void)nomem_out();
    ck_assert_msg(c.ends == 1, "%u ends", c.ends);
}

static void judge(uint64_t k, bool cheats)
{
    const struct run_result *r = &c.result;
    if (!c.l)
        return;
    const char *why = run_why(r);
    ck_assert_msg(r->state != RUN_FAILED || *r->failure.info, "%llu: no reason",
                  (unsigned long long)k);
    ck_assert_msg(cheats || !why || strcmp(why, "cheat") != 0, "%llu: %s", (unsigned long long)k,
                  r->failure.info);
    /* A link that could not be made may have been the relay's fault, for all that can be said. */
    bool blamed = r->failure.code == MEAS_MALFORMED_TOR_RESP ||
                  (r->failure.code == MEAS_RELAY_LOST && r->circs);
    ck_assert_msg(c.w.answer != MW_GRANTS || cheats || !why || !blamed, "%llu: %s",
                  (unsigned long long)k, r->failure.info);
    ck_assert_msg(!cheats || why, "%llu: a cheat was measured", (unsigned long long)k);
    for (size_t i = 0; i < c.w.n_wires; i++)
        ck_assert_msg(!c.w.wire[i].client, "%llu: a link is left", (unsigned long long)k);
}

static void once(uint64_t k, enum mw_answer answer, bool cheats)
{
    mw_memory = NULL;
    nomem_begin(k, 1);
    memset(&c, 0, sizeof c);
    mw_new(&c.w, 7, RATE);
    int64_t before = nomem.live;
    c.w.answer = answer;
    c.w.refusal = MEAS_ERR_BUSY;
    c.w.cheat = cheats ? MW_FLIP : MW_HONEST;
    mw_memory = memory;
    run();
    mw_memory = NULL;
    judge(k, cheats);
    local_free(c.l);
    for (size_t i = 0; i < c.w.n_wires; i++) { /* the relay's are not counted */
        struct mw_wire *x = &c.w.wire[i];
        if (x->circ.link)
            link_circ_close(&x->circ, false, 0);
        link_free(x->server);
        x->server = NULL;
        layer_free(x->layer);
        x->layer = NULL;
        mw_pipe_free(&x->up);
        mw_pipe_free(&x->down);
        buf_free(&x->waiting);
    }
    ck_assert_msg(nomem.live == before, "%llu: %lld allocations are left", (unsigned long long)k,
                  (long long)(nomem.live - before));
    mw_free(&c.w);
}

static uint64_t number(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text ? strtoull(text, NULL, 10) : otherwise;
}

static void sweep(enum mw_answer answer, bool cheats, uint64_t stride)
{
    uint64_t points = 0;
    for (uint64_t k = number("FROM", 1);; k += stride, points++) {
        if (getenv("TRACE"))
            fprintf(stderr, "%llu ", (unsigned long long)k);
        once(k, answer, cheats);
        if (!nomem.failed)
            break;
    }
    fprintf(stderr, "%llu points\n", (unsigned long long)points);
    ck_assert_uint_gt(points, 2);
}

START_TEST(test_nomem_run_that_is_good)
{
    sweep(MW_GRANTS, false, number("STRIDE", test_share()));
}
END_TEST

START_TEST(test_nomem_run_of_a_cheat)
{
    sweep(MW_GRANTS, true, number("STRIDE", test_share()));
}
END_TEST

START_TEST(test_nomem_run_that_is_refused)
{
    sweep(MW_REFUSES, false, number("STRIDE", test_share()));
    sweep(MW_DESTROYS, false, number("STRIDE", test_share()));
    sweep(MW_GARBLES, false, number("STRIDE", test_share()));
}
END_TEST

TESTS("measure/nomem_run", test_nomem_run_that_is_good, test_nomem_run_of_a_cheat,
      test_nomem_run_that_is_refused)
