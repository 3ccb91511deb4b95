#include "faults/faulty.h"

#include <stdlib.h>

#include "testnet/testnet.h"

static void faulty_free(void *arg)
{
    struct faulty *f = arg;
    for (size_t i = 0; i < FAULTY_ODD_TLS; i++)
        tls_ctx_free(f->odd_tls[i]);
    buf_free(&f->wrong_body);
    free(f);
}

static const struct misdeeds misdeeds = {
    .face = fault_in_face,
    .link_over = fault_after_link,
    .reply = fault_in_reply,
    .extensions = fault_in_extensions,
    .refusal = fault_in_refusal,
    .cell_in = fault_in_cell_in,
    .opened = fault_in_opened,
    .cell_out = fault_in_cell_out,
    .message_in = fault_in_message_in,
    .message_out = fault_in_message_out,
    .plain_out = fault_in_plain_out,
    .room = fault_in_room,
    .dir = &faulty_dir,
    .free = faulty_free,
};

struct faults *faults_of(struct node *n)
{
    struct faulty *f = node_misdeeds(n);
    if (!f && (f = calloc(1, sizeof *f)) != NULL)
        node_set_misdeeds(n, &misdeeds, f);
    return f ? &f->faults : NULL;
}

err_t faults_attach(struct testnet *t)
{
    for (size_t i = 0; i < testnet_nodes(t); i++)
        if (!faults_of(testnet_node(t, i)))
            return ERR_NOMEM;
    return OK;
}

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
