/* What a connection is about to do: it has output, may be read, or is at its end. */
#include <errno.h>

#include "base/hash.h"
#include "net/conn_int.h"

void conn_undirty(struct conn *c)
{
    if (!c->is_dirty)
        return;
    DL_DELETE2(c->net->dirty, c, dirty_prev, dirty_next);
    c->is_dirty = false;
}

void conn_mark_dirty(struct conn *c)
{
    if (c->is_dirty)
        return;
    DL_APPEND2(c->net->dirty, c, dirty_prev, dirty_next);
    c->is_dirty = true;
}

void conn_output(struct conn *c)
{
    net_touch(c->net);
    if (c->connecting || c->ended || event_pending(c->write, EV_WRITE, NULL))
        return;
    c->has_output = true;
    conn_mark_dirty(c);
}

void conn_resume(struct conn *c)
{
    if (c->connecting || c->ended || c->drained)
        return;
    c->rests = false;
    if (!c->eof)
        event_add(c->read, NULL);
    if (c->left.len)
        event_active(c->read, EV_READ, 0);
}

void conn_ended(struct conn *c, int errno_)
{
    if (c->ended)
        return;
    c->ended = true;
    env_disarm(&c->net->env, &c->look);
    stall_end(&c->stall);
    event_del(c->read);
    event_del(c->write);
    conn_undirty(c);
    if (c->drained)
        c->drained(c->machine);
    else
        c->ops->in_end(c->machine, errno_);
}

bool conn_would_block(int errno_)
{
    return errno_ == EAGAIN || errno_ == EWOULDBLOCK || errno_ == EINTR;
}

bool conn_may_go(struct conn *c, enum limit_way way, size_t *len)
{
    if (c->limit)
        *len = limit_ask(c->limit, way, *len, &c->wait);
    return *len > 0;
}

void conn_spend(struct conn *c, enum limit_way way, size_t n)
{
    if (c->limit)
        limit_spend(c->limit, way, n, &c->wait);
}

bool conn_is_of_another_process(struct conn *c)
{
    if (!net_is_forked(c->net))
        return false;
    event_del(c->read);
    event_del(c->write);
    return true;
}
