/* Errors are values: what kind, where, the reason the other side gave, and a sentence.
 *
 * A call that can fail takes a struct tunic_error of the caller's as its last argument (NULL: the
 * caller does not care) and writes it on failure only. */
#ifndef TUNIC_ERROR_H
#define TUNIC_ERROR_H

#include <tunic/names.h>

enum tunic_class {
    TUNIC_OK = 0,      /* no error */
    TUNIC_USAGE = 1,   /* the caller asked for what cannot be: an argument, a state, a wrong time */
    TUNIC_SYSTEM = 2,  /* this computer: out of memory, out of descriptors, a limit of ours */
    TUNIC_NETWORK = 3, /* nobody there: refused, unreachable, reset, hung up */
    TUNIC_TIMEOUT = 4, /* not in time */
    TUNIC_PROTOCOL = 5, /* the other side broke the protocol, or does not speak it */
    TUNIC_IDENTITY = 6, /* it is not the relay that was asked for */
    TUNIC_REFUSED = 7,  /* the other side said no: DESTROY, TRUNCATED, END; see reason */
    TUNIC_CLOSED = 8,   /* ended in an orderly way, by either side */
    TUNIC_INTERNAL = 9  /* a fault of the library */
};

/* How far it had got. */
enum tunic_stage {
    TUNIC_STAGE_NONE = 0,     /* before anything happened */
    TUNIC_STAGE_DNS = 1,      /* the relay's address is no address; an exit resolves no name */
    TUNIC_STAGE_TCP = 2,      /* connecting */
    TUNIC_STAGE_TLS = 3,      /* the TLS handshake */
    TUNIC_STAGE_LINK = 4,     /* VERSIONS to NETINFO, and the OR connection in use (tor-spec 4) */
    TUNIC_STAGE_CIRCUIT = 5,  /* building a circuit, or using it; see hop (tor-spec 5) */
    TUNIC_STAGE_STREAM = 6,   /* tor-spec 6 */
    TUNIC_STAGE_DIRECTORY = 7 /* the answer of a directory server */
};

enum { TUNIC_ERROR_TEXT_MAX = 256 };

/* The size and the members are fixed; reserved ones are zero. */
struct tunic_error {
    enum tunic_class cls;
    enum tunic_stage stage;
    /* Stage circuit: the hop it is about, 1 = first: the one being made, or the last one that was
     * there. 0 for other stages. */
    int hop;
    /* Stages tcp, tls, link: enum tunic_or_closure_reason. Stage circuit: enum
     * tunic_circ_closure_reason, or any other number that a relay sent. Stages stream and dns: enum
     * tunic_stream_closure_reason, likewise. Stage directory: the HTTP
     * status. -1: there is none. */
    int reason;
    int from_peer; /* 1: the other side sent that reason; 0: it is the one that fits */
    int sys_errno; /* 0: none */
    int reserved[6];
    char text[TUNIC_ERROR_TEXT_MAX]; /* a sentence without a full stop; NUL-terminated */
};

#ifdef __cplusplus
extern "C" {
#endif

/* Names for people and logs, "TIMEOUT", "tls"; static storage. */
TUNIC_API const char *tunic_class_name(int cls);
TUNIC_API const char *tunic_stage_name(int stage);
/* stem's name of the reason, "" if there is none, "UNKNOWN" if it has no name; static storage. */
TUNIC_API const char *tunic_error_reason_name(const struct tunic_error *error);

/* One line of all of it, "tcp: NETWORK, CONNECTREFUSED: TCP failed during connecting: ...", cut to
 * SIZE with its NUL (512 is enough). Returns OUT. */
TUNIC_API const char *tunic_error_text(const struct tunic_error *error, char *out, size_t size);

#ifdef __cplusplus
}
#endif

#endif
