#include "forge/relay.h"

#include <stdio.h>
#include <string.h>

#include "crypto/hash.h"
#include "dirdoc/exitpolicy.h"

enum { DEFAULT_PORT = 9001, DEFAULT_BANDWIDTH = 1000 * 1000 };

#define PLATFORM "Tunic " TUNIC_VERSION " forged for tests"

struct ip forge_address(unsigned n)
{
    enum { RESERVED = 240, FIRSTS = 15 };
    unsigned net = n % (FIRSTS << 8), host = n / (FIRSTS << 8);
    const uint8_t b[4] = {(uint8_t)(RESERVED + (net >> 8)), (uint8_t)net, (uint8_t)host, 1};
    return ip_v4(b);
}

void forge_relay_free(struct forge_relay *r)
{
    docw_free(&r->server);
    docw_free(&r->extra);
}

/* The content is written. Applies the edits, then signs. */
static err_t finish(struct docw *w, const struct forge_edits *edits,
                    const struct forge_relay_wish *wish, const struct identity *id,
                    struct relaydoc_digests *out)
{
    edit_apply(edits->edit, edits->n, w, 0, w->len);
    if (!wish->unsigned_only) {
        relaydoc_sign(w, 0, id, out);
        return w->err;
    }
    TRY(w->err);
    sha1(w->s, w->len, out->sha1);
    sha256(w->s, w->len, out->sha256);
    return OK;
}

err_t forge_relay_make(const struct forge_relay_wish *wish, unsigned n,
                       const struct forge_keys *keys, struct forge_relay *out)
{
    char nickname[NICKNAME_MAX + 12], summary[EXITPOLICY_SUMMARY_MAX];
    const char *policy = wish->policy ? wish->policy : "reject *:*";
    struct relaydoc doc = {.nickname = wish->nickname ? wish->nickname : nickname,
                           .or_port = wish->or_port,
                           .dir_port = wish->dir_port,
                           .bandwidth_bytes =
                               wish->bandwidth_bytes ? wish->bandwidth_bytes : DEFAULT_BANDWIDTH,
                           .published_s = wish->published_s,
                           .platform = wish->platform ? wish->platform : PLATFORM,
                           .protos = wish->protos ? wish->protos : RELAYDOC_PROTOS,
                           .contact = wish->contact,
                           .policy = policy,
                           .ipv6_policy = exitpolicy_summary_public(policy, summary),
                           .id = &keys->id,
                           .tap = keys->tap};
    snprintf(nickname, sizeof nickname, "forged%u", n);
    if (doc.or_port.ip.family == IP_NONE)
        doc.or_port.ip = forge_address(n);
    if (!doc.or_port.port)
        doc.or_port.port = DEFAULT_PORT;
    *out = (struct forge_relay){.server = {0}};
    relaydoc_write_extra_info(&out->extra, &doc);
    err_t err = finish(&out->extra, &wish->extra, wish, &keys->id, &out->extra_digests);
    if (err == OK) {
        relaydoc_write_server(&out->server, &doc, &out->extra_digests);
        err = finish(&out->server, &wish->server, wish, &keys->id, &out->server_digests);
    }
    if (err != OK)
        forge_relay_free(out);
    return err;
}
