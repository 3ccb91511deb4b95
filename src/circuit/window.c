#include "circuit/window.h"

#include <stdlib.h>

static struct window *window_of(struct flow *f)
{
    return (struct window *)f;
}

static struct flow *window_make(const struct flow_config *config, unsigned inc, enum cc_way way)
{
    (void)way;
    struct window *w = calloc(1, sizeof *w);
    if (!w)
        return NULL;
    *w = (struct window){.flow = {.kind = &window_kind,
                                  .room = config->package_start,
                                  .sendmes_most = config->package_start / inc},
                         .package_start = config->package_start,
                         .deliver_start = config->deliver_start,
                         .inc = inc,
                         .deliver = config->deliver_start};
    return &w->flow;
}

static err_t window_sent(struct flow *f, bool *answered)
{
    struct window *w = window_of(f);
    if (f->room == 0)
        return ERR_FULL;
    f->room--;
    *answered = ++w->sent == w->inc;
    if (*answered)
        w->sent = 0;
    return OK;
}

static err_t window_received(struct flow *f, bool *sendme_due)
{
    struct window *w = window_of(f);
    if (w->deliver == 0)
        return ERR_CIRC_WINDOW;
    w->deliver--;
    *sendme_due = w->deliver <= w->deliver_start - w->inc;
    if (*sendme_due)
        w->deliver += w->inc;
    return OK;
}

static err_t window_sendme(struct flow *f, struct env *env, const struct flow_sendme *m)
{
    struct window *w = window_of(f);
    (void)env, (void)m;
    if (f->room + w->inc > w->package_start)
        return ERR_CIRC_SENDME;
    f->room += w->inc;
    return OK;
}

static void window_free(struct flow *f)
{
    free(f);
}

const struct flow_kind window_kind = {
    .stream_sendmes = true,
    .make = window_make,
    .sent = window_sent,
    .received = window_received,
    .sendme = window_sendme,
    .free = window_free,
};
