#include "circuit/onion.h"
#include "circuit/tor1.h"

#include <stdlib.h>
#include <string.h>

#include "cell/relay.h"
#include "crypto/hash.h"
#include "support/test.h"
#include "support/vec.h"

enum { HOPS = 3 };

/* Both ends of three hops. */
struct path {
    struct onion client;
    struct layer *relay[HOPS];
};

static void path_open(struct path *p, uint8_t keys[HOPS][TOR1_KEYS_LEN])
{
    memset(p, 0, sizeof *p);
    for (unsigned i = 0; i < HOPS; i++) {
        struct hop hop = {.layer = tor1_kind.make(keys[i], LAYER_CLIENT)};
        ck_assert_ptr_nonnull(hop.layer);
        ck_ok(onion_add(&p->client, &hop));
        p->relay[i] = tor1_kind.make(keys[i], LAYER_RELAY);
        ck_assert_ptr_nonnull(p->relay[i]);
    }
}

static void path_random(struct path *p, struct env *env)
{
    uint8_t keys[HOPS][TOR1_KEYS_LEN];
    env_random(env, keys, sizeof keys);
    path_open(p, keys);
}

static void path_close(struct path *p)
{
    onion_clear(&p->client);
    for (unsigned i = 0; i < HOPS; i++)
        p->relay[i]->kind->free(p->relay[i]);
}

/* A message as the layers see it: recognized and digest are theirs, the rest is random. */
static void random_body(struct env *env, uint8_t body[CELL_BODY_LEN])
{
    env_random(env, body, CELL_BODY_LEN);
    memset(body + 1, 0, 2);
    memset(body + 5, 0, 4);
}

static void relay_originate(struct path *p, unsigned hop, uint8_t *body)
{
    ck_ok(p->relay[hop - 1]->kind->originate(p->relay[hop - 1], 3, body));
    for (unsigned i = hop - 1; i > 0; i--)
        ck_ok(p->relay[i - 1]->kind->wrap(p->relay[i - 1], 3, body));
}

/* The hop that recognizes it. */
static unsigned relays_open(struct path *p, uint8_t *body)
{
    for (unsigned i = 0; i < HOPS; i++) {
        bool mine;
        ck_ok(p->relay[i]->kind->open(p->relay[i], 3, body, &mine));
        if (mine)
            return i + 1;
    }
    return 0;
}

START_TEST(test_tor1_outbound_vectors)
{
    struct vec *v = vec_open("vectors/circuit/tor1_outbound.txt");
    uint8_t keys[HOPS][TOR1_KEYS_LEN], seed[128], body[CELL_BODY_LEN], want[CELL_BODY_LEN];
    static uint8_t plain[51 * RELAY_V0_DATA_MAX];
    ck_assert(vec_next(v));
    ck_assert_uint_eq(vec_hex(v, "key1", keys[0], TOR1_KEYS_LEN), TOR1_KEYS_LEN);
    ck_assert_uint_eq(vec_hex(v, "key2", keys[1], TOR1_KEYS_LEN), TOR1_KEYS_LEN);
    ck_assert_uint_eq(vec_hex(v, "key3", keys[2], TOR1_KEYS_LEN), TOR1_KEYS_LEN);
    ck_ok(shake256(seed, vec_hex(v, "seed", seed, sizeof seed), plain, sizeof plain));
    struct path p;
    path_open(&p, keys);
    long at = 0;
    unsigned n = 0;
    for (; vec_next(v); n++) {
        for (long until = vec_int(v, "cell"); at <= until; at++) {
            memset(body, 0, sizeof body);
            body[0] = RELAY_DATA;
            body[4] = 1;
            body[9] = 1;
            body[10] = 242;
            memcpy(body + 11, plain + at * RELAY_V0_DATA_MAX, RELAY_V0_DATA_MAX);
            ck_ok(onion_seal(&p.client, 3, 3, body));
            memcpy(want, body, sizeof want);
            ck_assert_uint_eq(relays_open(&p, want), 3);
        }
        ck_assert_uint_eq(vec_hex(v, "expected", want, sizeof want), CELL_BODY_LEN);
        ck_assert_mem_eq(body, want, sizeof want);
    }
    ck_assert_uint_eq(n, 8);
    path_close(&p);
    vec_close(v);
}
END_TEST

START_TEST(test_onion_every_hop_reaches_and_is_reached)
{
    struct env *env = test_env(1);
    struct path p;
    uint8_t body[CELL_BODY_LEN], sent[CELL_BODY_LEN];
    path_random(&p, env);
    for (unsigned round = 0; round < 120; round++) {
        unsigned hop = 1 + (unsigned)env_random_below(env, HOPS), from = 0;
        random_body(env, body);
        memcpy(sent, body, sizeof body);
        ck_ok(onion_seal(&p.client, hop, 3, body));
        ck_assert_uint_eq(relays_open(&p, body), hop);
        memcpy(body + 5, sent + 5, 4); /* the digest */
        ck_assert_mem_eq(body, sent, sizeof body);
        ck_assert_mem_eq(onion_layer(&p.client, hop)->sent_tag, p.relay[hop - 1]->got_tag, 20);

        hop = 1 + (unsigned)env_random_below(env, HOPS);
        random_body(env, body);
        memcpy(sent, body, sizeof body);
        relay_originate(&p, hop, body);
        ck_ok(onion_open(&p.client, 3, body, &from));
        ck_assert_uint_eq(from, hop);
        memcpy(body + 5, sent + 5, 4);
        ck_assert_mem_eq(body, sent, sizeof body);
        ck_assert_mem_eq(onion_layer(&p.client, hop)->got_tag, p.relay[hop - 1]->sent_tag, 20);
    }
    path_close(&p);
    test_env_free(env);
}
END_TEST

START_TEST(test_onion_any_changed_byte_is_not_recognized)
{
    struct env *env = test_env(2);
    for (size_t at = 0; at < CELL_BODY_LEN; at += 4) {
        struct path p;
        uint8_t body[CELL_BODY_LEN];
        unsigned from;
        path_random(&p, env);
        random_body(env, body);
        relay_originate(&p, 3, body);
        body[at] ^= 0x20;
        ck_err(onion_open(&p.client, 3, body, &from), ERR_CIRC_UNRECOGNIZED);
        path_close(&p);
    }
    test_env_free(env);
}
END_TEST

START_TEST(test_onion_limits)
{
    struct env *env = test_env(4);
    uint8_t keys[TOR1_KEYS_LEN] = {0}, body[CELL_BODY_LEN] = {0};
    struct onion o = {.n = 0};
    unsigned hop;
    ck_err(onion_seal(&o, 1, 3, body), ERR_ARG);
    ck_err(onion_open(&o, 3, body, &hop), ERR_CIRC_UNRECOGNIZED);
    for (unsigned i = 0; i < CIRC_MAX_HOPS; i++)
        ck_ok(onion_add(&o, &(struct hop){.layer = tor1_kind.make(keys, LAYER_CLIENT)}));
    struct hop extra = {.layer = tor1_kind.make(keys, LAYER_CLIENT)};
    ck_err(onion_add(&o, &extra), ERR_LIMIT);
    hop_free(&extra);
    ck_err(onion_seal(&o, 0, 3, body), ERR_ARG);
    ck_err(onion_seal(&o, CIRC_MAX_HOPS + 1, 3, body), ERR_ARG);
    onion_clear(&o);
    ck_assert_uint_eq(o.n, 0);
    test_env_free(env);
}
END_TEST

TESTS("circuit/onion", test_tor1_outbound_vectors, test_onion_every_hop_reaches_and_is_reached,
      test_onion_any_changed_byte_is_not_recognized, test_onion_limits)
