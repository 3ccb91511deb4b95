#include "link/rules.h"

#include <stddef.h>

#include "cell/chan.h"

struct row {
    uint8_t cmd;
    char rule[LINK_STAGES + 1];
};

enum { FIXED_ROWS = CELL_PADDING_NEGOTIATE + 1 };

/* Rows stand in the order of their numbers: first 0 to 12, then from 128 up. Columns: before
 * VERSIONS, unverified, verified, challenged, open.
 * '!' close, '.' ignore, 'h' handshake, 'c' circuit. */
static const struct row rows[] = {
    {CELL_PADDING, "!!!!."},
    {CELL_CREATE, "!!!!!"}, /* we are no relay */
    {CELL_CREATED, "!!!!c"},
    {CELL_RELAY, "!!!!c"},
    {CELL_DESTROY, "!!!!c"},
    {CELL_CREATE_FAST, "!!!!!"},
    {CELL_CREATED_FAST, "!!!!c"},
    /* tor-spec 4.1: "Any VERSIONS cells sent after the first VERSIONS cell MUST be ignored." */
    {CELL_VERSIONS, "h...."},
    {CELL_NETINFO, "!!hh!"},
    {CELL_RELAY_EARLY, "!!!!c"}, /* never legal here: the circuit says so and closes */
    {CELL_CREATE2, "!!!!!"},
    {CELL_CREATED2, "!!!!c"},
    /* padding-spec 2.5: "Clients and bridges MUST reject padding negotiation messages from relays,
     * and close the channel if they receive one." */
    {CELL_PADDING_NEGOTIATE, "!!!!!"},
    {CELL_VPADDING, "!...."},
    {CELL_CERTS, "!h!!!"}, /* once */
    {CELL_AUTH_CHALLENGE, "!!h!!"},
    {CELL_AUTHENTICATE, "!!!!!"}, /* an initiator's */
    {CELL_AUTHORIZE, "!...."},
};
/* tor-spec 3 lets unknown variable-length cells be skipped; unknown fixed-size ones only later. */
static const char unknown_variable[] = "!....";
static const char unknown_fixed[] = "!!!!.";

enum link_rule link_rule(enum link_stage stage, uint8_t cmd)
{
    const char *rule = chan_cmd_is_variable(cmd) ? unknown_variable : unknown_fixed;
    size_t i = cmd < CELL_VPADDING ? cmd : (size_t)cmd - CELL_VPADDING + FIXED_ROWS;
    if (i < sizeof rows / sizeof rows[0] && rows[i].cmd == cmd)
        rule = rows[i].rule;
    switch (rule[stage]) {
    case '.':
        return RULE_IGNORE;
    case 'h':
        return RULE_HANDSHAKE;
    case 'c':
        return RULE_CIRCUIT;
    default:
        return RULE_CLOSE;
    }
}

const char *link_stage_name(enum link_stage stage)
{
    static const char *const names[LINK_STAGES] = {
        "before VERSIONS", "before CERTS", "before NETINFO", "before NETINFO", "on an open link"};
    return names[stage];
}
