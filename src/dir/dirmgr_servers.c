/* Whom the directory manager asks: its owner's chooser says. */
#include <stdio.h>
#include <string.h>

#include "crypto/encode.h"
#include "dir/dirmgr_int.h"

void dirmgr_server_failed(struct dirmgr *d, const struct rsa_id *rsa)
{
    if (d->carrier.judge)
        d->carrier.judge(d->carrier_arg, rsa, false);
}

void dirmgr_server_worked(struct dirmgr *d, const struct rsa_id *rsa)
{
    if (d->carrier.judge)
        d->carrier.judge(d->carrier_arg, rsa, true);
}

static const struct dir_server *find_server(const struct dirmgr *d, const struct rsa_id *rsa)
{
    for (size_t i = 0; i < d->servers.n; i++)
        if (rsa_id_equal(&d->servers.list[i].rsa, rsa))
            return &d->servers.list[i];
    return NULL;
}

const char *dirmgr_server_name(const struct dirmgr *d, const struct rsa_id *rsa, char out[64])
{
    char hex[HEX_SIZE(sizeof rsa->b)];
    const struct dir_server *s = find_server(d, rsa);
    const struct netdir *nd = dirmgr_known(d);
    const struct router *r = nd ? netdir_by_rsa(nd, rsa) : NULL;
    const char *nickname = s && s->nickname[0] ? s->nickname : r ? r->nickname : "";
    (void)snprintf(out, 64, "$%s%s%.19s", hex_upper(rsa->b, sizeof rsa->b, hex),
                   *nickname ? "~" : "", nickname);
    return out;
}

bool dirmgr_has_fallbacks(const struct dirmgr *d)
{
    for (size_t i = 0; i < d->servers.n; i++)
        if (!d->servers.list[i].is_authority && !d->servers.list[i].is_bridge)
            return true;
    return false;
}

/* Puts into OUT who has a request of this kind under way, of this pace or a worse one. */
static size_t list_busy(const struct dirmgr *d, enum dir_kind kind, enum dirmgr_pace pace,
                        struct rsa_id out[DIRMGR_REQUESTS_MAX])
{
    size_t n = 0;
    for (size_t i = 0; i < DIRMGR_REQUESTS_MAX; i++)
        if (d->requests[i].id && d->requests[i].kind == kind && d->requests[i].pace >= pace)
            out[n++] = d->requests[i].rsa;
    return n;
}

static bool pick(struct dirmgr *d, bool authority, const struct rsa_id *rather,
                 struct dir_request *out)
{
    struct rsa_id busy[DIRMGR_REQUESTS_MAX], slow[DIRMGR_REQUESTS_MAX];
    uint64_t again_us = TIMER_NEVER;
    struct dir_wish wish = {.kind = out->kind,
                            .authority = authority,
                            .rather = rather,
                            .known = dirmgr_known(d),
                            .servers = &d->servers,
                            .busy = busy,
                            .n_busy = list_busy(d, out->kind, PACE_GOOD, busy),
                            .slow = slow,
                            .n_slow = list_busy(d, out->kind, PACE_SLOW, slow)};
    if (!d->carrier.choose || !d->carrier.choose(d->carrier_arg, &wish, &out->to, &again_us)) {
        dirmgr_note_wake(d, again_us);
        return false;
    }
    ipport_text(&out->to.reach.addr, out->host);
    return true;
}

/* C tor, dirclient_fetches_from_authorities(): who wants it early rather asks those who make it. */
bool dirmgr_pick_server(struct dirmgr *d, bool authority, const struct rsa_id *rather,
                        struct dir_request *out)
{
    return (d->schedule.early && pick(d, true, NULL, out)) || pick(d, authority, rather, out);
}
