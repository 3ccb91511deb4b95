/* How a node fails to bear odd peers. */
#include "faults/faulty.h"

static bool now(const struct nlink *nl, enum fault fault)
{
    return faulty_now(nl->node, fault);
}

/* ---- gone ---- */

static const enum fault gone_after[] = {FAULT_GONE_AFTER_NO_TLS, FAULT_GONE_AFTER_TLS_CUT,
                                        FAULT_GONE_AFTER_HANDSHAKE, FAULT_GONE_AFTER_HALF,
                                        FAULT_GONE_AFTER_CIRCUIT};

static bool is_gone(const struct nlink *nl)
{
    const struct faulty *faulty = node_misdeeds(nl->node);
    const struct faults *f = &faulty->faults;
    const struct nlink *other;
    for (size_t i = 0; i < sizeof gone_after / sizeof *gone_after; i++)
        if (f->n[gone_after[i]] && f->seen[gone_after[i]] >= f->n[gone_after[i]])
            return true;
    if (!f->n[FAULT_ONE_HANDSHAKE] && !f->n[FAULT_ONE_CELL])
        return false;
    DL_FOREACH (nl->node->links, other) {
        enum link_state state = link_state(other->link);
        const struct link_memo *memo = other->memo;
        if (other != nl && !other->dialled &&
            ((f->n[FAULT_ONE_HANDSHAKE] && state != LINK_OPEN) ||
             (f->n[FAULT_ONE_CELL] && memo && memo->half)))
            return true;
    }
    return false;
}

void fault_after_link(struct nlink *nl, const struct link_end *end)
{
    const struct link_memo *memo = nl->memo;
    if (nl->dialled)
        return;
    if (end->during == LINK_TLS)
        (void)now(nl,
                  end->reason == OR_TLS_ERROR ? FAULT_GONE_AFTER_NO_TLS : FAULT_GONE_AFTER_TLS_CUT);
    else if (end->during == LINK_HANDSHAKING)
        (void)now(nl, FAULT_GONE_AFTER_HANDSHAKE);
    else if (memo && memo->half)
        (void)now(nl, FAULT_GONE_AFTER_HALF);
    else if (memo && memo->had_circuit)
        (void)now(nl, FAULT_GONE_AFTER_CIRCUIT);
}

/* ---- cells ---- */

enum link_rule fault_in_bearing(struct nlink *nl, enum link_stage stage,
                                const struct chan_frame *cell, enum link_rule rule)
{
    enum { LONG = 16 * 1024 };
    bool vpadding = cell->cmd == CELL_VPADDING;
    struct link_memo *memo = faulty_link(nl);
    if (memo) {
        memo->half = false;
        memo->had_circuit |= rule == RULE_CREATE;
    }
    if (is_gone(nl))
        return RULE_IGNORE;
    if (stage == STAGE_VERSIONS && rule == RULE_CLOSE && now(nl, FAULT_KEEPS_GARBAGE))
        return RULE_IGNORE;
    if ((vpadding && cell->body_len > LONG && now(nl, FAULT_VPADDING_LONG)) ||
        (vpadding && !cell->body_len && now(nl, FAULT_VPADDING_EMPTY)) ||
        ((vpadding || cell->cmd == CELL_PADDING) && now(nl, FAULT_PADDING_ENOUGH)))
        return RULE_CLOSE;
    if (rule == RULE_CREATE && now(nl, FAULT_CREATE_ENOUGH))
        return RULE_IGNORE;
    return rule;
}

bool fault_in_pieces(struct nlink *nl, enum link_slip where)
{
    struct link_memo *memo = faulty_link(nl);
    if (memo)
        memo->half |= where == LINK_SLIP_REST;
    return (where == LINK_SLIP_REST && now(nl, FAULT_WHOLE_CELLS)) ||
           (where == LINK_SLIP_TLS && now(nl, FAULT_KEEPS_NO_TLS));
}
