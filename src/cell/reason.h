/* Why a circuit or a stream ended: the numbers on the wire and their names (tor-spec 5.4, 6.3;
 * control-spec 4.1.1, 4.1.2). */
#ifndef TUNIC_CELL_REASON_H
#define TUNIC_CELL_REASON_H

#include <stdint.h>

/* DESTROY and TRUNCATED. "OPs and ORs MUST accept" unknown values. */
enum destroy_reason {
    DESTROY_NONE = 0,
    DESTROY_PROTOCOL = 1,
    DESTROY_INTERNAL = 2,
    DESTROY_REQUESTED = 3,
    DESTROY_HIBERNATING = 4,
    DESTROY_RESOURCELIMIT = 5,
    DESTROY_CONNECTFAILED = 6,
    DESTROY_OR_IDENTITY = 7,
    DESTROY_CHANNEL_CLOSED = 8,
    DESTROY_FINISHED = 9,
    DESTROY_TIMEOUT = 10,
    DESTROY_DESTROYED = 11,
    DESTROY_NOSUCHSERVICE = 12,
    DESTROY_MEASUREMENT_EXPIRED = 13, /* these two only in our own reports */
    DESTROY_NOPATH = 14
};

enum end_reason {
    END_MISC = 1,
    END_RESOLVEFAILED = 2,
    END_CONNECTREFUSED = 3,
    END_EXITPOLICY = 4,
    END_DESTROY = 5,
    END_DONE = 6,
    END_TIMEOUT = 7,
    END_NOROUTE = 8,
    END_HIBERNATING = 9,
    END_INTERNAL = 10,
    END_RESOURCELIMIT = 11,
    END_CONNRESET = 12,
    END_TORPROTOCOL = 13,
    END_NOTDIRECTORY = 14,
    END_PRIVATE = 15, /* these two only in our own reports: never valid on the wire */
    END_CANT_ATTACH = 16
};

/* Names as in control-spec events (destroy reason 1 is TORPROTOCOL there, end reason 13 too;
 * PRIVATE is PRIVATE_ADDR), or "UNKNOWN"; static storage. */
const char *destroy_reason_name(uint8_t reason);
const char *end_reason_name(uint8_t reason);

/* A short sentence without a full stop that tells a user what happened; static storage. */
const char *destroy_reason_text(uint8_t reason);
const char *end_reason_text(uint8_t reason);

#endif
