/* Memory runs out while a relay of unmodified tor is measured, or asked for its descriptor: in the
 * measurement, its links and its second hop, at each of their allocations in turn, in each mode.
 * There is one end at most, with a reason that blames the relay for nothing, and nothing crashes or
 * leaks. The relay and its network have all the memory that they want: they live by a clock of
 * their own. OpenSSL's memory is not among it.
 *
 * STRIDE=N: every so-manieth allocation (1: each), behind the first ones. FROM=N: from this one on.
 */
#include "measure/stock.h"

#include "support/nomem.h"

#include "measure/echohop.h"
#include "measure/hoprelay.h"
#include "measure/onehop.h"
#include "measure/polite.h"
#include "measure/selfdesc.h"
#include "testnet/relay_certs.h"
#include "testnet/wired.h"

enum {
    STEP_MS = 25,
    LANES = 2,
    GIVE = 30 * 1000,
    EACH = 20, /* allocations, of which none is passed over */
    ROW = 10,
    PATIENCE_MS = 90 * 1000,
};

/* What is there for all runs. */
static struct {
    struct wired w; /* with the network's clock */
    bool ours_a[WIRES_MAX], ours_b[WIRES_MAX];
    struct ipport hop_at;
    struct identity hop_id;
    struct relay_certs certs;
    struct tls_ctx *hop_tls;
} n;

/* One run. */
static struct {
    struct env *env; /* of what is tested */
    struct echohop *hop;
    struct stock *stock;
    struct selfdesc *desc;
    int64_t live, before; /* allocations of what is tested */
    bool connected;
    unsigned ends;
    bool failed;
    struct meas_failure failure;
    err_t err;
    char why[SELFDESC_WHY_MAX];
} s;

/* ---- whose memory it is ---- */

static void enter(bool ours)
{
    s.before = nomem.live;
    nomem.in = ours;
}

static void leave(void)
{
    if (nomem_out())
        s.live += nomem.live - s.before;
}

/* ---- the world ---- */

static void join(struct link *a, struct link *b, bool ours_a, bool ours_b)
{
    n.ours_a[n.w.n_wires] = ours_a;
    n.ours_b[n.w.n_wires] = ours_b;
    wired_join(&n.w, a, b);
}

/* The network dials: only the way to the second hop ends with us. */
static void net_dial(void *world, struct link *l, const struct ip *from, const struct ipport *to)
{
    const struct ipport peer = {*from, 41000};
    n.ours_a[n.w.n_wires] = n.ours_b[n.w.n_wires] = false;
    if (!ipport_equal(to, &n.hop_at)) {
        wired_dial(world, l, from, to);
        return;
    }
    enter(true);
    struct link *b = s.hop ? echohop_accept(s.hop, &peer) : NULL;
    leave();
    join(l, b, false, true);
}

static void dial(void *world, struct link *l)
{
    static const uint8_t home[4] = {127, 0, 0, 1};
    const struct ipport peer = {ip_v4(home), 40000};
    (void)world;
    leave();
    struct node *node = testnet_node_at(n.w.net, &link_target(l)->reach.addr);
    join(l, node_accept(node, &peer), true, false);
    enter(true);
}

static void output(void *world, struct link *l)
{
    (void)world, (void)l;
}

static void hangup(void *world, struct link *l)
{
    (void)world;
    wired_hangup(&n.w, l);
}

static void on_connected(void *world, const struct connected_to_relay *m)
{
    (void)world, (void)m;
    s.connected = true;
}

static void on_report(void *world, const struct bw_report *r)
{
    (void)world, (void)r;
}

static void on_end(void *world, const struct meas_failure *failure)
{
    (void)world;
    s.ends++;
    s.failed = failure != NULL;
    if (failure)
        s.failure = *failure;
}

static void on_done(void *world, const struct selfdesc_answer *a)
{
    (void)world;
    s.ends++;
    s.err = a->err;
    snprintf(s.why, sizeof s.why, "%s", a->why);
}

static const struct meas_world sockets = {.dial = dial, .output = output, .hangup = hangup};
static const struct measurement_ops stock_ops = {
    .on_connected = on_connected, .on_report = on_report, .on_end = on_end};
static const struct echohop_ops hop_ops = {output, hangup};

/* ---- bytes move ---- */

static bool move(struct link *from, bool ours_from, struct link *to, bool ours_to)
{
    size_t len = 0, room = 0;
    uint8_t *to_at = NULL;
    enter(ours_from);
    const uint8_t *at = from ? link_seal(from, &len) : NULL;
    leave();
    enter(ours_to);
    if (at && to)
        to_at = link_in_room(to, &room);
    if (to_at) {
        len = len < room ? len : room;
        memcpy(to_at, at, len);
        link_in_done(to, len);
    }
    leave();
    if (!at || (to && !to_at && link_state(to) != LINK_CLOSED))
        return false;
    enter(ours_from);
    link_sent(from, len);
    leave();
    return true;
}

static bool move_wire(size_t i)
{
    struct wire *x = &n.w.wire[i];
    enter(n.ours_a[i]);
    if (x->a && link_state(x->a) == LINK_CONNECTING && x->b)
        link_tcp_open(x->a);
    else if (x->a && !x->b && link_state(x->a) != LINK_CLOSED)
        link_tcp_failed(x->a, link_state(x->a) == LINK_CONNECTING ? 111 : 0);
    leave();
    enter(n.ours_b[i]);
    if (x->b && !x->a && link_state(x->b) != LINK_CLOSED)
        link_tcp_failed(x->b, 0);
    leave();
    bool up = move(x->a, n.ours_a[i], x->b, n.ours_b[i]);
    return move(x->b, n.ours_b[i], x->a, n.ours_a[i]) || up;
}

static void play_targets(void)
{
    for (size_t i = 0; i < TARGETS_MAX; i++) {
        struct target *t = n.w.target[i];
        size_t room;
        if (t && !target_io(t)) {
            target_set_io(t, &n.w);
            target_connected(t);
        }
        uint8_t *at = t ? target_in_room(t, &room) : NULL;
        if (at) {
            memset(at, 'x', room < 500 ? room : 500);
            target_in_done(t, room < 500 ? room : 500);
        }
    }
}

static void pump(void)
{
    bool moved = true;
    while (moved) {
        uint64_t armed = n.w.env->timers.armings + s.env->timers.armings;
        moved = n.w.hung = false;
        for (size_t i = 0; i < n.w.n_wires; i++)
            moved |= move_wire(i);
        env_run_timers(n.w.env);
        enter(true);
        env_run_timers(s.env);
        leave();
        moved |= n.w.env->timers.armings + s.env->timers.armings != armed || n.w.hung;
    }
}

static void step(void)
{
    test_env_advance_ms(n.w.env, STEP_MS);
    enter(true);
    test_env_advance_ms(s.env, STEP_MS);
    leave();
    play_targets();
    pump();
}

/* ---- the network ---- */

static void set_up(void)
{
    static struct node_world world;
    world = wired_world;
    world.dial = net_dial;
    wired_start_in(&n.w, 0, &world);
    ck_ok(ipport_parse("127.77.0.1:7777", &n.hop_at));
    ck_ok(identity_make(n.w.env, &n.hop_id));
    struct sha256 cert;
    ck_ok(tls_ctx_new_server(env_wall_s(n.w.env), &n.hop_tls));
    tls_ctx_cert_sha256(n.hop_tls, &cert);
    ck_ok(relay_certs_make(&n.hop_id, &cert, env_wall_s(n.w.env), RELAY_CERTS_HONEST, &n.certs));
}

static void tear_down(void)
{
    tls_ctx_free(n.hop_tls);
    identity_wipe(&n.hop_id);
    wired_stop(&n.w);
}

static void begin(uint64_t k, uint64_t n_fail)
{
    memset(&s, 0, sizeof s);
    s.env = test_env(k);
    s.env->mono_us = n.w.env->mono_us;
    s.env->wall_us = n.w.env->wall_us;
    nomem_begin(k, n_fail);
}

/* The network forgets the links of this run. */
static void end(uint64_t k)
{
    pump();
    size_t left = 0;
    for (size_t i = 0; i < n.w.n_wires; i++) {
        const struct wire x = n.w.wire[i];
        if (!x.a && !x.b)
            continue;
        ck_assert(!(x.a && n.ours_a[i]) && !(x.b && n.ours_b[i]));
        n.ours_a[left] = n.ours_b[left] = false;
        n.w.wire[left++] = x; /* of two nodes */
    }
    n.w.n_wires = left;
    ck_assert_msg(s.live == 0, "%llu: %lld allocations are left", (unsigned long long)k,
                  (long long)s.live);
    test_env_free(s.env);
}

/* ---- measurements ---- */

static struct stock_config config_of(enum meas_mode mode)
{
    const struct circ_hop_target t = wired_hop(&n.w, PLAN_MIDDLE, 0, false);
    struct stock_config c = {.told = {.meas_id = 7,
                                      .relay = hop_relay(&t),
                                      .mode = mode,
                                      .n_circs = LANES,
                                      .alloc_bw = GIVE,
                                      .dur = 1,
                                      .check = 1},
                             .name = "m1",
                             .sockets = &sockets,
                             .tls = n.w.tls,
                             .hop = s.hop};
    c.next = (struct circ_hop_target){.rsa = n.hop_id.rsa_id,
                                      .ed = n.hop_id.ed.pub,
                                      .has_ed = true,
                                      .ntor_key = n.hop_id.ntor_pub,
                                      .v4 = n.hop_at};
    if (mode == MEAS_HTTP) {
        c.next = wired_hop(&n.w, PLAN_EXIT, 0, false);
        ck_ok(ipport_parse("127.9.9.9:8080", &c.server));
    }
    return c;
}

static bool needs_hop(enum meas_mode mode)
{
    return mode == MEAS_ECHO2 || mode == MEAS_SINK2;
}

static struct echohop *make_hop(enum meas_mode mode)
{
    const struct echohop_config config = {.tls = n.hop_tls,
                                          .certs = &n.certs.list,
                                          .keys = {.rsa = n.hop_id.rsa_id,
                                                   .ed = n.hop_id.ed.pub,
                                                   .b = n.hop_id.ntor,
                                                   .B = n.hop_id.ntor_pub},
                                          .mine = n.hop_at.ip,
                                          .circuits_most = LANES,
                                          .return_every = mode == MEAS_SINK2 ? STOCK_SINK_EVERY : 1,
                                          .life_ms = 300 * 1000};
    enter(true);
    struct echohop *hop = echohop_new(s.env, &config, &hop_ops, &s);
    leave();
    return hop;
}

/* What we lack is nobody else's fault. */
static void judge(uint64_t k)
{
    ck_assert_msg(s.ends == 1, "%llu: %u ends", (unsigned long long)k, s.ends);
    ck_assert_msg(s.failed ? nomem.failed > 0 : true, "%llu: %s", (unsigned long long)k,
                  s.failure.info);
    if (!s.failed)
        return;
    ck_assert_msg(s.failure.code == MEAS_RESOURCES && *s.failure.info, "%llu: %s: %s",
                  (unsigned long long)k, meas_code_name(s.failure.code), s.failure.info);
    ck_assert_msg(!stock_was_sent_away(s.stock), "%llu: %s", (unsigned long long)k, s.failure.info);
}

static void measure(uint64_t k, const struct stock_config *config)
{
    char why[CONSENT_WHY_MAX] = "";
    enter(true);
    err_t e = stock_new(s.env, config, &stock_ops, &s, &s.stock, why);
    leave();
    if (e != OK) {
        ck_err(e, ERR_NOMEM);
        ck_assert(*why && !s.stock);
        return;
    }
    for (unsigned ms = 0; ms < PATIENCE_MS && !s.ends; ms += STEP_MS) {
        if (s.connected) {
            s.connected = false;
            enter(true);
            err_t went = stock_go(s.stock);
            leave();
            ck_ok(went);
        }
        step();
    }
    judge(k);
}

static void measure_once(uint64_t k, uint64_t n_fail, enum meas_mode mode)
{
    begin(k, n_fail);
    s.hop = needs_hop(mode) ? make_hop(mode) : NULL;
    const struct stock_config config = config_of(mode);
    if (s.hop || !needs_hop(mode))
        measure(k, &config);
    enter(true);
    stock_free(s.stock);
    echohop_free(s.hop);
    s.hop = NULL;
    leave();
    end(k);
}

/* ---- the relay's own descriptor ---- */

static void ask_once(uint64_t k, uint64_t n_fail, enum meas_mode mode)
{
    char why[CONSENT_WHY_MAX] = "";
    const struct circ_hop_target t = wired_hop(&n.w, PLAN_MIDDLE, 0, false);
    const struct selfdesc_config config = {
        .tls = n.w.tls, .sockets = &sockets, .world = &s, .relay = {.addrs = {t.v4}, .n_addrs = 1}};
    (void)mode;
    begin(k, n_fail);
    enter(true);
    err_t e = selfdesc_new(s.env, &config, on_done, &s, &s.desc, why);
    leave();
    ck_assert(e == OK || (e == ERR_NOMEM && *why && !s.desc));
    for (unsigned ms = 0; e == OK && ms < PATIENCE_MS && !s.ends; ms += STEP_MS)
        step();
    ck_assert_msg(s.ends == (e == OK), "%llu: %u ends", (unsigned long long)k, s.ends);
    bool ours = s.err == OK || (nomem.failed && onehop_is_ours(s.err) && *s.why);
    ck_assert_msg(ours, "%llu: %s: %s", (unsigned long long)k, err_name(s.err), s.why);
    enter(true);
    selfdesc_free(s.desc);
    leave();
    end(k);
}

/* ---- sweeps ---- */

static uint64_t number(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text ? strtoull(text, NULL, 10) : otherwise;
}

typedef void once_fn(uint64_t k, uint64_t n_fail, enum meas_mode mode);

static void sweep(once_fn *once, enum meas_mode mode, uint64_t n_fail)
{
    uint64_t points = 0;
    for (uint64_t k = number("FROM", 1);;
         k += k < EACH ? 1 : number("STRIDE", test_share()), points++) {
        if (getenv("TRACE"))
            fprintf(stderr, "%llu ", (unsigned long long)k);
        once(k, n_fail, mode);
        if (!nomem.failed)
            break;
    }
    fprintf(stderr, "%llu points\n", (unsigned long long)points);
    ck_assert_uint_ge(points, EACH);
}

/* One fails, and several. */
static void sweeps(once_fn *once, enum meas_mode mode)
{
    set_up();
    sweep(once, mode, 1);
    sweep(once, mode, ROW);
    tear_down();
}

START_TEST(test_nomem_stock_echo2)
{
    sweeps(measure_once, MEAS_ECHO2);
}
END_TEST

START_TEST(test_nomem_stock_sink2)
{
    sweeps(measure_once, MEAS_SINK2);
}
END_TEST

START_TEST(test_nomem_stock_dir)
{
    sweeps(measure_once, MEAS_DIR);
}
END_TEST

START_TEST(test_nomem_stock_drop)
{
    sweeps(measure_once, MEAS_DROP);
}
END_TEST

START_TEST(test_nomem_stock_http)
{
    sweeps(measure_once, MEAS_HTTP);
}
END_TEST

START_TEST(test_nomem_stock_asked_for_its_descriptor)
{
    sweeps(ask_once, MEAS_FLASHFLOW);
}
END_TEST

TESTS("measure/nomem_stock", test_nomem_stock_echo2, test_nomem_stock_sink2, test_nomem_stock_dir,
      test_nomem_stock_drop, test_nomem_stock_http, test_nomem_stock_asked_for_its_descriptor)
