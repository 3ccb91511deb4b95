/* Every bound of the link layer in one place; each has a test. */
#ifndef TUNIC_LINK_LIMITS_H
#define TUNIC_LINK_LIMITS_H

enum {
    /* Input. A variable-length cell over its most closes the link as soon as its head is there;
     * VPADDING may be as long as its length field allows. */
    LINK_VAR_BODY_MOST = 16 * 1024,
    LINK_VPADDING_MOST = 65535,
    /* Plaintext opened before its cells are handled; with what is left of a cell: under 32 KB, for
     * storage doubles. */
    LINK_OPEN_BATCH = 31 * 1024,
    LINK_PLAIN_IN_CAP = LINK_VPADDING_MOST + 7 + LINK_OPEN_BATCH,

    /* Output, sealed and unsealed together. Data is refused from SOFT on and circuits get their
     * turns below LOW; control messages are refused at HARD; the link's own cells (DESTROY and
     * padding) may go up to OWN, and the link ends when there is no room for a DESTROY. A program
     * may end 2000 streams in one go: their circuit, and all else on it, is to survive that. */
    LINK_OUT_LOW = 32 * 1024,
    LINK_OUT_SOFT = 64 * 1024,
    LINK_OUT_NEW = 128 * 1024, /* from here on no new streams: what ends them must still fit */
    LINK_OUT_HARD = 1024 * 1024,
    LINK_OUT_OWN = 1088 * 1024,
    /* The same for a lean link, one of very many, whose socket's own buffers are enough. */
    LINK_LEAN_OUT_LOW = 8 * 1024,
    LINK_LEAN_OUT_SOFT = 24 * 1024,
    LINK_LEAN_READ = 16 * 1024,       /* taken from net at once */
    LINK_LEAN_OPEN_BATCH = 15 * 1024, /* with what is left of a cell: under 16 KB */
    LINK_TURN_CELLS = 8, /* cells a waiting circuit may send before the next has its turn */

    /* Circuit ids. */
    LINK_CIRCS_MOST = 16 * 1024,
    LINK_ID_TRIES = 64,          /* as tor: then the link counts as full */
    LINK_ID_REST_MS = 60 * 1000, /* how long a given-up id stays unused */
    LINK_IDS_RESTING_MOST = 4096,
    LINK_STRAYS_MOST = 4096, /* cells for ids never used, in one LINK_ID_REST_MS, that we bear */

    LINK_QUIET_MS = 2000,     /* without traffic: buffers are given back */
    LINK_VERSION_PADDING = 5, /* of the link protocol: the first that negotiates padding */
    LINK_SKEW_LEAST_S = 3600  /* a clock difference worth telling, as in tor */
};

#endif
