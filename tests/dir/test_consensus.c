#include "support/test.h"

#include "fake.h"

enum { N = 4 };

static struct fake_auth auths[N];
static struct rsa_id idents[N];
static struct authcert_set certs;
static struct buf doc;
static size_t signed_len;

static void setup(void)
{
    for (size_t i = 0; i < N; i++) {
        fake_auth_make(&auths[i]);
        idents[i] = auths[i].id;
    }
    authcert_set_init(&certs);
    for (size_t i = 0; i < N; i++)
        fake_add_cert(&certs, &auths[i], FAKE_AFTER_S + 86400);
    buf_init(&doc, 1 << 24);
    signed_len = 0;
}

static void teardown(void)
{
    for (size_t i = 0; i < N; i++)
        fake_auth_free(&auths[i]);
    authcert_set_clear(&certs);
    buf_free(&doc);
}

static void begin(void)
{
    setup();
    put_consensus(&doc, auths, N, 5, FAKE_AFTER_S);
}

static void sign(size_t i, const char *algorithm)
{
    put_consensus_signature(&doc, &signed_len, &auths[i], algorithm);
}

static err_t verify(struct consensus_verdict *v)
{
    struct consensus *c;
    ck_ok(consensus_parse(buf_text(&doc), &c));
    err_t err = consensus_verify(c, idents, N, &certs, FAKE_AFTER_S + 60, v);
    consensus_free(&c);
    return err;
}

START_TEST(test_consensus_exactly_half_of_the_signatures_is_not_enough)
{
    struct consensus_verdict v;
    begin();
    sign(0, "sha256");
    sign(1, "sha256");
    ck_err(verify(&v), ERR_UNDERSIGNED);
    ck_assert_uint_eq(v.good, 2);
    ck_assert_uint_eq(v.needed, 3);
    teardown();
}
END_TEST

START_TEST(test_consensus_one_more_than_half_is_enough)
{
    struct consensus_verdict v;
    begin();
    sign(0, "sha256");
    sign(1, "sha256");
    sign(3, "sha256");
    ck_ok(verify(&v));
    ck_assert_uint_eq(v.good, 3);
    teardown();
}
END_TEST

START_TEST(test_consensus_signatures_of_one_authority_count_once)
{
    struct consensus_verdict v;
    begin();
    sign(0, "sha256");
    sign(0, "sha256");
    sign(0, "sha1");
    sign(1, "sha256");
    ck_err(verify(&v), ERR_UNDERSIGNED);
    ck_assert_uint_eq(v.good, 2);
    teardown();
}
END_TEST

START_TEST(test_consensus_authority_configured_twice_counts_once)
{
    struct consensus_verdict v;
    begin();
    idents[2] = idents[0];
    idents[3] = idents[0];
    sign(0, "sha256");
    ck_err(verify(&v), ERR_UNDERSIGNED);
    ck_assert_uint_eq(v.needed, 2);
    sign(1, "sha256");
    ck_ok(verify(&v));
    teardown();
}
END_TEST

START_TEST(test_consensus_sha1_signatures_count)
{
    struct consensus_verdict v;
    begin();
    sign(0, "");
    sign(1, "sha1");
    sign(2, "sha256");
    ck_ok(verify(&v));
    teardown();
}
END_TEST

START_TEST(test_consensus_unknown_digest_algorithm_is_skipped)
{
    struct consensus_verdict v;
    begin();
    sign(0, "sha3-256");
    sign(1, "sha256");
    sign(2, "sha256");
    ck_err(verify(&v), ERR_UNDERSIGNED);
    ck_assert_uint_eq(v.good, 2);
    ck_assert_uint_eq(v.bad + v.missing, 0);
    sign(3, "sha256");
    ck_ok(verify(&v));
    teardown();
}
END_TEST

START_TEST(test_consensus_missing_certificate_is_wanted)
{
    struct consensus_verdict v;
    begin();
    authcert_set_clear(&certs);
    fake_add_cert(&certs, &auths[0], FAKE_AFTER_S + 86400);
    sign(0, "sha256");
    sign(1, "sha256");
    sign(2, "sha256");
    ck_err(verify(&v), ERR_UNDERSIGNED);
    ck_assert_uint_eq(v.good, 1);
    ck_assert_uint_eq(v.missing, 2);
    ck_assert_uint_eq(v.n_want, 2);
    ck_assert(rsa_id_equal(&v.want[0].identity, &auths[1].id));
    ck_assert(rsa_id_equal(&v.want[0].signing, &auths[1].sign));
    teardown();
}
END_TEST

START_TEST(test_consensus_expired_certificate_does_not_count)
{
    struct consensus_verdict v;
    begin();
    authcert_set_clear(&certs);
    fake_add_cert(&certs, &auths[0], FAKE_AFTER_S + 86400);
    fake_add_cert(&certs, &auths[1], FAKE_AFTER_S + 86400);
    fake_add_cert(&certs, &auths[2], FAKE_AFTER_S + 59);
    for (size_t i = 0; i < 3; i++)
        sign(i, "sha256");
    ck_err(verify(&v), ERR_UNDERSIGNED);
    ck_assert_uint_eq(v.missing, 1);
    teardown();
}
END_TEST

START_TEST(test_consensus_unconfigured_authorities_do_not_count)
{
    struct consensus_verdict v;
    begin();
    memset(&idents[2], 7, sizeof idents[2]);
    memset(&idents[3], 8, sizeof idents[3]);
    for (size_t i = 0; i < N; i++)
        sign(i, "sha256");
    ck_err(verify(&v), ERR_UNDERSIGNED);
    ck_assert_uint_eq(v.good, 2);
    ck_assert_uint_eq(v.unknown, 2);
    teardown();
}
END_TEST

START_TEST(test_consensus_no_authorities_verify_nothing)
{
    struct consensus_verdict v;
    struct consensus *c;
    begin();
    sign(0, "sha256");
    ck_ok(consensus_parse(buf_text(&doc), &c));
    ck_err(consensus_verify(c, idents, 0, &certs, FAKE_AFTER_S, &v), ERR_UNDERSIGNED);
    consensus_free(&c);
    teardown();
}
END_TEST

static void flip(size_t at)
{
    uint8_t *byte = buf_at(&doc) + at;
    *byte = (uint8_t)(*byte ^ 1u << at % 7);
}

START_TEST(test_consensus_flipped_bits_never_verify)
{
    struct consensus_verdict v;
    begin();
    for (size_t i = 0; i < 3; i++)
        sign(i, "sha256");
    ck_ok(verify(&v));
    for (size_t at = 0; at < signed_len; at += 7) {
        struct consensus *c;
        flip(at);
        if (consensus_parse(buf_text(&doc), &c) == OK) {
            ck_err(consensus_verify(c, idents, N, &certs, FAKE_AFTER_S, &v), ERR_UNDERSIGNED);
            consensus_free(&c);
        }
        flip(at);
    }
    teardown();
}
END_TEST

START_TEST(test_consensus_truncations_never_verify)
{
    struct consensus_verdict v;
    begin();
    for (size_t i = 0; i < 3; i++)
        sign(i, "sha256");
    for (size_t len = 0; len < doc.len; len += 3) {
        struct consensus *c;
        struct text cut = {(const char *)buf_at(&doc), len};
        if (consensus_parse(cut, &c) != OK)
            continue;
        ck_err(consensus_verify(c, idents, N, &certs, FAKE_AFTER_S, &v), ERR_UNDERSIGNED);
        consensus_free(&c);
    }
    teardown();
}
END_TEST

START_TEST(test_consensus_text_behind_the_signatures_is_not_used)
{
    struct consensus *c;
    begin();
    sign(0, "sha256");
    put(&doc, "bandwidth-weights Wgg=1\nparams alpha=9\nr x y\ndirectory-footer\n");
    ck_ok(consensus_parse(buf_text(&doc), &c));
    ck_assert_int_eq(c->weights[DIR_Wgg], 10000);
    ck_assert_int_eq(consensus_param(c, "alpha", 0, -10, 10), -5);
    ck_assert_uint_eq(c->n_relays, 5);
    consensus_free(&c);
    teardown();
}
END_TEST

START_TEST(test_consensus_fields)
{
    struct consensus *c;
    begin();
    sign(0, "sha256");
    ck_ok(consensus_parse(buf_text(&doc), &c));
    ck_assert_int_eq(c->method, 35);
    ck_assert_int_eq(c->valid_after_s, FAKE_AFTER_S);
    ck_assert_int_eq(c->valid_until_s, FAKE_AFTER_S + 3 * 3600);
    ck_assert_uint_eq(c->dist_s, 300);
    ck_assert_int_eq(consensus_param(c, "circwindow", 5, 100, 900), 900);
    ck_assert_int_eq(consensus_param(c, "nothing", 5, 100, 900), 5);
    ck_assert_int_eq(consensus_param(NULL, "circwindow", 5, 100, 900), 5);
    ck_assert_int_eq(c->weights[DIR_Wed], 3333);
    ck_assert_int_eq(c->weights[DIR_Wme], 0); /* said to be 0, and not unknown */
    ck_assert_str_eq(c->required_client_protocols, "Cons=2 Link=4 Relay=2");
    struct rsa_id rsa;
    fake_rsa(3, &rsa);
    const struct router *r = consensus_relay(c, &rsa);
    ck_assert_ptr_nonnull(r);
    ck_assert_str_eq(r->nickname, "relay3");
    ck_assert(router_is(r, ROUTER_EXIT | ROUTER_FAST | ROUTER_RUNNING));
    ck_assert(!router_is(r, ROUTER_GUARD));
    ck_assert(router_can(r, PROTO_RELAY_6) && router_can(r, PROTO_CONFLUX_1));
    ck_assert(!router_can(r, PROTO_DIRCACHE_1));
    ck_assert_uint_eq(r->bandwidth, 1003);
    ck_assert_uint_eq(router_orport(r).port, 9001);
    ck_assert_uint_eq(router_orport6(r).ip.family, IP_NONE);
    consensus_free(&c);
    teardown();
}
END_TEST

START_TEST(test_consensus_liveness_has_a_day_of_slack)
{
    struct consensus c = {
        .valid_after_s = 1000000, .fresh_until_s = 1003600, .valid_until_s = 1010800};
    ck_assert_int_eq(consensus_liveness(&c, 1000000 - 86401), LIVE_TOO_EARLY);
    ck_assert_int_eq(consensus_liveness(&c, 1000000 - 86400), LIVE_REASONABLY);
    ck_assert_int_eq(consensus_liveness(&c, 1000000), LIVE_FRESH);
    ck_assert_int_eq(consensus_liveness(&c, 1003601), LIVE_VALID);
    ck_assert_int_eq(consensus_liveness(&c, 1010801), LIVE_REASONABLY);
    ck_assert_int_eq(consensus_liveness(&c, 1010800 + 86400), LIVE_REASONABLY);
    ck_assert_int_eq(consensus_liveness(&c, 1010800 + 86401), LIVE_EXPIRED);
}
END_TEST

START_TEST(test_consensus_clock_text_names_all_dates)
{
    struct consensus c = {.valid_after_s = FAKE_AFTER_S, .valid_until_s = FAKE_AFTER_S + 10800};
    char text[CONSENSUS_CLOCK_TEXT_MAX];
    ck_assert_str_eq(consensus_clock_text(&c, 0, text),
                     "consensus is valid from 2026-01-01 12:00:00 to 2026-01-01 15:00:00 UTC, our "
                     "clock says 1970-01-01 00:00:00 UTC");
}
END_TEST

static void load_certs(const char *path, struct authcert_set *set)
{
    struct text file = read_file(path), rest = file;
    struct authcert *cert;
    while (rest.len) {
        ck_ok(authcert_parse(&rest, &cert));
        ck_ok(authcert_set_add(set, cert));
    }
    free_text(file);
}

static void check_published(const char *path, struct authcert_set *set, size_t n_relays)
{
    struct text file = read_file(path);
    struct consensus *c;
    struct consensus_verdict v;
    struct rsa_id ids[8];
    for (size_t i = 0; i < set->n; i++)
        ids[i] = *authcert_identity(set->certs[i]);
    ck_ok(consensus_parse(file, &c));
    ck_assert_uint_eq(c->n_relays, n_relays);
    ck_ok(consensus_verify(c, ids, set->n, set, c->valid_after_s, &v));
    ck_assert_uint_eq(v.good, set->n);
    consensus_free(&c);
    free_text(file);
}

START_TEST(test_consensus_published_test_networks_verify)
{
    struct authcert_set set;
    authcert_set_init(&set);
    load_certs("vectors/dir/testnet2020/cert-5696.txt", &set);
    load_certs("vectors/dir/testnet2020/cert-5A23.txt", &set);
    load_certs("vectors/dir/testnet2020/cert-7C47.txt", &set);
    check_published("vectors/dir/testnet2020/mdconsensus1.txt", &set, 6);
    authcert_set_clear(&set);
    load_certs("vectors/dir/testnet2000/cached-certs", &set);
    check_published("vectors/dir/testnet2000/cached-microdesc-consensus", &set, 7);
    authcert_set_clear(&set);
}
END_TEST

START_TEST(test_consensus_of_another_network_does_not_verify)
{
    struct text file = read_file("vectors/dir/testnet2020/mdconsensus2.txt");
    struct authcert_set set;
    struct consensus *c;
    struct consensus_verdict v;
    struct rsa_id ids[3];
    authcert_set_init(&set);
    load_certs("vectors/dir/testnet2020/cert-5696.txt", &set);
    load_certs("vectors/dir/testnet2020/cert-5A23.txt", &set);
    load_certs("vectors/dir/testnet2020/cert-7C47.txt", &set);
    for (size_t i = 0; i < 3; i++)
        ids[i] = *authcert_identity(set.certs[i]);
    ck_ok(consensus_parse(file, &c));
    ck_err(consensus_verify(c, ids, 3, &set, c->valid_after_s, &v), ERR_UNDERSIGNED);
    ck_assert_uint_eq(v.unknown, 3);
    ck_assert_uint_eq(v.missing + v.good + v.bad, 0);
    consensus_free(&c);
    authcert_set_clear(&set);
    free_text(file);
}
END_TEST

START_TEST(test_consensus_of_the_public_network_parses)
{
    struct text file = read_file("vectors/dir/live-2026-07-consensus-microdesc.txt");
    struct consensus *c;
    ck_ok(consensus_parse(file, &c));
    ck_assert_uint_eq(c->n_auths, 9);
    ck_assert_uint_eq(c->n_sigs, 9);
    ck_assert_uint_eq(c->n_relays, 5);
    ck_assert(c->sigs[0].sha256);
    ck_assert(c->srv_current.present && c->srv_current.n_reveals == 9);
    ck_assert_uint_eq(c->srv_current.value[0], 0xcf);
    ck_assert_int_eq(consensus_param(c, "cc_alg", 0, 0, 10), 2);
    consensus_free(&c);
    free_text(file);
}
END_TEST

/* dir-spec 3.4.1: entries are sorted by identity; one relay has one. */
START_TEST(test_consensus_that_lists_a_relay_twice_is_refused)
{
    struct text good = read_file("vectors/dir/mdconsensus1.txt");
    const char *first = strstr(good.s, "\nr ") + 1, *second = strstr(first, "\nr ") + 1;
    struct consensus *c;
    buf_init(&doc, 1 << 22);
    ck_ok(buf_add(&doc, good.s, (size_t)(second - good.s)));
    ck_ok(buf_add(&doc, first, good.len - (size_t)(first - good.s)));
    ck_err(consensus_parse(buf_text(&doc), &c), ERR_MALFORMED);
    buf_free(&doc);
    free_text(good);
}
END_TEST

/* The four kinds of one network's hour: of both flavors the same relays; votes of one authority. */
START_TEST(test_consensus_kinds_agree_about_their_relays)
{
    struct text micro = read_file("vectors/dir/testnet2000/cached-microdesc-consensus");
    struct text ns = read_file("vectors/dir/testnet2000/cached-consensus");
    struct text votes = read_file("vectors/dir/testnet2000/v3-status-votes");
    struct text vote = {votes.s, votes.len};
    const char *next = memmem(votes.s + 1, votes.len - 1, "network-status-version", 22);
    struct consensus *a, *b, *c;
    vote.len = (size_t)(next - votes.s);
    ck_ok(consensus_parse_kind(micro, CONSENSUS_MICRODESC, &a));
    ck_ok(consensus_parse_kind(ns, CONSENSUS_NS, &b));
    ck_ok(consensus_parse_kind(vote, CONSENSUS_VOTE, &c));
    ck_assert_uint_eq(c->n_auths, 1);
    ck_assert_uint_eq(c->n_sigs, 1);
    ck_assert_uint_eq(a->n_relays, b->n_relays);
    for (size_t i = 0; i < a->n_relays; i++) {
        struct router *x = &a->relays[i], *y = &b->relays[i];
        ck_assert(rsa_id_equal(&x->rsa, &y->rsa));
        ck_assert_str_eq(x->nickname, y->nickname);
        ck_assert_uint_eq(x->flags, y->flags);
        ck_assert_uint_eq(x->orport, y->orport);
        ck_assert_uint_eq(x->bandwidth, y->bandwidth);
        ck_assert_uint_eq(x->protos, y->protos);
    }
    ck_assert_ptr_nonnull(consensus_relay(c, &a->relays[0].rsa));
    consensus_free(&a);
    consensus_free(&b);
    consensus_free(&c);
    /* None is taken for another kind. */
    ck_err(consensus_parse_kind(micro, CONSENSUS_NS, &a), ERR_UNSUPPORTED);
    ck_err(consensus_parse_kind(ns, CONSENSUS_MICRODESC, &a), ERR_UNSUPPORTED);
    ck_err(consensus_parse_kind(ns, CONSENSUS_VOTE, &a), ERR_UNSUPPORTED);
    ck_err(consensus_parse_kind(vote, CONSENSUS_NS, &a), ERR_UNSUPPORTED);
    ck_err(consensus_parse_kind(votes, CONSENSUS_NS, &a), ERR_UNSUPPORTED);
    free_text(micro);
    free_text(ns);
    free_text(votes);
}
END_TEST

/* A cut that ends between two signatures is a document that fewer have signed; every other one is
 * refused. */
static void cut_everywhere(struct text whole, enum consensus_kind kind)
{
    struct consensus *c;
    for (size_t len = 0; len < whole.len; len++) {
        char *part = malloc(len ? len : 1); /* of its exact size, so that reading beyond is seen */
        ck_assert_ptr_nonnull(part);
        memcpy(part, whole.s, len);
        if (consensus_parse_kind((struct text){part, len}, kind, &c) == OK)
            ck_assert(
                text_starts((struct text){whole.s + len, whole.len - len}, "directory-signature "));
        consensus_free(&c);
        free(part);
    }
}

START_TEST(test_consensus_of_any_kind_every_truncation_is_refused)
{
    struct text ns = read_file("vectors/dir/testnet2000/cached-consensus");
    struct text votes = read_file("vectors/dir/testnet2000/v3-status-votes"), vote = votes;
    struct text micro = read_file("vectors/dir/testnet2000/cached-microdesc-consensus");
    vote.len =
        (size_t)((const char *)memmem(votes.s + 1, votes.len - 1, "network-status", 14) - votes.s);
    cut_everywhere(micro, CONSENSUS_MICRODESC);
    cut_everywhere(ns, CONSENSUS_NS);
    cut_everywhere(vote, CONSENSUS_VOTE);
    free_text(micro);
    free_text(ns);
    free_text(votes);
}
END_TEST

START_TEST(test_consensus_bad_documents_are_refused)
{
    static const char *const names[] = {"bad-md-digest", "bad-params",  "bad-weight",
                                        "bad-weights",   "wrong-order", "wrong-start",
                                        "wrong-version"};
    struct text good = read_file("vectors/dir/mdconsensus1.txt");
    struct consensus *c;
    ck_ok(consensus_parse(good, &c));
    consensus_free(&c);
    free_text(good);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[128];
        snprintf(path, sizeof path, "vectors/dir/bad/mdconsensus-%s.txt", names[i]);
        struct text file = read_file(path);
        err_t err = consensus_parse(file, &c);
        ck_assert_msg(err == ERR_MALFORMED || err == ERR_UNSUPPORTED, "%s: %s", names[i],
                      err_name(err));
        ck_assert_ptr_null(c);
        free_text(file);
    }
}
END_TEST

/* The signed part with OLD replaced by NEW. */
static err_t parse_changed(const char *old, const char *new)
{
    struct consensus *c;
    struct buf b;
    const char *text = (const char *)buf_at(&doc);
    const char *at = memmem(text, doc.len, old, strlen(old));
    ck_assert_msg(at != NULL, "%s", old);
    buf_init(&b, 1 << 20);
    ck_ok(buf_add(&b, text, (size_t)(at - text)));
    put(&b, "%s", new);
    ck_ok(buf_add(&b, at + strlen(old), doc.len - (size_t)(at - text) - strlen(old)));
    err_t err = consensus_parse(buf_text(&b), &c);
    consensus_free(&c);
    buf_free(&b);
    return err;
}

/* dir-spec 3.4.1: "At most once", "Exactly once". */
START_TEST(test_consensus_no_line_of_head_or_footer_comes_twice)
{
    static const struct {
        const char *keyword;
        bool must;
    } lines[] = {{"vote-status", true},
                 {"consensus-method", true},
                 {"valid-after", true},
                 {"fresh-until", true},
                 {"valid-until", true},
                 {"known-flags", true},
                 {"params", false},
                 {"voting-delay", false},
                 {"required-client-protocols", false},
                 {"client-versions", false},
                 {"bandwidth-weights", false}};
    begin();
    sign(0, "sha256");
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        char once[512], twice[1024], start[64];
        snprintf(start, sizeof start, "\n%s ", lines[i].keyword);
        const char *at = memmem(buf_at(&doc), doc.len, start, strlen(start));
        ck_assert_ptr_nonnull(at);
        snprintf(once, sizeof once, "%.*s\n", (int)strcspn(at + 1, "\n"), at + 1);
        snprintf(twice, sizeof twice, "%s%s", once, once);
        ck_assert_msg(parse_changed(once, twice) == ERR_MALFORMED, "%s", lines[i].keyword);
        ck_err(parse_changed(once, ""), lines[i].must ? ERR_MALFORMED : OK);
    }
    teardown();
}
END_TEST

START_TEST(test_consensus_structure_is_checked)
{
    begin();
    sign(0, "sha256");
    ck_ok(parse_changed("contact x\n", "contact y\n"));
    ck_err(parse_changed("vote-status consensus", "vote-status vote"), ERR_UNSUPPORTED);
    ck_err(parse_changed("version 3 microdesc", "version 3 ns"), ERR_UNSUPPORTED);
    ck_err(parse_changed("version 3 microdesc", "version 3"), ERR_UNSUPPORTED);
    ck_err(parse_changed("consensus-method 35\n", ""), ERR_MALFORMED);
    ck_err(parse_changed("consensus-method 35\n", "consensus-method 35\nconsensus-method 35\n"),
           ERR_MALFORMED);
    ck_err(parse_changed("valid-after 2026-01-01", "valid-after 2026-13-01"), ERR_MALFORMED);
    ck_err(parse_changed("valid-after 2026-01-01", "valid-after 2027-01-01"), ERR_MALFORMED);
    ck_err(parse_changed("voting-delay 300 300", "voting-delay 300"), ERR_MALFORMED);
    ck_err(parse_changed("voting-delay 300 300", "voting-delay 300 -1"), ERR_MALFORMED);
    ck_err(parse_changed("alpha=-5", "alpha=99999999999"), ERR_MALFORMED);
    ck_err(parse_changed("alpha=-5", "circwindow=1"), ERR_MALFORMED);
    ck_err(parse_changed("r relay1 ", "r relay_1 "), ERR_MALFORMED);
    ck_err(parse_changed("127.0.1.1 9001", "127.0.1.256 9001"), ERR_MALFORMED);
    ck_err(parse_changed("127.0.1.1 9001", "127.0.1.1 90010"), ERR_MALFORMED);
    ck_err(parse_changed("w Bandwidth=1001", "w Bandwidth=1001\nw Bandwidth=1001"), ERR_MALFORMED);
    ck_err(parse_changed("directory-footer\n", "directory-footer\ndirectory-footer\n"),
           ERR_MALFORMED);
    ck_ok(parse_changed("s Fast", "s Muffins Fast"));
    ck_ok(parse_changed("contact x\n", "contact x\nsome-new-line of the future\n"));
    teardown();
}
END_TEST

TESTS("dir/consensus", test_consensus_exactly_half_of_the_signatures_is_not_enough,
      test_consensus_one_more_than_half_is_enough,
      test_consensus_signatures_of_one_authority_count_once,
      test_consensus_authority_configured_twice_counts_once, test_consensus_sha1_signatures_count,
      test_consensus_unknown_digest_algorithm_is_skipped,
      test_consensus_missing_certificate_is_wanted,
      test_consensus_expired_certificate_does_not_count,
      test_consensus_unconfigured_authorities_do_not_count,
      test_consensus_no_authorities_verify_nothing, test_consensus_flipped_bits_never_verify,
      test_consensus_truncations_never_verify,
      test_consensus_text_behind_the_signatures_is_not_used, test_consensus_fields,
      test_consensus_liveness_has_a_day_of_slack, test_consensus_clock_text_names_all_dates,
      test_consensus_published_test_networks_verify,
      test_consensus_of_another_network_does_not_verify,
      test_consensus_of_the_public_network_parses,
      test_consensus_that_lists_a_relay_twice_is_refused, test_consensus_bad_documents_are_refused,
      test_consensus_no_line_of_head_or_footer_comes_twice,
      test_consensus_kinds_agree_about_their_relays,
      test_consensus_of_any_kind_every_truncation_is_refused, test_consensus_structure_is_checked)
