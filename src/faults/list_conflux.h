/* Faults of an exit whose circuits are joined by conflux (proposal 329); part of the list in
 * faults.h. */
#ifndef TUNIC_FAULTS_LIST_CONFLUX_H
#define TUNIC_FAULTS_LIST_CONFLUX_H

#define FAULTS_CONFLUX(X)                                                                    \
    /* the occasion is a CONFLUX_LINKED that is due (or what the text says) */               \
    X(CONFLUX_NO_LINKED, "conflux-no-linked", FAULT_FROM, "never answers CONFLUX_LINK")      \
    X(CONFLUX_LINKED_TWICE, "conflux-linked-twice", FAULT_FROM, "says CONFLUX_LINKED twice") \
    X(CONFLUX_LINKED_OTHER, "conflux-linked-other", FAULT_FROM,                              \
      "CONFLUX_LINKED of another set: the last byte of its nonce differs")                   \
    X(CONFLUX_LINKED_LOSES, "conflux-linked-loses", FAULT_FROM,                              \
      "CONFLUX_LINKED speaks of a message that was never sent to the client")                \
    X(CONFLUX_LINKED_COUNTS, "conflux-linked-counts", FAULT_FROM,                            \
      "CONFLUX_LINKED speaks of a message that the client never sent")                       \
    X(CONFLUX_LINK_BACK, "conflux-link-back", FAULT_FROM, "says CONFLUX_LINK, too")          \
    X(CONFLUX_SWITCHES, "conflux-switches", FAULT_AT,                                        \
      "CONFLUX_SWITCH upon CONFLUX_SWITCH before the N-th DATA of a set")                    \
    X(CONFLUX_SWITCH_FAR, "conflux-switch-far", FAULT_AT,                                    \
      "CONFLUX_SWITCH over messages that there are not, before the N-th DATA of a set")      \
    X(CONFLUX_FLOOD, "conflux-flood", FAULT_AT,                                              \
      "the same, and 60 messages that can never have their turn")                            \
    X(CONFLUX_SWITCH_LOST, "conflux-switch-lost", FAULT_AT, "does not say the N-th CONFLUX_SWITCH")

#endif
