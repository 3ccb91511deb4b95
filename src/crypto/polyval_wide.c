/* POLYVAL by carry-less multiplication of four blocks at once. Eight blocks are one step: each of
 * the four lanes has a sum of its own, which the next step multiplies by the eighth power, until
 * the last step multiplies each by what it is behind the end. */
#include "crypto/polyval.h"

#if defined(__x86_64__) && defined(__GNUC__)

#include <cpuid.h>
#include <immintrin.h>

#define WIDE        __attribute__((target("pclmul,vpclmulqdq,avx512f,avx512bw")))
#define WIDE_INLINE WIDE static inline __attribute__((always_inline))

typedef __m512i v512;

enum { LANES = 4, STEP = POLYVAL_POWERS * POLYVAL_LEN, HALF = STEP / 2 };

/* Older compilers do not know it by name. */
#if defined(__clang__) ? __clang_major__ < 18 : __GNUC__ < 11
static bool has_vpclmulqdq(void)
{
    unsigned a, b, c = 0, d;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (c & bit_VPCLMULQDQ);
}
#else
static bool has_vpclmulqdq(void)
{
    return __builtin_cpu_supports("vpclmulqdq");
}
#endif

/* Products of four pairs, of 256 bits each, that are not put together yet. */
struct products {
    v512 low, middle, high;
};

WIDE_INLINE v512 load(const uint8_t *bytes)
{
    return _mm512_loadu_si512((const void *)bytes);
}

WIDE_INLINE v512 load_four_times(const uint8_t *block)
{
    return _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)(const void *)block));
}

WIDE_INLINE struct products multiply(v512 a, v512 b)
{
    return (struct products){_mm512_clmulepi64_epi128(a, b, 0x00),
                             _mm512_xor_si512(_mm512_clmulepi64_epi128(a, b, 0x01),
                                              _mm512_clmulepi64_epi128(a, b, 0x10)),
                             _mm512_clmulepi64_epi128(a, b, 0x11)};
}

WIDE_INLINE struct products sum(struct products a, struct products b)
{
    return (struct products){_mm512_xor_si512(a.low, b.low), _mm512_xor_si512(a.middle, b.middle),
                             _mm512_xor_si512(a.high, b.high)};
}

/* Times x^-128, as in polyval_hw.c. */
WIDE_INLINE v512 reduce(struct products p)
{
    const v512 poly =
        _mm512_set_epi64(0, (long long)0xc200000000000000, 0, (long long)0xc200000000000000, 0,
                         (long long)0xc200000000000000, 0, (long long)0xc200000000000000);
    p.low = _mm512_xor_si512(p.low, _mm512_bslli_epi128(p.middle, 8));
    p.high = _mm512_xor_si512(p.high, _mm512_bsrli_epi128(p.middle, 8));
    for (unsigned i = 0; i < 2; i++)
        p.low = _mm512_xor_si512(_mm512_shuffle_epi32(p.low, _MM_PERM_BADC),
                                 _mm512_clmulepi64_epi128(p.low, poly, 0x00));
    return _mm512_xor_si512(p.high, p.low);
}

WIDE_INLINE v512 dots(v512 a, v512 b)
{
    return reduce(multiply(a, b));
}

WIDE_INLINE __m128i sum_of_lanes(v512 v)
{
    const __m256i halves =
        _mm256_xor_si256(_mm512_castsi512_si256(v), _mm512_extracti64x4_epi64(v, 1));
    return _mm_xor_si128(_mm256_castsi256_si128(halves), _mm256_extracti128_si256(halves, 1));
}

/* H; H and its square; the first four powers; eight. */
WIDE static void wide_init(struct polyval_key *k, const uint8_t H[POLYVAL_LEN])
{
    const v512 first = load_four_times(H);
    const v512 second = dots(first, first);
    const v512 third = dots(second, first), fourth = dots(second, second);
    /* Blocks of lower powers lie behind, so in higher lanes. */
    v512 four = _mm512_mask_mov_epi64(first, 0x30, second);
    four = _mm512_mask_mov_epi64(four, 0x0c, third);
    four = _mm512_mask_mov_epi64(four, 0x03, fourth);
    _mm512_storeu_si512(k->power[LANES], four);
    _mm512_storeu_si512(k->power[0], dots(four, fourth));
}

WIDE static void add_steps(const struct polyval_key *k, uint8_t S[POLYVAL_LEN],
                           const uint8_t *bytes, size_t len)
{
    const v512 eighth = load_four_times(k->power[0]), fourth = load_four_times(k->power[LANES]);
    v512 lanes = _mm512_zextsi128_si512(_mm_loadu_si128((const __m128i *)(void *)S));
    for (; len > STEP; bytes += STEP, len -= STEP)
        lanes = reduce(sum(multiply(_mm512_xor_si512(lanes, load(bytes)), eighth),
                           multiply(load(bytes + HALF), fourth)));
    lanes = reduce(sum(multiply(_mm512_xor_si512(lanes, load(bytes)), load(k->power[0])),
                       multiply(load(bytes + HALF), load(k->power[LANES]))));
    _mm_storeu_si128((__m128i *)(void *)S, sum_of_lanes(lanes));
}

/* What is no whole step goes the other way. */
static void wide_add(const struct polyval_key *k, uint8_t S[POLYVAL_LEN], const uint8_t *bytes,
                     size_t len)
{
    size_t steps = len / STEP * STEP;
    if (steps)
        add_steps(k, S, bytes, steps);
    polyval_hw()->add(k, S, bytes + steps, len - steps);
}

static void wide_dot(uint8_t S[POLYVAL_LEN], const uint8_t H[POLYVAL_LEN])
{
    polyval_hw()->dot(S, H);
}

static const struct polyval_kind wide_kind = {.init = wide_init, .add = wide_add, .dot = wide_dot};

const struct polyval_kind *polyval_wide(void)
{
    bool here =
        __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && has_vpclmulqdq();
    return here && polyval_hw() ? &wide_kind : NULL;
}

#else

const struct polyval_kind *polyval_wide(void)
{
    return NULL;
}

#endif

const struct polyval_kind *polyval_fastest(void)
{
    return polyval_wide() ? polyval_wide() : polyval_hw();
}
