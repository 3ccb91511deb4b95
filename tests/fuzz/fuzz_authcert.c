/* Key certificates: every byte is consumed, and what parses is kept word for word. */
#include <stdlib.h>

#include "dir/authcert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text rest = {(const char *)data, size};
    struct authcert *cert;
    struct authcert_set set;
    err_t err;
    size_t left = size;
    authcert_set_init(&set);
    while ((err = authcert_parse(&rest, &cert)) != ERR_NOT_FOUND) {
        if (rest.len >= left)
            abort();
        struct text entry = {rest.s - (left - rest.len), left - rest.len};
        left = rest.len;
        if (err != OK && cert)
            abort();
        if (err != OK)
            continue;
        if (!text_equal(authcert_text(cert), entry))
            abort();
        err = authcert_set_add(&set, cert);
    }
    authcert_set_clear(&set);
    return 0;
}
