#include "circuit/cgo.h"

#include <stdio.h>
#include <string.h>

#include "circuit/cgo_int.h"
#include "circuit/onion.h"
#include "circuit/tor1.h"
#include "support/test.h"
#include "support/vec.h"

enum { TAG_LEN = UIV_TAG_LEN, HOPS = 3 };

static struct layer *make(const struct layer_kind *kind, const uint8_t *keys, enum layer_side side)
{
    struct layer *l = kind->make(keys, side);
    ck_assert_ptr_nonnull(l);
    return l;
}

static void originate(struct layer *l, uint8_t chan_cmd, uint8_t *body)
{
    ck_ok(l->kind->originate(l, chan_cmd, body));
}

static bool opens(struct layer *l, uint8_t chan_cmd, uint8_t *body)
{
    bool recognized;
    ck_ok(l->kind->open(l, chan_cmd, body, &recognized));
    return recognized;
}

/* ---- vectors ---- */

static void all_of(struct vec *v, const char *prefix, const char *key, uint8_t *out, size_t len)
{
    char name[32];
    snprintf(name, sizeof name, "%s%s", prefix, key);
    ck_assert_uint_eq(vec_hex(v, name, out, len), len);
}

/* A layer of SIDE, of whose directions each has the state K, N, T of the record. */
static struct cgo *state_of(struct vec *v, const char *prefix, const char *suffix,
                            enum layer_side side)
{
    uint8_t keys[CGO_KEYS_LEN];
    char name[8];
    snprintf(name, sizeof name, "K%s", suffix);
    all_of(v, prefix, name, keys, UIV_KEYS_LEN);
    snprintf(name, sizeof name, "N%s", suffix);
    all_of(v, prefix, name, keys + UIV_KEYS_LEN, TAG_LEN);
    memcpy(keys + CGO_WAY_KEYS_LEN, keys, CGO_WAY_KEYS_LEN);
    struct cgo *c = (struct cgo *)make(&cgo_kind, keys, side);
    snprintf(name, sizeof name, "T%s", suffix);
    all_of(v, prefix, name, c->out.T, TAG_LEN);
    all_of(v, prefix, name, c->in.T, TAG_LEN);
    return c;
}

/* Both have the same tags; that they have the same keys shows in what they make of a body. */
static void assert_same(struct cgo_way *w, struct cgo_way *want)
{
    uint8_t a[CELL_BODY_LEN] = {1, 2, 3}, b[CELL_BODY_LEN] = {1, 2, 3};
    ck_assert_mem_eq(w->N, want->N, TAG_LEN);
    ck_assert_mem_eq(w->T, want->T, TAG_LEN);
    ck_ok(uiv_apply(&w->uiv, w->T, CELL_RELAY, a));
    ck_ok(uiv_apply(&want->uiv, want->T, CELL_RELAY, b));
    ck_assert_mem_eq(a, b, sizeof a);
}

START_TEST(test_cgo_relay_vectors)
{
    struct vec *v = vec_open("vectors/circuit/cgo_relay.txt");
    unsigned n = 0;
    for (; vec_next(v); n++) {
        uint8_t AD, body[CELL_BODY_LEN], want_body[CELL_BODY_LEN];
        bool inbound = vec_int(v, "inbound");
        struct cgo *c = state_of(v, "", "", LAYER_RELAY), *want = state_of(v, "new_", "", c->side);
        all_of(v, "", "AD", &AD, 1);
        all_of(v, "", "body", body, sizeof body);
        all_of(v, "new_", "body", want_body, sizeof want_body);
        if (inbound)
            ck_ok(c->layer.kind->wrap(&c->layer, AD, body));
        else
            ck_assert(!opens(&c->layer, AD, body));
        ck_assert_mem_eq(body, want_body, sizeof body);
        assert_same(inbound ? &c->out : &c->in, inbound ? &want->out : &want->in);
        layer_free(&c->layer);
        layer_free(&want->layer);
    }
    ck_assert_uint_eq(n, 12);
    vec_close(v);
}
END_TEST

/* What the relay makes, the client opens: for that no vectors are published. */
START_TEST(test_cgo_relay_originate_vectors)
{
    struct vec *v = vec_open("vectors/circuit/cgo_relay_originate.txt");
    unsigned n = 0;
    for (; vec_next(v); n++) {
        uint8_t AD, body[CELL_BODY_LEN], want_body[CELL_BODY_LEN], message[CELL_BODY_LEN - TAG_LEN];
        struct cgo *c = state_of(v, "", "", LAYER_RELAY), *want = state_of(v, "new_", "", c->side);
        struct cgo *client = state_of(v, "", "", LAYER_CLIENT);
        struct cgo *want_client = state_of(v, "new_", "", LAYER_CLIENT);
        all_of(v, "", "AD", &AD, 1);
        all_of(v, "", "message", message, sizeof message);
        all_of(v, "new_", "body", want_body, sizeof want_body);
        memcpy(body + TAG_LEN, message, sizeof message);
        originate(&c->layer, AD, body);
        ck_assert_mem_eq(body, want_body, sizeof body);
        ck_assert_mem_eq(c->layer.sent_tag, body, TAG_LEN);
        assert_same(&c->out, &want->out);
        ck_assert(opens(&client->layer, AD, body));
        ck_assert_mem_eq(body + TAG_LEN, message, sizeof message);
        ck_assert_mem_eq(client->layer.got_tag, want_body, TAG_LEN);
        assert_same(&client->in, &want_client->in);
        struct cgo *all[] = {c, want, client, want_client};
        for (unsigned i = 0; i < 4; i++)
            layer_free(&all[i]->layer);
    }
    ck_assert_uint_eq(n, 6);
    vec_close(v);
}
END_TEST

static void check_client_record(struct vec *v, unsigned hop)
{
    static const char *const hops[HOPS] = {"1", "2", "3"};
    struct onion onion = {.n = 0};
    struct cgo *want[HOPS];
    uint8_t AD, body[CELL_BODY_LEN], want_body[CELL_BODY_LEN];
    for (unsigned i = 0; i < HOPS; i++) {
        struct hop h = {.layer = &state_of(v, "", hops[i], LAYER_CLIENT)->layer};
        ck_ok(onion_add(&onion, &h));
        want[i] = state_of(v, "new_", hops[i], LAYER_CLIENT);
    }
    all_of(v, "", "AD", &AD, 1);
    all_of(v, "", "message", body + TAG_LEN, sizeof body - TAG_LEN);
    all_of(v, "new_", "body", want_body, sizeof want_body);
    ck_ok(onion_seal(&onion, hop, AD, body));
    ck_assert_mem_eq(body, want_body, sizeof body);
    for (unsigned i = 0; i < HOPS; i++) {
        assert_same(&((struct cgo *)onion.hop[i].layer)->out, &want[i]->out);
        layer_free(&want[i]->layer);
    }
    onion_clear(&onion);
}

START_TEST(test_cgo_client_vectors)
{
    struct vec *v = vec_open("vectors/circuit/cgo_client.txt");
    unsigned n = 0;
    for (; vec_next(v); n++)
        check_client_record(v, (unsigned)vec_int(v, "hop"));
    ck_assert_uint_eq(n, 14);
    vec_close(v);
}
END_TEST

/* ---- behaviour ---- */

struct path {
    struct env *env;
    struct onion client;
    struct layer *relay[HOPS];
};

static void path_init(struct path *p, struct env *env, const struct layer_kind *const kinds[HOPS])
{
    *p = (struct path){.env = env};
    for (unsigned i = 0; i < HOPS; i++) {
        uint8_t keys[LAYER_KEYS_MAX];
        env_random(env, keys, sizeof keys);
        struct hop h = {.layer = make(kinds[i], keys, LAYER_CLIENT)};
        ck_ok(onion_add(&p->client, &h));
        p->relay[i] = make(kinds[i], keys, LAYER_RELAY);
    }
}

static void path_clear(struct path *p)
{
    onion_clear(&p->client);
    for (unsigned i = 0; i < HOPS; i++)
        layer_free(p->relay[i]);
}

/* A body with the parts that layers write zeroed. */
static void random_body(struct env *env, const struct layer_kind *kind, uint8_t body[CELL_BODY_LEN])
{
    env_random(env, body, CELL_BODY_LEN);
    if (kind->format == RELAY_V1)
        memset(body, 0, TAG_LEN);
    else
        memset(body + RELAY_V0_RECOGNIZED_AT, 0, 8);
}

static size_t text_at(const struct layer_kind *kind)
{
    return kind->format == RELAY_V1 ? TAG_LEN : RELAY_V0_HEAD_LEN;
}

static void send_forward(struct path *p, unsigned hop, uint8_t chan_cmd)
{
    const struct layer_kind *kind = p->relay[hop - 1]->kind;
    uint8_t body[CELL_BODY_LEN], sent[CELL_BODY_LEN];
    random_body(p->env, kind, body);
    memcpy(sent, body, sizeof sent);
    ck_ok(onion_seal(&p->client, hop, chan_cmd, body));
    for (unsigned i = 1; i <= hop; i++)
        ck_assert_int_eq(opens(p->relay[i - 1], chan_cmd, body), i == hop);
    ck_assert_mem_eq(body + text_at(kind), sent + text_at(kind), sizeof body - text_at(kind));
    ck_assert_mem_eq(p->relay[hop - 1]->got_tag, p->client.hop[hop - 1].layer->sent_tag,
                     kind->tag_len);
}

static void send_back(struct path *p, unsigned hop)
{
    const struct layer_kind *kind = p->relay[hop - 1]->kind;
    uint8_t body[CELL_BODY_LEN], sent[CELL_BODY_LEN];
    unsigned from;
    random_body(p->env, kind, body);
    memcpy(sent, body, sizeof sent);
    originate(p->relay[hop - 1], CELL_RELAY, body);
    for (unsigned i = hop - 1; i > 0; i--)
        ck_ok(p->relay[i - 1]->kind->wrap(p->relay[i - 1], CELL_RELAY, body));
    ck_ok(onion_open(&p->client, CELL_RELAY, body, &from));
    ck_assert_uint_eq(from, hop);
    ck_assert_mem_eq(body + text_at(kind), sent + text_at(kind), sizeof body - text_at(kind));
    ck_assert_mem_eq(p->relay[hop - 1]->sent_tag, p->client.hop[hop - 1].layer->got_tag,
                     kind->tag_len);
}

/* Every mixture of the two kinds in three hops, every hop, both ways, in any order. */
START_TEST(test_cgo_mixes_with_tor1)
{
    struct env *env = test_env(1);
    for (unsigned mix = 0; mix < 1u << HOPS; mix++) {
        const struct layer_kind *kinds[HOPS];
        struct path p;
        for (unsigned i = 0; i < HOPS; i++)
            kinds[i] = mix >> i & 1 ? &cgo_kind : &tor1_kind;
        path_init(&p, env, kinds);
        for (unsigned round = 0; round < 60; round++) {
            unsigned hop = 1 + (unsigned)env_random_below(env, HOPS);
            if (env_random_below(env, 2))
                send_back(&p, hop);
            else
                send_forward(&p, hop, env_random_below(env, 2) ? CELL_RELAY : CELL_RELAY_EARLY);
        }
        path_clear(&p);
    }
    test_env_free(env);
}
END_TEST

/* Bytes changed on the way, another command around the body, a cell left out or too early: neither
 * it nor any later one is recognized, at the client as at the relay. */
enum harm { HARM_BIT, HARM_COMMAND, HARM_LOST, HARM_SWAPPED, HARM_NONE };

/* How many of the cells behind the harm are recognized. */
static unsigned opened_after(struct env *env, enum layer_side to_side, enum harm harm)
{
    uint8_t keys[CGO_KEYS_LEN], cell[4][CELL_BODY_LEN];
    enum layer_side from_side = to_side == LAYER_CLIENT ? LAYER_RELAY : LAYER_CLIENT;
    env_random(env, keys, sizeof keys);
    struct layer *to = make(&cgo_kind, keys, to_side), *from = make(&cgo_kind, keys, from_side);
    for (unsigned i = 0; i < 4; i++) {
        random_body(env, &cgo_kind, cell[i]);
        originate(from, CELL_RELAY, cell[i]);
    }
    ck_assert(opens(to, CELL_RELAY, cell[0]));
    if (harm == HARM_BIT)
        cell[1][env_random_below(env, CELL_BODY_LEN)] ^= 0x20;
    unsigned opened = 0;
    if (harm == HARM_SWAPPED)
        opened += opens(to, CELL_RELAY, cell[2]);
    if (harm != HARM_LOST)
        opened += opens(to, harm == HARM_COMMAND ? CELL_RELAY_EARLY : CELL_RELAY, cell[1]);
    for (unsigned i = harm == HARM_SWAPPED ? 3 : 2; i < 4; i++)
        opened += opens(to, CELL_RELAY, cell[i]);
    layer_free(to);
    layer_free(from);
    return opened;
}

START_TEST(test_cgo_harm_is_for_good)
{
    struct env *env = test_env(2);
    for (unsigned round = 0; round < 50; round++)
        for (unsigned harm = HARM_BIT; harm <= HARM_NONE; harm++)
            for (unsigned side = LAYER_CLIENT; side <= LAYER_RELAY; side++)
                ck_assert_uint_eq(opened_after(env, side, harm), harm == HARM_NONE ? 3 : 0);
    test_env_free(env);
}
END_TEST

START_TEST(test_cgo_the_same_cell_again_is_not_recognized)
{
    struct env *env = test_env(4);
    for (unsigned side = LAYER_CLIENT; side <= LAYER_RELAY; side++) {
        uint8_t keys[CGO_KEYS_LEN], body[CELL_BODY_LEN], again[CELL_BODY_LEN];
        env_random(env, keys, sizeof keys);
        struct layer *to = make(&cgo_kind, keys, side);
        struct layer *from =
            make(&cgo_kind, keys, side == LAYER_CLIENT ? LAYER_RELAY : LAYER_CLIENT);
        random_body(env, &cgo_kind, body);
        originate(from, CELL_RELAY, body);
        memcpy(again, body, sizeof again);
        ck_assert(opens(to, CELL_RELAY, body));
        ck_assert(!opens(to, CELL_RELAY, again));
        layer_free(to);
        layer_free(from);
    }
    test_env_free(env);
}
END_TEST

/* Both directions are of their own, and a tag differs from cell to cell. */
START_TEST(test_cgo_says_what_it_is)
{
    struct env *env = test_env(3);
    uint8_t keys[CGO_KEYS_LEN], body[2][CELL_BODY_LEN] = {{0}}, tag[TAG_LEN];
    ck_assert_int_eq(cgo_kind.format, RELAY_V1);
    ck_assert_uint_eq(cgo_kind.tag_len, 16);
    ck_assert_uint_eq(cgo_kind.keys_len, 160);
    env_random(env, keys, sizeof keys);
    struct layer *client = make(&cgo_kind, keys, LAYER_CLIENT);
    struct layer *relay = make(&cgo_kind, keys, LAYER_RELAY);
    originate(client, CELL_RELAY, body[0]);
    memcpy(tag, client->sent_tag, sizeof tag);
    ck_assert_mem_eq(tag, body[0], sizeof tag);
    originate(relay, CELL_RELAY, body[1]);
    ck_assert(opens(relay, CELL_RELAY, body[0]));
    ck_assert(opens(client, CELL_RELAY, body[1]));
    originate(client, CELL_RELAY, body[0]);
    ck_assert_mem_ne(tag, client->sent_tag, sizeof tag);
    layer_free(client);
    layer_free(relay);
    test_env_free(env);
}
END_TEST

TESTS("circuit/cgo", test_cgo_relay_vectors, test_cgo_relay_originate_vectors,
      test_cgo_client_vectors, test_cgo_mixes_with_tor1, test_cgo_harm_is_for_good,
      test_cgo_the_same_cell_again_is_not_recognized, test_cgo_says_what_it_is)
