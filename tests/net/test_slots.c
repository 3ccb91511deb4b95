#include "net/slots.h"

#include <event2/event.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "net/net_int.h"
#include "support/test.h"

static unsigned allocated; /* by libevent */

static void *counting_malloc(size_t len)
{
    allocated++;
    return malloc(len);
}

static void *counting_realloc(void *p, size_t len)
{
    allocated++;
    return realloc(p, len);
}

static void nothing(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what, (void)arg;
}

/* How often polling FD makes libevent allocate. */
static unsigned allocations_for(struct net *n, int fd)
{
    struct event *e = event_new(n->base, fd, EV_READ, nothing, NULL);
    ck_assert_ptr_nonnull(e);
    unsigned before = allocated;
    ck_assert_int_eq(event_add(e, NULL), 0);
    unsigned made = allocated - before;
    event_free(e);
    return made;
}

START_TEST(test_slots_are_there_for_the_descriptors_to_come)
{
    struct log log = {.least = LOG_ERR};
    struct net *n;
    int pair[2];
    event_set_mem_functions(counting_malloc, counting_realloc, free);
    ck_ok(net_new(&log, NULL, &n));
    ck_assert_int_eq(pipe(pair), 0);
    ck_assert_uint_gt(allocations_for(n, pair[0]), 0); /* so it is one for each, otherwise */
    slots_for(n, pair[1]);
    int next = dup(pair[0]);
    ck_assert_uint_eq(allocations_for(n, next), 0);
    int after = fcntl(pair[0], F_DUPFD, next + 40);
    ck_assert_uint_eq(allocations_for(n, after), 0);
    unsigned before = allocated;
    slots_for(n, after); /* which has its own already */
    ck_assert_uint_eq(allocated, before);
    close(after);
    close(next);
    close(pair[0]);
    close(pair[1]);
    net_free(n);
}
END_TEST

TESTS("net/slots", test_slots_are_there_for_the_descriptors_to_come)
