/* Rendezvous at a relay of the test network: two circuits to it are joined. */
#include "testnet/wired.h"

#include "cell/relay_hs.h"
#include "circuit/terms.h"

enum { COOKIE_LEN = HS_COOKIE_LEN, HELLO_LEN = HS_HANDSHAKE_LEN };

/* One circuit of two hops to the middle, and what came on it. */
struct visitor {
    struct circ *circ;
    bool open, over;
    struct circ_end end;
    uint8_t cmd; /* of the last message without a stream id */
    uint8_t data[RELAY_DATA_MAX];
    size_t len;
    unsigned hop;
    char text[256]; /* what DATA held */
};

struct meeting {
    struct wired w;
    struct visitor client, service;
};

static void on_open(void *arg)
{
    ((struct visitor *)arg)->open = true;
}

static void on_end(void *arg, const struct circ_end *end)
{
    struct visitor *v = arg;
    v->over = true;
    v->end = *end;
}

static const struct circ_ops ops = {.on_open = on_open, .on_end = on_end};

static err_t on_control(void *arg, unsigned hop, const struct relay_msg *m)
{
    struct visitor *v = arg;
    v->cmd = m->cmd;
    v->hop = hop;
    v->len = m->len;
    memcpy(v->data, m->data, m->len);
    return OK;
}

static err_t on_msg(void *arg, unsigned hop, const struct relay_msg *m)
{
    struct visitor *v = arg;
    ck_assert_uint_eq(hop, circ_hops(v->circ));
    if (m->cmd == RELAY_DATA)
        strncat(v->text, (const char *)m->data, m->len);
    return OK;
}

static const struct circ_user_ops user_ops = {.on_msg = on_msg};

static void visit(struct wired *w, struct visitor *v, unsigned hops)
{
    const struct circ_hop_target path[] = {wired_hop(w, PLAN_GUARD, 0, false),
                                           wired_hop(w, PLAN_MIDDLE, 0, true),
                                           wired_hop(w, PLAN_EXIT, 0, true)};
    const struct circ_config config = circ_config_defaults();
    v->circ = circ_new(w->env, w->link, &config, &ops, v);
    ck_assert_ptr_nonnull(v->circ);
    circ_set_user(v->circ, &user_ops, v);
    circ_set_control(v->circ, on_control, v);
    ck_ok(circ_build(v->circ, path, hops));
    wired_pump(w);
    ck_assert(v->open);
}

static struct meeting *meeting_new(void)
{
    struct meeting *m = calloc(1, sizeof *m);
    ck_assert_ptr_nonnull(m);
    wired_start(&m->w);
    wired_connect(&m->w);
    visit(&m->w, &m->client, 2);
    visit(&m->w, &m->service, 2);
    circ_serve(m->service.circ);
    return m;
}

static void meeting_free(struct meeting *m)
{
    circ_free(m->client.circ);
    circ_free(m->service.circ);
    wired_stop(&m->w);
    free(m);
}

static void say(struct meeting *m, struct visitor *v, unsigned hop, uint8_t cmd, uint16_t id,
                const void *data, size_t len)
{
    ck_ok(circ_send(v->circ, hop, cmd, id, data, len));
    wired_pump(&m->w);
}

static void establish(struct meeting *m, struct visitor *v, uint8_t cookie)
{
    uint8_t body[COOKIE_LEN];
    memset(body, cookie, sizeof body);
    say(m, v, 2, RELAY_ESTABLISH_RENDEZVOUS, 0, body, sizeof body);
}

/* RENDEZVOUS1 with some padding behind it. */
static void meet(struct meeting *m, struct visitor *v, uint8_t cookie)
{
    uint8_t body[COOKIE_LEN + HELLO_LEN + 9];
    memset(body, cookie, COOKIE_LEN);
    memset(body + COOKIE_LEN, 'h', HELLO_LEN + 9);
    say(m, v, 2, RELAY_RENDEZVOUS1, 0, body, sizeof body);
}

static void join(struct meeting *m)
{
    static const uint8_t keys[LAYER_KEYS_MAX] = {1, 2, 3};
    const struct hop_terms terms = hop_terms_plain_hs();
    establish(m, &m->client, 7);
    meet(m, &m->service, 7);
    ck_ok(circ_add_hop(m->client.circ, &terms, keys, LAYER_CLIENT));
    ck_ok(circ_add_hop(m->service.circ, &terms, keys, LAYER_RELAY));
}

START_TEST(test_rend_service_meets_the_client_by_its_cookie)
{
    struct meeting *m = meeting_new();
    establish(m, &m->client, 7);
    ck_assert_uint_eq(m->client.cmd, RELAY_RENDEZVOUS_ESTABLISHED);
    ck_assert_uint_eq(m->client.hop, 2);
    meet(m, &m->service, 7);
    ck_assert_uint_eq(m->client.cmd, RELAY_RENDEZVOUS2);
    ck_assert_uint_eq(m->client.len, HELLO_LEN + 9);
    ck_assert_uint_eq(m->client.data[0], 'h');
    ck_assert_uint_eq(m->service.cmd, 0);
    ck_assert(!m->client.over && !m->service.over);
    meeting_free(m);
}
END_TEST

START_TEST(test_rend_joined_circuits_carry_what_is_not_for_the_relay)
{
    struct meeting *m = meeting_new();
    join(m);
    say(m, &m->client, 3, RELAY_BEGIN, 5, "x:80", 5);
    for (unsigned i = 0; i < 20; i++) { /* also once RELAY_EARLY is used up */
        say(m, &m->client, 3, RELAY_DATA, 5, "ask ", 4);
        say(m, &m->service, 3, RELAY_DATA, 5, "answer ", 7);
    }
    ck_assert_uint_eq(strlen(m->service.text), 80);
    ck_assert_uint_eq(strlen(m->client.text), 140);
    ck_assert(!m->client.over && !m->service.over);
    /* The relay is still there for either. */
    say(m, &m->client, 2, RELAY_DROP, 0, NULL, 0);
    ck_assert(!m->client.over);
    meeting_free(m);
}
END_TEST

START_TEST(test_rend_end_of_one_is_the_end_of_the_other)
{
    for (unsigned i = 0; i < 2; i++) {
        struct meeting *m = meeting_new();
        join(m);
        struct visitor *goes = i ? &m->client : &m->service, *stays = i ? &m->service : &m->client;
        circ_close(goes->circ, OK, DESTROY_FINISHED);
        wired_pump(&m->w);
        ck_assert(stays->over && stays->end.remote);
        meeting_free(m);
    }
}
END_TEST

START_TEST(test_rend_unknown_cookie_ends_the_circuit)
{
    struct meeting *m = meeting_new();
    establish(m, &m->client, 7);
    meet(m, &m->service, 8);
    ck_assert(m->service.over && m->service.end.remote);
    ck_assert(!m->client.over);
    meeting_free(m);
}
END_TEST

START_TEST(test_rend_client_that_has_left_is_met_by_nobody)
{
    struct meeting *m = meeting_new();
    establish(m, &m->client, 7);
    circ_close(m->client.circ, OK, DESTROY_FINISHED);
    wired_pump(&m->w);
    meet(m, &m->service, 7);
    ck_assert(m->service.over);
    meeting_free(m);
}
END_TEST

START_TEST(test_rend_a_circuit_meets_once_and_a_cookie_is_for_one)
{
    for (unsigned i = 0; i < 4; i++) {
        struct meeting *m = meeting_new();
        establish(m, &m->client, 7);
        if (i == 0)
            establish(m, &m->client, 8); /* waits already */
        else if (i == 1)
            meet(m, &m->client, 7); /* with itself */
        else if (i == 2)
            establish(m, &m->service, 7); /* taken */
        else
            say(m, &m->service, 1, RELAY_ESTABLISH_RENDEZVOUS, 0, "01234567890123456789", 20);
        struct visitor *wrong = i < 2 ? &m->client : &m->service;
        ck_assert(wrong->over && wrong->end.remote);
        ck_assert(wrong == &m->client || !m->client.over);
        meeting_free(m);
    }
}
END_TEST

TESTS("testnet/rend", test_rend_service_meets_the_client_by_its_cookie,
      test_rend_joined_circuits_carry_what_is_not_for_the_relay,
      test_rend_end_of_one_is_the_end_of_the_other, test_rend_unknown_cookie_ends_the_circuit,
      test_rend_client_that_has_left_is_met_by_nobody,
      test_rend_a_circuit_meets_once_and_a_cookie_is_for_one)
