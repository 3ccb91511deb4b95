#include "measure/coord_conn.h"

#include "support/coordwire.h"

static struct {
    struct env *env;
    struct coord_conn conn;
    struct coord_keys ours, coords;
    struct msg_hello say;
    struct coord_proto *coord;           /* the other end, if there is one */
    bool answers, coord_ended, is_newer; /* of another version */
    unsigned dialled, hung_up, opened, lost;
    uint64_t dialled_us[64];
    struct coord_proto_end end;
} w;

/* ---- the coordinator's end ---- */

static bool any_peer(void *arg, const struct sha256 *pin, char text[COORD_TEXT_MAX])
{
    (void)arg;
    (void)text;
    return memcmp(pin->b, w.ours.pin.b, sizeof pin->b) == 0;
}

static void coord_open(void *arg, const struct msg_hello *theirs)
{
    (void)arg;
    ck_assert_str_eq(theirs->name, "m1");
}

static void coord_msg(void *arg, const struct msg *m)
{
    (void)arg;
    (void)m;
}

static void coord_end(void *arg, const struct coord_proto_end *end)
{
    (void)arg;
    (void)end;
    w.coord_ended = true;
}

static void no_output(void *arg)
{
    (void)arg;
}

static const struct coord_proto_ops coord_ops = {any_peer,  coord_open, NULL,
                                                 coord_msg, coord_end,  no_output};

/* ---- ours ---- */

static void dial(void *arg, struct coord_proto *p, const struct ipport *to)
{
    (void)arg;
    ck_assert_uint_eq(to->port, 12934);
    w.dialled_us[w.dialled++ % 64] = w.env->mono_us;
    if (!w.answers) {
        coord_proto_gone(p, "connection refused");
        return;
    }
    const struct msg_hello say = {
        .proto = MSG_PROTO + (w.is_newer ? 1 : 0), .software = "test", .name = "c"};
    const struct coord_proto_config config = {w.coords.ctx, true, &say};
    coord_proto_free(w.coord);
    w.coord_ended = false;
    w.coord = coord_proto_new(w.env, &config, &coord_ops, NULL);
    coord_proto_begin(w.coord);
    coord_proto_begin(p);
}

static void hangup(void *arg, struct coord_proto *p)
{
    (void)arg;
    (void)p;
    w.hung_up++;
}

static void output(void *arg, struct coord_proto *p)
{
    (void)arg;
    (void)p;
}

static void on_open(void *arg, const struct msg_hello *theirs)
{
    (void)arg;
    ck_assert_str_eq(theirs->name, "c");
    w.opened++;
}

static void on_msg(void *arg, const struct msg *m)
{
    (void)arg;
    (void)m;
}

static void on_lost(void *arg, const struct coord_proto_end *end)
{
    (void)arg;
    w.lost++;
    w.end = *end;
}

static const struct coord_conn_ops ops = {dial,      hangup, output, on_open,
                                          no_output, on_msg, on_lost};

static void set_up(void)
{
    memset(&w, 0, sizeof w);
    w.env = test_env(8);
    w.env->log = NULL;
    coord_keys_make(&w.ours, false, "m1");
    coord_keys_make(&w.coords, true, "c");
    w.say = (struct msg_hello){.proto = MSG_PROTO, .software = "test", .name = "m1"};
    const struct coord_proto_config config = {w.ours.ctx, false, &w.say};
    coord_conn_init(&w.conn, w.env, &config, &ops, NULL);
    ck_ok(ipport_parse("127.0.0.1:12934", &w.conn.coord_addr));
    w.conn.coord_pin = w.coords.pin;
}

static void tear_down(void)
{
    coord_conn_end(&w.conn);
    coord_proto_free(w.coord);
    tls_ctx_free(w.ours.ctx);
    tls_ctx_free(w.coords.ctx);
    test_env_free(w.env);
}

static void pass(unsigned ms)
{
    for (unsigned i = 0; i < ms; i++) {
        test_env_advance_ms(w.env, 1);
        if (w.coord && w.conn.proto)
            coord_wire_settle(w.coord, w.conn.proto, 0);
    }
}

/* .5 s, doubled to a minute, each a fifth more or less. */
START_TEST(test_coord_conn_waits_longer_each_time)
{
    set_up();
    ensure_conn_w_coord(&w.conn);
    pass(400000);
    double want = .5;
    bool varies = false;
    for (unsigned i = 1; i < w.dialled; i++) {
        double s = (double)(w.dialled_us[i] - w.dialled_us[i - 1]) / 1e6;
        ck_assert_msg(s >= want * .8 - .01 && s <= want * 1.2 + .01, "%u: %f", i, s);
        varies |= s < want * .95 || s > want * 1.05;
        want = want * 2 < 60 ? want * 2 : 60;
    }
    ck_assert(varies);
    ck_assert_uint_ge(w.dialled, 11);
    ck_assert_uint_eq(w.lost, w.dialled);
    ck_assert_uint_eq(w.hung_up, w.dialled);
    ck_assert_str_eq(w.end.text, "connection refused");
    tear_down();
}
END_TEST

START_TEST(test_coord_conn_comes_back_and_begins_anew)
{
    set_up();
    ensure_conn_w_coord(&w.conn);
    pass(20000);
    w.answers = true;
    pass(40000);
    ck_assert_uint_eq(w.opened, 1);
    ck_assert_int_eq(w.conn.res, COORD_CONN_SUCCESS);
    unsigned before = w.dialled;
    coord_proto_gone(w.conn.proto, "reset");
    pass(700);
    ck_assert_uint_eq(w.dialled, before + 1);
    ck_assert_uint_eq(w.opened, 2);
    tear_down();
}
END_TEST

/* One attempt, and no error leaves it. */
START_TEST(test_coord_conn_try_once)
{
    set_up();
    w.answers = true;
    try_connect_to_coord(&w.conn);
    try_connect_to_coord(&w.conn);
    pass(10);
    ck_assert_uint_eq(w.dialled, 1);
    ck_assert_uint_eq(w.opened, 1);
    tear_down();
}
END_TEST

START_TEST(test_coord_conn_fatal_is_the_end)
{
    set_up();
    w.answers = true;
    w.is_newer = true;
    ensure_conn_w_coord(&w.conn);
    pass(200000);
    ck_assert_uint_eq(w.dialled, 1);
    ck_assert_uint_eq(w.lost, 1);
    ck_assert_int_eq(w.conn.res, COORD_CONN_FATAL_ERROR);
    tear_down();
}
END_TEST

/* It asks again, less and less often, and comes in once the coordinator's file has its key. */
START_TEST(test_coord_conn_unknown_key_is_asked_for_again)
{
    set_up();
    w.answers = true;
    w.ours.pin.b[0] ^= 1;
    ensure_conn_w_coord(&w.conn);
    pass(200000);
    ck_assert_uint_ge(w.dialled, 7);
    ck_assert_uint_le(w.dialled, 12);
    ck_assert_uint_eq(w.opened, 0);
    ck_assert(w.end.refused);
    ck_assert_int_eq(w.conn.res, COORD_CONN_RETRY_ERROR);
    w.ours.pin.b[0] ^= 1;
    pass(80000);
    ck_assert_uint_eq(w.opened, 1);
    tear_down();
}
END_TEST

/* Whoever answers once in its place does not end a measurer; and is not asked soon again. */
START_TEST(test_coord_conn_impostor_is_tried_again_late)
{
    set_up();
    w.answers = true;
    w.conn.coord_pin.b[0] ^= 1;
    ensure_conn_w_coord(&w.conn);
    pass(1000);
    ck_assert_uint_eq(w.lost, 1);
    ck_assert(strstr(w.end.text, "is not the coordinator: its key is sha256//"));
    ck_assert_int_eq(w.conn.res, COORD_CONN_RETRY_ERROR);
    pass(46000);
    ck_assert_uint_eq(w.dialled, 1);
    pass(30000);
    ck_assert_uint_eq(w.dialled, 2);
    tear_down();
}
END_TEST

TESTS("measure/coord_conn", test_coord_conn_waits_longer_each_time,
      test_coord_conn_comes_back_and_begins_anew, test_coord_conn_try_once,
      test_coord_conn_fatal_is_the_end, test_coord_conn_unknown_key_is_asked_for_again,
      test_coord_conn_impostor_is_tried_again_late)
