/* Streams over two circuits in memory that are joined by conflux; the test is the exit of both. */
#include "stream/carrier_conflux.h"

#include <string.h>

#include "base/rd.h"
#include "stream/flow.h"
#include "stream/stream.h"
#include "support/fakenet.h"

enum { LEGS = 2, HOPS = 3, TIMEOUT_US = 1000000 };

struct world;

struct leg {
    struct world *w;
    struct link *l;
    struct circ *c;
    struct conflux_member *m;
    unsigned ends;
    struct circ_end end;
};

struct world {
    struct env *env;
    struct leg leg[LEGS];
    struct carrier *carrier;
    struct streams *set;
    unsigned joined;
    struct stream *s;
    char got[256];
    size_t got_n;
    unsigned connected, ended, writable;
    struct stream_end end;
    bool forget; /* what came is counted only */
    bool free_in_data, close_legs_in_data;
    uint8_t ux; /* that the exit asks for */
};

/* ---- the application ---- */

static void on_connected(void *arg, const struct ip *addr, uint32_t ttl_s)
{
    (void)addr, (void)ttl_s;
    ((struct world *)arg)->connected++;
}

static void on_data(void *arg, const uint8_t *bytes, size_t len)
{
    struct world *w = arg;
    ck_assert(w->forget || w->got_n + len < sizeof w->got);
    if (!w->forget)
        memcpy(w->got + w->got_n, bytes, len);
    w->got_n += len;
    for (unsigned i = 0; i < LEGS && w->close_legs_in_data; i++)
        circ_close(w->leg[i].c, OK, DESTROY_FINISHED);
    if (!w->free_in_data)
        return;
    streams_free(w->set);
    w->set = NULL;
    w->free_in_data = false;
}

static void on_writable(void *arg)
{
    ((struct world *)arg)->writable++;
}

static void on_end(void *arg, const struct stream_end *end)
{
    struct world *w = arg;
    w->ended++;
    w->end = *end;
}

static const struct stream_ops app_ops = {
    .on_connected = on_connected, .on_data = on_data, .on_writable = on_writable, .on_end = on_end};

/* ---- the circuits' owner ---- */

static void on_circ_end(void *arg, const struct circ_end *end)
{
    struct leg *g = arg;
    g->ends++;
    g->end = *end;
}

static const struct circ_ops circ_ops = {.on_end = on_circ_end};

static void on_joined(void *arg)
{
    ((struct world *)arg)->joined++;
}

static struct world *world_new_holding(size_t most)
{
    struct world *w = calloc(1, sizeof *w);
    struct conflux_config config = {
        .ux = CONFLUX_UX_HIGH_THROUGHPUT, .held_most = most, .legs_most = 8};
    const struct circ_config circ_config = circ_config_defaults();
    ck_assert_ptr_nonnull(w);
    w->env = test_env(1);
    w->ux = CONFLUX_UX_MIN_LATENCY;
    memset(config.nonce, 'n', sizeof config.nonce);
    w->carrier = carrier_of_conflux(w->env, &config, on_joined, w);
    w->set = streams_new(w->env, w->carrier);
    ck_assert_ptr_nonnull(w->set);
    for (unsigned i = 0; i < LEGS; i++) {
        struct leg *g = &w->leg[i];
        g->w = w;
        ck_ok(conflux_member_new(w->carrier, &g->m));
        g->l = fake_new(w->env);
        g->c = circ_new(w->env, g->l, &circ_config, &circ_ops, g);
        fake_build(g->l, g->c, HOPS);
        ck_assert_int_eq(circ_state(g->c), CIRC_OPEN);
    }
    return w;
}

static struct world *world_new(void)
{
    return world_new_holding(10000);
}

static void settle(struct world *w)
{
    for (unsigned i = 0; i < 4; i++)
        env_run_timers(w->env);
}

static void world_free(struct world *w)
{
    streams_free(w->set);
    settle(w);
    for (unsigned i = 0; i < LEGS; i++) {
        circ_free(w->leg[i].c);
        fake_free(w->leg[i].l);
    }
    settle(w);
    test_env_free(w->env);
    free(w);
}

/* ---- the exit ---- */

static void exit_says(struct world *w, unsigned leg, uint8_t cmd, uint16_t id, const char *text,
                      size_t len)
{
    fake_send(w->leg[leg].l, HOPS, cmd, id, text, len);
}

static void exit_data(struct world *w, unsigned leg, const char *text)
{
    exit_says(w, leg, RELAY_DATA, stream_id(w->s), text, strlen(text));
}

static void exit_switches(struct world *w, unsigned leg, uint8_t skip)
{
    const char body[4] = {0, 0, 0, (char)skip};
    exit_says(w, leg, RELAY_CONFLUX_SWITCH, 0, body, sizeof body);
}

static void linked_body(char body[50])
{
    memset(body, 0, 50);
    body[0] = 1;
    memset(body + 1, 'n', CONFLUX_NONCE_LEN);
    body[49] = CONFLUX_UX_MIN_LATENCY;
}

static void exit_links(struct world *w, unsigned leg)
{
    char body[50];
    linked_body(body);
    body[49] = (char)w->ux;
    exit_says(w, leg, RELAY_CONFLUX_LINKED, 0, body, sizeof body);
}

static void ask(struct world *w, unsigned leg)
{
    ck_ok(conflux_member_link(w->leg[leg].m, w->leg[leg].c, TIMEOUT_US));
    fake_pump(w->leg[leg].l);
}

/* Leg 0 is the quicker one. */
static void join(struct world *w)
{
    ask(w, 0);
    ask(w, 1);
    test_env_advance_ms(w->env, 10);
    exit_links(w, 0);
    test_env_advance_ms(w->env, 10);
    exit_links(w, 1);
    for (unsigned i = 0; i < LEGS; i++)
        fake_pump(w->leg[i].l);
    ck_assert_uint_eq(w->joined, 1);
}

static struct world *world_joined(void)
{
    struct world *w = world_new();
    join(w);
    return w;
}

static struct world *world_connected(void)
{
    struct world *w = world_joined();
    const struct stream_request req = {.target = "example.com:80"};
    ck_ok(stream_open(w->set, &req, &app_ops, w, &w->s));
    fake_pump(w->leg[0].l);
    exit_says(w, 0, RELAY_CONNECTED, stream_id(w->s), "", 0);
    ck_assert_uint_eq(w->connected, 1);
    return w;
}

/* All of it has ended, each thing once. */
static void assert_over(struct world *w, err_t why)
{
    settle(w);
    for (unsigned i = 0; i < LEGS; i++) {
        ck_assert_int_eq(circ_state(w->leg[i].c), CIRC_CLOSED);
        ck_assert_uint_eq(w->leg[i].ends, 1);
    }
    if (!w->s)
        return;
    ck_assert_uint_eq(w->ended, 1);
    ck_assert(w->end.circuit_ended);
    ck_assert_msg(w->end.circ.why == why, "%s", err_name(w->end.circ.why));
}

/* Leg LEG alone has closed, for WHY. */
static void assert_leg_closed(struct world *w, unsigned leg, err_t why)
{
    settle(w);
    ck_assert_uint_eq(w->leg[leg].ends, 1);
    ck_assert_msg(w->leg[leg].end.why == why, "%s", err_name(w->leg[leg].end.why));
    ck_assert_int_eq(circ_state(w->leg[!leg].c), CIRC_OPEN);
    ck_assert_uint_eq(w->ended, 0);
}

/* ---- tests ---- */

START_TEST(test_carrier_conflux_is_open_once_all_are_linked)
{
    struct world *w = world_new();
    const struct stream_request req = {.target = "example.com:80"};
    ask(w, 0);
    const struct fake_msg *link = fake_last(w->leg[0].l, RELAY_CONFLUX_LINK);
    ck_assert_ptr_nonnull(link);
    ck_assert_uint_eq(link->hop, HOPS);
    ck_assert_uint_eq(link->data[1], 'n');
    ck_assert_uint_eq(link->data[49], CONFLUX_UX_HIGH_THROUGHPUT);
    exit_links(w, 0);
    fake_pump(w->leg[0].l);
    ck_assert_uint_eq(fake_count(w->leg[0].l, RELAY_CONFLUX_LINKED_ACK, 0), 1);
    ck_assert_uint_eq(w->joined, 0);
    ck_err(stream_open(w->set, &req, &app_ops, w, &w->s), ERR_STATE);
    ask(w, 1);
    exit_links(w, 1);
    ck_assert_uint_eq(w->joined, 1);
    ck_ok(stream_open(w->set, &req, &app_ops, w, &w->s));
    world_free(w);
}
END_TEST

START_TEST(test_carrier_conflux_hands_out_in_order)
{
    struct world *w = world_connected(); /* CONNECTED was the first */
    exit_switches(w, 1, 3);
    exit_data(w, 1, "three ");
    exit_data(w, 1, "four ");
    ck_assert_uint_eq(w->got_n, 0);
    exit_data(w, 0, "one ");
    exit_data(w, 0, "two ");
    ck_assert_str_eq(w->got, "one two three four ");
    exit_says(w, 1, RELAY_END, stream_id(w->s), "\6", 1);
    ck_assert_uint_eq(w->ended, 1);
    ck_assert(w->end.remote);
    world_free(w);
}
END_TEST

/* A quick leg that is full waits with MINRTT; the exit asked for that. */
START_TEST(test_carrier_conflux_waits_for_the_leg_it_is_to_take)
{
    struct world *w = world_connected();
    w->leg[0].l->data_room = 2;
    ck_assert_uint_eq(stream_write(w->s, (const uint8_t[4 * 498]){0}, 4 * 498), 2 * 498);
    ck_assert_uint_eq(w->writable, 0);
    fake_writable(w->leg[0].l, 9);
    ck_assert_uint_eq(w->writable, 1);
    ck_assert_uint_eq(stream_write(w->s, (const uint8_t[498]){0}, 498), 498);
    fake_pump(w->leg[0].l);
    ck_assert_uint_eq(fake_count(w->leg[0].l, RELAY_DATA, stream_id(w->s)), 3);
    ck_assert_ptr_null(fake_last(w->leg[1].l, RELAY_DATA));
    world_free(w);
}
END_TEST

/* With LOWRTT it goes over to the slower one, and says so. */
START_TEST(test_carrier_conflux_takes_the_other_leg_when_one_is_full)
{
    struct world *w = world_new();
    const struct stream_request req = {.target = "example.com:80"};
    w->ux = CONFLUX_UX_HIGH_THROUGHPUT;
    join(w);
    ck_ok(stream_open(w->set, &req, &app_ops, w, &w->s));
    w->leg[0].l->data_room = 2;
    ck_assert_uint_eq(stream_write(w->s, (const uint8_t[4 * 498]){0}, 4 * 498), 4 * 498);
    for (unsigned i = 0; i < LEGS; i++)
        fake_pump(w->leg[i].l);
    ck_assert_uint_eq(fake_count(w->leg[0].l, RELAY_DATA, stream_id(w->s)), 2);
    ck_assert_uint_eq(fake_count(w->leg[1].l, RELAY_DATA, stream_id(w->s)), 2);
    const struct fake_msg *said = fake_last(w->leg[1].l, RELAY_CONFLUX_SWITCH);
    ck_assert_ptr_nonnull(said);
    ck_assert_uint_eq(said->data[3], 3); /* BEGIN and two DATA */
    world_free(w);
}
END_TEST

START_TEST(test_carrier_conflux_ends_with_the_leg_it_sends_on)
{
    struct world *w = world_connected();
    ck_assert_uint_eq(conflux_member_rtt_us(w->leg[0].m), 10000);
    ck_assert_uint_eq(conflux_member_rtt_us(w->leg[1].m), 20000);
    ck_assert_uint_eq(stream_write(w->s, (const uint8_t *)"on 0", 4), 4);
    conflux_member_drop(w->leg[0].m); /* the one it sends on: all is over */
    ck_assert(conflux_carrier_is_over(w->carrier));
    ck_assert_int_eq(circ_state(w->leg[1].c), CIRC_CLOSED);
    circ_close(w->leg[0].c, OK, DESTROY_FINISHED);
    assert_over(w, OK);
    world_free(w);
}
END_TEST

/* TROVE-2026-008 */
START_TEST(test_carrier_conflux_carries_no_directory_stream)
{
    struct world *w = world_joined();
    const struct stream_request req = {.kind = STREAM_BEGIN_DIR};
    struct stream *s;
    ck_err(stream_open(w->set, &req, &app_ops, w, &s), ERR_ARG);
    for (unsigned i = 0; i < LEGS; i++) {
        fake_pump(w->leg[i].l);
        ck_assert_ptr_null(fake_last(w->leg[i].l, RELAY_BEGIN_DIR));
        ck_assert_int_eq(circ_state(w->leg[i].c), CIRC_OPEN);
    }
    world_free(w);
}
END_TEST

START_TEST(test_carrier_conflux_lives_on_without_an_idle_leg)
{
    struct world *w = world_connected();
    circ_close(w->leg[1].c, OK, DESTROY_FINISHED);
    settle(w);
    ck_assert_uint_eq(w->leg[1].ends, 1);
    exit_data(w, 0, "still here");
    ck_assert_str_eq(w->got, "still here");
    ck_assert_uint_eq(w->ended, 0);
    world_free(w);
}
END_TEST

/* With MINRTT DATA waits for the quickest leg; if that closes, nothing else would wake it. */
START_TEST(test_carrier_conflux_does_not_wait_for_a_leg_that_has_closed)
{
    struct world *w = world_new();
    const struct stream_request req = {.target = "example.com:80"};
    conflux_member_drop(w->leg[1].m);
    ask(w, 0);
    test_env_advance_ms(w->env, 10);
    exit_links(w, 0);
    ck_ok(stream_open(w->set, &req, &app_ops, w, &w->s));
    ck_ok(conflux_member_new(w->carrier, &w->leg[1].m));
    ask(w, 1);
    test_env_advance_ms(w->env, 1);
    exit_links(w, 1);
    ck_assert_uint_eq(w->joined, 2);
    w->leg[1].l->data_room = 0;
    ck_assert_uint_eq(stream_write(w->s, (const uint8_t[498]){0}, 498), 0);
    circ_close(w->leg[1].c, OK, DESTROY_FINISHED);
    settle(w);
    ck_assert_uint_eq(w->leg[1].ends, 1);
    ck_assert_uint_eq(w->writable, 1);
    ck_assert_uint_eq(stream_write(w->s, (const uint8_t[498]){0}, 498), 498);
    world_free(w);
}
END_TEST

/* ---- hostile exits ---- */

START_TEST(test_carrier_conflux_linked_twice_closes_that_circuit)
{
    struct world *w = world_connected();
    exit_links(w, 1);
    assert_leg_closed(w, 1, ERR_CIRC_PROTO);
    world_free(w);
}
END_TEST

/* TROVE-2026-004 */
START_TEST(test_carrier_conflux_linked_of_another_set_closes_that_circuit)
{
    struct world *w = world_new();
    char body[50];
    ask(w, 0);
    linked_body(body);
    body[CONFLUX_NONCE_LEN] ^= 1; /* the last byte */
    exit_says(w, 0, RELAY_CONFLUX_LINKED, 0, body, sizeof body);
    assert_leg_closed(w, 0, ERR_CIRC_PROTO);
    world_free(w);
}
END_TEST

START_TEST(test_carrier_conflux_linked_that_makes_no_sense_closes_that_circuit)
{
    static const struct {
        unsigned at;
        char byte;
    } rows[] = {{0, 2}, {49, 5}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct world *w = world_new();
        char body[50];
        ask(w, 0);
        linked_body(body);
        body[rows[i].at] = rows[i].byte;
        exit_says(w, 0, RELAY_CONFLUX_LINKED, 0, body, sizeof body);
        assert_leg_closed(w, 0, ERR_CIRC_PROTO);
        world_free(w);
    }
}
END_TEST

START_TEST(test_carrier_conflux_linked_after_the_timeout_closes_that_circuit)
{
    struct world *w = world_new();
    ask(w, 0);
    test_env_advance_ms(w->env, TIMEOUT_US / 1000);
    exit_links(w, 0);
    assert_leg_closed(w, 0, ERR_CIRC_TIMEOUT);
    world_free(w);
}
END_TEST

START_TEST(test_carrier_conflux_messages_of_another_hop_close_that_circuit)
{
    static const uint8_t cmds[] = {RELAY_CONFLUX_SWITCH, RELAY_CONFLUX_LINKED};
    for (size_t i = 0; i < sizeof cmds; i++) {
        struct world *w = world_connected();
        char body[50];
        linked_body(body);
        fake_send(w->leg[1].l, 2, cmds[i], 0, body, cmds[i] == RELAY_CONFLUX_SWITCH ? 4 : 50);
        assert_leg_closed(w, 1, ERR_CIRC_PROTO);
        world_free(w);
    }
}
END_TEST

START_TEST(test_carrier_conflux_flood_of_switch_closes_that_circuit)
{
    struct world *w = world_connected();
    exit_switches(w, 1, 0);
    exit_switches(w, 1, 0);
    assert_leg_closed(w, 1, ERR_CIRC_PROTO);
    world_free(w);
}
END_TEST

START_TEST(test_carrier_conflux_switch_before_linked_closes_that_circuit)
{
    struct world *w = world_new();
    ask(w, 0);
    exit_switches(w, 0, 1);
    assert_leg_closed(w, 0, ERR_CIRC_PROTO);
    world_free(w);
}
END_TEST

START_TEST(test_carrier_conflux_message_twice_ends_the_set)
{
    struct world *w = world_connected();
    exit_data(w, 1, "CONNECTED was the first already");
    ck_assert_uint_eq(w->got_n, 0);
    assert_over(w, ERR_CIRC_PROTO);
    world_free(w);
}
END_TEST

/* TROVE-2026-010 */
START_TEST(test_carrier_conflux_too_much_before_its_turn_ends_the_set)
{
    struct world *w = world_connected();
    char text[400];
    memset(text, 'x', sizeof text);
    exit_switches(w, 1, 9);
    for (unsigned i = 0; i < 100 && circ_state(w->leg[1].c) == CIRC_OPEN; i++)
        exit_says(w, 1, RELAY_DATA, stream_id(w->s), text, sizeof text);
    assert_over(w, ERR_CIRC_PROTO);
    world_free(w);
}
END_TEST

START_TEST(test_carrier_conflux_link_without_an_answer_closes_that_circuit)
{
    struct world *w = world_new();
    ask(w, 0);
    ask(w, 1);
    exit_links(w, 0);
    test_env_advance_ms(w->env, 59 * 1000);
    ck_assert_int_eq(circ_state(w->leg[1].c), CIRC_OPEN);
    test_env_advance_ms(w->env, 1000);
    ck_assert_int_eq(circ_state(w->leg[1].c), CIRC_CLOSED);
    settle(w);
    ck_assert_msg(w->leg[1].end.why == ERR_CIRC_TIMEOUT, "%s", err_name(w->leg[1].end.why));
    /* The other one has its answer, and is for its owner to use without. */
    ck_assert_int_eq(circ_state(w->leg[0].c), CIRC_OPEN);
    ck_assert_uint_eq(w->joined, 0);
    conflux_carrier_settle(w->carrier);
    ck_assert_uint_eq(w->joined, 1);
    test_env_advance_ms(w->env, 120 * 1000);
    ck_assert_int_eq(circ_state(w->leg[0].c), CIRC_OPEN);
    world_free(w);
}
END_TEST

/* What waited comes at once, and is more than may come after XOFF. */
START_TEST(test_carrier_conflux_burst_of_what_waited_is_taken)
{
    enum { MOST = 20 << 20, PIECE = 400 };
    struct world *w = world_new_holding(MOST);
    const struct stream_request req = {.target = "example.com:80"};
    char text[PIECE];
    unsigned n = STREAM_BEHIND_XOFF_MOST * 3 / 2 / PIECE;
    join(w);
    ck_ok(stream_open(w->set, &req, &app_ops, w, &w->s));
    fake_pump(w->leg[0].l);
    exit_says(w, 0, RELAY_CONNECTED, stream_id(w->s), "", 0);
    memset(text, 'x', sizeof text);
    w->forget = true;
    exit_switches(w, 1, 2);
    for (unsigned i = 0; i < n; i++) {
        exit_says(w, 1, RELAY_DATA, stream_id(w->s), text, sizeof text);
        fake_pump(w->leg[1].l); /* its SENDMEs */
    }
    ck_assert_uint_eq(w->got_n, 0);
    exit_says(w, 0, RELAY_DATA, stream_id(w->s), text, sizeof text);
    ck_assert_uint_eq(w->got_n, (n + 1) * sizeof text);
    ck_assert_int_eq(circ_state(w->leg[1].c), CIRC_OPEN);
    ck_assert_uint_eq(w->ended, 0);
    world_free(w);
}
END_TEST

/* MaxMemInQueues: what waits for its turn counts, and the oldest is given up. */
START_TEST(test_carrier_conflux_that_has_held_longest_is_shed)
{
    struct world *w = world_connected();
    char text[400];
    memset(text, 'x', sizeof text);
    queues_set_most(w->env, 1000000);
    exit_switches(w, 1, 9);
    for (unsigned i = 0; i < 10; i++)
        exit_says(w, 1, RELAY_DATA, stream_id(w->s), text, sizeof text);
    ck_assert_uint_ge(queues_held(w->env), 10 * sizeof text);
    ck_assert_int_eq(circ_state(w->leg[1].c), CIRC_OPEN);
    queues_set_most(w->env, 3000);
    test_env_advance_ms(w->env, 1);
    ck_assert_uint_eq(queues_held(w->env), 0);
    assert_over(w, ERR_LIMIT);
    ck_assert_uint_eq(w->end.circ.reason, DESTROY_RESOURCELIMIT);
    world_free(w);
}
END_TEST

/* What its streams refuse was held back, from whichever leg: none of them is to be trusted. */
START_TEST(test_carrier_conflux_breach_of_a_stream_ends_the_set)
{
    struct world *w = world_connected();
    exit_switches(w, 1, 2);
    exit_says(w, 1, RELAY_DATA, (uint16_t)(stream_id(w->s) + 9), "of no stream", 12);
    ck_assert_int_eq(circ_state(w->leg[1].c), CIRC_OPEN);
    exit_data(w, 0, "first");
    ck_assert_str_eq(w->got, "first");
    assert_over(w, ERR_CIRC_PROTO);
    world_free(w);
}
END_TEST

/* ---- what happens in between ---- */

/* TROVE-2026-017: what fails is looked at. */
START_TEST(test_carrier_conflux_message_that_cannot_go_ends_the_set)
{
    struct world *w = world_connected();
    const struct stream_request req = {.target = "example.com:81"};
    struct stream *second;
    w->leg[0].l->refuse_all = true;
    ck_assert_int_ne(stream_open(w->set, &req, &app_ops, w, &second), OK);
    assert_over(w, ERR_FULL);
    world_free(w);
}
END_TEST

/* TROVE-2026-014, -016: streams go while what is held is handed out. */
START_TEST(test_carrier_conflux_is_left_while_it_hands_out)
{
    struct world *w = world_connected();
    exit_switches(w, 1, 2);
    exit_data(w, 1, "two");
    exit_data(w, 1, "three");
    w->free_in_data = true;
    exit_data(w, 0, "one");
    ck_assert_str_eq(w->got, "one");
    settle(w);
    for (unsigned i = 0; i < LEGS; i++) /* they are their owner's to close */
        ck_assert_int_eq(circ_state(w->leg[i].c), CIRC_OPEN);
    world_free(w);
}
END_TEST

START_TEST(test_carrier_conflux_legs_close_while_it_hands_out)
{
    struct world *w = world_connected();
    exit_switches(w, 1, 2);
    exit_data(w, 1, "two");
    w->close_legs_in_data = true;
    exit_data(w, 0, "one");
    assert_over(w, OK);
    world_free(w);
}
END_TEST

/* TROVE-2026-026: an ended set takes no leg, and one that was on its way revives nothing. */
START_TEST(test_carrier_conflux_ended_set_is_not_revived)
{
    struct world *w = world_connected();
    struct conflux_member *late;
    ck_ok(conflux_member_new(w->carrier, &late));
    for (unsigned i = 0; i < LEGS; i++)
        circ_close(w->leg[i].c, OK, DESTROY_FINISHED);
    assert_over(w, OK);
    ck_assert(conflux_carrier_is_over(w->carrier));
    conflux_member_drop(late);
    ck_err(conflux_member_new(w->carrier, &late), ERR_STATE);
    world_free(w);
}
END_TEST

TESTS("stream/carrier_conflux", test_carrier_conflux_is_open_once_all_are_linked,
      test_carrier_conflux_hands_out_in_order, test_carrier_conflux_waits_for_the_leg_it_is_to_take,
      test_carrier_conflux_takes_the_other_leg_when_one_is_full,
      test_carrier_conflux_ends_with_the_leg_it_sends_on,
      test_carrier_conflux_carries_no_directory_stream,
      test_carrier_conflux_lives_on_without_an_idle_leg,
      test_carrier_conflux_does_not_wait_for_a_leg_that_has_closed,
      test_carrier_conflux_linked_twice_closes_that_circuit,
      test_carrier_conflux_linked_of_another_set_closes_that_circuit,
      test_carrier_conflux_linked_that_makes_no_sense_closes_that_circuit,
      test_carrier_conflux_linked_after_the_timeout_closes_that_circuit,
      test_carrier_conflux_messages_of_another_hop_close_that_circuit,
      test_carrier_conflux_flood_of_switch_closes_that_circuit,
      test_carrier_conflux_switch_before_linked_closes_that_circuit,
      test_carrier_conflux_message_twice_ends_the_set,
      test_carrier_conflux_too_much_before_its_turn_ends_the_set,
      test_carrier_conflux_link_without_an_answer_closes_that_circuit,
      test_carrier_conflux_burst_of_what_waited_is_taken,
      test_carrier_conflux_that_has_held_longest_is_shed,
      test_carrier_conflux_breach_of_a_stream_ends_the_set,
      test_carrier_conflux_message_that_cannot_go_ends_the_set,
      test_carrier_conflux_is_left_while_it_hands_out,
      test_carrier_conflux_legs_close_while_it_hands_out,
      test_carrier_conflux_ended_set_is_not_revived)
