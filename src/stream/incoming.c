/* Streams that the other side begins: an onion service's. */
#include "base/rd.h"
#include "stream/stream_int.h"

void streams_accept(struct streams *set, const struct stream_acceptor *acceptor)
{
    set->acceptor = *acceptor;
    if (streams_is_open(set))
        set->carrier->kind->serve(set->carrier);
}

/* What the acceptor says of S, unless the carrier or the stream ended meanwhile. */
static void decide(struct stream *s, const struct relay_begin *asked)
{
    struct streams *set = s->set;
    set->calling++;
    struct stream_verdict v = set->acceptor.on_begin(set->acceptor.arg, s, asked);
    set->calling--;
    if (s->state == STREAM_DEAD)
        return;
    s->ops = v.ops;
    s->arg = v.arg;
    if (!v.ops)
        stream_close(s, v.refusal);
}

err_t streams_on_begin(struct streams *set, const struct relay_msg *msg)
{
    struct relay_begin asked;
    struct stream *s;
    if (!set->acceptor.on_begin || relay_begin_decode(rd_over(msg->data, msg->len), &asked) != OK)
        return ERR_CIRC_PROTO;
    /* A client need not answer our END, and may come to use the id again. */
    struct half *old = half_find(&set->halves, msg->stream_id);
    if (old)
        half_remove(&set->halves, old);
    /* A stream that finds no room is lost, and what the client sends on it closes the circuit. */
    TRY(streams_add(set, msg->stream_id, STREAM_ACCEPTED, STREAM_ASKED, &s));
    decide(s, &asked);
    return OK;
}
