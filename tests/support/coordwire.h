/* Keys of coordinators and measurers, and a wire between the two ends of a connection, for tests of
 * src/measure. */
#ifndef TUNIC_TESTS_COORDWIRE_H
#define TUNIC_TESTS_COORDWIRE_H

#include <string.h>

#include "link/tls_mutual.h"
#include "measure/coord_proto.h"
#include "support/test.h"

struct coord_keys {
    uint8_t cert[TLS_MUTUAL_DER_MAX], key[TLS_MUTUAL_DER_MAX];
    struct sha256 pin;
    struct tls_ctx *ctx;
};

static inline void coord_keys_make(struct coord_keys *k, bool server, const char *name)
{
    struct wr cert = wr_over(k->cert, sizeof k->cert), key = wr_over(k->key, sizeof k->key);
    ck_ok(tls_mutual_make(name, 1700000000, 1900000000, &cert, &key));
    ck_ok(tls_cert_spki_sha256(k->cert, cert.len, &k->pin));
    ck_ok(tls_ctx_new_mutual(server, k->cert, cert.len, k->key, key.len, &k->ctx));
}

/* Moves what FROM has to send to TO, at most STEP bytes at a time (0: all); how many. */
static inline size_t coord_wire_move(struct coord_proto *from, struct coord_proto *to, size_t step)
{
    size_t len, room, moved = 0;
    const uint8_t *at;
    while (from && to && (at = coord_proto_out(from, &len))) {
        uint8_t *in = coord_proto_in_room(to, &room);
        if (!in)
            break;
        len = len < room ? len : room;
        len = step && step < len ? step : len;
        memcpy(in, at, len);
        coord_proto_in_done(to, len);
        coord_proto_sent(from, len);
        moved += len;
    }
    return moved;
}

static inline void coord_wire_settle(struct coord_proto *a, struct coord_proto *b, size_t step)
{
    while (coord_wire_move(a, b, step) + coord_wire_move(b, a, step))
        ;
}

#endif
