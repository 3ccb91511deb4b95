/* A dialler for tests: the client's side of SOCKS5 (RFC 1928), with a transport's arguments in the
 * user name and password (pt-spec 3.5), as a pluggable transport takes it; or with the way's own,
 * as Socks5Proxy does. */
#ifndef TUNIC_TESTS_NET_SOCKSDIAL_H
#define TUNIC_TESTS_NET_SOCKSDIAL_H

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/wr.h"
#include "net/dial.h"

enum { SOCKSDIAL_GREET, SOCKSDIAL_METHOD, SOCKSDIAL_AUTH, SOCKSDIAL_REPLY };

static inline err_t socksdial_say(struct buf *out, const struct wr *w)
{
    TRY(wr_end(w));
    return buf_add(out, w->base, w->len);
}

static inline err_t socksdial_login(const char *user, size_t n, const char *password, size_t m,
                                    struct buf *out)
{
    uint8_t storage[600];
    struct wr w = wr_over(storage, sizeof storage);
    wr_u8(&w, 1);
    wr_u8(&w, (uint8_t)n);
    wr_bytes(&w, user, n);
    wr_u8(&w, (uint8_t)m);
    wr_bytes(&w, password, m);
    return socksdial_say(out, &w);
}

/* pt-spec 3.5: the first 255 bytes are the user name, the rest the password; no rest: one NUL. */
static inline err_t socksdial_auth(const struct dial_way *way, const struct reach *to,
                                   struct buf *out)
{
    size_t len = strlen(to->arguments), user = len < 255 ? len : 255;
    if (!len)
        return socksdial_login(way->user, strlen(way->user), way->password, strlen(way->password),
                               out);
    return socksdial_login(to->arguments, user, to->arguments + user, len > user ? len - user : 1,
                           out);
}

static inline err_t socksdial_connect(const struct reach *to, struct buf *out)
{
    uint8_t storage[300];
    struct wr w = wr_over(storage, sizeof storage);
    wr_bytes(&w, "\5\1", 3); /* CONNECT, reserved */
    if (to->host[0]) {
        wr_u8(&w, 3);
        wr_u8(&w, (uint8_t)strlen(to->host));
        wr_bytes(&w, to->host, strlen(to->host));
    } else {
        wr_u8(&w, to->addr.ip.family == IP_V6 ? 4 : 1);
        wr_bytes(&w, to->addr.ip.b, ip_len(&to->addr.ip));
    }
    wr_u16(&w, to->addr.port);
    return socksdial_say(out, &w);
}

static inline err_t socksdial_no(err_t why, int errno_, const char *text, struct dial_refusal *r)
{
    r->errno_ = errno_;
    snprintf(r->text, sizeof r->text, "%s", text);
    return why;
}

static inline err_t socksdial_reply(struct rd *in, struct dial_refusal *r)
{
    struct rd reply = *in;
    const uint8_t *head = rd_bytes(&reply, 4);
    if (head && head[1] == 5)
        return socksdial_no(ERR_LINK_CONNECT, ECONNREFUSED, "says: connection refused", r);
    if (head && head[1])
        return socksdial_no(ERR_LINK_CONNECT, 0, "says no", r);
    rd_bytes(&reply, head && head[3] == 4 ? 18 : 6);
    if (rd_ok(&reply) != OK)
        return ERR_MORE;
    *in = reply;
    return OK;
}

static inline err_t socksdial_speak(const struct dial_way *way, unsigned *step,
                                    const struct reach *to, struct rd *in, struct buf *out,
                                    struct dial_refusal *r)
{
    const uint8_t *answer;
    switch (*step) {
    case SOCKSDIAL_GREET:
        *step = SOCKSDIAL_METHOD;
        TRY(buf_add(out, to->arguments[0] || way->user[0] ? "\5\1\2" : "\5\1", 3));
        return ERR_MORE;
    case SOCKSDIAL_METHOD:
    case SOCKSDIAL_AUTH:
        if (in->left < 2)
            return ERR_MORE;
        answer = rd_bytes(in, 2);
        if (answer[1] != 0 && answer[1] != 2)
            return socksdial_no(ERR_LINK_PROXY, 0, "lets nobody in", r);
        *step = answer[1] == 2 ? SOCKSDIAL_AUTH : SOCKSDIAL_REPLY;
        TRY(answer[1] == 2 ? socksdial_auth(way, to, out) : socksdial_connect(to, out));
        return ERR_MORE;
    default:
        return socksdial_reply(in, r);
    }
}

static const struct dial_protocol socksdial = {.name = "SOCKS5 proxy", .speak = socksdial_speak};

#endif
