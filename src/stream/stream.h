/* Streams: byte streams, directory requests and look-ups over a carrier (tor-spec 6.2-6.4, 7.4).
 *
 * A struct streams is the user of a carrier (carrier.h), such as a hop of a circuit: it numbers
 * streams, hands out turns among those that have data, and keeps half-closed ids until the other
 * side ends. A struct stream is one attempt on one carrier; retrying elsewhere is the client's
 * affair.
 *
 * Life of a stream: stream_open() -> on_connected or on_resolved -> data both ways -> on_end,
 * exactly once, or stream_close() by its owner, after which there is no callback. One that the
 * other side begins lives from the acceptor's on_begin -> stream_say_connected() -> data both ways,
 * and ends in the same way. The struct is freed by the set at the end of the wake-up after on_end
 * or stream_close(): do not use it afterwards. */
#ifndef TUNIC_STREAM_STREAM_H
#define TUNIC_STREAM_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/env.h"
#include "base/err.h"
#include "cell/relay_stream.h"
#include "circuit/circ.h"
#include "stream/carrier.h"
#include "stream/xonxoff.h"

struct streams;
struct stream;

enum stream_kind {
    STREAM_BEGIN,
    STREAM_BEGIN_DIR,
    STREAM_RESOLVE,
    STREAM_ACCEPTED, /* begun by the other side: no request of ours */
};

struct stream_request {
    enum stream_kind kind;
    /* BEGIN: "host:port" (IPv6 in brackets); RESOLVE: host name, or "...in-addr.arpa" /
     * "...ip6.arpa" for reverse; BEGIN_DIR: unused. */
    const char *target;
    uint32_t flags; /* BEGIN: set of enum begin_flag (cell/relay_stream.h) */
};

enum { STREAM_MAX_ANSWERS = 16, STREAM_NAME_MAX = RELAY_HOST_MAX + 1 };

/* Kinds of answers, besides ANSWER_ERROR_TRANSIENT and ANSWER_ERROR of cell/relay_stream.h. */
enum stream_answer_kind { ANSWER_IP = 1, ANSWER_NAME = 2 };

struct stream_answer {
    uint8_t kind;
    struct ip ip;
    char name[STREAM_NAME_MAX];
    uint32_t ttl_s;
};

/* Why a stream ended. */
struct stream_end {
    err_t why;      /* OK: the other side sent END */
    uint8_t reason; /* enum end_reason as sent, or the one that fits */
    bool remote;    /* an END came */
    bool connected; /* CONNECTED had come before */
    /* EXITPOLICY: the address the exit refused; ERR_STREAM_PROTO: the one it claims to have gone to
     * and may not; family IP_NONE if there is none. */
    struct ip exit_saw;
    uint32_t ttl_s;
    bool circuit_ended; /* because the carrier ended, with this circuit: */
    struct circ_end circ;
};

struct stream_ops {
    /* ADDR is what the exit connected to, family IP_NONE if it did not say. */
    void (*on_connected)(void *arg, const struct ip *addr, uint32_t ttl_s);
    void (*on_resolved)(void *arg, const struct stream_answer *answers, size_t n); /* then on_end */
    /* Bytes in order. The owner takes all of them and says with stream_consumed() when they have
     * left it: at most STREAM_HELD_MOST ever wait for that. */
    void (*on_data)(void *arg, const uint8_t *bytes, size_t len);
    void (*on_writable)(void *arg); /* stream_write() took less than offered before */
    void (*on_end)(void *arg, const struct stream_end *end);
    /* CMD, XON or XOFF, went out (OURS) or came; may be NULL. */
    void (*on_flow)(void *arg, bool ours, uint8_t cmd);
};

/* Under congestion control, before which the other side has stopped; most of it is for what waited
 * in a conflux set for its turn (client/settings.c). */
enum { STREAM_HELD_MOST = 80 << 20 };

/* Becomes the user of the carrier, which is freed with the set. NULL out of memory, also if there
 * was none for the carrier: it is NULL then. */
struct streams *streams_new(struct env *env, struct carrier *gift_carrier);
/* Ends every stream without callbacks and leaves the carrier. Call it before a circuit that the
 * carrier stands on and that is still open is freed; once on_end has told of the carrier's end the
 * order does not matter. NULL is fine. */
void streams_free(struct streams *set);
/* Whether an exit may say that it connected to, or resolved a name to, an internal address. Off at
 * first; private test networks need it (ClientDNSRejectInternalAddresses 0). */
void streams_allow_internal_addrs(struct streams *set, bool allow);
/* What holds for XON, XOFF and half-closed streams if the carrier is under congestion control; read
 * each time, for the consensus may change it. Before there are streams; else it is the defaults. */
void streams_set_params(struct streams *set, const struct xonxoff_params *borrowed);
size_t streams_open_count(const struct streams *set); /* open or opening, without half-closed */

/* Sends BEGIN, BEGIN_DIR or RESOLVE. ERR_LIMIT when no id is free, ERR_ARG for a target that does
 * not fit or a kind that the carrier does not carry, ERR_STATE if it has ended, ERR_FULL while too
 * much waits to go out on its link: to be tried again in a moment. */
MUST_USE err_t stream_open(struct streams *set, const struct stream_request *req,
                           const struct stream_ops *ops, void *arg, struct stream **out);

/* Sends as much of BYTES as windows and link allow and returns how much that was; when it is less
 * than LEN, on_writable follows. Before CONNECTED this is optimistic data (allowed). */
size_t stream_write(struct stream *s, const uint8_t *bytes, size_t len);

/* LEN bytes of on_data have left the owner: the stream may ask for more (SENDME). */
void stream_consumed(struct stream *s, size_t len);

/* Sends END; data still to come is dropped and accounted for (half-closed). REASON goes out with it
 * on a stream that the other side began; on one of ours the other side reads MISC. */
void stream_close(struct stream *s, uint8_t reason);

/* ---- streams that the other side begins ---- */

/* What becomes of a BEGIN: the stream has an owner, or it is refused. */
struct stream_verdict {
    const struct stream_ops *ops; /* NULL: refused; on_connected and on_resolved may be NULL */
    void *arg;
    uint8_t refusal; /* enum end_reason that the other side is told */
};

struct stream_acceptor {
    /* The other side wants S, to what it ASKED for (an onion service looks at the port alone). S's
     * owner says stream_say_connected(), now or later; until then it may be given data, and cannot
     * write. */
    struct stream_verdict (*on_begin)(void *arg, struct stream *s, const struct relay_begin *asked);
    void *arg;
};

/* From now on SET's carrier is a service's, and the other side may begin streams. Without an
 * acceptor a BEGIN closes the circuit. */
void streams_accept(struct streams *set, const struct stream_acceptor *acceptor);

/* The owner of S, which the other side began, is ready: CONNECTED goes out, without an address. */
void stream_say_connected(struct stream *s);

uint16_t stream_id(const struct stream *s);
bool stream_is_connected(const struct stream *s);

#endif
