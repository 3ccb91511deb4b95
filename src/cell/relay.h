/* Relay messages: their place in the body of a RELAY cell in both formats, and the table of what is
 * allowed (tor-spec 6.1; format v1 as deployed with CGO, proposals 340 and 359).
 *
 * v0: command 1 | recognized 2 | stream id 2 | digest 4 | length 2 | data.
 * v1: tag 16 | command 1 | length 2 | stream id 2 for stream commands only | data.
 * Recognized, digest and tag belong to the onion layers: the encoder writes them as zero, the
 * decoder does not look at them. Message bodies are decoded by relay_stream.h, relay_flow.h,
 * relay_extend.h, relay_conflux.h, relay_pad.h and relay_hs.h. */
#ifndef TUNIC_CELL_RELAY_H
#define TUNIC_CELL_RELAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "cell/chan.h"

enum relay_cmd {
    RELAY_BEGIN = 1,
    RELAY_DATA = 2,
    RELAY_END = 3,
    RELAY_CONNECTED = 4,
    RELAY_SENDME = 5,
    RELAY_EXTEND = 6,   /* gone from the network */
    RELAY_EXTENDED = 7, /* gone from the network */
    RELAY_TRUNCATE = 8,
    RELAY_TRUNCATED = 9,
    RELAY_DROP = 10,
    RELAY_RESOLVE = 11,
    RELAY_RESOLVED = 12,
    RELAY_BEGIN_DIR = 13,
    RELAY_EXTEND2 = 14,
    RELAY_EXTENDED2 = 15,
    RELAY_CONFLUX_LINK = 19,
    RELAY_CONFLUX_LINKED = 20,
    RELAY_CONFLUX_LINKED_ACK = 21,
    RELAY_CONFLUX_SWITCH = 22,
    RELAY_ESTABLISH_INTRO = 32,
    RELAY_ESTABLISH_RENDEZVOUS = 33,
    RELAY_INTRODUCE1 = 34,
    RELAY_INTRODUCE2 = 35,
    RELAY_RENDEZVOUS1 = 36,
    RELAY_RENDEZVOUS2 = 37,
    RELAY_INTRO_ESTABLISHED = 38,
    RELAY_RENDEZVOUS_ESTABLISHED = 39,
    RELAY_INTRODUCE_ACK = 40,
    RELAY_PADDING_NEGOTIATE = 41,
    RELAY_PADDING_NEGOTIATED = 42,
    RELAY_XOFF = 43, /* the 2023 tor-spec has 43 and 44 swapped; this is what relays use */
    RELAY_XON = 44,
    RELAY_MEAS_ECHO = 60 /* proposal 316, number ours; unknown to all who do not measure */
};

enum relay_format { RELAY_V0, RELAY_V1 };

enum {
    RELAY_V0_RECOGNIZED_AT = 1, /* 2 bytes */
    RELAY_V0_STREAM_ID_AT = 3,  /* 2 bytes */
    RELAY_V0_DIGEST_AT = 5,     /* 4 bytes */
    RELAY_V0_HEAD_LEN = 11,
    RELAY_V0_DATA_MAX = 498,
    RELAY_V1_TAG_LEN = 16,
    RELAY_V1_HEAD_LEN = 19,        /* without a stream id */
    RELAY_V1_HEAD_STREAM_LEN = 21, /* with one */
    RELAY_V1_DATA_MAX = 490,
    RELAY_V1_DATA_STREAM_MAX = 488,
    RELAY_DATA_MAX = 498, /* over both formats */
    RELAY_PAD_ZEROS = 4   /* zero bytes between the data and the random padding */
};

struct relay_msg {
    uint8_t cmd;
    uint16_t stream_id; /* 0: none */
    const uint8_t *data;
    size_t len;
};

/* Where the data of a message begins in the body, and how much of it there may be. */
size_t relay_data_at(enum relay_format format, uint8_t cmd);
size_t relay_data_max(enum relay_format format, uint8_t cmd);

/* OUT's data is a view into BODY. ERR_MALFORMED: length beyond the body, or (v1 only) stream id 0
 * where there must be one. v1: an unknown command is ERR_UNSUPPORTED, because without a row in the
 * table the cell cannot be taken apart. v0: any command is passed on, for relay_msg_check(). */
MUST_USE err_t relay_msg_decode(enum relay_format format, const uint8_t body[CELL_BODY_LEN],
                                struct relay_msg *out);

/* Writes head, data and up to RELAY_PAD_ZEROS zero bytes. *RANDOM_AT is where the padding that the
 * caller must fill with random bytes begins: BODY[*RANDOM_AT .. CELL_BODY_LEN), which may be empty;
 * this call leaves these bytes alone. The data may already lie in its place in BODY, then nothing
 * is copied. ERR_LIMIT: too much data; ERR_ARG: stream id against the table, or a command not in
 * it. */
MUST_USE err_t relay_msg_encode(enum relay_format format, const struct relay_msg *m,
                                uint8_t body[CELL_BODY_LEN], size_t *random_at);

/* The same whatever the table says, for who breaks rules on purpose. ERR_FULL: too much data. */
MUST_USE err_t relay_msg_put(enum relay_format format, const struct relay_msg *m,
                             uint8_t body[CELL_BODY_LEN], size_t *random_at);

/* Who may receive a message (relay_rule.receivers). A service is the onion service at the end of an
 * introduction or rendezvous circuit. To everybody else, a command for who measures is unknown. */
enum relay_receiver {
    RELAY_TO_CLIENT = 1,
    RELAY_TO_SERVICE = 2,
    RELAY_TO_RELAY = 4,
    RELAY_TO_MEASURING = 8 /* either end of a circuit that was opened to measure a relay */
};

enum relay_stream_use {
    RELAY_STREAM_NONE,    /* stream id must be 0 */
    RELAY_STREAM_NEEDED,  /* stream id must not be 0 */
    RELAY_STREAM_OPTIONAL /* 0: about the circuit, else about the stream (SENDME) */
};

enum relay_trait {
    RELAY_ANY_HOP = 1, /* may come from a hop that is not the last; else only from the last one */
    RELAY_COUNTED = 2, /* counts against flow-control windows (DATA) */
    RELAY_MULTIPLEXED = 4, /* conflux: takes part in ordering over the legs */
};

/* What is allowed for one command, consulted before any handler runs. */
struct relay_rule {
    const char *name;
    uint16_t min_len, max_len;
    enum relay_stream_use stream;
    uint8_t receivers; /* set of enum relay_receiver; 0: obsolete, refused everywhere */
    uint8_t traits;    /* set of enum relay_trait */
};

/* NULL for a command that does not exist. */
const struct relay_rule *relay_rule(uint8_t cmd);

/* The spec's name without "RELAY_", or "unknown"; static storage. */
const char *relay_cmd_name(uint8_t cmd);

/* Holds M against its row: ERR_UNSUPPORTED for an unknown or obsolete command, ERR_MALFORMED for a
 * length, stream id, receiver or hop that the row does not allow. What needs state (is the stream
 * open, was it asked for) is up to the layer that has the state. */
MUST_USE err_t relay_msg_check(const struct relay_msg *m, enum relay_receiver us,
                               bool from_last_hop);

#endif
