#include "crypto/encode.h"

char *base32_lower(const void *bytes, size_t len, char *out)
{
    static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz234567";
    const uint8_t *at = bytes;
    char *to = out;
    unsigned acc = 0, bits = 0;
    for (size_t i = 0; i < len; i++) {
        acc = (acc << 8 | at[i]) & 0xfff;
        for (bits += 8; bits >= 5; bits -= 5)
            *to++ = alphabet[acc >> (bits - 5) & 31];
    }
    if (bits)
        *to++ = alphabet[acc << (5 - bits) & 31];
    *to = 0;
    return out;
}

/* 32 if C is not of the alphabet */
static unsigned base32_value(char c)
{
    if (c >= 'a' && c <= 'z')
        return (unsigned)(c - 'a');
    if (c >= 'A' && c <= 'Z')
        return (unsigned)(c - 'A');
    return c >= '2' && c <= '7' ? (unsigned)(c - '2') + 26 : 32;
}

err_t base32_decode(struct text in, void *out, size_t cap, size_t *len)
{
    uint8_t *to = out;
    size_t got = 0;
    unsigned acc = 0, bits = 0;
    for (size_t i = 0; i < in.len; i++) {
        unsigned value = base32_value(in.s[i]);
        if (value > 31)
            return ERR_MALFORMED;
        acc = (acc << 5 | value) & 0xfff;
        bits += 5;
        if (bits < 8)
            continue;
        bits -= 8;
        if (got == cap)
            return ERR_FULL;
        to[got++] = (uint8_t)(acc >> bits);
    }
    /* A whole character too many, or bits that no encoder writes. */
    if (bits >= 5 || (acc & ((1u << bits) - 1)))
        return ERR_MALFORMED;
    *len = got;
    return OK;
}
