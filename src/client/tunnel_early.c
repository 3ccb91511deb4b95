/* What the owner of an optimistic tunnel writes before an exit has said CONNECTED: it goes out
 * right behind BEGIN, and is kept until then, since the next exit has to hear it too if this one
 * refuses (as C tor keeps its pending_optimistic_data). */
#include "cell/reason.h"
#include "client/tunnel_int.h"

/* A request or a TLS hello fits; an exit that is still connecting has no use for more, and says no
 * XOFF to so little. */
enum { EARLY_MOST = 32 * 1024 };

/* All queues hold too much, and of all bytes these have waited longest. */
static void shed(void *arg)
{
    struct tunnel *t = arg;
    queue_free(&t->early);
    tunnel_stop(t, TUNNEL_STAGE_STREAM, ERR_LIMIT, END_RESOURCELIMIT,
                "unsent bytes: MaxMemInQueues");
}

void tunnel_early_init(struct tunnel *t)
{
    queue_init(&t->early, EARLY_MOST, t->set->env, shed, t);
}

bool tunnel_early_flush(struct tunnel *t)
{
    if (t->stream && t->early_sent < t->early.bytes.len)
        t->early_sent += stream_write(t->stream, buf_at(&t->early.bytes) + t->early_sent,
                                      t->early.bytes.len - t->early_sent);
    if (t->state != OPEN || t->early_sent < t->early.bytes.len)
        return false;
    queue_free(&t->early);
    t->early_sent = 0;
    return true;
}

void tunnel_early_begin(struct tunnel *t)
{
    t->early_sent = 0;
    (void)tunnel_early_flush(t);
    if (t->begun || !t->req.optimistic || t->req.kind != TUNNEL_CONNECT)
        return;
    t->begun = true;
    t->ops->on_begun(t->arg);
}

size_t tunnel_early_write(struct tunnel *t, const uint8_t *bytes, size_t len)
{
    size_t taken =
        t->begun && t->state != OPEN && t->state != CLOSED ? buf_space(&t->early.bytes) : 0;
    taken = taken < len ? taken : len;
    if (taken && queue_add(&t->early, bytes, taken) != OK)
        taken = 0; /* no memory for it: it waits for the exit's answer */
    if (tunnel_early_flush(t))
        taken += stream_write(t->stream, bytes + taken, len - taken);
    t->refused_early |= taken < len;
    return taken;
}
