/* Messages between coordinator and measurer, version 1: one JSON object each (docs/
 * measurement-protocol.md has them all).
 *
 * UTF-8; members that we do not know are ignored; a member twice, or a depth over MSG_DEPTH_MOST,
 * makes the whole no message. A member that may be missing is zero then. What a message says is
 * bounded here; what it means is for whom it reaches. */
#ifndef TUNIC_MEASURE_MSG_H
#define TUNIC_MEASURE_MSG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/ids.h"
#include "base/text.h"
#include "measure/measurement.h"

enum {
    MSG_PROTO = 1, /* the version of all this */
    MSG_DEPTH_MOST = 8,
    MSG_NAME_MAX = 32,
    MSG_SOFTWARE_MAX = 64,
    MSG_PROOF_MOST = 24 * 1024, /* a descriptor: two go into a frame */
    MSG_TEXTS_MOST = 2,
    MSG_DUR_MOST = 600,
    MSG_WHY = 160,
};

enum msg_type {
    MSG_HELLO,
    MSG_CONNECT_TO_RELAY,
    MSG_CONNECTED_TO_RELAY,
    MSG_GO,
    MSG_ALLOC,
    MSG_BW_REPORT,
    MSG_FAILURE,
    MSG_DONE,
    MSG_CANCEL,
    MSG_PING,
    MSG_PONG,
    MSG_TYPES
};

struct msg_hello {
    uint32_t proto;
    char software[MSG_SOFTWARE_MAX + 1];
    char name[MSG_NAME_MAX + 1];
    uint64_t bw; /* bytes/s that the measurer is good for; 0: it does not say */
    uint32_t sockets_max, cores;
    struct ed_id identity; /* of its links to relays; zero: it proves none */
};

struct msg {
    enum msg_type type;
    /* 0: none, in those messages that may be about none. The member that messages have for it, too,
     * is the same when a message was parsed; when one is written, only this counts. */
    uint32_t meas_id;
    union {
        struct msg_hello hello;
        struct connect_to_relay connect; /* proof, exit.proof: views of TEXTS */
        struct connected_to_relay connected;
        uint64_t alloc_bw;
        struct bw_report report;
        struct meas_failure failure; /* info: printable ASCII */
    };
    char *texts[MSG_TEXTS_MOST]; /* of a parsed message, its own; or NULL */
};

const char *msg_name(enum msg_type type); /* "connect_to_relay" */

/* Letters, digits, "-", "_" and "."; at most MSG_NAME_MAX. */
bool msg_name_valid(struct text name);

/* Who may send it. */
bool msg_is_coords(enum msg_type type);
bool msg_is_measurers(enum msg_type type);

/* ERR_UNSUPPORTED: a type that we do not know. ERR_MALFORMED: no JSON object, or a member that is
 * missing or not what it has to be; OUT->meas_id is set if it could be read and nothing but a
 * member is wrong. ERR_NOMEM. WHY is set on errors. Only on OK there is something to free. */
MUST_USE err_t msg_parse(struct text json, struct msg *out, char why[MSG_WHY]);
/* The object, of *LEN bytes, which the caller frees. ERR_NOMEM, or a text in M is no UTF-8. */
MUST_USE err_t msg_write(const struct msg *m, char **json, size_t *len);
void msg_free(struct msg *m); /* what it points to */

#endif
