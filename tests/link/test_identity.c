/* What an initiator's identity is made of. */
#include "link/identity.h"

#include <string.h>

#include "link/certs.h"
#include "link/relaykeys.h"

static struct env *env;
static struct relay_keys keys;
static struct link_identity id;
static char text[200];

static void set_up(void)
{
    env = test_env(12);
    keys = relay_keys_shared();
    ck_ok(link_identity_make(env, keys.rsa, &keys.id, &id));
}

static err_t verify(int64_t later_s, struct certs_claim *out)
{
    return certs_verify_initiator(&id.certs, env_wall_s(env) + later_s, out, text, sizeof text);
}

START_TEST(test_identity_is_what_a_responder_wants)
{
    static const uint8_t types[] = {2, 4, 6, 7};
    struct certs_claim claim;
    struct certs_proved shown;
    set_up();
    ck_assert_uint_eq(id.certs.n, sizeof types);
    for (size_t i = 0; i < sizeof types; i++)
        ck_assert_uint_eq(id.certs.c[i].type, types[i]);
    ck_ok(verify(0, &claim));
    ck_assert(ed_id_equal(&claim.who.ed, &keys.id.pub) && ed_id_equal(&id.ed, &keys.id.pub));
    ck_assert(rsa_id_equal(&claim.who.rsa, &keys.rsa_id) && rsa_id_equal(&id.rsa, &keys.rsa_id));
    ck_assert_mem_eq(&claim.who.rsa_sha256, &id.rsa_sha256, sizeof id.rsa_sha256);
    ck_assert(ed_id_equal(&claim.auth_key, &id.auth.pub));
    ck_ok(certs_shown(&id.certs, &shown));
    ck_assert_mem_eq(&shown, &claim.who, sizeof shown);
    test_env_free(env);
}
END_TEST

START_TEST(test_identity_lives_a_month)
{
    struct certs_claim claim;
    set_up();
    ck_ok(verify(LINK_IDENTITY_LIFE_S, &claim));
    ck_err(verify(LINK_IDENTITY_LIFE_S + 2 * 3600, &claim), ERR_LINK_DATES);
    ck_err(verify(-40 * 86400, &claim), ERR_LINK_DATES);
    test_env_free(env);
}
END_TEST

START_TEST(test_identity_is_renewed_once_a_day)
{
    struct certs_claim first, same, second;
    set_up();
    ck_ok(verify(0, &first));
    test_env_advance_ms(env, (LINK_IDENTITY_RENEW_S - 1) * 1000ull);
    ck_ok(link_identity_renew(env, &id));
    ck_ok(verify(0, &same));
    ck_assert(ed_id_equal(&first.auth_key, &same.auth_key));
    for (int month = 0; month < 3; month++) { /* and so for ever */
        test_env_advance_ms(env, LINK_IDENTITY_LIFE_S * 1000ull);
        ck_ok(link_identity_renew(env, &id));
        ck_ok(verify(LINK_IDENTITY_LIFE_S, &second));
        ck_assert(!ed_id_equal(&first.auth_key, &second.auth_key));
        ck_assert_mem_eq(&first.who, &second.who, sizeof first.who);
        first = second;
    }
    id.made_s += 3600; /* the clock was set back */
    ck_ok(link_identity_renew(env, &id));
    ck_ok(verify(0, &second));
    ck_assert(!ed_id_equal(&first.auth_key, &second.auth_key));
    test_env_free(env);
}
END_TEST

/* Its views are its own, though it was made in place. */
START_TEST(test_identity_is_made_anew_in_place)
{
    struct certs_claim first, second;
    set_up();
    ck_ok(verify(0, &first));
    ck_ok(link_identity_make(env, keys.rsa, &keys.id, &id));
    ck_ok(verify(0, &second));
    ck_assert(!ed_id_equal(&first.auth_key, &second.auth_key));
    for (size_t i = 0; i < id.certs.n; i++) {
        ck_assert(id.certs.c[i].body >= id.storage);
        ck_assert(id.certs.c[i].body + id.certs.c[i].len <= id.storage + sizeof id.storage);
    }
    link_identity_wipe(&id);
    static const struct link_identity wiped;
    ck_assert_mem_eq(&id, &wiped, sizeof id);
    test_env_free(env);
}
END_TEST

/* A certificate that the signing key made for something else is none of the key of AUTHENTICATE. */
START_TEST(test_identity_auth_certificate_is_for_that_use)
{
    static const struct {
        uint8_t type, key_type;
        err_t want;
    } rows[] = {{CERT_SIGNING_V_LINK_AUTH, CERT_KEY_ED25519, OK},
                {CERT_SIGNING_V_TLS_CERT, CERT_KEY_ED25519, ERR_LINK_CERTS},
                {CERT_SIGNING_V_LINK_AUTH, CERT_KEY_X509_SHA256, ERR_LINK_CERTS}};
    struct certs_claim claim;
    struct relay_certs made;
    struct sha256 tls_cert = {{0}};
    uint8_t storage[256];
    set_up();
    relay_certs_make(&made, &keys, &tls_cert, env_wall_s(env), 86400);
    for (size_t i = 0; i < 3; i++) {
        struct wr w = wr_over(storage, sizeof storage);
        struct ed_cert cert = {.type = rows[i].type,
                               .key_type = rows[i].key_type,
                               .expires_h = (uint32_t)(env_wall_s(env) / 3600 + 24)};
        ck_ok(ed_cert_make(&cert, &keys.signing, &w));
        made.list.c[2] = (struct chan_cert){
            .type = CHAN_CERT_ED_SIGNING_AUTH, .len = (uint16_t)w.len, .body = storage};
        ck_err(certs_verify_initiator(&made.list, env_wall_s(env), &claim, text, sizeof text),
               rows[i].want);
    }
    ck_assert_ptr_nonnull(strstr(text, "(type 6)"));
    test_env_free(env);
}
END_TEST

START_TEST(test_identity_of_another_size_is_refused)
{
    struct rsa_key *long_key;
    set_up();
    struct link_identity before = id;
    ck_ok(rsa_key_generate(2048, &long_key));
    ck_err(link_identity_make(env, long_key, &keys.id, &id), ERR_BAD_KEY);
    ck_assert_mem_eq(&id, &before, sizeof id);
    rsa_key_free(long_key);
    test_env_free(env);
}
END_TEST

START_TEST(test_identity_shown_without_all_certificates)
{
    struct certs_proved shown;
    set_up();
    struct chan_certs list = id.certs;
    list.n = 1; /* no type 4 */
    ck_err(certs_shown(&list, &shown), ERR_NOT_FOUND);
    list.c[0] = id.certs.c[1]; /* no type 2 */
    ck_err(certs_shown(&list, &shown), ERR_NOT_FOUND);
    list = id.certs;
    list.c[1].len--;
    ck_assert_int_ne(certs_shown(&list, &shown), OK);
    list = id.certs;
    list.c[0].len = 4;
    ck_assert_int_ne(certs_shown(&list, &shown), OK);
    test_env_free(env);
}
END_TEST

TESTS("link/identity", test_identity_is_what_a_responder_wants, test_identity_lives_a_month,
      test_identity_is_renewed_once_a_day, test_identity_is_made_anew_in_place,
      test_identity_auth_certificate_is_for_that_use, test_identity_of_another_size_is_refused,
      test_identity_shown_without_all_certificates)
