/* Consensuses: whatever parses keeps its invariants, and none verifies without certificates. */
#include <stdlib.h>
#include <string.h>

#include "dir/consensus.h"
#include "dir/netdir.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct consensus *c;
    struct consensus_verdict v;
    struct authcert_set none;
    struct netdir *nd;
    struct netdir_coverage coverage;
    struct text text = {(const char *)data, size};
    if (consensus_parse(text, &c) != OK)
        return 0;
    authcert_set_init(&none);
    if (consensus_verify(c, c->auths, c->n_auths, &none, c->valid_after_s, &v) == OK)
        abort();
    for (size_t i = 0; i < c->n_relays; i++) {
        if (consensus_relay(c, &c->relays[i].rsa) != &c->relays[i])
            abort();
        if (!memchr(c->relays[i].nickname, 0, sizeof c->relays[i].nickname))
            abort();
    }
    if (netdir_new(c, NULL, &nd) != OK)
        return 0;
    netdir_coverage(nd, 0, &coverage);
    if (coverage.enough || coverage.path)
        abort();
    netdir_unref(&nd);
    return 0;
}
