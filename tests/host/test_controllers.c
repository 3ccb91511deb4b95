/* What a host lays down for its controllers, from its begin to its end; on a loop that is not
 * turned. */
#include "host/controllers.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "conf/capture.h"
#include "crypto/secret.h"
#include "host/controlled.h"
#include "host/host.h"
#include "host/setconf.h"
#include "support/tempdir.h"

static struct {
    struct capture *log;
    struct net *net;
    struct host *host;
} t;

static void setup(void)
{
    memset(&t, 0, sizeof t);
    new_dir();
    t.log = capture_new();
    ck_ok(crypto_init());
    ck_ok(net_new(&t.log->log, NULL, &t.net));
}

static err_t begin(const char *torrc, struct conf_err *e)
{
    const struct host_place place = {.net = t.net, .home = "/home/u"};
    *e = (struct conf_err){""};
    ck_ok(host_new(&place, good_options(torrc), &t.host, e));
    return host_begin(t.host, e);
}

static void teardown(void)
{
    host_free(t.host);
    net_free(t.net);
    free(t.log);
    remove_dir();
}

static void set(const char *torrc)
{
    struct conf_err e = {""};
    struct conf_line *lines = lines_of(torrc);
    err_t err = setconf_assign(t.host, lines, ASSIGN_CLEAR_FIRST, &e);
    ck_assert_msg(err == OK, "%s", e.text);
    conf_lines_free(lines);
}

/* The bytes of the file NAME; -1: it is not there. */
static long size_of(const char *name)
{
    struct stat st;
    return stat(in_dir(name), &st) == 0 ? (long)st.st_size : -1;
}

START_TEST(test_controllers_find_the_cookie_while_it_is_wanted)
{
    struct conf_err e;
    char torrc[200];
    setup();
    snprintf(torrc, sizeof torrc,
             "SocksPort 0\nDisableNetwork 1\nDataDirectory %s\nCookieAuthentication 1\n", dir);
    ck_ok(begin(torrc, &e));
    ck_assert_int_eq(size_of("control_auth_cookie"), 32);
    set("CookieAuthentication 0\n");
    ck_assert_int_eq(size_of("control_auth_cookie"), -1);
    set("CookieAuthentication 1\n");
    ck_assert_int_eq(size_of("control_auth_cookie"), 32);
    host_free(t.host);
    t.host = NULL;
    ck_assert_int_eq(size_of("control_auth_cookie"), -1);
    teardown();
}
END_TEST

START_TEST(test_controllers_find_which_ports_are_open)
{
    struct conf_err e;
    char torrc[300], want[200], got[200] = "";
    setup();
    snprintf(torrc, sizeof torrc,
             "SocksPort 0\nDisableNetwork 1\nControlSocket %s/control\n"
             "ControlPortWriteToFile %s/ports\n",
             dir, dir);
    ck_ok(begin(torrc, &e));
    FILE *f = fopen(in_dir("ports"), "r");
    ck_assert_ptr_nonnull(f);
    got[fread(got, 1, sizeof got - 1, f)] = 0;
    fclose(f);
    snprintf(want, sizeof want, "UNIX_PORT=%s/control\n", dir);
    ck_assert_str_eq(got, want);
    set("ControlPortWriteToFile\n");
    ck_assert_int_eq(size_of("ports"), -1);
    teardown();
}
END_TEST

/* What came before what fails is taken back. */
START_TEST(test_controllers_find_nothing_of_a_change_that_failed)
{
    static const struct {
        const char *rest, *why;
    } rows[] = {
        {"ControlSocket %s/nowhere/control\n", "Failed to bind one of the listener ports."},
        {"ControlSocket %s/control\nGeoIPFile /none\nGeoIPv6File /none\nEntryNodes {au}\n",
         "needs GeoIPFile"},
    };
    char torrc[400], rest[200];
    struct conf_err e;
    setup();
    ck_ok(begin("SocksPort 0\nDisableNetwork 1\n", &e));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t before = strcspn(rows[i].rest, "%");
        snprintf(rest, sizeof rest, "%.*s%s%s", (int)before, rows[i].rest, dir,
                 rows[i].rest + before + 2);
        snprintf(torrc, sizeof torrc, "CookieAuthentication 1\nCookieAuthFile %s/cookie\n%s", dir,
                 rest);
        struct conf_line *lines = lines_of(torrc);
        ck_assert_int_ne(setconf_assign(t.host, lines, ASSIGN_CLEAR_FIRST, &e), OK);
        ck_assert_msg(strstr(e.text, rows[i].why) != NULL, "%s", e.text);
        conf_lines_free(lines);
        ck_assert_int_eq(size_of("cookie"), -1);
        ck_assert_int_eq(size_of("control"), -1);
        ck_assert(!host_options(t.host)->cookie_authentication);
    }
    teardown();
}
END_TEST

START_TEST(test_controllers_adopt_a_connection_and_no_others)
{
    struct conf_err e;
    int pair[2];
    setup();
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    struct options *o = good_options("SocksPort 0\n");
    ck_ok(begin("SocksPort 0\nDisableNetwork 1\n", &e));
    struct controllers *c = controllers_new(t.net, host_client(t.host), &controlled_ops, t.host);
    ck_assert_ptr_nonnull(c);
    ck_ok(controllers_adopt(c, o, &e)); /* none is named */
    o->owning_controller_fd = (uint64_t)pair[0];
    ck_ok(controllers_adopt(c, o, &e));
    ck_assert_int_eq(fcntl(pair[0], F_GETFD), FD_CLOEXEC);
    ck_assert(fcntl(pair[0], F_GETFL) & O_NONBLOCK);
    o->owning_controller_fd = 1000;
    ck_err(controllers_adopt(c, o, &e), ERR_IO);
    ck_assert_str_eq(e.text, "Could not add local controller connection with given FD. "
                             "Bad file descriptor");
    controllers_free(c);
    options_free(o);
    close(pair[1]);
    teardown();
}
END_TEST

TESTS("host/controllers", test_controllers_find_the_cookie_while_it_is_wanted,
      test_controllers_find_which_ports_are_open,
      test_controllers_find_nothing_of_a_change_that_failed,
      test_controllers_adopt_a_connection_and_no_others)
