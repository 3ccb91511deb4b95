#include "link/rules.h"

#include <stddef.h>

#include "cell/chan.h"

struct row {
    uint8_t cmd;
    char rule[LINK_RESPONDER + 1][LINK_STAGES + 1];
};

enum { FIXED_ROWS = CELL_PADDING_NEGOTIATE + 1 };

/* Rows stand in the order of their numbers: first 0 to 12, then from 128 up. Columns: before
 * VERSIONS, unverified, verified, challenged, open; first for an initiator, then for a responder,
 * which is never in the second and third.
 * '!' close, '.' ignore, 'h' handshake, 'c' circuit, 'n' new circuit, 'p' padding, 'm' measurement.
 */
static const struct row rows[] = {
    {CELL_PADDING, {"!!!!.", "!!!!."}},
    {CELL_CREATE, {"!!!!!", "!!!!n"}}, /* TAP is refused circuit by circuit */
    {CELL_CREATED, {"!!!!c", "!!!!c"}},
    {CELL_RELAY, {"!!!!c", "!!!!c"}},
    {CELL_DESTROY, {"!!!!c", "!!!!c"}},
    {CELL_CREATE_FAST, {"!!!!!", "!!!!n"}}, /* an initiator is no relay */
    {CELL_CREATED_FAST, {"!!!!c", "!!!!c"}},
    /* tor-spec 4.1: "Any VERSIONS cells sent after the first VERSIONS cell MUST be ignored." */
    {CELL_VERSIONS, {"h....", "h...."}},
    {CELL_NETINFO, {"!!hh!", "!!!h."}},
    /* Never legal for an initiator: the circuit says so and closes. */
    {CELL_RELAY_EARLY, {"!!!!c", "!!!!c"}},
    {CELL_CREATE2, {"!!!!!", "!!!!n"}},
    {CELL_CREATED2, {"!!!!c", "!!!!c"}},
    /* padding-spec 2.5: "Clients and bridges MUST reject padding negotiation messages from relays,
     * and close the channel if they receive one." */
    {CELL_PADDING_NEGOTIATE, {"!!!!!", "!!!!p"}},
    /* tor-spec 4: "the first cell must be VERSIONS, VPADDING, or AUTHORIZE" */
    {CELL_VPADDING, {"!....", "....."}},
    /* They may come once; what they prove of a relay that dials us, we do not ask for. */
    {CELL_CERTS, {"!h!!!", "!!!h!"}},
    {CELL_AUTH_CHALLENGE, {"!!h!!", "!!!!!"}},
    {CELL_AUTHENTICATE, {"!!!!!", "!!!h!"}}, /* an initiator's */
    {CELL_AUTHORIZE, {"!....", "....."}},
};
/* tor-spec 3 lets unknown variable-length cells be skipped; unknown fixed-size ones only later. */
static const char unknown_variable[] = "!....";
static const char unknown_fixed[] = "!!!!.";
static const char measurement[] = "!!!!m";

enum link_rule link_rule(enum link_side side, enum link_stage stage, uint8_t cmd)
{
    const char *rule = chan_cmd_is_variable(cmd) ? unknown_variable : unknown_fixed;
    size_t i = cmd < CELL_VPADDING ? cmd : (size_t)cmd - CELL_VPADDING + FIXED_ROWS;
    if (i < sizeof rows / sizeof rows[0] && rows[i].cmd == cmd)
        rule = rows[i].rule[side];
    else if (cmd == CELL_MEASUREMENT)
        rule = measurement;
    switch (rule[stage]) {
    case '.':
        return RULE_IGNORE;
    case 'h':
        return RULE_HANDSHAKE;
    case 'c':
        return RULE_CIRCUIT;
    case 'n':
        return RULE_CREATE;
    case 'p':
        return RULE_PADDING;
    case 'm':
        return RULE_MEASURE;
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
