/* Ev: the writers of events (told.h), and what their lines share with GETINFO's answers. Order and
 * form of all fields are tor's (control_events.c, control_fmt.c). */
#ifndef TUNIC_CONTROL_EV_H
#define TUNIC_CONTROL_EV_H

#include "control/told.h"

/* The one table of events, ended by a row without a writer. */
extern const struct told_row ev_rows[];

told_writer ev_circ, ev_circ_minor;                                     /* ev_circuit.c */
told_writer ev_stream;                                                  /* ev_stream.c */
told_writer ev_orconn, ev_guard;                                        /* ev_relay.c */
told_writer ev_addrmap, ev_signal;                                      /* ev_map.c */
told_writer ev_status_client, ev_status_general;                        /* ev_status.c */
told_writer ev_buildtimeout_set, ev_network_liveness;                   /* ev_status.c */
told_writer ev_newconsensus, ev_ns;                                     /* ev_ns.c */
told_writer ev_bw, ev_circ_bw, ev_stream_bw, ev_conn_bw, ev_cell_stats; /* ev_bytes.c */

/* ---- parts of lines ---- */

/* "$FINGERPRINT~nickname"; without the nickname if that is "". */
void ev_relay_name(struct text_out *out, const struct rsa_id *id, const char *nickname);
/* "2026-11-30T00:29:24.578508" */
void ev_time(struct text_out *out, int64_t wall_us);
/* " SOCKS_USERNAME=... SOCKS_PASSWORD=...", as far as they were said. */
void ev_login(struct text_out *out, const struct login *l);

/* " $FP~a,$FP~b BUILD_FLAGS=... PURPOSE=...": what is said of a circuit behind its status. */
void ev_circuit_facts(struct text_out *out, struct control *c, const struct event_circuit *e);
/* "web.test:80", which is "198.51.100.4:80" once the exit has said so. */
void ev_stream_target(struct text_out *out, const struct event_stream *e);
/* Whom an OR connection goes to: its name, or its address if none is known. */
void ev_orconn_name(struct text_out *out, struct control *c, const struct event_orconn *e);
/* "NOTICE BOOTSTRAP PROGRESS=..." */
void ev_bootstrap(struct text_out *out, const struct event_bootstrap *e);

#endif
