/* The table of which cell either side may get when, and who handles it: one row per command, one
 * column per stage of the link (tor-spec 4, 5; protocol of relays as they are). Asked before any
 * handler runs. */
#ifndef TUNIC_LINK_RULES_H
#define TUNIC_LINK_RULES_H

#include <stdint.h>

enum link_side { LINK_INITIATOR, LINK_RESPONDER };

/* What has been reached. Each stage is entered by the cell that ends the one before. A responder
 * answers VERSIONS with all it has to say, so it goes from VERSIONS straight to CHALLENGED. */
enum link_stage {
    STAGE_VERSIONS,   /* nothing yet: VERSIONS is awaited */
    STAGE_UNVERIFIED, /* a version is chosen: CERTS is awaited */
    STAGE_VERIFIED,   /* the peer is who we asked for: AUTH_CHALLENGE or NETINFO is awaited */
    STAGE_CHALLENGED, /* AUTH_CHALLENGE came: NETINFO is awaited */
    STAGE_OPEN,
    LINK_STAGES
};

enum link_rule {
    RULE_CLOSE,     /* breaks the protocol */
    RULE_IGNORE,    /* to be ignored, whatever is in it */
    RULE_HANDSHAKE, /* for the handshake machine; circuit id 0 */
    RULE_CIRCUIT,   /* for a circuit; circuit id not 0 */
    RULE_PADDING,   /* PADDING_NEGOTIATE from a client */
    RULE_CREATE,    /* asks for a new circuit; circuit id not 0 */
    RULE_MEASURE, /* for a circuit of a link that measures; else RULE_IGNORE, as what is unknown */
};

enum link_rule link_rule(enum link_side side, enum link_stage stage, uint8_t cmd);

const char *link_stage_name(enum link_stage stage); /* "before VERSIONS" */

#endif
