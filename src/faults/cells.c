/* How a node breaks rules of the link: what it makes of cells that come. */
#include <string.h>

#include "base/rd.h"
#include "cell/chan_link.h"
#include "faults/faulty.h"

static bool now(const struct nlink *nl, enum fault fault)
{
    return faulty_now(nl->node, fault);
}

static unsigned version_at(const struct chan_frame *cell, size_t i)
{
    return cell->body[i] * 256u + cell->body[i + 1];
}

static bool speaks(unsigned version)
{
    return version >= 3 && version <= 5;
}

/* The body becomes the one version that is at AT. */
static void keep_version(struct chan_frame *cell, size_t at)
{
    memmove(cell->body, cell->body + at, 2);
    cell->body_len = 2;
}

static void keep_lowest(struct chan_frame *cell)
{
    size_t lowest = 0;
    for (size_t i = 0; i + 1 < cell->body_len; i += 2)
        if (speaks(version_at(cell, i)) &&
            (!speaks(version_at(cell, lowest)) || version_at(cell, i) < version_at(cell, lowest)))
            lowest = i;
    keep_version(cell, lowest);
}

static void keep_last(struct chan_frame *cell)
{
    size_t last = 0;
    for (size_t i = 0; i + 1 < cell->body_len; i += 2)
        if (speaks(version_at(cell, i)))
            last = i;
    keep_version(cell, last);
}

static enum link_rule judge_versions(struct nlink *nl, struct chan_frame *cell)
{
    bool known = false, unknown = false;
    for (size_t i = 0; i + 1 < cell->body_len; i += 2) {
        known |= speaks(version_at(cell, i));
        unknown |= !speaks(version_at(cell, i));
    }
    bool one = cell->body_len == 2, odd = cell->body_len % 2;
    if (unknown && now(nl, FAULT_VERSIONS_STRICT))
        return RULE_CLOSE;
    if (one && version_at(cell, 0) == 3 && now(nl, FAULT_VERSIONS_NO_3))
        return RULE_CLOSE;
    if (one && version_at(cell, 0) == 4 && now(nl, FAULT_VERSIONS_NO_4))
        return RULE_CLOSE;
    struct link_memo *memo = faulty_link(nl);
    if (memo && ((!cell->body_len && now(nl, FAULT_VERSIONS_EMPTY)) ||
                 (!known && unknown && now(nl, FAULT_VERSIONS_ANY)))) {
        memo->four[1] = 4;
        cell->body = memo->four;
        cell->body_len = sizeof memo->four;
    }
    if (odd && now(nl, FAULT_VERSIONS_ODD))
        cell->body_len--;
    if (known && now(nl, FAULT_VERSIONS_LOWEST))
        keep_lowest(cell);
    if (known && now(nl, FAULT_VERSIONS_LAST))
        keep_last(cell);
    return RULE_HANDSHAKE;
}

/* What NETINFO has that somebody may take offence at. */
static enum link_rule judge_netinfo(struct nlink *nl, const struct chan_frame *cell)
{
    struct rd r = rd_over(cell->body, cell->body_len);
    bool type = false, length = false, clock = rd_u32(&r), behind = false, v6 = false;
    for (unsigned left = 1, i = 0; left && !r.failed; i++, left--) {
        uint8_t family = rd_u8(&r), len = rd_u8(&r);
        v6 |= family == IP_V6;
        type |= family != IP_V4 && family != IP_V6;
        length |= (family == IP_V4 && len != 4) || (family == IP_V6 && len != 16);
        (void)rd_bytes(&r, len);
        if (!i)
            left += rd_u8(&r);
    }
    while (r.left)
        behind |= rd_u8(&r);
    return now(nl, FAULT_NETINFO_DEMANDS_AUTH) || (type && now(nl, FAULT_NETINFO_TYPES)) ||
                   (v6 && now(nl, FAULT_NETINFO_NO_IPV6)) ||
                   (length && now(nl, FAULT_NETINFO_LENGTHS)) ||
                   (clock && now(nl, FAULT_NETINFO_CLOCK)) ||
                   (behind && now(nl, FAULT_NETINFO_STRICT))
               ? RULE_CLOSE
               : RULE_HANDSHAKE;
}

static void misjudge_create(struct nlink *nl, struct chan_frame *cell)
{
    enum { MSB = 0x80000000u };
    if (!cell->circ_id && now(nl, FAULT_CREATE_ZERO))
        cell->circ_id = MSB | 0x5555;
    else if (cell->circ_id && !(cell->circ_id & MSB) && now(nl, FAULT_CREATE_LOW))
        cell->circ_id |= MSB;
}

static enum link_rule judge_padding(struct nlink *nl, struct chan_frame *cell)
{
    enum { COMMAND_AT = 1, TIMEOUTS_AT };
    uint8_t version = cell->body[0], command = cell->body[COMMAND_AT];
    bool known = command == CHAN_PADDING_START || command == CHAN_PADDING_STOP;
    if (now(nl, FAULT_PADDING_REFUSED) || (version && now(nl, FAULT_PADDING_VERSION)) ||
        (!known && now(nl, FAULT_PADDING_COMMAND)) ||
        (link_version(nl->link) < 5 && now(nl, FAULT_PADDING_LINK_4)))
        return RULE_CLOSE;
    if (command == CHAN_PADDING_STOP && now(nl, FAULT_PADDING_STOP))
        return RULE_IGNORE;
    if (now(nl, FAULT_PADDING_NONE))
        cell->body[COMMAND_AT] = CHAN_PADDING_STOP;
    if (now(nl, FAULT_PADDING_HASTY))
        memset(cell->body + TIMEOUTS_AT, 0, 4);
    if (now(nl, FAULT_PADDING_DIRECTORY))
        link_use_for_circuits(nl->link);
    return RULE_PADDING;
}

enum { UNKNOWN_FIXED = 100, UNKNOWN_VARIABLE = 200 };

/* Faults that change what is done about a command in a stage. */
static const struct {
    enum fault fault;
    enum link_stage stage;
    uint8_t cmd;
    enum link_rule rule;
} misjudged[] = {
    {FAULT_VERSIONS_TWICE, STAGE_OPEN, CELL_VERSIONS, RULE_CLOSE},
    {FAULT_NETINFO_AGAIN, STAGE_OPEN, CELL_NETINFO, RULE_CLOSE},
    {FAULT_FIRST_CREATE, STAGE_VERSIONS, CELL_CREATE_FAST, RULE_IGNORE},
    {FAULT_FIRST_CERTS, STAGE_VERSIONS, CELL_CERTS, RULE_IGNORE},
    {FAULT_FIRST_VPADDING, STAGE_VERSIONS, CELL_VPADDING, RULE_CLOSE},
    {FAULT_FIRST_AUTHORIZE, STAGE_VERSIONS, CELL_AUTHORIZE, RULE_CLOSE},
    {FAULT_EARLY_VPADDING, STAGE_CHALLENGED, CELL_VPADDING, RULE_CLOSE},
    {FAULT_EARLY_PADDING, STAGE_CHALLENGED, CELL_PADDING, RULE_IGNORE},
    {FAULT_EARLY_CREATE, STAGE_CHALLENGED, CELL_CREATE_FAST, RULE_IGNORE},
    {FAULT_EARLY_AUTHENTICATE, STAGE_CHALLENGED, CELL_AUTHENTICATE, RULE_IGNORE},
    {FAULT_EARLY_CERTS, STAGE_CHALLENGED, CELL_CERTS, RULE_IGNORE},
    {FAULT_OPEN_PADDING, STAGE_OPEN, CELL_PADDING, RULE_CLOSE},
    {FAULT_OPEN_VPADDING, STAGE_OPEN, CELL_VPADDING, RULE_CLOSE},
    {FAULT_OPEN_UNKNOWN, STAGE_OPEN, UNKNOWN_FIXED, RULE_CLOSE},
    {FAULT_OPEN_UNKNOWN_VARIABLE, STAGE_OPEN, UNKNOWN_VARIABLE, RULE_CLOSE},
    {FAULT_OPEN_CERTS, STAGE_OPEN, CELL_CERTS, RULE_IGNORE},
    {FAULT_OPEN_CHALLENGE, STAGE_OPEN, CELL_AUTH_CHALLENGE, RULE_IGNORE},
};
static const struct {
    enum fault fault;
    uint8_t cmd;
} strays[] = {
    {FAULT_STRAY_RELAY, CELL_RELAY},
    {FAULT_STRAY_DESTROY, CELL_DESTROY},
    {FAULT_STRAY_CREATED, CELL_CREATED_FAST},
    {FAULT_MEASURE_STRAY, CELL_MEASUREMENT},
};

static enum link_rule misjudge(struct nlink *nl, enum link_stage stage,
                               const struct chan_frame *cell, enum link_rule rule)
{
    for (size_t i = 0; i < sizeof misjudged / sizeof *misjudged; i++)
        if (misjudged[i].stage == stage && misjudged[i].cmd == cell->cmd &&
            now(nl, misjudged[i].fault))
            return misjudged[i].rule;
    for (size_t i = 0; i < sizeof strays / sizeof *strays; i++)
        if (strays[i].cmd == cell->cmd && stage == STAGE_OPEN &&
            faulty_n(nl->node, strays[i].fault) && !faulty_find(nl, cell->circ_id) &&
            now(nl, strays[i].fault))
            return RULE_CLOSE;
    return rule;
}

enum link_rule fault_in_judging(void *nlink, enum link_stage stage, struct chan_frame *cell,
                                enum link_rule rule)
{
    struct nlink *nl = nlink;
    rule = fault_in_bearing(nl, stage, cell, misjudge(nl, stage, cell, rule));
    if (rule == RULE_HANDSHAKE && cell->cmd == CELL_VERSIONS)
        return judge_versions(nl, cell);
    if (rule == RULE_HANDSHAKE && cell->cmd == CELL_NETINFO)
        return judge_netinfo(nl, cell);
    if (rule == RULE_PADDING)
        return judge_padding(nl, cell);
    if (rule == RULE_CREATE && cell->cmd == CELL_CREATE_FAST)
        misjudge_create(nl, cell);
    if (rule == RULE_CIRCUIT)
        return fault_in_circuit_cell(nl, cell);
    return rule == RULE_CREATE ? fault_in_create_cell(nl, cell) : rule;
}
