#include "circuit/handshake.h"

#include "base/rd.h"
#include "cell/chan_circ.h"
#include "cell/ext.h"
#include "crypto/secret.h"

err_t circ_handshake_begin_fast(struct circ_handshake *h, struct env *env, struct wr *skin)
{
    uint8_t *room = wr_room(skin, FAST_SKIN_LEN);
    if (!room)
        return ERR_FULL;
    fast_client_begin(env, &h->u.fast, room);
    h->kind = HANDSHAKE_IS_FAST;
    return OK;
}

static err_t begin_ntor(struct circ_handshake *h, struct env *env,
                        const struct circ_hop_target *target, struct wr *skin)
{
    uint8_t *room = wr_room(skin, NTOR_SKIN_LEN);
    if (!room)
        return ERR_FULL;
    ntor_client_begin(env, &target->rsa, &target->ntor_key, &h->u.ntor, room);
    h->kind = HANDSHAKE_IS_NTOR;
    return OK;
}

/* The client message is the list of what we ask of the relay: nothing yet. Requests for congestion
 * control and CGO will be added here, and their answers, read in read_extensions(), change the
 * terms that circ_handshake_finish() begins with. */
static err_t begin_ntor_v3(struct circ_handshake *h, struct env *env,
                           const struct circ_hop_target *target, struct wr *skin)
{
    uint8_t CM[NTOR_V3_MSG_MAX];
    struct wr w = wr_over(CM, sizeof CM);
    struct exts asked = {.n = 0};
    TRY(exts_encode(&w, &asked));
    TRY(ntor_v3_client_begin(env, &target->ed, &target->ntor_key, NTOR_V3_CIRC_VERIFICATION, CM,
                             w.len, &h->u.ntor_v3, skin));
    h->kind = HANDSHAKE_IS_NTOR_V3;
    return OK;
}

err_t circ_handshake_begin(struct circ_handshake *h, struct env *env,
                           const struct circ_hop_target *target, struct wr *skin, uint16_t *htype)
{
    if (target->ntor_v3 && target->has_ed) {
        *htype = HANDSHAKE_NTOR_V3;
        return begin_ntor_v3(h, env, target, skin);
    }
    *htype = HANDSHAKE_NTOR;
    return begin_ntor(h, env, target, skin);
}

/* Unknown answers are ignored, but congestion control that nobody asked for would leave both sides
 * with different windows (proposal 324, 10.3). */
static err_t read_extensions(const uint8_t *SM, size_t len)
{
    struct exts exts;
    if (exts_decode_all(rd_over(SM, len), &exts) != OK)
        return ERR_CIRC_HANDSHAKE;
    return exts_find(&exts, CIRC_EXT_CC_RESPONSE) ? ERR_CIRC_HANDSHAKE : OK;
}

static err_t finish_ntor_v3(const struct circ_handshake *h, const uint8_t *reply, size_t len,
                            uint8_t *keys, size_t keys_len)
{
    uint8_t SM[NTOR_V3_MSG_MAX];
    struct wr w = wr_over(SM, sizeof SM);
    TRY(ntor_v3_client_finish(&h->u.ntor_v3, NTOR_V3_CIRC_VERIFICATION, reply, len, &w, keys,
                              keys_len));
    return read_extensions(SM, w.len);
}

static err_t finish_keys(const struct circ_handshake *h, const uint8_t *reply, size_t len,
                         uint8_t *keys, size_t keys_len)
{
    switch (h->kind) {
    case HANDSHAKE_IS_FAST:
        return len == FAST_REPLY_LEN ? fast_client_finish(&h->u.fast, reply, keys, keys_len)
                                     : ERR_CIRC_HANDSHAKE;
    case HANDSHAKE_IS_NTOR:
        return len == NTOR_REPLY_LEN ? ntor_client_finish(&h->u.ntor, reply, keys, keys_len)
                                     : ERR_CIRC_HANDSHAKE;
    case HANDSHAKE_IS_NTOR_V3:
        return finish_ntor_v3(h, reply, len, keys, keys_len);
    case HANDSHAKE_NONE:
        break;
    }
    return ERR_STATE;
}

err_t circ_handshake_finish(struct circ_handshake *h, const uint8_t *reply, size_t len,
                            struct hop_terms *terms, uint8_t keys[LAYER_KEYS_MAX])
{
    const struct hop_terms agreed = hop_terms_plain();
    err_t err = finish_keys(h, reply, len, keys, agreed.layer->keys_len);
    if (err == OK)
        *terms = agreed;
    else
        secret_wipe(keys, LAYER_KEYS_MAX);
    circ_handshake_wipe(h);
    return err;
}

void circ_handshake_wipe(struct circ_handshake *h)
{
    secret_wipe(h, sizeof *h);
    h->kind = HANDSHAKE_NONE;
}
