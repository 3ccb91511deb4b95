/* Faults of how circuits are made, one for each rule that `tunic check` tries; part of the list in
 * faults.h. The occasion is a CREATE cell, of the kind in question. */
#ifndef TUNIC_FAULTS_LIST_CREATE_H
#define TUNIC_FAULTS_LIST_CREATE_H

#define FAULTS_CREATE(X)                                                                           \
    /* all kinds */                                                                                \
    X(CREATE_SAME_Y, "create-same-y", FAULT_FROM, "the same Y for every circuit")                  \
    X(CREATE_KEYS_SWAPPED, "create-keys-swapped", FAULT_FROM,                                      \
      "each key of CREATE_FAST in the other direction")                                            \
    X(CREATE_PADDING, "create-padding", FAULT_FROM, "refuses padding that is not zero")            \
    X(CREATE_ONE, "create-one", FAULT_FROM, "one circuit for each connection, no more")            \
    X(CREATE_IDS_SHARED, "create-ids-shared", FAULT_FROM,                                          \
      "refuses an id that another connection has in use")                                          \
    X(CREATE_USED_ID, "create-used-id", FAULT_FROM, "CREATE under a used id ends its circuit")     \
    X(CREATE_NO_REASON, "create-no-reason", FAULT_FROM, "refuses without a reason")                \
    X(CREATE_REFUSED_ID, "create-refused-id", FAULT_FROM, "what was refused once is never taken")  \
    X(CREATE_OLD, "create-old", FAULT_FROM, "answers CREATE")                                      \
    X(CREATE_UNKNOWN, "create-unknown", FAULT_FROM, "answers handshakes of unknown types")         \
    X(CREATE_RESERVED, "create-reserved", FAULT_FROM, "answers handshake type 1")                  \
    X(CREATE_TAP, "create-tap", FAULT_FROM, "answers TAP in CREATE2")                              \
    X(CREATE_LENGTH, "create-length", FAULT_FROM, "answers CREATE2 with an HLEN beyond the cell")  \
    /* ntor */                                                                                     \
    X(NTOR_AUTH, "ntor-auth", FAULT_FROM, "a wrong AUTH")                                          \
    X(NTOR_KEYS, "ntor-keys", FAULT_FROM, "each key in the other direction")                       \
    X(NTOR_ID, "ntor-id", FAULT_FROM, "does not look at the identity")                             \
    X(NTOR_KEY, "ntor-key", FAULT_FROM, "does not look at which onion key is meant")               \
    X(NTOR_ZERO, "ntor-zero", FAULT_FROM, "answers an X of zeros")                                 \
    X(NTOR_LOW_ORDER, "ntor-low-order", FAULT_FROM, "answers an X of low order")                   \
    X(NTOR_SHORT, "ntor-short", FAULT_FROM, "answers a skin that is too short")                    \
    X(NTOR_LONG, "ntor-long", FAULT_FROM, "answers a skin that is too long")                       \
    /* ntor-v3 */                                                                                  \
    X(NTOR3_AUTH, "ntor3-auth", FAULT_FROM, "a wrong AUTH")                                        \
    X(NTOR3_KEYS, "ntor3-keys", FAULT_FROM, "each key in the other direction")                     \
    X(NTOR3_ID, "ntor3-id", FAULT_FROM, "answers what is meant for another identity")              \
    X(NTOR3_KEY, "ntor3-key", FAULT_FROM, "answers what is meant for another onion key")           \
    X(NTOR3_MAC, "ntor3-mac", FAULT_FROM, "does not look at the MAC")                              \
    X(NTOR3_SHORT, "ntor3-short", FAULT_FROM, "answers a skin that is too short")                  \
    X(NTOR3_CUT, "ntor3-cut", FAULT_FROM, "answers extensions that end in the midst of one")       \
    X(NTOR3_KNOWN_ONLY, "ntor3-known-only", FAULT_FROM, "refuses extensions it does not know")     \
    X(NTOR3_ONCE_ONLY, "ntor3-once-only", FAULT_FROM, "refuses an extension that comes twice")     \
    X(NTOR3_CC_SILENT, "ntor3-cc-silent", FAULT_FROM, "does not answer about congestion control")  \
    X(NTOR3_CC_UNASKED, "ntor3-cc-unasked", FAULT_FROM, "congestion control for all")              \
    X(NTOR3_CC_INC, "ntor3-cc-inc", FAULT_FROM, "a SENDME for every 0 DATA")                       \
    X(NTOR3_SUBPROTO, "ntor3-subproto", FAULT_FROM, "ignores what subprotocols are asked for")     \
    X(NTOR3_SUBPROTO_AMONG, "ntor3-subproto-among", FAULT_FROM, "looks at the first of them only") \
    X(NTOR3_CGO, "ntor3-cgo", FAULT_FROM, "says yes to CGO, and does without it")                  \
    X(NTOR3_CGO_ALONE, "ntor3-cgo-alone", FAULT_FROM, "so without congestion control only")        \
    X(NTOR3_SUBPROTO_ODD, "ntor3-subproto-odd", FAULT_FROM, "ignores a malformed list of them")    \
    X(NTOR3_MOST, "ntor3-most", FAULT_FROM, "refuses messages of more than 200 bytes")             \
    X(NTOR3_EMPTY, "ntor3-empty", FAULT_FROM, "refuses a list of no extensions")

#endif
