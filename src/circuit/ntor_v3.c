/* Names are those of proposal 332. */
#include "circuit/ntor_v3.h"

#include <string.h>

#include "base/rd.h"
#include "crypto/aes.h"
#include "crypto/hash.h"
#include "crypto/kdf.h"
#include "crypto/secret.h"

#define PROTOID    "ntor3-curve25519-sha3_256-1"
#define T_MSGKDF   PROTOID ":kdf_phase1"
#define T_MSGMAC   PROTOID ":msg_mac"
#define T_KEY_SEED PROTOID ":key_seed"
#define T_VERIFY   PROTOID ":verify"
#define T_FINAL    PROTOID ":kdf_final"
#define T_AUTH     PROTOID ":auth_final"

enum {
    ENC_KEY_LEN = 32,
    MAC_KEY_LEN = 32,
    DIGEST_LEN = 32,
    VER_MAX = 64,
    KEYS_MAX = 512,
    SECRET_INPUT_MAX = 6 * 32 + sizeof PROTOID + 8 + VER_MAX,
};

static void wr_lit(struct wr *w, const char *literal)
{
    wr_bytes(w, literal, strlen(literal));
}

/* "ENCAP(s) = htonll(len(s)) | s" */
static void wr_encap(struct wr *w, const void *s, size_t len)
{
    wr_u64(w, len);
    wr_bytes(w, s, len);
}

static void hash_encap(struct sha3 *h, const void *s, size_t len)
{
    uint8_t head[8];
    struct wr w = wr_over(head, sizeof head);
    wr_u64(&w, len);
    sha3_add(h, head, sizeof head);
    sha3_add(h, s, len);
}

/* "H(s, t) = SHA3_256(ENCAP(t) | s)" */
static err_t H(const void *s, size_t len, const char *t, uint8_t out[DIGEST_LEN])
{
    struct sha3 *h = sha3_new(SHA3_KIND_256);
    hash_encap(h, t, strlen(t));
    sha3_add(h, s, len);
    err_t err = sha3_final(h, out, DIGEST_LEN);
    sha3_free(h);
    return err;
}

/* "msg_mac = MAC_msgmac(MAC_K1, ID | B | X | encrypted_msg)", where
 * "MAC(k, msg, t) = SHA3_256(ENCAP(t) | ENCAP(k) | msg)" */
static err_t make_msg_mac(const uint8_t MAC_K1[MAC_KEY_LEN], const struct ed_id *ID,
                          const struct x25519_pub *B, const struct x25519_pub *X,
                          const uint8_t *encrypted_msg, size_t len, uint8_t out[NTOR_V3_MAC_LEN])
{
    struct sha3 *h = sha3_new(SHA3_KIND_256);
    hash_encap(h, T_MSGMAC, strlen(T_MSGMAC));
    hash_encap(h, MAC_K1, MAC_KEY_LEN);
    sha3_add(h, ID->b, sizeof ID->b);
    sha3_add(h, B->b, sizeof B->b);
    sha3_add(h, X->b, sizeof X->b);
    sha3_add(h, encrypted_msg, len);
    err_t err = sha3_final(h, out, NTOR_V3_MAC_LEN);
    sha3_free(h);
    return err;
}

/* "ENC(k, m) = AES_256_CTR(k, m)", in place */
static err_t ENC(const uint8_t k[ENC_KEY_LEN], void *m, size_t len)
{
    struct aes_ctr *ctx = aes_ctr_new(k, 256, NULL);
    if (!ctx)
        return ERR_NOMEM;
    err_t err = aes_ctr_xor(ctx, m, len);
    aes_ctr_free(ctx);
    return err;
}

/* "secret_input_phase1 = Bx | ID | X | B | PROTOID | ENCAP(VER)",
 * "phase1_keys = KDF_msgkdf(secret_input_phase1)", "(ENC_K1, MAC_K1) = PARTITION(phase1_keys)" */
static err_t derive_phase1(const uint8_t Bx[X25519_LEN], const struct ed_id *ID,
                           const struct x25519_pub *X, const struct x25519_pub *B, struct text VER,
                           uint8_t phase1_keys[ENC_KEY_LEN + MAC_KEY_LEN])
{
    uint8_t secret_input[SECRET_INPUT_MAX];
    struct wr w = wr_over(secret_input, sizeof secret_input);
    wr_bytes(&w, Bx, X25519_LEN);
    wr_bytes(&w, ID->b, sizeof ID->b);
    wr_bytes(&w, X->b, sizeof X->b);
    wr_bytes(&w, B->b, sizeof B->b);
    wr_lit(&w, PROTOID);
    wr_encap(&w, VER.s, VER.len);
    err_t err = wr_end(&w);
    if (err == OK)
        err = kdf_shake256(secret_input, w.len, T_MSGKDF, strlen(T_MSGKDF), phase1_keys,
                           ENC_KEY_LEN + MAC_KEY_LEN);
    secret_wipe(secret_input, sizeof secret_input);
    return err;
}

/* Both ephemeral and static Diffie-Hellman results and all that was said. */
struct shared {
    uint8_t Yx[X25519_LEN]; /* = Xy */
    const uint8_t *Bx;      /* = Xb */
    const struct ed_id *ID;
    const struct x25519_pub *B, *X, *Y;
    const uint8_t *MAC;
};

/* What comes of it. */
struct outcome {
    uint8_t verify[DIGEST_LEN];
    uint8_t raw_keystream[ENC_KEY_LEN + KEYS_MAX]; /* ENC_KEY, KEYSTREAM */
};

/* "secret_input = Yx | Bx | ID | B | X | Y | PROTOID | ENCAP(VER)", "ntor_key_seed =
 * H_key_seed(secret_input)", "verify = H_verify(secret_input)", "RAW_KEYSTREAM =
 * KDF_final(ntor_key_seed)" */
static err_t derive(const struct shared *s, struct text VER, size_t keys_len, struct outcome *out)
{
    uint8_t secret_input[SECRET_INPUT_MAX], ntor_key_seed[DIGEST_LEN];
    struct wr w = wr_over(secret_input, sizeof secret_input);
    wr_bytes(&w, s->Yx, X25519_LEN);
    wr_bytes(&w, s->Bx, X25519_LEN);
    wr_bytes(&w, s->ID->b, sizeof s->ID->b);
    wr_bytes(&w, s->B->b, sizeof s->B->b);
    wr_bytes(&w, s->X->b, sizeof s->X->b);
    wr_bytes(&w, s->Y->b, sizeof s->Y->b);
    wr_lit(&w, PROTOID);
    wr_encap(&w, VER.s, VER.len);
    err_t err = keys_len > KEYS_MAX ? ERR_ARG : wr_end(&w);
    if (err == OK)
        err = H(secret_input, w.len, T_KEY_SEED, ntor_key_seed);
    if (err == OK)
        err = H(secret_input, w.len, T_VERIFY, out->verify);
    if (err == OK)
        err = kdf_shake256(ntor_key_seed, sizeof ntor_key_seed, T_FINAL, strlen(T_FINAL),
                           out->raw_keystream, ENC_KEY_LEN + keys_len);
    secret_wipe(secret_input, sizeof secret_input);
    secret_wipe(ntor_key_seed, sizeof ntor_key_seed);
    return err;
}

/* "auth_input = verify | ID | B | Y | X | MAC | ENCAP(MSG) | PROTOID | "Server"", "AUTH =
 * H_auth(auth_input)" */
static err_t make_auth(const struct shared *s, const uint8_t verify[DIGEST_LEN],
                       const uint8_t *encrypted_msg, size_t len, uint8_t AUTH[DIGEST_LEN])
{
    struct sha3 *h = sha3_new(SHA3_KIND_256);
    hash_encap(h, T_AUTH, strlen(T_AUTH));
    sha3_add(h, verify, DIGEST_LEN);
    sha3_add(h, s->ID->b, sizeof s->ID->b);
    sha3_add(h, s->B->b, sizeof s->B->b);
    sha3_add(h, s->Y->b, sizeof s->Y->b);
    sha3_add(h, s->X->b, sizeof s->X->b);
    sha3_add(h, s->MAC, NTOR_V3_MAC_LEN);
    hash_encap(h, encrypted_msg, len);
    sha3_add(h, PROTOID "Server", strlen(PROTOID "Server"));
    err_t err = sha3_final(h, AUTH, DIGEST_LEN);
    sha3_free(h);
    return err;
}

static err_t handshake_err(err_t err)
{
    return err == ERR_BAD_KEY ? ERR_CIRC_HANDSHAKE : err;
}

err_t ntor_v3_client_begin(struct env *env, const struct ed_id *ID, const struct x25519_pub *B,
                           struct text VER, const void *CM, size_t CM_len,
                           struct ntor_v3_client *st, struct wr *out)
{
    uint8_t phase1_keys[ENC_KEY_LEN + MAC_KEY_LEN], msg[NTOR_V3_MSG_MAX];
    if (CM_len > sizeof msg || VER.len > VER_MAX)
        return ERR_ARG;
    memcpy(msg, CM, CM_len);
    st->ID = *ID;
    st->B = *B;
    x25519_keypair(env, &st->x, &st->X);

    err_t err = x25519_dh(&st->x, B, st->Bx);
    if (err == OK)
        err = derive_phase1(st->Bx, ID, &st->X, B, VER, phase1_keys);
    if (err == OK)
        err = ENC(phase1_keys, msg, CM_len);
    if (err == OK)
        err = make_msg_mac(phase1_keys + ENC_KEY_LEN, ID, B, &st->X, msg, CM_len, st->msg_mac);
    if (err == OK) {
        wr_bytes(out, ID->b, sizeof ID->b);
        wr_bytes(out, B->b, sizeof B->b);
        wr_bytes(out, st->X.b, sizeof st->X.b);
        wr_bytes(out, msg, CM_len);
        wr_bytes(out, st->msg_mac, sizeof st->msg_mac);
        err = wr_end(out);
    }
    secret_wipe(phase1_keys, sizeof phase1_keys);
    secret_wipe(msg, sizeof msg);
    return handshake_err(err);
}

/* Checks AUTH over the parts of a reply, then decrypts MSG in place. */
static err_t client_open(const struct ntor_v3_client *st, struct text VER,
                         const struct x25519_pub *Y, const uint8_t *AUTH, uint8_t *msg, size_t len,
                         size_t keys_len, struct outcome *o)
{
    struct shared s = {
        .Bx = st->Bx, .ID = &st->ID, .B = &st->B, .X = &st->X, .Y = Y, .MAC = st->msg_mac};
    uint8_t expected[DIGEST_LEN];
    err_t err = x25519_dh(&st->x, Y, s.Yx);
    if (err == OK)
        err = derive(&s, VER, keys_len, o);
    if (err == OK)
        err = make_auth(&s, o->verify, msg, len, expected);
    /* "If AUTH_expected is equal to AUTH, then the handshake has succeeded." */
    if (err == OK && !secret_equal(expected, AUTH, DIGEST_LEN))
        err = ERR_CIRC_HANDSHAKE;
    if (err == OK)
        err = ENC(o->raw_keystream, msg, len);
    secret_wipe(&s, sizeof s);
    return err;
}

err_t ntor_v3_client_finish(const struct ntor_v3_client *st, struct text VER, const uint8_t *reply,
                            size_t reply_len, struct wr *SM, uint8_t *keys, size_t keys_len)
{
    struct x25519_pub Y;
    struct outcome o;
    uint8_t msg[NTOR_V3_MSG_MAX];
    struct rd r = rd_over(reply, reply_len);
    rd_copy(&r, Y.b, sizeof Y.b);
    const uint8_t *AUTH = rd_bytes(&r, DIGEST_LEN);
    struct rd rest = rd_rest(&r);
    if (rd_ok(&r) != OK || rest.left > sizeof msg)
        return ERR_CIRC_HANDSHAKE;
    if (rest.left)
        memcpy(msg, rest.at, rest.left);

    err_t err = client_open(st, VER, &Y, AUTH, msg, rest.left, keys_len, &o);
    if (err == OK) {
        wr_bytes(SM, msg, rest.left);
        err = wr_end(SM);
    }
    if (err == OK)
        memcpy(keys, o.raw_keystream + ENC_KEY_LEN, keys_len);
    secret_wipe(&o, sizeof o);
    secret_wipe(msg, sizeof msg);
    return handshake_err(err);
}

/* Splits a skin into its parts and checks whom it is for. */
static err_t server_split(const struct ed_id *ID, const struct x25519_pub *B, const uint8_t *skin,
                          size_t skin_len, struct x25519_pub *X, struct rd *msg,
                          const uint8_t **mac)
{
    struct ed_id their_ID;
    struct x25519_pub their_B;
    struct rd r = rd_over(skin, skin_len);
    rd_copy(&r, their_ID.b, sizeof their_ID.b);
    rd_copy(&r, their_B.b, sizeof their_B.b);
    rd_copy(&r, X->b, sizeof X->b);
    if (rd_ok(&r) != OK || r.left < NTOR_V3_MAC_LEN || r.left > NTOR_V3_MAC_LEN + NTOR_V3_MSG_MAX)
        return ERR_CIRC_HANDSHAKE;
    *msg = rd_sub(&r, r.left - NTOR_V3_MAC_LEN);
    *mac = rd_bytes(&r, NTOR_V3_MAC_LEN);
    return ed_id_equal(&their_ID, ID) && memcmp(their_B.b, B->b, sizeof B->b) == 0
               ? OK
               : ERR_CIRC_HANDSHAKE;
}

err_t ntor_v3_server_read(const struct ed_id *ID, const struct x25519_secret *b,
                          const struct x25519_pub *B, struct text VER, const uint8_t *skin,
                          size_t skin_len, struct ntor_v3_server *st, struct wr *CM)
{
    uint8_t phase1_keys[ENC_KEY_LEN + MAC_KEY_LEN];
    struct rd msg;
    const uint8_t *mac;
    TRY(server_split(ID, B, skin, skin_len, &st->X, &msg, &mac));
    st->ID = *ID;
    st->B = *B;

    err_t err = x25519_dh(b, &st->X, st->Xb);
    if (err == OK)
        err = derive_phase1(st->Xb, ID, &st->X, B, VER, phase1_keys);
    if (err == OK)
        err = make_msg_mac(phase1_keys + ENC_KEY_LEN, ID, B, &st->X, msg.at, msg.left, st->msg_mac);
    if (err == OK && !secret_equal(st->msg_mac, mac, NTOR_V3_MAC_LEN))
        err = ERR_CIRC_HANDSHAKE;
    if (err == OK) {
        size_t at = CM->len;
        wr_bytes(CM, msg.at, msg.left);
        err = wr_end(CM);
        if (err == OK)
            err = ENC(phase1_keys, CM->base + at, msg.left);
    }
    secret_wipe(phase1_keys, sizeof phase1_keys);
    return handshake_err(err);
}

err_t ntor_v3_server_reply(struct env *env, const struct ntor_v3_server *st, struct text VER,
                           const void *SM, size_t SM_len, struct wr *out, uint8_t *keys,
                           size_t keys_len)
{
    struct x25519_secret y;
    struct x25519_pub Y;
    struct outcome o;
    uint8_t msg[NTOR_V3_MSG_MAX], AUTH[DIGEST_LEN];
    if (SM_len > sizeof msg)
        return ERR_ARG;
    memcpy(msg, SM, SM_len);
    x25519_keypair(env, &y, &Y);
    struct shared s = {
        .Bx = st->Xb, .ID = &st->ID, .B = &st->B, .X = &st->X, .Y = &Y, .MAC = st->msg_mac};

    err_t err = x25519_dh(&y, &st->X, s.Yx);
    if (err == OK)
        err = derive(&s, VER, keys_len, &o);
    if (err == OK)
        err = ENC(o.raw_keystream, msg, SM_len);
    if (err == OK)
        err = make_auth(&s, o.verify, msg, SM_len, AUTH);
    if (err == OK) {
        wr_bytes(out, Y.b, sizeof Y.b);
        wr_bytes(out, AUTH, sizeof AUTH);
        wr_bytes(out, msg, SM_len);
        err = wr_end(out);
    }
    if (err == OK)
        memcpy(keys, o.raw_keystream + ENC_KEY_LEN, keys_len);
    secret_wipe(&y, sizeof y);
    secret_wipe(&s, sizeof s);
    secret_wipe(&o, sizeof o);
    secret_wipe(msg, sizeof msg);
    return handshake_err(err);
}
