/* Threads of a measurer end without memory, too: what one still has is freed after it has ended. */
#include "app/measure/threads.h"

#include "support/nomem.h"
#include "support/test.h"

enum { THREADS = 3 };

START_TEST(test_nomem_threads_end_without_memory)
{
    struct log log = {.least = LOG_ERR + 1};
    struct net *net;
    struct threads *threads;
    struct threads_config config = {.open_over_ms = 10};
    ck_ok(net_new(&log, NULL, &net));
    config.net = net;
    int64_t before = nomem.live;
    ck_ok(threads_new(&config, THREADS, &threads));
    nomem_begin(1, UINT64_MAX / 2);
    nomem_in();
    threads_free(threads);
    nomem_out();
    ck_assert_int_eq(nomem.live, before);
    net_free(net);
}
END_TEST

/* One after the other fails: whoever has begun is ended. */
START_TEST(test_nomem_threads_that_do_not_begin)
{
    struct log log = {.least = LOG_ERR + 1};
    struct net *net;
    struct threads *threads;
    struct threads_config config = {.open_over_ms = 10};
    err_t e = ERR_NOMEM;
    ck_ok(net_new(&log, NULL, &net));
    config.net = net;
    for (uint64_t k = 1; e != OK; k++) {
        int64_t before = nomem.live;
        nomem_begin(k, 1);
        nomem_in();
        e = threads_new(&config, 1, &threads);
        nomem_out();
        if (e == OK)
            threads_free(threads);
        ck_assert_msg(nomem.live == before, "%llu", (unsigned long long)k);
    }
    net_free(net);
}
END_TEST

TESTS("app/nomem_threads", test_nomem_threads_end_without_memory,
      test_nomem_threads_that_do_not_begin)
