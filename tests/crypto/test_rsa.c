#include "support/test.h"

#include <string.h>

#include "crypto/encode.h"
#include "crypto/hash.h"
#include "crypto/rsa.h"
#include "crypto/rsa_key.h"
#include "support/vec.h"

struct known {
    uint8_t secret_der[1024], der[RSA_DER_MAX], digest[SHA1_LEN], sig[RSA_SIG_MAX];
    size_t secret_len, der_len, sig_len;
    struct rsa_id id;
};

static struct known known_key(void)
{
    struct known k;
    struct vec *v = vec_open("vectors/crypto/rsa.txt");
    ck_assert(vec_next(v));
    k.secret_len = vec_hex(v, "secret_der", k.secret_der, sizeof k.secret_der);
    k.der_len = vec_hex(v, "public_der", k.der, sizeof k.der);
    k.sig_len = vec_hex(v, "sig", k.sig, sizeof k.sig);
    vec_hex(v, "digest", k.digest, sizeof k.digest);
    vec_hex(v, "id", k.id.b, sizeof k.id.b);
    vec_close(v);
    return k;
}

static struct rsa_key *new_key(unsigned bits)
{
    struct rsa_key *key;
    ck_ok(rsa_key_generate(bits, &key));
    return key;
}

START_TEST(test_rsa_known_key)
{
    struct known k = known_key();
    struct rsa_pub *key;
    struct rsa_id id;
    struct sha256 wide, want;
    size_t len;
    ck_ok(rsa_pub_from_der(k.der, k.der_len, &key));
    ck_assert_uint_eq(rsa_pub_bits(key), 1024);
    ck_assert_uint_eq(rsa_pub_sig_len(key), 128);
    rsa_pub_id(key, &id);
    ck_assert(rsa_id_equal(&id, &k.id));
    sha256(k.der, k.der_len, want.b);
    rsa_pub_sha256(key, &wide);
    ck_assert_mem_eq(wide.b, want.b, sizeof wide.b);
    ck_assert_mem_eq(rsa_pub_der(key, &len), k.der, k.der_len);
    ck_assert_uint_eq(len, k.der_len);
    ck_ok(rsa_verify_digest(key, k.digest, sizeof k.digest, k.sig, k.sig_len));
    rsa_pub_free(key);
}
END_TEST

START_TEST(test_rsa_known_secret_key_makes_the_same_signature)
{
    struct known k = known_key();
    struct rsa_key *key;
    struct rsa_id id;
    uint8_t sig[RSA_SIG_MAX];
    size_t len;
    ck_ok(rsa_key_from_der(k.secret_der, k.secret_len, &key));
    rsa_pub_id(rsa_key_public(key), &id);
    ck_assert(rsa_id_equal(&id, &k.id));
    ck_ok(rsa_sign_digest(key, k.digest, sizeof k.digest, sig, &len));
    ck_assert_uint_eq(len, k.sig_len);
    ck_assert_mem_eq(sig, k.sig, len);
    rsa_key_free(key);
    k.secret_der[k.secret_len] = 0;
    ck_err(rsa_key_from_der(k.secret_der, k.secret_len + 1, &key), ERR_TRAILING);
    ck_err(rsa_key_from_der(k.secret_der, k.secret_len - 1, &key), ERR_MALFORMED);
}
END_TEST

START_TEST(test_rsa_der_truncated_or_longer_is_refused)
{
    struct known k = known_key();
    struct rsa_pub *key = NULL;
    for (size_t len = 0; len < k.der_len; len++)
        ck_assert_int_ne(rsa_pub_from_der(k.der, len, &key), OK);
    k.der[k.der_len] = 0;
    ck_err(rsa_pub_from_der(k.der, k.der_len + 1, &key), ERR_MALFORMED);
    ck_err(rsa_pub_from_der(k.der, RSA_DER_MAX + 1, &key), ERR_BAD_KEY);
    ck_assert_ptr_null(key);
}
END_TEST

START_TEST(test_rsa_der_with_a_flipped_bit_is_another_key_or_none)
{
    struct known k = known_key();
    int other = 0;
    for (size_t bit = 0; bit < k.der_len * 8; bit++) {
        struct rsa_pub *key;
        struct rsa_id id;
        k.der[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (rsa_pub_from_der(k.der, k.der_len, &key) == OK) {
            rsa_pub_id(key, &id);
            ck_assert(!rsa_id_equal(&id, &k.id));
            ck_err(rsa_verify_digest(key, k.digest, sizeof k.digest, k.sig, k.sig_len),
                   ERR_BAD_SIGNATURE);
            rsa_pub_free(key);
            other++;
        }
        k.der[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    /* An odd modulus of 1024 bits, or of 1025 to 1031 by a bit of the zero before it. */
    ck_assert_int_eq(other, 1022 + 7);
}
END_TEST

START_TEST(test_rsa_exponent_other_than_65537_is_refused)
{
    struct known k = known_key();
    struct rsa_pub *key;
    ck_assert_int_eq(k.der[k.der_len - 1], 1);
    k.der[k.der_len - 1] = 3;
    ck_err(rsa_pub_from_der(k.der, k.der_len, &key), ERR_BAD_KEY);
}
END_TEST

START_TEST(test_rsa_signature_with_a_flipped_bit_is_refused)
{
    struct known k = known_key();
    struct rsa_pub *key;
    ck_ok(rsa_pub_from_der(k.der, k.der_len, &key));
    for (size_t bit = 0; bit < k.sig_len * 8; bit++) {
        k.sig[bit / 8] ^= (uint8_t)(1u << bit % 8);
        ck_err(rsa_verify_digest(key, k.digest, 20, k.sig, k.sig_len), ERR_BAD_SIGNATURE);
        k.sig[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t bit = 0; bit < 20 * 8; bit++) {
        k.digest[bit / 8] ^= (uint8_t)(1u << bit % 8);
        ck_err(rsa_verify_digest(key, k.digest, 20, k.sig, k.sig_len), ERR_BAD_SIGNATURE);
        k.digest[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t len = 0; len < k.sig_len; len++)
        ck_err(rsa_verify_digest(key, k.digest, 20, k.sig, len), ERR_BAD_SIGNATURE);
    ck_err(rsa_verify_digest(key, k.digest, 20, k.sig, k.sig_len + 1), ERR_BAD_SIGNATURE);
    ck_err(rsa_verify_digest(key, k.digest, 19, k.sig, k.sig_len), ERR_ARG);
    rsa_pub_free(key);
}
END_TEST

START_TEST(test_rsa_digest_must_be_all_that_was_signed)
{
    struct rsa_key *key = new_key(1024);
    const struct rsa_pub *pub = rsa_key_public(key);
    uint8_t bytes[52], sig[RSA_SIG_MAX];
    size_t len;
    memset(bytes, 0x11, sizeof bytes);
    ck_ok(rsa_sign_digest(key, bytes, 52, sig, &len));
    ck_ok(rsa_verify_digest(pub, bytes, 52, sig, len)); /* as onion-key-crosscert has it */
    ck_err(rsa_verify_digest(pub, bytes, 32, sig, len), ERR_BAD_SIGNATURE);
    ck_err(rsa_verify_digest(pub, bytes, 20, sig, len), ERR_BAD_SIGNATURE);
    ck_ok(rsa_sign_digest(key, bytes, 20, sig, &len));
    ck_err(rsa_verify_digest(pub, bytes, 32, sig, len), ERR_BAD_SIGNATURE);
    ck_err(rsa_sign_digest(key, bytes, 19, sig, &len), ERR_ARG);
    rsa_key_free(key);
}
END_TEST

START_TEST(test_rsa_keys_of_other_sizes_sign_and_verify)
{
    static const unsigned sizes[] = {2048, 3072};
    for (size_t i = 0; i < 2; i++) {
        struct rsa_key *key = new_key(sizes[i]);
        struct rsa_pub *pub;
        uint8_t digest[SHA256_LEN], sig[RSA_SIG_MAX];
        size_t len, der_len;
        sha256("document", 8, digest);
        ck_ok(rsa_sign_digest(key, digest, sizeof digest, sig, &len));
        ck_assert_uint_eq(len, sizes[i] / 8);
        const uint8_t *der = rsa_pub_der(rsa_key_public(key), &der_len);
        ck_ok(rsa_pub_from_der(der, der_len, &pub));
        ck_ok(rsa_verify_digest(pub, digest, sizeof digest, sig, len));
        rsa_pub_free(pub);
        rsa_key_free(key);
    }
}
END_TEST

START_TEST(test_rsa_pem_of_the_known_key)
{
    struct known k = known_key();
    char pem[1024], bad[1024];
    struct rsa_pub *key;
    struct rsa_id id;
    pem_encode("RSA PUBLIC KEY", k.der, k.der_len, pem);
    ck_ok(rsa_pub_from_pem(text_of(pem), &key));
    rsa_pub_id(key, &id);
    ck_assert(rsa_id_equal(&id, &k.id));
    rsa_pub_free(key);
    pem_encode("PUBLIC KEY", k.der, k.der_len, bad);
    ck_err(rsa_pub_from_pem(text_of(bad), &key), ERR_MALFORMED);
    uint8_t long_der[RSA_DER_MAX + 1] = {0};
    pem_encode("RSA PUBLIC KEY", long_der, sizeof long_der, bad);
    ck_err(rsa_pub_from_pem(text_of(bad), &key), ERR_BAD_KEY);
}
END_TEST

enum { NOW = 1600000000, DAY = 86400 };

struct id_cert {
    uint8_t der[1024];
    size_t len;
    struct rsa_id id;
};

static struct id_cert make_id_cert(unsigned bits, int64_t from, int64_t to)
{
    struct id_cert c;
    struct rsa_key *key = new_key(bits);
    struct wr w = wr_over(c.der, sizeof c.der);
    ck_ok(rsa_id_cert_make(key, from, to, &w));
    c.len = w.len;
    rsa_pub_id(rsa_key_public(key), &c.id);
    rsa_key_free(key);
    return c;
}

START_TEST(test_rsa_id_cert_of_a_real_relay)
{
    struct vec *v = vec_open("vectors/link/certs.txt");
    struct rsa_pub *key;
    struct rsa_id id, want;
    uint8_t der[1024];
    ck_assert(vec_next(v));
    size_t len = vec_hex(v, "t2", der, sizeof der);
    vec_hex(v, "rsa_id", want.b, sizeof want.b);
    ck_ok(rsa_id_cert_verify(der, len, vec_int(v, "valid_at"), &key));
    rsa_pub_id(key, &id);
    ck_assert(rsa_id_equal(&id, &want));
    rsa_pub_free(key);
    ck_ok(rsa_pub_from_x509(der, len, &key));
    rsa_pub_id(key, &id);
    ck_assert(rsa_id_equal(&id, &want));
    rsa_pub_free(key);
    vec_close(v);
}
END_TEST

START_TEST(test_rsa_id_cert_truncated_or_changed_is_refused)
{
    struct id_cert c = make_id_cert(1024, NOW - DAY, NOW + DAY);
    struct rsa_pub *key = NULL;
    for (size_t len = 0; len < c.len; len++)
        ck_err(rsa_id_cert_verify(c.der, len, NOW, &key), ERR_MALFORMED);
    c.der[c.len] = 0;
    ck_err(rsa_id_cert_verify(c.der, c.len + 1, NOW, &key), ERR_TRAILING);
    for (size_t bit = 0; bit < c.len * 8; bit++) {
        c.der[bit / 8] ^= (uint8_t)(1u << bit % 8);
        ck_assert_msg(rsa_id_cert_verify(c.der, c.len, NOW, &key) != OK, "bit %zu", bit);
        c.der[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    ck_assert_ptr_null(key);
    ck_ok(rsa_id_cert_verify(c.der, c.len, NOW, &key));
    rsa_pub_free(key);
}
END_TEST

START_TEST(test_rsa_id_cert_dates_have_tors_slack)
{
    struct id_cert c = make_id_cert(1024, NOW, NOW + DAY);
    struct rsa_pub *key;
    ck_ok(rsa_id_cert_verify(c.der, c.len, NOW - 29 * DAY, &key));
    rsa_pub_free(key);
    ck_ok(rsa_id_cert_verify(c.der, c.len, NOW + 3 * DAY - 60, &key));
    rsa_pub_free(key);
    ck_err(rsa_id_cert_verify(c.der, c.len, NOW - 31 * DAY, &key), ERR_NOT_YET_VALID);
    ck_err(rsa_id_cert_verify(c.der, c.len, NOW + 3 * DAY + 60, &key), ERR_EXPIRED);
}
END_TEST

START_TEST(test_rsa_id_cert_with_a_longer_key_is_refused)
{
    struct id_cert c = make_id_cert(2048, NOW - DAY, NOW + DAY);
    struct rsa_pub *key;
    ck_err(rsa_id_cert_verify(c.der, c.len, NOW, &key), ERR_BAD_KEY);
    ck_ok(rsa_pub_from_x509(c.der, c.len, &key)); /* which checks nothing but the key */
    rsa_pub_free(key);
}
END_TEST

START_TEST(test_rsa_id_cert_needs_room)
{
    struct rsa_key *key = new_key(1024);
    uint8_t out[100];
    struct wr w = wr_over(out, sizeof out);
    ck_err(rsa_id_cert_make(key, NOW, NOW + DAY, &w), ERR_FULL);
    rsa_key_free(key);
}
END_TEST

START_TEST(test_rsa_sizes_out_of_range_are_refused)
{
    struct rsa_key *key;
    ck_err(rsa_key_generate(512, &key), ERR_ARG);
    ck_err(rsa_key_generate(8192, &key), ERR_ARG);
}
END_TEST

TESTS("crypto/rsa", test_rsa_known_key, test_rsa_known_secret_key_makes_the_same_signature,
      test_rsa_der_truncated_or_longer_is_refused,
      test_rsa_der_with_a_flipped_bit_is_another_key_or_none,
      test_rsa_exponent_other_than_65537_is_refused,
      test_rsa_signature_with_a_flipped_bit_is_refused, test_rsa_digest_must_be_all_that_was_signed,
      test_rsa_keys_of_other_sizes_sign_and_verify, test_rsa_pem_of_the_known_key,
      test_rsa_id_cert_of_a_real_relay, test_rsa_id_cert_truncated_or_changed_is_refused,
      test_rsa_id_cert_dates_have_tors_slack, test_rsa_id_cert_with_a_longer_key_is_refused,
      test_rsa_id_cert_needs_room, test_rsa_sizes_out_of_range_are_refused)
