/* Clients over loopback: bootstrap, streams, sockets, isolation, one directory for several. */
#include "tunic/client.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "lab.h"
#include "lib/client.h"

enum { SOON = 20000 };

static struct lab lab;
static struct tunic *t;
static struct tunic_client *c;
static struct tunic_error e;

static void print_line(void *arg, enum tunic_log_level level, const char *line)
{
    (void)arg;
    fprintf(stderr, "[%d] %s\n", (int)level, line);
}

static struct tunic_client *client_of(struct tunic_client *share_with)
{
    struct tunic_client_options o = TUNIC_CLIENT_OPTIONS_INIT;
    o.torrc = share_with ? NULL : lab.torrc;
    o.share_with = share_with;
    struct tunic_client *made = tunic_client_start(t, &o, &e);
    ck_assert_msg(made && tunic_client_wait(made, SOON, &e) == 0, "%s", e.text);
    return made;
}

static void setup(void)
{
    memset(&e, 0, sizeof e);
    lab_start(&lab, NULL);
    t = tunic_new(&e);
    if (getenv("TUNIC_TEST_LOG"))
        tunic_set_log(t, TUNIC_LOG_INFO, print_line, NULL);
    c = client_of(NULL);
}

static void teardown(void)
{
    tunic_client_free(c);
    tunic_free(t);
    lab_stop(&lab);
}

static void is_error(enum tunic_class cls, enum tunic_stage stage, const char *text)
{
    char all[512];
    tunic_error_text(&e, all, sizeof all);
    ck_assert_msg(e.cls == cls && e.stage == stage && strstr(e.text, text), "%s", all);
    memset(&e, 0, sizeof e);
}

static const char GET[] = "GET / HTTP/1.0\r\nHost: hello.test\r\n\r\n";

static struct tunic_stream *page(struct tunic_client *from, const char *isolation)
{
    struct tunic_stream *s = tunic_client_connect(from, "hello.test", 80, isolation, SOON, &e);
    ck_assert_msg(s != NULL, "%s", e.text);
    return s;
}

static void reads_page(struct tunic_stream *s)
{
    char text[8192] = "";
    size_t len = 0;
    ssize_t n = tunic_stream_write(s, GET, strlen(GET), SOON, &e);
    ck_assert_int_eq(n, (ssize_t)strlen(GET));
    while ((n = tunic_stream_read(s, text + len, sizeof text - 1 - len, SOON, &e)) > 0)
        len += (size_t)n;
    ck_assert_msg(n == 0, "%s", e.text);
    ck_assert_msg(strncmp(text, "HTTP/1.", 7) == 0, "%s", text);
}

START_TEST(test_client_bootstraps_and_serves_streams)
{
    struct tunic_progress p;
    setup();
    tunic_client_progress(c, &p);
    ck_assert_int_eq(p.percent, 100);
    ck_assert_str_eq(p.tag, "done");
    ck_assert_str_eq(p.summary, "Done");
    ck_assert_int_eq(tunic_client_is_ready(c), 1);
    struct tunic_stream *s = page(c, NULL);
    ck_assert_int_eq(tunic_stream_status(s), TUNIC_STREAM_STATUS_SUCCEEDED);
    ck_assert_int_eq(tunic_stream_id(s), 0);
    reads_page(s);
    ck_assert_int_eq(tunic_stream_status(s), TUNIC_STREAM_STATUS_CLOSED);
    ck_assert_int_eq(tunic_stream_error(s)->cls, TUNIC_CLOSED);
    tunic_stream_free(s);
    teardown();
}
END_TEST

START_TEST(test_client_refuses_and_fails_with_reasons)
{
    setup();
    ck_assert_ptr_null(tunic_client_connect(c, "x.onion", 80, NULL, SOON, &e));
    ck_assert_str_eq(tunic_error_reason_name(&e), "");
    is_error(TUNIC_USAGE, TUNIC_STAGE_STREAM, "onion");
    ck_assert_ptr_null(tunic_client_connect(c, "hello.test", 0, NULL, SOON, &e));
    is_error(TUNIC_USAGE, TUNIC_STAGE_STREAM, "port 0");
    uint16_t port;
    close(lab_listen(&port));
    ck_assert_ptr_null(tunic_client_connect(c, "127.0.0.1", port, NULL, SOON, &e));
    ck_assert_int_eq(e.from_peer, 1);
    ck_assert_str_eq(tunic_error_reason_name(&e), "CONNECTREFUSED");
    is_error(TUNIC_REFUSED, TUNIC_STAGE_STREAM, "");
    ck_assert_ptr_null(tunic_client_connect(c, "nowhere.example", 80, NULL, SOON, &e));
    ck_assert_int_eq(e.stage, TUNIC_STAGE_DNS);
    ck_assert_str_eq(tunic_error_reason_name(&e), "RESOLVEFAILED");
    ck_assert_ptr_null(tunic_client_connect(NULL, "hello.test", 80, NULL, SOON, &e));
    ck_assert_int_eq(e.stage, TUNIC_STAGE_DNS);
    struct tunic_stream_options o = TUNIC_STREAM_OPTIONS_INIT;
    static const char *const bad[] = {NULL, "", "host", ":80", "host:", "host:65536", "host:x"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        o.target = bad[i];
        ck_assert_ptr_null(tunic_client_stream_start(c, &o, &e));
        is_error(TUNIC_USAGE, TUNIC_STAGE_STREAM, "no target");
    }
    o.kind = TUNIC_BEGIN_DIR;
    ck_assert_ptr_null(tunic_client_stream_start(c, &o, &e));
    is_error(TUNIC_USAGE, TUNIC_STAGE_STREAM, "no target");
    ck_assert_int_eq(tunic_client_set(c, "ClientRejectInternalAddresses", "1", &e), 0);
    ck_assert_ptr_null(tunic_client_connect(c, "10.0.0.1", 80, NULL, SOON, &e));
    ck_assert_str_eq(tunic_error_reason_name(&e), "PRIVATE_ADDR");
    is_error(TUNIC_USAGE, TUNIC_STAGE_STREAM, "internal");
    teardown();
}
END_TEST

static struct tunic_stream *optimistic(const char *target)
{
    struct tunic_stream_options o = TUNIC_STREAM_OPTIONS_INIT;
    o.target = target;
    o.optimistic = 1;
    struct tunic_stream *s = tunic_client_stream_start(c, &o, &e);
    ck_assert_msg(s != NULL, "%s", e.text);
    return s;
}

/* Open before the exit has answered; what it says then is the stream's end. */
START_TEST(test_client_optimistic_streams_do_not_wait)
{
    char byte, target[64];
    uint16_t port;
    setup();
    struct tunic_stream *s = optimistic("hello.test:80");
    ck_assert_int_eq(tunic_stream_wait(s, SOON, &e), 0);
    ck_assert_int_eq(tunic_stream_status(s), TUNIC_STREAM_STATUS_SENTCONNECT);
    reads_page(s);
    ck_assert_int_eq(tunic_stream_status(s), TUNIC_STREAM_STATUS_CLOSED);
    tunic_stream_free(s);
    close(lab_listen(&port));
    snprintf(target, sizeof target, "127.0.0.1:%u", port);
    s = optimistic(target);
    ck_assert_int_eq(tunic_stream_wait(s, SOON, &e), 0);
    ck_assert_int_eq(tunic_stream_read(s, &byte, 1, SOON, &e), -1);
    ck_assert_str_eq(tunic_error_reason_name(&e), "CONNECTREFUSED");
    is_error(TUNIC_REFUSED, TUNIC_STAGE_STREAM, "");
    ck_assert_int_eq(tunic_stream_status(s), TUNIC_STREAM_STATUS_FAILED);
    tunic_stream_free(s);
    s = optimistic("x.onion:80"); /* known before an exit is asked */
    ck_assert_int_eq(tunic_stream_wait(s, SOON, &e), -1);
    is_error(TUNIC_USAGE, TUNIC_STAGE_STREAM, "onion");
    tunic_stream_free(s);
    teardown();
}
END_TEST

/* Streams whose circuit ends say which hop it was and why, as those of a program's own circuits. */
START_TEST(test_client_streams_end_as_their_circuit)
{
    static const struct lab_fault faults[] = {{LAB_EXIT, "stream-connected-twice"}, {0, NULL}};
    char in[10];
    memset(&e, 0, sizeof e);
    lab_start(&lab, faults);
    t = tunic_new(&e);
    c = client_of(NULL);
    struct tunic_stream *s = page(c, NULL);
    ck_assert_int_eq(tunic_stream_read(s, in, sizeof in, SOON, &e), -1);
    ck_assert_int_eq(e.hop, 3);
    ck_assert_int_eq(e.from_peer, 0);
    ck_assert_str_eq(tunic_error_reason_name(&e), "TORPROTOCOL");
    is_error(TUNIC_PROTOCOL, TUNIC_STAGE_CIRCUIT, "broke the protocol");
    tunic_stream_free(s);
    teardown();
}
END_TEST

START_TEST(test_client_resolves)
{
    struct tunic_answer answers[4];
    setup();
    int n = tunic_client_resolve(c, "hello.test", NULL, answers, 4, SOON, &e);
    ck_assert_msg(n == 1, "%s", e.text);
    ck_assert_int_eq(answers[0].family, 4);
    ck_assert_str_eq(answers[0].text, "127.0.0.1");
    ck_assert_int_eq(tunic_client_resolve(c, "nowhere.example", NULL, answers, 4, SOON, &e), -1);
    ck_assert_int_eq(e.stage, TUNIC_STAGE_DNS);
    teardown();
}
END_TEST

/* ---- sockets ---- */

static bool readable(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, 0) == 1;
}

/* Runs the loop until FD has something or its end. */
static ssize_t take(int fd, char *out, size_t len)
{
    for (int i = 0; i < 1000 && !readable(fd); i++)
        ck_assert_int_eq(tunic_run_once(t, 20, &e), 0);
    ck_assert(readable(fd));
    return read(fd, out, len);
}

static int page_socket(void)
{
    int fd = tunic_client_connect_socket(c, "hello.test", 80, NULL, SOON, &e);
    ck_assert_msg(fd >= 0, "%s", e.text);
    return fd;
}

START_TEST(test_client_hands_out_sockets)
{
    char text[8192] = "";
    size_t len = 0;
    ssize_t n;
    setup();
    int fd = page_socket();
    ck_assert_int_eq(write(fd, GET, strlen(GET)), (ssize_t)strlen(GET));
    while ((n = take(fd, text + len, sizeof text - 1 - len)) > 0)
        len += (size_t)n;
    ck_assert_int_eq(n, 0);
    ck_assert_msg(strncmp(text, "HTTP/1.", 7) == 0, "%s", text);
    close(fd);
    teardown();
}
END_TEST

START_TEST(test_client_sockets_end_with_either_side)
{
    char text[16];
    setup();
    /* The program goes first: nothing is left of it. */
    close(page_socket());
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(tunic_run_once(t, 20, &e), 0);
    /* The client does; the instance does, and the socket is still the program's. */
    int fd = page_socket(), other;
    tunic_client_free(c);
    ck_assert_int_eq(take(fd, text, sizeof text), 0);
    close(fd);
    c = client_of(NULL);
    other = page_socket();
    tunic_client_free(c);
    c = NULL;
    tunic_free(t);
    ck_assert_int_eq(read(other, text, sizeof text), 0);
    close(other);
    t = NULL;
    lab_stop(&lab);
}
END_TEST

/* As `printf ... | nc -N`: it has said all that it will, and reads. */
START_TEST(test_client_sockets_bring_what_comes_after_the_last_word)
{
    char text[8192];
    size_t len = 0;
    ssize_t n;
    setup();
    int fd = page_socket();
    ck_assert_int_eq(write(fd, GET, strlen(GET)), (ssize_t)strlen(GET));
    ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
    while ((n = take(fd, text + len, sizeof text - len)) > 0)
        len += (size_t)n;
    ck_assert_uint_gt(len, 100);
    ck_assert_mem_eq(text, "HTTP/1.", 7);
    close(fd);
    teardown();
}
END_TEST

/* Whatever comes is sent back; in a process of its own. */
static pid_t echo_server(uint16_t *port)
{
    int fd = lab_listen(port);
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        char bytes[16384];
        ssize_t n;
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        int one = accept(fd, NULL, NULL);
        while ((n = read(one, bytes, sizeof bytes)) > 0)
            for (ssize_t done = 0; done < n;)
                done += write(one, bytes + done, (size_t)(n - done));
        _exit(0);
    }
    close(fd);
    return pid;
}

enum { ECHOED = 700 * 1000 };

static uint8_t byte_at(size_t i)
{
    return (uint8_t)(i * 7 + i / 251);
}

/* A program with a blocking socket, as if it knew nothing of Tor. */
static void *echo_thread(void *arg)
{
    int fd = *(int *)arg;
    static uint8_t bytes[ECHOED];
    size_t wrong = 0, got = 0;
    for (size_t i = 0; i < ECHOED; i++)
        bytes[i] = byte_at(i);
    for (size_t sent = 0; sent < ECHOED;) {
        size_t some = ECHOED - sent < 100000 ? ECHOED - sent : 100000;
        ssize_t n = write(fd, bytes + sent, some);
        if (n <= 0)
            break;
        sent += (size_t)n;
        while (got < sent && (n = read(fd, bytes + got, sent - got)) > 0)
            for (size_t end = got + (size_t)n; got < end; got++)
                wrong += bytes[got] != byte_at(got);
    }
    close(fd);
    return (void *)(wrong || got != ECHOED ? "bytes are lost or changed" : "");
}

START_TEST(test_client_sockets_for_threads)
{
    uint16_t port;
    pthread_t thread;
    void *verdict = NULL;
    setup();
    pid_t server = echo_server(&port);
    int fd = tunic_client_connect_socket(c, "127.0.0.1", port, NULL, SOON, &e);
    ck_assert_msg(fd >= 0, "%s", e.text);
    ck_assert_int_eq(pthread_create(&thread, NULL, echo_thread, &fd), 0);
    while (pthread_tryjoin_np(thread, &verdict) == EBUSY)
        ck_assert_int_eq(tunic_run_once(t, 20, &e), 0);
    ck_assert_str_eq(verdict, "");
    kill(server, SIGKILL);
    waitpid(server, NULL, 0);
    teardown();
}
END_TEST

START_TEST(test_client_sockets_hold_back_a_sender)
{
    static uint8_t block[65536];
    uint16_t port;
    size_t written = 0;
    setup();
    pid_t server = echo_server(&port);
    int fd = tunic_client_connect_socket(c, "127.0.0.1", port, NULL, SOON, &e);
    ck_assert_msg(fd >= 0, "%s", e.text);
    ck_assert_int_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    /* It writes and never reads: all on the way fills up, and no more is taken. */
    for (int idle = 0; idle < 10 && written < (64u << 20);) {
        ssize_t n = write(fd, block, sizeof block);
        idle = n > 0 ? 0 : idle + 1;
        written += n > 0 ? (size_t)n : 0;
        ck_assert_int_eq(tunic_run_once(t, 30, &e), 0);
    }
    ck_assert_uint_gt(written, 500000);
    ck_assert_uint_lt(written, 32u << 20);
    close(fd);
    kill(server, SIGKILL);
    waitpid(server, NULL, 0);
    teardown();
}
END_TEST

/* ---- isolation ---- */

struct counted {
    unsigned dirty; /* circuits that streams have used */
};

static void count_line(void *arg, enum tunic_log_level level, const char *line)
{
    struct counted *n = arg;
    (void)level;
    n->dirty += strstr(line, "(in use") != NULL;
}

static unsigned dirty_circuits(const struct tunic_client *client)
{
    struct counted n = {0};
    tunic_set_log(t, TUNIC_LOG_NOTICE, count_line, &n);
    client_dump(client->client);
    tunic_set_log(t, TUNIC_LOG_ERR, NULL, NULL);
    return n.dirty;
}

START_TEST(test_client_isolates_by_token)
{
    static const struct {
        const char *token;
        unsigned circuits; /* with this stream */
    } steps[] = {{NULL, 1}, {NULL, 1}, {"a", 2}, {"a", 2}, {"", 3}, {"b", 4}, {NULL, 4}, {"", 4}};
    setup();
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        tunic_stream_free(page(c, steps[i].token));
        ck_assert_msg(dirty_circuits(c) == steps[i].circuits, "step %zu: %u circuits", i,
                      dirty_circuits(c));
    }
    tunic_client_new_identity(c);
    struct tunic_stream *s = page(c, NULL);
    reads_page(s);
    tunic_stream_free(s);
    teardown();
}
END_TEST

/* ---- one directory for several ---- */

struct heard {
    char tags[512]; /* " conn done" */
    unsigned open;
};

static void hear(void *arg, struct tunic_client *client, enum tunic_event event)
{
    struct heard *h = arg;
    struct tunic_progress p;
    tunic_client_progress(client, &p);
    size_t len = strlen(h->tags);
    snprintf(h->tags + len, sizeof h->tags - len, " %s", p.tag);
    h->open += event == TUNIC_EVENT_OPEN;
}

static struct tunic_client *heard_client(struct tunic_client *share_with, struct heard *h)
{
    struct tunic_client_options o = TUNIC_CLIENT_OPTIONS_INIT;
    o.torrc = share_with ? NULL : lab.torrc;
    o.share_with = share_with;
    o.callback = hear;
    o.callback_arg = h;
    struct tunic_client *made = tunic_client_start(t, &o, &e);
    ck_assert_msg(made && tunic_client_wait(made, SOON, &e) == 0, "%s", e.text);
    ck_assert_int_eq(tunic_run_once(t, 0, &e), 0);
    return made;
}

START_TEST(test_client_tells_progress)
{
    struct heard h = {.open = 0};
    setup();
    struct tunic_client *other = heard_client(NULL, &h);
    ck_assert_uint_eq(h.open, 1);
    ck_assert_msg(strstr(h.tags, "conn") && strstr(h.tags, "done"), "%s", h.tags);
    tunic_client_free(other);
    teardown();
}
END_TEST

START_TEST(test_client_shares_a_directory)
{
    struct heard h = {.open = 0};
    setup();
    struct tunic_client *second = heard_client(c, &h);
    ck_assert_msg(!strstr(h.tags, "loading") && !strstr(h.tags, "requesting") &&
                      !strstr(h.tags, "onehop"),
                  "it fetched:%s", h.tags);
    /* What is known of the network costs its memory once. */
    ck_assert_ptr_eq(client_dirmgr(second->client), client_dirmgr(c->client));
    ck_assert_ptr_nonnull(dirmgr_netdir(client_dirmgr(c->client)));
    struct tunic_stream *a = page(c, "x"), *b = page(second, "x");
    ck_assert_uint_eq(dirty_circuits(c), 1);
    ck_assert_uint_eq(dirty_circuits(second), 1);
    tunic_stream_free(a);
    /* The first one goes, the second carries on and is shared itself. */
    tunic_client_free(c);
    reads_page(b);
    c = client_of(second);
    tunic_client_free(second);
    tunic_stream_free(b);
    a = page(c, NULL);
    reads_page(a);
    tunic_stream_free(a);
    teardown();
}
END_TEST

START_TEST(test_client_may_begin_with_a_second_while_the_first_fetches)
{
    setup();
    tunic_client_free(c);
    struct tunic_client_options o = TUNIC_CLIENT_OPTIONS_INIT;
    o.torrc = lab.torrc;
    struct tunic_client *first = tunic_client_start(t, &o, &e);
    o.torrc = NULL;
    o.share_with = first;
    c = tunic_client_start(t, &o, &e);
    ck_assert(first && c);
    struct tunic_progress p = {0};
    while (p.percent < 15) {
        ck_assert_int_eq(tunic_run_once(t, SOON, &e), 0);
        tunic_client_progress(first, &p);
    }
    tunic_client_free(first); /* in the middle of its requests */
    ck_assert_msg(tunic_client_wait(c, SOON, &e) == 0, "%s", e.text);
    teardown();
}
END_TEST

START_TEST(test_client_shares_only_what_it_may)
{
    setup();
    struct tunic *other = tunic_new(&e);
    struct tunic_client_options o = TUNIC_CLIENT_OPTIONS_INIT;
    o.share_with = c;
    ck_assert_ptr_null(tunic_client_start(other, &o, &e));
    is_error(TUNIC_USAGE, TUNIC_STAGE_NONE, "another instance");
    o.torrc = "TestingTorNetwork 0";
    ck_assert_ptr_null(tunic_client_start(t, &o, &e));
    is_error(TUNIC_USAGE, TUNIC_STAGE_NONE, "cannot change");
    tunic_free(other);
    teardown();
}
END_TEST

/* ---- options ---- */

static const struct {
    const char *torrc, *text; /* NULL: fine */
} OPTIONS[] = {
    {"", NULL},
    {"# nothing\n\n", NULL},
    {"DisableNetwork 1\nExitNodes $0011223344556677889900112233445566778899\n", NULL},
    {"Log notice file /nonexistent/x\nRunAsDaemon 1\nPidFile /nonexistent/y\n", NULL},
    {"NoSuchOption 1", "torrc:1: Unknown option 'NoSuchOption'"},
    {"\nSocksPrt 70000",
     "torrc:2: Unknown option 'SocksPrt'.  Failing. Did you mean \"SocksPort\"?"},
    {"SafeSocks 2\nA \"b\" c\nSocksPort 9 X", "torrc:2: "},
    {"SafeSocks 2\nXyzzy 1\nSocksPort 9 X", "torrc:1: Could not parse SafeSocks: "},
    {"SafeSocks 2\nXyzzy 1\nSocksPort 9 X", "(the first of 3 faults; the log names all)"},
    {"MaxCircuitDirtiness soon", "MaxCircuitDirtiness"},
    {"User nobody", "User is about a process"},
    {"CookieAuthentication 1", "wants a CookieAuthFile"},
    {"DisableAllSwap 1", "DisableAllSwap is about a process"},
    {"%include /etc/passwd", "include"},
    {"ORPort 9001", NULL},
    {"DirAuthority nonsense", "DirAuthority"},
    {"UseBridges 1", "UseBridges"},
    {"SocksPort 99999", "SocksPort"},
};

START_TEST(test_client_options_are_tors)
{
    t = tunic_new(&e);
    for (size_t i = 0; i < sizeof OPTIONS / sizeof OPTIONS[0]; i++) {
        struct tunic_client_options o = TUNIC_CLIENT_OPTIONS_INIT;
        const char *const set[] = {"DisableNetwork", "1", NULL};
        o.torrc = OPTIONS[i].torrc;
        o.set = set;
        c = tunic_client_start(t, &o, &e);
        ck_assert_msg(!c == !!OPTIONS[i].text, "%s: %s", OPTIONS[i].torrc, e.text);
        if (OPTIONS[i].text)
            is_error(TUNIC_USAGE, TUNIC_STAGE_NONE, OPTIONS[i].text);
        tunic_client_free(c);
    }
    tunic_free(t);
}
END_TEST

static char lines[4096];

static void keep_line(void *arg, enum tunic_log_level level, const char *line)
{
    size_t len = strlen(lines);
    (void)arg, (void)level;
    snprintf(lines + len, sizeof lines - len, "%s|", line);
}

/* What has no effect is said, and nothing that makes no sense for a library. */
START_TEST(test_client_warns_of_options_about_processes)
{
    const char *const set[] = {"DisableNetwork", "1", NULL};
    struct tunic_client_options o = TUNIC_CLIENT_OPTIONS_INIT;
    t = tunic_new(&e);
    tunic_set_log(t, TUNIC_LOG_WARN, keep_line, NULL);
    o.set = set;
    c = tunic_client_start(t, &o, &e);
    ck_assert_msg(c != NULL, "%s", e.text);
    ck_assert_str_eq(lines, "");
    ck_assert_int_eq(tunic_client_set(c, "Log", "debug stdout", &e), 0);
    ck_assert_ptr_nonnull(strstr(lines, "Log is about a process"));
    o.torrc = "PidFile /nonexistent/pid\n__DisableSignalHandlers 1\n";
    tunic_client_free(tunic_client_start(t, &o, &e));
    ck_assert_ptr_nonnull(strstr(lines, "PidFile is about a process"));
    ck_assert_ptr_nonnull(strstr(lines, "__DisableSignalHandlers is about a process"));
    lines[0] = 0;
    o.torrc = "NoSuchOption 1";
    ck_assert_ptr_null(tunic_client_start(t, &o, &e));
    ck_assert_ptr_null(strstr(lines, "process"));
    tunic_free_all(t);
}
END_TEST

static char answer[1024]; /* of the last tell_controller() */

/* Sends LINES to the control socket at PATH; how many of the N replies are "250 OK". */
static unsigned tell_controller(const char *path, const char *said, unsigned n)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    size_t len = 0;
    unsigned good = 0;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    snprintf(at.sun_path, sizeof at.sun_path, "%s", path);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
    ck_assert_int_eq((int)write(fd, said, strlen(said)), (int)strlen(said));
    memset(answer, 0, sizeof answer);
    for (int i = 0; i < 100 && good < n; i++) {
        ck_assert_int_ge(tunic_run_once(t, 20, &e), 0);
        ssize_t got = read(fd, answer + len, sizeof answer - 1 - len);
        len += got > 0 ? (size_t)got : 0;
        good = 0;
        for (const char *ok = answer; (ok = strstr(ok, "250 OK\r\n")); ok++)
            good++;
    }
    close(fd);
    return good;
}

/* A controller's options are a library's, too. */
START_TEST(test_client_controller_changes_a_library)
{
    char dir[] = "/tmp/tunic-test-XXXXXX", torrc[128], path[64], text[64];
    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/control", dir);
    snprintf(torrc, sizeof torrc, "DisableNetwork 1\nControlSocket %s\n", path);
    lines[0] = 0;
    t = tunic_new(&e);
    tunic_set_log(t, TUNIC_LOG_WARN, keep_line, NULL);
    struct tunic_client_options o = TUNIC_CLIENT_OPTIONS_INIT;
    o.torrc = torrc;
    c = tunic_client_start(t, &o, &e);
    ck_assert_msg(c != NULL, "%s", e.text);
    static const char said[] = "AUTHENTICATE\r\nSIGNAL SHUTDOWN\r\nSIGNAL dump\r\nSAVECONF\r\n"
                               "GETINFO signal/names\r\nSIGNAL HEARTBEAT\r\n"
                               "+LOADCONF\r\nSafeSocks 1\r\n.\r\n"
                               "SETCONF MaxCircuitDirtiness=77\r\nSETCONF MetricsPort=9035\r\n";
    ck_assert_uint_eq(tell_controller(path, said, 5), 5); /* no torrc is read or written */
    ck_assert_ptr_nonnull(strstr(answer, "\r\n552 Unrecognized signal code \"SHUTDOWN\"\r\n"
                                         "552 Unrecognized signal code \"dump\"\r\n"));
    ck_assert_ptr_nonnull(
        strstr(answer, "names=NEWNYM CLEARDNSCACHE HEARTBEAT ACTIVE DORMANT\r\n"));
    ck_assert_int_eq(tunic_client_get(c, "SafeSocks", text, sizeof text), 1);
    ck_assert_str_eq(text, "0");
    ck_assert_int_eq(tunic_client_get(c, "MaxCircuitDirtiness", text, sizeof text), 2);
    ck_assert_ptr_nonnull(
        strstr(lines, "controller: MetricsPort is about a process: it has no effect in a library"));
    ck_assert_msg(!strstr(lines, "home folder") && !strstr(lines, "SocksPort is 0"), "%s", lines);
    o.torrc = NULL;
    o.share_with = c; /* its directory, not its ports */
    ck_assert_msg(tunic_client_start(t, &o, &e) != NULL, "%s", e.text);
    tunic_free_all(t);
    ck_assert_int_eq(rmdir(dir), 0); /* the socket is gone */
}
END_TEST

START_TEST(test_client_options_as_pairs_while_it_runs)
{
    static const char *const set[] = {"MaxCircuitDirtiness", "20", "+NodeFamily", "c,d",
                                      "DisableNetwork",      "1",  NULL};
    struct tunic_client_options o = TUNIC_CLIENT_OPTIONS_INIT;
    char text[64];
    t = tunic_new(&e);
    o.torrc = "MaxCircuitDirtiness 30\nNodeFamily a,b";
    o.set = set;
    c = tunic_client_start(t, &o, &e);
    ck_assert_msg(c != NULL, "%s", e.text);
    ck_assert_int_eq(tunic_client_get(c, "maxcircuitdirtiness", text, sizeof text), 2);
    ck_assert_str_eq(text, "20");
    ck_assert_int_eq(tunic_client_get(c, "NodeFamily", text, sizeof text), 7);
    ck_assert_str_eq(text, "a,b\nc,d");
    ck_assert_int_eq(tunic_client_get(c, "NodeFamily", text, 3), 7);
    ck_assert_str_eq(text, "a,");
    ck_assert_int_eq(tunic_client_get(c, "NoSuchOption", text, sizeof text), -1);
    ck_assert_int_eq(tunic_client_set(c, "MaxCircuitDirtiness", "40", &e), 0);
    ck_assert_int_eq(tunic_client_get(c, "MaxCircuitDirtiness", text, sizeof text), 2);
    ck_assert_str_eq(text, "40");
    ck_assert_int_eq(tunic_client_set(c, "MaxCircuitDirtiness", NULL, &e), 0);
    ck_assert_int_gt(tunic_client_get(c, "MaxCircuitDirtiness", text, sizeof text), 0);
    ck_assert_str_eq(text, "600");
    ck_assert_int_eq(tunic_client_set(c, "MaxCircuitDirtiness", "soon", &e), -1);
    is_error(TUNIC_USAGE, TUNIC_STAGE_NONE, "MaxCircuitDirtiness");
    ck_assert_int_eq(tunic_client_set(c, "EntryNodes", "!", &e), -1);
    ck_assert_int_eq(tunic_client_set(c, "UseBridges", "1", &e), -1);
    is_error(TUNIC_USAGE, TUNIC_STAGE_NONE, "write \"UseBridges 0\"");
    ck_assert_int_eq(tunic_client_set(c, "Nickname", "mine", &e), 0); /* of no matter, but shown */
    ck_assert_int_eq(tunic_client_get(c, "Nickname", text, sizeof text), 4);
    ck_assert_str_eq(text, "mine");
    ck_assert_int_gt(tunic_client_get(c, "MaxCircuitDirtiness", text, sizeof text), 0);
    ck_assert_int_eq(tunic_client_set(c, "DataDirectory", "/tmp", &e), -1);
    ck_assert_int_eq(
        tunic_client_set(c, "FallbackDir",
                         "127.0.0.1:1 orport=1 id=0123456789012345678901234567890123456789", &e),
        -1);
    is_error(TUNIC_USAGE, TUNIC_STAGE_NONE, "change");
    ck_assert_str_eq(text, "600");
    ck_assert_int_eq(tunic_client_wait(c, 10, &e), -1);
    is_error(TUNIC_TIMEOUT, TUNIC_STAGE_DIRECTORY, "DisableNetwork");
    tunic_free_all(t);
}
END_TEST

START_TEST(test_client_says_what_it_is_stuck_at)
{
    char torrc[400];
    uint16_t port;
    close(lab_listen(&port)); /* nobody there */
    snprintf(torrc, sizeof torrc,
             "TestingTorNetwork 1\nDirAuthority a orport=%u v3ident=%040d 127.0.0.1:1 %040d\n",
             port, 1, 2);
    t = tunic_new(&e);
    ck_assert_ptr_null(tunic_client_open(t, torrc, 500, &e));
    is_error(TUNIC_TIMEOUT, TUNIC_STAGE_TCP, "5% (Connecting to a relay); ");
    tunic_free(t);
}
END_TEST

START_TEST(test_client_socks_port_when_asked_for)
{
    setup();
    ck_assert_uint_eq(tunic_client_socks_port(c), 0);
    ck_assert_int_eq(tunic_client_set(c, "SocksPort", "auto", &e), 0);
    uint16_t port = tunic_client_socks_port(c);
    ck_assert_uint_ne(port, 0);
    struct tunic_client_options o = TUNIC_CLIENT_OPTIONS_INIT;
    char line[40];
    snprintf(line, sizeof line, "SocksPort %u", port);
    o.torrc = line;
    o.share_with = c;
    ck_assert_ptr_null(tunic_client_start(t, &o, &e));
    ck_assert_int_eq(e.sys_errno, EADDRINUSE);
    is_error(TUNIC_SYSTEM, TUNIC_STAGE_NONE,
             "SocksPort or ControlPort could not be opened: Address");
    ck_assert_int_eq(tunic_client_set(c, "SocksPort", NULL, &e), 0);
    ck_assert_uint_eq(tunic_client_socks_port(c), 0);
    teardown();
}
END_TEST

static bool has_file(const char *dir, const char *name)
{
    char path[128];
    struct stat st;
    snprintf(path, sizeof path, "%s/%s", dir, name);
    return stat(path, &st) == 0;
}

START_TEST(test_client_network_can_be_disabled_while_it_runs)
{
    char byte;
    setup();
    ck_assert_int_eq(tunic_client_set(c, "SocksPort", "auto", &e), 0);
    struct tunic_stream *s = page(c, NULL);
    ck_assert_int_eq(tunic_client_set(c, "DisableNetwork", "1", &e), 0);
    ck_assert_uint_eq(tunic_client_socks_port(c), 0);
    ck_assert_int_eq((int)tunic_stream_read(s, &byte, 1, SOON, &e), -1);
    is_error(TUNIC_NETWORK, TUNIC_STAGE_LINK, "DisableNetwork");
    tunic_stream_free(s);
    ck_assert_ptr_null(tunic_client_connect(c, "hello.test", 80, NULL, 200, &e));
    ck_assert_int_eq((int)e.cls, TUNIC_TIMEOUT);
    ck_assert_int_eq(tunic_client_set(c, "DisableNetwork", NULL, &e), 0);
    ck_assert_uint_ne(tunic_client_socks_port(c), 0);
    s = page(c, NULL);
    reads_page(s);
    tunic_stream_free(s);
    teardown();
}
END_TEST

START_TEST(test_client_change_that_fails_changes_nothing)
{
    char taken[32], text[64];
    setup();
    ck_assert_int_eq(tunic_client_set(c, "SocksPort", "auto", &e), 0);
    uint16_t port = tunic_client_socks_port(c);
    struct tunic_client *other = client_of(c);
    snprintf(taken, sizeof taken, "%u", port);
    ck_assert_int_eq(tunic_client_set(other, "SocksPort", taken, &e), -1);
    ck_assert_int_eq(e.sys_errno, EADDRINUSE);
    is_error(TUNIC_SYSTEM, TUNIC_STAGE_NONE,
             "SocksPort or ControlPort could not be opened: Address");
    ck_assert_uint_eq(tunic_client_socks_port(other), 0);
    ck_assert_int_eq(tunic_client_get(other, "SocksPort", text, sizeof text), 1);
    ck_assert_str_eq(text, "0");
    ck_assert_int_eq(tunic_client_set(c, "CacheDirectory", "/elsewhere", &e), -1);
    is_error(TUNIC_USAGE, TUNIC_STAGE_NONE, "changing CacheDirectory is not allowed");
    ck_assert_uint_eq(tunic_client_socks_port(c), port);
    tunic_client_free(other);
    teardown();
}
END_TEST

START_TEST(test_client_keeps_a_data_directory)
{
    char dir[64] = "/tmp/test_client_XXXXXX", torrc[sizeof lab.torrc + 128], command[192];
    struct heard h = {.open = 0};
    setup();
    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(torrc, sizeof torrc, "%sDataDirectory %s/d\n", lab.torrc, dir);
    struct tunic_client *kept = tunic_client_open(t, torrc, SOON, &e);
    ck_assert_msg(kept != NULL, "%s", e.text);
    ck_assert_ptr_null(tunic_client_open(t, torrc, SOON, &e));
    is_error(TUNIC_SYSTEM, TUNIC_STAGE_NONE, "lock");
    tunic_client_free(kept);
    strcat(dir, "/d");
    ck_assert(has_file(dir, "state") && has_file(dir, "cached-microdesc-consensus"));
    struct tunic_client_options o = TUNIC_CLIENT_OPTIONS_INIT;
    o.torrc = torrc;
    o.callback = hear;
    o.callback_arg = &h;
    kept = tunic_client_start(t, &o, &e);
    ck_assert_msg(kept && tunic_client_wait(kept, SOON, &e) == 0, "%s", e.text);
    ck_assert_msg(!strstr(h.tags, "requesting_status"), "it fetched:%s", h.tags);
    tunic_client_free(kept);
    /* A state that is there and cannot be read is not written over. */
    snprintf(command, sizeof command, "rm %s/state && mkdir %s/state", dir, dir);
    ck_assert_int_eq(system(command), 0);
    ck_assert_ptr_null(tunic_client_start(t, &o, &e));
    is_error(TUNIC_SYSTEM, TUNIC_STAGE_NONE, "\"state\"");
    dir[strlen(dir) - 2] = 0;
    snprintf(command, sizeof command, "rm -r %s", dir);
    ck_assert_int_eq(system(command), 0);
    teardown();
}
END_TEST

/* ---- the caller's loop, and life ---- */

struct fetched {
    struct event_base *base;
    size_t bytes;
    enum tunic_class end;
};

static void on_page(void *arg, struct tunic_stream *s, enum tunic_event event)
{
    struct fetched *f = arg;
    char text[4096];
    ssize_t n;
    if (event == TUNIC_EVENT_OPEN)
        ck_assert_int_gt(tunic_stream_write(s, GET, strlen(GET), 0, NULL), 0);
    while (event == TUNIC_EVENT_READABLE &&
           (n = tunic_stream_read(s, text, sizeof text, 0, NULL)) > 0)
        f->bytes += (size_t)n;
    if (event != TUNIC_EVENT_CLOSED)
        return;
    f->end = tunic_stream_error(s)->cls;
    tunic_stream_free(s);
    event_base_loopbreak(f->base);
}

START_TEST(test_client_in_the_callers_loop)
{
    struct fetched f = {.base = event_base_new()};
    struct tunic_client_options o = TUNIC_CLIENT_OPTIONS_INIT;
    struct tunic_stream_options so = TUNIC_STREAM_OPTIONS_INIT;
    lab_start(&lab, NULL);
    t = tunic_new_on_base(f.base, &e);
    o.torrc = lab.torrc;
    c = tunic_client_start(t, &o, &e);
    ck_assert_int_eq(tunic_client_wait(c, 100, &e), -1);
    is_error(TUNIC_USAGE, TUNIC_STAGE_NONE, "waiting");
    so.target = "hello.test:80";
    so.callback = on_page;
    so.callback_arg = &f;
    ck_assert_ptr_nonnull(tunic_client_stream_start(c, &so, &e)); /* long before it is ready */
    event_base_dispatch(f.base);
    ck_assert_int_eq(f.end, TUNIC_CLOSED);
    ck_assert_uint_gt(f.bytes, 100);
    teardown();
    event_base_free(f.base);
}
END_TEST

static long memory_kb(void)
{
    long pages = 0, resident = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(fscanf(f, "%ld %ld", &pages, &resident), 2);
    fclose(f);
    return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

static int open_files(void)
{
    int n = 0;
    for (int fd = 0; fd < 256; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

#if defined __SANITIZE_ADDRESS__
enum {
    LIVES = 300,
    LEAK_KB = 1 << 20 /* the sanitizer's own memory grows; it counts leaks itself */
};
#else
enum { LIVES = 10000, LEAK_KB = 1024 };
#endif

/* Pairs that share a directory, in each order of going; some with a stream that waits. */
static void live(int i)
{
    struct tunic_client_options o = TUNIC_CLIENT_OPTIONS_INIT;
    struct tunic_stream_options so = TUNIC_STREAM_OPTIONS_INIT;
    o.torrc = lab.torrc;
    struct tunic_client *first = tunic_client_start(t, &o, &e);
    o.torrc = NULL;
    o.share_with = first;
    struct tunic_client *second = tunic_client_start(t, &o, &e);
    ck_assert_msg(first && second, "%s", e.text);
    so.target = "hello.test:80";
    struct tunic_stream *s = i % 2 ? tunic_client_stream_start(second, &so, &e) : NULL;
    if (i % 3 == 0)
        ck_assert_int_eq(tunic_run_once(t, 0, &e), 0);
    tunic_client_free(i % 4 < 2 ? first : second);
    tunic_client_free(i % 4 < 2 ? second : first);
    tunic_stream_free(s);
}

START_TEST(test_client_lives_many_times)
{
    lab_start(&lab, NULL);
    t = tunic_new(&e);
    for (int i = 0; i < LIVES / 20; i++) /* what libraries set up once */
        live(i);
    long before = memory_kb();
    int files = open_files();
    for (int i = 0; i < LIVES / 2; i++)
        live(i);
    ck_assert_int_eq(open_files(), files);
    ck_assert_msg(memory_kb() - before < LEAK_KB, "%ld KB more", memory_kb() - before);
    tunic_free(t);
    lab_stop(&lab);
}
END_TEST

/* ---- programs that were built with an older header; programs with threads ---- */

START_TEST(test_client_reads_no_option_that_an_older_program_has_not)
{
    struct tunic_client_options o = TUNIC_CLIENT_OPTIONS_INIT;
    lab_start(&lab, NULL);
    t = tunic_new(&e);
    o.size = offsetof(struct tunic_client_options, set);
    o.torrc = lab.torrc;
    /* What is behind its end, in that program. */
    memset((char *)&o + o.size, 0xa5, sizeof o - o.size);
    c = tunic_client_start(t, &o, &e);
    ck_assert_msg(c && tunic_client_wait(c, SOON, &e) == 0, "%s", e.text);
    teardown();
}
END_TEST

/* An instance of its own, from the first call to the last. */
static void *user_thread(void *arg)
{
    struct tunic_error error;
    char text[8192];
    size_t len = 0;
    ssize_t n;
    struct tunic *mine = tunic_new(&error);
    struct tunic_client *client = tunic_client_open(mine, lab.torrc, SOON, &error);
    struct tunic_stream *s = tunic_client_connect(client, "hello.test", 80, NULL, SOON, &error);
    n = tunic_stream_write(s, GET, strlen(GET), SOON, &error);
    while (n >= 0 && (n = tunic_stream_read(s, text + len, sizeof text - len, SOON, &error)) > 0)
        len += (size_t)n;
    *(bool *)arg = n == 0 && len > 7 && strncmp(text, "HTTP/1.", 7) == 0;
    tunic_free_all(mine);
    return NULL;
}

START_TEST(test_client_of_each_thread)
{
    pthread_t threads[4];
    bool good[4] = {false, false, false, false};
    lab_start(&lab, NULL);
    for (size_t i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, user_thread, &good[i]), 0);
    for (size_t i = 0; i < 4; i++) {
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
        ck_assert_msg(good[i], "thread %zu got no page", i);
    }
    lab_stop(&lab);
}
END_TEST

/* ---- examples ---- */

static unsigned pages_in(const char *text)
{
    unsigned n = 0;
    while ((text = strstr(text, "the exit was "))) {
        n++;
        text++;
    }
    return n;
}

START_TEST(test_client_examples)
{
    static char output[65536];
    char args[sizeof lab.torrc + 64];
    lab_start(&lab, NULL);
    snprintf(args, sizeof args, "'%s' hello.test:80", lab.torrc);
    ck_assert_int_eq(lab_example("web_client", args, output, sizeof output), 0);
    ck_assert_uint_eq(pages_in(output), 1);
    snprintf(args, sizeof args, "'%s' hello.test 80", lab.torrc);
    ck_assert_int_eq(lab_example("two_clients", args, output, sizeof output), 0);
    ck_assert_uint_eq(pages_in(output), 2);
    snprintf(args, sizeof args, "'%s' nowhere.example:80 2>&1", lab.torrc);
    ck_assert_int_eq(lab_example("web_client", args, output, sizeof output), 1);
    ck_assert_msg(strstr(output, "resolve") != NULL, "%s", output);
    ck_assert_int_eq(lab_example("web_client", "2>&1", output, sizeof output), 1);
    ck_assert_int_eq(lab_example("two_clients", "2>&1", output, sizeof output), 1);
    lab_stop(&lab);
}
END_TEST

START_TEST(test_client_copies_to_a_descriptor)
{
    char text[8192] = "";
    int ends[2];
    setup();
    struct tunic_stream *s = page(c, NULL);
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_gt(tunic_stream_write(s, GET, strlen(GET), SOON, &e), 0);
    int64_t n = tunic_stream_copy(s, ends[1], SOON, &e);
    ck_assert_msg(n > 100, "%s", e.text);
    ck_assert_int_eq(read(ends[0], text, sizeof text - 1), n);
    ck_assert(strncmp(text, "HTTP/1.", 7) == 0);
    tunic_stream_free(s);
    s = page(c, NULL);
    ck_assert_int_gt(tunic_stream_write(s, GET, strlen(GET), SOON, &e), 0);
    close(ends[0]);
    close(ends[1]);
    ck_assert_int_eq(tunic_stream_copy(s, ends[1], SOON, &e), -1);
    ck_assert_int_eq(e.sys_errno, EBADF);
    is_error(TUNIC_SYSTEM, TUNIC_STAGE_NONE, "descriptor");
    tunic_stream_free(s);
    ck_assert_int_eq(tunic_stream_copy(NULL, 1, SOON, &e), -1);
    teardown();
}
END_TEST

/* One wake-up: neither a thousand BEGINs nor a thousand ENDs cost the circuit they are on. */
/* In another process, which has nothing to do with the test's own machinery. */
static int in_child(void (*fn)(void))
{
    int status = -1;
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        fn();
        _exit(0);
    }
    ck_assert_int_gt(pid, 0);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    return status;
}

static struct tunic_stream *open_stream;

/* Exits with a number that tells which call was not refused. */
static void touch_all(void)
{
    struct tunic_error why = {.cls = TUNIC_OK};
    char byte;
    if (tunic_client_connect(c, "hello.test", 80, NULL, SOON, &why) || why.cls != TUNIC_USAGE)
        _exit(1);
    if (tunic_run_once(t, 0, NULL) != -1 || tunic_client_wait(c, 0, NULL) != -1)
        _exit(2);
    if (tunic_stream_write(open_stream, "x", 1, SOON, NULL) != -1 ||
        tunic_stream_read(open_stream, &byte, 1, SOON, NULL) != -1)
        _exit(3);
    if (tunic_client_set(c, "SafeLogging", "0", NULL) != -1)
        _exit(4);
    tunic_client_new_identity(c);
}

static void free_all(void)
{
    touch_all();
    tunic_free_all(t);
}

static void free_each(void)
{
    tunic_stream_free(open_stream);
    tunic_client_free(c);
    tunic_free(t);
}

static void free_after_closing_descriptors(void)
{
    for (int fd = 3; fd < 200; fd++)
        close(fd);
    tunic_free_all(t);
}

START_TEST(test_client_is_not_disturbed_by_a_child)
{
    static void (*const ways[])(void) = {touch_all, free_all, free_each,
                                         free_after_closing_descriptors};
    setup();
    open_stream = page(c, NULL);
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        int status = in_child(ways[i]);
        ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "way %zu: %d", i, status);
        struct tunic_stream *s = page(c, "another circuit's");
        reads_page(s);
        tunic_stream_free(s);
    }
    reads_page(open_stream); /* it was open all the while */
    tunic_stream_free(open_stream);
    teardown();
}
END_TEST

/* What the child frees is not written or taken away from the parent. */
START_TEST(test_client_leaves_files_to_the_first_process)
{
    char dir[] = "/tmp/tunic-test-XXXXXX", torrc[sizeof lab.torrc + 256], path[128];
    struct tunic_client_options o = TUNIC_CLIENT_OPTIONS_INIT;
    struct stat st;
    memset(&e, 0, sizeof e);
    ck_assert_ptr_nonnull(mkdtemp(dir));
    lab_start(&lab, NULL);
    t = tunic_new(&e);
    snprintf(torrc, sizeof torrc, "%sDataDirectory %s/d\nSocksPort unix:%s/s\n", lab.torrc, dir,
             dir);
    o.torrc = torrc;
    c = tunic_client_start(t, &o, &e);
    ck_assert_msg(c && tunic_client_wait(c, SOON, &e) == 0, "%s", e.text);
    open_stream = page(c, NULL);
    snprintf(path, sizeof path, "%s/d/state", dir);
    (void)unlink(path);
    ck_assert_int_eq(in_child(free_all), 0);
    ck_assert_int_ne(stat(path, &st), 0);
    snprintf(path, sizeof path, "%s/s", dir);
    ck_assert_int_eq(stat(path, &st), 0);
    reads_page(open_stream);
    tunic_stream_free(open_stream);
    teardown();
    snprintf(path, sizeof path, "rm -r %s", dir);
    ck_assert_int_eq(system(path), 0);
}
END_TEST

/* A program that closes descriptors that are not its own; in a process of its own. */
static void use_without_descriptors(void)
{
    struct tunic *mine = tunic_new(&e);
    struct tunic_client_options o = TUNIC_CLIENT_OPTIONS_INIT;
    o.torrc = lab.torrc;
    struct tunic_client *client = tunic_client_start(mine, &o, &e);
    if (!client || tunic_client_wait(client, SOON, &e) != 0)
        _exit(1);
    for (int fd = 3; fd < 200; fd++)
        close(fd);
    for (int i = 0; i < 3; i++)
        if (tunic_client_connect(client, "hello.test", 80, NULL, 1000, &e) || e.cls != TUNIC_SYSTEM)
            _exit(2);
    tunic_free_all(mine);
}

START_TEST(test_client_says_that_its_descriptors_are_gone)
{
    setup();
    ck_assert_int_eq(in_child(use_without_descriptors), 0);
    teardown();
}
END_TEST

static struct event_base *callers;

static void run_the_loop_and_free(void)
{
    for (int i = 0; i < 5; i++) {
        usleep(20000);
        event_base_loop(callers, EVLOOP_NONBLOCK);
    }
    tunic_free_all(t);
}

/* The child's loop sees the parent's sockets, and leaves what comes to the parent. */
START_TEST(test_client_in_the_callers_loop_is_the_first_processs)
{
    callers = event_base_new();
    struct fetched f = {.base = callers};
    struct tunic_client_options o = TUNIC_CLIENT_OPTIONS_INIT;
    struct tunic_stream_options so = TUNIC_STREAM_OPTIONS_INIT;
    lab_start(&lab, NULL);
    t = tunic_new_on_base(callers, &e);
    o.torrc = lab.torrc;
    c = tunic_client_start(t, &o, &e);
    so.target = "hello.test:80";
    so.callback = on_page;
    so.callback_arg = &f;
    for (int i = 0; i < 3; i++) {
        ck_assert_ptr_nonnull(tunic_client_stream_start(c, &so, &e));
        for (int k = 0; i == 0 && k < 30; k++) /* the first one in the middle of the bootstrap */
            event_base_loop(callers, EVLOOP_NONBLOCK);
        ck_assert_int_eq(in_child(run_the_loop_and_free), 0);
        f.end = f.bytes = 0;
        event_base_dispatch(callers);
        ck_assert_int_eq(f.end, TUNIC_CLOSED);
        ck_assert_uint_gt(f.bytes, 100);
    }
    teardown();
    event_base_free(callers);
}
END_TEST

START_TEST(test_client_bears_a_thousand_streams_at_once)
{
    enum { MANY = 1000 };
    static struct tunic_stream *s[MANY];
    struct tunic_stream_options o = TUNIC_STREAM_OPTIONS_INIT;
    o.target = "hello.test:80";
    setup();
    struct tunic_stream *first = page(c, NULL);
    for (int i = 0; i < MANY; i++)
        ck_assert_ptr_nonnull(s[i] = tunic_client_stream_start(c, &o, &e));
    for (int i = 0; i < MANY; i++)
        ck_assert_msg(tunic_stream_wait(s[i], SOON, &e) == 0, "%d: %s", i, e.text);
    for (int i = 1; i < MANY; i++)
        tunic_stream_free(s[i]);
    reads_page(first);
    reads_page(s[0]);
    teardown();
    tunic_stream_free(first);
    tunic_stream_free(s[0]);
}
END_TEST

TESTS("lib/client", test_client_bootstraps_and_serves_streams,
      test_client_refuses_and_fails_with_reasons, test_client_optimistic_streams_do_not_wait,
      test_client_resolves, test_client_hands_out_sockets, test_client_sockets_end_with_either_side,
      test_client_sockets_bring_what_comes_after_the_last_word, test_client_sockets_for_threads,
      test_client_sockets_hold_back_a_sender, test_client_isolates_by_token,
      test_client_tells_progress, test_client_shares_a_directory,
      test_client_may_begin_with_a_second_while_the_first_fetches,
      test_client_shares_only_what_it_may, test_client_options_are_tors,
      test_client_controller_changes_a_library, test_client_options_as_pairs_while_it_runs,
      test_client_says_what_it_is_stuck_at, test_client_socks_port_when_asked_for,
      test_client_network_can_be_disabled_while_it_runs,
      test_client_change_that_fails_changes_nothing, test_client_keeps_a_data_directory,
      test_client_reads_no_option_that_an_older_program_has_not, test_client_of_each_thread,
      test_client_in_the_callers_loop, test_client_lives_many_times, test_client_examples,
      test_client_copies_to_a_descriptor, test_client_is_not_disturbed_by_a_child,
      test_client_leaves_files_to_the_first_process, test_client_says_that_its_descriptors_are_gone,
      test_client_in_the_callers_loop_is_the_first_processs,
      test_client_bears_a_thousand_streams_at_once, test_client_warns_of_options_about_processes,
      test_client_streams_end_as_their_circuit)
