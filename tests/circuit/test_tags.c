#include "circuit/tags.h"

#include <string.h>

#include "support/test.h"

enum { MOST = 100 };

static struct tags tags_new(void)
{
    struct env *env = test_env(1);
    struct tags t;
    tags_init(&t, env, MOST);
    test_env_free(env);
    return t;
}

/* At second N, counted from here. */
static uint64_t seconds, taken_us;

static err_t add(struct tags *t, const uint8_t *tag, size_t len)
{
    struct env env = {.mono_us = ++seconds * US_PER_SEC};
    return tags_add(t, &env, tag, len);
}

static err_t take(struct tags *t, const uint8_t *tag, size_t len)
{
    return tags_take(t, tag, len, &taken_us);
}

START_TEST(test_tags_are_taken_in_order_and_once)
{
    struct tags t = tags_new();
    for (unsigned round = 0; round < 5; round++) {
        uint8_t a[LAYER_TAG_MAX] = {1, (uint8_t)round}, b[LAYER_TAG_MAX] = {2, (uint8_t)round};
        ck_ok(add(&t, a, 20));
        ck_ok(add(&t, b, 16));
        ck_err(take(&t, b, 16), ERR_CIRC_SENDME);
        ck_ok(take(&t, a, 20));
        ck_err(take(&t, a, 20), ERR_CIRC_SENDME);
        ck_ok(take(&t, b, 16));
        ck_err(take(&t, b, 16), ERR_CIRC_SENDME);
    }
    tags_clear(&t);
}
END_TEST

START_TEST(test_tags_every_byte_counts)
{
    uint8_t tag[LAYER_TAG_MAX] = {0};
    struct tags t = tags_new();
    ck_ok(add(&t, tag, 20));
    for (size_t i = 0; i < sizeof tag; i++) {
        tag[i] ^= 1;
        ck_err(take(&t, tag, 20), ERR_CIRC_SENDME);
        tag[i] ^= 1;
    }
    ck_ok(take(&t, tag, 20));
    tags_clear(&t);
}
END_TEST

/* However far it has gone round when it grows, and each with its time. */
START_TEST(test_tags_ring_grows_and_is_given_back)
{
    for (unsigned behind = 0; behind < 20; behind++) {
        struct tags t = tags_new();
        uint8_t tag[LAYER_TAG_MAX] = {0};
        uint64_t begun = seconds;
        unsigned n = 0;
        ck_assert_ptr_null(t.due); /* a hop that sends nothing needs no memory */
        for (unsigned i = 0; i < behind; i++) {
            ck_ok(add(&t, tag, 20));
            ck_ok(take(&t, tag, 20));
        }
        for (; n < MOST; n++) {
            tag[0] = (uint8_t)n;
            ck_ok(add(&t, tag, 20));
        }
        ck_assert_uint_eq(t.size, 128);
        for (n = 0; n < MOST; n++) {
            tag[0] = (uint8_t)n;
            ck_ok(take(&t, tag, 20));
            ck_assert_uint_eq(taken_us, (begun + behind + n + 1) * US_PER_SEC);
        }
        ck_assert_ptr_null(t.due);
        ck_err(take(&t, tag, 20), ERR_CIRC_SENDME);
        ck_ok(add(&t, tag, 20));
        tags_clear(&t);
    }
}
END_TEST

START_TEST(test_tags_limits)
{
    uint8_t tag[LAYER_TAG_MAX + 1] = {0};
    struct tags t = tags_new();
    ck_err(add(&t, tag, sizeof tag), ERR_BUG);
    for (unsigned i = 0; i < MOST; i++)
        ck_ok(add(&t, tag, 20));
    ck_err(add(&t, tag, 20), ERR_BUG);
    tags_clear(&t);
}
END_TEST

TESTS("circuit/tags", test_tags_are_taken_in_order_and_once, test_tags_every_byte_counts,
      test_tags_ring_grows_and_is_given_back, test_tags_limits)
