#include "crypto/encode.h"

#include <sodium.h>
#include <string.h>

char *hex_lower(const void *bytes, size_t len, char *out)
{
    return sodium_bin2hex(out, HEX_SIZE(len), bytes, len);
}

char *hex_upper(const void *bytes, size_t len, char *out)
{
    hex_lower(bytes, len, out);
    for (char *c = out; *c; c++)
        if (*c >= 'a')
            *c = (char)(*c - 'a' + 'A');
    return out;
}

err_t hex_decode(struct text in, void *out, size_t cap, size_t *len)
{
    size_t got = 0;
    if (in.len / 2 > cap)
        return ERR_FULL;
    /* Without a place for the end, libsodium takes all of the text or nothing. */
    if (sodium_hex2bin(out, cap, in.s, in.len, NULL, &got, NULL) != 0)
        return ERR_MALFORMED;
    *len = got;
    return OK;
}

err_t hex_decode_exact(struct text in, void *out, size_t len)
{
    size_t got;
    if (in.len % 2 || in.len / 2 != len)
        return ERR_MALFORMED;
    return hex_decode(in, out, len, &got);
}

char *base64_encode(const void *bytes, size_t len, bool padded, char *out)
{
    int variant =
        padded ? sodium_base64_VARIANT_ORIGINAL : sodium_base64_VARIANT_ORIGINAL_NO_PADDING;
    return sodium_bin2base64(out, sodium_base64_encoded_len(len, variant), bytes, len, variant);
}

static bool is_padded(struct text in, enum base64_form form)
{
    if (form == BASE64_EITHER)
        return in.len && in.s[in.len - 1] == '=';
    return form != BASE64_UNPADDED;
}

/* libsodium's decoder takes some bytes over 127 for letters, and a NUL for white space. */
static bool base64_is_ascii(struct text in)
{
    for (size_t i = 0; i < in.len; i++)
        if ((unsigned char)in.s[i] - 1u > 125u)
            return false;
    return true;
}

/* How many bytes IN stands for, if it is good base64. */
static size_t base64_bytes(struct text in, const char *skip)
{
    size_t characters = 0;
    for (size_t i = 0; i < in.len; i++)
        characters += !strchr(skip, in.s[i]);
    return characters / 4 * 3 + characters % 4 * 6 / 8;
}

err_t base64_decode(struct text in, enum base64_form form, void *out, size_t cap, size_t *len)
{
    bool object = form == BASE64_OBJECT;
    size_t got = 0;
    if (!base64_is_ascii(in))
        return ERR_MALFORMED;
    /* Its errno does not tell a full buffer from bad text. */
    if (base64_bytes(in, object ? "= \t\r\n" : "=") > cap)
        return ERR_FULL;
    if (sodium_base642bin(out, cap, in.s, in.len, object ? " \t\r\n" : NULL, &got, NULL,
                          is_padded(in, form) ? sodium_base64_VARIANT_ORIGINAL
                                              : sodium_base64_VARIANT_ORIGINAL_NO_PADDING) != 0)
        return ERR_MALFORMED;
    *len = got;
    return OK;
}

err_t base64_decode_exact(struct text in, enum base64_form form, void *out, size_t len)
{
    size_t got;
    err_t e = base64_decode(in, form, out, len, &got);
    if (e != OK)
        return e == ERR_FULL ? ERR_MALFORMED : e;
    return got == len ? OK : ERR_MALFORMED;
}
