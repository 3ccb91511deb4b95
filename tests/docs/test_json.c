#include "docs/json.h"

#include "fetched.h"

/* The JSON form of TEXT, asked for by WORD. */
static json_t *form(const char *word, struct text text)
{
    struct docs_want w;
    struct docs docs;
    char why[DOCS_WHY_MAX];
    ck_ok(docs_want_parse(word, &w, why));
    ck_ok(docs_split(&w, text, &docs));
    ck_assert_uint_eq(docs.n, 1);
    json_t *j = docs_item_json(&docs.list[0]);
    ck_assert_ptr_nonnull(j);
    docs_free(&docs);
    docs_want_clear(&w);
    return j;
}

static void is(const json_t *j, const char *member, const char *expected)
{
    char *text = json_dumps(json_object_get(j, member), JSON_ENCODE_ANY | JSON_COMPACT);
    ck_assert_msg(text && strcmp(text, expected) == 0, "%s: %s, not %s", member, text, expected);
    free(text);
}

struct row {
    const char *line, *member, *value;
};

/* Each line behind HEAD has its member. */
static void lines_are(const char *word, const char *head, const struct row *rows, size_t n)
{
    char text[2048];
    for (size_t i = 0; i < n; i++) {
        int len = snprintf(text, sizeof text, "%s%s\n", head, rows[i].line);
        json_t *j = form(word, (struct text){text, (size_t)len});
        is(j, rows[i].member, rows[i].value);
        json_decref(j);
    }
}

#define ROWS(rows)    rows, sizeof(rows) / sizeof(rows)[0]
#define OBJECT(label) "-----BEGIN " label "-----\nAAEC\nAw==\n-----END " label "-----"

START_TEST(test_json_lines_of_server_descriptors)
{
    static const struct row rows[] = {
        {"contact x", "router",
         "{\"nickname\":\"123\",\"address\":\"192.0.2.1\",\"or-port\":9001,\"socks-port\":0,"
         "\"dir-port\":80}"},
        {"or-address [2001:db8::1]:9001", "or-address", "[\"[2001:db8::1]:9001\"]"},
        {"bandwidth 1 2 3", "bandwidth", "{\"average\":1,\"burst\":2,\"observed\":3}"},
        {"platform Tor 0.4.9.11 on Linux", "platform", "\"Tor 0.4.9.11 on Linux\""},
        {"proto Cons=1-2 Link=4", "proto", "{\"Cons\":\"1-2\",\"Link\":4}"},
        {"published 2026-01-02 03:04:05", "published", "\"2026-01-02T03:04:05Z\""},
        {"fingerprint 0000 1111 2222 3333 4444 5555 6666 7777 8888 99aa", "fingerprint",
         "\"00001111222233334444555566667777888899AA\""},
        {"hibernating 1", "hibernating", "true"},
        {"uptime 17", "uptime", "17"},
        {"extra-info-digest 12 ab", "extra-info-digest", "{\"sha1\":\"12\",\"sha256\":\"ab\"}"},
        {"extra-info-digest 12", "extra-info-digest", "{\"sha1\":\"12\"}"},
        {"caches-extra-info", "caches-extra-info", "true"},
        {"onion-key\n" OBJECT("RSA PUBLIC KEY"), "onion-key", "\"AAECAw==\""},
        {"ntor-onion-key abc=", "ntor-onion-key", "\"abc=\""},
        {"ntor-onion-key-crosscert 1\n" OBJECT("ED25519 CERT"), "ntor-onion-key-crosscert",
         "{\"sign-bit\":1,\"certificate\":\"AAECAw==\"}"},
        {"hidden-service-dir", "hidden-service-dir", "[]"},
        {"family $A b", "family", "[\"$A\",\"b\"]"},
        {"family-cert\n" OBJECT("FAMILY CERT"), "family-cert", "[\"AAECAw==\"]"},
        {"overload-general 1 2026-01-02 03:04:05", "overload-general",
         "{\"version\":1,\"time\":\"2026-01-02T03:04:05Z\"}"},
        {"accept *:80\nreject *:*\naccept *:1", "exit-policy",
         "[\"accept *:80\",\"reject *:*\",\"accept *:1\"]"},
        {"ipv6-policy accept 80,443-444", "ipv6-policy",
         "{\"policy\":\"accept\",\"ports\":[\"80\",\"443-444\"]}"},
        {"read-history 2026-01-02 03:04:05 (900 s) 1,2", "read-history",
         "{\"end\":\"2026-01-02T03:04:05Z\",\"interval\":900,\"values\":[1,2]}"},
        {"read-history 2026-01-02 03:04:05 (900 s)", "read-history",
         "{\"end\":\"2026-01-02T03:04:05Z\",\"interval\":900,\"values\":[]}"},
        {"bridge-distribution-request any", "bridge-distribution-request", "\"any\""},
    };
    lines_are("server/authority", "router 123 192.0.2.1 9001 0 80\n", ROWS(rows));
}
END_TEST

START_TEST(test_json_lines_of_extra_info)
{
#define END      "2026-01-02 03:04:05 (86400 s)"
#define END_JSON "\"end\":\"2026-01-02T03:04:05Z\",\"interval\":86400"
    static const struct row rows[] = {
        {"x", "extra-info", "{\"nickname\":\"a\",\"fingerprint\":\"12\"}"},
        {"dirreq-stats-end " END, "dirreq-stats-end", "{" END_JSON "}"},
        {"dirreq-v3-ips us=8,de=16", "dirreq-v3-ips", "{\"us\":8,\"de\":16}"},
        {"dirreq-v3-reqs ", "dirreq-v3-reqs", "{}"},
        {"dirreq-v3-share 1.5%", "dirreq-v3-share", "\"1.5%\""},
        {"dirreq-v3-tunneled-dl complete=4,timeout=0", "dirreq-v3-tunneled-dl",
         "{\"complete\":4,\"timeout\":0}"},
        {"cell-processed-cells 1,2,3", "cell-processed-cells", "[1,2,3]"},
        {"cell-queued-cells 1.5,0", "cell-queued-cells", "[1.5,0]"},
        {"cell-circuits-per-decile 7", "cell-circuits-per-decile", "7"},
        {"conn-bi-direct " END " 1,2,3,4", "conn-bi-direct",
         "{" END_JSON ",\"below\":1,\"read\":2,\"write\":3,\"both\":4}"},
        {"exit-streams-opened 80=4,other=8", "exit-streams-opened", "{\"80\":4,\"other\":8}"},
        {"hidserv-dir-v3-onions-seen -5 delta_f=8 epsilon=0.5", "hidserv-dir-v3-onions-seen",
         "{\"value\":-5,\"parameters\":{\"delta_f\":8,\"epsilon\":0.5}}"},
        {"transport obfs4 192.0.2.1:1 a=b\ntransport x", "transport",
         "[{\"name\":\"obfs4\",\"address\":\"192.0.2.1:1\",\"arguments\":\"a=b\"},"
         "{\"name\":\"x\"}]"},
        {"padding-counts " END " bin-size=10000 write-drop=0", "padding-counts",
         "{" END_JSON ",\"counts\":{\"bin-size\":10000,\"write-drop\":0}}"},
        {"overload-ratelimits 1 2026-01-02 03:04:05 1 2 3 4", "overload-ratelimits",
         "{\"version\":1,\"time\":\"2026-01-02T03:04:05Z\",\"rate-limit\":1,\"burst-limit\":2,"
         "\"read-overload-count\":3,\"write-overload-count\":4}"},
    };
    lines_are("extra/authority", "extra-info a 12\n", ROWS(rows));
}
END_TEST

START_TEST(test_json_lines_of_microdescriptors)
{
    static const struct row rows[] = {
        {"x", "onion-key", "null"},
        {"id ed25519 A\nid rsa1024 B", "id",
         "[{\"type\":\"ed25519\",\"key\":\"A\"},{\"type\":\"rsa1024\",\"key\":\"B\"}]"},
        {"p accept 1-65535", "p", "{\"policy\":\"accept\",\"ports\":[\"1-65535\"]}"},
        {"family-ids ed25519:x", "family-ids", "[\"ed25519:x\"]"},
    };
    lines_are("micro/d/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "onion-key\n", ROWS(rows));
}
END_TEST

START_TEST(test_json_counts_that_are_not_four_are_kept_as_they_stand)
{
    static const struct row rows[] = {
        {"conn-bi-direct 2026-01-02 03:04:05 (86400 s) 1,2,3,,4", "unrecognized",
         "[\"conn-bi-direct 2026-01-02 03:04:05 (86400 s) 1,2,3,,4\"]"},
        {"conn-bi-direct 2026-01-02 03:04:05 (86400 s) 1,2,3,4,5", "unrecognized",
         "[\"conn-bi-direct 2026-01-02 03:04:05 (86400 s) 1,2,3,4,5\"]"},
    };
    lines_are("extra/all", "extra-info a 9695DFC35FFEB861329B9F1AB04C46397020CE31\n", ROWS(rows));
}
END_TEST

START_TEST(test_json_what_is_malformed_or_unknown_is_kept)
{
    static const struct row rows[] = {
        {"frobnicate a  b", "unrecognized", "[\"frobnicate a  b\"]"},
        {"new-key\n" OBJECT("KEY"), "unrecognized",
         "[\"new-key\\n-----BEGIN KEY-----\\nAAEC\\nAw==\\n-----END KEY-----\"]"},
        {"uptime x", "unrecognized", "[\"uptime x\"]"},
        {"uptime 1\nuptime 2", "unrecognized", "[\"uptime 2\"]"},
        {"proto a=1 a=2", "unrecognized", "[\"proto a=1 a=2\"]"},
        {"proto a", "unrecognized", "[\"proto a\"]"},
        {"published 2026-13-01 00:00:00", "unrecognized", "[\"published 2026-13-01 00:00:00\"]"},
        {"ipv6-policy maybe 1", "unrecognized", "[\"ipv6-policy maybe 1\"]"},
        {"!\n\n?", "unrecognized", "[\"!\",\"\",\"?\"]"},
        {"hibernating 2", "unrecognized", "[\"hibernating 2\"]"},
        {"read-history 2026-01-02 03:04:05 (900 s) 1,x", "unrecognized",
         "[\"read-history 2026-01-02 03:04:05 (900 s) 1,x\"]"},
        {"onion-key", "unrecognized", "[\"onion-key\"]"},
    };
    lines_are("server/authority", "router a 192.0.2.1 1 0 0\n", ROWS(rows));
}
END_TEST

START_TEST(test_json_bytes_that_are_no_utf8_are_latin1)
{
    static const struct row rows[] = {{"contact J\xfcrgen", "contact", "\"J\xc3\xbcrgen\""},
                                      {"contact J\xc3\xbcrgen", "contact", "\"J\xc3\xbcrgen\""}};
    lines_are("server/authority", "router a 192.0.2.1 1 0 0\n", ROWS(rows));
}
END_TEST

START_TEST(test_json_of_a_microdesc_consensus)
{
    struct docnet *n = docnet_usual(1);
    struct text text = netdocs_consensus(n->docs, CONSDOC_MICRODESC, NETDOCS_HONEST);
    json_t *j = form("consensus-microdesc", text);
    is(j, "type", "\"network-status-microdesc-consensus-3\"");
    is(j, "verdict", "null");
    is(j, "network-status-version", "{\"version\":3,\"flavor\":\"microdesc\"}");
    is(j, "valid-after", "\"2026-01-01T00:00:00Z\"");
    ck_assert_uint_eq(json_array_size(json_object_get(j, "authorities")), 3);
    ck_assert_uint_eq(json_array_size(json_object_get(j, "relays")), n->plan.n_nodes);
    ck_assert_uint_eq(json_array_size(json_object_get(j, "directory-signature")), 3);
    json_t *relay = json_array_get(json_object_get(j, "relays"), 0);
    ck_assert(json_is_string(json_object_get(json_object_get(relay, "r"), "nickname")));
    ck_assert(json_is_integer(json_object_get(json_object_get(relay, "w"), "Bandwidth")));
    ck_assert(json_is_array(json_object_get(relay, "s")));
    ck_assert_ptr_null(json_object_get(json_object_get(relay, "r"), "digest"));
    json_decref(j);
    docnet_free(n);
}
END_TEST

START_TEST(test_json_of_a_vote)
{
    struct docnet *n = docnet_usual(2);
    json_t *j = form("vote/current/authority", netdocs_vote(n->docs, n->auths[0].b));
    is(j, "vote-status", "\"vote\"");
    is(j, "consensus-methods", "[32,33,34,35]");
    json_t *auth = json_array_get(json_object_get(j, "authorities"), 0);
    json_t *cert = json_object_get(auth, "key-certificate");
    is(cert, "dir-key-certificate-version", "3");
    ck_assert(json_is_string(json_object_get(cert, "dir-key-certification")));
    json_t *relay = json_array_get(json_object_get(j, "relays"), 0);
    json_t *m = json_array_get(json_object_get(relay, "m"), 0);
    is(m, "methods", "[32,33,34,35]");
    ck_assert(json_is_string(json_object_get(json_object_get(m, "digests"), "sha256")));
    ck_assert(json_is_string(json_object_get(json_object_get(relay, "r"), "digest")));
    json_decref(j);
    docnet_free(n);
}
END_TEST

START_TEST(test_json_of_bandwidth_files)
{
    json_t *j = form("bandwidth", TEXT_LIT("1523911758\nversion=1.4.0\nsoftware=sbws\nodd\n=====\n"
                                           "bw=1 nick=a time=2018-05-08T16:13:26\nbw\n"));
    is(j, "timestamp", "1523911758");
    is(j, "headers", "{\"version\":\"1.4.0\",\"software\":\"sbws\",\"unrecognized\":[\"odd\"]}");
    is(j, "relays", "[{\"bw\":1,\"nick\":\"a\",\"time\":\"2018-05-08T16:13:26\"}]");
    is(j, "unrecognized", "[\"bw\"]");
    json_decref(j);
    j = form("bandwidth", TEXT_LIT("1\nnode_id=$1 bw=2\nnode_id=$2 bw=3\n"));
    is(j, "headers", "{}");
    is(j, "relays", "[{\"node_id\":\"$1\",\"bw\":2},{\"node_id\":\"$2\",\"bw\":3}]");
    json_decref(j);
}
END_TEST

START_TEST(test_json_of_detached_signatures)
{
#define ID "0000000000000000000000000000000000000001"
    static const struct row rows[] = {
        {"additional-digest microdesc sha256 AB", "additional-digest",
         "[{\"flavor\":\"microdesc\",\"algorithm\":\"sha256\",\"digest\":\"AB\"}]"},
        {"additional-signature microdesc sha256 " ID " " ID "\n" OBJECT("SIGNATURE"),
         "additional-signature",
         "[{\"flavor\":\"microdesc\",\"algorithm\":\"sha256\",\"identity\":\"" ID
         "\",\"signing-key\":\"" ID "\",\"signature\":\"AAECAw==\"}]"},
        {"directory-signature " ID " " ID "\n" OBJECT("SIGNATURE"), "directory-signature",
         "[{\"algorithm\":\"sha1\",\"identity\":\"" ID "\",\"signing-key\":\"" ID
         "\",\"signature\":\"AAECAw==\"}]"},
        {"valid-after 2026-01-02 03:04:05", "valid-after", "\"2026-01-02T03:04:05Z\""},
    };
    lines_are("consensus-signatures", "consensus-digest AB\n", ROWS(rows));
}
END_TEST

START_TEST(test_json_of_other_documents_is_their_text)
{
    json_t *j = form("/tor/robots.txt", TEXT_LIT("User-agent: *\n"));
    is(j, "type", "\"document\"");
    is(j, "text", "\"User-agent: *\\n\"");
    json_decref(j);
}
END_TEST

START_TEST(test_json_tells_verdict_and_why)
{
    struct docnet *n = docnet_usual(3);
    struct fetched f = fetched_new(n);
    fetched_answer(&f, "server/authority", TEXT_LIT("router\n"));
    json_t *j = docs_item_json(fetched_one(&f));
    is(j, "verdict", "\"bad\"");
    ck_assert(json_is_string(json_object_get(j, "why")));
    json_decref(j);
    fetched_clear(&f);
    docnet_free(n);
}
END_TEST

TESTS("fetch/json", test_json_lines_of_server_descriptors, test_json_lines_of_extra_info,
      test_json_lines_of_microdescriptors, test_json_what_is_malformed_or_unknown_is_kept,
      test_json_counts_that_are_not_four_are_kept_as_they_stand,
      test_json_bytes_that_are_no_utf8_are_latin1, test_json_of_a_microdesc_consensus,
      test_json_of_a_vote, test_json_of_bandwidth_files, test_json_of_detached_signatures,
      test_json_of_other_documents_is_their_text, test_json_tells_verdict_and_why)
