/* Whatever passes for a descriptor: nobody has agreed but by a signed one, and a refusal says why.
 */
#include <stdlib.h>

#include "measure/consent.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { NOW_S = 1767225600 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct sha256 pin = {.b = {1}};
    struct consent_relay relay = {.has_rsa = true};
    char why[CONSENT_WHY_MAX] = "";
    if (ipport_parse("192.0.2.7:9001", &relay.at) != OK)
        abort();
    /* No key has the identity of zeros. */
    if (consent_by_contact(&relay, (struct text){(const char *)data, size}, &pin, NOW_S, why) ==
            OK ||
        !why[0])
        abort();
    return 0;
}
