#include "support/test.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crypto/secret.h"

static void *init(void *result)
{
    *(err_t *)result = crypto_init();
    return NULL;
}

START_TEST(test_secret_init_may_run_again_and_in_threads)
{
    enum { THREADS = 8 };
    pthread_t threads[THREADS];
    err_t results[THREADS];
    for (int i = 0; i < THREADS; i++) {
        results[i] = ERR_BUG;
        ck_assert_int_eq(pthread_create(&threads[i], NULL, init, &results[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
        ck_assert_int_eq(results[i], OK);
    }
    ck_ok(crypto_init());
}
END_TEST

START_TEST(test_secret_memory_holds_bytes)
{
    ck_ok(crypto_init());
    char *s = secret_new(33);
    ck_assert_ptr_nonnull(s);
    memset(s, 0x5a, 33);
    ck_assert_int_eq(s[32], 0x5a);
    secret_free(s);
    secret_free(NULL);
}
END_TEST

START_TEST(test_secret_write_past_the_end_is_caught)
{
    ck_ok(crypto_init());
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        signal(SIGSEGV, SIG_DFL); /* a sanitizer would report it and exit */
        volatile char *s = secret_new(32);
        s[32] = 1; /* the guard page */
        _exit(0);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status));
    ck_assert_int_eq(WTERMSIG(status), SIGSEGV);
}
END_TEST

START_TEST(test_secret_wipe_zeroes)
{
    static const uint8_t zero[40];
    uint8_t s[40];
    memset(s, 1, sizeof s);
    secret_wipe(s, sizeof s);
    ck_assert_mem_eq(s, zero, sizeof s);
}
END_TEST

START_TEST(test_secret_equal_sees_every_byte)
{
    uint8_t a[32] = {0}, b[32] = {0};
    ck_assert(secret_equal(a, b, sizeof a));
    for (size_t i = 0; i < sizeof b; i++) {
        b[i] = 0x80;
        ck_assert(!secret_equal(a, b, sizeof a));
        b[i] = 0;
    }
    ck_assert(secret_equal(a, b, 0));
}
END_TEST

START_TEST(test_secret_random_differs)
{
    uint8_t a[32], b[32];
    ck_ok(crypto_init());
    crypto_random(NULL, a, sizeof a);
    crypto_random(NULL, b, sizeof b);
    ck_assert_mem_ne(a, b, sizeof a);
}
END_TEST

TESTS("crypto/secret", test_secret_init_may_run_again_and_in_threads,
      test_secret_memory_holds_bytes, test_secret_write_past_the_end_is_caught,
      test_secret_wipe_zeroes, test_secret_equal_sees_every_byte, test_secret_random_differs)
