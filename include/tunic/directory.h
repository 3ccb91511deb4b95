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

/* ---- the same by and by: several at once, with progress, in a loop of the program's own ---- */

struct tunic_dir_request;

/* Begin with TUNIC_DIR_OPTIONS_INIT. All is copied. */
struct tunic_dir_options {
    size_t size;
    const char *path;
    /* Encodings to ask for, "x-zstd, identity"; NULL: all, best first. Through more than one hop
     * nothing is asked for, whatever is said here: it would tell apart who asks. */
    const char *accept;
    int raw;     /* 1: the document as it comes, still compressed */
    size_t most; /* bytes of it, also before it is decompressed; 0: 64 MiB */
    /* OPEN: the stream is; READABLE: more has come; CLOSED: settled, one way or the other. */
    void (*callback)(void *arg, struct tunic_dir_request *request, enum tunic_event event);
    void *callback_arg;
};
#define TUNIC_DIR_OPTIONS_INIT                                         \
    {                                                                  \
        sizeof(struct tunic_dir_options), NULL, NULL, 0, 0, NULL, NULL \
    }

/* Asks. NULL: see ERROR (USAGE, SYSTEM, or why the circuit ended). */
TUNIC_API TUNIC_MUST_USE struct tunic_dir_request *tunic_dir_start(
    struct tunic_circuit *circuit, const struct tunic_dir_options *options,
    struct tunic_error *error);

/* Waits for all of it: 0, or -1 with ERROR as tunic_dir_get(); TIMEOUT: it may be waited for
 * again. */
TUNIC_API TUNIC_MUST_USE int tunic_dir_wait(struct tunic_dir_request *request, int timeout_ms,
                                            struct tunic_error *error);

/* Ends the stream if it is still there. */
TUNIC_API void tunic_dir_request_free(struct tunic_dir_request *request);

/* How many bytes of the document are there, as it comes, and in all (0: not known). */
TUNIC_API size_t tunic_dir_received(const struct tunic_dir_request *request);
TUNIC_API size_t tunic_dir_expected(const struct tunic_dir_request *request);

/* The document, *LEN bytes (and no NUL behind them), valid as long as the handle; NULL: it is not
 * all there. */
TUNIC_API const char *tunic_dir_document(const struct tunic_dir_request *request, size_t *len);
/* How it came: "identity", "deflate", "gzip", "x-zstd", "x-tor-lzma"; static storage. */
TUNIC_API const char *tunic_dir_encoding(const struct tunic_dir_request *request);
/* Why there is none; NULL: it is there, or still to come. */
TUNIC_API const struct tunic_error *tunic_dir_error(const struct tunic_dir_request *request);

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
