#include <string.h>

#include "crypto/encode.h"

#define PEM_BEGIN "-----BEGIN "
#define PEM_END   "-----END "
#define PEM_DASH  "-----"

/* The label in "-----BEGIN label-----"; false if LINE is something else. */
static bool pem_label(struct text line, const char *head, struct text *label)
{
    size_t head_len = strlen(head), dash_len = sizeof PEM_DASH - 1;
    if (!text_starts(line, head) || line.len < head_len + dash_len)
        return false;
    *label = (struct text){line.s + head_len, line.len - head_len - dash_len};
    return memcmp(label->s + label->len, PEM_DASH, dash_len) == 0;
}

err_t pem_decode(struct text in, const char *label, void *out, size_t cap, size_t *len)
{
    struct text line, begin, end = {0}, body;
    if (!text_line(&in, &line) || !pem_label(line, PEM_BEGIN, &begin))
        return ERR_MALFORMED;
    if (label && !text_is(begin, label))
        return ERR_MALFORMED;
    body = (struct text){in.s, 0};
    while (text_line(&in, &line) && !text_starts(line, PEM_END))
        body.len = (size_t)(line.s + line.len - body.s);
    if (!pem_label(line, PEM_END, &end) || !text_equal(begin, end) || in.len)
        return ERR_MALFORMED;
    return base64_decode(body, BASE64_OBJECT, out, cap, len);
}

static char *put(char *to, const char *s)
{
    size_t len = strlen(s);
    memcpy(to, s, len);
    return to + len;
}

char *pem_encode(const char *label, const void *bytes, size_t len, char *out)
{
    enum { BYTES_A_LINE = 48 };
    const uint8_t *at = bytes;
    char *to = put(put(put(out, PEM_BEGIN), label), PEM_DASH "\n");
    while (len) {
        size_t now = len < BYTES_A_LINE ? len : BYTES_A_LINE;
        to += strlen(base64_encode(at, now, true, to));
        *to++ = '\n';
        at += now;
        len -= now;
    }
    to = put(put(put(to, PEM_END), label), PEM_DASH "\n");
    *to = 0;
    return out;
}
