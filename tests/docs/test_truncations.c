/* A document of each kind, cut at every byte: it is bad, or it ends where a shorter one may end;
 * and its pieces can be shown as well. */
#include "crypto/hash.h"
#include "docs/json.h"
#include "docs/print.h"
#include "fetched.h"

#define DIR "vectors/dir/"

enum { T2000 = 946684800 + 160, T2026 = 1785146400 + 60, T_FAMILY = 1796010000, SHOW_EVERY = 13 };

static char *file;

static struct text read_file(const char *path)
{
    enum { MOST = 1 << 17 };
    FILE *in = fopen(path, "rb");
    ck_assert_msg(in != NULL, "%s", path);
    file = file ? file : malloc(MOST);
    struct text t = {file, fread(file, 1, MOST, in)};
    ck_assert(feof(in));
    (void)fclose(in);
    return t;
}

static void show(const struct docs_item *doc)
{
    char why[DOCS_WHY_MAX];
    struct docw w = {0};
    json_t *j = docs_item_json(doc);
    ck_assert_ptr_nonnull(j);
    ck_ok(docs_print(j, &w, why));
    json_decref(j);
    docw_free(&w);
}

/* The verdict on the first LEN bytes, which are in memory of just that size. */
static enum docs_verdict cut(const struct docs_want *want, const struct docs_trust *trust,
                             struct text whole, size_t len)
{
    char *part = malloc(len);
    struct docs docs;
    ck_assert_ptr_nonnull(part);
    memcpy(part, whole.s, len);
    ck_ok(docs_split(want, (struct text){part, len}, &docs));
    ck_ok(docs_verify(want, trust, &docs));
    ck_assert_uint_eq(docs.n, 1);
    struct docs_item *doc = &docs.list[0];
    enum docs_verdict verdict = doc->verdict;
    ck_assert(verdict == DOCS_GOOD || doc->why[0]);
    if (len % SHOW_EVERY == 0)
        show(doc);
    docs_free(&docs);
    free(part);
    return verdict;
}

static void cut_everywhere(const char *word, struct docs_trust *trust, struct text whole,
                           enum docs_verdict best)
{
    struct docs_want want;
    char why[DOCS_WHY_MAX];
    ck_ok(docs_want_parse(word, &want, why));
    ck_assert_int_eq(cut(&want, trust, whole, whole.len), best);
    for (size_t len = 1; len < whole.len; len++) {
        bool line_ends = whole.s[len - 1] == '\n';
        enum docs_verdict v = cut(&want, trust, whole, len);
        ck_assert_msg(v == DOCS_BAD || line_ends, "%s: cut at %zu", word, len);
        ck_assert_msg(v != DOCS_GOOD, "%s: good if cut at %zu", word, len);
    }
    docs_want_clear(&want);
}

static struct text first_of(struct text all, const char *keyword)
{
    const char *next = memmem(all.s + 1, all.len - 1, keyword, strlen(keyword));
    return next ? (struct text){all.s, (size_t)(next - all.s)} : all;
}

static struct authcert_set certs;
static struct rsa_id auths[8];

/* What is believed in the network of 2000. */
static struct docs_trust trust_of_2000(void)
{
    struct text rest = read_file(DIR "testnet2000/cached-certs");
    struct authcert *cert;
    authcert_set_clear(&certs);
    while (rest.len) {
        ck_ok(authcert_parse(&rest, &cert));
        auths[certs.n] = *authcert_identity(cert);
        ck_ok(authcert_set_add(&certs, cert));
    }
    return (struct docs_trust){.auths = auths, .n_auths = certs.n, .certs = &certs, .now_s = T2000};
}

START_TEST(test_truncations_of_what_authorities_sign)
{
    struct docs_trust trust = trust_of_2000();
    cut_everywhere("vote/current/authority", &trust,
                   first_of(read_file(DIR "testnet2000/v3-status-votes"), "network-status-version"),
                   DOCS_GOOD);
    cut_everywhere("keys/all", &trust,
                   first_of(read_file(DIR "testnet2000/cached-certs"), "dir-key-certificate-"),
                   DOCS_GOOD);
    authcert_set_clear(&certs);
}
END_TEST

/* A consensus that fewer have signed is one, so that cut is looked at elsewhere
 * (tests/dir/test_consensus.c): here all have to sign. */
START_TEST(test_truncations_of_consensuses)
{
    struct docs_trust trust = trust_of_2000();
    struct text ns = read_file(DIR "testnet2000/cached-consensus");
    struct docs_want want;
    char why[DOCS_WHY_MAX];
    ck_ok(docs_want_parse("consensus", &want, why));
    for (size_t len = 1; len < ns.len; len++) {
        enum docs_verdict v = cut(&want, &trust, ns, len);
        ck_assert(v == DOCS_BAD ||
                  text_starts((struct text){ns.s + len, ns.len - len}, "directory-signature "));
    }
    docs_want_clear(&want);
    authcert_set_clear(&certs);
}
END_TEST

START_TEST(test_truncations_of_what_relays_sign)
{
    struct docs_trust trust = {.now_s = T_FAMILY};
    struct text server = read_file(DIR "family2026/server");
    server.len--; /* tor's empty line behind its own is no part of it */
    cut_everywhere("server/all", &trust, server, DOCS_GOOD);
    cut_everywhere("extra/all", &trust, read_file(DIR "family2026/extra"), DOCS_UNPROVEN);
}
END_TEST

START_TEST(test_truncations_of_what_nobody_signs)
{
    static const char bandwidths[] =
        "1523911758\nversion=1.4.0\nsoftware=sbws\n=====\n"
        "bw=10 node_id=$9695DFC35FFEB861329B9F1AB04C46397020CE31 nick=a\n"
        "bw=2 node_id=$9695DFC35FFEB861329B9F1AB04C46397020CE31 nick=b\n";
    struct docs_trust trust = {.now_s = T2026};
    struct text micro = read_file(DIR "testnet2000/cached-microdescs.new");
    char word[64] = "micro/d/", *at = word + strlen(word);
    uint8_t digest[32];
    cut_everywhere("bandwidth", &trust, TEXT_LIT(bandwidths), DOCS_UNPROVEN);
    /* The first one, without its annotation. */
    const char *begin = memmem(micro.s, micro.len, "onion-key\n", 10);
    micro = (struct text){begin, (size_t)(micro.s + micro.len - begin)};
    micro = first_of(micro, "onion-key\n");
    sha256(micro.s, micro.len, digest);
    base64_encode(digest, sizeof digest, false, at);
    cut_everywhere(word, &trust, micro, DOCS_GOOD);
}
END_TEST

START_TEST(test_truncations_of_detached_signatures)
{
    struct docs_trust trust = {.now_s = T2000};
    cut_everywhere("consensus-signatures", &trust,
                   read_file("tests/fuzz/corpus/fuzz_detached/small"), DOCS_UNPROVEN);
    trust.now_s = 0;
    cut_everywhere("consensus-signatures", &trust,
                   read_file("tests/fuzz/corpus/fuzz_detached/whole"), DOCS_UNPROVEN);
    free(file);
    file = NULL;
}
END_TEST

TESTS("docs/truncations", test_truncations_of_what_authorities_sign,
      test_truncations_of_consensuses, test_truncations_of_what_relays_sign,
      test_truncations_of_what_nobody_signs, test_truncations_of_detached_signatures)
