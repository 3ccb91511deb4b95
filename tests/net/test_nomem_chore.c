/* Memory runs out, libevent's too, while work is given to another process and its answer is waited
 * for: it is done, and all that it said is heard, or it is told that it was not; no process is left
 * behind, and nothing leaks. */
#include "net/chore.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/nomem.h"
#include "support/test.h"

static const char SAID[] = "this is what it says";

static struct {
    struct log log;
    struct net *net;
    bool by_pieces;
    unsigned dones;
    bool good;
    char said[100], heard[100];
} t;

static bool work(void *arg, int to)
{
    (void)arg;
    return write(to, SAID, sizeof SAID - 1) == sizeof SAID - 1;
}

static void done(void *arg, bool good, struct text said)
{
    (void)arg;
    t.dones++;
    t.good = good;
    snprintf(t.said, sizeof t.said, "%.*s", TEXT_ARG(said));
}

static void heard(void *arg, struct text piece)
{
    (void)arg;
    snprintf(t.heard + strlen(t.heard), sizeof t.heard - strlen(t.heard), "%.*s", TEXT_ARG(piece));
}

static void once(uint64_t k)
{
    const struct chore_work of = {.work = work, .done = done, .heard = t.by_pieces ? heard : NULL};
    struct chore *c = NULL;
    int64_t live = nomem.live;
    t.dones = 0;
    t.heard[0] = t.said[0] = 0;
    nomem_begin(k, 1);
    nomem_in();
    err_t e = chore_start(t.net, &of, &c);
    while (e == OK && !t.dones)
        if (net_turn(t.net, true) != OK)
            break;
    (void)nomem_out();
    ck_assert(e == OK || e == ERR_NOMEM);
    ck_assert_uint_eq(t.dones, e == OK);
    const char *said = t.by_pieces ? t.heard : t.said;
    if (e == OK)
        ck_assert_msg(!t.good || !strcmp(said, SAID), "%llu: \"%s\"", (unsigned long long)k, said);
    ck_assert(nomem.failed || (e == OK && t.good));
    ck_assert(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD);
    if (k) /* else with all that is made once */
        ck_assert_int_eq(nomem.live, live);
}

static void sweep(bool by_pieces)
{
    uint64_t k = 0;
    memset(&t, 0, sizeof t);
    t.by_pieces = by_pieces;
    t.log = (struct log){.least = LOG_ERR};
    event_set_mem_functions(__wrap_malloc, __wrap_realloc, __wrap_free);
    ck_ok(net_new(&t.log, NULL, &t.net));
    once(0);
    do
        once(++k);
    while (nomem.failed);
    ck_assert_uint_gt(k, 2);
    net_free(t.net);
}

START_TEST(test_nomem_chore_that_says_all_at_the_end)
{
    sweep(false);
}
END_TEST

START_TEST(test_nomem_chore_that_is_heard_as_it_speaks)
{
    sweep(true);
}
END_TEST

TESTS("net/nomem_chore", test_nomem_chore_that_says_all_at_the_end,
      test_nomem_chore_that_is_heard_as_it_speaks)
