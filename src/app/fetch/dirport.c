#include "app/fetch/dirport.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/fetch/httpget.h"
#include "lib/lib.h"

struct dirport {
    struct httpget *get;
    struct http *http;
    const struct http_ops *ops;
    void *arg;
    bool connected;
};

static void on_sent(void *arg)
{
    struct dirport *d = arg;
    d->connected = true;
    d->ops->progress(d->arg);
}

static void on_bytes(void *arg)
{
    struct dirport *d = arg;
    d->ops->progress(d->arg);
}

static err_t on_status(void *arg, int status, const char *reason)
{
    struct dirport *d = arg;
    return dirhttp_take_status(d->http->machine, status, text_of(reason));
}

static err_t on_header(void *arg, const char *name, const char *value)
{
    struct dirport *d = arg;
    return dirhttp_take_header(d->http->machine, text_of(name), text_of(value));
}

static err_t on_body_begin(void *arg)
{
    struct dirport *d = arg;
    return dirhttp_begin_body(d->http->machine);
}

static err_t on_body(void *arg, const void *bytes, size_t len)
{
    struct dirport *d = arg;
    return dirhttp_feed(d->http->machine, bytes, len);
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

static void no_answer(const struct dirport *d, int errno_, struct tunic_error *error)
{
    lib_error(error, TUNIC_NETWORK, TUNIC_STAGE_TCP, "%s: %s",
              d->connected ? "the connection ended" : "connecting failed",
              errno_ ? strerror(errno_) : "closed by the other side without an answer");
    error->sys_errno = errno_;
    error->reason = reason_of(errno_);
}

static void on_end(void *arg, const struct httpget_end *end)
{
    struct dirport *d = arg;
    struct tunic_error error;
    struct text first = httpget_first(d->get);
    http_note_first(d->http, first.s, first.len);
    if (end->why == OK)
        http_end(d->http, &error);
    else if (end->why == ERR_IO)
        no_answer(d, end->errno_, &error);
    else
        http_fail(d->http, end->why, &error);
    d->ops->settled(d->arg, &error);
}

static const struct httpget_ops get_ops = {.on_sent = on_sent,
                                           .on_bytes = on_bytes,
                                           .on_status = on_status,
                                           .on_header = on_header,
                                           .on_body_begin = on_body_begin,
                                           .on_body = on_body,
                                           .on_end = on_end};

struct dirport *dirport_new(struct net *net, const struct ipport *to, const struct http_ask *ask,
                            struct http *h, const struct http_ops *ops, void *arg)
{
    const struct httpget_wish wish = {.to = *to,
                                      .path = ask->path,
                                      .host = ask->host,
                                      .accept = ask->accept ? ask->accept : DIRHTTP_ACCEPT,
                                      .head_max = DIRHTTP_HEAD_MAX,
                                      .body_max = ask->most};
    struct dirport *d = calloc(1, sizeof *d);
    if (!d)
        return NULL;
    *d = (struct dirport){.http = h, .ops = ops, .arg = arg};
    d->get = httpget_new(net, &wish, &get_ops, d);
    if (d->get)
        return d;
    free(d);
    return NULL;
}

void dirport_free(struct dirport *d)
{
    if (!d)
        return;
    httpget_free(d->get);
    free(d);
}

bool dirport_is_connected(const struct dirport *d)
{
    return d->connected;
}
