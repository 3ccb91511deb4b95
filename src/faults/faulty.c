#include "faults/faulty.h"

#include <stdlib.h>

bool faulty_now(const struct node *n, enum fault fault)
{
    struct faulty *f = node_misdeeds(n);
    return fault_now(&f->faults, fault);
}

uint32_t faulty_n(const struct node *n, enum fault fault)
{
    const struct faulty *f = node_misdeeds(n);
    return f->faults.n[fault];
}

struct link_memo *faulty_link(struct nlink *nl)
{
    if (!nl->memo)
        nl->memo = calloc(1, sizeof(struct link_memo));
    return nl->memo;
}

struct circ_memo *faulty_circ(struct rcirc *c)
{
    if (!c->memo)
        c->memo = calloc(1, sizeof(struct circ_memo));
    return c->memo;
}

struct rcirc *faulty_find(const struct nlink *nl, uint32_t id)
{
    struct rcirc *c;
    DL_FOREACH (nl->node->circs, c) {
        if (c->back.lc.link == nl->link && c->back.lc.id == id)
            return c;
    }
    return NULL;
}

bool faulty_is_zero(const uint8_t *bytes, size_t len)
{
    while (len && !bytes[len - 1])
        len--;
    return !len;
}

bool faulty_say(struct rcirc *c, uint8_t cmd, uint16_t stream_id, const void *data, size_t len)
{
    struct relay_msg m = {.cmd = cmd, .stream_id = stream_id, .data = data, .len = len};
    return rcirc_send_as_is(c, &m);
}
