/* Documents printed from their JSON form: those that the network's own programs wrote come out byte
 * for byte, and whatever is printed reads the same. */
#include "docs/print.h"

#include "docs/json.h"
#include "fetched.h"
#include "support/docfile.h"

#define DIR "vectors/dir/"

/* The form of the only document of TEXT. */
static json_t *form(const struct docs_want *want, struct text text)
{
    struct docs docs;
    ck_ok(docs_split(want, text, &docs));
    ck_assert_uint_eq(docs.n, 1);
    json_t *j = docs_item_json(&docs.list[0]);
    ck_assert_ptr_nonnull(j);
    docs_free(&docs);
    return j;
}

static void same_text(struct text was, struct text is, const char *title)
{
    struct text a = was, b = is, x, y;
    size_t line = 1;
    for (; !text_equal(a, b) && text_line(&a, &x) && text_line(&b, &y) && text_equal(x, y); line++)
        ;
    ck_assert_msg(text_equal(was, is), "%s: line %zu was \"%.*s\", is \"%.*s\"", title, line,
                  TEXT_ARG(x), TEXT_ARG(y));
}

/* print(parse(text)) == text, and parse(print(form)) == form. */
static void round_trip(const struct docs_want *want, const struct docs_item *doc)
{
    char why[DOCS_WHY_MAX];
    struct docw w = {0};
    json_t *j = docs_item_json(doc), *again;
    ck_assert_ptr_nonnull(j);
    err_t err = docs_print(j, &w, why);
    ck_assert_msg(err == OK, "%s: %s", doc->title, why);
    struct text whole = {doc->annotations.s, doc->annotations.len + doc->text.len};
    same_text(whole, docw_text(&w), doc->title);
    again = form(want, docw_text(&w));
    ck_assert_msg(json_equal(json_object_get(j, "digest"), json_object_get(again, "digest")), "%s",
                  doc->title);
    json_decref(again);
    json_decref(j);
    docw_free(&w);
}

static size_t all_round(const char *word, struct text text)
{
    struct docs_want want;
    struct docs docs;
    char why[DOCS_WHY_MAX];
    ck_ok(docs_want_parse(word, &want, why));
    ck_ok(docs_split(&want, text, &docs));
    for (size_t i = 0; i < docs.n; i++)
        round_trip(&want, &docs.list[i]);
    size_t n = docs.n;
    docs_free(&docs);
    docs_want_clear(&want);
    return n;
}

/* What C tor's authorities and relays of several years wrote. */
START_TEST(test_print_published_documents_come_out_as_they_were)
{
    static const struct {
        const char *word, *path;
        size_t n;
    } rows[] = {
        {"consensus", DIR "testnet2000/cached-consensus", 1},
        {"consensus-microdesc", DIR "testnet2000/cached-microdesc-consensus", 1},
        {"consensus-microdesc", DIR "testnet2020/mdconsensus1.txt", 1},
        {"keys/all", DIR "testnet2000/cached-certs", 4},
        {"vote/current/authority", DIR "testnet2000/v3-status-votes", 4},
        {"server/all", DIR "testnet2000/cached-descriptors.new", 20},
        {"extra/all", DIR "testnet2000/cached-extrainfo.new", 20},
        {"server/all", DIR "live2026/descriptors", 5},
        {"consensus", DIR "live2026/consensus", 1},
        {"consensus-microdesc", DIR "live-2026-07-consensus-microdesc.txt", 1},
        {"vote/current/authority", DIR "live2026/vote", 1},
        {"micro/d/ml5EVLOjcDXDZGwB4XGqHeBcVqRHiWvmoPpx0GkZqXU",
         DIR "testnet2000/cached-microdescs.new", 7},
        {"server/all", DIR "family2026/server", 1},
        {"extra/all", DIR "family2026/extra", 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct text text = read_file(rows[i].path);
        size_t n = all_round(rows[i].word, text);
        ck_assert_msg(n == rows[i].n, "%s: %zu", rows[i].path, n);
    }
}
END_TEST

/* What our own writers make (dirdoc) has the same form. */
START_TEST(test_print_what_a_test_network_writes_comes_out_as_it_was)
{
    struct docnet *n = docnet_usual(3);
    for (int flavor = 0; flavor < CONSDOC_FLAVORS; flavor++)
        all_round(flavor == CONSDOC_NS ? "consensus" : "consensus-microdesc",
                  netdocs_consensus(n->docs, (enum consdoc_flavor)flavor, NETDOCS_HONEST));
    all_round("vote/current/authority", netdocs_vote(n->docs, n->auths[0].b));
    docnet_free(n);
}
END_TEST

#define SIG "-----BEGIN SIGNATURE-----\nAAEC\n-----END SIGNATURE-----\n"
#define FP  "9695DFC35FFEB861329B9F1AB04C46397020CE31"

START_TEST(test_print_each_kind_of_line)
{
    static const char detached[] =
        "consensus-digest " FP "\nvalid-after 2026-01-01 00:00:00\n"
        "fresh-until 2026-01-01 01:00:00\nvalid-until 2026-01-01 03:00:00\n"
        "additional-digest microdesc sha256 ABCD\n"
        "additional-signature microdesc sha256 " FP " " FP "\n" SIG "directory-signature " FP " " FP
        "\n" SIG;
    static const char bandwidths[] =
        "1523911758\nversion=1.4.0\nsoftware=sbws\nearliest_bandwidth=2018-04-16T05:09:10\n=====\n"
        "bw=10 node_id=$" FP " nick=a pid_error=-0.25 vote=0\nbw=2 node_id=$" FP " share=0.5\n";
    static const char torflow[] = "1523911758\nnode_id=$" FP " bw=5 pid_bw=1e-05\n";
    static const char extra[] =
        "extra-info a " FP "\npublished 2026-01-01 00:00:00\n"
        "write-history 2026-01-01 00:00:00 (86400 s) 1,2,3\n"
        "dirreq-stats-end 2026-01-01 00:00:00 (86400 s)\ndirreq-v3-ips de=8,us=16\n"
        "dirreq-v3-reqs \ndirreq-v3-resp ok=16,not-found=0\n"
        "conn-bi-direct 2026-01-01 00:00:00 (86400 s) 1,2,3,4\ncell-processed-cells 1,2,0\n"
        "cell-time-in-queue 1.5,0.0,1.25\n"
        "hidserv-rend-v3-relayed-cells 12 delta_f=2048 epsilon=0.30 bin_size=1024\n"
        "padding-counts 2026-01-01 00:00:00 (86400 s) bin-size=10000 write-drop=0\n"
        "overload-ratelimits 1 2026-01-01 00:00:00 1 2 3 4\n"
        "overload-fd-exhausted 1 2026-01-01 00:00:00\n"
        "transport obfs4 192.0.2.1:443 cert=a,iat-mode=0\ntransport obfs3\nx unknown  line\n";
    static const char vote[] =
        "network-status-version 3\nvote-status vote\nconsensus-methods 32 33\n"
        "client-versions \nserver-versions 0.4.8.1,0.4.9.1\nvoting-delay 300 300\n"
        "known-flags Fast Valid\nflag-thresholds stable-uptime=1 guard-wfu=98.000%\n"
        "params \nbandwidth-file-headers version=1.4.0 timestamp=1\n"
        "dir-source a " FP " 192.0.2.1 192.0.2.1 80 443\ncontact a <b@c>\nlegacy-dir-key " FP
        "\nshared-rand-participate\nshared-rand-commit 1 sha3-256 " FP " AAA\n"
        "shared-rand-commit 1 sha3-256 " FP " AAA BBB\nshared-rand-current-value 9 AAAA\n"
        "r a lpXfw1/+uGEym58asExGOXAgzjE lpXfw1/+uGEym58asExGOXAgzjE 2026-01-01 00:00:00 "
        "192.0.2.1 443 0\na [2001:db8::1]:443\ns Fast Valid\nv Tor 0.4.9.1\npr Cons=1-2 Link=4\n"
        "w Bandwidth=1 Measured=2 Unmeasured=1\np accept 80,443-444\nid ed25519 none\n"
        "m 32,33 sha256=AAA\nm 34 sha256=BBB\nstats wfu=0.980000 tk=1 mtbf=2\n"
        "directory-footer\ndirectory-signature " FP " " FP "\n" SIG;
    all_round("consensus-signatures", TEXT_LIT(detached));
    all_round("bandwidth", TEXT_LIT(bandwidths));
    all_round("extra/all", TEXT_LIT(extra));
    all_round("vote/current/authority", TEXT_LIT(vote));
    all_round("/tor/robots.txt", TEXT_LIT("anything\n\nat all"));
    ck_assert_uint_eq(all_round("bandwidth", TEXT_LIT(torflow)), 1);
}
END_TEST

/* ---- what is no form ---- */

START_TEST(test_print_what_is_no_form_is_told)
{
    static const struct {
        const char *json, *says;
    } rows[] = {
        {"1", "\"type\""},
        {"{}", "\"type\""},
        {"{\"type\":\"x\"}", "\"type\""},
        {"{\"type\":\"extra-info\",\"x\":1}", "no \"x\""},
        {"{\"type\":\"extra-info\",\"published\":\"2026\"}", "\"published\""},
        {"{\"type\":\"extra-info\",\"published\":1}", "\"published\""},
        {"{\"type\":\"extra-info\",\"transport\":{}}", "\"transport\" is no list"},
        {"{\"type\":\"extra-info\",\"unrecognized\":1}", "\"unrecognized\" is no list"},
        {"{\"type\":\"extra-info\",\"router-signature\":[]}", "\"router-signature\""},
        {"{\"type\":\"extra-info\",\"dirreq-v3-ips\":[]}", "\"dirreq-v3-ips\""},
        {"{\"type\":\"server-descriptor\",\"contact\":\"a\\nrouter b\"}", "\"contact\""},
        {"{\"type\":\"server-descriptor\",\"router\":{}}", "\"router\""},
        {"{\"type\":\"network-status-vote-3\",\"relays\":1}", "is no list"},
        {"{\"type\":\"network-status-vote-3\",\"relays\":[1]}", "no object"},
        {"{\"type\":\"network-status-vote-3\",\"relays\":[{\"r\":1}]}", "\"r\""},
        {"{\"type\":\"document\"}", "\"text\""},
        {"{\"type\":\"document\",\"annotations\":1,\"text\":\"\"}", "\"annotations\""},
        {"{\"type\":\"bandwidth-file\",\"relays\":[1]}", "\"relays\""},
        {"{\"type\":\"bandwidth-file\",\"headers\":{\"a\":1}}", "\"a\""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char why[DOCS_WHY_MAX];
        struct docw w = {0};
        json_t *j = json_loads(rows[i].json, JSON_DECODE_ANY, NULL);
        ck_assert_ptr_nonnull(j);
        ck_err(docs_print(j, &w, why), ERR_MALFORMED);
        ck_assert_msg(strstr(why, rows[i].says) != NULL, "%s: %s", rows[i].json, why);
        json_decref(j);
        docw_free(&w);
    }
}
END_TEST

TESTS("docs/print", test_print_published_documents_come_out_as_they_were,
      test_print_what_a_test_network_writes_comes_out_as_it_was, test_print_each_kind_of_line,
      test_print_what_is_no_form_is_told)
