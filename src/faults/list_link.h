/* Faults of a link: its TLS, its handshake, its certificates, its padding, and what is made of
 * cells that belong to no circuit; part of the list in faults.h. */
#ifndef TUNIC_FAULTS_LIST_LINK_H
#define TUNIC_FAULTS_LIST_LINK_H

/* What it says in the link handshake. */
#define FAULTS_HELLO(X)                                                                            \
    X(LINK_NO_VERSIONS, "link-no-versions", FAULT_FROM, "sends no VERSIONS")                       \
    X(LINK_NO_COMMON_VERSION, "link-no-common-version", FAULT_FROM, "VERSIONS lists 1 and 2 only") \
    X(LINK_NO_CERTS, "link-no-certs", FAULT_FROM, "leaves out CERTS")                              \
    X(LINK_CERTS_TWICE, "link-certs-twice", FAULT_FROM, "sends CERTS twice")                       \
    X(LINK_CERT_EXPIRED, "link-cert-expired", FAULT_FROM, "its signing key is out of date")        \
    X(LINK_CERT_WRONG_TLS, "link-cert-wrong-tls", FAULT_FROM, "CERTS is about another TLS key")    \
    X(LINK_OTHER_ED, "link-other-ed", FAULT_FROM, "shows another Ed25519 identity")                \
    X(LINK_CERTS_LATE, "link-certs-late", FAULT_FROM, "CERTS comes after NETINFO")                 \
    X(LINK_NO_NETINFO, "link-no-netinfo", FAULT_FROM, "stalls before NETINFO")                     \
    X(LINK_CLOCK, "link-clock", FAULT_FROM, "NETINFO's time is N hours ahead")                     \
    X(HELLO_NO_5, "hello-no-5", FAULT_FROM, "VERSIONS lists 3 and 4 only")                         \
    X(HELLO_OLD, "hello-old", FAULT_FROM, "VERSIONS lists 2, too")                                 \
    X(HELLO_NO_CHALLENGE, "hello-no-challenge", FAULT_FROM, "leaves out AUTH_CHALLENGE")           \
    X(HELLO_CHALLENGE_SHORT, "hello-challenge-short", FAULT_FROM,                                  \
      "AUTH_CHALLENGE with half of a challenge")                                                   \
    X(HELLO_CHALLENGE_METHOD, "hello-challenge-method", FAULT_FROM,                                \
      "AUTH_CHALLENGE lists method 1 only")                                                        \
    X(HELLO_CHALLENGE_SAME, "hello-challenge-same", FAULT_FROM, "always the same challenge")       \
    X(HELLO_CHALLENGE_TWICE, "hello-challenge-twice", FAULT_FROM, "sends AUTH_CHALLENGE twice")    \
    X(HELLO_NETINFO_MALFORMED, "hello-netinfo-malformed", FAULT_FROM,                              \
      "NETINFO's addresses go on behind its end")                                                  \
    X(HELLO_NETINFO_TWICE, "hello-netinfo-twice", FAULT_FROM, "sends NETINFO twice")               \
    X(HELLO_NETINFO_OTHER, "hello-netinfo-other", FAULT_FROM,                                      \
      "NETINFO says that the peer is 0.0.0.0")                                                     \
    X(HELLO_NETINFO_NO_MINE, "hello-netinfo-no-mine", FAULT_FROM,                                  \
      "NETINFO has no address of its own")                                                         \
    X(HELLO_NETINFO_MINE, "hello-netinfo-mine", FAULT_FROM,                                        \
      "NETINFO has 0.0.0.0 as its own address")                                                    \
    X(HELLO_CHALLENGE_FIRST, "hello-challenge-first", FAULT_FROM,                                  \
      "AUTH_CHALLENGE comes before CERTS")                                                         \
    X(HELLO_CIRCUIT_ID, "hello-circuit-id", FAULT_FROM, "NETINFO has a circuit id")

/* What it makes of cells of the link. */
#define FAULTS_CELLS(X)                                                                           \
    X(VERSIONS_STRICT, "versions-strict", FAULT_FROM, "closes if VERSIONS has unknown versions")  \
    X(VERSIONS_ANY, "versions-any", FAULT_FROM, "goes on without a version in common")            \
    X(VERSIONS_ODD, "versions-odd", FAULT_FROM, "takes VERSIONS of an odd length")                \
    X(VERSIONS_EMPTY, "versions-empty", FAULT_FROM, "takes VERSIONS without any")                 \
    X(VERSIONS_TWICE, "versions-twice", FAULT_FROM, "closes on a second VERSIONS")                \
    X(VERSIONS_LOWEST, "versions-lowest", FAULT_FROM, "picks the lowest version in common")       \
    X(VERSIONS_LAST, "versions-last", FAULT_FROM, "picks the last version that it knows")         \
    X(VERSIONS_NO_3, "versions-no-3", FAULT_FROM, "does not speak version 3")                     \
    X(VERSIONS_NO_4, "versions-no-4", FAULT_FROM, "does not speak version 4")                     \
    X(NETINFO_DEMANDS_AUTH, "netinfo-demands-auth", FAULT_FROM,                                   \
      "closes on NETINFO of a peer that does not prove itself")                                   \
    X(NETINFO_STRICT, "netinfo-strict", FAULT_FROM, "closes if there are bytes behind NETINFO")   \
    X(NETINFO_TYPES, "netinfo-types", FAULT_FROM,                                                 \
      "closes if NETINFO has an address of an unknown type")                                      \
    X(NETINFO_LENGTHS, "netinfo-lengths", FAULT_FROM,                                             \
      "closes if NETINFO has an address of a wrong length")                                       \
    X(NETINFO_NO_IPV6, "netinfo-no-ipv6", FAULT_FROM, "closes if NETINFO has an IPv6 address")    \
    X(NETINFO_CLOCK, "netinfo-clock", FAULT_FROM,                                                 \
      "closes if NETINFO has a time that is not its own")                                         \
    X(NETINFO_AGAIN, "netinfo-again", FAULT_FROM, "closes on a second NETINFO")                   \
    X(FIRST_CREATE, "first-create", FAULT_FROM, "ignores CREATE_FAST before VERSIONS")            \
    X(FIRST_CERTS, "first-certs", FAULT_FROM, "ignores CERTS before VERSIONS")                    \
    X(FIRST_VPADDING, "first-vpadding", FAULT_FROM, "closes on VPADDING before VERSIONS")         \
    X(FIRST_AUTHORIZE, "first-authorize", FAULT_FROM, "closes on AUTHORIZE before VERSIONS")      \
    X(EARLY_VPADDING, "early-vpadding", FAULT_FROM, "closes on VPADDING before NETINFO")          \
    X(EARLY_PADDING, "early-padding", FAULT_FROM, "ignores PADDING before NETINFO")               \
    X(EARLY_CREATE, "early-create", FAULT_FROM, "ignores CREATE_FAST before NETINFO")             \
    X(EARLY_AUTHENTICATE, "early-authenticate", FAULT_FROM, "ignores AUTHENTICATE without CERTS") \
    X(EARLY_CERTS, "early-certs", FAULT_FROM, "ignores CERTS that are malformed")                 \
    X(OPEN_PADDING, "open-padding", FAULT_FROM, "closes on PADDING")                              \
    X(OPEN_VPADDING, "open-vpadding", FAULT_FROM, "closes on VPADDING")                           \
    X(OPEN_UNKNOWN, "open-unknown", FAULT_FROM, "closes on an unknown cell of fixed size")        \
    X(OPEN_UNKNOWN_VARIABLE, "open-unknown-variable", FAULT_FROM,                                 \
      "closes on an unknown cell of variable size")                                               \
    X(OPEN_CERTS, "open-certs", FAULT_FROM, "ignores CERTS after NETINFO")                        \
    X(OPEN_CHALLENGE, "open-challenge", FAULT_FROM, "ignores AUTH_CHALLENGE")                     \
    X(STRAY_RELAY, "stray-relay", FAULT_FROM, "closes on RELAY for a circuit that there is not")  \
    X(STRAY_DESTROY, "stray-destroy", FAULT_FROM,                                                 \
      "closes on DESTROY for a circuit that there is not")                                        \
    X(STRAY_CREATED, "stray-created", FAULT_FROM,                                                 \
      "closes on CREATED_FAST for a circuit that there is not")                                   \
    X(CREATE_ZERO, "create-zero", FAULT_FROM, "makes a circuit over CREATE_FAST without an id")   \
    X(CREATE_LOW, "create-low", FAULT_FROM, "makes a circuit whose id is of its own half")

/* What it makes of PADDING_NEGOTIATE. */
#define FAULTS_PADDING(X)                                                                \
    X(PADDING_REFUSED, "padding-refused", FAULT_FROM, "closes on PADDING_NEGOTIATE")     \
    X(PADDING_VERSION, "padding-version", FAULT_FROM,                                    \
      "closes on PADDING_NEGOTIATE of an unknown version")                               \
    X(PADDING_COMMAND, "padding-command", FAULT_FROM,                                    \
      "closes on PADDING_NEGOTIATE with an unknown command")                             \
    X(PADDING_LINK_4, "padding-link-4", FAULT_FROM,                                      \
      "closes on PADDING_NEGOTIATE under link protocol 4")                               \
    X(PADDING_NONE, "padding-none", FAULT_FROM, "does not pad, whatever was negotiated") \
    X(PADDING_HASTY, "padding-hasty", FAULT_FROM,                                        \
      "pads by its own timeouts, whatever was negotiated")                               \
    X(PADDING_STOP, "padding-stop", FAULT_FROM, "pads on after STOP")                    \
    X(PADDING_DIRECTORY, "padding-directory", FAULT_FROM,                                \
      "pads links that carry no circuits of several hops")

/* The certificates that it shows. */
#define FAULTS_CERTS(X)                                                                        \
    X(CERTS_FORM, "certs-form", FAULT_FROM, "CERTS ends within its last certificate")          \
    X(CERTS_NO_RSA_ID, "certs-no-rsa-id", FAULT_FROM, "CERTS without the RSA identity")        \
    X(CERTS_NO_SIGNING, "certs-no-signing", FAULT_FROM, "CERTS without the signing key")       \
    X(CERTS_NO_LINK, "certs-no-link", FAULT_FROM, "CERTS without the TLS certificate")         \
    X(CERTS_NO_CROSS, "certs-no-cross", FAULT_FROM, "CERTS without the cross-certificate")     \
    X(CERTS_TWO_LINKS, "certs-two-links", FAULT_FROM, "CERTS with two certificates of type 5") \
    X(CERTS_RSA_BITS, "certs-rsa-bits", FAULT_FROM, "an RSA identity of 1536 bits")            \
    X(CERTS_RSA_EXPIRED, "certs-rsa-expired", FAULT_FROM, "the RSA identity is out of date")   \
    X(CERTS_RSA_SIGNATURE, "certs-rsa-signature", FAULT_FROM,                                  \
      "the RSA identity is not signed by itself")                                              \
    X(CERTS_SIGNING_NO_KEY, "certs-signing-no-key", FAULT_FROM,                                \
      "the Ed25519 identity is not in its certificate")                                        \
    X(CERTS_SIGNING_SIGNATURE, "certs-signing-signature", FAULT_FROM,                          \
      "the signing key is not signed by the identity")                                         \
    X(CERTS_LINK_KEY_TYPE, "certs-link-key-type", FAULT_FROM,                                  \
      "the TLS certificate passes for an Ed25519 key")                                         \
    X(CERTS_LINK_EXPIRED, "certs-link-expired", FAULT_FROM,                                    \
      "the certificate of the TLS certificate is out of date")                                 \
    X(CERTS_LINK_SIGNATURE, "certs-link-signature", FAULT_FROM,                                \
      "the TLS certificate is not signed by the signing key")                                  \
    X(CERTS_CROSS_EXPIRED, "certs-cross-expired", FAULT_FROM,                                  \
      "the cross-certificate is out of date")                                                  \
    X(CERTS_CROSS_SIGNATURE, "certs-cross-signature", FAULT_FROM,                              \
      "the cross-certificate is not signed by the RSA identity")                               \
    X(CERTS_CROSS_OTHER, "certs-cross-other", FAULT_FROM,                                      \
      "the cross-certificate is about another Ed25519 identity")

/* Its TLS, and how it reads cells out of it. */
#define FAULTS_TLS(X)                                                                         \
    X(TLS_NO_1_3, "tls-no-1-3", FAULT_FROM, "does not speak TLS 1.3")                         \
    X(TLS_NO_1_2, "tls-no-1-2", FAULT_FROM, "does not speak TLS 1.2")                         \
    X(TLS_1_1, "tls-1-1", FAULT_FROM, "speaks TLS 1.1")                                       \
    X(TLS_ASKS_CERT, "tls-asks-cert", FAULT_FROM, "asks for a TLS certificate of the client") \
    X(TLS_TWO_CERTS, "tls-two-certs", FAULT_FROM, "shows two TLS certificates")               \
    X(TLS_V2_CERT, "tls-v2-cert", FAULT_FROM, "shows a TLS certificate of the old handshake") \
    X(TLS_OLD_CERT, "tls-old-cert", FAULT_FROM, "its TLS certificate is out of date")         \
    X(TLS_SMALL_KEY, "tls-small-key", FAULT_FROM, "its TLS key is RSA of 1024 bits")          \
    X(TLS_RESUMES, "tls-resumes", FAULT_FROM, "resumes TLS sessions")                         \
    X(TLS_RENEGOTIATES, "tls-renegotiates", FAULT_FROM, "renegotiates TLS")                   \
    X(TLS_STATIC_RSA, "tls-static-rsa", FAULT_FROM, "speaks TLS without ephemeral keys")      \
    X(TLS_NULL, "tls-null", FAULT_FROM, "speaks TLS without encryption")                      \
    X(TLS_NO_TRICKLE, "tls-no-trickle", FAULT_FROM, "closes if a single byte comes")          \
    X(TLS_NO_SPLIT, "tls-no-split", FAULT_FROM, "closes if a cell goes on in another record") \
    X(TLS_NO_MERGE, "tls-no-merge", FAULT_FROM, "forgets what is behind a cell in a record")  \
    X(TLS_NO_END, "tls-no-end", FAULT_FROM, "does not notice the end of TLS")

#define FAULTS_LINK(X) \
    FAULTS_TLS(X) FAULTS_HELLO(X) FAULTS_CELLS(X) FAULTS_PADDING(X) FAULTS_CERTS(X)

#endif
