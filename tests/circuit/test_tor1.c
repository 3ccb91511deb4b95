#include "circuit/tor1.h"

#include <string.h>

#include "crypto/hash.h"
#include "support/test.h"
#include "support/vec.h"

enum { TAG_LEN = 20 };

static const struct layer_kind *const kinds[] = {&tor1_kind, &tor1_hs_kind};

/* Both ends of one hop. */
struct pair {
    struct layer *client, *relay;
};

static struct pair pair_make(const struct layer_kind *kind, const uint8_t *keys)
{
    struct pair p = {kind->make(keys, LAYER_CLIENT), kind->make(keys, LAYER_RELAY)};
    ck_assert(p.client && p.relay);
    return p;
}

static struct pair pair_random(const struct layer_kind *kind, struct env *env)
{
    uint8_t keys[LAYER_KEYS_MAX];
    ck_assert_uint_le(kind->keys_len, sizeof keys);
    env_random(env, keys, sizeof keys);
    return pair_make(kind, keys);
}

static void pair_free(struct pair *p)
{
    layer_free(p->client);
    layer_free(p->relay);
}

static void originate(struct layer *l, uint8_t *body)
{
    ck_ok(l->kind->originate(l, CELL_RELAY, body));
}

static bool opens(struct layer *l, uint8_t *body)
{
    bool recognized;
    ck_ok(l->kind->open(l, CELL_RELAY, body, &recognized));
    return recognized;
}

/* A message as the layers see it: recognized and digest are theirs, the rest is random. */
static void random_body(struct env *env, uint8_t body[CELL_BODY_LEN])
{
    env_random(env, body, CELL_BODY_LEN);
    memset(body + RELAY_V0_RECOGNIZED_AT, 0, 2);
    memset(body + RELAY_V0_DIGEST_AT, 0, 4);
}

static void check_vector(struct vec *v, struct layer *from, struct layer *to)
{
    uint8_t body[CELL_BODY_LEN], want[CELL_BODY_LEN], tag[TAG_LEN];
    ck_assert(vec_next(v));
    ck_assert_uint_eq(vec_hex(v, "plain", body, sizeof body), CELL_BODY_LEN);
    ck_assert_uint_eq(vec_hex(v, "cell", want, sizeof want), CELL_BODY_LEN);
    ck_assert_uint_eq(vec_hex(v, "tag", tag, sizeof tag), TAG_LEN);
    originate(from, body);
    ck_assert_mem_eq(body, want, sizeof body);
    ck_assert_mem_eq(from->sent_tag, tag, TAG_LEN);
    ck_assert(opens(to, body));
    ck_assert_mem_eq(to->got_tag, tag, TAG_LEN);
}

START_TEST(test_tor1_hs_vectors)
{
    struct vec *v = vec_open("vectors/circuit/tor1_hs.txt");
    uint8_t keys[TOR1_HS_KEYS_LEN];
    ck_assert(vec_next(v));
    ck_assert_uint_eq(vec_hex(v, "keys", keys, sizeof keys), sizeof keys);
    struct pair p = pair_make(&tor1_hs_kind, keys);
    for (unsigned i = 0; i < 3; i++)
        check_vector(v, p.client, p.relay);
    for (unsigned i = 0; i < 2; i++)
        check_vector(v, p.relay, p.client);
    ck_assert(!vec_next(v));
    pair_free(&p);
    vec_close(v);
}
END_TEST

START_TEST(test_tor1_both_ends_agree_in_both_directions)
{
    struct env *env = test_env(1);
    for (size_t k = 0; k < 2; k++) {
        struct pair p = pair_random(kinds[k], env);
        ck_assert_uint_eq(kinds[k]->tag_len, TAG_LEN);
        for (unsigned round = 0; round < 20; round++) {
            bool down = env_random_below(env, 2);
            struct layer *from = down ? p.relay : p.client, *to = down ? p.client : p.relay;
            uint8_t body[CELL_BODY_LEN], sent[CELL_BODY_LEN];
            random_body(env, body);
            memcpy(sent, body, sizeof body);
            memset(body + RELAY_V0_RECOGNIZED_AT, 1, 2); /* whatever was there before */
            originate(from, body);
            ck_assert(opens(to, body));
            memset(body + RELAY_V0_DIGEST_AT, 0, 4);
            ck_assert_mem_eq(body, sent, sizeof body);
            ck_assert_mem_eq(from->sent_tag, to->got_tag, TAG_LEN);
        }
        pair_free(&p);
    }
    test_env_free(env);
}
END_TEST

/* Zeros in the recognized field by chance, and another digest, must leave the running digest. */
START_TEST(test_tor1_false_recognized_field_leaves_the_digest)
{
    struct env *env = test_env(3);
    for (size_t k = 0; k < 2; k++) {
        struct pair p = pair_random(kinds[k], env);
        uint8_t body[CELL_BODY_LEN];
        random_body(env, body);
        memset(body + RELAY_V0_DIGEST_AT, 0xaa, 4);
        /* encrypted, but without the right digest */
        ck_ok(p.relay->kind->wrap(p.relay, CELL_RELAY, body));
        ck_assert(!opens(p.client, body));
        ck_assert_uint_eq(body[RELAY_V0_DIGEST_AT], 0xaa);
        random_body(env, body);
        originate(p.relay, body);
        ck_assert(opens(p.client, body));
        pair_free(&p);
    }
    test_env_free(env);
}
END_TEST

/* tor-spec 6.1: both bytes of "recognized" have to be zero; a right digest does not make up for it.
 */
START_TEST(test_tor1_right_digest_alone_is_not_recognized)
{
    struct env *env = test_env(5);
    for (unsigned at = 0; at < 3; at++) {
        uint8_t keys[TOR1_KEYS_LEN], body[CELL_BODY_LEN], digest[SHA1_LEN];
        struct sha1_running Db;
        env_random(env, keys, sizeof keys);
        struct pair p = pair_make(&tor1_kind, keys);
        random_body(env, body);
        if (at < 2)
            body[RELAY_V0_RECOGNIZED_AT + at] = 1;
        sha1_init(&Db);
        sha1_add(&Db, keys + TOR1_DIGEST_SEED_LEN, TOR1_DIGEST_SEED_LEN);
        sha1_add(&Db, body, sizeof body);
        sha1_peek(&Db, digest);
        memcpy(body + RELAY_V0_DIGEST_AT, digest, 4);
        ck_ok(p.relay->kind->wrap(p.relay, CELL_RELAY, body));
        ck_assert_int_eq(opens(p.client, body), at == 2);
        pair_free(&p);
    }
    test_env_free(env);
}
END_TEST

START_TEST(test_tor1_any_changed_byte_is_not_recognized)
{
    struct env *env = test_env(4);
    for (size_t at = 0; at < CELL_BODY_LEN; at += 7) {
        struct pair p = pair_random(&tor1_hs_kind, env);
        uint8_t body[CELL_BODY_LEN];
        random_body(env, body);
        originate(p.client, body);
        body[at] ^= 0x20;
        ck_assert(!opens(p.relay, body));
        pair_free(&p);
    }
    test_env_free(env);
}
END_TEST

TESTS("circuit/tor1", test_tor1_hs_vectors, test_tor1_both_ends_agree_in_both_directions,
      test_tor1_false_recognized_field_leaves_the_digest,
      test_tor1_right_digest_alone_is_not_recognized, test_tor1_any_changed_byte_is_not_recognized)
