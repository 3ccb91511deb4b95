#include "circuit/hop.h"

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
    h->flow = terms->flow->make(config, terms->sendme_inc, terms->way);
    tags_init(&h->tags, env, h->flow ? h->flow->sendmes_most : 0);
    h->cellq_high = config->cc.cellq_high;
    if (h->layer && h->flow)
        return OK;
    hop_free(h);
    return ERR_NOMEM;
}

void hop_free(struct hop *h)
{
    layer_free(h->layer);
    flow_free(h->flow);
    tags_clear(&h->tags);
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
    TRY(h->flow->kind->sent(h->flow, &answered));
    tags_data_sent(&h->tags, env, len, format_max(h));
    return answered ? tags_add(&h->tags, env, h->layer->sent_tag, h->layer->kind->tag_len) : OK;
}

/* C tor's circuit is congested when 256 cells of it wait for the link. Ours wait with their
 * streams, so those count that the window would let go. */
static bool is_blocked(const struct hop *h, bool link_full)
{
    return link_full && h->flow->room >= h->cellq_high;
}

err_t hop_sendme_received(struct hop *h, struct env *env, uint8_t version, struct rd body,
                          bool link_full)
{
    struct relay_sendme m;
    struct flow_sendme told = {.blocked = is_blocked(h, link_full)};
    if (relay_sendme_decode(body, &m) != OK || m.version != version)
        return ERR_CIRC_SENDME;
    /* tor-spec 7.3: of version 1 the digest "MUST match the one remembered"; version 0 has none. */
    size_t tag_len = version ? h->layer->kind->tag_len : 0;
    if (m.tag_len != tag_len)
        return ERR_CIRC_SENDME;
    TRY(tags_take(&h->tags, m.tag, tag_len, &told.sent_us));
    return h->flow->kind->sendme(h->flow, env, &told);
}

err_t hop_sendme_encode(const struct hop *h, uint8_t version, struct wr *w)
{
    struct relay_sendme m = {.version = version,
                             .tag_len = version ? (uint8_t)h->layer->kind->tag_len : 0,
                             .tag = h->layer->got_tag};
    return relay_sendme_encode(w, &m);
}
