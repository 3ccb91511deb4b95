/* Conflux at an exit of the test network: circuits of ours are joined there, and what they carry
 * is one. The test is the client, and says all by hand. */
#include "testnet/wired.h"

#include <stdlib.h>

#include "cell/relay_conflux.h"

enum { LEGS = 9, LEGS_MOST = 8, ID = 7 };

struct leg {
    struct circ *circ;
    bool open, over;
    struct circ_end end;
    uint8_t cmd; /* of the last message without a stream id */
    unsigned linked;
    struct relay_conflux_link said;
    unsigned switches, messages; /* of streams */
    struct relay_conflux_switch last;
    char trace[256]; /* messages of streams: "CONNECTED DATA:abc END" */
};

struct world {
    struct wired w;
    struct leg leg[LEGS];
};

static void on_open(void *arg)
{
    ((struct leg *)arg)->open = true;
}

static void on_end(void *arg, const struct circ_end *end)
{
    struct leg *g = arg;
    g->over = true;
    g->end = *end;
}

static const struct circ_ops ops = {.on_open = on_open, .on_end = on_end};

static err_t on_control(void *arg, unsigned hop, const struct relay_msg *m)
{
    struct leg *g = arg;
    ck_assert_uint_eq(hop, 3);
    g->cmd = m->cmd;
    if (m->cmd == RELAY_CONFLUX_SWITCH) {
        g->switches++;
        return relay_conflux_switch_decode(rd_over(m->data, m->len), &g->last);
    }
    if (m->cmd != RELAY_CONFLUX_LINKED)
        return OK;
    g->linked++;
    return relay_conflux_link_decode(rd_over(m->data, m->len), &g->said);
}

static void note(struct leg *g, const char *what, const uint8_t *data, size_t len)
{
    size_t at = strlen(g->trace);
    snprintf(g->trace + at, sizeof g->trace - at, "%s%s%.*s", at ? " " : "", what, (int)len,
             (const char *)data);
}

static err_t on_msg(void *arg, unsigned hop, const struct relay_msg *m)
{
    (void)hop;
    ((struct leg *)arg)->messages++;
    if (m->cmd == RELAY_DATA)
        note(arg, "DATA:", m->data, m->len < 20 ? m->len : 20);
    else
        note(arg, relay_cmd_name(m->cmd), (const uint8_t *)"", 0);
    return OK;
}

static const struct circ_user_ops user_ops = {.on_msg = on_msg};

static void build(struct world *x, unsigned i, bool cc)
{
    struct circ_hop_target path[] = {wired_hop(&x->w, PLAN_GUARD, 0, true),
                                     wired_hop(&x->w, PLAN_MIDDLE, 0, true),
                                     wired_hop(&x->w, PLAN_EXIT, 0, true)};
    const struct circ_config config = circ_config_defaults();
    struct leg *g = &x->leg[i];
    path[2].ask = (struct hop_ask){.cc = cc, .cgo = cc};
    g->circ = circ_new(x->w.env, x->w.link, &config, &ops, g);
    ck_assert_ptr_nonnull(g->circ);
    circ_set_user(g->circ, &user_ops, g);
    circ_set_control(g->circ, on_control, g);
    ck_ok(circ_build(g->circ, path, 3));
    wired_pump(&x->w);
    ck_assert(g->open);
}

static struct world *world_new(unsigned legs)
{
    struct world *x = calloc(1, sizeof *x);
    ck_assert_ptr_nonnull(x);
    wired_start(&x->w);
    wired_connect(&x->w);
    for (unsigned i = 0; i < legs; i++)
        build(x, i, true);
    return x;
}

static void world_free(struct world *x)
{
    for (unsigned i = 0; i < LEGS; i++)
        circ_free(x->leg[i].circ);
    wired_stop(&x->w);
    free(x);
}

static void say(struct world *x, unsigned leg, uint8_t cmd, uint16_t id, const void *data,
                size_t len)
{
    ck_ok(circ_send(x->leg[leg].circ, 3, cmd, id, data, len));
    wired_pump(&x->w);
}

static void say_link(struct world *x, unsigned leg, const struct relay_conflux_link *m)
{
    uint8_t body[RELAY_DATA_MAX];
    struct wr w = wr_over(body, sizeof body);
    ck_ok(relay_conflux_link_encode(&w, m));
    say(x, leg, RELAY_CONFLUX_LINK, 0, body, w.len);
}

static struct relay_conflux_link link_of(uint8_t nonce)
{
    struct relay_conflux_link m = {.desired_ux = CONFLUX_UX_HIGH_THROUGHPUT};
    memset(m.nonce, nonce, sizeof m.nonce);
    return m;
}

/* The last one is the quickest. */
static void join(struct world *x, unsigned legs)
{
    const struct relay_conflux_link m = link_of('n');
    for (unsigned i = 0; i < legs; i++) {
        say_link(x, i, &m);
        ck_assert_uint_eq(x->leg[i].linked, 1);
        test_env_advance_ms(x->w.env, 10 * (legs - i));
        say(x, i, RELAY_CONFLUX_LINKED_ACK, 0, NULL, 0);
    }
}

static void begin(struct world *x, unsigned leg)
{
    const struct relay_begin m = {text_of("there.example"), 8080, 0};
    uint8_t data[RELAY_DATA_MAX];
    struct wr w = wr_over(data, sizeof data);
    ck_ok(relay_begin_encode(&w, &m));
    say(x, leg, RELAY_BEGIN, ID, data, w.len);
}

static void say_switch(struct world *x, unsigned leg, uint32_t seqno)
{
    const struct relay_conflux_switch m = {seqno};
    uint8_t data[RELAY_DATA_MAX];
    struct wr w = wr_over(data, sizeof data);
    ck_ok(relay_conflux_switch_encode(&w, &m));
    say(x, leg, RELAY_CONFLUX_SWITCH, 0, data, w.len);
}

/* Relays on the way do not pass on why. */
static void assert_over(const struct world *x, unsigned leg)
{
    ck_assert(x->leg[leg].over);
    ck_assert(x->leg[leg].end.remote);
}

static struct node *exit_of(const struct world *x)
{
    return wired_node(&x->w, PLAN_EXIT, 0);
}

/* What the target has been told; all of it is taken. */
static void assert_target_got(struct world *x, const char *want)
{
    size_t len = 0;
    const uint8_t *at;
    char got[256] = "";
    ck_assert_ptr_nonnull(x->w.target[0]);
    while ((at = target_out(x->w.target[0], &len)) && len) {
        strncat(got, (const char *)at, len);
        target_sent(x->w.target[0], len);
    }
    ck_assert_str_eq(got, want);
}

/* ---- linking ---- */

START_TEST(test_rset_answers_a_link)
{
    struct world *x = world_new(2);
    join(x, 2);
    for (unsigned i = 0; i < 2; i++) {
        const struct relay_conflux_link want = link_of('n');
        ck_assert_mem_eq(x->leg[i].said.nonce, want.nonce, sizeof want.nonce);
        ck_assert_uint_eq(x->leg[i].said.desired_ux, CONFLUX_UX_MIN_LATENCY);
        ck_assert(!x->leg[i].over);
    }
    ck_assert_uint_eq(node_counts(exit_of(x)).conflux_links, 2);
    world_free(x);
}
END_TEST

START_TEST(test_rset_link_without_congestion_control_ends_the_circuit)
{
    struct world *x = world_new(0);
    const struct relay_conflux_link m = link_of('n');
    build(x, 0, false);
    say_link(x, 0, &m);
    assert_over(x, 0);
    world_free(x);
}
END_TEST

START_TEST(test_rset_link_twice_ends_the_circuit)
{
    struct world *x = world_new(2);
    const struct relay_conflux_link m = link_of('n');
    join(x, 2);
    say_link(x, 1, &m);
    assert_over(x, 1);
    ck_assert(!x->leg[0].over);
    world_free(x);
}
END_TEST

/* TROVE-2026-025 */
START_TEST(test_rset_link_on_a_circuit_with_streams_ends_it)
{
    struct world *x = world_new(1);
    const struct relay_conflux_link m = link_of('n');
    begin(x, 0);
    ck_assert_str_eq(x->leg[0].trace, "CONNECTED");
    say_link(x, 0, &m);
    assert_over(x, 0);
    world_free(x);
}
END_TEST

START_TEST(test_rset_link_that_cannot_be_read_ends_the_circuit)
{
    struct world *x = world_new(1);
    static const uint8_t zeros[50];
    say(x, 0, RELAY_CONFLUX_LINK, 0, zeros, sizeof zeros);
    assert_over(x, 0);
    world_free(x);
}
END_TEST

START_TEST(test_rset_messages_of_sets_on_other_circuits_end_them)
{
    struct world *x = world_new(2);
    say(x, 0, RELAY_CONFLUX_LINKED_ACK, 0, NULL, 0);
    say_switch(x, 1, 0);
    assert_over(x, 0);
    assert_over(x, 1);
    world_free(x);
}
END_TEST

START_TEST(test_rset_acknowledged_twice_ends_the_circuit)
{
    struct world *x = world_new(2);
    join(x, 2);
    say(x, 1, RELAY_CONFLUX_LINKED_ACK, 0, NULL, 0);
    assert_over(x, 1);
    ck_assert(!x->leg[0].over);
    world_free(x);
}
END_TEST

START_TEST(test_rset_takes_no_more_legs_than_it_may)
{
    struct world *x = world_new(LEGS);
    const struct relay_conflux_link m = link_of('n');
    join(x, LEGS_MOST);
    say_link(x, LEGS_MOST, &m);
    assert_over(x, LEGS_MOST);
    for (unsigned i = 0; i < LEGS_MOST; i++)
        ck_assert(!x->leg[i].over);
    world_free(x);
}
END_TEST

/* A leg that the client adds with numbers that cannot be: the set is over, and all its circuits. */
START_TEST(test_rset_link_that_would_lose_messages_ends_the_set)
{
    struct world *x = world_new(2);
    struct relay_conflux_link m = link_of('n');
    join(x, 1);
    m.last_seqno_sent = 5;
    say_link(x, 1, &m);
    assert_over(x, 0);
    assert_over(x, 1);
    world_free(x);
}
END_TEST

START_TEST(test_rset_another_nonce_is_another_set)
{
    struct world *x = world_new(2);
    const struct relay_conflux_link other = link_of('m');
    join(x, 1);
    begin(x, 0);
    say_link(x, 1, &other);
    say(x, 1, RELAY_CONFLUX_LINKED_ACK, 0, NULL, 0);
    say(x, 1, RELAY_DATA, ID, "strange", 7); /* of no stream of that set */
    assert_target_got(x, "");
    ck_assert(!x->leg[0].over);
    world_free(x);
}
END_TEST

/* ---- what they carry ---- */

START_TEST(test_rset_puts_what_comes_in_order)
{
    struct world *x = world_new(2);
    join(x, 2);
    begin(x, 0);
    say_switch(x, 1, 2);
    say(x, 1, RELAY_DATA, ID, "two ", 4);
    say(x, 1, RELAY_DATA, ID, "three ", 6);
    assert_target_got(x, "");
    say(x, 0, RELAY_DATA, ID, "one ", 4);
    assert_target_got(x, "one two three ");
    world_free(x);
}
END_TEST

START_TEST(test_rset_message_twice_ends_the_circuit)
{
    struct world *x = world_new(2);
    join(x, 2);
    begin(x, 0);
    say(x, 1, RELAY_DATA, ID, "BEGIN was the first", 19);
    assert_over(x, 1);
    assert_over(x, 0);
    world_free(x);
}
END_TEST

/* As much as goes while no answer comes. */
static void say_without_end(struct target *t)
{
    size_t room;
    uint8_t *in;
    while ((in = target_in_room(t, &room)) && room) {
        memset(in, 'x', room);
        target_in_done(t, room);
    }
}

/* It says so when it goes over to another leg, whose messages begin where the other's ended. */
START_TEST(test_rset_goes_over_to_the_other_leg_when_one_is_full)
{
    struct world *x = world_new(2);
    join(x, 2);
    begin(x, 0);
    say_without_end(x->w.target[0]);
    wired_pump(&x->w);
    ck_assert_uint_eq(x->leg[0].switches + x->leg[1].switches, 1);
    unsigned second = x->leg[1].switches ? 1 : 0;
    ck_assert_uint_gt(x->leg[second].messages, 0);
    ck_assert_uint_eq(x->leg[second].last.seqno, x->leg[!second].messages);
    ck_assert_uint_eq(node_counts(exit_of(x)).conflux_switches, 1);
    world_free(x);
}
END_TEST

/* ---- the end ---- */

/* Streams are those of the first circuit, and move on when it goes. */
START_TEST(test_rset_streams_outlive_the_circuit_that_they_came_on)
{
    struct world *x = world_new(3);
    join(x, 3);
    begin(x, 0);
    ck_assert_str_eq(x->leg[2].trace, "CONNECTED");
    say_switch(x, 1, 1);
    say(x, 1, RELAY_DATA, ID, "one ", 4);
    circ_free(x->leg[0].circ);
    x->leg[0].circ = NULL;
    wired_pump(&x->w);
    ck_assert(!x->leg[1].over);
    say(x, 1, RELAY_DATA, ID, "two", 3);
    assert_target_got(x, "one two");
    ck_assert_uint_eq(x->w.hung_up, 0);
    world_free(x);
}
END_TEST

START_TEST(test_rset_ends_with_the_leg_that_it_sent_on)
{
    struct world *x = world_new(2);
    join(x, 2);
    begin(x, 0);
    ck_assert_str_eq(x->leg[1].trace, "CONNECTED");
    circ_free(x->leg[1].circ);
    x->leg[1].circ = NULL;
    wired_pump(&x->w);
    assert_over(x, 0);
    ck_assert_uint_eq(x->w.hung_up, 1);
    world_free(x);
}
END_TEST

TESTS("testnet/rset", test_rset_answers_a_link,
      test_rset_link_without_congestion_control_ends_the_circuit,
      test_rset_link_twice_ends_the_circuit, test_rset_link_on_a_circuit_with_streams_ends_it,
      test_rset_link_that_cannot_be_read_ends_the_circuit,
      test_rset_messages_of_sets_on_other_circuits_end_them,
      test_rset_acknowledged_twice_ends_the_circuit, test_rset_takes_no_more_legs_than_it_may,
      test_rset_link_that_would_lose_messages_ends_the_set, test_rset_another_nonce_is_another_set,
      test_rset_puts_what_comes_in_order, test_rset_message_twice_ends_the_circuit,
      test_rset_goes_over_to_the_other_leg_when_one_is_full,
      test_rset_streams_outlive_the_circuit_that_they_came_on,
      test_rset_ends_with_the_leg_that_it_sent_on)
