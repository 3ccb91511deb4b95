/* SOCKS messages. Byte 0 says which; what a parser takes at N bytes it must take alike with more
 * behind, and at fewer bytes it must want more. A reply made of a request is read back. */
#include <stdlib.h>
#include <string.h>

#include "socks/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static bool inside(struct text t, const uint8_t *data, size_t len)
{
    const uint8_t *at = (const uint8_t *)t.s;
    return t.len == 0 || (at >= data && t.len <= len && (size_t)(at - data) <= len - t.len);
}

static void reply_of(const struct socks_request *req)
{
    uint8_t out[SOCKS_REPLY_MAX];
    struct socks_request back;
    size_t n = socks5_reply(req->cmd, &req->ip, req->host, out);
    if (n > sizeof out)
        abort();
    struct rd r = rd_over(out, n);
    if (socks5_request_parse(&r, &back) != OK || rd_end(&r) != OK || back.cmd != req->cmd)
        abort();
    if (req->host.len && req->host.len <= UINT8_MAX && !text_equal(back.host, req->host))
        abort();
    if (socks4_reply(req->cmd == 0, &req->ip, out) != 8)
        abort();
}

static err_t parse(unsigned which, struct rd *r)
{
    const uint8_t *at = r->at;
    size_t len = r->left;
    struct socks_request req;
    struct text user = {NULL, 0}, pass = {NULL, 0};
    bool none, user_pass;
    err_t e;
    switch (which) {
    case 0:
        return socks5_greeting_parse(r, &none, &user_pass);
    case 1:
        e = socks5_auth_parse(r, &user, &pass);
        if (e == OK && (!inside(user, at, len) || !inside(pass, at, len)))
            abort();
        return e;
    default:
        e = which == 2 ? socks5_request_parse(r, &req) : socks4_request_parse(r, &req);
        if (e != OK)
            return e;
        if (!inside(req.host, at, len) || !inside(req.user, at, len) ||
            (req.host.len == 0) != (req.ip.family != IP_NONE))
            abort();
        reply_of(&req);
        return OK;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (len < 1)
        return 0;
    unsigned which = data[0] & 3;
    struct rd r = rd_over(data + 1, len - 1);
    if (parse(which, &r) != OK)
        return 0;
    size_t used = len - 1 - r.left;
    for (size_t n = 0; n <= used; n += n + 8 < used ? 7 : 1) {
        struct rd part = rd_over(data + 1, n);
        if (parse(which, &part) != (n < used ? ERR_MORE : OK) || (n == used && rd_end(&part) != OK))
            abort();
    }
    return 0;
}
