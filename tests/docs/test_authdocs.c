/* Consensuses, votes, key certificates, detached signatures, bandwidth files. */
#include "crypto/hash.h"
#include "fetched.h"

static const char *const flavor_words[] = {"consensus", "consensus-microdesc"};

static struct text consensus(const struct docnet *n, enum consdoc_flavor flavor,
                             enum netdocs_lie lie)
{
    return netdocs_consensus(n->docs, flavor, lie);
}

struct bits {
    char s[32768];
    size_t len;
};

static void put(struct bits *b, struct text t)
{
    ck_assert_uint_lt(b->len + t.len, sizeof b->s);
    memcpy(b->s + b->len, t.s, t.len);
    b->len += t.len;
    b->s[b->len] = 0;
}

static void put_cstr(struct bits *b, const char *s)
{
    put(b, text_of(s));
}

START_TEST(test_authdocs_consensus_of_either_flavor_is_good)
{
    struct docnet *n = docnet_usual(1);
    struct fetched f = fetched_new(n);
    for (int i = 0; i < 2; i++) {
        fetched_answer(&f, flavor_words[i], consensus(n, (enum consdoc_flavor)i, NETDOCS_HONEST));
        fetched_is(&f, DOCS_GOOD, "");
        ck_assert_str_eq(fetched_one(&f)->why, "");
        ck_assert_uint_eq(strlen(fetched_one(&f)->name), 64);
        ck_assert_uint_eq(f.docs.n_certs, 0);
    }
    ck_assert_ptr_nonnull(strstr(fetched_one(&f)->title, "microdesc consensus of 2026-01-01"));
    fetched_clear(&f);
    docnet_free(n);
}
END_TEST

START_TEST(test_authdocs_consensus_of_the_other_flavor_is_bad)
{
    struct docnet *n = docnet_usual(2);
    struct fetched f = fetched_new(n);
    for (int i = 0; i < 2; i++) {
        fetched_answer(&f, flavor_words[1 - i],
                       consensus(n, (enum consdoc_flavor)i, NETDOCS_HONEST));
        fetched_is(&f, DOCS_BAD, "flavor");
    }
    fetched_answer(&f, "consensus", netdocs_vote(n->docs, n->auths[0].b));
    fetched_is(&f, DOCS_BAD, "");
    fetched_clear(&f);
    docnet_free(n);
}
END_TEST

START_TEST(test_authdocs_each_lie_about_a_consensus_is_found)
{
    static const struct {
        enum netdocs_lie lie;
        const char *says;
    } rows[] = {
        {NETDOCS_ONE_SIGNATURE, "signed by 1 of the 3 authorities"},
        {NETDOCS_UNKNOWN_DIGEST, "signed by 0 of the 3 authorities"},
        {NETDOCS_FORGED, "signature is wrong"},
        {NETDOCS_EXPIRED, "our clock says 2026-01-01"},
        {NETDOCS_FUTURE, "our clock says 2026-01-01"},
    };
    struct docnet *n = docnet_usual(3);
    struct fetched f = fetched_new(n);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (int flavor = 0; flavor < 2; flavor++) {
            fetched_answer(&f, flavor_words[flavor],
                           consensus(n, (enum consdoc_flavor)flavor, rows[i].lie));
            fetched_is(&f, DOCS_BAD, rows[i].says);
        }
    fetched_clear(&f);
    docnet_free(n);
}
END_TEST

START_TEST(test_authdocs_missing_certificates_are_named)
{
    struct docnet *n = docnet_usual(4);
    struct fetched f = fetched_new(n);
    f.trust.certs = NULL;
    fetched_answer(&f, "consensus", consensus(n, CONSDOC_NS, NETDOCS_HONEST));
    fetched_is(&f, DOCS_BAD, "of 3 the certificate is missing");
    ck_assert_uint_eq(f.docs.n_certs, 3);
    for (size_t i = 0; i < 3; i++) {
        struct text cert = netdocs_key_cert(n->docs, f.docs.certs[i].id, f.docs.certs[i].sk);
        ck_assert_uint_gt(cert.len, 0);
    }
    f.trust.certs = &n->certs;
    ck_ok(docs_verify(&f.want, &f.trust, &f.docs));
    fetched_is(&f, DOCS_GOOD, "");
    ck_assert_uint_eq(f.docs.n_certs, 0);
    fetched_clear(&f);
    docnet_free(n);
}
END_TEST

START_TEST(test_authdocs_signers_that_were_named_must_have_signed)
{
    struct docnet *n = docnet_usual(5);
    struct fetched f = fetched_new(n);
    char word[DOCS_PATH_MAX];
    fetched_answer(&f, fetched_word(word, "consensus/", n->auths[1].b, 20),
                   consensus(n, CONSDOC_NS, NETDOCS_HONEST));
    fetched_is(&f, DOCS_GOOD, "");
    fetched_answer(&f, fetched_word(word, "consensus/", n->id[5].rsa_id.b, 20),
                   consensus(n, CONSDOC_NS, NETDOCS_HONEST));
    fetched_is(&f, DOCS_BAD, "signed by 0 of the 1 authorities that were named");
    fetched_clear(&f);
    docnet_free(n);
}
END_TEST

START_TEST(test_authdocs_clock_a_little_early_is_told_and_no_error)
{
    struct docnet *n = docnet_usual(6);
    struct fetched f = fetched_new(n);
    f.trust.now_s = netdocs_valid_after_s(n->docs) - 60;
    fetched_answer(&f, "consensus", consensus(n, CONSDOC_NS, NETDOCS_HONEST));
    fetched_is(&f, DOCS_GOOD, "our clock says");
    f.trust.now_s = netdocs_valid_until_s(n->docs) + 1;
    fetched_answer(&f, "consensus", consensus(n, CONSDOC_NS, NETDOCS_HONEST));
    fetched_is(&f, DOCS_BAD, "our clock says");
    fetched_answer(&f, "consensus/next", consensus(n, CONSDOC_NS, NETDOCS_HONEST));
    fetched_is(&f, DOCS_BAD, "our clock says"); /* it was the next one once */
    f.trust.now_s = netdocs_valid_after_s(n->docs) - 60;
    fetched_answer(&f, "consensus/next", consensus(n, CONSDOC_NS, NETDOCS_HONEST));
    fetched_is(&f, DOCS_GOOD, "");
    fetched_clear(&f);
    docnet_free(n);
}
END_TEST

START_TEST(test_authdocs_no_prefix_of_a_consensus_passes_that_ends_before_its_signatures)
{
    struct docnet *n = docnet_usual(7);
    struct fetched f = fetched_new(n);
    for (int i = 0; i < 2; i++) {
        struct text whole = consensus(n, (enum consdoc_flavor)i, NETDOCS_HONEST);
        const char *at = memmem(whole.s, whole.len, "\ndirectory-signature ", 21);
        ck_assert_ptr_nonnull(at);
        for (size_t len = 1; len < (size_t)(at - whole.s) + 22; len++) {
            fetched_answer(&f, flavor_words[i], (struct text){whole.s, len});
            fetched_is(&f, DOCS_BAD, "");
        }
    }
    fetched_clear(&f);
    docnet_free(n);
}
END_TEST

START_TEST(test_authdocs_broken_ns_consensus_is_bad)
{
    static const struct {
        const char *from, *to, *says;
    } rows[] = {
        {"\nvalid-after ", "\nvalid-after x", "malformed"},
        {"\nvalid-until ", "\nx-until ", "malformed"},
        {"\nvalid-until ", "\nvalid-until 2026-01-01 03:00:00\nvalid-until ", "malformed"},
        {"\nvalid-until 2026", "\nvalid-until 2025", "malformed"},
        {"\nvote-status consensus", "\nvote-status vote", "flavor"},
        {"-version 3\n", "-version 3 other\n", "flavor"},
        {"-version 3\n", "-version 4\n", "flavor"},
        {"network-status-version ", "x ", "malformed"},
        {"\nknown-flags ", "\nx-flags ", "malformed"},
        {"\ns ", "\ns\ns ", "malformed"},
        {"\nr ", "\nr x\nr ", "malformed"},
        {"\ndir-source ", "\ndir-source a z\ndir-source ", "malformed"},
        {"\ndirectory-signature ", "\ndirectory-signature x\ndirectory-signature ", "malformed"},
        {"\nr ", "\nx\nr ", "signature is wrong"},
    };
    struct docnet *n = docnet_usual(8);
    struct fetched f = fetched_new(n);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        fetched_bad_with(&f, "consensus", consensus(n, CONSDOC_NS, NETDOCS_HONEST), rows[i].from,
                         rows[i].to, rows[i].says);
    fetched_clear(&f);
    docnet_free(n);
}
END_TEST

#define SIG_END "-----END SIGNATURE-----\n"

/* What follows the first signature is not signed, but others may read it. */
START_TEST(test_authdocs_nothing_but_signatures_follows_a_signature)
{
    static const char *const rows[] = {
        "r x\n",
        "bandwidth-weights Wbd=1\n",
        "\n",
        "directory-signature x\n",
        "directory-signature x\n-----BEGIN KEY-----\n-----END KEY-----\n",
        "directory-signature x\n-----BEGIN SIGNATURE-----\nr x\n" SIG_END,
        "directory-signature x\n-----BEGIN SIGNATURE-----\nAAAA\033[2J\n" SIG_END,
    };
    struct docnet *n = docnet_usual(9);
    struct fetched f = fetched_new(n);
    char text[256];
    for (int flavor = 0; flavor < 2; flavor++) {
        struct text whole = consensus(n, (enum consdoc_flavor)flavor, NETDOCS_HONEST);
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
            (void)snprintf(text, sizeof text, SIG_END "%s", rows[i]);
            fetched_bad_with(&f, flavor_words[flavor], whole, SIG_END, text, "");
        }
        char *more = fetched_changed(
            whole, SIG_END,
            SIG_END "directory-signature new a b\n-----BEGIN SIGNATURE-----\nAAAA\n" SIG_END);
        fetched_answer(&f, flavor_words[flavor], text_of(more));
        fetched_is(&f, DOCS_GOOD, "");
        free(more);
    }
    fetched_clear(&f);
    docnet_free(n);
}
END_TEST

/* ---- votes ---- */

START_TEST(test_authdocs_votes_are_good_and_named_by_digest)
{
    struct docnet *n = docnet_usual(10);
    struct fetched f = fetched_new(n);
    char word[DOCS_PATH_MAX];
    for (size_t i = 0; i < 3; i++) {
        struct text vote = netdocs_vote(n->docs, n->auths[i].b);
        fetched_answer(&f, fetched_word(word, "vote/current/", n->auths[i].b, 20), vote);
        fetched_is(&f, DOCS_GOOD, "");
        ck_assert_uint_eq(strlen(fetched_one(&f)->name), 40);
        (void)snprintf(word, sizeof word, "vote/current/d/%s", fetched_one(&f)->name);
        fetched_answer(&f, word, vote);
        fetched_is(&f, DOCS_GOOD, "");
    }
    fetched_answer(&f, fetched_word(word, "vote/next/", n->auths[0].b, 20),
                   netdocs_vote(n->docs, n->auths[1].b));
    fetched_is(&f, DOCS_BAD, "not one that was asked for");
    fetched_clear(&f);
    docnet_free(n);
}
END_TEST

START_TEST(test_authdocs_broken_vote_says_what_is_wrong)
{
    static const struct {
        const char *from, *to, *says;
    } rows[] = {
        {"\nr ", "\nopt x\nr ", "signature does not verify"},
        {"\nvote-status vote", "\nvote-status consensus", "no vote"},
        {"\ndir-source ", "\nx-source ", "malformed"},
        {"\nr ", "\nr x\nr ", "malformed"},
        {"\nvalid-until ", "\nx-until ", "malformed"},
        {"\ndir-key-expires 20", "\ndir-key-expires 21", "its certificate: a signature"},
        {"\ndir-key-certification\n", "\nx\n", "its certificate: it is malformed"},
        {"\ndirectory-signature ", "\ndirectory-signature md5 ", "directory-signature line"},
        {"\ndirectory-signature ", "\nx-signature ", "cut short"},
    };
    struct docnet *n = docnet_usual(11);
    struct fetched f = fetched_new(n);
    struct text vote = netdocs_vote(n->docs, n->auths[0].b);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        fetched_bad_with(&f, "vote/current/authority", vote, rows[i].from, rows[i].to,
                         rows[i].says);
    f.trust.now_s += (int64_t)20 * 366 * 24 * 3600;
    fetched_answer(&f, "vote/current/authority", vote);
    fetched_is(&f, DOCS_BAD, "its certificate expired at 20");
    f.trust.now_s = netdocs_valid_until_s(n->docs) + 1;
    fetched_answer(&f, "vote/current/authority", vote);
    fetched_is(&f, DOCS_BAD, "it is about the time from 20");
    f.trust.now_s = netdocs_valid_after_s(n->docs) - 60;
    fetched_answer(&f, "vote/next/authority", vote);
    fetched_is(&f, DOCS_GOOD, "");
    f.trust.n_auths = 0;
    fetched_answer(&f, "vote/current/authority", vote);
    fetched_is(&f, DOCS_BAD, "none of the authorities");
    fetched_clear(&f);
    docnet_free(n);
}
END_TEST

START_TEST(test_authdocs_vote_is_signed_once_by_its_own_key)
{
    struct docnet *n = docnet_usual(12);
    struct fetched f = fetched_new(n);
    struct text vote = netdocs_vote(n->docs, n->auths[0].b);
    const struct authcert *cert = n->certs.certs[0];
    char id[HEX_SIZE(20)], sk[HEX_SIZE(20)], line[128], other[128];
    ck_assert(rsa_id_equal(authcert_identity(cert), &n->auths[0]));
    hex_upper(authcert_identity(cert)->b, 20, id);
    hex_upper(authcert_signing(cert)->b, 20, sk);
    (void)snprintf(line, sizeof line, "\ndirectory-signature %s %s", id, sk);
    (void)snprintf(other, sizeof other, "\ndirectory-signature %s %s", sk, sk);
    fetched_bad_with(&f, "vote/current/authority", vote, line, other, "another key");
    (void)snprintf(other, sizeof other, "\ndirectory-signature %s %s", id, id);
    fetched_bad_with(&f, "vote/current/authority", vote, line, other, "another key");
    fetched_bad_with(&f, "vote/current/authority", vote, "-----END SIGNATURE-----\n\0",
                     "-----END SIGNATURE-----\ndirectory-signature\n", "");
    const char *at = memmem(vote.s, vote.len, line, strlen(line));
    struct bits *b = calloc(1, sizeof *b);
    ck_assert_ptr_nonnull(b);
    put(b, vote);
    put(b, (struct text){at + 1, (size_t)(vote.s + vote.len - at) - 1});
    fetched_answer(&f, "vote/current/authority", text_of(b->s));
    fetched_is(&f, DOCS_BAD, "no single directory-signature");
    free(b);
    fetched_clear(&f);
    docnet_free(n);
}
END_TEST

/* ---- key certificates ---- */

START_TEST(test_authdocs_key_certificates_are_good)
{
    struct docnet *n = docnet_usual(20);
    struct fetched f = fetched_new(n);
    fetched_answer(&f, "keys/all", netdocs_key_certs(n->docs));
    ck_assert_uint_eq(f.docs.n, 3);
    for (size_t i = 0; i < 3; i++) {
        ck_assert_int_eq(f.docs.list[i].verdict, DOCS_GOOD);
        ck_assert_uint_eq(strlen(f.docs.list[i].name), 81);
    }
    fetched_clear(&f);
    docnet_free(n);
}
END_TEST

START_TEST(test_authdocs_key_certificate_is_found_by_either_key)
{
    struct docnet *n = docnet_usual(21);
    struct fetched f = fetched_new(n);
    char word[DOCS_PATH_MAX], pair[HEX_SIZE(20)];
    struct rsa_id sk = *authcert_signing(n->certs.certs[0]);
    struct rsa_id id = *authcert_identity(n->certs.certs[0]);
    struct text cert = netdocs_key_cert(n->docs, id.b, sk.b);
    fetched_answer(&f, fetched_word(word, "keys/fp/", id.b, 20), cert);
    fetched_is(&f, DOCS_GOOD, "");
    fetched_answer(&f, fetched_word(word, "keys/sk/", sk.b, 20), cert);
    fetched_is(&f, DOCS_GOOD, "");
    size_t len = strlen(fetched_word(word, "keys/fp-sk/", id.b, 20));
    (void)snprintf(word + len, sizeof word - len, "-%s", hex_upper(sk.b, 20, pair));
    fetched_answer(&f, word, cert);
    fetched_is(&f, DOCS_GOOD, "");
    fetched_answer(&f, fetched_word(word, "keys/fp/", sk.b, 20), cert);
    fetched_is(&f, DOCS_BAD, "not one that was asked for");
    fetched_clear(&f);
    docnet_free(n);
}
END_TEST

START_TEST(test_authdocs_broken_key_certificate_says_what_is_wrong)
{
    struct docnet *n = docnet_usual(22);
    struct fetched f = fetched_new(n);
    struct text cert = netdocs_key_cert(n->docs, n->auths[0].b, NULL);
    fetched_bad_with(&f, "keys/all", cert, "dir-key-expires 20", "dir-key-expires 21",
                     "signature in it does not verify");
    fetched_bad_with(&f, "keys/all", cert, "\nfingerprint ", "\nfingerprint 0", "malformed");
    fetched_bad_with(&f, "keys/all", cert, "version 3", "version 4", "version is not 3");
    f.trust.now_s += (int64_t)20 * 366 * 24 * 3600;
    fetched_answer(&f, "keys/all", cert);
    fetched_is(&f, DOCS_GOOD, "it expired at 20");
    f.trust.auths++;
    f.trust.n_auths--;
    fetched_answer(&f, "keys/all", cert);
    fetched_is(&f, DOCS_BAD, "none of the authorities");
    fetched_clear(&f);
    docnet_free(n);
}
END_TEST

/* ---- detached signatures: those of a consensus, taken off it ---- */

static struct text from_signatures(struct text c, size_t *signed_len)
{
    const char *at = memmem(c.s, c.len, "\ndirectory-signature ", 21);
    ck_assert_ptr_nonnull(at);
    *signed_len = (size_t)(at - c.s) + 21;
    return (struct text){at + 1, (size_t)(c.s + c.len - at) - 1};
}

static struct bits *detached(const struct docnet *n)
{
    struct bits *b = calloc(1, sizeof *b);
    char hex[HEX_SIZE(32)];
    uint8_t digest[32];
    size_t len;
    ck_assert_ptr_nonnull(b);
    struct text ns = consensus(n, CONSDOC_NS, NETDOCS_HONEST), sigs = from_signatures(ns, &len);
    sha1(ns.s, len, digest);
    put_cstr(b, "consensus-digest ");
    put_cstr(b, hex_upper(digest, 20, hex));
    put_cstr(b, "\nvalid-after 2026-01-01 00:00:00\nfresh-until 2026-01-01 01:00:00\n"
                "valid-until 2026-01-01 03:00:00\nadditional-digest microdesc sha256 ");
    struct text md = consensus(n, CONSDOC_MICRODESC, NETDOCS_HONEST);
    struct text md_sigs = from_signatures(md, &len), line;
    sha256(md.s, len, digest);
    put_cstr(b, hex_upper(digest, 32, hex));
    put_cstr(b, "\n");
    while (text_line(&md_sigs, &line)) {
        if (text_starts(line, "directory-signature ")) {
            put_cstr(b, "additional-signature microdesc ");
            line.s += 20;
            line.len -= 20;
        }
        put(b, line);
        put_cstr(b, "\n");
    }
    put(b, sigs);
    return b;
}

START_TEST(test_authdocs_detached_signatures_are_good)
{
    struct docnet *n = docnet_usual(30);
    struct fetched f = fetched_new(n);
    struct bits *b = detached(n);
    fetched_answer(&f, "consensus-signatures", text_of(b->s));
    fetched_is(&f, DOCS_GOOD, "6 signatures verify over the digests that it states, the consensus");
    for (int i = 0; i < 2; i++) {
        f.trust.consensus = consensus(n, (enum consdoc_flavor)i, NETDOCS_HONEST);
        fetched_answer(&f, "consensus-signatures", text_of(b->s));
        fetched_is(&f, DOCS_GOOD, "");
        ck_assert_str_eq(fetched_one(&f)->why, "");
    }
    f.trust.consensus = consensus(n, CONSDOC_NS, NETDOCS_EXPIRED);
    fetched_answer(&f, "consensus-signatures", text_of(b->s));
    fetched_is(&f, DOCS_BAD, "another consensus");
    free(b);
    fetched_clear(&f);
    docnet_free(n);
}
END_TEST

START_TEST(test_authdocs_detached_signatures_without_certificates_are_unproven)
{
    struct docnet *n = docnet_usual(31);
    struct fetched f = fetched_new(n);
    struct bits *b = detached(n);
    f.trust.certs = NULL;
    fetched_answer(&f, "consensus-signatures", text_of(b->s));
    fetched_is(&f, DOCS_UNPROVEN, "6 could not be checked for want of a certificate");
    ck_assert_uint_eq(f.docs.n_certs, 3);
    f.trust.certs = &n->certs;
    f.trust.now_s += (int64_t)20 * 366 * 24 * 3600;
    fetched_bad_with(&f, "consensus-signatures", text_of(b->s), "x", "x", "fresh until 2026-01-01");
    char *undated = fetched_changed(text_of(b->s), "fresh-until", "x-until");
    fetched_answer(&f, "consensus-signatures", text_of(undated));
    free(undated);
    fetched_is(&f, DOCS_UNPROVEN, "6 could not be checked for want of a certificate");
    f.trust.now_s -= (int64_t)20 * 366 * 24 * 3600;
    f.trust.n_auths = 2;
    fetched_answer(&f, "consensus-signatures", text_of(b->s));
    fetched_is(&f, DOCS_GOOD, "4 signatures verify");
    fetched_is(&f, DOCS_GOOD, "2 are of unknown authorities");
    free(b);
    fetched_clear(&f);
    docnet_free(n);
}
END_TEST

START_TEST(test_authdocs_broken_detached_signatures_are_bad)
{
    struct docnet *n = docnet_usual(32);
    struct fetched f = fetched_new(n);
    struct bits *b = detached(n);
    struct text t = text_of(b->s);
    const char *w = "consensus-signatures";
    fetched_bad_with(&f, w, t, "consensus-digest ", "x ", "malformed");
    fetched_bad_with(&f, w, t, "consensus-digest ", "x 1\nconsensus-digest ", "malformed");
    fetched_bad_with(&f, w, t, "valid-after 2026", "valid-after x", "malformed");
    fetched_bad_with(&f, w, t, "valid-after ", "x ", "malformed");
    fetched_bad_with(&f, w, t, "additional-digest microdesc", "additional-digest other",
                     "malformed");
    fetched_bad_with(&f, w, t, "\nadditional-digest", "\nconsensus-digest x\nx", "malformed");
    char *zero = fetched_changed(t, "consensus-digest ", "consensus-digest 00");
    char *end = strchr(zero, '\n');
    memmove(end - 2, end, strlen(end) + 1);
    fetched_answer(&f, w, text_of(zero));
    fetched_is(&f, DOCS_BAD, "3 of its signatures do not verify");
    free(zero);
    /* A digest that nobody signs could be that of anything. */
    fetched_bad_with(&f, w, t, "additional-digest",
                     "additional-digest ns sha256 0000000000000000000000000000000000000000000000000"
                     "000000000000000\nadditional-digest",
                     "states a digest that no authority signs");
    free(b);
    fetched_clear(&f);
    docnet_free(n);
}
END_TEST

START_TEST(test_authdocs_detached_signatures_of_one_authority_count_once)
{
    struct docnet *n = docnet_usual(33);
    struct fetched f = fetched_new(n);
    struct bits *b = detached(n);
    size_t len;
    put(b, from_signatures(consensus(n, CONSDOC_NS, NETDOCS_HONEST), &len));
    fetched_answer(&f, "consensus-signatures", text_of(b->s));
    fetched_is(&f, DOCS_GOOD, "6 signatures verify");
    free(b);
    fetched_clear(&f);
    docnet_free(n);
}
END_TEST

/* ---- bandwidth files ---- */

START_TEST(test_authdocs_bandwidth_file_is_checked_for_its_form)
{
    static const char v1[] = "1523911758\nnode_id=$68A483E05A2ABDCA6DA5A3EF8DB5177638A27F80 bw=760 "
                             "nick=Test\n";
    static const char v14[] =
        "1523911758\nversion=1.4.0\nsoftware=sbws\nmy header\n=====\n"
        "bw=1 master_key_ed25519=YaqV4vbvPYKucElk297eVdNArDz9HtIwUoIeo0+cVIpQ "
        "node_id=$68A483E05A2ABDCA6DA5A3EF8DB5177638A27F80\n";
    struct docnet *n = docnet_usual(40);
    struct fetched f = fetched_new(n);
    fetched_answer(&f, "bandwidth", text_of(v1));
    fetched_is(&f, DOCS_UNPROVEN, "not signed");
    fetched_answer(&f, "bandwidth", text_of(v14));
    fetched_is(&f, DOCS_UNPROVEN, "not signed");
    fetched_bad_with(&f, "bandwidth", text_of(v14), "1523911758", "x", "no timestamp");
    fetched_bad_with(&f, "bandwidth", text_of(v14), "bw=1 ", "", "line 6 has not both");
    fetched_bad_with(&f, "bandwidth", text_of(v1), "node_id=$", "nod=$", "line 2 has not both");
    fetched_answer(&f, "bandwidth", (struct text){v14, sizeof v14 - 2});
    fetched_is(&f, DOCS_BAD, "cut short");
    fetched_clear(&f);
    docnet_free(n);
}
END_TEST

START_TEST(test_authdocs_unknown_document_is_unproven)
{
    struct docnet *n = docnet_usual(41);
    struct fetched f = fetched_new(n);
    fetched_answer(&f, "/tor/robots.txt", TEXT_LIT("User-agent: *\n"));
    fetched_is(&f, DOCS_UNPROVEN, "not verified");
    fetched_clear(&f);
    docnet_free(n);
}
END_TEST

TESTS("fetch/authdocs", test_authdocs_consensus_of_either_flavor_is_good,
      test_authdocs_consensus_of_the_other_flavor_is_bad,
      test_authdocs_each_lie_about_a_consensus_is_found,
      test_authdocs_missing_certificates_are_named,
      test_authdocs_signers_that_were_named_must_have_signed,
      test_authdocs_clock_a_little_early_is_told_and_no_error,
      test_authdocs_no_prefix_of_a_consensus_passes_that_ends_before_its_signatures,
      test_authdocs_broken_ns_consensus_is_bad,
      test_authdocs_nothing_but_signatures_follows_a_signature,
      test_authdocs_votes_are_good_and_named_by_digest,
      test_authdocs_broken_vote_says_what_is_wrong,
      test_authdocs_vote_is_signed_once_by_its_own_key, test_authdocs_key_certificates_are_good,
      test_authdocs_key_certificate_is_found_by_either_key,
      test_authdocs_broken_key_certificate_says_what_is_wrong,
      test_authdocs_detached_signatures_are_good,
      test_authdocs_detached_signatures_without_certificates_are_unproven,
      test_authdocs_broken_detached_signatures_are_bad,
      test_authdocs_detached_signatures_of_one_authority_count_once,
      test_authdocs_bandwidth_file_is_checked_for_its_form,
      test_authdocs_unknown_document_is_unproven)
