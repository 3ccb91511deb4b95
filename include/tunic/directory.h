/* Documents of a directory server over BEGIN_DIR (dir-spec 5), and hops from descriptors. */
#ifndef TUNIC_DIRECTORY_H
#define TUNIC_DIRECTORY_H

#include <tunic/stream.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Asks the circuit's last hop for PATH ("/tor/status-vote/current/consensus") and waits for all of
 * it, decompressed: *LEN bytes (LEN may be NULL) and a NUL, for tunic_dir_free(). Nothing in it is
 * verified. Through one hop any compression is asked for, through more none, as tor does.
 *
 * NULL: see ERROR. Stage directory: REFUSED with the HTTP status as the reason (404: it has none),
 * PROTOCOL (what came is no answer), TIMEOUT. Else the stream, the circuit or the link failed. */
TUNIC_API TUNIC_MUST_USE char *tunic_dir_get(struct tunic_circuit *circuit, const char *path,
                                             size_t *len, int timeout_ms,
                                             struct tunic_error *error);
TUNIC_API void tunic_dir_free(char *document);

struct tunic_descriptor;

/* The server descriptor (dir-spec 2.1) of the relay WHO in LEN bytes of TEXT: its nickname or its
 * fingerprint in hex; NULL: the first one. Its signatures are not checked: the keys are whatever
 * the text says. NULL: see ERROR (stage directory; REFUSED with 404: there is none; PROTOCOL:
 * something that extending needs is missing or malformed). */
TUNIC_API TUNIC_MUST_USE struct tunic_descriptor *tunic_descriptor_find(const char *text,
                                                                        size_t len, const char *who,
                                                                        struct tunic_error *error);
TUNIC_API void tunic_descriptor_free(struct tunic_descriptor *descriptor);

/* What extending to that relay needs; valid as long as the descriptor. */
TUNIC_API const struct tunic_hop *tunic_descriptor_hop(const struct tunic_descriptor *descriptor);
TUNIC_API const char *tunic_descriptor_nickname(const struct tunic_descriptor *descriptor);

/* tunic_descriptor_find(), and then with it tunic_relay_connect() (at its IPv4 address, with the
 * identities it names) and tunic_circuit_extend() (or the first hop of CIRCUIT). */
TUNIC_API TUNIC_MUST_USE struct tunic_relay *tunic_relay_connect_to(struct tunic *t,
                                                                    const char *text, size_t len,
                                                                    const char *who, int timeout_ms,
                                                                    struct tunic_error *error);
TUNIC_API TUNIC_MUST_USE int tunic_circuit_extend_to(struct tunic_circuit *circuit,
                                                     enum tunic_handshake handshake,
                                                     const char *text, size_t len, const char *who,
                                                     int timeout_ms, struct tunic_error *error);

#ifdef __cplusplus
}
#endif

#endif
