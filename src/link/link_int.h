/* The inside of a link, for this folder and its tests only. */
#ifndef TUNIC_LINK_LINK_INT_H
#define TUNIC_LINK_LINK_INT_H

#include "base/buf.h"
#include "base/later.h"
#include "cell/chan.h"
#include "link/circmap.h"
#include "link/handshake.h"
#include "link/limits.h"
#include "link/link.h"
#include "link/mux.h"
#include "link/padding.h"
#include "link/rules.h"
#include "link/tls.h"

/* What a link carries, by the cells that went out; as C tor (circuit_update_channel_usage). */
enum link_usage { USAGE_NONE, USAGE_CIRCUITS /* of several hops */, USAGE_TRAFFIC };

struct link {
    struct env *env;
    struct link_config config;
    struct link_target target;
    enum link_side side;
    struct link_server server; /* a responder's */
    const struct link_ops *ops;
    void *arg;
    void *io;
    link_trace_fn *trace;

    enum link_state state;
    struct link_end end; /* once CLOSED */
    char awaited[96];    /* "answer of ...", or empty: a TCP connection */
    bool told_output;    /* on_output was called since the last link_seal(), */
    bool told_loaded;    /* and when it was loaded */
    bool retired;        /* ends without its last circuit */
    bool stalled;
    bool held;             /* nothing is read */
    enum link_usage usage; /* whether netflow padding applies */
    struct later tell;     /* the end, once */
    struct timer deadline; /* connect, handshake or idle timeout */
    struct timer padding_look, quiet, keepalive;

    struct tls *tls; /* NULL before the TCP connection is there (and in tests of cells alone) */
    struct buf in;   /* opened cells; drained in place */
    struct buf out;  /* cells not yet sealed */
    struct handshake hs;
    struct circmap circs;
    struct mux mux;
    struct padding padding;

    uint64_t opened_us, bytes_in, bytes_out;
    uint64_t last_cell_us;  /* either way */
    uint64_t heard_us;      /* when bytes last came */
    uint64_t last_sent_us;  /* when bytes last went out */
    unsigned stuck_periods; /* keepalives in a row that found bytes waiting */
};

/* ---- link.c ---- */

/* TLS is up: the cells of an initiator begin. */
void link_start_cells(struct link *l, const struct sha256 *tls_cert);
/* E is what the handshake said; its text goes with it. */
void link_close_by_handshake(struct link *l, err_t e);
/* The handshake is done. */
void link_opened(struct link *l);
void link_closef(struct link *l, err_t why, enum or_reason reason, const char *fmt, ...)
    PRINTF_LIKE(4, 5);
void link_tell_output(struct link *l);
void link_arm_idle(struct link *l);
void link_look_at_padding(struct link *l);

/* ---- link_tcp.c ---- */

/* Bytes came. */
void link_hear(struct link *l);

/* ---- link_cells.c ---- */

/* Whether this responder cheats here; never an honest one. */
bool link_slips(const struct link *l, enum link_slip where, size_t n);
/* Handles all whole cells in l->in. */
void link_handle_cells(struct link *l);
/* LEN bytes of whole cells are behind what l->out holds: they count from now on. */
void link_commit_cells(struct link *l, size_t len);
/* A cell of the link's own; over LINK_OUT_OWN the link closes. */
void link_own_cell(struct link *l, uint32_t circ_id, uint8_t cmd, const struct wr *body);
/* Below how much output circuits get their turns. */
size_t link_out_low(const struct link *l);
/* Waiting circuits get their turns if there is room again. */
void link_give_turns(struct link *l);
/* At the end: every circuit is taken off and told. */
void link_drop_circuits(struct link *l);

#endif
