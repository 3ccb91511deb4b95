/* The body of AUTHENTICATE, apart from any link. */
#include "link/auth.h"

#include <stdlib.h>
#include <string.h>

#include "support/test.h"

static struct env *env;
static struct auth_facts facts;
static struct ed_secret key;

static void set_up(void)
{
    env = test_env(11);
    ed25519_keypair(env, &key);
    env_random(env, &facts, sizeof facts);
}

static err_t verify(const uint8_t *auth, size_t len)
{
    uint8_t *exact = malloc(len ? len : 1);
    memcpy(exact, auth, len);
    err_t e = auth_verify(&facts, &key.pub, exact, len);
    free(exact);
    return e;
}

/* tor-spec 4.4.2, field by field. */
START_TEST(test_auth_fields_lie_as_the_specification_has_them)
{
    uint8_t auth[AUTH_LEN], again[AUTH_LEN];
    set_up();
    auth_make(&facts, env, &key, auth);
    ck_assert_uint_eq(AUTH_LEN, 352);
    ck_assert_mem_eq(auth, "AUTH0003", 8);
    ck_assert_mem_eq(auth + 8, facts.cid.b, 32);
    ck_assert_mem_eq(auth + 40, facts.sid.b, 32);
    ck_assert_mem_eq(auth + 72, facts.cid_ed.b, 32);
    ck_assert_mem_eq(auth + 104, facts.sid_ed.b, 32);
    ck_assert_mem_eq(auth + 136, facts.slog.b, 32);
    ck_assert_mem_eq(auth + 168, facts.clog.b, 32);
    ck_assert_mem_eq(auth + 200, facts.scert.b, 32);
    ck_assert_mem_eq(auth + 232, facts.tlssecrets, 32);
    ck_ok(ed25519_verify(&key.pub, auth, 288, auth + 288));
    ck_ok(verify(auth, sizeof auth));
    auth_make(&facts, env, &key, again);
    ck_assert_mem_ne(auth + 264, again + 264, 24); /* RAND */
    test_env_free(env);
}
END_TEST

START_TEST(test_auth_every_byte_counts)
{
    uint8_t auth[AUTH_LEN];
    set_up();
    auth_make(&facts, env, &key, auth);
    for (size_t i = 0; i < sizeof auth; i++) {
        auth[i] ^= 0x10;
        ck_err(verify(auth, sizeof auth), i < 264 ? ERR_MALFORMED : ERR_BAD_SIGNATURE);
        auth[i] ^= 0x10;
    }
    for (size_t len = 0; len < sizeof auth; len++)
        ck_err(verify(auth, len), ERR_TRUNCATED);
    ck_ok(verify(auth, sizeof auth));
    test_env_free(env);
}
END_TEST

START_TEST(test_auth_bytes_behind_rand_are_ignored_if_signed)
{
    uint8_t auth[AUTH_LEN + 5];
    set_up();
    auth_make(&facts, env, &key, auth);
    memset(auth + 288, 0x77, 5);
    ed25519_sign(&key, auth, 293, auth + 293);
    ck_ok(verify(auth, sizeof auth));
    auth[290] ^= 1;
    ck_err(verify(auth, sizeof auth), ERR_BAD_SIGNATURE);
    test_env_free(env);
}
END_TEST

START_TEST(test_auth_another_key_signs_nothing)
{
    uint8_t auth[AUTH_LEN];
    struct ed_secret other;
    set_up();
    ed25519_keypair(env, &other);
    auth_make(&facts, env, &other, auth);
    ck_err(verify(auth, sizeof auth), ERR_BAD_SIGNATURE);
    test_env_free(env);
}
END_TEST

TESTS("link/auth", test_auth_fields_lie_as_the_specification_has_them, test_auth_every_byte_counts,
      test_auth_bytes_behind_rand_are_ignored_if_signed, test_auth_another_key_signs_nothing)
