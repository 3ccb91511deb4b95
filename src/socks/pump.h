/* Pump: one local connection, from the first byte to the last, whatever its application speaks. A
 * machine over bytes: a hello machine (the front end proper) reads the handshake and says what is
 * asked for; the pump opens the tunnel, lets the hello machine answer, and then passes bytes both
 * ways, with backpressure, early data and half-closed ends.
 *
 * Life: pump_new() -> bytes in and out -> on_end, exactly once: what pump_out() still holds is to
 * be sent, then the connection is closed and pump_free() called (not inside on_end). */
#ifndef TUNIC_SOCKS_PUMP_H
#define TUNIC_SOCKS_PUMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/env.h"
#include "base/rd.h"
#include "client/tunnel.h"

struct pump;
struct client;

/* What net is told. */
struct pump_ops {
    void (*on_output)(void *arg);       /* pump_out() has bytes that net does not know of */
    void (*on_input_wanted)(void *arg); /* pump_in_room() said NULL before; now there is room */
    void (*on_end)(void *arg);
};

/* A front end's protocol. Its calls are never made inside pump_open(). */
struct pump_hello {
    const char *name; /* "SOCKS", for the log */
    size_t most;      /* bytes of its longest message */
    /* Takes one whole message off IN, which is not empty, and answers with the calls below. OK; or
     * ERR_MORE: it is not whole; any other: bad(). */
    err_t (*take)(void *hello, struct rd *in);
    /* The application spoke badly: WHY, ERR_LIMIT for a message over MOST. It may be told; then the
     * pump ends. */
    void (*bad)(void *hello, err_t why);
    /* How the tunnel went that pump_open() asked for: say yes, and the bytes follow; give the
     * answer of a look-up; say no. After the last two the pump ends. */
    void (*connected)(void *hello);
    void (*resolved)(void *hello, const struct stream_answer *answers, size_t n);
    void (*failed)(void *hello, const struct tunnel_request *asked, const struct tunnel_end *end);
    void (*free)(void *hello);
};

/* HELLO is borrowed, GIFT_HELLO the pump's, also on failure. A handshake that is not finished
 * within PUMP_HELLO_MS ends. NULL out of memory. */
enum { PUMP_HELLO_MS = 120000 };
struct pump *pump_new(struct env *env, struct client *client, const struct pump_hello *hello,
                      void *gift_hello, const struct pump_ops *ops, void *arg);
/* Closes the tunnel without on_end; NULL is fine. */
void pump_free(struct pump *p);

/* ---- the hello machine's side ---- */

/* BYTES go out, before any of the tunnel's. */
void pump_say(struct pump *p, const void *bytes, size_t len);
/* Opens a tunnel for REQ; no more is taken from the application for a handshake. false: it cannot
 * be had; nothing was done. */
MUST_USE bool pump_open(struct pump *p, const struct tunnel_request *req);
/* No more comes: what was said goes out, then the connection ends. */
void pump_end(struct pump *p);

/* ---- net's side ---- */

/* Room for received bytes, or NULL: do not read for now (on_input_wanted tells), or at all. */
uint8_t *pump_in_room(struct pump *p, size_t *room);
void pump_in_done(struct pump *p, size_t len);
/* The application sends no more, but may still read. Tor has no word for that on a stream: the far
 * side does not hear of it, and the stream stays open for the answer, until pump_in_end(). Unless
 * it is SURE that somebody reads (most that close their side have closed the other one too, and TCP
 * does not tell), that ends when nothing has come for PUMP_ANSWER_MS after the application's last
 * word, or for PUMP_QUIET_MS after the far side's. */
enum { PUMP_ANSWER_MS = 60000, PUMP_QUIET_MS = 10000 };
void pump_in_eof(struct pump *p, bool sure);
/* The connection broke, or the application has closed both sides. What it has said on an open
 * tunnel is still handed on, unless the tunnel takes none of it for PUMP_ANSWER_MS. */
void pump_in_end(struct pump *p);

/* The bytes to send; NULL if none. */
const uint8_t *pump_out(const struct pump *p, size_t *len);
void pump_sent(struct pump *p, size_t len);

#endif
