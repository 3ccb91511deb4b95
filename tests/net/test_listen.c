/* Listening sockets, on loopback and in a folder of the test's own. */
#include "net/listen.h"

#include <event2/event.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "net/sockaddr.h"
#include "support/test.h"

static struct {
    struct log log;
    struct net *net;
    char last[400], port_line[400]; /* "Opened ..." */
    char dir[64], path[96];
    unsigned accepted;
    struct ipport peer;
} t;

static void sink(void *arg, enum log_level level, const char *line)
{
    (void)arg, (void)level;
    snprintf(t.last, sizeof t.last, "%s", line);
    if (strstr(line, "Opened "))
        snprintf(t.port_line, sizeof t.port_line, "%s", line);
}

static void setup(void)
{
    memset(&t, 0, sizeof t);
    t.log = (struct log){.least = LOG_NOTICE, .sink = sink};
    ck_ok(net_new(&t.log, NULL, &t.net));
    snprintf(t.dir, sizeof t.dir, "/tmp/tunic-listen-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(t.dir));
    snprintf(t.path, sizeof t.path, "%s/socks", t.dir);
}

static void teardown(void)
{
    (void)remove(t.path);
    ck_assert_int_eq(rmdir(t.dir), 0);
    net_free(t.net);
}

static void on_accept(void *arg, int fd, const struct ipport *peer)
{
    (void)arg;
    t.accepted++;
    t.peer = *peer;
    ck_assert(fcntl(fd, F_GETFL) & O_NONBLOCK);
    close(fd);
}

static void turn(void)
{
    for (int i = 0; i < 20; i++)
        ck_assert_int_ge(event_base_loop(net_base(t.net), EVLOOP_NONBLOCK), 0);
}

static const struct port_at any_v4 = {.tcp = {.ip = {IP_V4, {127, 0, 0, 1}}}};

/* Where the last listener was announced to be. */
static struct ipport announced(void)
{
    struct ipport at;
    const char *on = strstr(t.port_line, " on ");
    ck_assert_ptr_nonnull(on);
    ck_ok(ipport_parse(on + 4, &at));
    return at;
}

static int reach(const struct ipport *at)
{
    struct sockaddr_storage ss;
    socklen_t len = sockaddr_of(at, &ss);
    int fd = socket(ss.ss_family, SOCK_STREAM, 0);
    ck_assert_int_ge(fd, 0);
    if (connect(fd, (struct sockaddr *)&ss, len) == 0)
        return fd;
    close(fd);
    return -1;
}

static int reach_unix(void)
{
    struct sockaddr_un sun = {.sun_family = AF_UNIX};
    snprintf(sun.sun_path, sizeof sun.sun_path, "%s", t.path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    ck_assert_int_ge(fd, 0);
    if (connect(fd, (struct sockaddr *)&sun, sizeof sun) == 0)
        return fd;
    close(fd);
    return -1;
}

static mode_t mode_of_socket(void)
{
    struct stat st;
    ck_assert_int_eq(lstat(t.path, &st), 0);
    ck_assert(S_ISSOCK(st.st_mode));
    return st.st_mode & 0777;
}

START_TEST(test_listen_on_any_port_says_which)
{
    struct listener *l;
    setup();
    ck_ok(listener_open(t.net, "Socks", &any_v4, on_accept, NULL, &l));
    ck_assert_ptr_nonnull(
        strstr(t.port_line, "Opened Socks listener connection (ready) on 127.0.0.1:"));
    struct ipport at = announced();
    ck_assert_uint_ne(at.port, 0);
    int fd = reach(&at);
    ck_assert_int_ge(fd, 0);
    turn();
    ck_assert_uint_eq(t.accepted, 1);
    ck_assert_int_eq(t.peer.ip.family, IP_V4);
    ck_assert(ip_is_loopback(&t.peer.ip));
    close(fd);
    listener_close(l);
    ck_assert_int_lt(reach(&at), 0);
    teardown();
}
END_TEST

START_TEST(test_listen_on_two_ports)
{
    struct listener *a, *b;
    setup();
    ck_ok(listener_open(t.net, "Socks", &any_v4, on_accept, NULL, &a));
    struct ipport first = announced();
    ck_ok(listener_open(t.net, "Socks", &any_v4, on_accept, NULL, &b));
    struct ipport second = announced();
    ck_assert_uint_ne(first.port, second.port);
    int fd = reach(&first), fd2 = reach(&second);
    turn();
    ck_assert_uint_eq(t.accepted, 2);
    close(fd);
    close(fd2);
    listener_close(a);
    listener_close(b);
    teardown();
}
END_TEST

START_TEST(test_listen_takes_one_after_the_other)
{
    struct listener *l;
    setup();
    ck_ok(listener_open(t.net, "Socks", &any_v4, on_accept, NULL, &l));
    struct ipport at = announced();
    for (unsigned i = 1; i <= 3; i++) {
        int fd = reach(&at);
        turn();
        ck_assert_uint_eq(t.accepted, i); /* at once */
        close(fd);
    }
    ck_assert_ptr_nonnull(strstr(t.last, "Opened ")); /* and nothing is said of it */
    listener_close(l);
    teardown();
}
END_TEST

/* As many descriptors as are open now. */
static void limit_descriptors(bool on)
{
    static struct rlimit before;
    struct rlimit now;
    if (on) {
        int free_one = dup(0);
        ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
        now = before;
        now.rlim_cur = (rlim_t)free_one;
        close(free_one);
    }
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, on ? &now : &before), 0);
}

/* The loop would run without end if it went on trying. */
START_TEST(test_listen_waits_for_descriptors)
{
    struct listener *l;
    setup();
    ck_ok(listener_open(t.net, "Socks", &any_v4, on_accept, NULL, &l));
    struct ipport at = announced();
    int fd = reach(&at);
    limit_descriptors(true);
    turn();
    ck_assert_ptr_nonnull(strstr(t.last, "No more connections can be accepted on 127.0.0.1:"));
    limit_descriptors(false);
    turn();
    ck_assert_uint_eq(t.accepted, 0);
    for (int i = 0; i < 3000 && !t.accepted; i++) {
        usleep(1000);
        turn();
    }
    ck_assert_uint_eq(t.accepted, 1);
    close(fd);
    listener_close(l);
    teardown();
}
END_TEST

START_TEST(test_listen_on_a_port_that_is_taken)
{
    struct listener *a, *b;
    struct port_at at = any_v4;
    setup();
    ck_ok(listener_open(t.net, "Socks", &any_v4, on_accept, NULL, &a));
    at.tcp = announced();
    ck_err(listener_open(t.net, "Socks", &at, on_accept, NULL, &b), ERR_IO);
    ck_assert_ptr_nonnull(strstr(t.last, "Address already in use. Is Tor or Tunic already"));
    int fd = reach(&at.tcp); /* the first one goes on */
    ck_assert_int_ge(fd, 0);
    close(fd);
    listener_close(a);
    listener_close(NULL);
    teardown();
}
END_TEST

START_TEST(test_listen_on_ipv6_takes_no_ipv4)
{
    struct listener *l;
    const struct port_at at = {.tcp = {.ip = {.family = IP_V6}}}; /* [::] */
    setup();
    if (listener_open(t.net, "Socks", &at, on_accept, NULL, &l) == OK) { /* else no IPv6 here */
        struct ipport v4 = {ip_v4((const uint8_t[]){127, 0, 0, 1}), announced().port};
        ck_assert_int_lt(reach(&v4), 0);
        listener_close(l);
    }
    teardown();
}
END_TEST

START_TEST(test_listen_unix_socket_has_its_permissions)
{
    static const struct {
        bool group, world;
        mode_t mode;
    } rows[] = {{false, false, 0600}, {true, false, 0660}, {false, true, 0666}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct listener *l;
        setup();
        struct port_at at = {
            .unix_path = t.path, .group_writable = rows[i].group, .world_writable = rows[i].world};
        ck_ok(listener_open(t.net, "Socks", &at, on_accept, NULL, &l));
        ck_assert_uint_eq(mode_of_socket(), rows[i].mode);
        int fd = reach_unix();
        turn();
        ck_assert_uint_eq(t.accepted, 1);
        ck_assert_int_eq(t.peer.ip.family, IP_NONE);
        close(fd);
        listener_close(l);
        ck_assert_int_ne(access(t.path, F_OK), 0);
        teardown();
    }
}
END_TEST

START_TEST(test_listen_unix_socket_for_all_may_lie_in_a_folder_for_all)
{
    struct listener *l;
    setup();
    struct port_at at = {.unix_path = t.path, .group_writable = true};
    ck_assert_int_eq(chmod(t.dir, 0755), 0);
    ck_err(listener_open(t.net, "Socks", &at, on_accept, NULL, &l), ERR_IO);
    at.world_writable = true; /* Debian's "SocksPort unix:/run/tor/socks WorldWritable" */
    ck_ok(listener_open(t.net, "Socks", &at, on_accept, NULL, &l));
    listener_close(l);
    teardown();
}
END_TEST

START_TEST(test_listen_unix_socket_takes_new_permissions_in_place)
{
    struct listener *l;
    setup();
    struct port_at at = {.unix_path = t.path};
    ck_ok(listener_open(t.net, "Socks", &at, on_accept, NULL, &l));
    at.group_writable = true;
    ck_ok(listener_set_mode(l, &at));
    ck_assert_uint_eq(mode_of_socket(), 0660);
    ck_assert_str_eq(listener_at(l)->unix_path, t.path);
    /* A folder that others may enter now is no reason to change what there is. */
    ck_assert_int_eq(chmod(t.dir, 0777), 0);
    at.group_writable = false;
    ck_err(listener_set_mode(l, &at), ERR_IO);
    ck_assert_uint_eq(mode_of_socket(), 0660);
    int fd = reach_unix();
    ck_assert_int_ge(fd, 0);
    close(fd);
    listener_close(l);
    teardown();
}
END_TEST

START_TEST(test_listen_unix_socket_left_over_is_replaced)
{
    struct listener *l;
    struct sockaddr_un sun = {.sun_family = AF_UNIX};
    setup();
    snprintf(sun.sun_path, sizeof sun.sun_path, "%s", t.path);
    int old = socket(AF_UNIX, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(old, (struct sockaddr *)&sun, sizeof sun), 0);
    close(old); /* its file stays */
    struct port_at at = {.unix_path = t.path};
    ck_ok(listener_open(t.net, "Socks", &at, on_accept, NULL, &l));
    listener_close(l);
    teardown();
}
END_TEST

START_TEST(test_listen_leaves_a_file_that_is_no_socket)
{
    struct listener *l;
    struct stat st;
    setup();
    int fd = open(t.path, O_WRONLY | O_CREAT, 0600);
    ck_assert_int_ge(fd, 0);
    close(fd);
    struct port_at at = {.unix_path = t.path};
    ck_err(listener_open(t.net, "Socks", &at, on_accept, NULL, &l), ERR_IO);
    ck_assert_int_eq(stat(t.path, &st), 0);
    teardown();
}
END_TEST

START_TEST(test_listen_unix_socket_wants_a_folder_of_its_own)
{
    static const struct {
        mode_t folder;
        bool group, relax, fine;
    } rows[] = {
        {0700, false, false, true}, {0750, false, false, false}, {0755, false, false, false},
        {0750, true, false, true},  {0755, true, false, false},  {0755, false, true, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct listener *l = NULL;
        setup();
        struct port_at at = {
            .unix_path = t.path, .group_writable = rows[i].group, .relax_dir_mode = rows[i].relax};
        ck_assert_int_eq(chmod(t.dir, rows[i].folder), 0);
        err_t e = listener_open(t.net, "Socks", &at, on_accept, NULL, &l);
        ck_assert_msg(e == (rows[i].fine ? OK : ERR_IO), "row %zu", i);
        if (!rows[i].fine)
            ck_assert_ptr_nonnull(strstr(t.last, "accessible only by the user"));
        listener_close(l);
        teardown();
    }
}
END_TEST

/* A reload that says /run for /var/run: the new listener comes before the old one goes. */
START_TEST(test_listen_unix_socket_by_another_name_stays_when_the_first_one_goes)
{
    char other[sizeof t.path + 4];
    struct listener *first, *second;
    setup();
    const char *slash = strrchr(t.path, '/');
    snprintf(other, sizeof other, "%.*s/.%s", (int)(slash - t.path), t.path, slash);
    const struct port_at at = {.unix_path = t.path}, same = {.unix_path = other};
    ck_ok(listener_open(t.net, "Socks", &at, on_accept, NULL, &first));
    ck_ok(listener_open(t.net, "Socks", &same, on_accept, NULL, &second));
    listener_close(first);
    int fd = reach_unix();
    ck_assert_int_ge(fd, 0);
    close(fd);
    listener_close(second);
    ck_assert_int_ne(access(t.path, F_OK), 0);
    teardown();
}
END_TEST

START_TEST(test_listen_unix_path_too_long_is_refused)
{
    struct listener *l;
    char path[300];
    setup();
    memset(path, 'x', sizeof path);
    path[0] = '/';
    path[sizeof path - 1] = 0;
    struct port_at at = {.unix_path = path};
    ck_err(listener_open(t.net, "Socks", &at, on_accept, NULL, &l), ERR_IO);
    ck_assert_ptr_nonnull(strstr(t.last, "too long"));
    teardown();
}
END_TEST

TESTS("net/listen", test_listen_unix_socket_for_all_may_lie_in_a_folder_for_all,
      test_listen_on_any_port_says_which, test_listen_on_two_ports,
      test_listen_takes_one_after_the_other, test_listen_waits_for_descriptors,
      test_listen_on_a_port_that_is_taken, test_listen_on_ipv6_takes_no_ipv4,
      test_listen_unix_socket_has_its_permissions,
      test_listen_unix_socket_takes_new_permissions_in_place,
      test_listen_unix_socket_left_over_is_replaced, test_listen_leaves_a_file_that_is_no_socket,
      test_listen_unix_socket_wants_a_folder_of_its_own,
      test_listen_unix_socket_by_another_name_stays_when_the_first_one_goes,
      test_listen_unix_path_too_long_is_refused)
