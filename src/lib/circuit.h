/* A circuit's inside, for the streams that stand on it. */
#ifndef TUNIC_LIB_CIRCUIT_H
#define TUNIC_LIB_CIRCUIT_H

#include "base/later.h"
#include "lib/relay.h"
#include "tunic/circuit.h"

struct tunic_stream;

struct lib_message {
    struct lib_message *prev, *next;
    struct tunic_message m;
};

struct tunic_circuit {
    struct handle h;
    struct circ *circ; /* NULL once it is gone */
    uint32_t id;
    unsigned hops;
    bool building;  /* a hop is under way */
    bool was_built; /* at some time */
    enum tunic_circ_status status;
    struct tunic_error error;

    struct streams *streams; /* NULL before the first one */
    unsigned streams_hop;
    struct tunic_stream *open; /* those of the program that have not ended */

    uint8_t *own_ids; /* 64 K bits: stream ids that the program uses itself; NULL: none */
    uint8_t taken[32];
    struct lib_message *inbox;
    unsigned inbox_len;
    struct later full; /* closes it then */

    void (*callback)(void *arg, struct tunic_circuit *circuit, enum tunic_event event);
    void *callback_arg;
};

/* 0 if it is BUILT; -1 with ERROR. */
MUST_USE int lib_circuit_usable(struct tunic_circuit *c, struct tunic_error *error);

/* ---- message.c ---- */

extern const struct circ_user_ops lib_message_user;
bool lib_message_tap(void *circuit, bool out, unsigned hop, const struct relay_msg *msg);
void lib_message_too_many(void *circuit);
void lib_message_drop_all(struct tunic_circuit *c);

/* ---- trace.c ---- */

void lib_trace_cell(const struct tunic_relay *r, bool out, uint32_t circ_id, uint8_t cmd,
                    const uint8_t *body, size_t len);
void lib_trace_message(const struct tunic_circuit *c, bool out, unsigned hop,
                       const struct relay_msg *msg);

#endif
