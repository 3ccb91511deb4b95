/* The SOCKS machine between an application and a tunnel that the test plays: defines the tunnel's
 * calls, so that the client layer is not linked. Each test has a world of its own. Header-only; a
 * test includes it once. */
#ifndef TUNIC_TESTS_SOCKSWORLD_H
#define TUNIC_TESTS_SOCKSWORLD_H

#include "client/client.h"
#include "socks/socks.h"

#include <stdlib.h>
#include <string.h>

#include "cell/reason.h"
#include "support/test.h"

#define BYTES(...) ((const uint8_t[]){__VA_ARGS__}), sizeof((const uint8_t[]){__VA_ARGS__})

/* ---- the tunnel ---- */

struct tunnel {
    bool open;
    unsigned opened, closed; /* how often */
    uint8_t close_reason;
    struct tunnel_request req;
    const struct tunnel_ops *ops;
    void *arg;
    bool connected;
    size_t room; /* how much more tunnel_write() takes */
    unsigned writes;
    uint8_t got[300000];
    size_t got_len, consumed;
};

struct world {
    struct env *env;
    struct front_config config;
    struct ipport peer;
    struct pump *pump;
    struct tunnel tunnel;
    struct event_status told; /* the last */
    bool no_tunnel;           /* tunnel_open() says NULL */
    unsigned outputs, wanted, dones, warns, notices;
    bool send_at_once, feed_at_once; /* what net may do inside a callback */
    uint8_t sent[4096];
    size_t sent_len;
};

void client_tell(struct client *client, const struct event_record *e)
{
    struct world *w = (void *)client;
    w->told = e->status;
}

struct tunnel *tunnel_open(struct client *client, const struct tunnel_request *req,
                           const struct tunnel_ops *ops, void *arg)
{
    struct world *w = (void *)client;
    w->tunnel.opened++;
    w->tunnel.req = *req;
    if (w->no_tunnel)
        return NULL;
    w->tunnel.open = true;
    w->tunnel.ops = ops;
    w->tunnel.arg = arg;
    return &w->tunnel;
}

size_t tunnel_write(struct tunnel *t, const uint8_t *bytes, size_t len)
{
    ck_assert(t->open);
    ck_assert_uint_gt(len, 0);
    t->writes++;
    size_t n = !t->connected ? 0 : len < t->room ? len : t->room;
    ck_assert_uint_le(t->got_len + n, sizeof t->got);
    memcpy(t->got + t->got_len, bytes, n);
    t->got_len += n;
    t->room -= n;
    return n;
}

const struct tunnel_request *tunnel_asked(const struct tunnel *t)
{
    return &t->req;
}

void tunnel_consumed(struct tunnel *t, size_t len)
{
    ck_assert(t->open);
    t->consumed += len;
}

void tunnel_close(struct tunnel *t, uint8_t reason)
{
    ck_assert(t->open); /* not NULL, not twice, not after on_end */
    t->open = false;
    t->closed++;
    t->close_reason = reason;
}

/* Not a hash, so that a test sees what went in. */
void isolation_set_auth(struct isolation *iso, struct text user, struct text pass)
{
    struct isolation none = {.has_auth = true};
    memcpy(iso->auth, none.auth, sizeof iso->auth);
    iso->has_auth = true;
    iso->auth[0] = (uint8_t)user.len;
    iso->auth[1] = (uint8_t)pass.len;
    for (size_t i = 0; i < user.len && i < 15; i++)
        iso->auth[2 + i] = (uint8_t)user.s[i];
    for (size_t i = 0; i < pass.len && i < 15; i++)
        iso->auth[17 + i] = (uint8_t)pass.s[i];
}

/* ---- the world ---- */

static inline void send_out(struct world *w, size_t most)
{
    size_t len;
    const uint8_t *bytes = pump_out(w->pump, &len);
    size_t n = len < most ? len : most;
    for (size_t i = 0; i < n && w->sent_len < sizeof w->sent; i++)
        w->sent[w->sent_len++] = bytes[i];
    if (n)
        pump_sent(w->pump, n);
}

/* Returns how many bytes the machine took. */
static inline size_t feed_in_steps(struct world *w, const uint8_t *bytes, size_t len, size_t step)
{
    size_t at = 0, room;
    while (at < len) {
        uint8_t *to = pump_in_room(w->pump, &room);
        if (!to)
            break;
        ck_assert_uint_gt(room, 0);
        size_t n = len - at < step ? len - at : step;
        n = n < room ? n : room;
        memcpy(to, bytes + at, n);
        pump_in_done(w->pump, n);
        at += n;
    }
    return at;
}

static inline void feed(struct world *w, const uint8_t *bytes, size_t len)
{
    ck_assert_uint_eq(feed_in_steps(w, bytes, len, len), len);
}

static inline void feed_text(struct world *w, const char *text)
{
    feed(w, (const uint8_t *)text, strlen(text));
}

static inline void on_output(void *arg)
{
    struct world *w = arg;
    w->outputs++;
    if (w->send_at_once)
        send_out(w, SIZE_MAX);
}

static inline void on_input_wanted(void *arg)
{
    struct world *w = arg;
    w->wanted++;
    if (w->feed_at_once) {
        w->feed_at_once = false;
        feed_text(w, "more");
    }
}

static inline void on_end(void *arg)
{
    struct world *w = arg;
    w->dones++;
}

__attribute__((unused)) static const struct pump_ops ops = {on_output, on_input_wanted, on_end};

static inline void sink(void *arg, enum log_level level, const char *line)
{
    struct world *w = arg;
    (void)line;
    w->warns += level == LOG_WARN;
    w->notices += level == LOG_NOTICE;
}

static inline void connection(struct world *w)
{
    w->pump = socks_new(w->env, (void *)w, &w->config, &w->peer, &ops, w);
    ck_assert_ptr_nonnull(w->pump);
}

/* With a port as `SocksPort 9050` makes it. */
static inline struct world *world(void)
{
    struct world *w = calloc(1, sizeof *w);
    ck_assert_ptr_nonnull(w);
    w->env = test_env(1);
    w->env->log->least = LOG_NOTICE;
    w->env->log->sink = sink;
    w->env->log->arg = w;
    w->config = (struct front_config){.session = 42,
                                      .flags = {.isolation = ISO_CLIENT_ADDR | ISO_SOCKS_AUTH,
                                                .ipv4 = true,
                                                .ipv6 = true,
                                                .dns = true,
                                                .onion = true}};
    w->peer = (struct ipport){ip_v4((const uint8_t[]){127, 0, 0, 9}), 4711};
    w->tunnel.room = SIZE_MAX;
    connection(w);
    return w;
}

static inline void world_free(struct world *w)
{
    pump_free(w->pump);
    ck_assert(!w->tunnel.open);
    test_env_advance_ms(w->env, 1000000); /* no timer of the machine is left */
    test_env_free(w->env);
    free(w);
}

/* A connection of the same application, after the last one. */
static inline void again(struct world *w)
{
    pump_free(w->pump);
    memset(&w->tunnel, 0, sizeof w->tunnel);
    w->tunnel.room = SIZE_MAX;
    w->outputs = w->wanted = w->dones = w->warns = w->notices = 0;
    w->sent_len = 0;
    connection(w);
}

/* All that was sent since the last call is BYTES. */
static inline void sends(struct world *w, const void *bytes, size_t len)
{
    send_out(w, SIZE_MAX);
    ck_assert_uint_eq(w->sent_len, len);
    if (len)
        ck_assert_mem_eq(w->sent, bytes, len);
    w->sent_len = 0;
}

static inline void connects(struct world *w)
{
    w->tunnel.connected = true;
    w->tunnel.ops->on_connected(w->tunnel.arg, NULL);
}

static inline void delivers(struct world *w, const char *text)
{
    w->tunnel.ops->on_data(w->tunnel.arg, (const uint8_t *)text, strlen(text));
}

static inline void ends(struct world *w, enum tunnel_stage stage, uint8_t reason)
{
    struct tunnel_end end = {.stage = stage, .reason = reason, .attempts = 1, .text = "test"};
    w->tunnel.open = false;
    w->tunnel.ops->on_end(w->tunnel.arg, &end);
}

static inline void got(const struct world *w, const char *text)
{
    ck_assert_uint_eq(w->tunnel.got_len, strlen(text));
    ck_assert_mem_eq(w->tunnel.got, text, strlen(text));
}

/* ---- requests ---- */

__attribute__((unused)) static const uint8_t granted4[8] = {0, 0x5a}, rejected4[8] = {0, 0x5b};
__attribute__((unused)) static const uint8_t granted5[10] = {5, 0, 0, 1};

struct wire {
    uint8_t b[600];
    size_t len;
};

static inline void put(struct wire *m, const void *bytes, size_t len)
{
    ck_assert_uint_le(m->len + len, sizeof m->b);
    memcpy(m->b + m->len, bytes, len);
    m->len += len;
}

static inline void put_port(struct wire *m, uint16_t port)
{
    const uint8_t b[] = {(uint8_t)(port >> 8), (uint8_t)port};
    put(m, b, 2);
}

static inline struct wire request5(uint8_t cmd, const char *host, uint16_t port)
{
    struct wire m = {.len = 0};
    const uint8_t head[] = {5, cmd, 0, 3, (uint8_t)strlen(host)};
    put(&m, head, 5);
    put(&m, host, strlen(host));
    put_port(&m, port);
    return m;
}

static inline struct wire request5_ip(uint8_t cmd, const char *text, uint16_t port)
{
    struct wire m = {.len = 0};
    struct ip ip;
    ck_ok(ip_parse(text, false, &ip));
    const uint8_t head[] = {5, cmd, 0, ip.family == IP_V4 ? 1 : 4};
    put(&m, head, 4);
    put(&m, ip.b, ip_len(&ip));
    put_port(&m, port);
    return m;
}

/* HOST NULL: the address counts. */
static inline struct wire request4(uint8_t cmd, const uint8_t ip[4], const char *user,
                                   const char *host, uint16_t port)
{
    struct wire m = {.len = 0};
    const uint8_t head[] = {4, cmd};
    put(&m, head, 2);
    put_port(&m, port);
    put(&m, ip, 4);
    put(&m, user, strlen(user) + 1);
    if (host)
        put(&m, host, strlen(host) + 1);
    return m;
}

static inline struct wire request4a(uint8_t cmd, const char *host, uint16_t port)
{
    return request4(cmd, (const uint8_t[]){0, 0, 0, 1}, "", host, port);
}

static inline void feed_wire(struct world *w, struct wire m)
{
    feed(w, m.b, m.len);
}

static inline void greet(struct world *w)
{
    feed(w, BYTES(5, 1, 0));
    sends(w, BYTES(5, 0));
}

static inline void log_in(struct world *w, const char *user, const char *pass)
{
    struct wire m = {.len = 0};
    uint8_t len = (uint8_t)strlen(user);
    put(&m, "\5\1\2\1", 4);
    put(&m, &len, 1);
    put(&m, user, len);
    len = (uint8_t)strlen(pass);
    put(&m, &len, 1);
    put(&m, pass, len);
    feed_wire(w, m);
}

static inline void ask(struct world *w, uint8_t cmd, const char *host, uint16_t port)
{
    greet(w);
    feed_wire(w, request5(cmd, host, port));
}

/* A SOCKS5 connection that is open. */
static inline struct world *opened(void)
{
    struct world *w = world();
    ask(w, 1, "www.example", 80);
    connects(w);
    sends(w, granted5, 10);
    return w;
}

static inline void answers5(struct world *w, uint8_t code)
{
    const uint8_t want[10] = {5, code, 0, 1};
    sends(w, want, 10);
}

static inline void is_refused(struct world *w, uint8_t code)
{
    answers5(w, code);
    ck_assert_uint_eq(w->dones, 1);
    ck_assert_uint_eq(w->tunnel.opened, 0);
}

#endif
