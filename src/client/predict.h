/* Predictions: what is expected to be asked for soon, by what was asked for lately, so that
 * circuits for it are built ahead. As in C tor (predict_ports.c) a port is expected for a time that
 * is drawn anew whenever nothing was expected any more; port 443 at first. Internal circuits, which
 * onion services use, are expected for as long from when they are first thought of. */
#ifndef TUNIC_CLIENT_PREDICT_H
#define TUNIC_CLIENT_PREDICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/env.h"
#include "habits/habits.h"

enum { PREDICT_PORTS_MOST = 64 };

struct predict_port {
    uint16_t port;
    uint64_t asked_us;
};

/* A member of the pool; its own only. */
struct predict {
    struct env *env;
    struct predict_port ports[PREDICT_PORTS_MOST]; /* as they were first asked for */
    size_t n;
    uint64_t asked_us; /* when something was last */
    /* When internal circuits were asked for, or first thought of, and such as are to last; 0: they
     * were not. */
    uint64_t internal_us, stable_us;
    uint32_t for_s; /* so long each is expected */
};

/* Port 443 is expected, for a time drawn by H. */
void predict_init(struct predict *p, struct env *env, const struct habits *h);
/* PORT was asked for, which is not 0. When more are expected than can be, the one that was not
 * asked for for longest makes room. */
void predict_asked(struct predict *p, const struct habits *h, uint16_t port);
/* The ports that are expected. */
size_t predict_ports(struct predict *p, uint16_t out[PREDICT_PORTS_MOST]);
/* Nobody could serve these N ports: they are expected no longer. */
void predict_forget(struct predict *p, const uint16_t *ports, size_t n);
/* An internal circuit was asked for, of any relays. */
void predict_asked_internal(struct predict *p, const struct habits *h);
/* Whether internal circuits are expected, and *STABLE: such as are to last. The first time they are
 * thought of, both are. */
bool predict_internal(struct predict *p, bool *stable);
/* Whether anything is. */
bool predict_any(const struct predict *p);
/* For how long the last of it will be. */
uint32_t predict_left_s(const struct predict *p);

#endif
