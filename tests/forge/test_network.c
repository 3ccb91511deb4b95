#include "forge/network.h"

#include <stdlib.h>
#include <string.h>

#include "dir/authcert.h"
#include "dir/consensus.h"
#include "dir/microdesc.h"
#include "support/test.h"

enum { RELAYS = 4, AUTHORITIES = 3 };

static struct env *env;
static struct docw servers;
static struct forge_desc desc[RELAYS];
static struct forge_authority authority[AUTHORITIES];
static struct forge_network net;
static struct forge_network_wish wish;
static char what[FORGE_WHAT_MAX];

static void make_relays(void)
{
    for (unsigned i = 0; i < RELAYS; i++) {
        const struct forge_relay_wish relay = {.published_s = env_wall_s(env) - 3600};
        struct forge_keys keys;
        struct forge_relay made;
        ck_ok(forge_keys_make(env, &keys));
        ck_ok(forge_relay_make(&relay, i + 1, &keys, &made));
        docw_add(&servers, docw_text(&made.server));
        forge_relay_free(&made);
        forge_keys_wipe(&keys);
    }
    struct text rest = docw_text(&servers);
    const char *why;
    for (unsigned i = 0; i < RELAYS; i++)
        ck_ok(forge_desc_next(&rest, &desc[i], &why));
}

static void begin(void)
{
    const struct forge_edits none = {NULL, 0};
    env = test_env(3);
    int64_t now_s = env_wall_s(env);
    make_relays();
    for (unsigned i = 0; i < AUTHORITIES; i++)
        ck_ok(forge_authority_make(env, i + 1, now_s - 86400, now_s + 86400, &none, false,
                                   &authority[i]));
    wish = (struct forge_network_wish){.authority = authority,
                                       .n_authorities = AUTHORITIES,
                                       .desc = desc,
                                       .n_descs = RELAYS,
                                       .valid_after_s = now_s,
                                       .fresh_until_s = now_s + 3600,
                                       .valid_until_s = now_s + 3 * 3600,
                                       .vote_s = 300,
                                       .dist_s = 300,
                                       .signatures = AUTHORITIES};
}

static void end(void)
{
    forge_network_free(&net);
    for (unsigned i = 0; i < RELAYS; i++)
        forge_desc_free(&desc[i]);
    for (unsigned i = 0; i < AUTHORITIES; i++)
        forge_authority_wipe(&authority[i]);
    docw_free(&servers);
    test_env_free(env);
}

/* As our client judges it, with all certificates. */
static err_t judge(struct consensus *c, struct consensus_verdict *v)
{
    struct authcert_set certs;
    struct authcert *cert;
    struct rsa_id auths[AUTHORITIES];
    struct text rest = docw_text(&net.certs);
    authcert_set_init(&certs);
    while (authcert_parse(&rest, &cert) == OK)
        ck_ok(authcert_set_add(&certs, cert));
    for (size_t i = 0; i < AUTHORITIES; i++)
        auths[i] = authority[i].doc.identity;
    err_t err = consensus_verify(c, auths, AUTHORITIES, &certs, env_wall_s(env), v);
    authcert_set_clear(&certs);
    return err;
}

static struct consensus *parse(void)
{
    struct consensus *c;
    ck_ok(consensus_parse(docw_text(&net.consensus[CONSDOC_MICRODESC]), &c));
    return c;
}

START_TEST(test_network_our_client_takes_it)
{
    struct consensus_verdict v;
    begin();
    ck_ok(forge_network_make(&wish, &net, what));
    struct consensus *c = parse();
    ck_ok(judge(c, &v));
    ck_assert_uint_eq(v.good, 3);
    ck_assert_uint_eq(c->n_relays, RELAYS);
    struct text rest = docw_text(&net.microdescs);
    for (unsigned i = 0; i < RELAYS; i++) {
        struct microdesc md;
        ck_ok(microdesc_next(&rest, &md));
        ck_assert_mem_eq(md.digest.b, c->relays[i].md_digest.b, 32);
        ck_assert_int_eq(md.last_listed_s, wish.valid_after_s);
    }
    consensus_free(&c);
    end();
}
END_TEST

START_TEST(test_network_signatures_are_as_many_as_wished)
{
    struct consensus_verdict v;
    begin();
    wish.signatures = 1;
    ck_ok(forge_network_make(&wish, &net, what));
    struct consensus *c = parse();
    ck_err(judge(c, &v), ERR_UNDERSIGNED);
    ck_assert_uint_eq(v.good, 1);
    consensus_free(&c);
    end();
}
END_TEST

START_TEST(test_network_edits_are_signed)
{
    struct consensus_verdict v;
    struct edit edit[2];
    begin();
    ck_ok(edit_set("client-versions 9.9.9", &edit[0]));
    ck_ok(edit_set("params a=5", &edit[1]));
    wish.head = (struct forge_edits){edit, 2};
    ck_ok(forge_network_make(&wish, &net, what));
    struct consensus *c = parse();
    ck_ok(judge(c, &v));
    ck_assert_str_eq(c->client_versions, "9.9.9");
    ck_assert_int_eq(consensus_param(c, "a", 0, 0, 9), 5);
    consensus_free(&c);
    end();
}
END_TEST

START_TEST(test_network_overrides_by_name_fingerprint_and_all)
{
    begin();
    const struct forge_override o[] = {
        {.relay = TEXT_LIT("*"), .has_bandwidth = true, .bandwidth_kb = 5},
        {.relay = TEXT_LIT("forged2"), .has_flags = true, .flags = ROUTER_EXIT},
        {.relay = TEXT_LIT("forged2"), .has_bandwidth = true, .bandwidth_kb = 6}};
    wish.override = o;
    wish.n_overrides = 3;
    ck_ok(forge_network_make(&wish, &net, what));
    struct consensus *c = parse();
    for (unsigned i = 0; i < RELAYS; i++) {
        bool second = strcmp(c->relays[i].nickname, "forged2") == 0;
        ck_assert_uint_eq(c->relays[i].bandwidth, second ? 6 : 5);
        ck_assert_int_eq(c->relays[i].flags == ROUTER_EXIT, second);
    }
    consensus_free(&c);
    end();
}
END_TEST

START_TEST(test_network_tells_what_does_not_fit)
{
    begin();
    const struct forge_override nobody = {.relay = TEXT_LIT("nobody"), .has_bandwidth = true};
    wish.override = &nobody;
    wish.n_overrides = 1;
    ck_err(forge_network_make(&wish, &net, what), ERR_ARG);
    ck_assert_ptr_nonnull(strstr(what, "\"nobody\""));
    wish.n_overrides = 0;
    struct consdoc_relay first = desc[0].row;
    desc[0].row.rsa = desc[1].row.rsa;
    ck_err(forge_network_make(&wish, &net, what), ERR_ARG);
    ck_assert_ptr_nonnull(strstr(what, "one relay"));
    desc[0].row = first;
    ck_ok(forge_network_make(&wish, &net, what));
    end();
}
END_TEST

START_TEST(test_network_authorities_come_back_from_their_files)
{
    struct docw key = {0};
    struct forge_authority again;
    const char *why;
    begin();
    forge_rsa_to_pem(authority[0].doc.signing_key, &key);
    ck_ok(
        forge_authority_read(env, 1, docw_text(&key), docw_text(&authority[0].cert), &again, &why));
    ck_assert(rsa_id_equal(&again.doc.identity, &authority[0].doc.identity));
    ck_assert(text_equal(docw_text(&again.cert), docw_text(&authority[0].cert)));
    forge_authority_wipe(&again);
    ck_err(
        forge_authority_read(env, 1, docw_text(&key), docw_text(&authority[1].cert), &again, &why),
        ERR_BAD_KEY);
    ck_assert_ptr_nonnull(strstr(why, "another key"));
    authority[0].cert.s[authority[0].cert.len / 2] ^= 1;
    ck_assert_int_ne(
        forge_authority_read(env, 1, docw_text(&key), docw_text(&authority[0].cert), &again, &why),
        OK);
    ck_err(forge_authority_read(env, 1, TEXT_LIT("no key"), docw_text(&authority[1].cert), &again,
                                &why),
           ERR_MALFORMED);
    ck_assert_ptr_nonnull(strstr(why, "authority_signing_key"));
    docw_free(&key);
    end();
}
END_TEST

START_TEST(test_network_flags_are_known_ones)
{
    unsigned flags;
    struct text bad;
    ck_ok(forge_flags(TEXT_LIT("Fast,Guard"), &flags, &bad));
    ck_assert_uint_eq(flags, ROUTER_FAST | ROUTER_GUARD);
    ck_ok(forge_flags(TEXT_LIT(""), &flags, &bad));
    ck_assert_uint_eq(flags, 0);
    ck_err(forge_flags(TEXT_LIT("Fast,Quick"), &flags, &bad), ERR_NOT_FOUND);
    ck_assert(text_is(bad, "Quick"));
}
END_TEST

TESTS("forge/network", test_network_our_client_takes_it,
      test_network_signatures_are_as_many_as_wished, test_network_edits_are_signed,
      test_network_overrides_by_name_fingerprint_and_all, test_network_tells_what_does_not_fit,
      test_network_authorities_come_back_from_their_files, test_network_flags_are_known_ones)
