/* Keys of a relay repeat from a seed. */
#include "dirdoc/identity.h"

#include <string.h>

#include "support/test.h"

static struct identity identity_of(uint64_t seed)
{
    struct env *env = test_env(seed);
    struct identity id;
    ck_ok(identity_make(env, &id));
    test_env_free(env);
    return id;
}

START_TEST(test_identity_repeats_from_its_seed)
{
    struct identity a = identity_of(7), b = identity_of(7), c = identity_of(8);
    ck_assert(rsa_id_equal(&a.rsa_id, &b.rsa_id));
    ck_assert(ed_id_equal(&a.ed.pub, &b.ed.pub));
    ck_assert_mem_eq(&a.ntor_pub, &b.ntor_pub, sizeof a.ntor_pub);
    ck_assert(!rsa_id_equal(&a.rsa_id, &c.rsa_id));
    ck_assert_uint_eq(rsa_pub_bits(rsa_key_public(a.rsa)), IDENTITY_RSA_BITS);
    identity_wipe(&a);
    identity_wipe(&b);
    identity_wipe(&c);
}
END_TEST

START_TEST(test_identity_seeded_key_signs)
{
    struct identity id = identity_of(9);
    uint8_t digest[32] = {1, 2, 3}, sig[RSA_SIG_MAX];
    size_t len;
    ck_ok(rsa_sign_digest(id.rsa, digest, sizeof digest, sig, &len));
    ck_ok(rsa_verify_digest(rsa_key_public(id.rsa), digest, sizeof digest, sig, len));
    digest[0] ^= 1;
    ck_err(rsa_verify_digest(rsa_key_public(id.rsa), digest, sizeof digest, sig, len),
           ERR_BAD_SIGNATURE);
    identity_wipe(&id);
}
END_TEST

TESTS("dirdoc/identity", test_identity_repeats_from_its_seed, test_identity_seeded_key_signs)
