/* The padding machines that tor has: those that make a client's circuits to introduction points and
 * rendezvous points look, in their first ten cells, like circuits that fetch pages (padding-spec
 * 3.3; proposal 302). */
#ifndef TUNIC_CIRCUIT_CIRCPAD_MACHINES_H
#define TUNIC_CIRCUIT_CIRCPAD_MACHINES_H

#include "circuit/circpad.h"

/* The client's halves. INTRODUCE: begun once INTRODUCE1 was sent; the middle relay sends padding,
 * and the circuit is kept as long as one that is used. REND: begun once RENDEZVOUS_ESTABLISHED
 * came; a padding cell goes each way. */
extern const struct circpad_machine circpad_client_introduce, circpad_client_rend;

/* The relay's half of machine NUMBER; NULL: there is none. */
const struct circpad_machine *circpad_relay_machine(uint8_t number);

#endif
