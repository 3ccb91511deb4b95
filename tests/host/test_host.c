/* A client made of options, and changed: on a loop that is not turned, so that nothing is dialled.
 */
#include "host/host.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/capture.h"
#include "crypto/secret.h"

static const char AUTHORITY[] =
    "a orport=1 v3ident=0123456789012345678901234567890123456789 127.0.0.1:1 "
    "9876543210987654321098765432109876543210";

static struct {
    struct capture *log;
    struct net *net;
    char dir[64];
} t;

static void setup(void)
{
    t.log = capture_new();
    ck_ok(crypto_init());
    ck_ok(net_new(&t.log->log, NULL, &t.net));
    strcpy(t.dir, "/tmp/tunic-host-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(t.dir));
}

static void teardown(void)
{
    char command[96];
    net_free(t.net);
    free(t.log);
    snprintf(command, sizeof command, "rm -rf %s", t.dir);
    ck_assert_int_eq(system(command), 0);
}

/* MORE: pairs of names and values, ends in NULL. */
static struct options *options_of(const char *const *more)
{
    const char *pairs[32] = {"TestingTorNetwork", "1", "DirAuthority", AUTHORITY};
    struct options *o;
    struct conf_err e = {""};
    size_t n = 4;
    for (; *more; more++)
        pairs[n++] = *more;
    err_t err = host_options_of(pairs, true, &o, &e);
    ck_assert_msg(err == OK, "%s", e.text);
    return o;
}

#define OPTIONS(...) options_of((const char *const[]){__VA_ARGS__, NULL})

static struct host *started(struct options *gift_options)
{
    const struct host_place place = {.net = t.net};
    struct conf_err e = {""};
    struct host *h;
    err_t err = host_new(&place, gift_options, &h, &e);
    if (err == OK)
        err = host_begin(h, &e);
    ck_assert_msg(err == OK, "%s", e.text);
    return h;
}

START_TEST(test_host_options_say_which_one_is_wrong)
{
    const char *const pairs[] = {"MaxCircuitDirtiness", "soon", NULL};
    struct options *o;
    struct conf_err e = {""};
    ck_err(host_options_of(pairs, false, &o, &e), ERR_MALFORMED);
    ck_assert_ptr_nonnull(strstr(e.text, "MaxCircuitDirtiness"));
}
END_TEST

START_TEST(test_host_keeps_nothing_unless_told_where)
{
    struct stat st;
    setup();
    struct host *h = started(OPTIONS("SocksPort", "0"));
    ck_assert(client_is_running(host_client(h)));
    host_free(h);
    h = started(OPTIONS("SocksPort", "0", "DataDirectory", t.dir));
    char path[96];
    snprintf(path, sizeof path, "%s/lock", t.dir);
    ck_assert_int_eq(stat(path, &st), 0);
    host_free(h);
    teardown();
}
END_TEST

START_TEST(test_host_waits_for_the_lock_and_gives_up_in_tors_words)
{
    struct conf_err e = {""};
    setup();
    const struct host_place here = {.net = t.net, .lock_wait_s = 1};
    struct host *first = started(OPTIONS("SocksPort", "0", "DataDirectory", t.dir)), *second;
    ck_ok(host_new(&here, OPTIONS("SocksPort", "0", "DataDirectory", t.dir), &second, &e));
    ck_err(host_begin(second, &e), ERR_STATE);
    ck_assert_str_eq(e.text, "No, it's still there.  Exiting.");
    ck_assert_ptr_nonnull(strstr(t.log->text,
                                 "It looks like another Tor process is running with the same data "
                                 "directory.  Waiting 1 seconds"));
    host_free(second);
    host_free(first);
    teardown();
}
END_TEST

/* Each row fails at another step; what the steps before it made ready is taken back. */
START_TEST(test_host_change_that_fails_changes_nothing)
{
    char taken[32], folder[96];
    setup();
    struct host *other = started(OPTIONS("SocksPort", "auto"));
    struct host *h = started(OPTIONS("SocksPort", "auto"));
    uint16_t port = host_socks_port(h);
    snprintf(taken, sizeof taken, "%u", host_socks_port(other));
    snprintf(folder, sizeof folder, "%s/other", t.dir);
    const struct {
        const char *name, *value;
        err_t want;
        const char *text;
    } rows[] = {
        {"DataDirectory", folder, ERR_STATE, "changing DataDirectory is not allowed"},
        {"SocksPort", taken, ERR_IO, "Failed to bind one of the listener ports."},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct conf_err e = {""};
        const struct options *before = host_options(h);
        struct options *fresh =
            OPTIONS("SocksPort", "auto", "DisableNetwork", rows[i].want == ERR_IO ? "0" : "1",
                    rows[i].name, rows[i].value);
        ck_err(host_change(h, fresh, HOST_SET, &e), rows[i].want);
        ck_assert_ptr_nonnull(strstr(e.text, rows[i].text));
        ck_assert_ptr_eq(host_options(h), before);
        ck_assert_uint_eq(host_socks_port(h), port);
        ck_assert(client_is_running(host_client(h)));
    }
    ck_assert_int_ne(access(folder, F_OK), 0);
    host_free(h);
    host_free(other);
    teardown();
}
END_TEST

START_TEST(test_host_disable_network_stops_and_starts_the_client)
{
    struct conf_err e = {""};
    setup();
    struct host *h = started(OPTIONS("SocksPort", "auto", "DisableNetwork", "1"));
    ck_assert(!client_is_running(host_client(h)));
    ck_assert_uint_eq(host_socks_port(h), 0);
    ck_ok(host_change(h, OPTIONS("SocksPort", "auto"), HOST_SET, &e));
    ck_assert(client_is_running(host_client(h)));
    ck_assert_uint_ne(host_socks_port(h), 0);
    ck_ok(host_change(h, OPTIONS("SocksPort", "auto", "DisableNetwork", "1"), HOST_SET, &e));
    ck_assert(!client_is_running(host_client(h)));
    ck_assert_uint_eq(host_socks_port(h), 0);
    host_free(h);
    teardown();
}
END_TEST

START_TEST(test_host_new_that_fails_leaves_nothing)
{
    struct conf_err e = {""};
    setup();
    const struct host_place here = {.net = t.net};
    struct host *h = started(OPTIONS("SocksPort", "auto")), *none;
    char taken[32];
    snprintf(taken, sizeof taken, "%u", host_socks_port(h));
    errno = 0;
    ck_err(host_new(&here, OPTIONS("SocksPort", taken), &none, &e), ERR_IO);
    ck_assert_int_eq(errno, EADDRINUSE);
    host_free(h);
    teardown();
}
END_TEST

TESTS("host/host", test_host_options_say_which_one_is_wrong,
      test_host_keeps_nothing_unless_told_where,
      test_host_waits_for_the_lock_and_gives_up_in_tors_words,
      test_host_change_that_fails_changes_nothing,
      test_host_disable_network_stops_and_starts_the_client,
      test_host_new_that_fails_leaves_nothing)
