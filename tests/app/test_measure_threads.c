/* Threads of a measurer with nobody to measure; relays are measured by
 * tests/net/test_measure_run.py. */
#include "app/measure/threads.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "measure/consent.h"
#include "measure/parts.h"
#include "support/test.h"

static struct {
    struct log log;
    struct net *net;
    struct threads *threads;
    unsigned ends, connected;
    struct meas_failure failure;
} t;

static void on_connected(void *arg, const struct connected_to_relay *c)
{
    (void)arg, (void)c;
    t.connected++;
}

static void on_report(void *arg, const struct bw_report *r)
{
    (void)arg, (void)r;
}

static void on_end(void *arg, const struct meas_failure *failure)
{
    ck_assert_ptr_eq(arg, &t);
    ck_assert_ptr_nonnull(failure);
    t.failure = *failure;
    t.ends++;
    net_stop(t.net);
}

static const struct measurement_ops ops = {on_connected, on_report, on_end};

static void setup(unsigned n)
{
    memset(&t, 0, sizeof t);
    t.log = (struct log){.least = LOG_ERR + 1};
    ck_ok(net_new(&t.log, NULL, &t.net));
    const struct threads_config config = {.net = t.net, .open_over_ms = 10};
    ck_ok(threads_new(&config, n, &t.threads));
}

static void teardown(void)
{
    threads_free(t.threads);
    net_free(t.net);
}

/* Of a relay at a port where nobody is: port 1 of loopback. */
static struct connect_to_relay told_of(unsigned n_circs)
{
    struct connect_to_relay told = {.meas_id = 3,
                                    .relay = {.n_addrs = 1},
                                    .n_circs = n_circs,
                                    .alloc_bw = 100000,
                                    .dur = 5,
                                    .check = 1,
                                    .echo = MEAS_ECHO_RAW};
    told.relay.addrs[0] = (struct ipport){{.family = IP_V4, .b = {127, 0, 0, 1}}, 1};
    return told;
}

START_TEST(test_threads_say_together_what_each_met)
{
    static const unsigned circs[] = {1, 2, 3, 10};
    struct threaded *j;
    setup(3);
    for (size_t i = 0; i < sizeof circs / sizeof *circs; i++) {
        const struct connect_to_relay told = told_of(circs[i]);
        char want[60];
        t.ends = 0;
        ck_ok(threaded_new(t.threads, "m1", &told, &ops, &t, &j));
        net_run(t.net);
        ck_assert_uint_eq(t.ends, 1);
        ck_assert_int_eq(t.failure.code, MEAS_LAUNCH_CIRCS);
        ck_assert_uint_eq(t.failure.meas_id, 3);
        snprintf(want, sizeof want, "of %u circuits failed: ", circs[i]);
        ck_assert_msg(strstr(t.failure.info, want), "%s", t.failure.info);
        threaded_free(j);
    }
    ck_assert_uint_eq(t.connected, 0);
    teardown();
}
END_TEST

static void *hang_up(void *listener)
{
    static unsigned n;
    int fd;
    while ((fd = accept(*(int *)listener, NULL, NULL)) >= 0) {
        n++;
        close(fd);
    }
    return &n;
}

/* Of a relay that is not of this computer, and agrees to nothing: links are tried one after the
 * other, three in all, however many threads there are. */
START_TEST(test_threads_have_few_tries_together)
{
    struct connect_to_relay told = told_of(80);
    struct sockaddr_in at = {.sin_family = AF_INET};
    socklen_t len = sizeof at;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct threaded *j;
    pthread_t thread;
    void *n;
    ck_assert_int_eq(bind(listener, (struct sockaddr *)&at, sizeof at), 0);
    ck_assert_int_eq(listen(listener, 100), 0);
    ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&at, &len), 0);
    setup(8);
    ck_assert_int_eq(pthread_create(&thread, NULL, hang_up, &listener), 0);
    /* 0.0.0.0 leads here, too, and is no loopback. */
    told.relay.addrs[0] = (struct ipport){{.family = IP_V4}, ntohs(at.sin_port)};
    ck_assert(!consent_is_free(&told.relay.addrs[0]));
    ck_ok(threaded_new(t.threads, "m1", &told, &ops, &t, &j));
    net_run(t.net);
    ck_assert_uint_eq(t.ends, 1);
    ck_assert_int_eq(t.failure.code, MEAS_LAUNCH_CIRCS);
    threaded_free(j);
    teardown();
    shutdown(listener, SHUT_RDWR);
    pthread_join(thread, &n);
    ck_assert_uint_eq(*(unsigned *)n, 3);
    close(listener);
}
END_TEST

START_TEST(test_threads_are_told_to_stop)
{
    struct connect_to_relay told = told_of(8);
    struct threaded *j;
    setup(2);
    ck_ok(threaded_new(t.threads, "m1", &told, &ops, &t, &j));
    threaded_heard(j);
    threaded_alloc(j, 5);
    ck_ok(threaded_go(j)); /* not yet: its threads say so, if they come to it */
    threaded_stop(j, MEAS_CANCELLED, "somebody said so");
    net_run(t.net);
    ck_assert_uint_eq(t.ends, 1);
    threaded_free(j);
    teardown();
}
END_TEST

START_TEST(test_threads_end_with_measurements_under_way)
{
    const struct connect_to_relay told = told_of(8);
    struct threaded *j;
    setup(4);
    for (unsigned i = 0; i < 5; i++)
        ck_ok(threaded_new(t.threads, "m1", &told, &ops, &t, &j));
    teardown();
    ck_assert_uint_eq(t.ends, 0);
    threads_free(NULL);
    threaded_free(NULL);
}
END_TEST

START_TEST(test_threads_what_makes_no_sense)
{
    struct connect_to_relay told = told_of(0);
    struct threads *more;
    struct threaded *j;
    setup(1);
    ck_err(threaded_new(t.threads, "m1", &told, &ops, &t, &j), ERR_ARG);
    told = told_of(2);
    told.mode = MEAS_ECHO2;
    ck_err(threaded_new(t.threads, "m1", &told, &ops, &t, &j), ERR_ARG);
    const struct threads_config config = {.net = t.net};
    ck_err(threads_new(&config, 0, &more), ERR_ARG);
    ck_err(threads_new(&config, PARTS_MOST + 1, &more), ERR_ARG);
    teardown();
}
END_TEST

TESTS("app/measure/threads", test_threads_say_together_what_each_met, test_threads_are_told_to_stop,
      test_threads_have_few_tries_together, test_threads_end_with_measurements_under_way,
      test_threads_what_makes_no_sense)
