/* How a node comes to its faults. */
#include <stdlib.h>

#include "faults/faulty.h"
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
    .measurement_in = fault_in_measurement,
    .echo_in = fault_in_echo_in,
    .echo_out = fault_in_echo_out,
    .background = fault_in_background,
    .over = fault_in_over,
    .orphaned = fault_in_orphan,
    .limit = fault_in_limit,
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
