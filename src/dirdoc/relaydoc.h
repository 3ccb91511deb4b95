/* Relaydoc: the documents that a relay publishes about itself (dir-spec 2.1), and the
 * microdescriptor that authorities make of one (dir-spec 3.3). Content and signatures are apart, so
 * that what stands between can be changed. All errors latch in the writer. */
#ifndef TUNIC_DIRDOC_RELAYDOC_H
#define TUNIC_DIRDOC_RELAYDOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/text.h"
#include "dirdoc/docw.h"
#include "dirdoc/identity.h"

/* What relays of a test network speak, and say so: congestion control (FlowCtrl=2), CGO (Relay=6)
 * and conflux are granted to who asks. */
#define RELAYDOC_PROTOS                                                                      \
    "Conflux=1 Cons=1-2 Desc=1-4 DirCache=2 FlowCtrl=1-2 Link=3-5 LinkAuth=3 Microdesc=1-3 " \
    "Relay=2-6"

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

/* Writes all but the signatures; EXTRA NULL: no extra-info. */
void relaydoc_write_server(struct docw *w, const struct relaydoc *r,
                           const struct relaydoc_digests *extra);
void relaydoc_write_extra_info(struct docw *w, const struct relaydoc *r);

/* Both signatures under a document of ID that begins at FROM and ends here; its digests. */
void relaydoc_sign(struct docw *w, size_t from, const struct identity *id,
                   struct relaydoc_digests *out);

struct relaydoc_microdesc {
    const uint8_t *tap_der; /* NULL: none, as relays without a TAP key have it */
    size_t tap_len;
    const uint8_t *ntor;
    struct text family;     /* with the space before it */
    struct text family_ids; /* likewise */
    const char *p, *p6;     /* summaries; NULL: none */
    const struct ed_id *ed;
};
/* Writes the microdescriptor as authorities with consensus method 35 do; its name goes to
 * SHA256. */
void relaydoc_write_microdesc(struct docw *w, const struct relaydoc_microdesc *m,
                              uint8_t sha256[32]);

#endif
