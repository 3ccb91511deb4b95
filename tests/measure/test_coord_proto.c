#include "measure/coord_proto.h"

#include <stdlib.h>

#include "support/coordwire.h"

struct side {
    struct coord_proto *proto;
    struct coord_keys keys;
    struct sha256 known; /* whose key is accepted */
    unsigned opened, ended;
    struct msg_hello theirs;
    struct coord_proto_end end;
    enum msg_type got[64];
    uint32_t ids[64];
    struct meas_failure failure; /* the last */
    size_t n;
};

static struct {
    struct env *env;
    struct side coord, measurer;
} w;

static bool on_peer(void *arg, const struct sha256 *pin, char text[COORD_TEXT_MAX])
{
    struct side *s = arg;
    strcpy(text, "a stranger");
    return memcmp(pin->b, s->known.b, sizeof pin->b) == 0;
}

static void on_open(void *arg, const struct msg_hello *theirs)
{
    struct side *s = arg;
    s->opened++;
    s->theirs = *theirs;
}

static void on_msg(void *arg, const struct msg *m)
{
    struct side *s = arg;
    s->got[s->n] = m->type;
    s->ids[s->n++] = m->meas_id;
    if (m->type == MSG_FAILURE)
        s->failure = m->failure;
}

static void on_end(void *arg, const struct coord_proto_end *end)
{
    struct side *s = arg;
    s->ended++;
    s->end = *end;
}

static void on_output(void *arg)
{
    (void)arg;
}

static const struct coord_proto_ops ops = {on_peer, on_open, NULL, on_msg, on_end, on_output};

static void side_new(struct side *s, bool is_coord, uint32_t proto)
{
    struct msg_hello say = {.proto = proto, .software = "test", .bw = is_coord ? 0 : 5};
    const struct coord_proto_config config = {s->keys.ctx, is_coord, &say};
    strcpy(say.name, is_coord ? "c" : "m1");
    s->proto = coord_proto_new(w.env, &config, &ops, s);
    ck_assert_ptr_nonnull(s->proto);
}

static void set_up(void)
{
    memset(&w, 0, sizeof w);
    w.env = test_env(5);
    w.env->log = NULL;
    coord_keys_make(&w.coord.keys, true, "c");
    coord_keys_make(&w.measurer.keys, false, "m1");
    w.coord.known = w.measurer.keys.pin;
    w.measurer.known = w.coord.keys.pin;
    side_new(&w.coord, true, MSG_PROTO);
    side_new(&w.measurer, false, MSG_PROTO);
}

static void tear_down(void)
{
    coord_proto_free(w.coord.proto);
    coord_proto_free(w.measurer.proto);
    tls_ctx_free(w.coord.keys.ctx);
    tls_ctx_free(w.measurer.keys.ctx);
    test_env_free(w.env);
}

static void settle(size_t step)
{
    coord_wire_settle(w.coord.proto, w.measurer.proto, step);
    test_env_advance_ms(w.env, 1);
}

static void begin(size_t step)
{
    coord_proto_begin(w.coord.proto);
    coord_proto_begin(w.measurer.proto);
    settle(step);
}

/* As begin(), and both are open. */
static void open_(size_t step)
{
    begin(step);
    ck_assert_uint_eq(w.coord.opened, 1);
    ck_assert_uint_eq(w.measurer.opened, 1);
}

static void say(struct side *s, const struct msg *m)
{
    coord_proto_send(s->proto, m);
}

START_TEST(test_coord_proto_hellos_are_exchanged)
{
    set_up();
    open_(0);
    ck_assert_str_eq(w.coord.theirs.name, "m1");
    ck_assert_uint_eq(w.coord.theirs.bw, 5);
    ck_assert_str_eq(w.measurer.theirs.name, "c");
    ck_assert(coord_proto_is_open(w.coord.proto));
    tear_down();
}
END_TEST

/* In single bytes, and many messages in one read: what stopped FlashFlow's measurers. */
START_TEST(test_coord_proto_messages_in_pieces_and_glued)
{
    set_up();
    for (size_t step = 0; step < 2; step++) {
        open_(step);
        for (uint32_t i = 1; i <= 20; i++)
            say(&w.coord, &(struct msg){.type = MSG_GO, .meas_id = i});
        settle(step);
        ck_assert_uint_eq(w.measurer.n, 20);
        for (uint32_t i = 0; i < 20; i++)
            ck_assert_uint_eq(w.measurer.ids[i], i + 1);
        tear_down();
        set_up();
    }
    tear_down();
}
END_TEST

/* FlashFlow could not serialise a failure. */
START_TEST(test_coord_proto_a_failure_is_carried)
{
    set_up();
    open_(0);
    coord_proto_fail(w.measurer.proto, 7, MEAS_LAUNCH_CIRCS, "%d of %d", 3, 160);
    settle(0);
    ck_assert_uint_eq(w.coord.n, 1);
    ck_assert_uint_eq(w.coord.ids[0], 7);
    ck_assert_int_eq(w.coord.failure.code, MEAS_LAUNCH_CIRCS);
    ck_assert_str_eq(w.coord.failure.info, "3 of 160");
    tear_down();
}
END_TEST

START_TEST(test_coord_proto_wrong_pin_is_a_retry_for_the_measurer)
{
    set_up();
    w.measurer.known.b[0] ^= 1;
    begin(0);
    ck_assert_uint_eq(w.measurer.opened + w.coord.opened, 0);
    ck_assert_uint_eq(w.measurer.ended, 1);
    ck_assert_int_eq(w.measurer.end.res, COORD_CONN_RETRY_ERROR);
    ck_assert(w.measurer.end.impostor);
    ck_assert_str_eq(w.measurer.end.text, "a stranger");
    ck_assert_uint_eq(w.coord.ended, 1);
    tear_down();
}
END_TEST

/* The coordinator's file may have it tomorrow. */
START_TEST(test_coord_proto_unknown_measurer_is_told_and_may_come_again)
{
    set_up();
    w.coord.known.b[0] ^= 1;
    begin(0);
    ck_assert_uint_eq(w.coord.opened + w.measurer.opened, 0);
    ck_assert_uint_eq(w.measurer.ended, 1);
    ck_assert_int_eq(w.measurer.end.res, COORD_CONN_RETRY_ERROR);
    ck_assert(w.measurer.end.refused);
    ck_assert(strstr(w.measurer.end.text, "does not know your key"));
    tear_down();
}
END_TEST

START_TEST(test_coord_proto_no_version_in_common_is_fatal)
{
    set_up();
    coord_proto_free(w.coord.proto);
    side_new(&w.coord, true, 2);
    begin(0);
    ck_assert_uint_eq(w.measurer.opened, 0);
    ck_assert_int_eq(w.measurer.end.res, COORD_CONN_FATAL_ERROR);
    tear_down();
}
END_TEST

/* Each message by each side: what it may not send ends the connection, and nothing else does. */
START_TEST(test_coord_proto_who_may_send_what)
{
    set_up();
    for (int i = 0; i < 2 * MSG_TYPES; i++) {
        struct side *from = i % 2 ? &w.coord : &w.measurer, *to = i % 2 ? &w.measurer : &w.coord;
        enum msg_type type = (enum msg_type)(i / 2);
        struct msg m = {.type = type, .meas_id = 3};
        bool may = type != MSG_HELLO && (i % 2 ? msg_is_coords(type) : msg_is_measurers(type));
        open_(0);
        if (type == MSG_CONNECT_TO_RELAY) {
            m.connect = (struct connect_to_relay){.n_circs = 1, .dur = 1};
            m.connect.relay.n_addrs = 1;
            ck_ok(ipport_parse("127.0.0.1:1", &m.connect.relay.addrs[0]));
        } else if (type == MSG_BW_REPORT) {
            m.report.sec = 1;
        } else if (type == MSG_HELLO) {
            m.hello = (struct msg_hello){1, "x", "x", 0, 0, 0, {{0}}};
        }
        say(from, &m);
        settle(0);
        ck_assert_msg(to->ended == !may, "%s by the %s: %s", msg_name(type),
                      i % 2 ? "coordinator" : "measurer", to->end.text);
        tear_down();
        set_up();
    }
    tear_down();
}
END_TEST

/* Sends BYTES in TLS, as no coord_proto would: through a session of our own. */
static void raw_peer(const void *bytes, size_t len, err_t *end_of_reading)
{
    struct tls *t = tls_new(w.measurer.keys.ctx, w.env);
    size_t n, room, got;
    const uint8_t *at;
    uint8_t sink[4096];
    bool sent = false;
    coord_proto_begin(w.coord.proto);
    *end_of_reading = ERR_MORE;
    for (int turn = 0; turn < 10; turn++) {
        if (tls_handshake(t) == OK && !sent) {
            ck_ok(tls_write(t, bytes, len));
            sent = true;
        }
        if ((at = tls_out(t, &n)) && n) {
            uint8_t *in = coord_proto_in_room(w.coord.proto, &room);
            if (in) {
                n = n < room ? n : room;
                memcpy(in, at, n);
                coord_proto_in_done(w.coord.proto, n);
            }
            tls_out_sent(t, n);
        }
        if ((at = coord_proto_out(w.coord.proto, &n))) {
            memcpy(tls_in_room(t, &room), at, n);
            tls_in_done(t, n);
            coord_proto_sent(w.coord.proto, n);
        }
        while (sent && (*end_of_reading = tls_read(t, sink, sizeof sink, &got)) == OK)
            ;
    }
    test_env_advance_ms(w.env, 1);
    tls_free(t);
}

#define HELLO "\0\0\0\x38{\"msg_type\":\"hello\",\"proto\":1,\"software\":\"x\",\"name\":\"m\"}"
/* What comes behind HELLO, and whether the connection ends of it. */
static void after_hello(const char *bytes, size_t len, const char *why)
{
    char all[512];
    err_t e;
    memcpy(all, HELLO, sizeof HELLO - 1);
    memcpy(all + sizeof HELLO - 1, bytes, len);
    raw_peer(all, sizeof HELLO - 1 + len, &e);
    ck_assert_uint_eq(w.coord.opened, 1);
    if (why)
        ck_assert_msg(w.coord.ended == 1 && strstr(w.coord.end.text, why), "%s", w.coord.end.text);
    else
        ck_assert_msg(!w.coord.ended, "%s", w.coord.end.text);
    tear_down();
    set_up();
}
#define AFTER_HELLO(literal, why) after_hello(literal, sizeof(literal) - 1, why)

START_TEST(test_coord_proto_bad_input_closes_no_more_than_it_must)
{
    set_up();
    ck_assert_uint_eq(sizeof HELLO - 1, 4 + 0x38);
    AFTER_HELLO("\0\1\0\1", "longer than 65536");
    AFTER_HELLO("\0\0\0\2xx", "no JSON");
    AFTER_HELLO("\0\0\0\2{}", "msg_type");
    AFTER_HELLO("\0\0\0\x15{\"msg_type\":\"unknown\"", "no JSON");
    AFTER_HELLO("\0\0\0\x16{\"msg_type\":\"unknown\"}", NULL);
    AFTER_HELLO("\0\0\0\x25{\"msg_type\":\"bw_report\",\"meas_id\":77}", NULL);
    AFTER_HELLO("\0\0\0", NULL);
    tear_down();
}
END_TEST

START_TEST(test_coord_proto_first_comes_hello)
{
    set_up();
    err_t e;
    raw_peer("\0\0\0\x13{\"msg_type\":\"ping\"}", 4 + 0x13, &e);
    ck_assert_uint_eq(w.coord.opened, 0);
    ck_assert_uint_eq(w.coord.ended, 1);
    ck_assert(strstr(w.coord.end.text, "ping is not to be sent now"));
    tear_down();
}
END_TEST

START_TEST(test_coord_proto_garbage_instead_of_tls)
{
    set_up();
    size_t room;
    coord_proto_begin(w.coord.proto);
    memcpy(coord_proto_in_room(w.coord.proto, &room), "measure me, please\r\n\r\n", 22);
    coord_proto_in_done(w.coord.proto, 22);
    test_env_advance_ms(w.env, 1);
    ck_assert_uint_eq(w.coord.ended, 1);
    ck_assert_int_eq(w.coord.end.res, COORD_CONN_RETRY_ERROR);
    ck_assert(!coord_proto_in_room(w.coord.proto, &room));
    tear_down();
}
END_TEST

START_TEST(test_coord_proto_a_silent_peer_is_given_up)
{
    set_up();
    coord_proto_begin(w.coord.proto);
    test_env_advance_ms(w.env, COORD_HANDSHAKE_S * 1000 - 1);
    ck_assert_uint_eq(w.coord.ended, 0);
    test_env_advance_ms(w.env, 2);
    ck_assert_uint_eq(w.coord.ended, 1);
    ck_assert(strstr(w.coord.end.text, "no greeting"));
    tear_down();
}
END_TEST

START_TEST(test_coord_proto_pings_keep_it_and_silence_ends_it)
{
    set_up();
    open_(0);
    for (int i = 0; i < 120; i++) {
        test_env_advance_ms(w.env, 1000);
        settle(0);
    }
    ck_assert_uint_eq(w.coord.ended + w.measurer.ended, 0);
    ck_assert_uint_eq(w.coord.n + w.measurer.n, 0);
    test_env_advance_ms(w.env, (COORD_SILENCE_S + 1) * 1000);
    ck_assert_uint_eq(w.coord.ended, 1);
    ck_assert(strstr(w.coord.end.text, "nothing was heard"));
    tear_down();
}
END_TEST

START_TEST(test_coord_proto_busy_is_heard_each_second)
{
    set_up();
    open_(0);
    coord_proto_set_busy(w.coord.proto, true);
    uint64_t before = coord_proto_heard_us(w.measurer.proto);
    test_env_advance_ms(w.env, 1100);
    settle(0);
    ck_assert_uint_gt(coord_proto_heard_us(w.measurer.proto), before);
    tear_down();
}
END_TEST

START_TEST(test_coord_proto_end_is_told_once_and_later)
{
    set_up();
    open_(0);
    coord_proto_gone(w.coord.proto, "reset");
    coord_proto_gone(w.coord.proto, "again");
    ck_assert_uint_eq(w.coord.ended, 0);
    test_env_advance_ms(w.env, 1);
    ck_assert_uint_eq(w.coord.ended, 1);
    ck_assert_str_eq(w.coord.end.text, "reset");
    ck_assert(w.coord.end.opened);
    test_env_advance_ms(w.env, 100000);
    ck_assert_uint_eq(w.coord.ended, 1);
    tear_down();
}
END_TEST

TESTS("measure/coord_proto", test_coord_proto_hellos_are_exchanged,
      test_coord_proto_messages_in_pieces_and_glued, test_coord_proto_a_failure_is_carried,
      test_coord_proto_wrong_pin_is_a_retry_for_the_measurer,
      test_coord_proto_unknown_measurer_is_told_and_may_come_again,
      test_coord_proto_no_version_in_common_is_fatal, test_coord_proto_who_may_send_what,
      test_coord_proto_bad_input_closes_no_more_than_it_must, test_coord_proto_first_comes_hello,
      test_coord_proto_garbage_instead_of_tls, test_coord_proto_a_silent_peer_is_given_up,
      test_coord_proto_pings_keep_it_and_silence_ends_it,
      test_coord_proto_busy_is_heard_each_second, test_coord_proto_end_is_told_once_and_later)
