/* Relay: the server descriptor and the extra-info document of a relay that does not exist
 * (dir-spec 2.1), signed with its keys. */
#ifndef TUNIC_FORGE_RELAY_H
#define TUNIC_FORGE_RELAY_H

#include "base/addr.h"
#include "base/err.h"
#include "dirdoc/relaydoc.h"
#include "forge/edit.h"
#include "forge/keys.h"

struct forge_edits {
    const struct edit *edit;
    size_t n;
};

/* What is set; zeros are filled in. Borrows everything. */
struct forge_relay_wish {
    const char *nickname;  /* NULL: "forgedN" */
    struct ipport or_port; /* family IP_NONE: an address that nobody has, another for each N */
    uint16_t dir_port;
    uint32_t bandwidth_bytes;
    const char *policy; /* NULL: "reject *:*" */
    const char *contact, *platform, *protos;
    int64_t published_s;
    struct forge_edits server, extra; /* changes before signing */
    bool unsigned_only;               /* leave the signatures out */
};

struct forge_relay {
    struct docw server, extra;
    struct relaydoc_digests server_digests, extra_digests;
};

/* The N-th of a series (from 1 on); the server descriptor names the extra-info document. ERR_NOMEM,
 * ERR_CRYPTO, ERR_MALFORMED (the edits). */
MUST_USE err_t forge_relay_make(const struct forge_relay_wish *wish, unsigned n,
                                const struct forge_keys *keys, struct forge_relay *out);
void forge_relay_free(struct forge_relay *r); /* the zero one is fine */

/* 240.x.y.1: reserved, and never given to anybody. Each N has a /16 of its own for as long as there
 * are some (dir-spec has clients keep such relays apart). */
struct ip forge_address(unsigned n);

#endif
