/* What a coordinator keeps of descriptors: nothing is lost while another process makes one file of
 * two, and the loop does not wait for that. */
#include "app/measure/relaykept.h"

#include <sys/wait.h>
#include <unistd.h>

#include "forge/relay.h"
#include "support/tempdir.h"

enum { RELAYS = 3, TEXT_MOST = 16 << 10, LEAST = 1000 };

static const char FILE_NAME[] = "cached-descriptors", JOURNAL[] = "cached-descriptors.new";

static struct {
    struct log log;
    struct net *net;
    struct forge_keys keys[RELAYS];
    struct listing *l;
    struct relaykept *k;
    struct listing_reader *reader;
    size_t taken, over;
} t;

/* What relay I says now, N seconds before that; the caller frees it. */
static struct docw says(unsigned i, int64_t n)
{
    struct forge_relay made;
    struct docw w = {0};
    const struct forge_relay_wish wish = {
        .nickname = "kept",
        .or_port = {.ip = {IP_V4, {203, 0, 113, 7}}, .port = 9001},
        .bandwidth_bytes = 1000000,
        .published_s = env_wall_s(net_env(t.net)) - n};
    ck_ok(forge_relay_make(&wish, i + 1, &t.keys[i], &made));
    docw_add(&w, docw_text(&made.server));
    forge_relay_free(&made);
    ck_ok(w.err);
    return w;
}

/* The listing takes it, and it is kept. */
static void come(unsigned i, int64_t n)
{
    struct docw w = says(i, n);
    struct text rest = docw_text(&w);
    struct descriptor d;
    char why[DESCRIPTOR_WHY_MAX];
    ck_ok(descriptor_next(&rest, &d));
    ck_ok(listing_descriptor(t.l, &d, env_wall_s(net_env(t.net)), why));
    relaykept_add(t.k, d.body);
    docw_free(&w);
}

static int by_rsa(const void *a, const void *b)
{
    const struct router *x = a, *y = b;
    return memcmp(x->rsa.b, y->rsa.b, sizeof x->rsa.b);
}

static void taken(void *arg, struct text descriptor)
{
    (void)arg;
    t.taken++;
    relaykept_add(t.k, descriptor);
}

static void over(void *arg, const struct listing_sum *sum)
{
    (void)arg;
    t.over += sum->taken + sum->known;
}

static const struct listing_reader_ops ops = {taken, over};

static void begin(void)
{
    const struct sha256 pin = {{0}};
    t.l = listing_new(&pin);
    struct router relays[RELAYS] = {{.orport = 1}};
    const struct consensus c = {.relays = relays, .n_relays = RELAYS, .valid_after_s = 1};
    for (unsigned i = 0; i < RELAYS; i++)
        relays[i].rsa = t.keys[i].id.rsa_id;
    qsort(relays, RELAYS, sizeof *relays, by_rsa);
    ck_ok(listing_consensus(t.l, &c));
    t.reader = listing_reader_new(net_env(t.net), t.l, &ops, NULL);
    ck_ok(relaykept_open(t.net, dir, t.l, LEAST, &t.k));
}

static void end(void)
{
    relaykept_close(t.k);
    listing_reader_free(t.reader);
    listing_free(t.l);
}

static void setup(void)
{
    memset(&t, 0, sizeof t);
    new_dir();
    t.log = (struct log){.least = LOG_ERR + 1};
    ck_ok(net_new(&t.log, NULL, &t.net));
    net_enter(t.net);
    for (unsigned i = 0; i < RELAYS; i++)
        ck_ok(forge_keys_make(net_env(t.net), &t.keys[i]));
    begin();
}

static void teardown(void)
{
    end();
    for (unsigned i = 0; i < RELAYS; i++)
        forge_keys_wipe(&t.keys[i]);
    net_free(t.net);
    remove_dir();
}

/* How many descriptors stand in the file; 0: there is none. */
static size_t standing(const char *name)
{
    char text[TEXT_MOST] = "";
    FILE *f = fopen(in_dir(name), "r");
    size_t n = 0, len = f ? fread(text, 1, sizeof text, f) : 0;
    if (f)
        fclose(f);
    ck_assert_uint_lt(len, sizeof text);
    for (const char *at = text; (at = strstr(at, "router kept ")); at++)
        n++;
    return n;
}

/* One that goes on, or is over and not waited for: the work is not this process's. */
static bool has_child(void)
{
    siginfo_t info;
    return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

/* Until the other process is done: its end is the loop's. */
static void wait_for_file(size_t n)
{
    while (standing(FILE_NAME) != n || standing(JOURNAL) > 1)
        ck_ok(net_turn(t.net, false));
    for (int i = 0; i < 100; i++) {
        ck_ok(net_turn(t.net, false));
        usleep(1000);
    }
}

START_TEST(test_relaykept_another_process_makes_one_file_of_two)
{
    setup();
    come(0, 500);
    come(1, 500);
    come(0, 400); /* in place of its first one */
    ck_assert_uint_eq(standing(JOURNAL), 3);
    relaykept_look(t.k);
    ck_assert(has_child());
    come(2, 300);
    relaykept_look(t.k);
    wait_for_file(2);
    ck_assert_uint_eq(standing(JOURNAL), 1);
    relaykept_look(t.k);
    come(1, 200);
    relaykept_look(t.k);
    wait_for_file(3);
    teardown();
}
END_TEST

START_TEST(test_relaykept_is_there_at_the_next_start)
{
    setup();
    come(0, 500);
    come(1, 500);
    relaykept_look(t.k);
    come(2, 300);
    end(); /* while the other process is at it, or is not */
    begin();
    relaykept_read(t.k, t.reader);
    while (!listing_reader_is_idle(t.reader))
        ck_ok(net_turn(t.net, false));
    ck_assert_uint_eq(t.taken, 3);
    relaykept_was_read(t.k);
    size_t n = standing(JOURNAL);
    come(0, 100);
    ck_assert_uint_eq(standing(JOURNAL), n + 1);
    teardown();
}
END_TEST

START_TEST(test_relaykept_little_is_left_alone)
{
    setup();
    end();
    begin();
    come(0, 500);
    relaykept_close(t.k);
    ck_ok(relaykept_open(t.net, dir, t.l, TEXT_MOST, &t.k));
    relaykept_read(t.k, t.reader);
    while (!listing_reader_is_idle(t.reader))
        ck_ok(net_turn(t.net, false));
    relaykept_was_read(t.k);
    relaykept_look(t.k);
    for (int i = 0; i < 50; i++) {
        ck_ok(net_turn(t.net, false));
        usleep(1000);
    }
    ck_assert_uint_eq(standing(FILE_NAME), 0);
    ck_assert_uint_eq(standing(JOURNAL), 1);
    teardown();
}
END_TEST

TESTS("app/measure/relaykept", test_relaykept_another_process_makes_one_file_of_two,
      test_relaykept_is_there_at_the_next_start, test_relaykept_little_is_left_alone)
