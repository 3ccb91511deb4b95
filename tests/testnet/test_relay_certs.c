/* What a relay shows of itself on a link proves it to an initiator. */
#include "testnet/relay_certs.h"

#include "link/certs.h"
#include "support/test.h"

static struct identity identity_of(uint64_t seed)
{
    struct env *env = test_env(seed);
    struct identity id;
    ck_ok(identity_make(env, &id));
    test_env_free(env);
    return id;
}

static err_t verify(const struct identity *id, enum relay_certs_lie lie)
{
    static const int64_t now_s = 1767225600;
    struct sha256 tls = {{0x77}};
    struct link_target target = {
        .rsa = id->rsa_id, .ed = id->ed.pub, .has_rsa = true, .has_ed = true};
    struct certs_proved proved;
    struct relay_certs certs;
    char text[200];
    ck_ok(relay_certs_make(id, &tls, now_s, lie, &certs));
    return certs_verify(&certs.list, &tls, &target, now_s, &proved, text, sizeof text);
}

START_TEST(test_relay_certs_prove_the_identity)
{
    struct identity id = identity_of(10);
    ck_ok(verify(&id, RELAY_CERTS_HONEST));
    identity_wipe(&id);
}
END_TEST

START_TEST(test_relay_certs_that_are_spoilt_do_not)
{
    struct identity id = identity_of(11);
    ck_err(verify(&id, RELAY_CERTS_EXPIRED), ERR_LINK_DATES);
    ck_err(verify(&id, RELAY_CERTS_WRONG_TLS), ERR_LINK_CERTS);
    identity_wipe(&id);
}
END_TEST

TESTS("testnet/relay_certs", test_relay_certs_prove_the_identity,
      test_relay_certs_that_are_spoilt_do_not)
