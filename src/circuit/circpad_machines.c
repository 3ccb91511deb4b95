#include "circuit/circpad_machines.h"

enum {
    MACHINE_INTRODUCE, /* the order in which tor registers them */
    MACHINE_REND,
    INTRODUCE_PADDING_LEAST = 7, /* INTRO_MACHINE_MINIMUM_PADDING, _MAXIMUM_ */
    INTRODUCE_PADDING_BELOW = 10,
    REND_PADDING = 1,
    MIDDLE = 2, /* padding-spec 3.1: "the destination hop is the second hop in the circuit" */
};

/* Both halves of both go on with the message that negotiates. */
#define START_STATE                                           \
    {                                                         \
        .next[CIRCPAD_NONPADDING_SENT] = CIRCPAD_TO_OBFUSCATE \
    }

/* ---- introduction circuits: only the relay pads ---- */

static const struct circpad_state introduce_client[] = {START_STATE, {.delay_to_us = 0}};

/* As a page's or a document's cells come, one after the other; and once more after the answer to
 * the negotiation, which leads here and is itself a cell that was sent. */
static const struct circpad_state introduce_relay[] = {
    START_STATE,
    {
        .next[CIRCPAD_LENGTH_COUNT] = CIRCPAD_TO_END,
        .next[CIRCPAD_PADDING_SENT] = CIRCPAD_TO_OBFUSCATE,
        .next[CIRCPAD_NONPADDING_SENT] = CIRCPAD_TO_OBFUSCATE,
        .delay_from_us = 1000,
        .delay_to_us = 10000,
        .length_from = INTRODUCE_PADDING_LEAST,
        .length_to = INTRODUCE_PADDING_BELOW,
    },
};

const struct circpad_machine circpad_client_introduce = {
    .name = "client_ip_circ",
    .number = MACHINE_INTRODUCE,
    .hop = MIDDLE,
    .holds_circuit = true,
    .allowed = INTRODUCE_PADDING_BELOW,
    .percent = 1,
    .theirs_most = INTRODUCE_PADDING_BELOW,
    .states = introduce_client,
};

static const struct circpad_machine relay_introduce = {
    .name = "relay_ip_circ",
    .number = MACHINE_INTRODUCE,
    .says_end = true,
    .allowed = INTRODUCE_PADDING_BELOW,
    .percent = 1,
    .states = introduce_relay,
};

/* ---- rendezvous circuits: one cell each way, ours before the answer can have come ---- */

static const struct circpad_state rend_client[] = {
    START_STATE,
    {
        .next[CIRCPAD_PADDING_RECEIVED] = CIRCPAD_TO_END,
        .next[CIRCPAD_LENGTH_COUNT] = CIRCPAD_TO_END,
        .delay_to_us = 1000,
        .length_from = REND_PADDING,
        .length_to = REND_PADDING + 1,
    },
};

static const struct circpad_state rend_relay[] = {
    START_STATE,
    {
        .next[CIRCPAD_PADDING_SENT] = CIRCPAD_TO_END,
        .next[CIRCPAD_LENGTH_COUNT] = CIRCPAD_TO_END,
        .delay_to_us = 1000,
        .length_from = REND_PADDING,
        .length_to = REND_PADDING + 1,
    },
};

const struct circpad_machine circpad_client_rend = {
    .name = "client_rp_circ",
    .number = MACHINE_REND,
    .hop = MIDDLE,
    .allowed = REND_PADDING,
    .percent = 1,
    .theirs_most = REND_PADDING,
    .states = rend_client,
};

static const struct circpad_machine relay_rend = {
    .name = "relay_rp_circ",
    .number = MACHINE_REND,
    .allowed = REND_PADDING,
    .percent = 1,
    .states = rend_relay,
};

const struct circpad_machine *circpad_relay_machine(uint8_t number)
{
    switch (number) {
    case MACHINE_INTRODUCE:
        return &relay_introduce;
    case MACHINE_REND:
        return &relay_rend;
    default:
        return NULL;
    }
}
