/* What a relay answers when it is asked for its own descriptor: whole and in pieces it comes to the
 * same, is no longer than may be, and is no consent, since nobody has signed it. */
#include <stdlib.h>

#include "dir/dirhttp.h"
#include "measure/consent.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { NOW_S = 1767225600, HTTP_OK = 200 };

/* The answer as one piece, and in pieces of STEP bytes. */
static err_t read_in(const uint8_t *data, size_t size, size_t step, struct dirhttp_reply *reply,
                     struct dirhttp **http)
{
    if (dirhttp_new(CONSENT_DESCRIPTOR_MOST, false, http) != OK)
        abort();
    for (size_t at = 0; at < size; at += step) {
        err_t e = dirhttp_feed(*http, data + at, size - at < step ? size - at : step);
        if (e != OK)
            return e;
    }
    return dirhttp_end(*http, reply);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct sha256 pin = {.b = {1}};
    struct consent_relay relay = {.has_rsa = true};
    struct dirhttp_reply whole = {.status = 0}, pieces = {.status = 0};
    struct dirhttp *a = NULL, *b = NULL;
    char why[CONSENT_WHY_MAX] = "";
    if (ipport_parse("192.0.2.7:9001", &relay.at) != OK)
        abort();
    err_t one = read_in(data, size, size ? size : 1, &whole, &a);
    err_t other = read_in(data, size, 7, &pieces, &b);
    if ((one == OK) != (other == OK))
        abort();
    if (one == OK && (whole.status != pieces.status || whole.body.len != pieces.body.len ||
                      whole.body.len > CONSENT_DESCRIPTOR_MOST))
        abort();
    if (one == OK && whole.status == HTTP_OK &&
        (consent_by_contact(&relay, whole.body, &pin, NOW_S, why) == OK || !why[0]))
        abort();
    dirhttp_free(&a);
    dirhttp_free(&b);
    return 0;
}
