/* Names are those of tor-spec 5.1.4. */
#include "circuit/ntor.h"

#include <string.h>

#include "base/wr.h"
#include "crypto/hash.h"
#include "crypto/kdf.h"
#include "crypto/secret.h"

#define PROTOID  "ntor-curve25519-sha256-1"
#define T_MAC    PROTOID ":mac"
#define T_KEY    PROTOID ":key_extract"
#define T_VERIFY PROTOID ":verify"
#define M_EXPAND PROTOID ":key_expand"

enum {
    PROTOID_LEN = sizeof PROTOID - 1,
    SECRET_INPUT_LEN = 5 * X25519_LEN + 20 + PROTOID_LEN,
    AUTH_INPUT_LEN = SHA256_LEN + 20 + 3 * X25519_LEN + PROTOID_LEN + 6,
    KEYS_MAX = 256,
};

/* What both sides know once they have exchanged their halves. */
struct shared {
    const struct rsa_id *ID;
    const struct x25519_pub *B, *X, *Y;
    uint8_t exp_ephemeral[X25519_LEN]; /* EXP(Y,x) = EXP(X,y) */
    uint8_t exp_static[X25519_LEN];    /* EXP(B,x) = EXP(X,b) */
};

static void wr_lit(struct wr *w, const char *literal)
{
    wr_bytes(w, literal, strlen(literal));
}

/* "secret_input = EXP(Y,x) | EXP(B,x) | ID | B | X | Y | PROTOID" */
static void make_secret_input(const struct shared *s, uint8_t out[SECRET_INPUT_LEN])
{
    struct wr w = wr_over(out, SECRET_INPUT_LEN);
    wr_bytes(&w, s->exp_ephemeral, X25519_LEN);
    wr_bytes(&w, s->exp_static, X25519_LEN);
    wr_bytes(&w, s->ID->b, sizeof s->ID->b);
    wr_bytes(&w, s->B->b, X25519_LEN);
    wr_bytes(&w, s->X->b, X25519_LEN);
    wr_bytes(&w, s->Y->b, X25519_LEN);
    wr_lit(&w, PROTOID);
}

/* "auth_input = verify | ID | B | Y | X | PROTOID | "Server"", "AUTH = H(auth_input, t_mac)" */
static void make_auth(const struct shared *s, const uint8_t verify[SHA256_LEN],
                      uint8_t auth[SHA256_LEN])
{
    uint8_t auth_input[AUTH_INPUT_LEN];
    struct wr w = wr_over(auth_input, sizeof auth_input);
    wr_bytes(&w, verify, SHA256_LEN);
    wr_bytes(&w, s->ID->b, sizeof s->ID->b);
    wr_bytes(&w, s->B->b, X25519_LEN);
    wr_bytes(&w, s->Y->b, X25519_LEN);
    wr_bytes(&w, s->X->b, X25519_LEN);
    wr_lit(&w, PROTOID "Server");
    hmac_sha256(T_MAC, strlen(T_MAC), auth_input, sizeof auth_input, auth);
    secret_wipe(auth_input, sizeof auth_input);
}

/* AUTH, and the keys of tor-spec 5.2.2 (KEY_SEED is what HKDF extracts under the salt t_key). */
static err_t derive(const struct shared *s, uint8_t auth[SHA256_LEN], uint8_t *keys,
                    size_t keys_len)
{
    uint8_t secret_input[SECRET_INPUT_LEN], verify[SHA256_LEN];
    make_secret_input(s, secret_input);
    hmac_sha256(T_VERIFY, strlen(T_VERIFY), secret_input, sizeof secret_input, verify);
    make_auth(s, verify, auth);
    err_t err = hkdf_sha256(T_KEY, strlen(T_KEY), secret_input, sizeof secret_input, M_EXPAND,
                            strlen(M_EXPAND), keys, keys_len);
    secret_wipe(secret_input, sizeof secret_input);
    secret_wipe(verify, sizeof verify);
    return err;
}

void ntor_client_begin(struct env *env, const struct rsa_id *ID, const struct x25519_pub *B,
                       struct ntor_client *st, uint8_t skin[NTOR_SKIN_LEN])
{
    st->ID = *ID;
    st->B = *B;
    x25519_keypair(env, &st->x, &st->X);
    struct wr w = wr_over(skin, NTOR_SKIN_LEN);
    wr_bytes(&w, ID->b, sizeof ID->b);
    wr_bytes(&w, B->b, X25519_LEN);
    wr_bytes(&w, st->X.b, X25519_LEN);
}

err_t ntor_client_finish(const struct ntor_client *st, const uint8_t reply[NTOR_REPLY_LEN],
                         uint8_t *keys, size_t keys_len)
{
    struct x25519_pub Y;
    struct shared s = {.ID = &st->ID, .B = &st->B, .X = &st->X, .Y = &Y};
    uint8_t auth[SHA256_LEN], k[KEYS_MAX];
    if (keys_len > sizeof k)
        return ERR_ARG;
    memcpy(Y.b, reply, X25519_LEN);

    err_t err = x25519_dh(&st->x, &Y, s.exp_ephemeral);
    if (err == OK)
        err = x25519_dh(&st->x, &st->B, s.exp_static);
    if (err == OK)
        err = derive(&s, auth, k, keys_len);
    /* "The client verifies that AUTH == H(auth_input, t_mac)." */
    if (err == OK && !secret_equal(auth, reply + X25519_LEN, SHA256_LEN))
        err = ERR_CIRC_HANDSHAKE;
    if (err == OK)
        memcpy(keys, k, keys_len);

    secret_wipe(&s, sizeof s);
    secret_wipe(k, sizeof k);
    return err == ERR_BAD_KEY ? ERR_CIRC_HANDSHAKE : err;
}

err_t ntor_server_reply(struct env *env, const struct rsa_id *ID, const struct x25519_secret *b,
                        const struct x25519_pub *B, const uint8_t skin[NTOR_SKIN_LEN],
                        uint8_t reply[NTOR_REPLY_LEN], uint8_t *keys, size_t keys_len)
{
    struct x25519_secret y;
    struct x25519_pub X, Y;
    struct shared s = {.ID = ID, .B = B, .X = &X, .Y = &Y};
    if (memcmp(skin, ID->b, sizeof ID->b) != 0 ||
        memcmp(skin + sizeof ID->b, B->b, X25519_LEN) != 0)
        return ERR_CIRC_HANDSHAKE;
    memcpy(X.b, skin + sizeof ID->b + X25519_LEN, X25519_LEN);

    x25519_keypair(env, &y, &Y);
    err_t err = x25519_dh(&y, &X, s.exp_ephemeral);
    if (err == OK)
        err = x25519_dh(b, &X, s.exp_static);
    if (err == OK)
        err = derive(&s, reply + X25519_LEN, keys, keys_len);
    memcpy(reply, Y.b, X25519_LEN);

    secret_wipe(&s, sizeof s);
    secret_wipe(&y, sizeof y);
    return err == ERR_BAD_KEY ? ERR_CIRC_HANDSHAKE : err;
}
