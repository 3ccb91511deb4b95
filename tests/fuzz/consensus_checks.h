/* What holds of whatever network status parses, of any kind. Header-only. */
#ifndef TUNIC_TESTS_FUZZ_CONSENSUS_CHECKS_H
#define TUNIC_TESTS_FUZZ_CONSENSUS_CHECKS_H

#include <stdlib.h>
#include <string.h>

#include "dir/consensus.h"

/* DATA as KIND, which the caller frees; NULL: it is none. None verifies without certificates. */
static inline struct consensus *consensus_checked(const uint8_t *data, size_t size,
                                                  enum consensus_kind kind)
{
    struct consensus *c;
    struct consensus_verdict v;
    struct authcert_set none;
    if (consensus_parse_kind((struct text){(const char *)data, size}, kind, &c) != OK) {
        if (c)
            abort();
        return NULL;
    }
    authcert_set_init(&none);
    if (consensus_verify(c, c->auths, c->n_auths, &none, c->valid_after_s, &v) == OK)
        abort();
    for (size_t i = 0; i < c->n_relays; i++) {
        if (consensus_relay(c, &c->relays[i].rsa) != &c->relays[i])
            abort();
        if (!memchr(c->relays[i].nickname, 0, sizeof c->relays[i].nickname))
            abort();
    }
    return c;
}

#endif
