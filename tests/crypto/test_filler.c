#include "support/test.h"

#include <string.h>

#include "crypto/filler.h"
#include "crypto/secret.h"

START_TEST(test_filler_fills_all_of_it_and_no_more)
{
    static const size_t lens[] = {
        0, 1, 480, FILLER_BLOCK_LEN - 1, FILLER_BLOCK_LEN, 3 * FILLER_BLOCK_LEN + 7};
    static uint8_t out[4 * FILLER_BLOCK_LEN], seen[sizeof out];
    ck_ok(crypto_init());
    for (size_t i = 0; i < sizeof lens / sizeof lens[0]; i++) {
        struct filler f = {.left = 0};
        memset(seen, 0, sizeof seen);
        for (int times = 0; times < 8; times++) { /* a byte may be zero now and then */
            memset(out, 0, sizeof out);
            filler_take(&f, out, lens[i]);
            for (size_t at = 0; at < sizeof out; at++)
                seen[at] |= out[at];
        }
        for (size_t at = 0; at < sizeof out; at++)
            ck_assert(at < lens[i] || seen[at] == 0);
        ck_assert(lens[i] == 0 || memchr(seen, 0, lens[i]) == NULL);
    }
}
END_TEST

START_TEST(test_filler_gives_no_block_twice_and_each_its_own)
{
    struct filler one = {.left = 0}, other = {.left = 0};
    uint8_t a[FILLER_BLOCK_LEN], b[FILLER_BLOCK_LEN], c[FILLER_BLOCK_LEN];
    ck_ok(crypto_init());
    filler_take(&one, a, sizeof a);
    filler_take(&one, b, sizeof b);
    filler_take(&other, c, sizeof c);
    ck_assert_mem_ne(a, b, 16);
    ck_assert_mem_ne(a, c, 16);
    ck_assert_mem_ne(b, c, 16);
}
END_TEST

START_TEST(test_filler_forgets_what_it_gave)
{
    struct filler f = {.left = 0};
    uint8_t out[100], key[FILLER_KEY_LEN];
    ck_ok(crypto_init());
    filler_take(&f, out, sizeof out);
    memcpy(key, f.key, sizeof key);
    ck_assert_ptr_null(memmem(&f, sizeof f, out, 16));
    filler_take(&f, out, sizeof out); /* of the same block, so of the same key */
    ck_assert_mem_eq(f.key, key, sizeof key);
    for (int i = 0; i < FILLER_BLOCK_LEN / (int)sizeof out; i++)
        filler_take(&f, out, sizeof out);
    ck_assert_mem_ne(f.key, key, sizeof key);
}
END_TEST

TESTS("crypto/filler", test_filler_fills_all_of_it_and_no_more,
      test_filler_gives_no_block_twice_and_each_its_own, test_filler_forgets_what_it_gave)
