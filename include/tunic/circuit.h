/* A circuit: hops, made one after the other, that carry relay messages in onion layers (tor-spec 5,
 * 6.1).
 *
 * Life: LAUNCHED (no hop yet) -> EXTENDED (the next hop is under way) -> BUILT (all that was asked
 * for is there; more may be) -> CLOSED, or FAILED if it never was BUILT.
 *
 * What leaves it is either streams (stream.h), which the library runs, or relay messages that the
 * program makes and awaits itself. Circuit SENDMEs are the library's in both cases. */
#ifndef TUNIC_CIRCUIT_H
#define TUNIC_CIRCUIT_H

#include <tunic/relay.h>

enum { TUNIC_NTOR_KEY_LEN = 32, TUNIC_CIRCUIT_HOPS_MOST = 8, TUNIC_MESSAGE_DATA_MAX = 498 };

enum tunic_handshake {
    TUNIC_CREATE_FAST = 0, /* first hop only; authenticated by the link alone (tor-spec 5.1.5) */
    TUNIC_NTOR = 1,        /* tor-spec 5.1.4 */
    TUNIC_NTOR_V3 = 2      /* proposal 332; needs the Ed25519 identity */
};

#ifdef __cplusplus
extern "C" {
#endif

struct tunic_circuit;

/* A relay to extend to. Begin with TUNIC_HOP_INIT. All is copied. */
struct tunic_hop {
    size_t size;
    const uint8_t *rsa_id;     /* TUNIC_RSA_ID_LEN bytes; needed but for CREATE_FAST */
    const uint8_t *ed25519_id; /* TUNIC_ED25519_ID_LEN bytes, or NULL */
    const uint8_t *ntor_key;   /* TUNIC_NTOR_KEY_LEN bytes: its onion key; ntor and ntor-v3 */
    /* Where the hop before finds it: literal addresses, one or both; the first hop needs none. */
    const char *ipv4;
    uint16_t ipv4_port;
    const char *ipv6;
    uint16_t ipv6_port;
};
#define TUNIC_HOP_INIT                                               \
    {                                                                \
        sizeof(struct tunic_hop), NULL, NULL, NULL, NULL, 0, NULL, 0 \
    }

struct tunic_circuit_options {
    size_t size;
    void (*callback)(void *arg, struct tunic_circuit *circuit, enum tunic_event event);
    void *callback_arg;
};
#define TUNIC_CIRCUIT_OPTIONS_INIT                       \
    {                                                    \
        sizeof(struct tunic_circuit_options), NULL, NULL \
    }

/* A circuit without a hop on an open relay. OPTIONS may be NULL. NULL: see ERROR (the relay's own
 * error; USAGE; SYSTEM). */
TUNIC_API TUNIC_MUST_USE struct tunic_circuit *tunic_circuit_start(
    struct tunic_relay *relay, const struct tunic_circuit_options *options,
    struct tunic_error *error);

/* Asks for one more hop: CREATE_FAST or CREATE2 for the first (HOP may be NULL for CREATE_FAST),
 * EXTEND2 for every other. The event OPEN follows. 0, or -1 with ERROR; USAGE leaves the circuit as
 * it was. */
TUNIC_API TUNIC_MUST_USE int tunic_circuit_start_hop(struct tunic_circuit *circuit,
                                                     enum tunic_handshake handshake,
                                                     const struct tunic_hop *hop,
                                                     struct tunic_error *error);

/* Waits until no hop is under way: 0 when it is BUILT, else -1 with ERROR (stage circuit and the
 * hop; what the relay under it had to say; TIMEOUT: it may be waited for again). */
TUNIC_API TUNIC_MUST_USE int tunic_circuit_wait(struct tunic_circuit *circuit, int timeout_ms,
                                                struct tunic_error *error);

/* Start, first hop and wait in one: NULL and nothing is left behind, or the circuit. */
TUNIC_API TUNIC_MUST_USE struct tunic_circuit *tunic_circuit_create(struct tunic_relay *relay,
                                                                    enum tunic_handshake handshake,
                                                                    const struct tunic_hop *hop,
                                                                    int timeout_ms,
                                                                    struct tunic_error *error);
/* Asks for one more hop, and waits for it. */
TUNIC_API TUNIC_MUST_USE int tunic_circuit_extend(struct tunic_circuit *circuit,
                                                  enum tunic_handshake handshake,
                                                  const struct tunic_hop *hop, int timeout_ms,
                                                  struct tunic_error *error);

/* Closes with DESTROY, without an event. Its streams end. */
TUNIC_API void tunic_circuit_free(struct tunic_circuit *circuit);

TUNIC_API enum tunic_circ_status tunic_circuit_status(const struct tunic_circuit *circuit);
/* Why it failed or closed; NULL: it did not. Valid as long as the handle. */
TUNIC_API const struct tunic_error *tunic_circuit_error(const struct tunic_circuit *circuit);
TUNIC_API int tunic_circuit_hops(
    const struct tunic_circuit *circuit); /* hops that are, or were, there */
TUNIC_API uint32_t tunic_circuit_id(const struct tunic_circuit *circuit); /* on its link */

/* tor's padding machines (padding-spec 3.3): what makes a circuit to an introduction point or a
 * rendezvous point look, to those who count its cells, like one that fetches a page. */
enum tunic_padding {
    TUNIC_PADDING_INTRODUCE = 0, /* to be begun once INTRODUCE1 was sent */
    TUNIC_PADDING_REND = 1       /* once RENDEZVOUS_ESTABLISHED came */
};

/* Begins MACHINE with the second hop, which has to list Padding=2. One runs at a time; DROP and
 * PADDING_NEGOTIATED are then the library's, unless they are taken. 0, or -1 with ERROR: USAGE: the
 * circuit is shorter, or one runs, or the relay refused one before; SYSTEM; or why it has ended. */
TUNIC_API TUNIC_MUST_USE int tunic_circuit_pad(struct tunic_circuit *circuit,
                                               enum tunic_padding machine,
                                               struct tunic_error *error);
/* Whether its padding is not yet done: to end the circuit now would show what it is. */
TUNIC_API int tunic_circuit_is_padding(const struct tunic_circuit *circuit);

/* ---- relay messages (tor-spec 6.1) ---- */

struct tunic_message {
    int hop;       /* the sender, 1 = first */
    int command;   /* "RELAY_DATA" is 2 */
    int stream_id; /* 0: about the circuit */
    int len;
    uint8_t data[TUNIC_MESSAGE_DATA_MAX];
};

/* "DATA", "EXTENDED2", or "unknown"; static storage. */
TUNIC_API const char *tunic_relay_command_name(int command);

/* Sends any message to hop HOP. Answers under a STREAM_ID used here come to tunic_circuit_await(),
 * and the circuit has no streams of the library's. 0, or -1 with ERROR: USAGE; SYSTEM: DATA has to
 * wait, for the window is used up (the event WRITABLE follows); so much waits to go out that the
 * loop has to run first; or the circuit has ended. */
TUNIC_API TUNIC_MUST_USE int tunic_circuit_send(struct tunic_circuit *circuit, int hop, int command,
                                                int stream_id, const void *data, size_t len,
                                                struct tunic_error *error);

/* How much the next DATA to HOP may carry: all that fits, or now and then less, so that what
 * SENDMEs attest to cannot be foretold (proposal 289). More is refused. */
TUNIC_API size_t tunic_circuit_data_max(const struct tunic_circuit *circuit, int hop);

/* From now on messages of COMMAND (0 to 255) come to tunic_circuit_await() and the library does
 * nothing about them, whatever they are; at first it is none. */
TUNIC_API void tunic_circuit_take(struct tunic_circuit *circuit, int command);

/* The next message; waits for it. 0, or -1 with ERROR: TIMEOUT, or why the circuit ended (after all
 * that had come was handed out). With TIMEOUT_MS 0 it is for callbacks, too. */
TUNIC_API TUNIC_MUST_USE int tunic_circuit_await(struct tunic_circuit *circuit,
                                                 struct tunic_message *message, int timeout_ms,
                                                 struct tunic_error *error);

#ifdef __cplusplus
}
#endif

#endif
