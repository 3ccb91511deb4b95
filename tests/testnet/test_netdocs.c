#include "testnet/netdocs.h"

#include <stdio.h>
#include <string.h>

#include "crypto/cert.h"
#include "crypto/encode.h"
#include "crypto/hash.h"
#include "dir/doc.h"
#include "dir/microdesc.h"
#include "dir/policy.h"
#include "support/docnet.h"

static struct consensus *parse(struct docnet *n, enum netdocs_lie lie)
{
    struct consensus *c;
    ck_ok(consensus_parse(netdocs_consensus(n->docs, CONSDOC_MICRODESC, lie), &c));
    return c;
}

START_TEST(test_netdocs_consensus_is_signed_by_all)
{
    struct docnet *n = docnet_usual(1);
    struct consensus *c = parse(n, NETDOCS_HONEST);
    struct consensus_verdict v;
    ck_ok(docnet_verify(n, c, &v));
    ck_assert_uint_eq(v.good, 3);
    ck_assert_uint_eq(v.bad + v.missing + v.unknown, 0);
    ck_assert_int_eq(c->method, 35);
    ck_assert_uint_eq(c->n_auths, 3);
    ck_assert_int_eq(c->valid_after_s, env_wall_s(n->env));
    ck_assert_int_eq(c->fresh_until_s - c->valid_after_s, 3600);
    ck_assert_int_eq(c->valid_until_s - c->valid_after_s, 3 * 3600);
    ck_assert_int_eq(consensus_liveness(c, env_wall_s(n->env)), LIVE_FRESH);
    consensus_free(&c);
    docnet_free(n);
}
END_TEST

START_TEST(test_netdocs_consensus_lists_the_plan)
{
    struct docnet *n = docnet_usual(2);
    struct consensus *c = parse(n, NETDOCS_HONEST);
    const unsigned plain =
        ROUTER_FAST | ROUTER_RUNNING | ROUTER_STABLE | ROUTER_V2DIR | ROUTER_VALID;
    const unsigned flags[] = {
        [PLAN_AUTHORITY] = ROUTER_AUTHORITY | ROUTER_RUNNING | ROUTER_V2DIR | ROUTER_VALID,
        [PLAN_GUARD] = plain | ROUTER_GUARD,
        [PLAN_MIDDLE] = plain,
        [PLAN_EXIT] = plain | ROUTER_EXIT,
    };
    ck_assert_uint_eq(c->n_relays, n->plan.n_nodes);
    for (size_t i = 0; i < n->plan.n_nodes; i++) {
        const struct router *r = consensus_relay(c, &n->id[i].rsa_id);
        const struct plan_node *p = &n->plan.node[i];
        ck_assert_ptr_nonnull(r);
        ck_assert_str_eq(r->nickname, p->nickname);
        struct ipport at = router_orport(r);
        ck_assert(ipport_equal(&at, &p->or_port));
        ck_assert_uint_eq(r->dirport, p->dir_port);
        ck_assert_uint_eq(r->bandwidth, p->bandwidth_kb);
        ck_assert_uint_eq(r->flags, flags[p->role]);
        ck_assert(router_can(r, PROTO_RELAY_4) && router_can(r, PROTO_LINK_5));
    }
    consensus_free(&c);
    docnet_free(n);
}
END_TEST

START_TEST(test_netdocs_weights_leave_no_place_empty)
{
    struct docnet *n = docnet_usual(3);
    struct consensus *c = parse(n, NETDOCS_HONEST);
    /* 8 : 4 : 4 of guards, middles, exits: exits are scarce, guards help out in the middle */
    ck_assert_int_eq(c->weights[DIR_Wee], 10000);
    ck_assert_int_eq(c->weights[DIR_Wme], 0);
    ck_assert_int_eq(c->weights[DIR_Wmg], 2499);
    ck_assert_int_eq(c->weights[DIR_Wgg], 7501);
    ck_assert_int_eq(c->weights[DIR_Wmm], 10000);
    consensus_free(&c);
    docnet_free(n);
}
END_TEST

START_TEST(test_netdocs_params_are_merged)
{
    struct plan_wish wish = {.authorities = 1, .relays = 3, .exits = 1, .interval_s = 20};
    wish.params = "zz=-5 UseOptimisticData=0 aa=2147483647";
    struct docnet *n = docnet_new(4, &wish, true);
    struct consensus *c = parse(n, NETDOCS_HONEST);
    ck_assert_int_eq(consensus_param(c, "zz", 0, -10, 10), -5);
    ck_assert_int_eq(consensus_param(c, "aa", 0, 0, INT32_MAX), INT32_MAX);
    ck_assert_int_eq(consensus_param(c, "UseOptimisticData", 1, 0, 1), 0);
    ck_assert_int_eq(consensus_param(c, "ExtendByEd25519ID", 0, 0, 1), 1);
    ck_assert_int_eq(c->fresh_until_s - c->valid_after_s, 20);
    consensus_free(&c);
    docnet_free(n);
}
END_TEST

START_TEST(test_netdocs_each_microdescriptor_is_there)
{
    struct docnet *n = docnet_usual(5);
    struct consensus *c = parse(n, NETDOCS_HONEST);
    for (size_t i = 0; i < n->plan.n_nodes; i++) {
        const struct router *r = consensus_relay(c, &n->id[i].rsa_id);
        struct text rest = netdocs_microdesc(n->docs, r->md_digest.b);
        struct microdesc md;
        ck_ok(microdesc_next(&rest, &md));
        ck_assert_uint_eq(rest.len, 0);
        ck_assert_mem_eq(md.digest.b, r->md_digest.b, 32);
        ck_assert_mem_eq(md.ed.b, n->id[i].ed.pub.b, 32);
        ck_assert_mem_eq(md.ntor.b, n->id[i].ntor_pub.b, 32);
        ck_assert_int_eq(text_is(md.p, "accept 1-65535"), n->plan.node[i].role == PLAN_EXIT);
    }
    uint8_t none[32] = {0};
    ck_assert_uint_eq(netdocs_microdesc(n->docs, none).len, 0);
    consensus_free(&c);
    docnet_free(n);
}
END_TEST

START_TEST(test_netdocs_a_lie_is_told_from_the_truth)
{
    struct docnet *n = docnet_usual(6);
    const struct {
        enum netdocs_lie lie;
        err_t err;
        size_t good, bad;
        enum liveness live;
    } cases[] = {
        {NETDOCS_HONEST, OK, 3, 0, LIVE_FRESH},
        {NETDOCS_ONE_SIGNATURE, ERR_UNDERSIGNED, 1, 0, LIVE_FRESH},
        {NETDOCS_UNKNOWN_DIGEST, ERR_UNDERSIGNED, 0, 0, LIVE_FRESH},
        {NETDOCS_FORGED, ERR_UNDERSIGNED, 0, 3, LIVE_FRESH},
        {NETDOCS_EXPIRED, OK, 3, 0, LIVE_EXPIRED},
        {NETDOCS_FUTURE, OK, 3, 0, LIVE_TOO_EARLY},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct consensus *c = parse(n, cases[i].lie);
        struct consensus_verdict v;
        ck_err(docnet_verify(n, c, &v), cases[i].err);
        ck_assert_uint_eq(v.good, cases[i].good);
        ck_assert_uint_eq(v.bad, cases[i].bad);
        ck_assert_int_eq(consensus_liveness(c, env_wall_s(n->env)), cases[i].live);
        consensus_free(&c);
    }
    docnet_free(n);
}
END_TEST

START_TEST(test_netdocs_evil_addresses_are_signed_but_nowhere)
{
    struct docnet *n = docnet_usual(7);
    struct consensus *c = parse(n, NETDOCS_EVIL_ADDRESS);
    struct consensus_verdict v;
    ck_ok(docnet_verify(n, c, &v));
    for (size_t i = 0; i < c->n_relays; i++) {
        struct ipport at = router_orport(&c->relays[i]);
        ck_assert(at.ip.family == IP_NONE || ip_is_unspecified(&at.ip));
    }
    consensus_free(&c);
    docnet_free(n);
}
END_TEST

START_TEST(test_netdocs_certificates_are_found_by_either_key)
{
    struct docnet *n = docnet_usual(8);
    for (size_t i = 0; i < 3; i++) {
        const struct authcert *c = n->certs.certs[i];
        const uint8_t *id = authcert_identity(c)->b, *sk = authcert_signing(c)->b;
        struct text want = authcert_text(c);
        ck_assert(text_equal(netdocs_key_cert(n->docs, id, NULL), want));
        ck_assert(text_equal(netdocs_key_cert(n->docs, NULL, sk), want));
        ck_assert(text_equal(netdocs_key_cert(n->docs, id, sk), want));
        ck_assert_uint_eq(netdocs_key_cert(n->docs, sk, id).len, 0);
        ck_assert_int_gt(authcert_expires_s(c), env_wall_s(n->env));
    }
    docnet_free(n);
}
END_TEST

/* The argument of the line that begins with KEYWORD, as bytes in hex or base64. */
static struct doc_item find_item(struct text t, const char *keyword)
{
    struct doc_lines lines = doc_over(t.s, t.len);
    struct doc_item item;
    while (doc_next(&lines, &item))
        if (doc_is(&item, keyword))
            return item;
    ck_abort_msg("no %s", keyword);
    return item;
}

static void check_signatures(struct text t, const struct identity *id)
{
    struct doc_item ed = find_item(t, "router-sig-ed25519"), rsa = find_item(t, "router-signature");
    const char *prefix = "Tor router descriptor signature v1";
    uint8_t sig[RSA_SIG_MAX], digest[32];
    struct sha256_running s;
    size_t len;
    sha256_init(&s);
    sha256_add(&s, prefix, strlen(prefix));
    sha256_add(&s, t.s, (size_t)(ed.args.s - t.s));
    sha256_peek(&s, digest);
    ck_ok(base64_decode_exact(ed.args, BASE64_UNPADDED, sig, 64));
    ck_ok(ed25519_verify(&id->signing.pub, digest, sizeof digest, sig));
    sha1(t.s, (size_t)(rsa.begin + strlen("router-signature\n") - t.s), digest);
    ck_ok(base64_decode(rsa.object, BASE64_OBJECT, sig, sizeof sig, &len));
    ck_ok(rsa_verify_digest(rsa_key_public(id->rsa), digest, SHA1_LEN, sig, len));
}

START_TEST(test_netdocs_descriptors_are_signed_with_both_keys)
{
    struct docnet *n = docnet_usual(9);
    size_t all = 0;
    for (size_t i = 0; i < n->plan.n_nodes; i++) {
        struct text t = netdocs_descriptor(n->docs, &n->id[i].rsa_id);
        struct text x = netdocs_extra_info(n->docs, &n->id[i].rsa_id), digest;
        uint8_t sha[20];
        check_signatures(t, &n->id[i]);
        check_signatures(x, &n->id[i]);
        struct doc_item named = find_item(t, "extra-info-digest");
        ck_assert(doc_args(&named, &digest, 1));
        ck_ok(hex_decode_exact(digest, sha, sizeof sha));
        ck_assert(text_equal(netdocs_extra_info_by_digest(n->docs, sha), x));
        all += t.len;
    }
    ck_assert_uint_eq(netdocs_all_descriptors(n->docs).len, all);
    struct rsa_id nobody = {{0}};
    ck_assert_uint_eq(netdocs_descriptor(n->docs, &nobody).len, 0);
    docnet_free(n);
}
END_TEST

START_TEST(test_netdocs_descriptors_prove_every_key)
{
    struct docnet *n = docnet_usual(10);
    const struct identity *id = &n->id[5];
    struct text t = netdocs_descriptor(n->docs, &id->rsa_id), bit;
    uint8_t bytes[512];
    size_t len;
    struct ed_cert cert;
    struct ed_id as_ed;
    struct doc_item item = find_item(t, "identity-ed25519");
    ck_ok(base64_decode(item.object, BASE64_OBJECT, bytes, sizeof bytes, &len));
    ck_ok(ed_cert_parse(bytes, len, &cert));
    ck_assert_int_eq(cert.type, CERT_IDENTITY_V_SIGNING);
    ck_ok(ed_cert_verify(&cert, &id->ed.pub, env_wall_s(n->env)));
    ck_assert_mem_eq(cert.key, id->signing.pub.b, 32);

    item = find_item(t, "ntor-onion-key-crosscert");
    ck_assert(doc_args(&item, &bit, 1));
    ck_ok(ed25519_from_x25519(&id->ntor_pub, text_is(bit, "1"), &as_ed));
    ck_ok(base64_decode(item.object, BASE64_OBJECT, bytes, sizeof bytes, &len));
    ck_ok(ed_cert_parse(bytes, len, &cert));
    ck_assert_int_eq(cert.type, CERT_NTOR_CC_IDENTITY);
    ck_ok(ed_cert_verify(&cert, &as_ed, env_wall_s(n->env)));
    ck_assert_mem_eq(cert.key, id->ed.pub.b, 32);

    struct rsa_pub *tap;
    uint8_t both[52], sig[RSA_SIG_MAX];
    item = find_item(t, "onion-key");
    ck_ok(base64_decode(item.object, BASE64_OBJECT, bytes, sizeof bytes, &len));
    ck_ok(rsa_pub_from_der(bytes, len, &tap));
    item = find_item(t, "onion-key-crosscert");
    ck_ok(base64_decode(item.object, BASE64_OBJECT, sig, sizeof sig, &len));
    memcpy(both, id->rsa_id.b, 20);
    memcpy(both + 20, id->ed.pub.b, 32);
    ck_ok(rsa_verify_digest(tap, both, sizeof both, sig, len));
    rsa_pub_free(tap);
    docnet_free(n);
}
END_TEST

START_TEST(test_netdocs_votes_have_the_digests_of_the_consensus)
{
    struct docnet *n = docnet_usual(11);
    struct text c = netdocs_consensus(n->docs, CONSDOC_NS, NETDOCS_HONEST);
    for (size_t i = 0; i < 3; i++) {
        struct text vote = netdocs_vote(n->docs, netdocs_v3_id(n->docs, i));
        struct doc_item sig = find_item(vote, "directory-signature");
        uint8_t digest[20], bytes[RSA_SIG_MAX];
        char hex[HEX_SIZE(20)], line[64];
        size_t len;
        sha1(vote.s, (size_t)(sig.args.s - vote.s), digest);
        snprintf(line, sizeof line, "vote-digest %s", hex_upper(digest, 20, hex));
        ck_assert_ptr_nonnull(memmem(c.s, c.len, line, strlen(line)));
        ck_ok(base64_decode(sig.object, BASE64_OBJECT, bytes, sizeof bytes, &len));
        const struct authcert *cert = n->certs.certs[i];
        ck_ok(authcert_check(cert, digest, sizeof digest, bytes, len));
    }
    docnet_free(n);
}
END_TEST

START_TEST(test_netdocs_phantoms_are_there_and_weigh_nothing)
{
    struct plan_wish wish = {.authorities = 3, .relays = 8, .exits = 2, .base_port = 9001};
    wish.phantoms = 10000;
    struct docnet *n = docnet_new(12, &wish, true);
    struct consensus *c = parse(n, NETDOCS_HONEST);
    struct consensus_verdict v;
    size_t phantoms = 0;
    ck_ok(docnet_verify(n, c, &v));
    ck_assert_uint_eq(c->n_relays, 10011);
    for (size_t i = 0; i < c->n_relays; i++) {
        const struct router *r = &c->relays[i];
        struct text rest = netdocs_microdesc(n->docs, r->md_digest.b);
        struct microdesc md;
        ck_ok(microdesc_next(&rest, &md));
        ck_assert(md.has_ed && md.has_ntor);
        if (strncmp(r->nickname, "phantom", 7) != 0)
            continue;
        phantoms++;
        ck_assert_uint_eq(r->bandwidth, 1);
        ck_assert_uint_eq(r->flags & (ROUTER_GUARD | ROUTER_EXIT | ROUTER_V2DIR), 0);
        ck_assert_uint_eq(netdocs_descriptor(n->docs, &r->rsa).len, 0);
    }
    ck_assert_uint_eq(phantoms, 10000);
    consensus_free(&c);
    docnet_free(n);
}
END_TEST

START_TEST(test_netdocs_the_newer_consensus_is_later)
{
    struct docnet *n = docnet_usual(13);
    int64_t first = netdocs_valid_after_s(n->docs);
    ck_ok(netdocs_publish(n->docs));
    ck_assert_int_gt(netdocs_valid_after_s(n->docs), first);
    docnet_free(n);
}
END_TEST

TESTS("testnet/netdocs", test_netdocs_consensus_is_signed_by_all,
      test_netdocs_consensus_lists_the_plan, test_netdocs_weights_leave_no_place_empty,
      test_netdocs_params_are_merged, test_netdocs_each_microdescriptor_is_there,
      test_netdocs_a_lie_is_told_from_the_truth, test_netdocs_evil_addresses_are_signed_but_nowhere,
      test_netdocs_certificates_are_found_by_either_key,
      test_netdocs_descriptors_are_signed_with_both_keys, test_netdocs_descriptors_prove_every_key,
      test_netdocs_votes_have_the_digests_of_the_consensus,
      test_netdocs_phantoms_are_there_and_weigh_nothing, test_netdocs_the_newer_consensus_is_later)
