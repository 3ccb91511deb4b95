/* CoordProto: one connection between a coordinator and a measurer, seen from either side: TLS 1.3
 * with a certificate each, frames in it, `hello` first each way (FlashFlow's CoordProtocol).
 *
 * Bytes in, bytes out; the socket is the owner's. A message that is none costs its measurement, or
 * an answer; what is no frame, or a message that the other side may not send, costs the
 * connection. It ends once, through on_end, at the end of the wake-up; then the owner frees it. */
#ifndef TUNIC_MEASURE_COORD_PROTO_H
#define TUNIC_MEASURE_COORD_PROTO_H

#include <stdbool.h>
#include <stdint.h>

#include "base/env.h"
#include "base/err.h"
#include "base/ids.h"
#include "measure/msg.h"

struct coord_proto;
struct tls_ctx; /* link/tls.h */

enum {
    COORD_HANDSHAKE_S = 10, /* TLS and both `hello`s */
    COORD_PING_S = 10,
    COORD_PING_BUSY_S = 1, /* while anything runs */
    COORD_SILENCE_S = 35,  /* without a frame: the other side is gone */
    COORD_TEXT_MAX = 256,
};

/* What came of one attempt to have a connection with the coordinator (FlashFlow's CoordConnRes). */
enum coord_conn_res {
    COORD_CONN_SUCCESS,
    COORD_CONN_RETRY_ERROR,
    /* Trying again is no use: a coordinator that proved who it is has no version in common with us.
     * One that does not know our key may learn it. */
    COORD_CONN_FATAL_ERROR,
};

struct coord_proto_end {
    enum coord_conn_res res; /* never SUCCESS */
    bool impostor;           /* who answered is not whom we expect */
    bool opened;             /* it was open before */
    bool refused;            /* it does not want us, and may change its mind */
    char text[COORD_TEXT_MAX];
};

struct coord_proto_ops {
    /* TLS stands, and the peer has shown the key that PIN is of. False: it is nobody that we speak
     * with, and TEXT says why. */
    bool (*on_peer)(void *arg, const struct sha256 *pin, char text[COORD_TEXT_MAX]);
    void (*on_open)(void *arg, const struct msg_hello *theirs);
    void (*on_heard)(void *arg); /* a frame came; may be NULL */
    /* All but hello, ping and pong. M is valid during the call. */
    void (*on_msg)(void *arg, const struct msg *m);
    void (*on_end)(void *arg, const struct coord_proto_end *end);
    /* There is something to send. */
    void (*on_output)(void *arg);
};

struct coord_proto_config {
    struct tls_ctx *tls;         /* outlives the connection */
    bool is_coord;               /* we are the coordinator, who answers; else the measurer */
    const struct msg_hello *say; /* our hello; copied */
};

/* NULL out of memory. */
struct coord_proto *coord_proto_new(struct env *env, const struct coord_proto_config *config,
                                    const struct coord_proto_ops *ops, void *arg);
void coord_proto_free(struct coord_proto *p); /* without on_end; NULL is fine */

/* ---- the socket's side ---- */

/* TCP stands. */
void coord_proto_begin(struct coord_proto *p);
bool coord_proto_has_begun(const struct coord_proto *p);
uint8_t *coord_proto_in_room(struct coord_proto *p, size_t *room); /* NULL once it has ended */
void coord_proto_in_done(struct coord_proto *p, size_t len);
/* What is to be sent, also what was queued before it ended; NULL: nothing. */
const uint8_t *coord_proto_out(struct coord_proto *p, size_t *len);
void coord_proto_sent(struct coord_proto *p, size_t len);
/* The connection could not be made, or is over. */
void coord_proto_gone(struct coord_proto *p, const char *text);

/* A slot for the socket's owner. */
void coord_proto_set_io(struct coord_proto *p, void *io);
void *coord_proto_io(const struct coord_proto *p);

/* ---- the owner's side ---- */

bool coord_proto_is_open(const struct coord_proto *p);
/* Queued, or the connection ends because it cannot be. */
void coord_proto_send(struct coord_proto *p, const struct msg *m);
/* A failure of MEAS_ID, or of none (0). */
void coord_proto_fail(struct coord_proto *p, uint32_t meas_id, enum meas_code code, const char *fmt,
                      ...) PRINTF_LIKE(4, 5);
/* Something runs: a ping each second, so that silence is noticed soon. */
void coord_proto_set_busy(struct coord_proto *p, bool busy);
/* When a frame came last (monotonic). */
uint64_t coord_proto_heard_us(const struct coord_proto *p);
void coord_proto_close(struct coord_proto *p, const char *text);

#endif
