/* Hopdoor: the second hop on sockets, for the length of one run: keys that nobody had before, a
 * listener, and the connections that relays make to it. */
#ifndef TUNIC_APP_MEASURE_HOPDOOR_H
#define TUNIC_APP_MEASURE_HOPDOOR_H

#include "base/addr.h"
#include "base/err.h"
#include "circuit/circ.h"
#include "measure/echohop.h"
#include "net/net.h"

struct hopdoor;

enum { HOPDOOR_WHY_MAX = 160 };

/* Listens AT (port 0: any free one). EVERY is echohop_config's return_every. ERR_IO, ERR_NOMEM,
 * ERR_CRYPTO, with WHY. */
MUST_USE err_t hopdoor_open(struct net *n, const struct ipport *at, unsigned every,
                            uint64_t life_ms, struct hopdoor **out, char why[HOPDOOR_WHY_MAX]);
const struct echohop *hopdoor_hop(const struct hopdoor *d);
/* What a relay is to extend to. */
struct circ_hop_target hopdoor_target(const struct hopdoor *d);
/* Nobody is let in any more, and who is in goes. */
void hopdoor_free(struct hopdoor *d); /* NULL is fine */

#endif
