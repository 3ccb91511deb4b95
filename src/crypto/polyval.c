/* The portable way: 64-bit multiplication with holes. Each factor is split in four, by its bits'
 * numbers modulo 4, so that of the sums under a bit, at most 16, none but the highest carries into
 * the next bit that counts; and what that one carries is out of the low half already. The high half
 * of a product is the low one of the factors read backwards. No tables, no branches. */
#include "crypto/polyval.h"

#include <string.h>

#define UNROLL _Pragma("GCC unroll 4") /* twice as fast */

struct gf {
    uint64_t low, high;
};

static uint64_t le64(const uint8_t *bytes)
{
    uint64_t v = 0;
    for (unsigned i = 8; i > 0; i--)
        v = v << 8 | bytes[i - 1];
    return v;
}

static void put_le64(uint8_t *bytes, uint64_t v)
{
    for (unsigned i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(v >> (8 * i));
}

static struct gf gf_load(const uint8_t bytes[POLYVAL_LEN])
{
    return (struct gf){le64(bytes), le64(bytes + 8)};
}

static void gf_store(uint8_t bytes[POLYVAL_LEN], struct gf v)
{
    put_le64(bytes, v.low);
    put_le64(bytes + 8, v.high);
}

/* The low 64 bits of the product without carries. */
static uint64_t mul_low(uint64_t a, uint64_t b)
{
    const uint64_t every_4th = 0x1111111111111111;
    uint64_t product = 0;
    UNROLL
    for (unsigned of = 0; of < 4; of++) {
        uint64_t sum = 0;
        UNROLL
        for (unsigned i = 0; i < 4; i++)
            sum ^= (a & every_4th << i) * (b & every_4th << (of + 4 - i) % 4);
        product |= sum & every_4th << of;
    }
    return product;
}

static uint64_t backwards(uint64_t v)
{
    v = (v >> 1 & 0x5555555555555555) | (v & 0x5555555555555555) << 1;
    v = (v >> 2 & 0x3333333333333333) | (v & 0x3333333333333333) << 2;
    v = (v >> 4 & 0x0f0f0f0f0f0f0f0f) | (v & 0x0f0f0f0f0f0f0f0f) << 4;
    v = (v >> 8 & 0x00ff00ff00ff00ff) | (v & 0x00ff00ff00ff00ff) << 8;
    v = (v >> 16 & 0x0000ffff0000ffff) | (v & 0x0000ffff0000ffff) << 16;
    return v >> 32 | v << 32;
}

static struct gf mul(uint64_t a, uint64_t b)
{
    return (struct gf){mul_low(a, b), backwards(mul_low(backwards(a), backwards(b))) >> 1};
}

/* The 64 bits of LOWEST, times x^-64: "x^128 + x^127 + x^126 + x^121 + 1" times LOWEST is zero in
 * the field, so LOWEST is that product without its 1. */
static struct gf fold(uint64_t lowest)
{
    return (struct gf){lowest << 63 ^ lowest << 62 ^ lowest << 57,
                       lowest ^ lowest >> 1 ^ lowest >> 2 ^ lowest >> 7};
}

/* RFC 8452, 3: "dot(a, b) is a * b * x^-128". Of the four products with 64 bits the two in the
 * middle come by Karatsuba's way. */
static struct gf dot(struct gf a, struct gf b)
{
    struct gf low = mul(a.low, b.low), high = mul(a.high, b.high);
    struct gf middle = mul(a.low ^ a.high, b.low ^ b.high);
    middle.low ^= low.low ^ high.low;
    middle.high ^= low.high ^ high.high;
    low.high ^= middle.low;
    high.low ^= middle.high;
    struct gf once = fold(low.low);
    struct gf twice = fold(low.high ^ once.low);
    return (struct gf){high.low ^ once.high ^ twice.low, high.high ^ twice.high};
}

static void portable_init(struct polyval_key *k, const uint8_t H[POLYVAL_LEN])
{
    memcpy(k->power[POLYVAL_POWERS - 1], H, POLYVAL_LEN);
}

static void portable_dot(uint8_t S[POLYVAL_LEN], const uint8_t H[POLYVAL_LEN])
{
    gf_store(S, dot(gf_load(S), gf_load(H)));
}

static void portable_add(const struct polyval_key *k, uint8_t S[POLYVAL_LEN], const uint8_t *bytes,
                         size_t len)
{
    struct gf sum = gf_load(S), H = gf_load(k->power[POLYVAL_POWERS - 1]);
    while (len > 0) {
        uint8_t block[POLYVAL_LEN] = {0};
        size_t n = len < sizeof block ? len : sizeof block;
        memcpy(block, bytes, n);
        struct gf X = gf_load(block);
        sum = dot((struct gf){sum.low ^ X.low, sum.high ^ X.high}, H);
        bytes += n;
        len -= n;
    }
    gf_store(S, sum);
}

const struct polyval_kind polyval_portable = {
    .init = portable_init, .add = portable_add, .dot = portable_dot};
