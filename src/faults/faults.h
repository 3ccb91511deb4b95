/* Faults: every way in which a node of a test network can be told to break the protocol. A relay
 * without faults keeps every rule; a fault breaks the one rule that its line names.
 *
 * Each is a switch with a number: 0 off; otherwise it acts from the N-th occasion on (1: the
 * first), if its kind is FAULT_FROM, or on the N-th occasion only, if FAULT_AT. What an occasion
 * is, the line says. */
#ifndef TUNIC_FAULTS_FAULTS_H
#define TUNIC_FAULTS_FAULTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "faults/list_create.h"
#include "faults/list_dir.h"
#include "faults/list_extend.h"
#include "faults/list_relay.h"
#include "faults/list_robust.h"

/* X(NAME, "name-on-the-command-line", FAULT_FROM or FAULT_AT, "what the node does wrong") */
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
    X(CIRC_UNKNOWN_COMMAND, "circ-unknown-command", FAULT_AT, "command 200 as the N-th message")  \
    X(CIRC_BAD_LENGTH, "circ-bad-length", FAULT_AT, "a length over the cell in the N-th message") \
    X(CIRC_NO_SENDME, "circ-no-sendme", FAULT_FROM, "never sends a SENDME")                       \
    X(CIRC_CONFLUX, "circ-conflux", FAULT_AT,                                                     \
      "CONFLUX_LINKED, unasked, before the N-th CONNECTED")                                       \
    X(CIRC_FLOOD, "circ-flood", FAULT_FROM, "N thousand DROP cells after a stream opens")

#define FAULTS_STREAM(X)                                                                          \
    /* streams; the occasion is a stream */                                                       \
    X(STREAM_END_EMPTY, "stream-end-empty", FAULT_FROM, "END without a reason")                   \
    X(STREAM_END_INTERNAL, "stream-end-internal", FAULT_FROM, "END with reason 15")               \
    X(STREAM_END_REASON, "stream-end-reason", FAULT_FROM, "answers BEGIN with END of reason N")   \
    X(STREAM_SILENT, "stream-silent", FAULT_FROM, "never answers BEGIN")                          \
    X(STREAM_CONNECTED_TWICE, "stream-connected-twice", FAULT_FROM, "CONNECTED twice")            \
    X(STREAM_DATA_FIRST, "stream-data-first", FAULT_FROM, "DATA before CONNECTED")                \
    X(STREAM_WRONG_ID, "stream-wrong-id", FAULT_FROM, "CONNECTED under an id nobody asked for")   \
    X(STREAM_ZERO_ID, "stream-zero-id", FAULT_FROM, "DATA with stream id 0")                      \
    X(STREAM_DATA_AFTER_END, "stream-data-after-end", FAULT_FROM, "DATA after END")               \
    X(STREAM_CONNECTED_SHORT, "stream-connected-short", FAULT_FROM, "CONNECTED with 3 bytes")     \
    X(STREAM_RESOLVED_BAD, "stream-resolved-bad", FAULT_FROM, "RESOLVED that ends in mid-answer") \
    X(STREAM_RESOLVE_XOFF, "stream-resolve-xoff", FAULT_FROM,                                     \
      "XOFF for a look-up, which has no data")                                                    \
    X(STREAM_XOFF, "stream-xoff", FAULT_FROM, "XOFF though congestion control is off")

#define FAULTS_DIR(X)                                                                              \
    /* directory; the occasion is a request */                                                     \
    X(DIR_SILENT, "dir-silent", FAULT_FROM, "never answers a request")                             \
    X(DIR_404, "dir-404", FAULT_FROM, "has nothing")                                               \
    X(DIR_503, "dir-503", FAULT_FROM, "is always busy")                                            \
    X(DIR_GARBAGE, "dir-garbage", FAULT_FROM, "bytes that are no HTTP")                            \
    X(DIR_TRUNCATED, "dir-truncated", FAULT_FROM, "half of the body")                              \
    X(DIR_BOMB, "dir-bomb", FAULT_FROM, "a few kB that decompress to a GB")                        \
    X(DIR_CONCATENATED, "dir-concatenated", FAULT_FROM, "a body of many small compressed streams") \
    X(DIR_ZLIB_CUT, "dir-zlib-cut", FAULT_FROM,                                                    \
      "a zlib stream cut before its end, said to be whole")                                        \
    X(DIR_UNSIGNED, "dir-unsigned", FAULT_FROM, "a consensus with one signature")                  \
    X(DIR_BAD_DIGEST_ALG, "dir-bad-digest-alg", FAULT_FROM, "signatures over an unknown digest")   \
    X(DIR_FORGED, "dir-forged", FAULT_FROM, "a consensus changed after it was signed")             \
    X(DIR_OLD, "dir-old", FAULT_FROM, "a consensus that has expired")                              \
    X(DIR_FUTURE, "dir-future", FAULT_FROM, "a consensus from the future")                         \
    X(DIR_WRONG_MICRODESC, "dir-wrong-microdesc", FAULT_FROM, "microdescriptors nobody asked for") \
    X(DIR_BAD_UTF8, "dir-bad-utf8", FAULT_FROM, "bytes over 127 where text belongs")               \
    X(DIR_EVIL_ADDRESS, "dir-evil-address", FAULT_FROM, "relays at 0.0.0.0 in the consensus")      \
    X(DIR_DRIP, "dir-drip", FAULT_FROM, "a body at 1 byte in N seconds")

/* A line for each, so that additions do not collide. */
/* clang-format off */
#define FAULT_LIST(X) \
    FAULTS_LINK(X) \
    FAULTS_CREATE(X) \
    FAULTS_CIRC(X) \
    FAULTS_RELAY(X) \
    FAULTS_STREAM(X) \
    FAULTS_DIR(X) \
    FAULTS_DIR_DOCS(X) \
    FAULTS_DIR_HTTP(X) \
    FAULTS_ROBUST(X) \
    FAULTS_EXTEND(X)
/* clang-format on */

enum fault {
#define X(name, text, kind, what) FAULT_##name,
    FAULT_LIST(X)
#undef X
        FAULTS
};

enum fault_kind { FAULT_FROM, FAULT_AT };

struct faults {
    uint32_t n[FAULTS];    /* the switch; 0: off */
    uint32_t seen[FAULTS]; /* occasions so far */
};

struct node;
struct testnet;

/* The switches of N, to be set at any time: the first call makes N a node that can be at fault.
 * NULL out of memory. */
struct faults *faults_of(struct node *n);
/* That for each node: to be called before links come in, which stay honest as links otherwise.
 * ERR_NOMEM. */
MUST_USE err_t faults_attach(struct testnet *t);

/* An occasion for FAULT: whether to break the rule now. */
bool fault_now(struct faults *f, enum fault fault);

/* "name" or "name=N". ERR_NOT_FOUND, ERR_MALFORMED (N). */
MUST_USE err_t fault_set(struct faults *f, const char *text);
const char *fault_name(enum fault fault);
const char *fault_text(enum fault fault);

#endif
