/* Terms: what both ends of a hop have agreed on, as it comes out of a handshake. The hop's layer
 * and its flow are made of them. */
#ifndef TUNIC_CIRCUIT_TERMS_H
#define TUNIC_CIRCUIT_TERMS_H

#include "circuit/flow.h"
#include "circuit/layer.h"

struct hop_terms {
    const struct layer_kind *layer; /* says how much key material, and the format of messages */
    const struct flow_kind *flow;
    unsigned sendme_inc; /* DATA messages that one SENDME stands for */
    enum cc_way way;     /* how far away it is */
};

/* The terms of a relay that was asked for nothing, and of CREATE_FAST and ntor, which can ask for
 * nothing: tor1 and fixed windows. */
struct hop_terms hop_terms_plain(void);
/* The terms of a rendezvous without congestion control. */
struct hop_terms hop_terms_plain_hs(void);

#endif
