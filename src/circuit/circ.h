/* Circuit: a path of hops through relays, built one by one, that carries relay messages in onion
 * layers (tor-spec 5-7).
 *
 * Life: circ_new() on an open link -> circ_build() -> on_hop for each hop, on_open after the last
 * -> messages -> on_end, exactly once (not after circ_free()). on_end runs at the end of a
 * wake-up with nothing of the circuit on the stack, so the owner may call circ_free() inside
 * on_end.
 *
 * Below it sits one link. Above it one user (the stream layer) gets the messages with a stream id,
 * and whoever asks for them (circ_set_control) those without one that are not the circuit's own
 * (EXTENDED2, TRUNCATED and SENDME stay here). */
#ifndef TUNIC_CIRCUIT_CIRC_H
#define TUNIC_CIRCUIT_CIRC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/env.h"
#include "base/err.h"
#include "base/ids.h"
#include "circuit/circpad.h"
#include "circuit/terms.h"
#include "link/link.h"

struct circ;

enum { CIRC_MAX_HOPS = 8 };

/* What a relay is asked for, by ntor-v3. */
struct hop_ask {
    bool cc;  /* congestion control (proposal 324) */
    bool cgo; /* CGO (proposal 359), with CC only */
};

/* What extending to a relay needs to know of it. */
struct circ_hop_target {
    struct rsa_id rsa;
    struct ed_id ed;
    bool has_ed;
    struct x25519_pub ntor_key;
    struct ipport v4, v6; /* port 0: none */
    bool ntor_v3;         /* it has Relay=4: use ntor-v3, else ntor, which asks for nothing */
    struct hop_ask ask;
    bool ed_unsaid; /* the hop before it is not told its Ed25519 identity */
};

/* What is the same for all hops. */
struct circ_config {
    unsigned early_most;    /* RELAY_EARLY cells; every other circuit does with one less */
    uint8_t sendme_version; /* sent, and the only one that counts; what 0 says proves nothing */
    struct flow_config flow;
    struct circpad_budget *padding; /* outlives the circuit; NULL: no limits, and nobody counts */
};

/* What holds on the public network: eight, 1, windows of 1000, and congestion control as C tor has
 * it. */
struct circ_config circ_config_defaults(void);

enum circ_state {
    CIRC_IDLE,     /* no hop and nothing asked for */
    CIRC_BUILDING, /* hops are asked for and not yet all there */
    CIRC_OPEN,
    CIRC_CLOSED,
};

/* Why a circuit ended. */
struct circ_end {
    err_t why;       /* OK: the other side ended it, or its owner had no more use for it */
    bool remote;     /* the other side ended it: REASON came in DESTROY or TRUNCATED */
    uint8_t reason;  /* enum destroy_reason, cell/destroy codes */
    unsigned hops;   /* how many hops were built */
    bool link_ended; /* because the link under it ended */
    struct link_end link;
};

struct circ_ops {
    void (*on_hop)(void *arg, unsigned hops); /* one more hop is there; may be NULL */
    void (*on_open)(void *arg);               /* all hops asked for are there */
    void (*on_end)(void *arg, const struct circ_end *end);
    /* The congestion control of some hop has left slow start; may be NULL. */
    void (*on_steady)(void *arg);
};

/* The user of the circuit's messages. */
struct circ_user_ops {
    /* A message with a stream id, from hop HOP (1 = first), checked against the table of relay
     * commands; the circuit's window is accounted for. The view ends with the call. An error of
     * class CIRCUIT closes the circuit. */
    err_t (*on_msg)(void *arg, unsigned hop, const struct relay_msg *msg);
    /* circ_send() returned ERR_FULL before; it may be tried again. */
    void (*on_writable)(void *arg);
    /* The circuit ended; called before the owner's on_end. */
    void (*on_end)(void *arg, const struct circ_end *end);
};

/* L must be open. NULL out of memory or no circuit id to be had. */
struct circ *circ_new(struct env *env, struct link *l, const struct circ_config *config,
                      const struct circ_ops *ops, void *arg);
/* Sends DESTROY if still open; nobody is told, so a user of an open circuit has to leave it first.
 * NULL is fine. Not inside a callback other than on_end. */
void circ_free(struct circ *c);

void circ_set_user(struct circ *c, const struct circ_user_ops *ops, void *arg);
/* The ARG of its user if OPS are that one's, else NULL: for those who share one. */
void *circ_user(const struct circ *c, const struct circ_user_ops *ops);
/* We are an onion service, and this circuit goes to an introduction point or to a client's: it
 * takes what is for services (BEGIN, INTRODUCE2), and not what is for clients. */
void circ_serve(struct circ *c);

/* Gets the messages without a stream id that the circuit does nothing about itself, checked against
 * the table of relay commands: those of rendezvous and introduction points, of conflux and of
 * padding machines. An error of class CIRCUIT, such as ERR_CIRC_PROTO for what nobody has a use
 * for, closes the circuit; so does each of these messages while nobody gets them. */
typedef err_t circ_control_fn(void *arg, unsigned hop, const struct relay_msg *msg);
void circ_set_control(struct circ *c, circ_control_fn *control, void *arg);

/* Begins a padding machine with its hop, of whose relay the caller knows that it has Padding=2
 * (padding-spec 3.1). ON_OVER(ARG of the owner), which may be NULL, hears when one that held the
 * circuit does so no more; it may close the circuit. ERR_STATE: not open, no such hop, one runs, or
 * the relay refused one before; ERR_NOMEM. */
MUST_USE err_t circ_pad(struct circ *c, const struct circpad_machine *machine,
                        void (*on_over)(void *arg));
/* Ends the one that runs. */
void circ_pad_stop(struct circ *c);
/* Whether a padding machine wants the circuit to stay though it has no more use. */
bool circ_is_held(const struct circ *c);

/* For tools: TAP sees every message, ours (OUT) to hop HOP before it is sealed and theirs from hop
 * HOP before anything about it is checked. If it returns true for one of theirs, the message is its
 * own, and the circuit does no more about it than count DATA in its window. It may not call the
 * circuit. */
typedef bool circ_tap_fn(void *arg, bool out, unsigned hop, const struct relay_msg *msg);
void circ_set_tap(struct circ *c, circ_tap_fn *tap, void *arg);

/* One hop through CREATE_FAST (directory circuits to the relay the link proved to be). */
MUST_USE err_t circ_build_fast(struct circ *c);
/* Extends by N hops, the first of all with CREATE2. Only in CIRC_IDLE and CIRC_OPEN, and not beyond
 * a hop of circ_add_hop(). */
MUST_USE err_t circ_build(struct circ *c, const struct circ_hop_target *hops, size_t n);
/* One more hop that is there already, because a relay joined this circuit and another: the other
 * end of a rendezvous (rend-spec-v3 4.2.1, 4.3). KEYS are terms->layer->keys_len bytes that the
 * caller wipes; SIDE is LAYER_CLIENT for the client and LAYER_RELAY for the service. Nobody is
 * told. ERR_STATE: not open; ERR_LIMIT: CIRC_MAX_HOPS; ERR_NOMEM. */
MUST_USE err_t circ_add_hop(struct circ *c, const struct hop_terms *terms, const uint8_t *keys,
                            enum layer_side side);

/* Closes; the user's and the owner's on_end follow at the end of the wake-up. REASON goes to the
 * log and to the callbacks; on the wire a client always says NONE (tor-spec 5.4). */
void circ_close(struct circ *c, err_t why, uint8_t reason);

enum circ_state circ_state(const struct circ *c);
unsigned circ_hops(const struct circ *c);
uint32_t circ_id(const struct circ *c); /* on the link */

/* What went over it. Cells are RELAY and RELAY_EARLY, as they are on the wire; data is what their
 * messages held. */
struct circ_counts {
    uint64_t cells_in, data_in, cells_out, data_out;
    unsigned early_out; /* of the cells: RELAY_EARLY */
};
const struct circ_counts *circ_counts(const struct circ *c);

/* Sends one relay message to hop HOP (1 = first). LEN at most circ_message_max(). DATA: ERR_FULL
 * when the hop's flow allows no more or the link refuses; on_writable follows. Other commands
 * ignore flows and fail only with the circuit (which then closes itself). */
MUST_USE err_t circ_send(struct circ *c, unsigned hop, uint8_t cmd, uint16_t stream_id,
                         const uint8_t *data, size_t len);
/* How much data the next DATA message to HOP may carry: all that fits, or now and then less, so
 * that a SENDME cannot be foretold (proposal 289). More is ERR_LIMIT. */
size_t circ_data_max(const struct circ *c, unsigned hop);
/* Whether its link has room to spare: what may as well wait a little (BEGIN) should, if not. */
bool circ_may_begin(const struct circ *c);
/* How much data a message CMD to HOP may carry; for DATA see circ_data_max(). */
size_t circ_message_max(const struct circ *c, unsigned hop, uint8_t cmd);
/* How many DATA messages the flow of HOP still allows. */
unsigned circ_window(const struct circ *c, unsigned hop);
/* Whether DATA may be sent to HOP now; if not, on_writable follows. */
bool circ_may_send(struct circ *c, unsigned hop);
/* Whether as much is under way to HOP as one SENDME answers, or more. */
bool circ_awaits_sendme(const struct circ *c, unsigned hop);
/* How long a SENDME of HOP's takes, as its flow measures it, in microseconds; 0: unknown. */
uint64_t circ_rtt_us(const struct circ *c, unsigned hop);
/* Whether streams at HOP do their own SENDMEs, as with fixed windows. */
bool circ_stream_sendmes(const struct circ *c, unsigned hop);

/* How congestion control stands. Times are 0 while none was measured. */
struct circ_congestion {
    bool in_slow_start;
    uint64_t cwnd; /* cells */
    uint64_t ewma_rtt_us, min_rtt_us, max_rtt_us;
};
/* False: hop HOP has none. */
bool circ_congestion(const struct circ *c, unsigned hop, struct circ_congestion *out);

/* For an application's error: "hop 2: TORPROTOCOL (circuit broke the protocol)"; returns OUT. */
const char *circ_end_text(const struct circ_end *end, char *out, size_t size);

#endif
