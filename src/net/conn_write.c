/* Writing to a connection's socket. */
#include <errno.h>
#include <sys/socket.h>

#include "net/clock.h"
#include "net/conn_int.h"

static void write_out(struct conn *c)
{
    size_t len;
    const uint8_t *bytes;
    while (!c->ended && (bytes = c->ops->out(c->machine, &len))) {
        if (!conn_may_go(c, LIMIT_WRITE, &len))
            return;
        ssize_t n = send(c->fd, bytes, len, MSG_NOSIGNAL);
        if (n < 0 && conn_would_block(errno)) {
            event_add(c->write, NULL);
            return;
        }
        if (n < 0) {
            /* What the peer sent before it went is still to be read: reading ends C. A connection
             * that does not read ends here. */
            if (c->drained || !event_pending(c->read, EV_READ, NULL))
                conn_ended(c, errno);
            return;
        }
        c->net->counts.written += (size_t)n;
        clock_read(&c->net->env); /* the receiver may have had the processor meanwhile */
        conn_spend(c, LIMIT_WRITE, (size_t)n);
        if (c->ops->stalled)
            stall_sent(&c->stall);
        c->ops->sent(c->machine, (size_t)n);
        if (c->drained) /* slow, but alive: all of it is for the reader */
            env_arm_ms(&c->net->env, &c->linger, c->linger_ms);
        if ((size_t)n < len) {
            event_add(c->write, NULL);
            return;
        }
    }
    if (!c->ended && c->drained)
        conn_ended(c, 0);
}

void conn_flush(struct conn *c)
{
    if (!c->has_output) {
        conn_rest(c);
        return;
    }
    c->has_output = false;
    if (c->rests)
        conn_end_rest(c);
    write_out(c);
}
