/* Relaydoc: the documents that a relay publishes about itself (dir-spec 2.1), and the
 * microdescriptor that authorities make of one (dir-spec 3.3). Content and signatures are apart, so
 * that what stands between can be changed. All errors latch in the writer. */
#ifndef TUNIC_TESTNET_RELAYDOC_H
#define TUNIC_TESTNET_RELAYDOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/text.h"
#include "testnet/docw.h"
#include "testnet/identity.h"

/* Borrows everything. */
struct relaydoc {
    const char *nickname;
    struct ipport or_port; /* IPv4 */
    uint16_t dir_port;
    uint32_t bandwidth_bytes; /* a second: as rate, burst and what was observed */
    int64_t published_s;
    const char *platform, *protos;
    const char *contact;     /* NULL: none */
    const char *policy;      /* "accept *:80,accept *:443"; what it leaves open is rejected */
    const char *ipv6_policy; /* a summary: "accept 80,443"; NULL: none */
    struct text family;      /* " $FINGERPRINT ...", with the space before it; empty: none */
    const struct identity *id;
    const struct rsa_key *tap; /* onion key of a handshake that nobody speaks any more */
};

/* How a server descriptor names its extra-info document. */
struct relaydoc_digests {
    uint8_t sha1[20];   /* of what is signed */
    uint8_t sha256[32]; /* of the whole */
};

/* All but the signatures; EXTRA NULL: no extra-info. */
void relaydoc_write_server(struct docw *w, const struct relaydoc *r,
                           const struct relaydoc_digests *extra);
void relaydoc_write_extra_info(struct docw *w, const struct relaydoc *r);

/* Both signatures under a document of ID that begins at FROM and ends here; its digests. */
void relaydoc_sign(struct docw *w, size_t from, const struct identity *id,
                   struct relaydoc_digests *out);

struct microdoc {
    const uint8_t *tap_der; /* NULL: none, as relays without a TAP key have it */
    size_t tap_len;
    const uint8_t *ntor;
    struct text family;
    const char *p, *p6; /* summaries; NULL: none */
    const struct ed_id *ed;
};
/* As authorities with consensus method 35 write it; its name goes to SHA256. */
void microdoc_write(struct docw *w, const struct microdoc *m, uint8_t sha256[32]);

#endif
