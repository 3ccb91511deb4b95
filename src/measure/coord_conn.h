/* A measurer's connection with its coordinator: made, and made again (FlashFlow's
 * try_connect_to_coord() and ensure_conn_w_coord()). */
#ifndef TUNIC_MEASURE_COORD_CONN_H
#define TUNIC_MEASURE_COORD_CONN_H

#include "base/addr.h"
#include "measure/coord_proto.h"

enum {
    COORD_CONNECT_S = 10, /* TCP */
    COORD_DELAY_LEAST_MS = 500,
    COORD_DELAY_MOST_MS = 60000,
    COORD_DELAY_JITTER = 20, /* percent, either way */
};

struct coord_conn_ops {
    /* Connects a socket to TO for P: coord_proto_begin() follows, or coord_proto_gone(). */
    void (*dial)(void *arg, struct coord_proto *p, const struct ipport *to);
    void (*hangup)(void *arg, struct coord_proto *p); /* P is freed: its socket, if any, goes */
    void (*output)(void *arg, struct coord_proto *p);
    void (*on_open)(void *arg, const struct msg_hello *theirs);
    void (*on_heard)(void *arg); /* a frame came */
    void (*on_msg)(void *arg, const struct msg *m);
    /* An attempt failed, or the connection ended. FATAL: there will be no other. */
    void (*on_lost)(void *arg, const struct coord_proto_end *end);
};

struct coord_conn {
    struct env *env;
    const struct coord_conn_ops *ops;
    void *arg;
    struct ipport coord_addr;
    struct sha256 coord_pin;
    struct coord_proto_config config;
    struct coord_proto *proto; /* NULL: waiting for the next attempt, or fatal */
    uint32_t delay_ms;         /* before the next attempt */
    struct timer wait, connect;
    enum coord_conn_res res; /* of the last attempt */
};

/* CONFIG's tls and hello outlive C. */
void coord_conn_init(struct coord_conn *c, struct env *env, const struct coord_proto_config *config,
                     const struct coord_conn_ops *ops, void *arg);
void coord_conn_end(struct coord_conn *c); /* without on_lost */

/* One attempt at COORD_ADDR, where the key that COORD_PIN is of has to answer. No error leaves it:
 * what comes of it is told later. */
void try_connect_to_coord(struct coord_conn *c);
/* Tries at once, and then again and again until there is a connection or it is fatal: .5 s after
 * the first failure, twice as long after each further one, at most a minute, and a fifth more or
 * less by chance; whenever a connection is lost, anew. */
void ensure_conn_w_coord(struct coord_conn *c);

#endif
