/* Faults of a relay that cannot bear odd peers; part of the list in faults.h. One that is "gone"
 * takes no notice of any cell, on any connection. */
#ifndef TUNIC_FAULTS_LIST_ROBUST_H
#define TUNIC_FAULTS_LIST_ROBUST_H

#define FAULTS_ROBUST(X)                                                                        \
    X(GONE_AFTER_NO_TLS, "gone-after-no-tls", FAULT_FROM, "is gone after TLS failed")           \
    X(GONE_AFTER_TLS_CUT, "gone-after-tls-cut", FAULT_FROM, "is gone after TLS was cut off")    \
    X(GONE_AFTER_HANDSHAKE, "gone-after-handshake", FAULT_FROM,                                 \
      "is gone after a link handshake was cut off")                                             \
    X(GONE_AFTER_HALF, "gone-after-half", FAULT_FROM, "is gone after a cell was cut off")       \
    X(GONE_AFTER_CIRCUIT, "gone-after-circuit", FAULT_FROM,                                     \
      "is gone after a link with circuits ended")                                               \
    X(ONE_HANDSHAKE, "one-handshake", FAULT_FROM, "is gone while a link handshake is not over") \
    X(ONE_CELL, "one-cell", FAULT_FROM, "is gone while a link has half a cell to come")         \
    X(KEEPS_NO_TLS, "keeps-no-tls", FAULT_FROM, "does not close if TLS fails")                  \
    X(KEEPS_GARBAGE, "keeps-garbage", FAULT_FROM, "does not close if no VERSIONS comes")        \
    X(WHOLE_CELLS, "whole-cells", FAULT_FROM, "closes if a cell comes in pieces")               \
    X(VPADDING_LONG, "vpadding-long", FAULT_FROM, "closes on VPADDING of over 16 kB")           \
    X(VPADDING_EMPTY, "vpadding-empty", FAULT_FROM, "closes on VPADDING of no bytes")           \
    X(PADDING_ENOUGH, "padding-enough", FAULT_FROM, "closes on the N-th padding cell")          \
    X(CREATE_ENOUGH, "create-enough", FAULT_FROM, "takes no notice of the N-th CREATE")

#endif
