#include "circuit/tags.h"

#include <string.h>

#include "support/test.h"

static struct tags tags_new(void)
{
    struct env *env = test_env(1);
    struct tags t;
    tags_init(&t, env);
    test_env_free(env);
    return t;
}

START_TEST(test_tags_are_taken_in_order_and_once)
{
    struct tags t = tags_new();
    for (unsigned round = 0; round < 5; round++) {
        uint8_t a[LAYER_TAG_MAX] = {1, (uint8_t)round}, b[LAYER_TAG_MAX] = {2, (uint8_t)round};
        ck_ok(tags_add(&t, a, 20));
        ck_ok(tags_add(&t, b, 16));
        ck_err(tags_take(&t, b, 16), ERR_CIRC_SENDME);
        ck_ok(tags_take(&t, a, 20));
        ck_err(tags_take(&t, a, 20), ERR_CIRC_SENDME);
        ck_ok(tags_take(&t, b, 16));
        ck_err(tags_take(&t, b, 16), ERR_CIRC_SENDME);
    }
}
END_TEST

START_TEST(test_tags_every_byte_counts)
{
    uint8_t tag[LAYER_TAG_MAX] = {0};
    struct tags t = tags_new();
    ck_ok(tags_add(&t, tag, 20));
    for (size_t i = 0; i < sizeof tag; i++) {
        tag[i] ^= 1;
        ck_err(tags_take(&t, tag, 20), ERR_CIRC_SENDME);
        tag[i] ^= 1;
    }
    ck_ok(tags_take(&t, tag, 20));
}
END_TEST

START_TEST(test_tags_limits)
{
    uint8_t tag[LAYER_TAG_MAX + 1] = {0};
    struct tags t = tags_new();
    ck_err(tags_add(&t, tag, sizeof tag), ERR_BUG);
    for (unsigned i = 0; i < TAGS_MOST; i++)
        ck_ok(tags_add(&t, tag, 20));
    ck_err(tags_add(&t, tag, 20), ERR_BUG);
}
END_TEST

TESTS("circuit/tags", test_tags_are_taken_in_order_and_once, test_tags_every_byte_counts,
      test_tags_limits)
