/* Faults of circuits, relay messages and streams; most break one rule that `tunic check` tries.
 * Part of the list in faults.h. Where the text says N, N is not an occasion. */
#ifndef TUNIC_FAULTS_LIST_RELAY_H
#define TUNIC_FAULTS_LIST_RELAY_H

#define FAULTS_MESSAGES(X)                                                                        \
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
    X(RELAY_TIDIES_UP, "relay-tidies-up", FAULT_AT,                                               \
      "takes a circuit for idle when the N-th message comes, and ends it")                        \
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
      "answers about another padding machine")                                                    \
    X(RELAY_NO_PADDING, "relay-no-padding", FAULT_FROM, "its padding machines send no padding")   \
    X(RELAY_PADS_ON, "relay-pads-on", FAULT_FROM, "does not end a padding machine when told to")

#define FAULTS_STREAMS(X)                                                                       \
    X(STREAMS_CONNECTED_BODY, "streams-connected-body", FAULT_FROM,                             \
      "CONNECTED with an address, for BEGIN_DIR")                                               \
    X(STREAMS_NO_DIR, "streams-no-dir", FAULT_FROM,                                             \
      "is no directory: END(NOTDIRECTORY) to BEGIN_DIR")                                        \
    X(STREAMS_DIR_BODY, "streams-dir-body", FAULT_FROM, "refuses BEGIN_DIR with a body")        \
    X(STREAMS_NO_EARLY_DATA, "streams-no-early-data", FAULT_FROM,                               \
      "loses the first DATA of a stream")                                                       \
    X(STREAMS_SMALL_IDS, "streams-small-ids", FAULT_FROM, "drops BEGIN_DIR with a large id")    \
    X(STREAMS_TWICE, "streams-twice", FAULT_FROM, "says CONNECTED for an id that is in use")    \
    X(STREAMS_MIXED, "streams-mixed", FAULT_FROM, "all DATA goes to one stream of the circuit") \
    X(STREAMS_FEW, "streams-few", FAULT_FROM, "at most N streams in a circuit")                 \
    X(STREAMS_DIR_END, "streams-dir-end", FAULT_FROM, "ends directory streams with reason N")   \
    X(STREAMS_DIR_DATA_AFTER_END, "streams-dir-data-after-end", FAULT_FROM,                     \
      "DATA after END of a directory stream")                                                   \
    X(STREAMS_END_KNOWN_ONLY, "streams-end-known-only", FAULT_FROM,                             \
      "destroys a circuit over END with an unknown reason")                                     \
    X(STREAMS_END_EMPTY_BREAKS, "streams-end-empty-breaks", FAULT_FROM,                         \
      "destroys a circuit over END without a reason")                                           \
    X(STREAMS_END_EXACT, "streams-end-exact", FAULT_FROM, "drops END with half an address")     \
    X(STREAMS_ONE_HOP, "streams-one-hop", FAULT_FROM, "BEGIN is fine on a circuit of one hop")  \
    X(STREAMS_BEGIN_LAX, "streams-begin-lax", FAULT_FROM, "CONNECTED to a malformed BEGIN")     \
    X(STREAMS_RESOLVE_OTHER, "streams-resolve-other", FAULT_FROM,                               \
      "answers RESOLVE with an address, always the same")                                       \
    X(STREAMS_RESOLVE_KEEPS, "streams-resolve-keeps", FAULT_FROM,                               \
      "the id of a RESOLVE is in use from then on")                                             \
    X(STREAMS_RESOLVE_IN_USE, "streams-resolve-in-use", FAULT_FROM,                             \
      "answers RESOLVE with an id that is in use")

#define FAULTS_SENDME(X)                                                                         \
    X(SENDME_AFTER, "sendme-after", FAULT_FROM, "sends a SENDME for N DATA of a circuit")        \
    X(SENDME_COUNTS_DROP, "sendme-counts-drop", FAULT_FROM, "sends a SENDME for 100 DROP")       \
    X(SENDME_UNKNOWN, "sendme-unknown", FAULT_FROM, "counts only DATA of streams it knows")      \
    X(SENDME_NO_STREAM, "sendme-no-stream", FAULT_FROM, "sends no SENDMEs about streams")        \
    X(SENDME_STREAM_AFTER, "sendme-stream-after", FAULT_FROM,                                    \
      "sends a SENDME for N DATA of a stream")                                                   \
    X(SENDME_STREAM_BODY, "sendme-stream-body", FAULT_FROM,                                      \
      "its SENDMEs about streams have a body")                                                   \
    X(SENDME_TWICE, "sendme-twice", FAULT_FROM, "a SENDME opens the window by 200")              \
    X(SENDME_NO_STREAM_WINDOW, "sendme-no-stream-window", FAULT_FROM,                            \
      "sends DATA beyond the window of a stream")                                                \
    X(SENDME_ANY_TAG, "sendme-any-tag", FAULT_FROM, "takes SENDMEs with a wrong tag")            \
    X(SENDME_SHORT_TAG, "sendme-short-tag", FAULT_FROM, "takes SENDMEs with a short tag")        \
    X(SENDME_ANY_VERSION, "sendme-any-version", FAULT_FROM, "takes SENDMEs of unknown versions") \
    X(SENDME_VERSION_0, "sendme-version-0", FAULT_FROM, "takes SENDMEs of version 0")            \
    X(SENDME_UNASKED, "sendme-unasked", FAULT_FROM, "takes SENDMEs when none is due")            \
    X(SENDME_STREAM_UNASKED, "sendme-stream-unasked", FAULT_FROM,                                \
      "takes SENDMEs about streams when none is due")                                            \
    X(SENDME_CC_STREAM, "sendme-cc-stream", FAULT_FROM,                                          \
      "sends SENDMEs about streams under congestion control")                                    \
    X(SENDME_CC_STREAM_TAKEN, "sendme-cc-stream-taken", FAULT_FROM,                              \
      "takes SENDMEs about streams under congestion control")

#define FAULTS_CIRC(X)                                                                            \
    /* circuits; the occasion is a circuit (or what the text says) */                             \
    X(CIRC_DESTROY, "circ-destroy", FAULT_AT, "DESTROY instead of the N-th CREATED")              \
    X(CIRC_SILENT, "circ-silent", FAULT_FROM, "never answers CREATE")                             \
    X(CIRC_BAD_AUTH, "circ-bad-auth", FAULT_FROM, "CREATED with a wrong AUTH")                    \
    X(CIRC_SHORT_REPLY, "circ-short-reply", FAULT_FROM, "CREATED2 with a short HDATA")            \
    X(CIRC_LONG_REPLY, "circ-long-reply", FAULT_FROM, "EXTENDED2 from 509 bytes of CREATED2")     \
    X(CIRC_CREATED_TWICE, "circ-created-twice", FAULT_FROM, "sends CREATED twice")                \
    X(CIRC_TRUNCATED_EMPTY, "circ-truncated-empty", FAULT_FROM,                                   \
      "answers EXTEND2 with an empty TRUNCATED")                                                  \
    X(CIRC_EXTENDED_UNASKED, "circ-extended-unasked", FAULT_AT,                                   \
      "EXTENDED2 before the N-th answer on a stream")                                             \
    X(CIRC_SENDME_EARLY, "circ-sendme-early", FAULT_AT,                                           \
      "circuit SENDME with none due, before the N-th DATA")                                       \
    X(CIRC_SENDME_V0, "circ-sendme-v0", FAULT_FROM, "SENDMEs of version 0")                       \
    X(CIRC_SENDME_WRONG_TAG, "circ-sendme-wrong-tag", FAULT_AT, "wrong tag in the N-th SENDME")   \
    X(CIRC_IGNORE_WINDOW, "circ-ignore-window", FAULT_FROM, "sends DATA beyond both windows")     \
    X(CIRC_BAD_DIGEST, "circ-bad-digest", FAULT_AT, "the N-th backward cell is garbled")          \
    X(CIRC_CELL_TWICE, "circ-cell-twice", FAULT_AT, "the N-th backward cell comes twice")         \
    X(CIRC_CELL_LOST, "circ-cell-lost", FAULT_AT, "the N-th backward cell does not come")         \
    X(CIRC_UNKNOWN_COMMAND, "circ-unknown-command", FAULT_AT, "command 200 as the N-th message")  \
    X(CIRC_BAD_LENGTH, "circ-bad-length", FAULT_AT, "a length over the cell in the N-th message") \
    X(CIRC_NO_SENDME, "circ-no-sendme", FAULT_FROM, "never sends a SENDME")                       \
    X(CIRC_CONFLUX, "circ-conflux", FAULT_AT,                                                     \
      "CONFLUX_LINKED, unasked, before the N-th CONNECTED")                                       \
    X(CIRC_FLOOD, "circ-flood", FAULT_FROM, "N thousand DROP cells after a stream opens")

#define FAULTS_STREAM(X)                                                                           \
    /* streams; the occasion is a stream */                                                        \
    X(STREAM_END_EMPTY, "stream-end-empty", FAULT_FROM, "END without a reason")                    \
    X(STREAM_END_INTERNAL, "stream-end-internal", FAULT_FROM, "END with reason 15")                \
    X(STREAM_END_REASON, "stream-end-reason", FAULT_FROM, "answers BEGIN with END of reason N")    \
    X(STREAM_END_OPEN, "stream-end-open", FAULT_FROM, "ends streams that were open with reason N") \
    X(STREAM_SILENT, "stream-silent", FAULT_FROM, "never answers BEGIN")                           \
    X(STREAM_CONNECTED_TWICE, "stream-connected-twice", FAULT_FROM, "CONNECTED twice")             \
    X(STREAM_DATA_FIRST, "stream-data-first", FAULT_FROM, "DATA before CONNECTED")                 \
    X(STREAM_WRONG_ID, "stream-wrong-id", FAULT_FROM, "CONNECTED under an id nobody asked for")    \
    X(STREAM_ZERO_ID, "stream-zero-id", FAULT_FROM, "DATA with stream id 0")                       \
    X(STREAM_DATA_AFTER_END, "stream-data-after-end", FAULT_FROM, "DATA after END")                \
    X(STREAM_CONNECTED_SHORT, "stream-connected-short", FAULT_FROM, "CONNECTED with 3 bytes")      \
    X(STREAM_RESOLVED_BAD, "stream-resolved-bad", FAULT_FROM, "RESOLVED that ends in mid-answer")  \
    X(STREAM_RESOLVE_XOFF, "stream-resolve-xoff", FAULT_FROM,                                      \
      "XOFF for a look-up, which has no data")                                                     \
    X(STREAM_XOFF, "stream-xoff", FAULT_FROM,                                                      \
      "XOFF before any data, or without congestion control")                                       \
    X(STREAM_XON, "stream-xon", FAULT_FROM, "XON before any data, or without congestion control")  \
    X(STREAM_XOFF_UNKNOWN, "stream-xoff-unknown", FAULT_FROM, "XOFF under an id nobody asked for") \
    X(STREAM_XOFF_TWICE, "stream-xoff-twice", FAULT_FROM,                                          \
      "XOFF twice once N kB of a circuit came")                                                    \
    X(STREAM_XON_FLOOD, "stream-xon-flood", FAULT_FROM, "N XON once 500 kB of a circuit came")

#define FAULTS_RELAY(X) FAULTS_MESSAGES(X) FAULTS_STREAMS(X) FAULTS_SENDME(X)

#endif
