/* Netflow padding of one direction, ours (padding-spec 2): when to send a PADDING cell, and what to
 * tell the relay about its own. Holds no timer; the link asks when one fires. */
#ifndef TUNIC_LINK_PADDING_H
#define TUNIC_LINK_PADDING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/env.h"
#include "cell/chan_link.h"
#include "link/link.h"

struct padding {
    bool on;           /* we pad */
    bool peer_stopped; /* we told the relay not to */
    unsigned low_ms, high_ms;
    bool counting;
    uint64_t quiet_us; /* the last cell either way, when DUE_US was drawn */
    uint64_t due_us;
};

/* What the relay has to be told: PADDING_NEGOTIATE STOP, or START with zeros, which means its own
 * notion of the timeouts. */
enum padding_tell { PADDING_TELL_NOTHING, PADDING_TELL_STOP, PADDING_TELL_START };

/* Takes over what CONFIG says for a link of VERSION. */
enum padding_tell padding_configure(struct padding *p, const struct link_config *config,
                                    unsigned version);

/* What a relay makes of a client's PADDING_NEGOTIATE, within what CONFIG has of the consensus. */
void padding_negotiated(struct padding *p, const struct link_config *config,
                        const struct chan_padding_negotiate *m);

/* The last cell in either direction went at LAST_US. True: send a PADDING cell now and ask once
 * more with LAST_US of now; false: ask again at *NEXT_US. Asking often enough to notice traffic
 * keeps it off the cell path. */
bool padding_poll(struct padding *p, struct env *env, uint64_t last_us, uint64_t *next_us);

#endif
