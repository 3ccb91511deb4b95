/* AES-128 by the processor's instructions. Streams go eight blocks at a time, for a round takes
 * some cycles and the next block's can begin in each of them. */
#include "crypto/aes128.h"

#include <string.h>

#include "crypto/aes_wide.h"
#include "crypto/hw.h"
#include "crypto/secret.h"

#ifdef HW_CODE

enum { LAST = 10, AT_ONCE = 8, WIDE_LEAST = AT_ONCE * AES128_BLOCK_LEN + 1 };

#define KEYS_UNROLL _Pragma("GCC unroll 11")

HW_INLINE v128 round_key(const struct aes128 *a, unsigned round)
{
    return hw_load(a->schedule + round * AES128_BLOCK_LEN);
}

/* FIPS 197, 5.2: temp = SubWord(RotWord(temp)) xor Rcon. The last round of the cipher over four
 * columns that are alike is SubBytes and the sum with Rcon: ShiftRows moves nothing there. */
HW_INLINE v128 next_key(v128 key, uint64_t rcon)
{
    const v128 rcons = hw_words(rcon << 32 | rcon, rcon << 32 | rcon);
    return hw_xor(hw_aes_columns(key), hw_aes_last(hw_aes_rotated(key), rcons));
}

/* 5.3.5: INVERSE is the keys backwards, the inner ones unmixed. */
HW_INLINE void expand(struct aes128 *a, const uint8_t bytes[AES128_KEY_LEN], bool inverse)
{
    v128 key = hw_load(bytes);
    uint64_t rcon = 1;
    KEYS_UNROLL
    for (unsigned i = 0; i <= LAST; i++) {
        v128 v = inverse && i > 0 && i < LAST ? hw_aes_unmix(key) : key;
        hw_store(a->schedule + (inverse ? LAST - i : i) * AES128_BLOCK_LEN, v);
        key = next_key(key, rcon);
        rcon = rcon == 0x80 ? 0x1b : rcon << 1;
    }
}

HW static err_t hw_rekey(struct aes128 *a, const uint8_t bytes[AES128_KEY_LEN])
{
    if (a->use == AES128_DECRYPT)
        expand(a, bytes, true);
    else
        expand(a, bytes, false);
    return OK;
}

HW static err_t hw_block(struct aes128 *a, uint8_t block[AES128_BLOCK_LEN])
{
    v128 v = hw_xor(hw_load(block), round_key(a, 0));
    if (a->use == AES128_DECRYPT) {
        for (unsigned i = 1; i < LAST; i++)
            v = hw_aes_inverse_round(v, round_key(a, i));
        v = hw_aes_inverse_last(v, round_key(a, LAST));
    } else {
        for (unsigned i = 1; i < LAST; i++)
            v = hw_aes_round(v, round_key(a, i));
        v = hw_aes_last(v, round_key(a, LAST));
    }
    hw_store(block, v);
    return OK;
}

struct counter {
    uint64_t high, low;
};

static uint64_t be64(const uint8_t *bytes)
{
    uint64_t v;
    memcpy(&v, bytes, sizeof v);
    return __builtin_bswap64(v);
}

HW_INLINE v128 count(struct counter *c)
{
    v128 v = hw_words(__builtin_bswap64(c->high), __builtin_bswap64(c->low));
    c->high += ++c->low == 0;
    return v;
}

/* The next AT_ONCE blocks of the stream. */
HW_INLINE void make_blocks(const struct aes128 *a, struct counter *c, v128 block[AT_ONCE])
{
    HW_UNROLL
    for (unsigned i = 0; i < AT_ONCE; i++)
        block[i] = hw_xor(count(c), round_key(a, 0));
    HW_UNROLL
    for (unsigned round = 1; round < LAST; round++) {
        const v128 key = round_key(a, round);
        HW_UNROLL
        for (unsigned i = 0; i < AT_ONCE; i++)
            block[i] = hw_aes_round(block[i], key);
    }
    HW_UNROLL
    for (unsigned i = 0; i < AT_ONCE; i++)
        block[i] = hw_aes_last(block[i], round_key(a, LAST));
}

/* The last LEN bytes, fewer than AT_ONCE blocks. */
HW_INLINE void add_rest(const struct aes128 *a, struct counter *c, uint8_t *bytes, size_t len)
{
    v128 block[AT_ONCE];
    uint8_t last[AES128_BLOCK_LEN] = {0};
    unsigned i = 0;
    make_blocks(a, c, block);
    for (; len >= AES128_BLOCK_LEN; len -= AES128_BLOCK_LEN, bytes += AES128_BLOCK_LEN, i++)
        hw_store(bytes, hw_xor(hw_load(bytes), block[i]));
    memcpy(last, bytes, len);
    hw_store(last, hw_xor(hw_load(last), block[i % AT_ONCE]));
    memcpy(bytes, last, len);
    secret_wipe(block, sizeof block);
}

HW static err_t hw_stream(struct aes128 *a, const uint8_t iv[AES128_BLOCK_LEN], uint8_t *bytes,
                          size_t len)
{
    struct counter c = {be64(iv), be64(iv + 8)};
    v128 block[AT_ONCE];
    for (; len >= AT_ONCE * AES128_BLOCK_LEN; len -= AT_ONCE * AES128_BLOCK_LEN) {
        make_blocks(a, &c, block);
        HW_UNROLL
        for (unsigned i = 0; i < AT_ONCE; i++, bytes += AES128_BLOCK_LEN)
            hw_store(bytes, hw_xor(hw_load(bytes), block[i]));
    }
    if (len)
        add_rest(a, &c, bytes, len);
    /* What does not fit into registers lies here. */
    secret_wipe(block, sizeof block);
    return OK;
}

static const struct aes128_kind hw_kind = {
    .rekey = hw_rekey, .block = hw_block, .stream = hw_stream};

const struct aes128_kind *aes128_hw(void)
{
    return hw_here() ? &hw_kind : NULL;
}

/* What the wide instructions are no gain for, or cannot count, goes the other way. */
static err_t wide_stream(struct aes128 *a, const uint8_t iv[AES128_BLOCK_LEN], uint8_t *bytes,
                         size_t len)
{
    const struct aes_wide_block first = {be64(iv), be64(iv + 8)};
    if (len < WIDE_LEAST || first.low > UINT64_MAX - len)
        return hw_stream(a, iv, bytes, len);
    aes_wide_xor_from(a->schedule, first, bytes, len);
    return OK;
}

static const struct aes128_kind wide_kind = {
    .rekey = hw_rekey, .block = hw_block, .stream = wide_stream};

const struct aes128_kind *aes128_fastest(void)
{
    return aes_wide_here() && hw_here() ? &wide_kind : aes128_hw();
}

#else

const struct aes128_kind *aes128_hw(void)
{
    return NULL;
}

const struct aes128_kind *aes128_fastest(void)
{
    return NULL;
}

#endif
