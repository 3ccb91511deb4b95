#include "testnet/rwindow.h"

#include <string.h>

#include "cell/relay_flow.h"
#include "crypto/secret.h"

enum { FIXED_START = 1000, FIXED_INCREMENT = 100, CC_START = 30 * CC_SENDME_INC };

void rwindow_init(struct rwindow *w, bool congestion_control)
{
    *w = (struct rwindow){
        .increment = congestion_control ? CC_SENDME_INC : FIXED_INCREMENT,
        .package = congestion_control ? CC_START : FIXED_START,
        /* Under congestion control how much comes is the client's own business. */
        .deliver = congestion_control ? UINT32_MAX : FIXED_START,
    };
}

void rwindow_sent(struct rwindow *w, const struct layer *layer)
{
    if (w->package)
        w->package--;
    if (++w->sent < w->increment)
        return;
    w->sent = 0;
    if (w->tags_n < RWINDOW_TAGS) { /* more only if the window is ignored on purpose */
        memcpy(w->tags[(w->tags_at + w->tags_n) % RWINDOW_TAGS], layer->sent_tag,
               layer->kind->tag_len);
        w->tags_n++;
    }
}

err_t rwindow_got(struct rwindow *w, bool *sendme_due)
{
    if (!w->deliver)
        return ERR_CIRC_WINDOW;
    if (w->deliver != UINT32_MAX)
        w->deliver--;
    *sendme_due = ++w->got == w->increment;
    if (*sendme_due) {
        w->got = 0;
        if (w->deliver != UINT32_MAX)
            w->deliver += w->increment;
    }
    return OK;
}

/* tor-spec 7.3: the digest in a SENDME of version 1 "MUST match the one remembered". */
err_t rwindow_sendme(struct rwindow *w, const struct layer_kind *kind, const uint8_t *body,
                     size_t len)
{
    struct relay_sendme m;
    if (relay_sendme_decode(rd_over(body, len), &m) != OK || !w->tags_n || m.version != 1 ||
        m.tag_len != kind->tag_len || !secret_equal(m.tag, w->tags[w->tags_at], kind->tag_len))
        return ERR_CIRC_SENDME;
    w->tags_at = (w->tags_at + 1) % RWINDOW_TAGS;
    w->tags_n--;
    w->package += w->increment;
    return OK;
}
