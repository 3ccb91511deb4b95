/* A relay's inside, for the objects that stand on it. */
#ifndef TUNIC_LIB_RELAY_H
#define TUNIC_LIB_RELAY_H

#include "lib/lib.h"
#include "net/world.h"
#include "tunic/relay.h"

struct tunic_relay {
    struct handle h;
    struct world world;
    struct link *link; /* NULL once it is gone */
    struct later reap; /* frees it after its end */
    enum tunic_or_status status;
    struct tunic_error error; /* FAILED, CLOSED */
    int64_t since_ms;
    unsigned version;
    struct rsa_id rsa;
    struct ed_id ed;
    struct sha256 tls_cert;
    uint8_t *certs; /* the body of its CERTS cell, NULL before that */
    size_t certs_len;
    void (*callback)(void *arg, struct tunic_relay *relay, enum tunic_event event);
    void *callback_arg;
};

/* Reads the options of a possibly older or newer program: those it knows, the rest zero. */
void lib_options(void *out, size_t size, const void *given);

#endif
