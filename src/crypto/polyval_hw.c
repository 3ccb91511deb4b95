/* POLYVAL by carry-less multiplication, some blocks at a time: the sum of their products with
 * as many powers of the key is reduced once. */
#include "crypto/polyval.h"

#include <string.h>

#include "crypto/hw.h"

#ifdef HW_CODE

/* A product of 256 bits that is not put together yet. */
struct product {
    v128 low, middle, high;
};

HW_INLINE struct product product_none(void)
{
    const v128 none = hw_words(0, 0);
    return (struct product){none, none, none};
}

/* Karatsuba: the middle is (a0 + a1)(b0 + b1), which has the low and the high product in it. */
HW_INLINE void product_add(struct product *p, v128 a, v128 b)
{
    p->low = hw_xor(p->low, hw_mul_low(a, b));
    p->high = hw_xor(p->high, hw_mul_high(a, b));
    p->middle = hw_xor(p->middle, hw_mul_low(hw_xor(a, hw_swap(a)), hw_xor(b, hw_swap(b))));
}

/* Times x^-128, in two steps of 64 bits. 64 bits that are lowest are as much as the same 64 bits
 * times x^64 and (x^63 + x^62 + x^57) (RFC 8452, 3: the field's polynomial). */
HW_INLINE v128 product_reduce(struct product p)
{
    const v128 poly = hw_words(0xc200000000000000, 0);
    p.middle = hw_xor(p.middle, hw_xor(p.low, p.high));
    p.low = hw_xor(p.low, hw_low_up(p.middle));
    p.high = hw_xor(p.high, hw_high_down(p.middle));
    p.low = hw_xor(hw_swap(p.low), hw_mul_low(p.low, poly));
    p.low = hw_xor(hw_swap(p.low), hw_mul_low(p.low, poly));
    return hw_xor(p.high, p.low);
}

HW_INLINE v128 dot(v128 a, v128 b)
{
    struct product p = product_none();
    product_add(&p, a, b);
    return product_reduce(p);
}

HW static void hw_init(struct polyval_key *k, const uint8_t H[POLYVAL_LEN])
{
    v128 power[POLYVAL_POWERS];
    power[0] = hw_load(H);
    HW_UNROLL
    for (unsigned i = 1; i < POLYVAL_POWERS; i++) /* of halves, so that few wait for each other */
        power[i] = dot(power[i / 2], power[(i - 1) / 2]);
    for (unsigned i = 0; i < POLYVAL_POWERS; i++)
        hw_store(k->power[POLYVAL_POWERS - 1 - i], power[i]);
}

HW static void hw_dot(uint8_t S[POLYVAL_LEN], const uint8_t H[POLYVAL_LEN])
{
    hw_store(S, dot(hw_load(S), hw_load(H)));
}

/* N blocks, at most POLYVAL_POWERS: the first is multiplied by the highest power. */
HW_INLINE v128 add_blocks(const struct polyval_key *k, v128 S, const uint8_t *bytes, unsigned n)
{
    const uint8_t *power = k->power[POLYVAL_POWERS - n];
    struct product p = product_none();
    product_add(&p, hw_xor(S, hw_load(bytes)), hw_load(power));
    HW_UNROLL
    for (unsigned i = 1; i < n; i++)
        product_add(&p, hw_load(bytes + i * POLYVAL_LEN), hw_load(power + i * POLYVAL_LEN));
    return product_reduce(p);
}

HW static void hw_add(const struct polyval_key *k, uint8_t S[POLYVAL_LEN], const uint8_t *bytes,
                      size_t len)
{
    const size_t most = POLYVAL_POWERS * POLYVAL_LEN;
    v128 sum = hw_load(S);
    for (; len >= most; bytes += most, len -= most)
        sum = add_blocks(k, sum, bytes, POLYVAL_POWERS);
    if (len > 0) {
        uint8_t rest[POLYVAL_POWERS * POLYVAL_LEN] = {0};
        memcpy(rest, bytes, len);
        sum = add_blocks(k, sum, rest, (unsigned)((len + POLYVAL_LEN - 1) / POLYVAL_LEN));
    }
    hw_store(S, sum);
}

static const struct polyval_kind hw_kind = {.init = hw_init, .add = hw_add, .dot = hw_dot};

const struct polyval_kind *polyval_hw(void)
{
    return hw_here() ? &hw_kind : NULL;
}

#else

const struct polyval_kind *polyval_hw(void)
{
    return NULL;
}

#endif
