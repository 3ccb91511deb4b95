/* The microdescriptor consensus (dir-spec 3.4): the authorities' hourly list of relays; and the
 * other network statuses, for who verifies them: the consensus of the ns flavor, and votes.
 *
 * consensus_parse() turns the text into one packed table. Nothing in it may be used before
 * consensus_verify() has said OK, and its dates are checked with consensus_liveness(). The text is
 * not kept. Immutable after parsing, except that netdir.h completes the relays' rows with what
 * their microdescriptors say. */
#ifndef TUNIC_DIR_CONSENSUS_H
#define TUNIC_DIR_CONSENSUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/err.h"
#include "base/ids.h"
#include "base/text.h"
#include "dir/authcert.h"
#include "dir/protover.h"
#include "dir/sigline.h"

/* X(enumerator, name on "s" lines) */
#define ROUTER_FLAG_LIST(X)                  \
    X(ROUTER_AUTHORITY, "Authority")         \
    X(ROUTER_BADEXIT, "BadExit")             \
    X(ROUTER_EXIT, "Exit")                   \
    X(ROUTER_FAST, "Fast")                   \
    X(ROUTER_GUARD, "Guard")                 \
    X(ROUTER_HSDIR, "HSDir")                 \
    X(ROUTER_MIDDLEONLY, "MiddleOnly")       \
    X(ROUTER_NOEDCONSENSUS, "NoEdConsensus") \
    X(ROUTER_RUNNING, "Running")             \
    X(ROUTER_STABLE, "Stable")               \
    X(ROUTER_STALEDESC, "StaleDesc")         \
    X(ROUTER_SYBIL, "Sybil")                 \
    X(ROUTER_V2DIR, "V2Dir")                 \
    X(ROUTER_VALID, "Valid")

enum router_flag_index {
#define X(name, text) name##_INDEX,
    ROUTER_FLAG_LIST(X)
#undef X
        ROUTER_FLAG_N
};
/* "Authority", by its index. */
extern const char *const router_flag_names[ROUTER_FLAG_N];
enum router_flag {
#define X(name, text) name = 1 << name##_INDEX,
    ROUTER_FLAG_LIST(X)
#undef X
};

struct exit_summary;
struct router_family;

/* One relay. The fields of the second group come from its microdescriptor and count only if has_md
 * is set; see router_usable() in netdir.h. */
struct router {
    struct rsa_id rsa;
    struct sha256 md_digest;
    uint32_t bandwidth;                /* consensus weight, in kilobytes per second at best */
    uint32_t protos;                   /* PROTO_BIT()s */
    uint16_t flags;                    /* RELAY_... */
    uint16_t orport, dirport, orport6; /* 0: has none */
    uint8_t v4[4], v6[16];
    char nickname[NICKNAME_MAX + 1];
    bool unmeasured;

    bool has_md;
    struct ed_id ed;
    struct x25519_pub ntor;
    const struct exit_summary *p, *p6;  /* NULL: allows nothing */
    const struct router_family *family; /* NULL: none declared */
};

static inline bool router_is(const struct router *r, unsigned flags)
{
    return (r->flags & flags) == flags;
}
static inline bool router_can(const struct router *r, enum proto p)
{
    return (r->protos >> p) & 1;
}

/* Answers directory requests over its ORPort: V2Dir or DirCache=2. */
static inline bool router_is_dircache(const struct router *r)
{
    return router_is(r, ROUTER_V2DIR) || router_can(r, PROTO_DIRCACHE_2);
}
struct ipport router_orport(const struct router *r);  /* IPv4 */
struct ipport router_orport6(const struct router *r); /* family IP_NONE if it has none */

/* Bandwidth weights (dir-spec 3.8.3), in the consensus's unit (sum 10000 unless bwweightscale says
 * otherwise); -1: not given. */
#define DIR_WEIGHT_LIST(X) \
    X(Wbd)                 \
    X(Wbe)                 \
    X(Wbg)                 \
    X(Wbm)                 \
    X(Wdb)                 \
    X(Web)                 \
    X(Wed) X(Wee) X(Weg) X(Wem) X(Wgb) X(Wgd) X(Wgg) X(Wgm) X(Wmb) X(Wmd) X(Wme) X(Wmg) X(Wmm)
enum dir_weight {
#define X(name) DIR_##name,
    DIR_WEIGHT_LIST(X)
#undef X
        DIR_WEIGHT_N
};

enum {
    CONSENSUS_TEXT_MAX = 32 << 20,
    CONSENSUS_RELAYS_MAX = 65536,
    CONSENSUS_PARAMS_MAX = 1024,
    CONSENSUS_AUTHS_MAX = 128,
    CONSENSUS_SIGS_MAX = 256,
};

struct dir_param {
    char *name;
    int32_t value;
};

/* A shared random value (srv-spec), kept as is. */
struct dir_srv {
    bool present;
    uint32_t n_reveals;
    uint8_t value[32];
};

struct consensus {
    int method;
    int64_t valid_after_s, fresh_until_s, valid_until_s;
    uint32_t dist_s;          /* authorities exchange signatures for so long before VALID_AFTER_S */
    struct dir_param *params; /* ascending by name */
    size_t n_params;
    int32_t weights[DIR_WEIGHT_N];
    struct rsa_id *auths; /* identities on dir-source lines */
    size_t n_auths;
    struct consensus_sig *sigs; /* with digests we know only */
    size_t n_sigs;
    char *required_client_protocols; /* or NULL */
    char *recommended_client_protocols;
    char *client_versions;
    struct dir_srv srv_previous, srv_current;
    uint8_t sha1[20], sha256[32]; /* over the signed part */
    struct router *relays;        /* ascending by rsa */
    size_t n_relays;
};

/* TEXT is one whole document. ERR_MALFORMED, ERR_LIMIT, ERR_NOMEM, ERR_UNSUPPORTED (another flavor
 * or version). *OUT is the caller's. */
MUST_USE err_t consensus_parse(struct text text, struct consensus **out);
void consensus_free(struct consensus **c);

/* Network statuses (dir-spec 3.4.1). In all but the first the relays' rows have no md_digest; a
 * vote has no method, one authority, and its signature is of that one. */
enum consensus_kind { CONSENSUS_MICRODESC, CONSENSUS_NS, CONSENSUS_VOTE };

/* consensus_parse() for any of them. */
MUST_USE err_t consensus_parse_kind(struct text text, enum consensus_kind kind,
                                    struct consensus **out);

/* What verifying found, for messages and for the fetch of what is missing. */
struct consensus_verdict {
    size_t needed;  /* signatures of this many different authorities: more than half */
    size_t good;    /* verified */
    size_t bad;     /* known certificate, wrong signature */
    size_t missing; /* known authority, certificate not here or expired */
    size_t unknown; /* signatures of authorities that are not configured */
    /* Certificates to fetch: one (identity, signing key) per missing authority. */
    struct {
        struct rsa_id identity, signing;
    } want[CONSENSUS_AUTHS_MAX];
    size_t n_want;
};

/* dir-spec 3.4.1, 5.1: signed by more than half of AUTHS (the configured v3idents, each counted
 * once however often it signed), through certificates valid at NOW_S. OK, or ERR_UNDERSIGNED; then,
 * if verdict->good + verdict->missing >= verdict->needed, fetching the wanted certificates may
 * help. With no authority configured nothing verifies. */
MUST_USE err_t consensus_verify(const struct consensus *c, const struct rsa_id *auths,
                                size_t n_auths, const struct authcert_set *certs, int64_t now_s,
                                struct consensus_verdict *verdict);

/* How far past its valid-until a consensus is still used, and how far a clock may be early. */
enum { CONSENSUS_REASONABLY_LIVE_S = 24 * 60 * 60 };

enum liveness {
    LIVE_TOO_EARLY,  /* our clock is more than a day before valid-after */
    LIVE_FRESH,      /* until fresh-until */
    LIVE_VALID,      /* until valid-until */
    LIVE_REASONABLY, /* up to a day outside: usable, but look for another */
    LIVE_EXPIRED,
};
enum liveness consensus_liveness(const struct consensus *c, int64_t now_s);

/* "consensus is valid from ... to ..., our clock says ..." Returns OUT. */
enum { CONSENSUS_CLOCK_TEXT_MAX = 192 };
const char *consensus_clock_text(const struct consensus *c, int64_t now_s,
                                 char out[CONSENSUS_CLOCK_TEXT_MAX]);

/* The parameter's value clamped into [least, most], or FALLBACK; C may be NULL. */
int32_t consensus_param(const struct consensus *c, const char *name, int32_t fallback,
                        int32_t least, int32_t most);

/* The row of a relay, or NULL. */
struct router *consensus_relay(const struct consensus *c, const struct rsa_id *rsa);

#endif
