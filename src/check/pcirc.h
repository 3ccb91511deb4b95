/* A circuit in the hands of a case: handshakes right or wrong, relay messages right or wrong.
 *
 * As with probes, all calls are nothing after the trial's first failure; NULL may be given. */
#ifndef TUNIC_CHECK_PCIRC_H
#define TUNIC_CHECK_PCIRC_H

#include "cell/chan_circ.h"
#include "cell/relay.h"
#include "check/probe.h"
#include "circuit/fast.h"
#include "circuit/ntor.h"
#include "circuit/ntor_v3.h"
#include "circuit/onion.h"

struct pcirc {
    struct probe *p;
    uint32_t id;
    struct onion onion;
    uint16_t last_stream;
    unsigned got_data;               /* DATA messages, for the SENDMEs that pdir.h sends */
    bool by_early;                   /* the next messages go in RELAY_EARLY cells */
    uint8_t got_tag[LAYER_TAG_MAX];  /* of the last message that came */
    uint8_t sent_tag[LAYER_TAG_MAX]; /* of the last message sent */
    struct probe_cell other;         /* after ERR_CIRC_PROTO: the cell that came */
};

/* A relay message as it came. DATA is valid until the next one is awaited. */
struct pmsg {
    unsigned hop;
    uint8_t cmd;
    uint16_t stream_id;
    const uint8_t *data;
    size_t len;
};

/* ---- making ---- */

/* A circuit by CREATE_FAST, on a connection of its own or on P. The trial owns circuits: they end
 * with it. */
struct pcirc *pcirc_fast(struct trial *t);
struct pcirc *pcirc_fast_on(struct probe *p);
/* A circuit by ntor with the relay's onion key; skips the trial if it is not known. */
struct pcirc *pcirc_ntor(struct trial *t);
struct pcirc *pcirc_ntor_on(struct probe *p);
/* The same with the onion key KEY; the relay's RSA identity is known. */
struct pcirc *pcirc_ntor_by(struct probe *p, const struct x25519_pub *key);
/* CM is the message with extensions, as it goes into the handshake; the relay's goes to SM. KIND is
 * the layer that CM asks for. */
struct pcirc *pcirc_ntor_v3_on(struct probe *p, const struct layer_kind *kind, const void *CM,
                               size_t CM_len, struct wr *SM);
/* Whether the relay's onion key is known (NEEDS_KEY); if not, the trial is skipped. */
bool pcirc_know_key(struct trial *t);
/* The next hop's layer, and its keys. */
void pcirc_add_hop(struct pcirc *c, const struct layer_kind *kind, const uint8_t *keys);

/* The relay to extend to, from the relay's consensus or from the command line (NEEDS_NEXT); false:
 * the trial is skipped. */
bool pcirc_find_next(struct trial *t, struct check_next *out);
/* Another relay, from the consensus only (NEEDS_THIRD). */
bool pcirc_find_third(struct trial *t, struct check_next *out);
/* EXTEND2 to NEXT by ntor, in RELAY_EARLY, and EXTENDED2 awaited. */
void pcirc_extend(struct pcirc *c, const struct check_next *next);
/* A circuit to the relay under test and on to the one of pcirc_find_next(), on a connection of its
 * own. */
struct pcirc *pcirc_two_hops(struct trial *t);
/* EXTEND2's body for an ntor handshake with NEXT, whose state goes to ST. */
size_t pcirc_extend_body(struct pcirc *c, const struct check_next *next, struct ntor_client *st,
                         uint8_t out[RELAY_DATA_MAX]);

/* A message to HOP in RELAY_EARLY. */
void pcirc_send_early(struct pcirc *c, unsigned hop, uint8_t cmd, const void *data, size_t len);
/* EXTENDED2 with the answer to ST: one hop more. */
bool pcirc_await_extended(struct pcirc *c, const struct ntor_client *st);

/* The relay tells that the circuit ends at it or altogether: TRUNCATED or DESTROY comes next. Its
 * reason. */
uint8_t pcirc_await_cut(struct pcirc *c);
/* Forgets the hops after HOP. */
void pcirc_cut(struct pcirc *c, unsigned hop);

/* Frees C; for the trial, which owns it. */
void pcirc_free(struct pcirc *c);

/* ---- messages ---- */

/* Sends a message to hop HOP (1 is the relay under test). */
void pcirc_send(struct pcirc *c, unsigned hop, uint8_t cmd, uint16_t stream_id, const void *data,
                size_t len);
/* A cell whose body, under the layers, is what FN makes of a message that is right: for digests,
 * lengths and commands that are wrong. BODY is CELL_BODY_LEN bytes, before the layers. */
void pcirc_send_spoilt(struct pcirc *c, uint8_t cmd, uint16_t stream_id, const void *data,
                       size_t len, void (*spoil)(uint8_t *body), const char *how);
/* To hop 1; on its way the byte AT of the body, counted without the layers, has a bit flipped. */
void pcirc_send_garbled(struct pcirc *c, uint8_t cmd, uint16_t stream_id, const void *data,
                        size_t len, size_t at, const char *how);
uint16_t pcirc_new_stream(struct pcirc *c);

/* The next message on this circuit; a cell of another kind or circuit is a failure. */
bool pcirc_next(struct pcirc *c, struct pmsg *out);
/* Within TIMEOUT_MS, and nothing fails: OK, ERR_MORE, ERR_CIRC_PROTO (another cell came:
 * DESTROY..), ERR_LINK_CLOSED. */
err_t pcirc_poll(struct pcirc *c, uint32_t timeout_ms, struct pmsg *out);
bool pcirc_await(struct pcirc *c, uint8_t cmd, uint16_t stream_id, struct pmsg *out);
/* The relay takes the circuit down; messages before that count for nothing. Its reason. */
uint8_t pcirc_await_destroy(struct pcirc *c);
/* That message comes next, or DESTROY: where a relay may do either. True if it is the message. */
bool pcirc_await_or_destroy(struct pcirc *c, uint8_t cmd, uint16_t stream_id, struct pmsg *out);
/* The circuit is still there and nothing else was said: BEGIN_DIR is answered by CONNECTED, or by
 * END if the relay is no directory. */
void pcirc_await_alive(struct pcirc *c);

/* ---- streams ---- */

/* Skips the trial if the relay is no directory, so that it has no streams for us. */
bool pcirc_needs_dir(struct trial *t);
/* BEGIN_DIR and CONNECTED: the stream's id, or 0. To the first hop: skipped likewise. */
uint16_t pcirc_begin_dir(struct pcirc *c);

#endif
