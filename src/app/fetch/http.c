#include "app/fetch/http.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/lib.h"
#include "net/conn.h"

enum { ROOM = 16384, HTTP_OK = 200 };

/* ---- request and answer ---- */

err_t http_init(struct http *h, const struct http_ask *ask)
{
    const struct dirhttp_options o = {
        .host = ask->host, .accept = ask->accept, .anonymous = ask->anonymous};
    *h = (struct http){.request = malloc(DIRHTTP_REQUEST_MAX)};
    if (!h->request)
        return ERR_NOMEM;
    TRY(dirhttp_get(ask->path, &o, h->request, &h->len));
    TRY(dirhttp_new(ask->most, ask->anonymous, &h->machine));
    if (ask->raw)
        dirhttp_keep_raw(h->machine);
    return OK;
}

void http_free(struct http *h)
{
    dirhttp_free(&h->machine);
    free(h->request);
    *h = (struct http){.request = NULL};
}

/* What answers there, if it is known by its first bytes. */
static const char *who_answers(const struct http *h)
{
    if (h->n_first >= 4 && memcmp(h->first, "SSH-", 4) == 0)
        return " (an SSH server answers there)";
    if (h->n_first >= 2 && h->first[0] == 0x15 && h->first[1] == 3)
        return " (a TLS server answers there: is it the ORPort?)";
    return "";
}

static void fail(const struct http *h, err_t e, struct tunic_error *error)
{
    bool ours = e == ERR_NOMEM;
    lib_error(error, ours ? TUNIC_SYSTEM : TUNIC_PROTOCOL, TUNIC_STAGE_DIRECTORY,
              "the answer: %s%s", err_text(e), who_answers(h));
}

bool http_feed(struct http *h, const void *bytes, size_t len, struct tunic_error *error)
{
    size_t first = len < HTTP_FIRST - h->n_first ? len : HTTP_FIRST - h->n_first;
    memcpy(h->first + h->n_first, bytes, first);
    h->n_first += first;
    err_t e = dirhttp_feed(h->machine, bytes, len);
    if (e != OK) {
        fail(h, e, error);
        return true;
    }
    if (!dirhttp_complete(h->machine))
        return false;
    http_end(h, error);
    return true;
}

void http_end(struct http *h, struct tunic_error *error)
{
    err_t e = dirhttp_end(h->machine, &h->reply);
    *error = (struct tunic_error){.cls = TUNIC_OK, .reason = -1};
    if (e != OK) {
        fail(h, e, error);
    } else if (h->reply.status != HTTP_OK) {
        lib_error(error, TUNIC_REFUSED, TUNIC_STAGE_DIRECTORY, "the server says %d %s",
                  h->reply.status, h->reply.reason);
        error->reason = h->reply.status;
        error->from_peer = 1;
    }
}

/* ---- over a socket ---- */

struct dirport {
    struct net *net;
    struct conn *conn;
    struct http *http;
    const struct dirport_ops *ops;
    void *arg;
    uint8_t room[ROOM];
    bool connected, settled;
    struct tunic_error error;
    struct timer tell;
};

static void settle(struct dirport *d)
{
    d->settled = true;
    env_arm_ms(net_env(d->net), &d->tell, 0);
}

static uint8_t *in_room(void *machine, size_t *room)
{
    struct dirport *d = machine;
    *room = ROOM;
    return d->settled ? NULL : d->room;
}

static void in_done(void *machine, size_t len)
{
    struct dirport *d = machine;
    d->ops->progress(d->arg);
    if (http_feed(d->http, d->room, len, &d->error))
        settle(d);
}

/* What a socket's error is called. */
static int reason_of(int errno_)
{
    switch (errno_) {
    case ECONNREFUSED:
        return TUNIC_OR_CLOSURE_REASON_CONNECTREFUSED;
    case ECONNRESET:
        return TUNIC_OR_CLOSURE_REASON_CONNECTRESET;
    case ETIMEDOUT:
        return TUNIC_OR_CLOSURE_REASON_TIMEOUT;
    case ENETUNREACH:
    case EHOSTUNREACH:
        return TUNIC_OR_CLOSURE_REASON_NOROUTE;
    default:
        return TUNIC_OR_CLOSURE_REASON_IOERROR;
    }
}

static void in_end(void *machine, int errno_)
{
    struct dirport *d = machine;
    if (d->settled)
        return;
    if (d->connected && !errno_ && d->http->n_first) {
        http_end(d->http, &d->error);
    } else {
        lib_error(&d->error, TUNIC_NETWORK, TUNIC_STAGE_TCP, "%s: %s",
                  d->connected ? "the connection ended" : "connecting failed",
                  errno_ ? strerror(errno_) : "closed by the other side without an answer");
        d->error.sys_errno = errno_;
        d->error.reason = reason_of(errno_);
    }
    settle(d);
}

static const uint8_t *out(void *machine, size_t *len)
{
    struct dirport *d = machine;
    *len = d->http->len - d->http->sent;
    return *len ? (const uint8_t *)d->http->request + d->http->sent : NULL;
}

static void sent(void *machine, size_t len)
{
    struct dirport *d = machine;
    d->http->sent += len;
}

static void connected(void *machine)
{
    struct dirport *d = machine;
    d->connected = true;
    d->ops->progress(d->arg);
    conn_output(d->conn);
}

static const struct conn_machine machine_ops = {.in_room = in_room,
                                                .in_done = in_done,
                                                .in_end = in_end,
                                                .out = out,
                                                .sent = sent,
                                                .connected = connected};

static void tell(void *arg)
{
    struct dirport *d = arg;
    const struct tunic_error error = d->error;
    d->ops->settled(d->arg, &error);
}

struct dirport *dirport_new(struct net *net, const struct ipport *to, struct http *h,
                            const struct dirport_ops *ops, void *arg)
{
    struct dirport *d = calloc(1, sizeof *d);
    if (!d)
        return NULL;
    d->net = net;
    d->http = h;
    d->ops = ops;
    d->arg = arg;
    timer_init(&d->tell, tell, d);
    d->conn = conn_dial(net, to, NULL, &machine_ops, d);
    if (d->conn)
        return d;
    free(d);
    return NULL;
}

void dirport_free(struct dirport *d)
{
    if (!d)
        return;
    env_disarm(net_env(d->net), &d->tell);
    conn_close(d->conn);
    free(d);
}

bool dirport_is_connected(const struct dirport *d)
{
    return d->connected;
}
