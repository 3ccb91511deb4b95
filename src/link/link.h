/* Link: one OR connection, a TLS session with one relay that carries cells of many circuits
 * (tor-spec 2-4, padding-spec 2). Bytes in, bytes out; the socket is net's.
 *
 * Life: link_new() -> the owner has net dial -> link_tcp_open() -> bytes fed in and taken out ->
 * on_open once the handshake is done and the peer has proved the identities asked for -> circuits
 * -> on_end, exactly once, whatever happened. After on_end the owner calls link_free(), not
 * from inside on_end but later (a timer). The owner and the circuits outlive the calls they
 * make; nothing is freed inside a callback. */
#ifndef TUNIC_LINK_LINK_H
#define TUNIC_LINK_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/env.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/ids.h"
#include "base/reach.h"
#include "base/wr.h"
#include "cell/chan.h"
#include "link/rules.h"

struct link;
struct chan_certs;    /* cell/chan_link.h */
struct link_identity; /* link/identity.h */
struct tls_ctx;       /* link/tls.h: one a client, shared by its links */

/* Whom to reach, and who must answer there. */
struct link_target {
    struct reach reach;
    struct rsa_id rsa;
    struct ed_id ed;
    bool has_rsa; /* false only for tools; a client always knows the RSA identity */
    bool has_ed;
};

enum link_padding { LINK_PADDING_AUTO, LINK_PADDING_ON, LINK_PADDING_OFF }; /* ConnectionPadding */

struct link_config {
    struct tls_ctx *tls;
    /* An initiator's that proves to be a relay; borrowed, outlives the link. NULL: a client's, that
     * proves nothing. */
    const struct link_identity *identity;
    uint64_t connect_timeout_ms;   /* TCP */
    uint64_t handshake_timeout_ms; /* TLS and cells, together */
    uint64_t idle_timeout_ms;      /* without a circuit; 0: never */
    uint64_t keepalive_ms;         /* KeepalivePeriod; 0: no keepalives */
    bool by_looks;                 /* these two in whole seconds, as habits_seen_us() has them */
    uint32_t look_point_us;
    enum link_padding padding;
    bool lean;     /* one of very many: keeps little memory, at the price of more system calls */
    bool measures; /* MEASUREMENT cells go to their circuits; else nobody knows that command */
    bool reduced_padding;
    bool pad_late; /* consensus nf_pad_before_usage=0: only once user's data has gone out */
    unsigned nf_ito_low_ms, nf_ito_high_ms; /* consensus nf_ito_* (padding-spec 2) */
    /* consensus nf_ito_*_reduced; 0: the specification's default */
    unsigned nf_ito_low_reduced_ms, nf_ito_high_reduced_ms;
};

enum link_state {
    LINK_CONNECTING,  /* TCP */
    LINK_TLS,         /* TLS handshake */
    LINK_HANDSHAKING, /* VERSIONS .. NETINFO */
    LINK_OPEN,
    LINK_CLOSED,
};

/* ORConn end reasons, named as in control-spec 4.1.3. */
enum or_reason {
    OR_DONE,
    OR_CONNECTREFUSED,
    OR_IDENTITY,
    OR_CONNECTRESET,
    OR_TIMEOUT,
    OR_NOROUTE,
    OR_IOERROR,
    OR_RESOURCELIMIT,
    OR_PT_MISSING,
    OR_TLS_ERROR,
    OR_MISC,
};

const char *or_reason_name(enum or_reason reason); /* "CONNECTREFUSED" */

/* Why a link ended. */
struct link_end {
    err_t why;
    enum or_reason reason;
    enum link_state during;
    char text[200]; /* a sentence for the log: what, where, expected and found */
};

struct link_ops {
    /* May be NULL. TCP stands, or TLS does: link_state() says which. */
    void (*on_step)(void *arg);
    void (*on_open)(void *arg);
    void (*on_end)(void *arg, const struct link_end *end);
    /* The link has something to send and net does not know: at most once until link_seal(). */
    void (*on_output)(void *arg);
    /* NETINFO from a peer whose identity is proved says its clock differs from ours by SKEW_S
     * (positive: our clock is ahead). Only told when it is more than a few minutes. */
    void (*on_clock_skew)(void *arg, int64_t skew_s);
    /* L, which was held, takes bytes again: net is to read on. NULL for who never holds it. */
    void (*on_room)(void *arg);
    /* link_is_stalled() has changed. NULL: nobody wants to know. */
    void (*on_stall)(void *arg, bool stalled);
    /* A responder's: CREATE_FAST or CREATE2 came under an id that is free. BODY is CELL_BODY_LEN
     * bytes, valid during the call. link_circ_accept() takes it, or link_refuse() declines; neither
     * yet is refused with DESTROY. NULL for an initiator. */
    void (*on_create)(void *arg, uint32_t id, uint8_t cmd, uint8_t *body);
};

/* Places where a responder that cheats may go wrong. */
enum link_slip {
    LINK_SLIP_TLS,    /* the TLS handshake failed: that is not noticed */
    LINK_SLIP_READ,   /* N bytes came from TCP: closes */
    LINK_SLIP_REST,   /* N bytes of a cell came, and no more in this read: closes */
    LINK_SLIP_BEHIND, /* N bytes are behind a whole cell: they are forgotten */
    LINK_SLIP_END     /* the peer closed TLS: that is not noticed */
};

/* What a responder shows of itself (tor-spec 4.2, 4.3). The certificates are those of a CERTS cell,
 * in order; they and whatever they point to are borrowed and outlive the link. */
struct link_server {
    const struct chan_certs *certs;
    struct ip mine; /* our address, for NETINFO; family IP_NONE: none */
    /* Hooks of a peer that cheats: all zero in an honest responder. */
    struct link_cheat {
        bool no_versions, no_common_version, no_certs, certs_twice, certs_late, no_netinfo;
        int64_t netinfo_ahead_s;
        void *arg; /* of the three that follow */
        /* ANSWER is all the cells that answer VERSIONS, to be changed before they go out. */
        void (*spoil)(void *arg, size_t circ_id_len, struct wr *answer);
        /* What is done about a cell, instead of RULE; the cell may be changed, too. */
        enum link_rule (*judge)(void *arg, enum link_stage stage, struct chan_frame *cell,
                                enum link_rule rule);
        /* Whether it goes wrong here. */
        bool (*slip)(void *arg, enum link_slip where, size_t n);
    } cheat;
};

/* The responding side of a TCP connection that PEER made: the link waits for ClientHello. CONFIG's
 * tls is a server's context (whose certificate CERTS is about); SERVER is copied. NULL out of
 * memory. A peer may prove who it is, or not: see link_peer_ed(). One that tries and fails has its
 * link closed. link_target() has its address only. */
struct link *link_new_server(struct env *env, const struct link_config *config,
                             const struct link_server *server, const struct ipport *peer,
                             const struct link_ops *ops, void *arg);

/* NULL out of memory. CONFIG and TARGET are copied, OPS is not. */
struct link *link_new(struct env *env, const struct link_config *config,
                      const struct link_target *target, const struct link_ops *ops, void *arg);
void link_free(struct link *l); /* closes first if need be, without on_end; NULL is fine */

/* For tools: FN sees every cell as it is on the wire, theirs before anything is done about it, ours
 * (OUT) when it is queued. ARG is that of the callbacks; BODY is valid during the call; nothing may
 * be called from FN. */
typedef void link_trace_fn(void *arg, bool out, uint32_t circ_id, uint8_t cmd, const uint8_t *body,
                           size_t len);
void link_set_trace(struct link *l, link_trace_fn *fn);

/* Closes: what circuits have written and the TLS close are queued for output, nothing goes in or
 * out any more; at the end of this wake-up circuits are told (on_link_closed), then the owner
 * (on_end). May be called from any callback. WHY is OK for a close of our own wish. */
void link_close(struct link *l, err_t why, enum or_reason reason, const char *text);

/* ---- net's side ---- */

/* L's bytes come through WHOM ("the SOCKS5 proxy at 127.0.0.1:1080"), of which it speaks if it is
 * not there in time. */
void link_await(struct link *l, const char *whom);
/* The way to the peer is there: TCP, and what stood before the peer let L through. */
void link_tcp_open(struct link *l);
/* What stands before the peer did not let L through. WHY: ERR_LINK_CONNECT if it says that the peer
 * cannot be reached, ERR_LINK_PROXY if it failed itself. ERRNO_ is the system's error that comes
 * nearest (0: none does), TEXT a sentence for the log. */
void link_not_through(struct link *l, err_t why, int errno_, const char *text);
/* The TCP connection could not be made or broke; ERRNO_ is the system's error, 0 an orderly EOF. */
void link_tcp_failed(struct link *l, int errno_);

/* The peer has acknowledged or answered nothing for some seconds, or it does so again. */
void link_stall(struct link *l, bool stalled);

/* Room for received bytes (at least 1, as many as one read should take), or NULL once closed, and
 * while L is held. */
uint8_t *link_in_room(struct link *l, size_t *room);
/* LEN received bytes were put there: runs TLS, cells and their handlers. */
void link_in_done(struct link *l, size_t len);

/* While L is held it takes no more bytes from net, and so the peer has to wait, once what is under
 * way fills the sockets. What had been read before is still handled. Nobody looks for the peer's
 * end meanwhile, but where sending fails. Harmless on a closed link. */
void link_hold_input(struct link *l, bool hold);
bool link_holds_input(const struct link *l);

/* Cells that are sealed together from now on are in records of N cells at most; 0: as large as TLS
 * has them. The peer handles nothing of a record before the whole of it is there. */
void link_record_at_most(struct link *l, unsigned n);

/* Seals what circuits have written since; the bytes to send, NULL if none. */
const uint8_t *link_seal(struct link *l, size_t *len);
/* So many cells wait to be sealed that circuits have to wait for their turns; on_output is called
 * once more when it comes to that. */
bool link_is_loaded(const struct link *l);
/* LEN of those bytes went out; circuits that wait for room get their turns, and on_output says if
 * there is more to seal. */
void link_sent(struct link *l, size_t len);

/* A slot for net's own object (the socket). */
void link_set_io(struct link *l, void *io);
void *link_io(const struct link *l);

/* ---- what it is ---- */

enum link_state link_state(const struct link *l);
unsigned link_version(const struct link *l); /* 3..5, 0 before VERSIONS */
const struct link_target *link_target(const struct link *l);
/* The identities the peer proved; valid once open. All zero: an initiator that proved none. */
const struct rsa_id *link_peer_rsa(const struct link *l);
const struct ed_id *link_peer_ed(const struct link *l);
/* SHA-256 of the peer's TLS certificate; valid once TLS is up. */
const struct sha256 *link_peer_tls_cert(const struct link *l);
size_t link_circuits(const struct link *l);
/* Nobody at the other end acknowledges or answers what is sent: the way there may be cut. So
 * somebody said (link_stall()), and no byte has come since. */
bool link_is_stalled(const struct link *l);
/* When bytes came last (monotonic), or the TCP connection was there; 0: neither yet. */
uint64_t link_heard_us(const struct link *l);
uint64_t link_opened_us(const struct link *l); /* monotonic; 0 if not open yet */
uint64_t link_bytes_in(const struct link *l);  /* on the wire */
uint64_t link_bytes_out(const struct link *l);
uint64_t link_sent_us(const struct link *l); /* when the kernel took bytes last, by env's clock */
size_t link_held(const struct link *l);      /* bytes of output, sealed and unsealed */
/* Takes the keepalive and all about padding from CONFIG. */
void link_set_padding(struct link *l, const struct link_config *config);
/* The link is not good any more: it ends as soon as it carries no circuit. */
void link_retire(struct link *l);

/* ---- circuits' side ---- */

/* A circuit's place on a link: a member of the circuit. */
struct link_circ;

struct link_circ_ops {
    /* A fixed-size cell for this circuit: BODY is CELL_BODY_LEN bytes that the circuit may change.
     * Valid during the call. CMD may be CELL_MEASUREMENT if the link's config says so. */
    void (*on_cell)(void *arg, uint8_t cmd, uint8_t *body);
    /* DESTROY came: the circuit id is gone already; no further call. */
    void (*on_destroy)(void *arg, uint8_t reason);
    /* The link ended: the circuit is off it already; no further call. */
    void (*on_link_closed)(void *arg, const struct link_end *end);
    /* link_cell() refused data before; now it is this circuit's turn. */
    void (*on_writable)(void *arg);
};

struct link_circ {
    const struct link_circ_ops *ops; /* set by the circuit, before link_circ_open() */
    void *arg;
    /* The link's own, zero at first. */
    struct link *link; /* NULL: not on a link */
    uint32_t id;
    unsigned turn_left; /* cells it may still send in its turn */
    bool waiting;
    struct link_circ *prev, *next;
    UT_hash_handle hh;
};

/* Puts LC on the link under a free random circuit id. ERR_STATE unless the link is open, ERR_LIMIT
 * when no id is free or the link holds its most circuits. */
MUST_USE err_t link_circ_open(struct link *l, struct link_circ *lc);

/* L carries circuits of several hops, and so is one to pad. An initiator's link finds out itself.
 */
void link_use_for_circuits(struct link *l);

/* Inside on_create: LC is that circuit from now on. ERR_LIMIT, ERR_NOMEM. */
MUST_USE err_t link_circ_accept(struct link *l, struct link_circ *lc, uint32_t id);
/* Inside on_create: DESTROY with REASON. */
void link_refuse(struct link *l, uint32_t id, uint8_t reason);

/* Takes LC off its link and sends DESTROY if SEND_DESTROY (a client always gives reason NONE).
 * Cells that still arrive for the id are dropped; the id stays unused for a while. Harmless when LC
 * is not on a link. */
void link_circ_close(struct link_circ *lc, bool send_destroy, uint8_t reason);

enum link_urgency {
    LINK_DATA,   /* refused while the output holds enough; then on_writable follows */
    LINK_URGENT, /* control messages: refused only at the hard cap */
};

/* Room for the CELL_BODY_LEN body of one cell, its header already written, or NULL if refused. The
 * caller fills all of it in place and commits at once, with no call to the link in between. */
uint8_t *link_cell(struct link_circ *lc, uint8_t cmd, enum link_urgency urgency);
void link_cell_commit(struct link_circ *lc);

/* Whether one cell of data would be taken now; if not, on_writable follows. */
bool link_may_send(struct link_circ *lc);
/* Whether the peer has not taken all that it was given: more than a moment's wait. */
bool link_is_stuck(const struct link_circ *lc);
/* Whether so little waits to go out that something new may be begun. */
bool link_may_begin(const struct link_circ *lc);

#endif
