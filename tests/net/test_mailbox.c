/* Letters to a loop: their order, from other threads, and what becomes of those nobody reads. */
#include "net/mailbox.h"

#include <pthread.h>

#include "net/net.h"
#include "support/test.h"

enum { WRITERS = 3, EACH = 500 };

struct note {
    struct letter letter;
    unsigned writer, number;
};

static struct {
    struct log log;
    struct net *net;
    struct mailbox *box;
    unsigned got[WRITERS], all, stop_at;
} t;

static void on_letter(void *arg, const struct letter *letter)
{
    const struct note *n = (const struct note *)letter;
    ck_assert_ptr_eq(arg, &t);
    ck_assert_uint_eq(letter->size, sizeof *n);
    ck_assert_uint_eq(n->number, t.got[n->writer]++);
    if (++t.all == t.stop_at)
        net_stop(t.net);
}

static void setup(void)
{
    memset(&t, 0, sizeof t);
    t.log = (struct log){.least = LOG_ERR + 1};
    ck_ok(net_new(&t.log, NULL, &t.net));
    ck_ok(mailbox_new(t.net, on_letter, &t, &t.box));
}

static void teardown(void)
{
    mailbox_free(t.box);
    net_free(t.net);
}

static void post(unsigned writer, unsigned number)
{
    struct note *n = letter_new(sizeof *n);
    ck_assert_ptr_nonnull(n);
    n->writer = writer;
    n->number = number;
    mailbox_post(t.box, n);
}

START_TEST(test_mailbox_letters_come_in_their_order)
{
    setup();
    t.stop_at = 20;
    for (unsigned i = 0; i < 20; i++)
        post(0, i);
    ck_assert_uint_eq(t.all, 0); /* in the loop, and nowhere else */
    net_run(t.net);
    ck_assert_uint_eq(t.all, 20);
    teardown();
}
END_TEST

static void *write_all(void *writer)
{
    for (unsigned i = 0; i < EACH; i++)
        post((unsigned)(uintptr_t)writer, i);
    return NULL;
}

START_TEST(test_mailbox_writers_of_other_threads)
{
    pthread_t id[WRITERS];
    setup();
    t.stop_at = WRITERS * EACH;
    for (uintptr_t i = 0; i < WRITERS; i++)
        ck_assert_int_eq(pthread_create(&id[i], NULL, write_all, (void *)i), 0);
    net_run(t.net);
    for (unsigned i = 0; i < WRITERS; i++) {
        ck_assert_uint_eq(t.got[i], EACH);
        ck_assert_int_eq(pthread_join(id[i], NULL), 0);
    }
    teardown();
}
END_TEST

/* Under sanitizers this shows a leak. */
START_TEST(test_mailbox_what_nobody_reads_goes_with_it)
{
    setup();
    post(0, 0);
    post(0, 1);
    letter_free(letter_new(sizeof(struct note)));
    letter_free(NULL);
    teardown();
    mailbox_free(NULL);
}
END_TEST

TESTS("net/mailbox", test_mailbox_letters_come_in_their_order,
      test_mailbox_writers_of_other_threads, test_mailbox_what_nobody_reads_goes_with_it)
