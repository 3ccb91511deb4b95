/* Documents that others have published: those of C tor's relays and authorities. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "docs/docs.h"
#include "docs/json.h"
#include "support/test.h"

#define DIR "vectors/dir/"

enum {
    T2000 = 946684800 + 160,
    T2026 = 1785146400 + 60
}; /* 2000-01-01 00:02:40, 2026-07-27 10:01 */

static struct text read_all(const char *path)
{
    FILE *file = fopen(path, "rb");
    ck_assert_msg(file != NULL, "%s", path);
    char *bytes = malloc(1 << 20);
    ck_assert_ptr_nonnull(bytes);
    struct text t = {bytes, fread(bytes, 1, 1 << 20, file)};
    ck_assert(feof(file));
    (void)fclose(file);
    return t;
}

struct set {
    struct docs_want want;
    struct docs docs;
    struct text text;
};

static struct set verified(const char *word, const char *path, const struct docs_trust *trust)
{
    struct set s = {.text = read_all(path)};
    char why[DOCS_WHY_MAX];
    ck_ok(docs_want_parse(word, &s.want, why));
    ck_ok(docs_split(&s.want, s.text, &s.docs));
    ck_ok(docs_verify(&s.want, trust, &s.docs));
    return s;
}

static void set_free(struct set *s)
{
    docs_free(&s->docs);
    docs_want_clear(&s->want);
    free((void *)(uintptr_t)s->text.s);
}

static void all_are(const struct set *s, size_t n, enum docs_verdict verdict)
{
    ck_assert_uint_eq(s->docs.n, n);
    for (size_t i = 0; i < n; i++)
        ck_assert_msg(s->docs.list[i].verdict == verdict, "%s: %s", s->docs.list[i].title,
                      s->docs.list[i].why);
}

/* The network of 2000: its authorities are those of its certificates. */
struct network {
    struct text text;
    struct authcert_set certs;
    struct rsa_id auths[8];
    struct docs_trust trust;
};

static void network_load(struct network *n)
{
    n->text = read_all(DIR "testnet2000/cached-certs");
    struct text rest = n->text;
    struct authcert *cert;
    authcert_set_init(&n->certs);
    while (authcert_parse(&rest, &cert) == OK)
        ck_ok(authcert_set_add(&n->certs, cert));
    for (size_t i = 0; i < n->certs.n; i++)
        n->auths[i] = *authcert_identity(n->certs.certs[i]);
    n->trust = (struct docs_trust){
        .auths = n->auths, .n_auths = n->certs.n, .certs = &n->certs, .now_s = T2000};
}

static void network_free(struct network *n)
{
    authcert_set_clear(&n->certs);
    free((void *)(uintptr_t)n->text.s);
}

START_TEST(test_published_network_of_2000_verifies)
{
    static const struct {
        const char *word, *path;
        size_t n;
    } rows[] = {
        {"consensus", DIR "testnet2000/cached-consensus", 1},
        {"consensus-microdesc", DIR "testnet2000/cached-microdesc-consensus", 1},
        {"keys/all", DIR "testnet2000/cached-certs", 4},
        {"vote/current/authority", DIR "testnet2000/v3-status-votes", 4},
    };
    struct network n;
    network_load(&n);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct set s = verified(rows[i].word, rows[i].path, &n.trust);
        all_are(&s, rows[i].n, DOCS_GOOD);
        set_free(&s);
    }
    network_free(&n);
}
END_TEST

START_TEST(test_published_relays_of_2000_verify)
{
    struct docs_trust trust = {.now_s = T2000};
    struct set servers = verified("server/all", DIR "testnet2000/cached-descriptors.new", &trust);
    all_are(&servers, servers.docs.n, DOCS_GOOD);
    ck_assert_uint_gt(servers.docs.n, 10);
    struct set extra = verified("extra/all", DIR "testnet2000/cached-extrainfo.new", &trust);
    all_are(&extra, extra.docs.n, DOCS_UNPROVEN);
    set_free(&extra);
    trust.servers = servers.text;
    extra = verified("extra/all", DIR "testnet2000/cached-extrainfo.new", &trust);
    all_are(&extra, extra.docs.n, DOCS_GOOD);
    ck_assert_uint_gt(extra.docs.n, 10);
    set_free(&extra);
    set_free(&servers);
}
END_TEST

START_TEST(test_published_descriptors_of_2026_verify)
{
    struct docs_trust trust = {.now_s = T2026};
    struct set s = verified("server/all", DIR "live2026/descriptors", &trust);
    all_are(&s, 5, DOCS_GOOD);
    ck_assert_str_eq(s.docs.list[4].title,
                     "server descriptor of moria1 (1A25C6358DB91342AA51720A5038B72742732498)");
    set_free(&s);
}
END_TEST

START_TEST(test_published_vote_that_was_cut_down_is_bad)
{
    struct rsa_id tor26 = {{0x2f, 0x3d, 0xf9, 0xca, 0x0e, 0x5d, 0x36, 0xf2, 0x68, 0x5a,
                            0x2d, 0xa6, 0x71, 0x84, 0xeb, 0x8d, 0xcb, 0x8c, 0xba, 0x8c}};
    struct docs_trust trust = {.auths = &tor26, .n_auths = 1, .now_s = T2026};
    struct set s = verified("vote/current/authority", DIR "live2026/vote", &trust);
    all_are(&s, 1, DOCS_BAD);
    ck_assert_str_eq(s.docs.list[0].why, "its signature does not verify");
    set_free(&s);
}
END_TEST

/* "unrecognized" at any depth. */
static bool has_unrecognized(const json_t *j)
{
    const char *key;
    json_t *value;
    size_t i;
    if (json_object_get(j, "unrecognized"))
        return true;
    json_object_foreach((json_t *)(uintptr_t)j, key,
                        value) if (has_unrecognized(value)) return true;
    json_array_foreach(j, i, value) if (has_unrecognized(value)) return true;
    return false;
}

START_TEST(test_published_every_line_has_its_place_in_json)
{
    static const char *const rows[][2] = {
        {"consensus", DIR "testnet2000/cached-consensus"},
        {"consensus-microdesc", DIR "testnet2000/cached-microdesc-consensus"},
        {"keys/all", DIR "testnet2000/cached-certs"},
        {"vote/current/authority", DIR "testnet2000/v3-status-votes"},
        {"server/all", DIR "testnet2000/cached-descriptors.new"},
        {"extra/all", DIR "testnet2000/cached-extrainfo.new"},
        {"server/all", DIR "live2026/descriptors"},
        {"consensus", DIR "live2026/consensus"},
        {"consensus-microdesc", DIR "live-2026-07-consensus-microdesc.txt"},
        {"vote/current/authority", DIR "live2026/vote"},
    };
    struct docs_trust trust = {.now_s = T2026};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct set s = verified(rows[i][0], rows[i][1], &trust);
        for (size_t k = 0; k < s.docs.n; k++) {
            json_t *j = docs_item_json(&s.docs.list[k]);
            ck_assert_ptr_nonnull(j);
            char *text = json_dumps(j, 0);
            ck_assert_msg(!has_unrecognized(j), "%s: %s", rows[i][1], text);
            free(text);
            json_decref(j);
        }
        set_free(&s);
    }
}
END_TEST

TESTS("fetch/published", test_published_network_of_2000_verifies,
      test_published_relays_of_2000_verify, test_published_descriptors_of_2026_verify,
      test_published_vote_that_was_cut_down_is_bad, test_published_every_line_has_its_place_in_json)
