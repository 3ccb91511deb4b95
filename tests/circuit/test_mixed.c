/* A circuit whose hops agree on different terms: hop 1 came by a handshake and is plain, hop 2 has
 * a layer and a flow of other kinds, hop 3 the layer of onion services; the two behind hop 1, where
 * circuits are joined, no EXTEND made. */
#include <string.h>

#include "circuit/circ.h"
#include "circuit/otherkinds.h"
#include "circuit/vegas.h"
#include "support/fakenet.h"

enum { HOPS = 3 };

struct mixed {
    struct env *env;
    struct link *l;
    struct circ *c;
    unsigned on_msg, on_writable, on_end, on_steady;
    struct fake_msg last;
    unsigned last_hop;
    err_t why;
};

static void on_end(void *arg, const struct circ_end *end)
{
    struct mixed *w = arg;
    w->on_end++;
    w->why = end->why;
}

static void on_steady(void *arg)
{
    ((struct mixed *)arg)->on_steady++;
}

static const struct circ_ops ops = {.on_end = on_end, .on_steady = on_steady};

static err_t on_msg(void *arg, unsigned hop, const struct relay_msg *msg)
{
    struct mixed *w = arg;
    w->on_msg++;
    w->last_hop = hop;
    w->last = (struct fake_msg){.cmd = msg->cmd, .stream_id = msg->stream_id, .len = msg->len};
    memcpy(w->last.data, msg->data, msg->len);
    return OK;
}

static void on_writable(void *arg)
{
    ((struct mixed *)arg)->on_writable++;
}

static const struct circ_user_ops user_ops = {.on_msg = on_msg, .on_writable = on_writable};

/* One more hop at both ends. */
static void add(struct mixed *w, const struct hop_terms *terms)
{
    uint8_t keys[LAYER_KEYS_MAX];
    env_random(w->env, keys, sizeof keys);
    ck_ok(circ_add_hop(w->c, terms, keys, LAYER_CLIENT));
    struct fake_relay *r = &w->l->relay[w->l->hops++];
    r->layer = terms->layer->make(keys, LAYER_RELAY);
    r->inc = terms->sendme_inc;
    ck_assert_ptr_nonnull(r->layer);
}

static struct mixed *mixed_new_with(const struct circ_config *config)
{
    const struct hop_terms other = {&veil_kind, &single_kind, 1, CC_WAY_EXIT},
                           hs = hop_terms_plain_hs();
    struct mixed *w = calloc(1, sizeof *w);
    ck_assert_ptr_nonnull(w);
    w->env = test_env(1);
    w->l = fake_new(w->env);
    w->c = circ_new(w->env, w->l, config, &ops, w);
    ck_assert_ptr_nonnull(w->c);
    circ_set_user(w->c, &user_ops, w);
    ck_ok(circ_build(w->c, &w->l->relay[0].target, 1));
    fake_pump(w->l);
    w->l->joined = 1;
    add(w, &other);
    add(w, &hs);
    ck_assert_uint_eq(circ_hops(w->c), HOPS);
    for (unsigned hop = 1; hop <= HOPS; hop++)
        ck_ok(circ_send(w->c, hop, RELAY_BEGIN_DIR, 7, NULL, 0));
    fake_pump(w->l);
    return w;
}

static struct mixed *mixed_new(void)
{
    const struct circ_config config = circ_config_defaults();
    return mixed_new_with(&config);
}

static void mixed_free(struct mixed *w)
{
    circ_free(w->c);
    fake_free(w->l);
    test_env_free(w->env);
    free(w);
}

static void assert_closed(struct mixed *w, err_t why)
{
    ck_assert_int_eq(circ_state(w->c), CIRC_CLOSED);
    env_run_timers(w->env);
    ck_assert_uint_eq(w->on_end, 1);
    ck_assert_msg(w->why == why, "%s", err_name(w->why));
}

START_TEST(test_mixed_every_hop_is_reached_in_its_own_format)
{
    static const size_t most[] = {RELAY_V0_DATA_MAX, RELAY_V1_DATA_STREAM_MAX, RELAY_V0_DATA_MAX};
    uint8_t data[RELAY_DATA_MAX + 1];
    struct mixed *w = mixed_new();
    env_random(w->env, data, sizeof data);
    for (unsigned hop = 1; hop <= HOPS; hop++) {
        size_t max = most[hop - 1];
        ck_assert_uint_eq(w->l->got[hop - 1].hop, hop);
        ck_assert_uint_eq(circ_data_max(w->c, hop), max);
        ck_assert_uint_eq(circ_message_max(w->c, hop, RELAY_END), max);
        ck_err(circ_send(w->c, hop, RELAY_END, 7, data, max + 1), ERR_LIMIT);
        ck_ok(circ_send(w->c, hop, RELAY_DATA, 7, data, max));
        fake_pump(w->l);
        const struct fake_msg *got = fake_last(w->l, RELAY_DATA);
        ck_assert_uint_eq(got->hop, hop);
        ck_assert_uint_eq(got->stream_id, 7);
        ck_assert_uint_eq(got->len, max);
        ck_assert_mem_eq(got->data, data, max);
    }
    mixed_free(w);
}
END_TEST

START_TEST(test_mixed_every_hop_reaches_us)
{
    uint8_t data[RELAY_V1_DATA_STREAM_MAX];
    struct mixed *w = mixed_new();
    env_random(w->env, data, sizeof data);
    for (unsigned round = 1; round <= 5; round++) {
        for (unsigned hop = 1; hop <= HOPS; hop++) {
            fake_send(w->l, hop, RELAY_DATA, 7, data, sizeof data - hop);
            fake_pump(w->l); /* a SENDME with its tag, if one is due, is checked there */
            ck_assert_uint_eq(w->last_hop, hop);
            ck_assert_uint_eq(w->last.stream_id, 7);
            ck_assert_uint_eq(w->last.len, sizeof data - hop);
            ck_assert_mem_eq(w->last.data, data, sizeof data - hop);
        }
        ck_assert_uint_eq(w->l->relay[1].sendmes_in, round); /* each is answered */
        ck_assert_uint_eq(w->l->relay[0].sendmes_in + w->l->relay[2].sendmes_in, 0);
    }
    ck_assert_uint_eq(w->on_msg, 5 * HOPS);
    mixed_free(w);
}
END_TEST

/* The veil does not open under another command than the one it was closed under. */
START_TEST(test_mixed_layers_beyond_a_join_are_told_relay)
{
    struct mixed *w = mixed_new();
    ck_assert_uint_eq(w->l->got[0].chan_cmd, CELL_RELAY);
    ck_assert_uint_eq(w->l->got[1].chan_cmd, CELL_RELAY_EARLY);
    ck_assert_uint_eq(w->l->got[2].chan_cmd, CELL_RELAY_EARLY);
    for (unsigned i = 0; i < 10; i++)
        ck_ok(circ_send(w->c, 2, RELAY_END, 7, (const uint8_t *)"\1", 1));
    fake_pump(w->l);
    ck_assert_uint_eq(fake_last(w->l, RELAY_END)->chan_cmd, CELL_RELAY);
    ck_assert_uint_eq(fake_count(w->l, RELAY_END, 7), 10);
    mixed_free(w);
}
END_TEST

START_TEST(test_mixed_a_flow_that_admits_one_cell_holds_up_its_hop_only)
{
    struct mixed *w = mixed_new();
    uint8_t byte = 1;
    w->l->no_sendmes = true;
    ck_assert(circ_stream_sendmes(w->c, 1) && !circ_stream_sendmes(w->c, 2));
    for (unsigned n = 1; n <= 20; n++) {
        ck_assert_uint_eq(circ_window(w->c, 2), 1);
        ck_ok(circ_send(w->c, 2, RELAY_DATA, 7, &byte, 1));
        ck_err(circ_send(w->c, 2, RELAY_DATA, 7, &byte, 1), ERR_FULL);
        ck_ok(circ_send(w->c, 1, RELAY_DATA, 7, &byte, 1));
        ck_ok(circ_send(w->c, 3, RELAY_DATA, 7, &byte, 1));
        fake_pump(w->l);
        ck_assert_uint_eq(w->on_writable, n - 1);
        fake_sendme(w->l, 2, 1, w->l->relay[1].last_in_tag, VEIL_TAG_LEN);
        ck_assert_uint_eq(w->on_writable, n);
    }
    ck_assert_uint_eq(fake_count(w->l, RELAY_DATA, 7), 60);
    mixed_free(w);
}
END_TEST

START_TEST(test_mixed_sendmes_are_of_their_hop)
{
    for (unsigned bad = 0; bad < 4; bad++) {
        struct mixed *w = mixed_new();
        uint8_t byte = 1, tag[SENDME_TAG_V0] = {0};
        w->l->no_sendmes = true;
        ck_ok(circ_send(w->c, 2, RELAY_DATA, 7, &byte, 1));
        fake_pump(w->l);
        memcpy(tag, w->l->relay[1].last_in_tag, VEIL_TAG_LEN);
        tag[0] ^= bad == 0;
        if (bad == 3) /* for one cell twice */
            fake_sendme(w->l, 2, 1, tag, VEIL_TAG_LEN);
        fake_sendme(w->l, bad == 1 ? 3 : 2, 1, tag, bad == 2 ? SENDME_TAG_V0 : VEIL_TAG_LEN);
        assert_closed(w, ERR_CIRC_SENDME);
        mixed_free(w);
    }
}
END_TEST

/* XOFF and XON go with congestion control. */
START_TEST(test_mixed_xoff_and_xon_come_from_a_hop_without_stream_windows_alone)
{
    static const uint8_t body[5];
    for (unsigned hop = 1; hop <= HOPS; hop++)
        for (unsigned i = 0; i < 2; i++) {
            struct mixed *w = mixed_new();
            uint8_t cmd = i ? RELAY_XON : RELAY_XOFF;
            fake_send(w->l, hop, cmd, 7, body, i ? 5 : 1);
            if (hop == 2) {
                ck_assert_uint_eq(w->on_msg, 1);
                ck_assert_uint_eq(w->last.cmd, cmd);
                ck_assert_uint_eq(w->last_hop, hop);
            } else {
                ck_assert_uint_eq(w->on_msg, 0);
                assert_closed(w, ERR_CIRC_PROTO);
            }
            mixed_free(w);
        }
}
END_TEST

START_TEST(test_mixed_hops_are_added_to_open_circuits_only_and_not_extended)
{
    static const uint8_t keys[LAYER_KEYS_MAX];
    const struct circ_config config = circ_config_defaults();
    const struct hop_terms hs = hop_terms_plain_hs();
    struct mixed *w = mixed_new();
    ck_err(circ_build(w->c, &w->l->relay[3].target, 1), ERR_STATE);
    for (unsigned hops = HOPS; hops < CIRC_MAX_HOPS; hops++)
        ck_ok(circ_add_hop(w->c, &hs, keys, LAYER_CLIENT));
    ck_err(circ_add_hop(w->c, &hs, keys, LAYER_CLIENT), ERR_LIMIT);
    ck_assert_int_eq(circ_state(w->c), CIRC_OPEN);
    circ_close(w->c, OK, DESTROY_FINISHED);
    ck_err(circ_add_hop(w->c, &hs, keys, LAYER_CLIENT), ERR_STATE);
    circ_free(w->c);
    w->c = circ_new(w->env, w->l, &config, &ops, w);
    ck_err(circ_add_hop(w->c, &hs, keys, LAYER_CLIENT), ERR_STATE);
    mixed_free(w);
}
END_TEST

/* Said once, with the SENDME that ends it, whichever hop's. */
START_TEST(test_mixed_end_of_slow_start_is_told)
{
    const struct hop_terms cc = {&tor1_kind, &vegas_kind, 31, CC_WAY_EXIT};
    struct circ_config config = circ_config_defaults();
    struct circ_congestion now;
    config.flow.cc.ss_max = config.flow.cc.cwnd_init + 40; /* two SENDMEs on */
    struct mixed *w = mixed_new_with(&config);
    add(w, &cc);
    for (unsigned i = 0; i < config.flow.cc.cwnd_init; i++)
        ck_ok(circ_send(w->c, HOPS + 1, RELAY_DATA, 7, (const uint8_t *)"x", 1));
    ck_assert(circ_congestion(w->c, HOPS + 1, &now) && now.in_slow_start);
    ck_assert_uint_eq(w->on_steady, 0);
    test_env_advance_ms(w->env, 50);
    fake_pump(w->l);
    ck_assert(circ_congestion(w->c, HOPS + 1, &now) && !now.in_slow_start);
    ck_assert_uint_eq(w->on_steady, 1);
    mixed_free(w);
}
END_TEST

/* A link that takes no more within a wake-up is no congestion; one whose peer takes nothing is. */
START_TEST(test_mixed_a_full_link_ends_slow_start_only_if_it_is_stuck)
{
    const struct hop_terms cc = {&tor1_kind, &vegas_kind, 31, CC_WAY_EXIT};
    struct circ_config config = circ_config_defaults();
    struct circ_congestion now;
    config.flow.cc.cellq_high = 31;
    for (unsigned stuck = 0; stuck < 2; stuck++) {
        struct mixed *w = mixed_new_with(&config);
        add(w, &cc);
        for (unsigned i = 0; i < config.flow.cc.cwnd_init - 31; i++)
            ck_ok(circ_send(w->c, HOPS + 1, RELAY_DATA, 7, (const uint8_t *)"x", 1));
        w->l->data_room = 0;
        ck_err(circ_send(w->c, HOPS + 1, RELAY_DATA, 7, (const uint8_t *)"x", 1), ERR_FULL);
        w->l->stuck = stuck;
        test_env_advance_ms(w->env, 50);
        fake_pump(w->l);
        ck_assert(circ_congestion(w->c, HOPS + 1, &now));
        ck_assert_uint_gt(now.ewma_rtt_us, 0);
        ck_assert_int_eq(now.in_slow_start, !stuck);
        mixed_free(w);
    }
}
END_TEST

TESTS("circuit/mixed", test_mixed_every_hop_is_reached_in_its_own_format,
      test_mixed_every_hop_reaches_us, test_mixed_layers_beyond_a_join_are_told_relay,
      test_mixed_a_flow_that_admits_one_cell_holds_up_its_hop_only,
      test_mixed_sendmes_are_of_their_hop,
      test_mixed_xoff_and_xon_come_from_a_hop_without_stream_windows_alone,
      test_mixed_hops_are_added_to_open_circuits_only_and_not_extended,
      test_mixed_end_of_slow_start_is_told,
      test_mixed_a_full_link_ends_slow_start_only_if_it_is_stuck)
