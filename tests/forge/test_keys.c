#include "forge/keys.h"

#include <string.h>

#include "support/test.h"

static struct env *env;
static struct forge_keys a, b;

static void begin(void)
{
    env = test_env(1);
    ck_ok(forge_keys_make(env, &a));
    ck_ok(forge_keys_make(env, &b));
}

static void end(void)
{
    forge_keys_wipe(&a);
    forge_keys_wipe(&b);
    test_env_free(env);
}

START_TEST(test_keys_are_the_same_after_files)
{
    begin();
    ck_assert(!rsa_id_equal(&a.id.rsa_id, &b.id.rsa_id));
    for (enum forge_key key = 0; key < FORGE_KEYS; key++) {
        struct docw w = {0};
        forge_keys_write(&a, key, &w);
        ck_ok(w.err);
        ck_ok(forge_keys_take(&b, key, docw_text(&w)));
        forge_wipe_text(&w);
    }
    ck_assert(rsa_id_equal(&a.id.rsa_id, &b.id.rsa_id));
    ck_assert(ed_id_equal(&a.id.ed.pub, &b.id.ed.pub));
    ck_assert_mem_eq(a.id.ed.scalar, b.id.ed.scalar, sizeof a.id.ed.scalar);
    ck_assert_mem_eq(a.id.ed.prefix, b.id.ed.prefix, sizeof a.id.ed.prefix);
    ck_assert_mem_eq(a.id.ntor_pub.b, b.id.ntor_pub.b, sizeof a.id.ntor_pub.b);
    size_t len_a, len_b;
    const uint8_t *der_a = rsa_pub_der(rsa_key_public(a.tap), &len_a);
    const uint8_t *der_b = rsa_pub_der(rsa_key_public(b.tap), &len_b);
    ck_assert(len_a == len_b && memcmp(der_a, der_b, len_a) == 0);
    end();
}
END_TEST

START_TEST(test_keys_every_truncation_and_a_trailing_byte_are_refused)
{
    begin();
    for (enum forge_key key = 0; key < FORGE_KEYS; key++) {
        struct docw w = {0};
        forge_keys_write(&a, key, &w);
        size_t len = w.len;
        bool pem = key == FORGE_KEY_RSA || key == FORGE_KEY_TAP;
        for (size_t n = 0; n < len - pem; n++) /* PEM's last newline may be missing */
            ck_assert_int_ne(forge_keys_take(&b, key, (struct text){w.s, n}), OK);
        docw_add(&w, TEXT_LIT("x"));
        ck_assert_int_ne(forge_keys_take(&b, key, docw_text(&w)), OK);
        forge_wipe_text(&w);
    }
    end();
}
END_TEST

START_TEST(test_keys_a_nul_behind_pem_is_tors)
{
    struct docw w = {0};
    begin();
    forge_keys_write(&a, FORGE_KEY_RSA, &w);
    docw_add(&w, (struct text){"", 1});
    ck_ok(forge_keys_take(&b, FORGE_KEY_RSA, docw_text(&w)));
    ck_assert(rsa_id_equal(&a.id.rsa_id, &b.id.rsa_id));
    forge_wipe_text(&w);
    end();
}
END_TEST

START_TEST(test_keys_of_another_relay_are_told)
{
    struct docw w = {0};
    begin();
    forge_keys_write(&a, FORGE_KEY_ED_PUBLIC, &w);
    ck_err(forge_keys_take(&b, FORGE_KEY_ED_PUBLIC, docw_text(&w)), ERR_BAD_KEY);
    ck_ok(forge_keys_take(&a, FORGE_KEY_ED_PUBLIC, docw_text(&w)));
    forge_wipe_text(&w);
    end();
}
END_TEST

START_TEST(test_keys_identities_have_1024_bits)
{
    struct rsa_key *large;
    struct docw w = {0};
    begin();
    ck_ok(rsa_key_generate_from(env, 2048, &large));
    forge_rsa_to_pem(large, &w);
    ck_err(forge_keys_take(&b, FORGE_KEY_RSA, docw_text(&w)), ERR_BAD_KEY);
    rsa_key_free(large);
    ck_ok(forge_rsa_from_pem(docw_text(&w), &large)); /* authorities may */
    rsa_key_free(large);
    forge_wipe_text(&w);
    end();
}
END_TEST

TESTS("forge/keys", test_keys_are_the_same_after_files,
      test_keys_every_truncation_and_a_trailing_byte_are_refused,
      test_keys_a_nul_behind_pem_is_tors, test_keys_of_another_relay_are_told,
      test_keys_identities_have_1024_bits)
