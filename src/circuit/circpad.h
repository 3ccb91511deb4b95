/* Circuit padding (padding-spec 3): two halves of a machine, one at the client and one at a relay
 * of its circuit, that send each other DROP cells, so that the circuit looks to those between them
 * and before them like one of another use.
 *
 * A half is a table (circpad_machines.h): states, what leads from one to the next, and when padding
 * is sent there. This is what runs one: it is told of every cell of the circuit that this end sends
 * and gets, holds the one timer, and does the negotiation. One machine runs at a time, as with C
 * tor's two, which exclude each other. */
#ifndef TUNIC_CIRCUIT_CIRCPAD_H
#define TUNIC_CIRCUIT_CIRCPAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/env.h"
#include "base/err.h"
#include "cell/relay.h"

/* What moves a machine. A padding cell is a DROP; all others are not, those that negotiate too. */
enum circpad_event {
    CIRCPAD_NONPADDING_RECEIVED,
    CIRCPAD_NONPADDING_SENT,
    CIRCPAD_PADDING_RECEIVED,
    CIRCPAD_PADDING_SENT,
    CIRCPAD_LENGTH_COUNT, /* the state's last padding cell was sent */
    CIRCPAD_EVENTS
};

/* Where an event leads. Every change, one into the same state too, draws a delay anew. */
enum circpad_to {
    CIRCPAD_STAY, /* the event is nothing to this state */
    CIRCPAD_TO_END,
    CIRCPAD_TO_START,
    CIRCPAD_TO_OBFUSCATE,
};

struct circpad_state {
    uint8_t next[CIRCPAD_EVENTS]; /* enum circpad_to */
    /* Padding is sent uniformly FROM to TO microseconds after the change, TO not included; TO 0: it
     * is not. */
    uint32_t delay_from_us, delay_to_us;
    /* So many padding cells and no more, uniformly, TO not included; TO 0: without end. */
    uint8_t length_from, length_to;
};

struct circpad_machine {
    const char *name;
    uint8_t number;      /* its "machine_type" in messages */
    uint8_t hop;         /* the client's half: the relay whom it pads with, 1 = first */
    bool says_end;       /* it tells the other end that it has come to its end */
    bool holds_circuit;  /* the client's half: the circuit stays until then */
    uint16_t allowed;    /* so many padding cells... */
    uint8_t percent;     /* ...and then only while they are at most this share of all sent */
    uint8_t theirs_most; /* the client's half: DROPs that the relay's may send */
    const struct circpad_state *states; /* CIRCPAD_TO_START first */
};

/* What holds for all circuits of a client or a relay together (padding-spec 3.4). Whoever owns it
 * may change the first three at any time. */
struct circpad_budget {
    bool disabled;          /* circpad_padding_disabled: nothing is begun, and no padding sent */
    uint16_t allowed_cells; /* circpad_global_allowed_cells */
    uint8_t max_percent;    /* circpad_global_max_padding_percent; 0: no limit */
    uint64_t padding, nonpadding; /* cells sent */
};

struct circpad_ops {
    /* Sends a message without a stream id to HOP (the relay's half: to the client, 0). What comes
     * of an error, the circuit does itself. */
    err_t (*send)(void *arg, unsigned hop, uint8_t cmd, const uint8_t *body, size_t len);
    /* The machine that held the circuit does no more; may be NULL. */
    void (*on_over)(void *arg);
};

struct circpad {
    struct env *env;
    struct circpad_budget *budget; /* NULL: no limits */
    const struct circpad_ops *ops;
    void *arg;
    const struct circpad_machine *machine; /* the last that was begun; NULL: none was */
    bool running;
    bool refused; /* the relay does not have it: "padding negotiation failed", and once is enough */
    uint8_t state;                /* enum circpad_to, of a running one */
    unsigned left;                /* padding cells to the end of its length */
    uint32_t ctr;                 /* machines begun: "machine_ctr" */
    uint32_t padding, nonpadding; /* cells sent since it was begun */
    unsigned theirs_left;         /* DROPs that may still come, of all that were begun */
    unsigned answers_left;        /* PADDING_NEGOTIATED that may */
    struct timer timer;
};

void circpad_init(struct circpad *p, struct env *env, struct circpad_budget *budget,
                  const struct circpad_ops *ops, void *arg);
void circpad_end(struct circpad *p); /* does no more; harmless if it did nothing */

/* ---- the client's half ---- */

/* Begins MACHINE, which means to ask its hop for the other half. ERR_STATE: one is running, padding
 * is disabled, or the relay refused one; or what send() returned. */
MUST_USE err_t circpad_begin(struct circpad *p, const struct circpad_machine *machine);
/* Ends the one that runs, and says so. */
void circpad_stop(struct circpad *p);
/* Whether the circuit is to stay though its owner has no more use for it. */
bool circpad_holds(const struct circpad *p);
/* DROP or PADDING_NEGOTIATED came from HOP. ERR_CIRC_PROTO: it could not have. */
MUST_USE err_t circpad_on_msg(struct circpad *p, unsigned hop, const struct relay_msg *msg);

/* ---- the relay's half ---- */

/* PADDING_NEGOTIATE came: takes up one of the machines of circpad_relay_machine() or ends it, and
 * answers. */
void circpad_on_negotiate(struct circpad *p, const struct relay_msg *msg);
void circpad_on_drop(struct circpad *p);

/* ---- both ---- */

/* Another cell than padding went to the other end, or past this one to it; or came from it. */
void circpad_on_sent(struct circpad *p);
void circpad_on_received(struct circpad *p);

#endif
