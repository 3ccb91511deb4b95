/* Carrier: what a set of streams rides on. That is a hop of a circuit (carrier_of_hop()), or two
 * circuits or more to one exit that conflux joins (carrier_of_conflux(), proposal 329): this kind
 * numbers messages and puts those that come in order again, it chooses the leg of each cell, the
 * RELAY_CONFLUX_* messages are its own, and a leg's end is its end only if bytes went with it.
 *
 * A carrier is a kind and the state behind it; a kind's state begins with a struct carrier. It has
 * one user, a set of streams, that owns it, and asks it for nothing once it is not open. It calls
 * its user from inside of what it stands on, never from inside of its own functions. */
#ifndef TUNIC_STREAM_CARRIER_H
#define TUNIC_STREAM_CARRIER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "cell/relay.h"
#include "circuit/circ.h"

struct carrier;

struct carrier_kind {
    /* Sends a message of stream STREAM_ID, any but DATA. It ignores windows and fails only with the
     * carrier, which then ends by itself; ERR_ARG: this kind does not carry CMD (conflux: no
     * BEGIN_DIR). */
    err_t (*send)(struct carrier *c, uint8_t cmd, uint16_t stream_id, const uint8_t *data,
                  size_t len);
    /* Sends one DATA message with the first of DATA's *LEN bytes; *LEN: how many went. It is the
     * cell that decides how much fits: its leg, that leg's format, and what has to stay free for
     * unpredictable SENDMEs. ERR_FULL: nothing went, and the user's on_writable follows. */
    err_t (*send_data)(struct carrier *c, uint16_t stream_id, const uint8_t *data, size_t *len);
    /* Whether there is room to spare for a new stream: BEGIN may as well wait a little. */
    bool (*may_begin)(const struct carrier *c);
    /* False once it has ended or been left: then it carries nothing, whoever has been told. */
    bool (*is_open)(const struct carrier *c);
    /* Whether streams have windows and SENDMEs of their own: not under congestion control. */
    bool (*own_sendmes)(const struct carrier *c);
    /* How many bytes may wait for what comes before them, and then all come at once; NULL: none. */
    size_t (*held_most)(const struct carrier *c);
    /* The longest that an answer has taken, in microseconds; 0: nothing was measured. */
    uint64_t (*max_rtt_us)(const struct carrier *c);
    /* From now on the other side may begin streams, for we are a service. */
    void (*serve)(struct carrier *c);
    /* Lets go of what it stands on; its user is not called any more. */
    void (*leave)(struct carrier *c);
    void (*free)(struct carrier *c); /* after leave(), with nothing of it on the stack */
};

struct carrier_user {
    /* A message with a stream id, in the order in which the other side sent them all, and allowed
     * by the table of relay commands. The view ends with the call. An error of class CIRCUIT ends
     * the carrier. */
    err_t (*on_msg)(void *arg, const struct relay_msg *msg);
    void (*on_writable)(void *arg); /* send_data() may be tried again */
    /* The carrier has ended, with the circuit whose end was its own; exactly once. */
    void (*on_end)(void *arg, const struct circ_end *end);
};

/* The head of every kind's state. */
struct carrier {
    const struct carrier_kind *kind;
    const struct carrier_user *user; /* set by streams_new(), before anything can come */
    void *user_arg;
};

/* Hop HOP (1 = first) of C. A circuit has a carrier for each hop that streams are on, one in most
 * cases; together they are its user. NULL out of memory. */
struct carrier *carrier_of_hop(struct circ *c, unsigned hop);

#endif
