#include "testnet/rwindow.h"

#include "cell/relay_flow.h"
#include "circuit/vegas.h"
#include "crypto/secret.h"

enum {
    FIXED_START = 1000,
    FIXED_INCREMENT = 100,
    FIXED_TAGS = 64 /* more than ten only if the window is ignored on purpose */
};

err_t rwindow_init(struct rwindow *w, struct env *env, const struct flow_config *config, bool vegas)
{
    *w = (struct rwindow){
        .increment = FIXED_INCREMENT, .package = FIXED_START, .deliver = FIXED_START};
    tags_init(&w->tags, env, FIXED_TAGS);
    if (!vegas)
        return OK;
    w->vegas = vegas_kind.make(config, config->cc.sendme_inc, CC_WAY_EXIT);
    if (!w->vegas)
        return ERR_NOMEM;
    w->increment = config->cc.sendme_inc;
    w->tags.most = w->vegas->sendmes_most;
    return OK;
}

void rwindow_clear(struct rwindow *w)
{
    flow_free(w->vegas);
    w->vegas = NULL;
    tags_clear(&w->tags);
}

unsigned rwindow_room(const struct rwindow *w)
{
    return w->vegas ? w->vegas->room : w->package;
}

static err_t count_sent(struct rwindow *w, bool *answered)
{
    if (w->vegas) {
        if (!w->vegas->room) /* ignored on purpose: it is under way all the same */
            w->vegas->room = 1;
        return w->vegas->kind->sent(w->vegas, answered);
    }
    if (w->package)
        w->package--;
    *answered = ++w->sent == w->increment;
    if (*answered)
        w->sent = 0;
    return OK;
}

err_t rwindow_sent(struct rwindow *w, struct env *env, const struct layer *layer)
{
    bool answered;
    TRY(count_sent(w, &answered));
    if (!answered || w->tags.n == w->tags.most)
        return OK;
    return tags_add(&w->tags, env, layer->sent_tag, layer->kind->tag_len);
}

err_t rwindow_got(struct rwindow *w, bool *sendme_due)
{
    if (w->vegas) /* how much comes is the client's own business */
        return w->vegas->kind->received(w->vegas, sendme_due);
    if (!w->deliver)
        return ERR_CIRC_WINDOW;
    w->deliver--;
    *sendme_due = ++w->got == w->increment;
    if (*sendme_due) {
        w->got = 0;
        w->deliver += w->increment;
    }
    return OK;
}

/* tor-spec 7.3: the digest in a SENDME of version 1 "MUST match the one remembered". */
static bool decode(const struct layer_kind *kind, struct rd body, struct relay_sendme *m)
{
    return relay_sendme_decode(body, m) == OK && m->version == 1 && m->tag_len == kind->tag_len;
}

bool rwindow_expects(const struct rwindow *w, const struct layer_kind *kind, struct rd body)
{
    struct relay_sendme m;
    return decode(kind, body, &m) && w->tags.n &&
           secret_equal(m.tag, w->tags.due[w->tags.at].tag, kind->tag_len);
}

err_t rwindow_sendme(struct rwindow *w, struct env *env, const struct layer_kind *kind,
                     struct rd body, bool blocked)
{
    struct relay_sendme m;
    struct flow_sendme told = {.blocked = blocked};
    if (!decode(kind, body, &m))
        return ERR_CIRC_SENDME;
    TRY(tags_take(&w->tags, m.tag, m.tag_len, &told.sent_us));
    if (w->vegas)
        return w->vegas->kind->sendme(w->vegas, env, &told);
    w->package += w->increment;
    return OK;
}

void rwindow_widen(struct rwindow *w)
{
    if (w->vegas)
        ((struct vegas *)w->vegas)->cwnd += w->increment;
    else
        w->package += w->increment;
}

bool rwindow_awaits_sendme(const struct rwindow *w)
{
    return tags_any(&w->tags);
}

uint64_t rwindow_rtt_us(const struct rwindow *w)
{
    return w->vegas ? ((const struct vegas *)w->vegas)->ewma_rtt_us : 0;
}
