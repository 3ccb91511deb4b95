#include "crypto/aes_wide.h"

#if defined(__x86_64__) && defined(__GNUC__)

#include <cpuid.h>
#include <immintrin.h>

#define WIDE        __attribute__((target("aes,vaes,avx512f,avx512bw")))
#define WIDE_INLINE WIDE static inline __attribute__((always_inline))
/* What such a loop works on stays in registers. */
#define UNROLL _Pragma("GCC unroll 11")

enum {
    BLOCK = 16,
    VECTOR = 64, /* bytes, four blocks of the stream */
    AT_ONCE = 8, /* vectors: a round takes some cycles, and the next one's can begin in each */
    LAST = 10,
};

typedef __m512i v512;

/* Older compilers do not know VAES by name. To ask the processor itself costs microseconds in a
 * virtual machine. */
#if defined(__clang__) ? __clang_major__ < 18 : __GNUC__ < 11
static bool has_vaes(void)
{
    unsigned a, b, c = 0, d;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (c & bit_VAES);
}
#else
static bool has_vaes(void)
{
    return __builtin_cpu_supports("vaes");
}
#endif

/* Of AVX-512 the builtin says, too, whether the system keeps its registers. */
bool aes_wide_here(void)
{
    return __builtin_cpu_supports("aes") && __builtin_cpu_supports("avx512f") &&
           __builtin_cpu_supports("avx512bw") && has_vaes();
}

/* Where the stream's bytes go: TO may lie before the first of them, which is SKIP bytes on. */
struct target {
    uint8_t *to;
    size_t skip, end;
};

/* Of the vector at AT, the bytes that are there. */
static uint64_t mask_of(const struct target *t, size_t at)
{
    uint64_t mask = UINT64_MAX;
    if (at < t->skip)
        mask <<= t->skip - at;
    if (at >= t->end)
        return 0;
    return t->end - at < VECTOR ? mask & ~(UINT64_MAX << (t->end - at)) : mask;
}

WIDE_INLINE void add(const struct target *t, size_t at, v512 stream)
{
    uint64_t mask = mask_of(t, at);
    /* What is masked out is neither read nor written, so it may be anybody's. */
    uint8_t *to = (uint8_t *)((uintptr_t)t->to + at);
    v512 bytes = _mm512_maskz_loadu_epi8(mask, to);
    _mm512_mask_storeu_epi8(to, mask, _mm512_xor_si512(bytes, stream));
}

/* N vectors of the stream from the counters in NEXT on, onto T at AT. */
WIDE_INLINE v512 run(const v512 key[LAST + 1], v512 next, unsigned n, const struct target *t,
                     size_t at)
{
    const v512 four = _mm512_set_epi64(0, 4, 0, 4, 0, 4, 0, 4);
    const v512 backwards =
        _mm512_broadcast_i32x4(_mm_set_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
    v512 x[AT_ONCE];
    UNROLL
    for (unsigned i = 0; i < n; i++) {
        x[i] = _mm512_xor_si512(_mm512_shuffle_epi8(next, backwards), key[0]);
        next = _mm512_add_epi64(next, four);
    }
    UNROLL
    for (unsigned round = 1; round < LAST; round++) {
        UNROLL
        for (unsigned i = 0; i < n; i++)
            x[i] = _mm512_aesenc_epi128(x[i], key[round]);
    }
    UNROLL
    for (unsigned i = 0; i < n; i++)
        add(t, at + i * VECTOR, _mm512_aesenclast_epi128(x[i], key[LAST]));
    return next;
}

/* The stream goes on from block FIRST, SKIP bytes behind its beginning. */
WIDE_INLINE void stream(const uint8_t *schedule, struct aes_wide_block first, size_t skip,
                        uint8_t *bytes, size_t len)
{
    const struct target t = {(uint8_t *)((uintptr_t)bytes - skip), skip, skip + len};
    const long long high = (long long)first.high, low = (long long)first.low;
    v512 next = _mm512_add_epi64(_mm512_set_epi64(high, low, high, low, high, low, high, low),
                                 _mm512_set_epi64(0, 3, 0, 2, 0, 1, 0, 0));
    v512 key[LAST + 1];
    UNROLL
    for (unsigned i = 0; i <= LAST; i++)
        key[i] = _mm512_broadcast_i32x4(
            _mm_loadu_si128((const __m128i *)(const void *)(schedule + i * BLOCK)));
    size_t done = 0;
    for (; t.end - done > VECTOR; done += AT_ONCE * VECTOR) {
        next = run(key, next, AT_ONCE, &t, done);
        if (t.end - done <= AT_ONCE * VECTOR)
            return;
    }
    run(key, next, 1, &t, done);
}

WIDE void aes_wide_xor(const uint8_t *schedule, uint64_t at, uint8_t *bytes, size_t len)
{
    const struct aes_wide_block first = {0, at / BLOCK};
    stream(schedule, first, at % BLOCK, bytes, len);
}

WIDE void aes_wide_xor_from(const uint8_t *schedule, struct aes_wide_block first, uint8_t *bytes,
                            size_t len)
{
    stream(schedule, first, 0, bytes, len);
}

#else

bool aes_wide_here(void)
{
    return false;
}

void aes_wide_xor(const uint8_t *schedule, uint64_t at, uint8_t *bytes, size_t len)
{
    (void)schedule, (void)at, (void)bytes, (void)len;
}

void aes_wide_xor_from(const uint8_t *schedule, struct aes_wide_block first, uint8_t *bytes,
                       size_t len)
{
    (void)schedule, (void)first, (void)bytes, (void)len;
}

#endif
