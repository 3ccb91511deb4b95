/* A look at every cell and every relay message of an instance, as it goes by. */
#ifndef TUNIC_TRACE_H
#define TUNIC_TRACE_H

#include <tunic/tunic.h>

enum tunic_trace_kind {
    TUNIC_TRACE_CELL = 0,   /* as on the wire (tor-spec 3): RELAY cells are encrypted */
    TUNIC_TRACE_MESSAGE = 1 /* a relay message without its onion layers (tor-spec 6.1) */
};

/* Valid during the call. Members may be added at the end; SIZE is what the library filled in. */
struct tunic_trace {
    size_t size;
    enum tunic_trace_kind kind;
    int out;         /* 1: ours, 0: theirs */
    int64_t time_us; /* since 1970: of the wake-up */
    const struct tunic_relay *relay;
    const struct tunic_circuit *circuit; /* messages */
    uint32_t circuit_id;                 /* on the relay's link; 0: the link's own */
    int command;
    const char *command_name; /* "CERTS", "BEGIN_DIR"; static storage */
    int hop;                  /* messages: to or from which; 1 = first */
    int stream_id;            /* messages */
    const uint8_t *body;
    size_t len;
};

#ifdef __cplusplus
extern "C" {
#endif

/* FN is called in the middle of things: it may not call the library, but for names. NULL: no more.
 */
TUNIC_API void tunic_set_trace(struct tunic *t,
                               void (*fn)(void *arg, const struct tunic_trace *trace), void *arg);

#ifdef __cplusplus
}
#endif

#endif
