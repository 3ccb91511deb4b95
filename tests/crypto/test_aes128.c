#include "crypto/aes128.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/aes.h"
#include "support/test.h"
#include "support/vec.h"

enum { BYTES = 40 * AES128_BLOCK_LEN, KINDS = 3 };

/* The ways that there are here; the processor's may be missing. */
static size_t kinds_here(const struct aes128_kind *kinds[KINDS])
{
    kinds[0] = &aes128_openssl;
    kinds[1] = aes128_hw();
    kinds[2] = aes128_fastest();
    return kinds[1] ? KINDS : 1;
}

static struct aes128 keyed(const struct aes128_kind *kind, enum aes128_use use, const uint8_t *key)
{
    struct aes128 a;
    ck_ok(aes128_init(&a, kind, use));
    ck_ok(kind->rekey(&a, key));
    return a;
}

/* FIPS 197, appendix B. */
START_TEST(test_aes128_block_published_vector)
{
    static const uint8_t key[] = {0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6,
                                  0xab, 0xf7, 0x15, 0x88, 0x09, 0xcf, 0x4f, 0x3c};
    static const uint8_t plain[] = {0x32, 0x43, 0xf6, 0xa8, 0x88, 0x5a, 0x30, 0x8d,
                                    0x31, 0x31, 0x98, 0xa2, 0xe0, 0x37, 0x07, 0x34};
    static const uint8_t cipher[] = {0x39, 0x25, 0x84, 0x1d, 0x02, 0xdc, 0x09, 0xfb,
                                     0xdc, 0x11, 0x85, 0x97, 0x19, 0x6a, 0x0b, 0x32};
    const struct aes128_kind *kinds[KINDS];
    for (size_t i = 0, n = kinds_here(kinds); i < n; i++) {
        uint8_t block[AES128_BLOCK_LEN];
        struct aes128 there = keyed(kinds[i], AES128_ENCRYPT, key);
        struct aes128 back = keyed(kinds[i], AES128_DECRYPT, key);
        memcpy(block, plain, sizeof block);
        ck_ok(kinds[i]->block(&there, block));
        ck_assert_mem_eq(block, cipher, sizeof block);
        ck_ok(kinds[i]->block(&back, block));
        ck_assert_mem_eq(block, plain, sizeof block);
        aes128_free(&there);
        aes128_free(&back);
    }
}
END_TEST

START_TEST(test_aes128_stream_published_vectors)
{
    const struct aes128_kind *kinds[KINDS];
    for (size_t i = 0, n = kinds_here(kinds); i < n; i++) {
        struct vec *v = vec_open("vectors/crypto/aes_ctr.txt");
        unsigned records = 0;
        while (vec_next(v)) {
            uint8_t key[32], iv[AES128_BLOCK_LEN], plain[64], cipher[64];
            if (vec_hex(v, "key", key, sizeof key) != AES128_KEY_LEN)
                continue;
            vec_hex(v, "iv", iv, sizeof iv);
            size_t len = vec_hex(v, "plain", plain, sizeof plain);
            vec_hex(v, "cipher", cipher, sizeof cipher);
            struct aes128 a = keyed(kinds[i], AES128_STREAM, key);
            ck_ok(kinds[i]->stream(&a, iv, plain, len));
            ck_assert_mem_eq(plain, cipher, len);
            aes128_free(&a);
            records++;
        }
        ck_assert_uint_eq(records, 1);
        vec_close(v);
    }
}
END_TEST

/* Of any length, each beginning anew at its counter, with one key after the other; the counter runs
 * over its 8, 64 and 128 bits. */
START_TEST(test_aes128_streams_are_as_those_that_run_on)
{
    const struct aes128_kind *kinds[KINDS];
    size_t n = kinds_here(kinds);
    struct env *env = test_env(1);
    struct aes128 a[KINDS];
    for (size_t i = 0; i < n; i++)
        ck_ok(aes128_init(&a[i], kinds[i], AES128_STREAM));
    for (size_t len = 0; len < BYTES; len++) {
        uint8_t key[AES128_KEY_LEN], iv[AES128_BLOCK_LEN], bytes[BYTES], want[BYTES], got[BYTES];
        env_random(env, key, sizeof key);
        env_random(env, iv, sizeof iv);
        env_random(env, bytes, sizeof bytes);
        memset(iv + len % 3 * 8, 0xff, sizeof iv - len % 3 * 8);
        memcpy(want, bytes, sizeof want);
        struct aes_ctr *runs_on = aes_ctr_new(key, 128, iv);
        ck_ok(aes_ctr_xor(runs_on, want, len));
        aes_ctr_free(runs_on);
        for (size_t i = 0; i < n; i++) {
            ck_ok(kinds[i]->rekey(&a[i], key));
            for (unsigned times = 0; times < 2; times++) {
                memcpy(got, bytes, sizeof got);
                ck_ok(kinds[i]->stream(&a[i], iv, got, len));
                ck_assert_mem_eq(got, want, sizeof got);
            }
        }
    }
    for (size_t i = 0; i < n; i++)
        aes128_free(&a[i]);
    test_env_free(env);
}
END_TEST

START_TEST(test_aes128_blocks_agree)
{
    const struct aes128_kind *kinds[KINDS];
    size_t n = kinds_here(kinds);
    struct env *env = test_env(2);
    uint8_t key[AES128_KEY_LEN], block[AES128_BLOCK_LEN], was[AES128_BLOCK_LEN];
    env_random(env, key, sizeof key);
    struct aes128 there = keyed(kinds[n - 1], AES128_ENCRYPT, key);
    struct aes128 back = keyed(kinds[0], AES128_DECRYPT, key);
    for (unsigned round = 0; round < 1000; round++) {
        if (round % 10 == 0) {
            env_random(env, key, sizeof key);
            ck_ok(there.kind->rekey(&there, key));
            ck_ok(back.kind->rekey(&back, key));
        }
        env_random(env, block, sizeof block);
        memcpy(was, block, sizeof was);
        ck_ok(there.kind->block(&there, block));
        ck_assert_mem_ne(block, was, sizeof block);
        ck_ok(back.kind->block(&back, block));
        ck_assert_mem_eq(block, was, sizeof block);
    }
    aes128_free(&there);
    aes128_free(&back);
    test_env_free(env);
}
END_TEST

START_TEST(test_aes128_free_wipes)
{
    static const uint8_t key[AES128_KEY_LEN] = {1}, zeros[AES128_SCHEDULE_LEN];
    const struct aes128_kind *kinds[KINDS];
    for (size_t i = 0, n = kinds_here(kinds); i < n; i++) {
        struct aes128 a = keyed(kinds[i], AES128_ENCRYPT, key);
        aes128_free(&a);
        ck_assert_mem_eq(a.schedule, zeros, sizeof zeros);
        aes128_free(&a);
    }
}
END_TEST

enum { STACK = 256 * 1024 };

struct on_stack {
    struct aes128 *a;
    uint8_t *bytes;
    size_t len;
    err_t e;
};

static void *add_stream(void *arg)
{
    static const uint8_t iv[AES128_BLOCK_LEN] = {7};
    struct on_stack *o = arg;
    /* So far down that nothing else of the thread comes there. */
    volatile uint8_t above[STACK / 2];
    above[0] = above[sizeof above - 1] = 1;
    o->e = o->a->kind->stream(o->a, iv, o->bytes, o->len);
    return NULL;
}

/* Whether a block of what was added to BYTES, which were all ones, lies in STACK. */
static bool is_left(const uint8_t *stack, const uint8_t *bytes, size_t len)
{
    uint8_t block[AES128_BLOCK_LEN];
    for (size_t at = 0; at + sizeof block <= len; at += sizeof block) {
        for (size_t i = 0; i < sizeof block; i++)
            block[i] = bytes[at + i] ^ 0xff;
        if (memmem(stack, STACK, block, sizeof block))
            return true;
    }
    return false;
}

/* Each length has its own way through the last blocks. What OpenSSL leaves is its own. */
START_TEST(test_aes128_stream_leaves_no_key_stream_behind)
{
    static const size_t lens[] = {15, 16, 100, 127, 128, 135, 250, 493, 509};
    static const uint8_t key[AES128_KEY_LEN] = {1};
    const struct aes128_kind *kinds[KINDS];
    pthread_attr_t attr;
#ifdef __SANITIZE_ADDRESS__
    puts("not looked at: what lies on the stack, since AddressSanitizer's code spills registers");
    return;
#endif
    uint8_t *stack = aligned_alloc(4096, STACK), bytes[509];
    ck_assert_ptr_nonnull(stack);
    pthread_attr_init(&attr);
    ck_assert_int_eq(pthread_attr_setstack(&attr, stack, STACK), 0);
    for (size_t i = 1, n = kinds_here(kinds); i < n; i++)
        for (size_t l = 0; l < sizeof lens / sizeof lens[0]; l++) {
            struct aes128 a = keyed(kinds[i], AES128_STREAM, key);
            struct on_stack o = {&a, bytes, lens[l], OK};
            pthread_t thread;
            memset(bytes, 0xff, sizeof bytes);
            memset(stack, 0, STACK);
            ck_assert_int_eq(pthread_create(&thread, &attr, add_stream, &o), 0);
            pthread_join(thread, NULL);
            ck_ok(o.e);
            ck_assert_msg(!is_left(stack, bytes, lens[l]), "way %zu, %zu bytes", i, lens[l]);
            aes128_free(&a);
        }
    pthread_attr_destroy(&attr);
    free(stack);
}
END_TEST

TESTS("crypto/aes128", test_aes128_block_published_vector, test_aes128_stream_published_vectors,
      test_aes128_streams_are_as_those_that_run_on, test_aes128_blocks_agree,
      test_aes128_free_wipes, test_aes128_stream_leaves_no_key_stream_behind)
