/* Channel cells of link protocols 3 to 5: finding them in a byte queue and writing them (tor-spec
 * 3).
 *
 * A cell is a circuit id (2 bytes before VERSIONS are exchanged and under link protocol 3, 4 bytes
 * from link protocol 4 on), a command, and a body: CELL_BODY_LEN bytes, or for variable-length
 * cells a 2-byte length and that many bytes. Bodies are decoded by chan_link.h (the link handshake
 * and padding), chan_circ.h (CREATE.., DESTROY) and relay.h (RELAY, RELAY_EARLY).
 *
 * Everything in this layer is a pure function over the caller's bytes: no allocation, no state, no
 * clock, no crypto. Views in decoded structs point into the input and live as long as it does. All
 * errors are of class CALL; who dies of them is the caller's knowledge. */
#ifndef TUNIC_CELL_CHAN_H
#define TUNIC_CELL_CHAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/wr.h"

enum {
    CELL_BODY_LEN = 509,
    CHAN_HEAD_MAX = 7,  /* circuit id, command, length */
    CHAN_CELL_MAX = 514 /* a whole fixed-size cell with a 4-byte circuit id */
};

/* tor-spec 3. TAP's CREATE and CREATED are named only to be refused by name. */
enum chan_cmd {
    CELL_PADDING = 0,
    CELL_CREATE = 1,
    CELL_CREATED = 2,
    CELL_RELAY = 3,
    CELL_DESTROY = 4,
    CELL_CREATE_FAST = 5,
    CELL_CREATED_FAST = 6,
    CELL_VERSIONS = 7,
    CELL_NETINFO = 8,
    CELL_RELAY_EARLY = 9,
    CELL_CREATE2 = 10,
    CELL_CREATED2 = 11,
    CELL_PADDING_NEGOTIATE = 12,
    CELL_MEASUREMENT = 30, /* measurement.h; unknown to all who do not measure */
    CELL_VPADDING = 128,
    CELL_CERTS = 129,
    CELL_AUTH_CHALLENGE = 130,
    CELL_AUTHENTICATE = 131,
    CELL_AUTHORIZE = 132
};

/* The spec's name, or "unknown"; static storage. */
const char *chan_cmd_name(uint8_t cmd);

/* VERSIONS and every command from 128 up. */
bool chan_cmd_is_variable(uint8_t cmd);

/* Whether CMD may come with CIRC_ID: circuit cells need one (tor-spec 5.1.1: "CircID 0 MUST not be
 * used for circuits"), link cells have 0. True for an unknown command. */
bool chan_cmd_circ_id_ok(uint8_t cmd, uint32_t circ_id);

/* Bytes before the body. CIRC_ID_LEN is 2 or 4 here and everywhere. */
size_t chan_head_len(size_t circ_id_len, uint8_t cmd);

struct chan_frame {
    uint32_t circ_id;
    uint8_t cmd;
    uint8_t *body; /* into the input, to be decrypted in place */
    size_t body_len;
    size_t used; /* the whole cell: what to drain when the body is done with */
};

/* Finds the cell that begins at IN. ERR_MORE: incomplete; out->used is then the number of bytes the
 * cell will have as far as can be told (at least LEN + 1), the rest of OUT is not set. ERR_LIMIT: a
 * variable-length cell announces a body over VAR_CAP bytes, told from the header alone. ERR_ARG:
 * CIRC_ID_LEN is not 2 or 4. Any command and circuit id is passed on. */
MUST_USE err_t chan_frame_decode(uint8_t *in, size_t len, size_t circ_id_len, size_t var_cap,
                                 struct chan_frame *out);

/* Writes everything before the body. BODY_LEN counts only for variable-length cells (else it must
 * be CELL_BODY_LEN). ERR_ARG if it or CIRC_ID does not fit its field. */
MUST_USE err_t chan_head_encode(struct wr *w, size_t circ_id_len, uint32_t circ_id, uint8_t cmd,
                                size_t body_len);

/* A cell around a body of yet unknown length: open, write the body with an encoder, close. Closing
 * fills in the length of a variable-length cell and pads a fixed-size one with zero bytes; a body
 * too long for its cell fails the writer. MARK is what chan_cell_open() returned. */
size_t chan_cell_open(struct wr *w, size_t circ_id_len, uint32_t circ_id, uint8_t cmd);
MUST_USE err_t chan_cell_close(struct wr *w, size_t circ_id_len, size_t mark);

#endif
