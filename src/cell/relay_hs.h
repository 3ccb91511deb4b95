/* Bodies of onion service messages, their outer fields (rend-spec-v3 3, 4). What is encrypted or
 * signed in them is a view here. RENDEZVOUS_ESTABLISHED's body is ignored. */
#ifndef TUNIC_CELL_RELAY_HS_H
#define TUNIC_CELL_RELAY_HS_H

#include "base/err.h"
#include "base/ids.h"
#include "base/rd.h"
#include "base/wr.h"
#include "cell/ext.h"
#include "cell/relay_extend.h"

enum {
    HS_COOKIE_LEN = 20,
    HS_MAC_LEN = 32,
    HS_HANDSHAKE_LEN = 64, /* of RENDEZVOUS1 and 2: service's key, authentication */
    HS_AUTH_KEY_ED25519 = 2,
    HS_ONION_KEY_NTOR = 1
};

struct relay_establish_intro {
    struct ed_id auth_key; /* AUTH_KEY_TYPE 2; another type is ERR_UNSUPPORTED */
    struct exts exts;
    uint8_t mac[HS_MAC_LEN];
    uint16_t sig_len;
    const uint8_t *sig;
    size_t mac_at; /* decoder: how many bytes the MAC covers */
    size_t sig_at; /* decoder: how many bytes the signature covers: those, and the MAC */
};
MUST_USE err_t relay_establish_intro_decode(struct rd r, struct relay_establish_intro *out);
/* The part that the MAC covers, and then the whole. */
MUST_USE err_t relay_establish_intro_encode_head(struct wr *w,
                                                 const struct relay_establish_intro *m);
MUST_USE err_t relay_establish_intro_encode(struct wr *w, const struct relay_establish_intro *m);

/* INTRODUCE1 and INTRODUCE2. A LEGACY_KEY_ID that is not zero is ERR_UNSUPPORTED. */
struct relay_introduce {
    struct ed_id auth_key;
    struct exts exts;
    size_t encrypted_len;
    const uint8_t *encrypted; /* client's key, ciphertext, MAC */
    size_t encrypted_at;      /* decoder: how many bytes come before it (the MAC covers them) */
};
MUST_USE err_t relay_introduce_decode(struct rd r, struct relay_introduce *out);
MUST_USE err_t relay_introduce_encode(struct wr *w, const struct relay_introduce *m);

/* The plaintext inside INTRODUCE1 and 2; padding behind it is ignored. */
struct relay_introduce_plain {
    uint8_t cookie[HS_COOKIE_LEN];
    struct exts exts;
    struct x25519_pub onion_key; /* of the rendezvous point; ONION_KEY_TYPE 1 */
    struct linkspecs specs;      /* of the rendezvous point */
};
MUST_USE err_t relay_introduce_plain_decode(struct rd r, struct relay_introduce_plain *out);
MUST_USE err_t relay_introduce_plain_encode(struct wr *w, const struct relay_introduce_plain *m);

/* An empty body is an empty list. */
struct relay_intro_established {
    struct exts exts;
};
MUST_USE err_t relay_intro_established_decode(struct rd r, struct relay_intro_established *out);
MUST_USE err_t relay_intro_established_encode(struct wr *w,
                                              const struct relay_intro_established *m);

enum introduce_status {
    INTRODUCE_SUCCESS = 0,
    INTRODUCE_UNKNOWN_ID = 1,
    INTRODUCE_BAD_FORMAT = 2,
    INTRODUCE_CANT_RELAY = 3
};

struct relay_introduce_ack {
    uint16_t status; /* enum introduce_status; any value is decoded */
    struct exts exts;
};
MUST_USE err_t relay_introduce_ack_decode(struct rd r, struct relay_introduce_ack *out);
MUST_USE err_t relay_introduce_ack_encode(struct wr *w, const struct relay_introduce_ack *m);

struct relay_establish_rendezvous {
    uint8_t cookie[HS_COOKIE_LEN];
};
MUST_USE err_t relay_establish_rendezvous_decode(struct rd r,
                                                 struct relay_establish_rendezvous *out);
MUST_USE err_t relay_establish_rendezvous_encode(struct wr *w,
                                                 const struct relay_establish_rendezvous *m);

struct relay_rendezvous1 {
    uint8_t cookie[HS_COOKIE_LEN];
    uint8_t handshake[HS_HANDSHAKE_LEN];
};
MUST_USE err_t relay_rendezvous1_decode(struct rd r, struct relay_rendezvous1 *out);
MUST_USE err_t relay_rendezvous1_encode(struct wr *w, const struct relay_rendezvous1 *m);

struct relay_rendezvous2 {
    uint8_t handshake[HS_HANDSHAKE_LEN];
};
MUST_USE err_t relay_rendezvous2_decode(struct rd r, struct relay_rendezvous2 *out);
MUST_USE err_t relay_rendezvous2_encode(struct wr *w, const struct relay_rendezvous2 *m);

#endif
