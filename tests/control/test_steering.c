/* What goes on longer than its command: identities, signals, look-ups, streams left behind. */
#include "control/steering.h"

#include <stdio.h>
#include <string.h>

#include "client/client.h"
#include "client/events.h"
#include "control/control.h"
#include "support/quietworld.h"
#include "support/test.h"

struct fixture {
    struct env *env;
    struct quiet_world world;
    struct client *client;
    struct control *control;
    struct steering *steering;
    struct event_listener listener;
    char told[600]; /* "NEWNYM;" "from to error stream;" "STREAMS_LEFT_UNATTACHED 0;" */
};

static void on_event(void *arg, const struct event_record *e)
{
    struct fixture *f = arg;
    size_t len = strlen(f->told);
    char *at = f->told + len;
    if (e->kind == EVENT_ADDRMAP)
        snprintf(at, sizeof f->told - len, "%s %s %s %llu;", e->addrmap.from, e->addrmap.to,
                 e->addrmap.error ? e->addrmap.error : "-", (unsigned long long)e->addrmap.stream);
    else if (e->kind == EVENT_STATUS)
        snprintf(at, sizeof f->told - len, "%s %u;", event_name(e), e->status.number);
    else
        snprintf(at, sizeof f->told - len, "%s;", event_name(e));
}

static void settle(struct fixture *f)
{
    for (int i = 0; i < 4; i++)
        test_env_advance_ms(f->env, 0);
}

static void setup(struct fixture *f)
{
    static const struct client_world no_world;
    const struct client_config config = client_config_defaults(false);
    char why[CLIENT_WHY_MAX];
    *f = (struct fixture){.env = test_env(1)};
    ck_assert(quiet_begin(&f->world));
    err_t e = client_new(f->env, &config, &no_world, NULL, &f->client, why);
    ck_assert_msg(e == OK, "%s", why);
    f->control = control_new(f->env, f->client, &quiet_ops, &f->world);
    f->steering = control_steering(f->control);
    f->listener = (struct event_listener){.on_event = on_event, .arg = f};
    client_listen(f->client, &f->listener,
                  EVENT_BIT(EVENT_SIGNAL) | EVENT_BIT(EVENT_ADDRMAP) | EVENT_BIT(EVENT_STATUS));
}

static void teardown(struct fixture *f)
{
    control_free(f->control);
    client_free(f->client);
    quiet_end(&f->world);
    test_env_free(f->env);
}

START_TEST(test_steering_gives_an_identity_each_ten_seconds)
{
    struct fixture f;
    setup(&f);
    steering_signal(f.steering, SIGNAL_NEWNYM);
    settle(&f);
    ck_assert_str_eq(f.told, "NEWNYM;"); /* the first at once */
    test_env_advance_ms(f.env, 4000);
    for (int i = 0; i < 3; i++)
        steering_signal(f.steering, SIGNAL_NEWNYM);
    test_env_advance_ms(f.env, 5900);
    ck_assert_str_eq(f.told, "NEWNYM;");
    test_env_advance_ms(f.env, 200);
    settle(&f);
    ck_assert_str_eq(f.told, "NEWNYM;NEWNYM;"); /* for all of them */
    test_env_advance_ms(f.env, 60000);
    ck_assert_str_eq(f.told, "NEWNYM;NEWNYM;");
    teardown(&f);
}
END_TEST

START_TEST(test_steering_carries_signals_out_in_their_order)
{
    struct fixture f;
    setup(&f);
    steering_signal(f.steering, SIGNAL_DORMANT);
    steering_signal(f.steering, SIGNAL_ACTIVE);
    steering_signal(f.steering, SIGNAL_CLEARDNSCACHE);
    steering_signal(f.steering, SIGNAL_RELOAD);
    ck_assert_str_eq(f.told, "");
    ck_assert_uint_eq(f.world.signals, 0); /* not inside of the command */
    settle(&f);
    ck_assert_str_eq(f.told, "DORMANT;ACTIVE;CLEARDNSCACHE;");
    ck_assert_uint_eq(f.world.signals, 1u << SIGNAL_RELOAD); /* the process's affair */
    f.told[0] = 0;
    for (int i = 0; i < 2 * STEERING_SIGNALS_MOST; i++)
        steering_signal(f.steering, SIGNAL_ACTIVE);
    settle(&f);
    ck_assert_uint_eq(strlen(f.told), STEERING_SIGNALS_MOST * strlen("ACTIVE;"));
    steering_signal(f.steering, SIGNAL_ACTIVE); /* nobody is there any more */
    teardown(&f);
}
END_TEST

START_TEST(test_steering_tells_what_look_ups_come_to)
{
    struct fixture f;
    setup(&f);
    steering_resolve(f.steering, "192.0.2.1", false);
    steering_resolve(f.steering, "x.onion", false);
    settle(&f);
    ck_assert_ptr_nonnull(strstr(f.told, "192.0.2.1 192.0.2.1 - 1;"));
    ck_assert_ptr_nonnull(strstr(f.told, "x.onion <error> error=yes 2;"));
    teardown(&f);
}
END_TEST

START_TEST(test_steering_tells_of_look_ups_that_cannot_be)
{
    struct fixture f;
    char name[400];
    setup(&f);
    memset(name, 'a', sizeof name);
    name[sizeof name - 1] = 0;
    steering_resolve(f.steering, "no.address", true);
    steering_resolve(f.steering, "", true);
    settle(&f);
    ck_assert_str_eq(f.told, "no.address no.address internal 0;  internal 0;");
    f.told[0] = 0;
    steering_resolve(f.steering, name, false);
    settle(&f);
    ck_assert_int_eq(strncmp(f.told, "aaaa", 4), 0);
    for (int i = 0; i < 1000; i++)
        steering_resolve(f.steering, "web.example", false); /* which nobody answers here */
    settle(&f);
    f.told[0] = 0;
    steering_resolve(f.steering, "one.too.many", false);
    settle(&f);
    ck_assert_str_eq(f.told, "one.too.many one.too.many internal 0;");
    teardown(&f);
}
END_TEST

START_TEST(test_steering_says_that_streams_are_left)
{
    struct fixture f;
    setup(&f);
    steering_attacher_gone(f.steering);
    settle(&f);
    ck_assert_str_eq(f.told, "");
    f.world.options->leave_streams_unattached = true;
    steering_attacher_gone(f.steering);
    steering_attacher_gone(f.steering); /* a moment later */
    settle(&f);
    ck_assert_str_eq(f.told, "STREAMS_LEFT_UNATTACHED 0;");
    teardown(&f);
}
END_TEST

TESTS("control/steering", test_steering_gives_an_identity_each_ten_seconds,
      test_steering_carries_signals_out_in_their_order, test_steering_tells_what_look_ups_come_to,
      test_steering_tells_of_look_ups_that_cannot_be, test_steering_says_that_streams_are_left)
