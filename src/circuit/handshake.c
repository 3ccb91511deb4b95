#include "circuit/handshake.h"

#include "cell/chan_circ.h"
#include "cell/ext.h"
#include "circuit/cgo.h"
#include "circuit/vegas.h"
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

/* The client message is the list of what we ask of the relay. */
static err_t encode_asked(const struct hop_ask *ask, struct wr *CM)
{
    static const struct subproto_request cgo = {.n = 1,
                                                .c = {{SUBPROTO_RELAY, SUBPROTO_RELAY_CGO}}};
    uint8_t pairs[2];
    struct wr w = wr_over(pairs, sizeof pairs);
    struct exts exts = {.n = 0};
    if (ask->cgo && !ask->cc) /* relays refuse it: v1 has no SENDMEs for streams */
        return ERR_ARG;
    if (ask->cc) /* proposal 324, 10.3: "zero payload length" */
        TRY(exts_add(&exts, CIRC_EXT_CC_REQUEST, NULL, 0));
    if (ask->cgo) {
        TRY(subproto_request_encode(&w, &cgo));
        TRY(exts_add(&exts, CIRC_EXT_SUBPROTO, pairs, (uint8_t)w.len));
    }
    return exts_encode(CM, &exts);
}

static err_t begin_ntor_v3(struct circ_handshake *h, struct env *env,
                           const struct circ_hop_target *target, struct wr *skin)
{
    uint8_t CM[NTOR_V3_MSG_MAX];
    struct wr w = wr_over(CM, sizeof CM);
    TRY(encode_asked(&target->ask, &w));
    TRY(ntor_v3_client_begin(env, &target->ed, &target->ntor_key, NTOR_V3_CIRC_VERIFICATION, CM,
                             w.len, &h->u.ntor_v3, skin));
    h->kind = HANDSHAKE_IS_NTOR_V3;
    h->asked = target->ask;
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

/* Congestion control was granted in E. The windows of both sides go by SENDMEs of the same size, so
 * it must be as the consensus has it, or had it an hour ago or will in one (C tor,
 * congestion_control_validate_sendme_increment()). */
static err_t agree_on_cc(const struct ext *e, unsigned ours, struct hop_terms *terms)
{
    uint8_t inc;
    if (ext_cc_response_decode(e, &inc) != OK || inc + 1u < ours || inc > ours + 1)
        return ERR_CIRC_HANDSHAKE;
    terms->flow = &vegas_kind;
    terms->sendme_inc = inc;
    return OK;
}

/* What the relay says to what we asked for; unknown answers are ignored. It may refuse congestion
 * control, but what nobody asked for would leave both sides with different windows. CGO has no
 * answer: that there is one at all says yes, and then congestion control must be granted. */
static err_t read_answer(const struct hop_ask *asked, struct rd SM, unsigned sendme_inc,
                         struct hop_terms *terms)
{
    struct exts exts;
    if (exts_decode_all(SM, &exts) != OK)
        return ERR_CIRC_HANDSHAKE;
    const struct ext *e = exts_find(&exts, CIRC_EXT_CC_RESPONSE);
    if (e ? !asked->cc : asked->cgo)
        return ERR_CIRC_HANDSHAKE;
    return e ? agree_on_cc(e, sendme_inc, terms) : OK;
}

static err_t finish_ntor_v3(const struct circ_handshake *h, struct rd reply, struct wr *SM,
                            uint8_t *keys, size_t keys_len)
{
    return ntor_v3_client_finish(&h->u.ntor_v3, NTOR_V3_CIRC_VERIFICATION, reply.at, reply.left, SM,
                                 keys, keys_len);
}

static err_t finish_keys(const struct circ_handshake *h, struct rd reply, struct wr *SM,
                         uint8_t *keys, size_t keys_len)
{
    switch (h->kind) {
    case HANDSHAKE_IS_FAST:
        return reply.left == FAST_REPLY_LEN
                   ? fast_client_finish(&h->u.fast, reply.at, keys, keys_len)
                   : ERR_CIRC_HANDSHAKE;
    case HANDSHAKE_IS_NTOR:
        return reply.left == NTOR_REPLY_LEN
                   ? ntor_client_finish(&h->u.ntor, reply.at, keys, keys_len)
                   : ERR_CIRC_HANDSHAKE;
    case HANDSHAKE_IS_NTOR_V3:
        return finish_ntor_v3(h, reply, SM, keys, keys_len);
    case HANDSHAKE_NONE:
        break;
    }
    return ERR_STATE;
}

err_t circ_handshake_finish(struct circ_handshake *h, struct rd reply, unsigned sendme_inc,
                            struct hop_terms *terms, uint8_t keys[LAYER_KEYS_MAX])
{
    struct hop_terms agreed = hop_terms_plain();
    uint8_t bytes[NTOR_V3_MSG_MAX];
    struct wr SM = wr_over(bytes, sizeof bytes);
    if (h->kind == HANDSHAKE_IS_NTOR_V3 && h->asked.cgo)
        agreed.layer = &cgo_kind;
    err_t err = finish_keys(h, reply, &SM, keys, agreed.layer->keys_len);
    if (err == OK && h->kind == HANDSHAKE_IS_NTOR_V3)
        err = read_answer(&h->asked, rd_over(bytes, SM.len), sendme_inc, &agreed);
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
