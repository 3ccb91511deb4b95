/* Measurement: one relay's measurement at one measurer: what it is told, what it does, what it
 * reports (FlashFlow; torspec proposal 316).
 *
 * Names are FlashFlow's: meas_id, alloc_bw, circs, ready_circs, bad_circs. The first half of this
 * header is plain data, which coordinator and measurer exchange however they like; the second is
 * the machine: many links to the relay, one circuit on each, echo cells that are paced, sent and
 * checked. Bytes in, bytes out: sockets are its world's.
 *
 *     CONNECTING --(half of the circuits stand)--> READY --go--> RUNNING --(dur is over)--> DONE
 *         \________________________________________|____________|_______________________> FAILED
 */
#ifndef TUNIC_MEASURE_MEASUREMENT_H
#define TUNIC_MEASURE_MEASUREMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/env.h"
#include "base/err.h"
#include "base/ids.h"
#include "base/text.h"
#include "cell/measurement.h"
#include "link/link.h"

enum {
    MEAS_SEED_LEN = 32,
    MEAS_ADDRS_MOST = 4,
    MEAS_CIRCS_MOST = 1024,
    MEAS_NAME_MAX = 63,  /* of a measurer */
    MEAS_INFO_MAX = 200, /* text of a failure, with its NUL */
    MEAS_EVIDENCE_LEN = 16,
};

/* ---- what a measurer is told ---- */

/* How it is measured. All but the first are for relays that do not know measuring. */
#define MEAS_MODES(X)              \
    X(MEAS_FLASHFLOW, "flashflow") \
    X(MEAS_ECHO2, "echo2")         \
    X(MEAS_SINK2, "sink2")         \
    X(MEAS_DIR, "dir")             \
    X(MEAS_DROP, "drop")           \
    X(MEAS_HTTP, "http")

enum meas_mode {
#define X(mode, name) mode,
    MEAS_MODES(X)
#undef X
};

struct meas_relay {
    struct rsa_id fp;
    struct ed_id ed25519;
    bool has_fp, has_ed25519; /* false only where the relay is named by its address */
    struct ipport addrs[MEAS_ADDRS_MOST];
    size_t n_addrs;
};

/* http: the exit behind the relay, its own descriptor (borrowed), and the web server behind that.
 */
struct meas_exit {
    struct ipport at, server; /* family IP_NONE: there is none */
    struct text proof;
};

struct connect_to_relay {
    uint32_t meas_id; /* 1.., used once */
    struct meas_relay relay;
    enum meas_mode mode;
    unsigned n_circs;                  /* 1..MEAS_CIRCS_MOST: links, with a circuit each */
    uint64_t alloc_bw;                 /* bytes a second that this measurer is to give */
    unsigned dur;                      /* seconds */
    double check;                      /* p: the share of cells that is checked, 0..1 */
    enum meas_echo echo;               /* the form of its cells */
    uint8_t session[MEAS_SESSION_LEN]; /* as the coordinator told the relay */
    uint8_t seed[MEAS_SEED_LEN];       /* of what is sent */
    struct ipport hop_addr; /* where the second hop listens; family IP_NONE: there is none */
    struct text proof;      /* the relay's descriptor, if that is its consent; borrowed */
    struct meas_exit exit;
};

/* ---- what it reports ---- */

struct connected_to_relay {
    uint32_t meas_id;
    unsigned circs;       /* launched */
    unsigned ready_circs; /* of them, those that stand */
    unsigned bad_circs;   /* closed, or failed, at any time */
    unsigned rtt_ms;      /* of the quickest answer of the relay */
};

/* One second, counted from `go` on by the measurer's monotonic clock. */
struct bw_report {
    uint32_t meas_id;
    unsigned sec;        /* 1..dur */
    uint64_t sent, recv; /* bytes of echo cells, as cells on the wire; recv: checked if to be */
    uint64_t wire_in, wire_out; /* bytes of all links, with TLS */
    uint64_t checked, bad;      /* cells */
    unsigned blocked; /* percent of the second in which the window or the sockets held us back */
    unsigned cpu;     /* percent of a core */
    unsigned lag_ms;  /* the latest that the loop came, in this second */
};

/* X(code, word): the first six are FlashFlow's. */
#define MEAS_CODES(X)                                                                          \
    X(MEAS_LAUNCH_CIRCS, "LAUNCH_CIRCS")               /* under half of the circuits */        \
    X(MEAS_MALFORMED_TOR_RESP, "MALFORMED_TOR_RESP")   /* the relay breaks the rules */        \
    X(MEAS_M_DUPE_MEAS_ID, "M_DUPE_MEAS_ID")           /* used before */                       \
    X(MEAS_M_UNKNOWN_MEAS_ID, "M_UNKNOWN_MEAS_ID")     /* nobody knows it */                   \
    X(MEAS_M_START_ACTIVE_MEAS, "M_START_ACTIVE_MEAS") /* go for a running one */              \
    X(MEAS_C_START_ACTIVE_MEAS, "C_START_ACTIVE_MEAS") /* the same, the coordinator's */       \
    X(MEAS_UNSUPPORTED, "UNSUPPORTED")                 /* the relay does not know measuring */ \
    X(MEAS_REFUSED, "REFUSED")                         /* it says no */                        \
    X(MEAS_RESTING, "RESTING")                         /* we leave it alone, for today */      \
    X(MEAS_NO_CONSENT, "NO_CONSENT")                   /* nobody has agreed to it */           \
    X(MEAS_CHEAT, "CHEAT")                             /* with evidence */                     \
    X(MEAS_RELAY_LOST, "RELAY_LOST")                   /* too many of the links ended */       \
    X(MEAS_UNREACHABLE, "UNREACHABLE")                 /* nobody is there */                   \
    X(MEAS_HANDSHAKE_FAILED, "HANDSHAKE_FAILED")       /* who is there made no link with us */ \
    X(MEAS_WRONG_IDENTITY, "WRONG_IDENTITY")           /* another relay is there */            \
    X(MEAS_MEASURER_LOST, "MEASURER_LOST")             /* or the measurer did */               \
    X(MEAS_TIMEOUT, "TIMEOUT")                                                                 \
    X(MEAS_DEAD_MAN, "DEAD_MAN")   /* the coordinator is gone */                               \
    X(MEAS_RESOURCES, "RESOURCES") /* memory, descriptors, sockets */                          \
    X(MEAS_MALFORMED, "MALFORMED") /* what we were told makes no sense */                      \
    X(MEAS_CANCELLED, "CANCELLED")

enum meas_code {
#define X(code, word) code,
    MEAS_CODES(X)
#undef X
};

enum meas_cheat_kind {
    CHEAT_DIFFERENCE, /* what came back is not what was sent */
    CHEAT_MORE,       /* more came back than was sent */
};

/* Evidence: the cell, and what should have stood in it. */
struct meas_cheat {
    enum meas_cheat_kind kind;
    unsigned socket;  /* of the measurer */
    uint32_t circuit; /* its id on that link */
    uint64_t cell;    /* the circuit's, from 0 on */
    unsigned at;      /* where in its body the two below begin */
    uint8_t expected[MEAS_EVIDENCE_LEN], got[MEAS_EVIDENCE_LEN];
};

struct meas_failure {
    enum meas_code code;
    uint32_t meas_id;         /* 0: of none */
    char info[MEAS_INFO_MAX]; /* a sentence, or "" */
    struct meas_cheat cheat;  /* if code is MEAS_CHEAT */
};

const char *meas_mode_name(enum meas_mode mode);
/* False: there is no such. */
bool meas_mode_find(struct text name, enum meas_mode *out);
/* What it says of the relay that a link to it ended so. */
enum meas_code meas_code_of_link(const struct link_end *end);
/* What that tells besides, to be set behind END's text; "" if nothing. */
const char *meas_link_hint(const struct link_end *end);
const char *meas_code_name(enum meas_code code);
bool meas_code_find(struct text name, enum meas_code *out);
/* "circuit 80001234 of socket 3, cell 17, byte 32: 00.. expected, 01.. came". Returns OUT. */
enum { MEAS_CHEAT_TEXT_MAX = 200 };
const char *meas_cheat_text(const struct meas_cheat *c, char out[MEAS_CHEAT_TEXT_MAX]);

/* ---- the machine ---- */

enum measurement_state {
    MEASUREMENT_CONNECTING,
    MEASUREMENT_READY,
    MEASUREMENT_RUNNING,
    MEASUREMENT_DONE,
    MEASUREMENT_FAILED,
};

enum {
    MEAS_CONNECT_MS = 10 * 1000, /* TCP; and the same for the handshake */
    MEAS_CIRCS_MS = 15 * 1000,   /* circuits, behind these two */
    MEAS_GO_MS = 45 * 1000,      /* `go` is awaited: others of the team may still connect */
    MEAS_DEAD_MAN_MS = 5 * 1000, /* a coordinator of whom nothing is heard is gone */
};

/* Sockets, of whoever drives it. Nothing here may call back into it. */
struct meas_world {
    /* Connect L to where its target is, then feed and drain it (link.h, "net's side"). */
    void (*dial)(void *world, struct link *l);
    void (*output)(void *world, struct link *l);
    void (*hangup)(void *world, struct link *l); /* L is over; flush, then close */
    uint64_t (*cpu_us)(void *world); /* processor time of ours so far; NULL: nobody knows */
};

struct measurement_ops {
    void (*on_connected)(void *arg,
                         const struct connected_to_relay *m); /* READY; once, but of parts */
    void (*on_report)(void *arg, const struct bw_report *m);  /* each second */
    /* Once, at the end of a wake-up; the owner may free the measurement in it. FAILURE is NULL if
     * it is done: all seconds have been reported. */
    void (*on_end)(void *arg, const struct meas_failure *failure);
};

struct measurement_config {
    const char *name;        /* the measurer's: borrowed */
    struct link_config link; /* tls, and whom we prove to be; the rest is set here */
    const struct meas_world *ops_world;
    void *world;
    bool dead_man; /* whoever asked is elsewhere, and measurement_heard() says so */
    /* One of several (parts.h): its circuits are counted from FIRST on, on_connected comes however
     * few of them stand, and again with each that becomes bad: others judge. */
    bool is_part;
    unsigned first;
    unsigned open_over_ms; /* links are opened over so long */
};

struct measurement;

/* Begins to connect. ERR_ARG: what is told makes no sense, or is of a mode that is not done here;
 * ERR_NOMEM. CONFIG and TOLD are copied. */
MUST_USE err_t measurement_new(struct env *env, const struct measurement_config *config,
                               const struct connect_to_relay *told,
                               const struct measurement_ops *ops, void *arg,
                               struct measurement **out);
void measurement_free(struct measurement *m); /* closes all; NULL is fine */
/* ERR_STATE: it is not READY. */
MUST_USE err_t measurement_go(struct measurement *m);
void measurement_set_alloc(struct measurement *m, uint64_t alloc_bw);
/* It is to stop: it fails with CODE. */
void measurement_stop(struct measurement *m, enum meas_code code, const char *info);
/* Something was heard of the coordinator. */
void measurement_heard(struct measurement *m);

enum measurement_state measurement_state(const struct measurement *m);
/* As it was told, with the newest alloc_bw. */
const struct connect_to_relay *measurement_told(const struct measurement *m);
/* What the relay said when a circuit became bad, or "". */
const char *measurement_refusal(const struct measurement *m);

#endif
