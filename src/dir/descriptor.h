/* Server descriptors and extra-info documents (dir-spec 2.1.1, 2.1.2): what a relay says of itself.
 *
 * descriptor_next() reads and does not judge: it tells which of the lines that anybody here acts on
 * are there, in which place, and what they say. Whoever needs a line asks descriptor_has().
 * descriptor_verify() holds a document against the specification, signatures included. Texts are
 * views into what was read. */
#ifndef TUNIC_DIR_DESCRIPTOR_H
#define TUNIC_DIR_DESCRIPTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/err.h"
#include "base/ids.h"
#include "base/text.h"
#include "crypto/rsa.h"
#include "dir/doc.h"

/* X(enumerator, keyword): lines that may be there once */
#define DESCRIPTOR_LINE_LIST(X)                                                \
    X(DESCRIPTOR_FIRST, "router") /* "extra-info" of an extra-info document */ \
    X(DESCRIPTOR_IDENTITY_ED, "identity-ed25519")                              \
    X(DESCRIPTOR_MASTER_KEY, "master-key-ed25519")                             \
    X(DESCRIPTOR_PLATFORM, "platform")                                         \
    X(DESCRIPTOR_PROTO, "proto")                                               \
    X(DESCRIPTOR_PUBLISHED, "published")                                       \
    X(DESCRIPTOR_FINGERPRINT, "fingerprint")                                   \
    X(DESCRIPTOR_BANDWIDTH, "bandwidth")                                       \
    X(DESCRIPTOR_EXTRA_INFO_DIGEST, "extra-info-digest")                       \
    X(DESCRIPTOR_CACHES_EXTRA_INFO, "caches-extra-info")                       \
    X(DESCRIPTOR_ONION_KEY, "onion-key")                                       \
    X(DESCRIPTOR_ONION_CC, "onion-key-crosscert")                              \
    X(DESCRIPTOR_SIGNING_KEY, "signing-key")                                   \
    X(DESCRIPTOR_NTOR_KEY, "ntor-onion-key")                                   \
    X(DESCRIPTOR_NTOR_CC, "ntor-onion-key-crosscert")                          \
    X(DESCRIPTOR_FAMILY, "family")                                             \
    X(DESCRIPTOR_HIDDEN_SERVICE_DIR, "hidden-service-dir")                     \
    X(DESCRIPTOR_TUNNELLED_DIR, "tunnelled-dir-server")                        \
    X(DESCRIPTOR_IPV6_POLICY, "ipv6-policy")                                   \
    X(DESCRIPTOR_SIG_ED, "router-sig-ed25519")                                 \
    X(DESCRIPTOR_SIG_RSA, "router-signature")

enum descriptor_line {
#define X(name, keyword) name,
    DESCRIPTOR_LINE_LIST(X)
#undef X
        DESCRIPTOR_LINE_N
};

/* The bit of a line in a set of lines; those that may be there often have their bits, too. */
#define DESCRIPTOR_BIT(line) (UINT32_C(1) << (line))
enum { DESCRIPTOR_OR_ADDRESS = DESCRIPTOR_LINE_N, DESCRIPTOR_FAMILY_CERT };

struct descriptor {
    struct text body; /* its first line to the end of its signature; without annotations */
    /* SHA-1 of what its RSA key signs, through the "router-signature" line: how consensuses and
     * descriptors name it. Of all of it, if that line is not there. */
    uint8_t sha1[20];
    struct doc_item item[DESCRIPTOR_LINE_N]; /* .begin is NULL of a line that is not there */
    size_t n_items;                          /* of any keyword, up to one that is malformed */
    uint32_t malformed; /* DESCRIPTOR_BIT()s: what these lines say cannot be read */
    uint32_t repeated;  /* DESCRIPTOR_BIT()s: the first one is what was read */

    /* What the lines say; zero without one that can be read. */
    char nickname[NICKNAME_MAX + 1];
    struct ipport orport, orport6; /* "router", and the first IPv6 "or-address"; or IP_NONE */
    uint16_t dirport;
    struct rsa_id rsa; /* if has_rsa: of "signing-key", else "fingerprint"; of "extra-info" */
    struct rsa_id fingerprint;
    struct ed_id ed; /* if has_ed: "master-key-ed25519", else whose "identity-ed25519" is */
    bool has_rsa, has_ed;
    struct x25519_pub ntor;
    int64_t published_s;
    uint64_t average, burst, observed; /* "bandwidth", in bytes per second */
    uint8_t extra_info_sha1[20];
};

/* Takes the next server descriptor off *REST, with empty lines and annotations before it. It ends
 * behind the object of its "router-signature" line, or where the next one begins. ERR_NOT_FOUND at
 * the end. ERR_MALFORMED if a line cannot be told apart (*OUT has what came before it), or if
 * something else stands there, which is taken off up to the next descriptor; then OUT->body is
 * empty. A bad one costs no other. */
MUST_USE err_t descriptor_next(struct text *rest, struct descriptor *out);
/* The same for extra-info documents. */
MUST_USE err_t descriptor_next_extra(struct text *rest, struct descriptor *out);

/* The line is there and can be read. */
static inline bool descriptor_has(const struct descriptor *d, enum descriptor_line line)
{
    return d->item[line].begin && !(d->malformed & DESCRIPTOR_BIT(line));
}

/* The next "accept" or "reject" line of its exit policy. AT begins as doc_over() its body. */
bool descriptor_rule_next(struct doc_lines *at, struct doc_item *rule);

/* The key of the next family that a "family-cert" line names (proposal 321), whether or not the
 * certificate proves anything; lines that cannot be read are passed over. AT as above. */
bool descriptor_family_next(struct doc_lines *at, struct ed_id *family);

/* C tor's authorities set no limit but that of the whole, 20,000 bytes, in which 75 have room. */
enum { DESCRIPTOR_FAMILIES_MAX = 128 };

/* ---- judging ---- */

enum { DESCRIPTOR_WHY_MAX = 160 };

/* dir-spec 2.1.1, for a server descriptor: the lines that MUST be there, in their places and once
 * each; both signatures, the signing key's certificate and its expiry, the cross-certificates of
 * both onion keys, the certificates of its families (those may have expired, as in C tor's
 * check_one_family_cert()), and that all say the same identities. Those without Ed25519 keys, which
 * no authority takes any more, are refused. ERR_MALFORMED, ERR_BAD_SIGNATURE, ERR_EXPIRED,
 * ERR_NOMEM (which says nothing of D), and in WHY a sentence without a full stop. */
MUST_USE err_t descriptor_verify(const struct descriptor *d, int64_t now_s,
                                 char why[DESCRIPTOR_WHY_MAX]);

/* dir-spec 2.1.2, for an extra-info document. KEY is its relay's identity key, which stands in the
 * server descriptor alone; without it (NULL) the RSA signature is not checked. */
MUST_USE err_t descriptor_verify_extra(const struct descriptor *d, const struct rsa_pub *key,
                                       int64_t now_s, char why[DESCRIPTOR_WHY_MAX]);

#endif
