/* Server descriptors, as the library reads hops from them. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tunic/directory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {NULL, "relay", "000000000000000000000000000000000000000A"};
    char *copy = malloc(size ? size : 1); /* of its exact size, so that reading beyond is seen */
    if (!copy)
        return 0;
    memcpy(copy, data, size);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct tunic_descriptor *d = tunic_descriptor_find(copy, size, names[i], NULL);
        const struct tunic_hop *hop = tunic_descriptor_hop(d);
        if (hop && (!hop->rsa_id || !hop->ntor_key || !hop->ipv4))
            abort();
        tunic_descriptor_free(d);
    }
    free(copy);
    return 0;
}
