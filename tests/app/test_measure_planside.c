/* When a coordinator's schedule gets its relays: a plan that is made before what they say is known
 * would have most of them as new ones, all in its first slots. */
#include "app/measure/planside.h"

#include <stdlib.h>
#include <string.h>

#include "measure/listing.h"
#include "support/tempdir.h"

enum { TURNS = 10 };

static struct {
    struct log log;
    struct net *net;
    struct mconf_coord conf;
    struct sha256 pin;
    struct listing *l;
    struct coordinator *c;
    struct planside *p;
} t;

static void setup(const char *directory)
{
    static const struct coordinator_ops ops = {.keep = NULL};
    memset(&t, 0, sizeof t);
    new_dir();
    t.log = (struct log){.least = LOG_ERR + 1};
    ck_ok(net_new(&t.log, NULL, &t.net));
    net_enter(t.net);
    t.conf.n_measurers = 1;
    snprintf(t.conf.datadir, sizeof t.conf.datadir, "%s", in_dir(""));
    snprintf(t.conf.directory, sizeof t.conf.directory, "%s", directory);
    t.l = listing_new(&t.pin);
    t.c = coordinator_new(net_env(t.net), &t.conf, NULL, &t.pin, &ops, NULL);
    ck_assert(t.l && t.c);
    coordinator_use(t.c, t.l);
    coordinator_schedule_start(t.c);
}

static void teardown(void)
{
    coordinator_free(t.c);
    planside_close(t.p);
    listing_free(t.l);
    net_free(t.net);
    remove_dir();
}

/* One relay, of which no descriptor is there. */
static void list(void)
{
    struct router r = {.nickname = "r", .flags = ROUTER_RUNNING, .orport = 9001, .v4 = {203}};
    int64_t now_s = env_wall_s(net_env(t.net));
    const struct consensus c = {
        .relays = &r, .n_relays = 1, .valid_after_s = now_s, .valid_until_s = now_s + 10000};
    ck_ok(listing_consensus(t.l, &c));
}

static void look(const char *state)
{
    const struct planside_config config = {
        .net = t.net, .log = &t.log, .coordinator = t.c, .listing = t.l, .conf = &t.conf};
    if (!t.p)
        ck_ok(planside_open(&config, &t.p));
    ck_ok(planside_begin(t.p));
    ck_ok(net_turn(t.net, true));
    for (int i = 0; i < TURNS; i++)
        ck_ok(net_turn(t.net, false));
    char *json = coordinator_schedule_json(t.c);
    ck_assert_msg(strstr(json, state) != NULL, "%s", json);
    free(json);
}

START_TEST(test_planside_waits_for_descriptors_that_are_fetched)
{
    setup("fetch");
    look("waiting for relays");
    list();
    look("waiting for relays");
    look("waiting for relays");
    teardown();
}
END_TEST

/* It may never have them. */
START_TEST(test_planside_waits_for_a_folder_as_long_as_more_is_read)
{
    setup("/somebody's");
    look("waiting for relays");
    list();
    look("waiting for relays");
    look("waiting for measurers");
    teardown();
}
END_TEST

static void name_relays(const char *name, const char *text)
{
    write_in_dir(name, text);
    snprintf(t.conf.relays, sizeof t.conf.relays, "%s", in_dir(name));
    planside_reload(t.p, &t.conf);
}

/* As the configuration names them by now; one that is wrong changes nothing. */
START_TEST(test_planside_other_files_are_read_again)
{
    static const char one[] = "9695DFC35FFEB861329B9F1AB04C46397020CE31@203.0.113.7:9001\n";
    setup("none");
    look("waiting for relays");
    name_relays("bad", "this is no relay\n");
    look("waiting for relays");
    name_relays("good", one);
    look("waiting for measurers");
    name_relays("bad", "this is no relay\n");
    look("waiting for measurers");
    write_in_dir("secret", "too short");
    snprintf(t.conf.secret, sizeof t.conf.secret, "%s", in_dir("secret"));
    name_relays("none", "");
    look("waiting for measurers");
    t.conf.secret[0] = 0;
    name_relays("none", "");
    look("waiting for relays");
    teardown();
}
END_TEST

TESTS("app/measure_planside", test_planside_waits_for_descriptors_that_are_fetched,
      test_planside_waits_for_a_folder_as_long_as_more_is_read,
      test_planside_other_files_are_read_again)
