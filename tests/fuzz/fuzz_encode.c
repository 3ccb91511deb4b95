/* Text codings: what decodes must fit its buffer, and encode to a text that decodes to the same. */
#include <stdlib.h>
#include <string.h>

#include "crypto/encode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum { MOST = 512 };

static void same(err_t e, const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
    if (e != OK || a_len != b_len || memcmp(a, b, a_len) != 0)
        abort();
}

static void try_base64(struct text in, size_t cap)
{
    uint8_t out[MOST], back[MOST];
    char text[BASE64_SIZE(MOST)];
    size_t n, m = 0;
    for (int form = BASE64_PADDED; form <= BASE64_OBJECT; form++) {
        if (base64_decode(in, (enum base64_form)form, out, cap, &n) != OK)
            continue;
        if (n > cap)
            abort();
        base64_encode(out, n, form != BASE64_UNPADDED, text);
        err_t e = base64_decode(text_of(text), (enum base64_form)form, back, MOST, &m);
        same(e, out, n, back, m);
        if (form <= BASE64_UNPADDED && !text_is(in, text))
            abort(); /* two texts for the same bytes */
    }
}

static void try_others(struct text in, size_t cap)
{
    uint8_t out[MOST], back[MOST];
    char text[PEM_SIZE(1, MOST)];
    size_t n, m = 0;
    if (hex_decode(in, out, cap, &n) == OK) {
        err_t e = hex_decode(text_of(hex_upper(out, n, text)), back, MOST, &m);
        same(e, out, n, back, m);
        if (!text_is_nocase(in, text))
            abort();
    }
    if (base32_decode(in, out, cap, &n) == OK) {
        err_t e = base32_decode(text_of(base32_lower(out, n, text)), back, MOST, &m);
        same(e, out, n, back, m);
        if (!text_is_nocase(in, text))
            abort();
    }
    if (pem_decode(in, NULL, out, cap, &n) == OK) {
        err_t e = pem_decode(text_of(pem_encode("X", out, n, text)), "X", back, MOST, &m);
        same(e, out, n, back, m);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (len < 1)
        return 0;
    struct text in = {(const char *)data + 1, len - 1};
    try_base64(in, data[0] * 2u);
    try_others(in, data[0] * 2u);
    return 0;
}
