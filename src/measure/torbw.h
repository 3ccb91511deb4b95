/* Torbw: what the operator's own tor counts each second, as its control port tells it (control-spec
 * 4.1.4, "650 BW READ WRITTEN"). Of a relay of unmodified tor nothing else says what its clients
 * have while it is measured.
 *
 * Bytes in, bytes out; the socket and the cookie's file are its owner's. Nothing is ever set. Who
 * answers may be anybody, and names the file: so the cookie itself is never said (3.24). */
#ifndef TUNIC_MEASURE_TORBW_H
#define TUNIC_MEASURE_TORBW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/env.h"
#include "base/err.h"
#include "base/text.h"
#include "crypto/safecookie.h"

enum {
    TORBW_LINE_MAX = 8192,
    TORBW_COOKIE_LEN = SAFECOOKIE_LEN,
    TORBW_WHY_MAX = 200,
    TORBW_PATH_MAX = 4096,
};

struct torbw_ops {
    /* The file at PATH; false: it is not to be had, or not of that length. */
    bool (*cookie)(void *arg, const char *path, uint8_t out[TORBW_COOKIE_LEN]);
    void (*on_ready)(void *arg); /* from now on each second is told */
    void (*on_bw)(void *arg, uint64_t read, uint64_t written);
};

enum torbw_step {
    TORBW_ASKED,
    TORBW_CHALLENGED,
    TORBW_PROVING,
    TORBW_SUBSCRIBING,
    TORBW_READY,
    TORBW_FAILED
};

struct torbw {
    struct env *env;
    const struct torbw_ops *ops;
    void *arg;
    enum torbw_step step;
    bool no_proof; /* none is asked for */
    uint8_t cookie[TORBW_COOKIE_LEN], nonce[SAFECOOKIE_NONCE_LEN];
    char path[TORBW_PATH_MAX];
    struct buf in, out;
    char why[TORBW_WHY_MAX]; /* once it has failed */
};

/* What is to be sent first is in T->out. ENV: its randomness. */
void torbw_init(struct torbw *t, struct env *env, const struct torbw_ops *ops, void *arg);
void torbw_free(struct torbw *t);
/* ERR_MALFORMED, ERR_LIMIT, ERR_NOMEM, ERR_UNSUPPORTED (a password is wanted), ERR_STATE (it says
 * no), and T->why; it has failed then. */
MUST_USE err_t torbw_feed(struct torbw *t, const void *bytes, size_t len);

#endif
