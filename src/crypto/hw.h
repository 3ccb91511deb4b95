/* The processor's own instructions for AES and carry-less multiplication, under the same few names
 * on x86-64 and 64-bit ARM. For aes128_hw.c and polyval_hw.c, which say the rest once for both.
 *
 * HW_CODE is defined where the compiler can make such code; functions that use it are marked HW,
 * and must only be called if hw_here(). A v128 is 16 bytes as they lie in memory. */
#ifndef TUNIC_CRYPTO_HW_H
#define TUNIC_CRYPTO_HW_H

#include <stdbool.h>
#include <stdint.h>

/* Before a loop of few rounds, so that what it works on stays in registers. */
#define HW_UNROLL _Pragma("GCC unroll 9")

#if defined(__x86_64__) && defined(__GNUC__)

#include <immintrin.h>

#define HW_CODE   1
#define HW        __attribute__((target("aes,pclmul,ssse3")))
#define HW_INLINE HW static inline __attribute__((always_inline))

typedef __m128i v128;

static inline bool hw_here(void)
{
    return __builtin_cpu_supports("aes") && __builtin_cpu_supports("pclmul") &&
           __builtin_cpu_supports("ssse3");
}

HW_INLINE v128 hw_load(const uint8_t *bytes)
{
    return _mm_loadu_si128((const __m128i *)(const void *)bytes);
}

HW_INLINE void hw_store(uint8_t *bytes, v128 v)
{
    _mm_storeu_si128((__m128i *)(void *)bytes, v);
}

HW_INLINE v128 hw_xor(v128 a, v128 b)
{
    return _mm_xor_si128(a, b);
}

HW_INLINE v128 hw_words(uint64_t low, uint64_t high)
{
    return _mm_set_epi64x((long long)high, (long long)low);
}

/* The low and the high 64 bits change places. */
HW_INLINE v128 hw_swap(v128 v)
{
    return _mm_shuffle_epi32(v, 0x4e);
}

/* {0, low} and {high, 0} of V's halves {low, high}. */
HW_INLINE v128 hw_low_up(v128 v)
{
    return _mm_slli_si128(v, 8);
}

HW_INLINE v128 hw_high_down(v128 v)
{
    return _mm_srli_si128(v, 8);
}

/* Products of the low halves, and of the high ones. */
HW_INLINE v128 hw_mul_low(v128 a, v128 b)
{
    return _mm_clmulepi64_si128(a, b, 0x00);
}

HW_INLINE v128 hw_mul_high(v128 a, v128 b)
{
    return _mm_clmulepi64_si128(a, b, 0x11);
}

/* FIPS 197: ShiftRows, SubBytes, MixColumns, AddRoundKey; the last round has no MixColumns. */
HW_INLINE v128 hw_aes_round(v128 block, v128 key)
{
    return _mm_aesenc_si128(block, key);
}

HW_INLINE v128 hw_aes_last(v128 block, v128 key)
{
    return _mm_aesenclast_si128(block, key);
}

/* The equivalent inverse cipher, whose inner keys went through hw_aes_unmix(). */
HW_INLINE v128 hw_aes_inverse_round(v128 block, v128 key)
{
    return _mm_aesdec_si128(block, key);
}

HW_INLINE v128 hw_aes_inverse_last(v128 block, v128 key)
{
    return _mm_aesdeclast_si128(block, key);
}

HW_INLINE v128 hw_aes_unmix(v128 key)
{
    return _mm_aesimc_si128(key);
}

/* RotWord of the last column, in all four columns. */
HW_INLINE v128 hw_aes_rotated(v128 v)
{
    return _mm_shuffle_epi8(v, _mm_set1_epi32(0x0c0f0e0d));
}

/* Each column with all before it added. */
HW_INLINE v128 hw_aes_columns(v128 v)
{
    v = _mm_xor_si128(v, _mm_slli_si128(v, 4));
    return _mm_xor_si128(v, _mm_slli_si128(v, 8));
}

/* Clang offers them only where the whole program may use them (-march=armv8-a+crypto). */
#elif defined(__aarch64__) && defined(__GNUC__) && !defined(__AARCH64EB__) && \
    (!defined(__clang__) || defined(__ARM_FEATURE_AES))

#include <arm_neon.h>
#ifndef __APPLE__
#include <sys/auxv.h>
#endif

#define HW_CODE 1
#ifdef __clang__
#define HW
#else
#define HW __attribute__((target("+crypto")))
#endif
#define HW_INLINE HW static inline __attribute__((always_inline))

typedef uint8x16_t v128;

static inline bool hw_here(void)
{
#ifdef __APPLE__
    return true;
#else
    const unsigned long aes = 1ul << 3, pmull = 1ul << 4; /* HWCAP_AES, HWCAP_PMULL */
    return (getauxval(AT_HWCAP) & (aes | pmull)) == (aes | pmull);
#endif
}

HW_INLINE v128 hw_load(const uint8_t *bytes)
{
    return vld1q_u8(bytes);
}

HW_INLINE void hw_store(uint8_t *bytes, v128 v)
{
    vst1q_u8(bytes, v);
}

HW_INLINE v128 hw_xor(v128 a, v128 b)
{
    return veorq_u8(a, b);
}

HW_INLINE v128 hw_words(uint64_t low, uint64_t high)
{
    return vreinterpretq_u8_u64(vcombine_u64(vcreate_u64(low), vcreate_u64(high)));
}

HW_INLINE v128 hw_swap(v128 v)
{
    return vextq_u8(v, v, 8);
}

HW_INLINE v128 hw_low_up(v128 v)
{
    return vextq_u8(vdupq_n_u8(0), v, 8);
}

HW_INLINE v128 hw_high_down(v128 v)
{
    return vextq_u8(v, vdupq_n_u8(0), 8);
}

HW_INLINE v128 hw_mul_low(v128 a, v128 b)
{
    return vreinterpretq_u8_p128(vmull_p64((poly64_t)vgetq_lane_u64(vreinterpretq_u64_u8(a), 0),
                                           (poly64_t)vgetq_lane_u64(vreinterpretq_u64_u8(b), 0)));
}

HW_INLINE v128 hw_mul_high(v128 a, v128 b)
{
    return vreinterpretq_u8_p128(vmull_high_p64(vreinterpretq_p64_u8(a), vreinterpretq_p64_u8(b)));
}

/* ARM adds the round key first: with zeros there, these are the same rounds as on x86. */
HW_INLINE v128 hw_aes_round(v128 block, v128 key)
{
    return veorq_u8(vaesmcq_u8(vaeseq_u8(block, vdupq_n_u8(0))), key);
}

HW_INLINE v128 hw_aes_last(v128 block, v128 key)
{
    return veorq_u8(vaeseq_u8(block, vdupq_n_u8(0)), key);
}

HW_INLINE v128 hw_aes_inverse_round(v128 block, v128 key)
{
    return veorq_u8(vaesimcq_u8(vaesdq_u8(block, vdupq_n_u8(0))), key);
}

HW_INLINE v128 hw_aes_inverse_last(v128 block, v128 key)
{
    return veorq_u8(vaesdq_u8(block, vdupq_n_u8(0)), key);
}

HW_INLINE v128 hw_aes_unmix(v128 key)
{
    return vaesimcq_u8(key);
}

HW_INLINE v128 hw_aes_rotated(v128 v)
{
    return vqtbl1q_u8(v, vreinterpretq_u8_u32(vdupq_n_u32(0x0c0f0e0d)));
}

HW_INLINE v128 hw_aes_columns(v128 v)
{
    v = veorq_u8(v, vextq_u8(vdupq_n_u8(0), v, 12));
    return veorq_u8(v, vextq_u8(vdupq_n_u8(0), v, 8));
}

#else

static inline bool hw_here(void)
{
    return false;
}

#endif

#endif
