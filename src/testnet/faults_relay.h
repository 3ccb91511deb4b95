/* Faults of relay messages, one for each rule that `tunic check` tries; part of the list in
 * faults.h. Where the text says N, N is not an occasion. */
#ifndef TUNIC_TESTNET_FAULTS_RELAY_H
#define TUNIC_TESTNET_FAULTS_RELAY_H

#define FAULTS_RELAY(X)                                                                           \
    X(RELAY_BREAKS, "relay-breaks", FAULT_FROM, "destroys a circuit over relay command N")        \
    X(RELAY_DROPS, "relay-drops", FAULT_FROM, "does not act on relay command N")                  \
    X(RELAY_DROPS_OPEN, "relay-drops-open", FAULT_FROM,                                           \
      "does not act on relay command N about a stream that is open")                              \
    X(RELAY_ZERO_ID, "relay-zero-id", FAULT_FROM,                                                 \
      "destroys a circuit over relay command N with stream id 0")                                 \
    X(RELAY_UNKNOWN_ID, "relay-unknown-id", FAULT_FROM,                                           \
      "destroys a circuit over relay command N about a stream that there is not")                 \
    X(RELAY_LOSES, "relay-loses", FAULT_AT, "does not recognize the N-th cell that is its own")   \
    X(RELAY_COUNTS_PASSED, "relay-counts-passed", FAULT_FROM,                                     \
      "its digest takes in cells that it passed on")                                              \
    X(RELAY_ANY_DIGEST, "relay-any-digest", FAULT_FROM, "does not look at digests")               \
    X(RELAY_UNRECOGNIZED, "relay-unrecognized", FAULT_FROM, "drops cells that nobody recognizes") \
    X(RELAY_LENGTH, "relay-length", FAULT_FROM, "drops messages longer than their cell")          \
    X(RELAY_PADDING_JUDGED, "relay-padding-judged", FAULT_FROM,                                   \
      "destroys a circuit over padding that does not begin with zeros")                           \
    X(RELAY_PADDING_ZEROS, "relay-padding-zeros", FAULT_FROM, "pads with zeros only")             \
    X(RELAY_PADDING_RANDOM, "relay-padding-random", FAULT_FROM, "pads without zeros")             \
    X(RELAY_EXTEND_STREAM, "relay-extend-stream", FAULT_FROM, "follows EXTEND2 of a stream")      \
    X(RELAY_EMPTY_DATA, "relay-empty-data", FAULT_FROM, "ends a stream over DATA without data")   \
    X(RELAY_NEGOTIATED, "relay-negotiated", FAULT_FROM,                                           \
      "says yes to a padding machine that it does not have")                                      \
    X(RELAY_NEGOTIATED_OTHER, "relay-negotiated-other", FAULT_FROM,                               \
      "answers about another padding machine")

#endif
