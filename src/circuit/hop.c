#include "circuit/hop.h"

#include "base/rd.h"
#include "base/wr.h"
#include "cell/relay_flow.h"
#include "circuit/tor1.h"
#include "circuit/window.h"

struct hop_terms hop_terms_plain(void)
{
    return (struct hop_terms){
        .layer = &tor1_kind, .flow = &window_kind, .sendme_inc = CIRCWINDOW_INCREMENT};
}

struct hop_terms hop_terms_plain_hs(void)
{
    return (struct hop_terms){
        .layer = &tor1_hs_kind, .flow = &window_kind, .sendme_inc = CIRCWINDOW_INCREMENT};
}

err_t hop_make(struct hop *h, struct env *env, const struct hop_terms *terms, const uint8_t *keys,
               enum layer_side side, const struct flow_config *config)
{
    h->layer = terms->layer->make(keys, side);
    h->flow = terms->flow->make(config, terms->sendme_inc);
    tags_init(&h->tags, env);
    if (h->layer && h->flow)
        return OK;
    hop_free(h);
    return ERR_NOMEM;
}

void hop_free(struct hop *h)
{
    layer_free(h->layer);
    flow_free(h->flow);
    h->layer = NULL;
    h->flow = NULL;
}

static size_t format_max(const struct hop *h)
{
    return relay_data_max(h->layer->kind->format, RELAY_DATA);
}

size_t hop_data_max(const struct hop *h)
{
    return tags_data_max(&h->tags, format_max(h));
}

err_t hop_data_sent(struct hop *h, struct env *env, size_t len)
{
    bool answered;
    TRY(h->flow->kind->sent(h->flow, env, &answered));
    tags_data_sent(&h->tags, env, len, format_max(h));
    return answered ? tags_add(&h->tags, h->layer->sent_tag, h->layer->kind->tag_len) : OK;
}

err_t hop_sendme_received(struct hop *h, struct env *env, uint8_t version, const uint8_t *body,
                          size_t len)
{
    struct relay_sendme m;
    if (relay_sendme_decode(rd_over(body, len), &m) != OK || m.version != version)
        return ERR_CIRC_SENDME;
    /* tor-spec 7.3: of version 1 the digest "MUST match the one remembered"; version 0 has none. */
    size_t tag_len = version ? h->layer->kind->tag_len : 0;
    if (m.tag_len != tag_len)
        return ERR_CIRC_SENDME;
    TRY(tags_take(&h->tags, m.tag, tag_len));
    return h->flow->kind->sendme(h->flow, env);
}

err_t hop_sendme_encode(const struct hop *h, uint8_t version, struct wr *w)
{
    struct relay_sendme m = {.version = version,
                             .tag_len = version ? (uint8_t)h->layer->kind->tag_len : 0,
                             .tag = h->layer->got_tag};
    return relay_sendme_encode(w, &m);
}
