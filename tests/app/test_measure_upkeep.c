#include "app/measure/upkeep.h"

#include <string.h>
#include <sys/resource.h>

#include "measure/listing.h"
#include "support/test.h"

static unsigned told;

static void done(void *arg, unsigned number, const char *json)
{
    (void)arg, (void)number;
    ck_assert_ptr_nonnull(json);
    told++;
}

/* Whoever asks hears of it at once: he is not waiting yet when done() would tell. */
START_TEST(test_upkeep_without_a_process_says_so)
{
    static struct mconf_coord conf;
    static const struct upkeep_ops ops = {done, NULL};
    const struct sha256 pin = {{0}};
    struct log log = {.least = LOG_ERR};
    struct listing *l = listing_new(&pin);
    struct rlimit before, none;
    struct net *net;
    ck_ok(net_new(&log, NULL, &net));
    struct upkeep *u = upkeep_new(net, &conf, l, &ops);
    ck_assert_ptr_nonnull(u);
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    none.rlim_cur = 3;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    ck_assert_uint_eq(upkeep_ask(u), 0);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
    ck_assert_uint_eq(told, 0);
    ck_assert_uint_eq(upkeep_failures(u), 1);
    unsigned first = upkeep_ask(u);
    ck_assert_uint_gt(first, 0);
    ck_assert_uint_eq(upkeep_ask(u), first + 1); /* another one, behind it */
    ck_assert_uint_eq(upkeep_ask(u), first + 1);
    upkeep_free(u);
    listing_free(l);
    net_free(net);
}
END_TEST

TESTS("app/measure_upkeep", test_upkeep_without_a_process_says_so)
