/* What the files of the library share: the instance, how objects are counted, told about, waited
 * for and freed, and how the inside's errors become the public ones.
 *
 * Every public object begins with a struct handle. Its machines are freed (end) when the program
 * frees it or the instance goes; its memory goes when nobody holds it any more: the program, its
 * children. Events are told from a timer of the handle's own, with no machine on the stack: so a
 * callback may free whatever it likes. */
#ifndef TUNIC_LIB_LIB_H
#define TUNIC_LIB_LIB_H

#include <stdbool.h>

#include "base/later.h"
#include "circuit/circ.h"
#include "link/tls.h"
#include "net/net.h"
#include "net/watch.h"
#include "stream/stream.h"
#include "tunic/trace.h"

struct handle;
struct tunnel_end;

struct handle_kind {
    void (*end)(struct handle *h);                          /* frees the machines, silently; once */
    void (*call)(struct handle *h, enum tunic_event event); /* the program's callback, if any */
};

struct handle {
    const struct handle_kind *kind;
    struct tunic *t;
    struct handle *parent; /* NULL: the instance */
    unsigned refs;
    bool ended;
    bool orphan;     /* the program has given it up: it frees itself */
    unsigned untold; /* events, as bits */
    struct later tell;
    struct handle *prev, *next;           /* among those not ended */
    struct handle *held_prev, *held_next; /* among those that the program holds */
};

struct tunic {
    struct log log;
    struct net *net; /* NULL once freed */
    struct tls_ctx *tls;
    struct watch *watch; /* NULL: nobody asked for a descriptor */
    bool own_loop;
    bool allow_internal; /* addresses that exits name */
    unsigned calling;    /* callbacks of the program on the stack */
    uint64_t told;       /* how often events were told */
    unsigned refs;       /* the program's own, and one for each handle in memory */
    struct handle *live; /* newest first: children before their parents */
    struct handle *held;
    void (*log_fn)(void *arg, enum tunic_log_level level, const char *line);
    void *log_arg;
    void (*trace_fn)(void *arg, const struct tunic_trace *trace);
    void *trace_arg;
};

/* ---- handles ---- */

/* H is the head of a new object, zero until now. */
void handle_init(struct handle *h, const struct handle_kind *kind, struct tunic *t,
                 struct handle *parent);
/* The program lets go of H. */
void handle_free(struct handle *h);
/* The program will hear of EVENT at the end of this wake-up. */
void handle_tell(struct handle *h, enum tunic_event event);
/* H's memory stays until it is let go of again, also if a callback frees it. */
void handle_hold(struct handle *h);
void handle_let_go(struct handle *h);
/* Called first in what the program calls. False, and ERROR: the instance is gone. */
MUST_USE bool lib_enter(struct tunic *t, struct tunic_error *error);

/* ---- waiting ---- */

/* Runs the loop until DONE(H), at most TIMEOUT_MS. 0: done; 1: the time is up; -1 with ERROR: it
 * may not wait, or a callback has freed H meanwhile. */
MUST_USE int lib_wait_for(struct handle *h, int timeout_ms, bool (*done)(const void *object),
                          struct tunic_error *error);

/* False with ERROR: here nothing may wait; for calls that do something first. */
MUST_USE bool lib_may_wait(struct tunic *t, struct tunic_error *error);

/* The end of several waits under one time limit. */
uint64_t lib_until(struct tunic *t, int timeout_ms);
int lib_left(struct tunic *t, uint64_t until_us);

/* ---- errors ---- */

/* Fills ERROR, which may be NULL; returns -1. */
int lib_error(struct tunic_error *error, enum tunic_class cls, enum tunic_stage stage,
              const char *fmt, ...) PRINTF_LIKE(4, 5);
int lib_error_copy(struct tunic_error *error, const struct tunic_error *from);
/* A call of ours returned E (not OK). */
int lib_error_of(struct tunic_error *error, err_t e, enum tunic_stage stage, const char *what);
void lib_error_of_link(struct tunic_error *error, const struct link_end *end);
void lib_error_of_circ(struct tunic_error *error, const struct circ_end *end);
void lib_error_of_stream(struct tunic_error *error, const struct stream_end *end);
void lib_error_of_tunnel(struct tunic_error *error, const struct tunnel_end *end);
enum tunic_stage lib_link_stage(enum link_state state);

#endif
