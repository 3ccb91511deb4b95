#include "circuit/window.h"

#include <string.h>

#include "base/rd.h"
#include "cell/relay_flow.h"
#include "crypto/secret.h"

/* What C tor counts as unpredictable: 16 random bytes behind the zeros of the padding. */
enum { RANDOM_ROOM = RELAY_PAD_ZEROS + 16 };

static void start_interval(struct window *w, struct env *env)
{
    w->random_sent = false;
    w->random_left =
        CIRCWINDOW_INCREMENT / 2 + (unsigned)env_random_below(env, CIRCWINDOW_INCREMENT / 2);
}

void window_init(struct window *w, struct env *env)
{
    memset(w, 0, sizeof *w);
    w->package = w->deliver = CIRCWINDOW_START;
    start_interval(w, env);
}

size_t window_data_max(const struct window *w, size_t format_max)
{
    return w->random_left == 0 && !w->random_sent ? format_max - RANDOM_ROOM : format_max;
}

err_t window_data_sent(struct window *w, struct env *env, size_t len, size_t format_max,
                       const uint8_t *tag, size_t tag_len)
{
    if (w->package == 0 || tag_len > LAYER_TAG_MAX)
        return ERR_FULL;
    w->package--;
    /* proposal 289: the tag of each hundredth cell is what its SENDME must carry */
    if (w->package % CIRCWINDOW_INCREMENT == 0) {
        if (w->tags_n == WINDOW_TAGS)
            return ERR_BUG;
        memcpy(w->tags[(w->tags_at + w->tags_n) % WINDOW_TAGS], tag, tag_len);
        w->tags_n++;
    }
    if (len <= format_max - RANDOM_ROOM)
        w->random_sent = true;
    if (w->random_left == 0)
        start_interval(w, env);
    w->random_left--;
    return OK;
}

err_t window_data_received(struct window *w, bool *sendme_due)
{
    *sendme_due = false;
    if (w->deliver == 0)
        return ERR_CIRC_WINDOW;
    w->deliver--;
    if (w->deliver <= CIRCWINDOW_START - CIRCWINDOW_INCREMENT) {
        w->deliver += CIRCWINDOW_INCREMENT;
        *sendme_due = true;
    }
    return OK;
}

err_t window_sendme_received(struct window *w, const uint8_t *body, size_t len, size_t tag_len)
{
    struct relay_sendme m;
    if (relay_sendme_decode(rd_over(body, len), &m) != OK)
        return ERR_CIRC_SENDME;
    /* sendme_accept_min_version is 1 on the live network: version 0 proves nothing */
    if (m.version != 1 || m.tag_len != tag_len || w->tags_n == 0)
        return ERR_CIRC_SENDME;
    if (!secret_equal(m.tag, w->tags[w->tags_at], tag_len))
        return ERR_CIRC_SENDME;
    w->tags_at = (w->tags_at + 1) % WINDOW_TAGS;
    w->tags_n--;
    w->package += CIRCWINDOW_INCREMENT;
    return OK;
}
