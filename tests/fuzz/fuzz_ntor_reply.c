/* Replies to the three handshakes, and skins as a relay gets them. Byte 0 says which; for ntor-v3
 * with bit 2 the reply is a true one around the input as its extension list. Bits 3 and 4 ask for
 * congestion control and for CGO, which the list may then grant. */
#include <stdlib.h>
#include <string.h>

#include "circuit/handshake.h"
#include "crypto/secret.h"

static void fuzz_random(void *arg, void *out, size_t len)
{
    uint64_t *state = arg;
    for (size_t i = 0; i < len; i++) {
        *state = *state * 6364136223846793005u + 1442695040888963407u;
        ((uint8_t *)out)[i] = (uint8_t)(*state >> 56);
    }
}

static void finish(struct circ_handshake *h, const uint8_t *reply, size_t len)
{
    struct hop_terms terms = {.layer = NULL};
    uint8_t keys[LAYER_KEYS_MAX];
    if ((circ_handshake_finish(h, rd_over(reply, len), 31, &terms, keys) == OK) !=
        (terms.layer != NULL))
        abort();
    if (h->kind != HANDSHAKE_NONE)
        abort();
}

static void as_relay(struct env *env, const struct circ_hop_target *t,
                     const struct x25519_secret *b, const uint8_t *skin, size_t len)
{
    struct ntor_v3_server st;
    uint8_t bytes[1024], keys[72];
    struct wr w = wr_over(bytes, sizeof bytes);
    err_t err =
        ntor_v3_server_read(&t->ed, b, &t->ntor_key, NTOR_V3_CIRC_VERIFICATION, skin, len, &st, &w);
    /* A client proves nothing, so ntor takes any point behind the right identity and key. */
    if (len >= NTOR_SKIN_LEN)
        err = ntor_server_reply(env, &t->rsa, b, &t->ntor_key, skin, bytes, keys, sizeof keys);
    if (err != OK && err != ERR_CIRC_HANDSHAKE)
        abort();
}

static void true_reply(struct env *env, struct circ_handshake *h, const struct circ_hop_target *t,
                       const struct x25519_secret *b, const struct wr *skin, const uint8_t *SM,
                       size_t SM_len)
{
    struct ntor_v3_server st;
    uint8_t CM[512], reply[1024], keys[72];
    struct wr w = wr_over(CM, sizeof CM), out = wr_over(reply, sizeof reply);
    if (ntor_v3_server_read(&t->ed, b, &t->ntor_key, NTOR_V3_CIRC_VERIFICATION, skin->base,
                            skin->len, &st, &w) != OK)
        abort();
    if (ntor_v3_server_reply(env, &st, NTOR_V3_CIRC_VERIFICATION, SM, SM_len, &out, keys,
                             sizeof keys) == OK)
        finish(h, reply, out.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t state = 1;
    struct env env = {.random = fuzz_random, .random_arg = &state};
    struct circ_hop_target t = {.has_ed = true};
    struct x25519_secret b;
    struct circ_handshake h = {.kind = HANDSHAKE_NONE};
    uint8_t bytes[1024];
    uint16_t htype;
    struct wr skin = wr_over(bytes, sizeof bytes);
    if (size == 0 || crypto_init() != OK)
        return 0;
    fuzz_random(&state, &t.rsa, sizeof t.rsa);
    fuzz_random(&state, &t.ed, sizeof t.ed);
    x25519_keypair(&env, &b, &t.ntor_key);
    t.ntor_v3 = data[0] & 1;
    t.ask = (struct hop_ask){.cc = data[0] & 8, .cgo = (data[0] & 24) == 24};
    err_t err = data[0] & 2 ? circ_handshake_begin_fast(&h, &env, &skin)
                            : circ_handshake_begin(&h, &env, &t, &skin, &htype);
    if (err != OK)
        abort();
    if (h.kind == HANDSHAKE_IS_NTOR_V3 && data[0] & 4)
        true_reply(&env, &h, &t, &b, &skin, data + 1, size - 1);
    else
        finish(&h, data + 1, size - 1);
    as_relay(&env, &t, &b, data + 1, size - 1);
    circ_handshake_wipe(&h);
    return 0;
}
