/* Faults of how circuits go on and end, one for each rule that `tunic check` tries; part of the
 * list in faults.h. The occasion is a message or cell of the kind in question. */
#ifndef TUNIC_FAULTS_LIST_EXTEND_H
#define TUNIC_FAULTS_LIST_EXTEND_H

#define FAULTS_EXTEND(X)                                                                           \
    /* EXTEND2 that it should follow */                                                            \
    X(EXTEND_GARBLED, "extend-garbled", FAULT_FROM, "changes what it hands back in EXTENDED2")     \
    X(EXTEND_NO_FORWARD, "extend-no-forward", FAULT_FROM, "passes nothing on to the next node")    \
    X(EXTEND_BARE, "extend-bare", FAULT_FROM, "passes cells back without its layer")               \
    X(EXTEND_DEAF, "extend-deaf", FAULT_FROM, "passes on what is for it, if there is a next node") \
    X(EXTEND_NTOR_ONLY, "extend-ntor-only", FAULT_FROM, "refuses handshakes other than ntor")      \
    X(EXTEND_ONE, "extend-one", FAULT_FROM, "extends no circuit while another is extended")        \
    X(EXTEND_KNOWN_ONLY, "extend-known-only", FAULT_FROM, "refuses unknown link specifiers")       \
    X(EXTEND_LAST_ADDRESS, "extend-last-address", FAULT_FROM, "goes to the last address")          \
    X(EXTEND_NEEDS_ED, "extend-needs-ed", FAULT_FROM, "refuses if no Ed25519 identity is given")   \
    X(EXTEND_ZERO_ED, "extend-zero-ed", FAULT_FROM, "refuses an Ed25519 identity of zeros")        \
    X(EXTEND_REDIAL, "extend-redial", FAULT_FROM, "a new connection for each circuit")             \
    /* EXTEND2 that it should not follow */                                                        \
    X(EXTEND_LATE, "extend-late", FAULT_FROM, "follows EXTEND2 in RELAY")                          \
    X(EXTEND_ITSELF, "extend-itself", FAULT_FROM, "answers if it is to extend to itself")          \
    X(EXTEND_ZERO_RSA, "extend-zero-rsa", FAULT_FROM, "answers if the RSA identity is zeros")      \
    X(EXTEND_NO_RSA, "extend-no-rsa", FAULT_FROM, "answers if there is no RSA identity")           \
    X(EXTEND_TWO_RSA, "extend-two-rsa", FAULT_FROM, "answers if there are two")                    \
    X(EXTEND_TWO_ED, "extend-two-ed", FAULT_FROM, "answers if there are two Ed25519 identities")   \
    X(EXTEND_ANY_RSA, "extend-any-rsa", FAULT_FROM, "does not look who the next node is, by RSA")  \
    X(EXTEND_ANY_ED, "extend-any-ed", FAULT_FROM, "does not look who it is, by Ed25519")           \
    X(EXTEND_NO_ADDRESS, "extend-no-address", FAULT_FROM, "answers if there is no address")        \
    X(EXTEND_PORT_ZERO, "extend-port-zero", FAULT_FROM, "answers if the port is 0")                \
    X(EXTEND_SPEC_LENGTH, "extend-spec-length", FAULT_FROM, "answers if a specifier is too short") \
    X(EXTEND_CUT, "extend-cut", FAULT_FROM, "answers if there are too few specifiers")             \
    X(EXTEND_LENGTH, "extend-length", FAULT_FROM, "answers if HLEN is beyond the message")         \
    X(EXTEND_TAP, "extend-tap", FAULT_FROM, "answers TAP")                                         \
    X(EXTEND_RESERVED, "extend-reserved", FAULT_FROM, "answers handshake type 1")                  \
    X(EXTEND_TWICE, "extend-twice", FAULT_FROM, "answers if the circuit goes on already")          \
    X(EXTEND_BACK, "extend-back", FAULT_FROM, "answers if it is to extend back")                   \
    X(EXTEND_SILENT, "extend-silent", FAULT_FROM, "says nothing if the next node is not there")    \
    X(EXTEND_NO_REASON, "extend-no-reason", FAULT_FROM, "refuses without a reason")                \
    /* RELAY_EARLY */                                                                              \
    X(EARLY_SEVEN, "early-seven", FAULT_FROM, "takes 7 RELAY_EARLY cells only")                    \
    X(EARLY_MANY, "early-many", FAULT_FROM, "takes any number of them")                            \
    X(EARLY_SHARED, "early-shared", FAULT_FROM, "counts them over all circuits of a connection")   \
    X(EARLY_EXTEND_ONLY, "early-extend-only", FAULT_FROM, "drops what is in them but EXTEND2")     \
    X(EARLY_BACK, "early-back", FAULT_FROM, "sends RELAY_EARLY to the client")                     \
    X(EARLY_DEMOTE, "early-demote", FAULT_FROM, "passes them on as RELAY")                         \
    X(EARLY_PROMOTE, "early-promote", FAULT_FROM, "passes RELAY on as RELAY_EARLY")                \
    /* TRUNCATE and DESTROY */                                                                     \
    X(TRUNCATE_SILENT, "truncate-silent", FAULT_FROM, "does not answer TRUNCATE")                  \
    X(TRUNCATE_REASON, "truncate-reason", FAULT_FROM, "answers it with reason 0")                  \
    X(TRUNCATE_ENDS, "truncate-ends", FAULT_FROM, "the circuit ends with it")                      \
    X(TRUNCATE_FINAL, "truncate-final", FAULT_FROM, "refuses EXTEND2 afterwards")                  \
    X(TRUNCATE_LAST, "truncate-last", FAULT_FROM, "does not answer it if no node comes after")     \
    X(DESTROY_IGNORED, "destroy-ignored", FAULT_FROM, "does nothing about DESTROY")                \
    X(DESTROY_ECHO, "destroy-echo", FAULT_FROM, "answers DESTROY with DESTROY")                    \
    X(DESTROY_DATA, "destroy-data", FAULT_FROM, "answers cells behind DESTROY")                    \
    X(DESTROY_TWICE, "destroy-twice", FAULT_FROM, "a second DESTROY ends the connection")          \
    X(DESTROY_REASON, "destroy-reason", FAULT_FROM, "does nothing if it does not know the reason") \
    X(DESTROY_ALL, "destroy-all", FAULT_FROM, "ends all circuits of the connection")               \
    X(DESTROY_END, "destroy-end", FAULT_FROM, "sends END for a stream afterwards")                 \
    X(DESTROY_NEXT_ALL, "destroy-next-all", FAULT_FROM,                                            \
      "ends all circuits of the next connection")                                                  \
    X(DESTROY_NEXT_SILENT, "destroy-next-silent", FAULT_FROM,                                      \
      "says nothing if the next node has ended it")                                                \
    X(DESTROY_NEXT_REASON, "destroy-next-reason", FAULT_FROM,                                      \
      "tells the client why the next node has ended it")

#endif
