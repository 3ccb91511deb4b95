/* When a client that nobody uses leaves the network alone, and what of it outlives a run. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/client.h"
#include "client/tunnel.h"
#include "conf/capture.h"
#include "link/link.h"
#include "support/test.h"

#define IDLE  "No user activity in a long time: becoming dormant."
#define AWAKE "is no longer dormant"

static struct {
    struct env *env;
    struct log *log; /* the environment's own */
    struct capture *said;
    struct client_config config;
    struct client *client;
    unsigned dials;
    char state[4096]; /* as it was stored last */
} t;

static void dial(void *world, struct link *l, const struct reach *to)
{
    (void)world, (void)l, (void)to;
    t.dials++;
}

static void no_link(void *world, struct link *l)
{
    (void)world, (void)l;
}

static err_t store(void *world, const char *name, const struct text *parts, size_t n, bool append)
{
    (void)world, (void)append;
    ck_assert_uint_eq(n, 1);
    if (strcmp(name, "state") == 0)
        snprintf(t.state, sizeof t.state, "%.*s", TEXT_ARG(*parts));
    return OK;
}

static err_t read_back(void *world, const char *name, struct blob *out)
{
    (void)world, (void)name, (void)out;
    return ERR_NOT_FOUND;
}

static err_t set_aside(void *world, const char *name)
{
    (void)world, (void)name;
    return OK;
}

/* An hour after the machine began, and patience of so many seconds (0: for ever). */
static void setup(uint32_t after_s)
{
    memset(&t, 0, sizeof t);
    t.env = test_env(1);
    t.said = capture_new();
    t.said->log.least = LOG_NOTICE;
    t.log = t.env->log;
    t.env->log = &t.said->log;
    t.config = client_config_defaults(false);
    t.config.dormant_after_s = after_s;
    test_env_advance_ms(t.env, UINT64_C(3600) * 1000);
}

static void start(const char *state)
{
    static const struct client_world ops = {.dial = dial,
                                            .output = no_link,
                                            .hangup = no_link,
                                            .store = store,
                                            .read_back = read_back,
                                            .set_aside = set_aside};
    char why[CLIENT_WHY_MAX];
    ck_ok(client_new(t.env, &t.config, &ops, NULL, &t.client, why));
    if (state)
        ck_ok(client_load(t.client, "state", blob_copy(text_of(state))));
    client_start(t.client);
}

static void teardown(void)
{
    client_free(t.client);
    t.env->log = t.log;
    free(t.said);
    test_env_free(t.env);
}

static void pass_s(uint64_t seconds)
{
    test_env_advance_ms(t.env, seconds * 1000);
}

static bool said(const char *line)
{
    return strstr(t.said->text, line) != NULL;
}

/* TEXT is in the state that it leaves behind. */
static void assert_leaves(const char *text)
{
    client_free(t.client);
    t.client = NULL;
    ck_assert_msg(strstr(t.state, text) != NULL, "no %s in %s", text, t.state);
}

static const struct tunnel_request web = {
    .kind = TUNNEL_CONNECT, .host = "web.test", .port = 80, .ipv4_ok = true};
static const struct tunnel_ops no_ops;

START_TEST(test_client_is_dormant_when_its_time_is_over)
{
    setup(1000);
    start(NULL);
    pass_s(0);
    ck_assert_uint_gt(t.dials, 0);
    pass_s(1199); /* it looks each five minutes */
    ck_assert(!said(IDLE));
    pass_s(2);
    ck_assert(said(IDLE));
    unsigned dials = t.dials;
    pass_s(7200);
    ck_assert_uint_eq(t.dials, dials);
    assert_leaves("\nDormant 1\nMinutesSinceUserActivity 0\n");
    teardown();
}
END_TEST

START_TEST(test_client_that_is_used_is_not_dormant)
{
    setup(1000);
    start(NULL);
    pass_s(900);
    client_be_active(t.client);
    pass_s(900);
    ck_assert(!said(IDLE));
    pass_s(301);
    ck_assert(said(IDLE) && !said(AWAKE));
    ck_assert_ptr_nonnull(tunnel_open(t.client, &web, &no_ops, NULL));
    ck_assert(said(AWAKE));
    teardown();
}
END_TEST

START_TEST(test_client_with_a_stream_is_dormant_only_if_it_may)
{
    for (int never = 0; never < 2; never++) {
        setup(60);
        t.config.dormant_never_with_streams = never;
        t.config.socks_timeout_s = 3600;
        start(NULL);
        struct tunnel *tunnel = tunnel_open(t.client, &web, &no_ops, NULL);
        ck_assert_ptr_nonnull(tunnel);
        pass_s(300);
        ck_assert(said(IDLE) == !never);
        tunnel_close(tunnel, 0);
        pass_s(59); /* from the last look at it */
        ck_assert(said(IDLE) == !never);
        pass_s(62);
        ck_assert(said(IDLE));
        teardown();
    }
}
END_TEST

START_TEST(test_client_without_such_a_time_stays)
{
    setup(0);
    start("Dormant 1\n");
    pass_s(86400);
    ck_assert(!said(IDLE) && t.dials > 0);
    assert_leaves("\nDormant 0\n");
    teardown();
}
END_TEST

START_TEST(test_client_goes_on_where_the_last_run_was)
{
    setup(3600);
    start("Dormant 0\nMinutesSinceUserActivity 50\n");
    pass_s(599);
    ck_assert(!said(IDLE));
    pass_s(2);
    ck_assert(said(IDLE));
    teardown();
    setup(3600);
    start("Dormant 1\nMinutesSinceUserActivity 50\n");
    pass_s(600);
    ck_assert(t.dials == 0 && !said(IDLE)); /* it is that already */
    client_be_active(t.client);
    pass_s(3000); /* those minutes are over, too */
    ck_assert(said(AWAKE) && !said(IDLE) && t.dials > 0);
    teardown();
    setup(3600);
    start("Dormant 0\nMinutesSinceUserActivity 5\n");
    pass_s(130);
    client_be_dormant(t.client);
    client_be_active(t.client);
    pass_s(179);
    ck_assert_uint_gt(t.dials, 0);
    assert_leaves("\nMinutesSinceUserActivity 2\n");
    teardown();
}
END_TEST

START_TEST(test_client_that_was_idle_for_longer_than_the_machine_runs)
{
    setup(7200);
    start("Dormant 0\nMinutesSinceUserActivity 600\n");
    pass_s(3599);
    ck_assert(!said(IDLE));
    pass_s(301);
    ck_assert(said(IDLE));
    teardown();
}
END_TEST

START_TEST(test_client_is_dormant_at_its_first_start_if_so_told)
{
    static const struct {
        const char *state;
        bool at_first, ends, dormant;
    } rows[] = {
        {NULL, false, false, false},         {NULL, true, false, true},
        {NULL, true, true, false},           {"Dormant 0\n", true, false, false},
        {"Dormant 1\n", false, false, true}, {"Dormant 1\n", false, true, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        setup(86400);
        t.config.dormant_at_first = rows[i].at_first;
        t.config.dormant_ends_at_start = rows[i].ends;
        start(rows[i].state);
        pass_s(100);
        ck_assert_msg((t.dials == 0) == rows[i].dormant, "row %zu: %u", i, t.dials);
        teardown();
    }
}
END_TEST

TESTS("client/dormant", test_client_is_dormant_when_its_time_is_over,
      test_client_that_is_used_is_not_dormant, test_client_with_a_stream_is_dormant_only_if_it_may,
      test_client_without_such_a_time_stays, test_client_goes_on_where_the_last_run_was,
      test_client_that_was_idle_for_longer_than_the_machine_runs,
      test_client_is_dormant_at_its_first_start_if_so_told)
