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

enum { NO_LETTER = 0x80, FIRST_LETTER = '+' };

/* What a letter stands for. A directory has so many of them that libsodium's decoder, which takes
 * the same time for each, would be what reading it costs; none of them is secret. */
static unsigned value_of(char letter)
{
    static const uint8_t values[] = {
        62,        NO_LETTER, NO_LETTER, NO_LETTER, 63,        52,        53, 54,
        55,        56,        57,        58,        59,        60,        61, NO_LETTER,
        NO_LETTER, NO_LETTER, NO_LETTER, NO_LETTER, NO_LETTER, NO_LETTER, 0,  1,
        2,         3,         4,         5,         6,         7,         8,  9,
        10,        11,        12,        13,        14,        15,        16, 17,
        18,        19,        20,        21,        22,        23,        24, 25,
        NO_LETTER, NO_LETTER, NO_LETTER, NO_LETTER, NO_LETTER, NO_LETTER, 26, 27,
        28,        29,        30,        31,        32,        33,        34, 35,
        36,        37,        38,        39,        40,        41,        42, 43,
        44,        45,        46,        47,        48,        49,        50, 51,
    };
    unsigned at = (unsigned char)letter - (unsigned)FIRST_LETTER;
    return at < sizeof values ? values[at] : NO_LETTER;
}

static bool is_white(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void skip_white(struct text *t)
{
    while (t->len && is_white(t->s[0])) {
        t->s++;
        t->len--;
    }
}

/* Bits that are not a whole byte yet. */
struct rest {
    uint32_t bits;
    unsigned n;
};

/* Takes letters off IN up to the first that is none. ERR_FULL. */
static err_t take_letters(struct text *in, bool object, uint8_t *out, size_t cap, size_t *len,
                          struct rest *rest)
{
    size_t got = 0;
    for (; in->len; in->s++, in->len--) {
        unsigned value = value_of(in->s[0]);
        if (value == NO_LETTER && object && is_white(in->s[0]))
            continue;
        if (value == NO_LETTER)
            break;
        rest->bits = rest->bits << 6 | value;
        rest->n += 6;
        if (rest->n < 8)
            continue;
        if (got == cap)
            return ERR_FULL;
        rest->n -= 8;
        out[got++] = (uint8_t)(rest->bits >> rest->n);
    }
    *len = got;
    return OK;
}

/* "=" for each letter that the last four are short of, and nothing else. */
static bool ends_well(struct text in, bool object, unsigned pads)
{
    for (; pads; pads--) {
        if (object)
            skip_white(&in);
        if (!in.len || in.s[0] != '=')
            return false;
        in.s++;
        in.len--;
    }
    if (object)
        skip_white(&in);
    return !in.len;
}

err_t base64_decode(struct text in, enum base64_form form, void *out, size_t cap, size_t *len)
{
    bool object = form == BASE64_OBJECT;
    bool padded = is_padded(in, form);
    struct rest rest = {0, 0};
    TRY(take_letters(&in, object, out, cap, len, &rest));
    /* What is left over of the last letter must be zeros: one text for the same bytes. */
    if (rest.n > 4 || (rest.bits & ((1u << rest.n) - 1)))
        return ERR_MALFORMED;
    return ends_well(in, object, padded ? rest.n / 2 : 0) ? OK : ERR_MALFORMED;
}

err_t base64_decode_exact(struct text in, enum base64_form form, void *out, size_t len)
{
    size_t got;
    err_t e = base64_decode(in, form, out, len, &got);
    if (e != OK)
        return e == ERR_FULL ? ERR_MALFORMED : e;
    return got == len ? OK : ERR_MALFORMED;
}
