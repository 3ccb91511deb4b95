#include "measure/pin.h"

#include "crypto/encode.h"

static const char PREFIX[] = "sha256//";
enum { PREFIX_LEN = sizeof PREFIX - 1 };

err_t pin_parse(struct text t, struct sha256 *out)
{
    if (!text_starts(t, PREFIX))
        return ERR_MALFORMED;
    struct text rest = {t.s + PREFIX_LEN, t.len - PREFIX_LEN};
    return base64_decode_exact(rest, BASE64_PADDED, out->b, sizeof out->b);
}

const char *pin_text(const struct sha256 *pin, char out[PIN_TEXT_MAX])
{
    memcpy(out, PREFIX, PREFIX_LEN);
    (void)base64_encode(pin->b, sizeof pin->b, true, out + PREFIX_LEN);
    return out;
}
