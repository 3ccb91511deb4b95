#include "testnet/dirserv.h"

#include "crypto/encode.h"
#include "crypto/hash.h"
#include "testnet/compress.h"
#include "testnet/served.h"

static char *hex(const uint8_t *bytes, size_t len)
{
    static char out[4][HEX_SIZE(32)];
    static unsigned turn;
    return hex_upper(bytes, len, out[turn++ % 4]);
}

/* ---- what is served ---- */

START_TEST(test_dirserv_serves_consensuses)
{
    struct world *w = world_new();
    get(w, "/tor/status-vote/current/consensus", "");
    check_body(w, netdocs_consensus(w->n->docs, CONSDOC_NS, NETDOCS_HONEST));
    get(w, "/tor/status-vote/current/consensus-ns.z", "");
    check_body(w, netdocs_consensus(w->n->docs, CONSDOC_NS, NETDOCS_HONEST));
    get(w, "/tor/status-vote/current/consensus-microdesc", "");
    check_body(w, netdocs_consensus(w->n->docs, CONSDOC_MICRODESC, NETDOCS_HONEST));
    get(w, "http://127.0.0.1:9030/tor/status-vote/current/consensus-microdesc.z", "");
    check_body(w, netdocs_consensus(w->n->docs, CONSDOC_MICRODESC, NETDOCS_HONEST));
    world_free(w);
}
END_TEST

START_TEST(test_dirserv_consensus_needs_the_authorities_that_were_asked_for)
{
    struct world *w = world_new();
    char url[200], a[8], b[8];
    snprintf(a, sizeof a, "%.6s", hex(netdocs_v3_id(w->n->docs, 0), 20));
    snprintf(b, sizeof b, "%.6s", hex(netdocs_v3_id(w->n->docs, 1), 20));
    snprintf(url, sizeof url, "/tor/status-vote/current/consensus-microdesc/%s+%s+000000.z", a, b);
    get(w, url, "");
    check_status(w, "200 OK");
    snprintf(url, sizeof url, "/tor/status-vote/current/consensus-microdesc/%s+000000.z", a);
    get(w, url, "");
    check_status(w, "404 Consensus not signed by sufficient number of requested authorities");
    world_free(w);
}
END_TEST

START_TEST(test_dirserv_every_encoding_is_the_same_document)
{
    struct world *w = world_new();
    static const struct {
        const char *accept, *content;
    } cases[] = {
        {"", "identity"},
        {"Accept-Encoding: identity\r\n", "identity"},
        {"Accept-Encoding: deflate\r\n", "deflate"},
        {"Accept-Encoding: gzip\r\n", "gzip"},
        {"accept-encoding: gzip, deflate\r\n", "deflate"},
        {"Accept-Encoding: deflate, x-zstd\r\n", "x-zstd"},
        {"Accept-Encoding: x-tor-lzma, x-zstd , deflate, gzip, identity\r\n", "x-tor-lzma"},
        {"Accept-Encoding: br;q=1, zstd, deflate;q=0.5\r\n", "deflate"},
        {"Accept-Encoding: ,,nonsense\r\n", "identity"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char line[80];
        get(w, "/tor/status-vote/current/consensus-microdesc", cases[i].accept);
        snprintf(line, sizeof line, "Content-Encoding: %s", cases[i].content);
        ck_assert_msg(has_header(w, line), "%s", cases[i].accept);
        check_body(w, netdocs_consensus(w->n->docs, CONSDOC_MICRODESC, NETDOCS_HONEST));
    }
    /* what is compressed for one client only is never compressed slowly */
    get(w, "/tor/keys/all", "Accept-Encoding: x-tor-lzma, x-zstd\r\n");
    ck_assert(has_header(w, "Content-Encoding: x-zstd"));
    check_body(w, netdocs_key_certs(w->n->docs));
    get(w, "/tor/keys/all.z", "");
    ck_assert(has_header(w, "Content-Encoding: deflate"));
    check_body(w, netdocs_key_certs(w->n->docs));
    world_free(w);
}
END_TEST

START_TEST(test_dirserv_serves_key_certificates)
{
    struct world *w = world_new();
    struct netdocs *d = w->n->docs;
    const struct authcert *c = w->n->certs.certs[1];
    const char *id = hex(authcert_identity(c)->b, 20), *sk = hex(authcert_signing(c)->b, 20);
    struct text one = authcert_text(c);
    char url[200];
    get(w, "/tor/keys/all", "");
    check_body(w, netdocs_key_certs(d));
    get(w, "/tor/keys/authority", "");
    check_body(w, netdocs_key_cert(d, netdocs_v3_id(d, 0), NULL));
    snprintf(url, sizeof url, "/tor/keys/fp/%s", id);
    get(w, url, "");
    check_body(w, one);
    snprintf(url, sizeof url, "/tor/keys/sk/%s", sk);
    get(w, url, "");
    check_body(w, one);
    snprintf(url, sizeof url, "/tor/keys/fp-sk/%s-%s.z", id, sk);
    get(w, url, "");
    check_body(w, one);
    snprintf(url, sizeof url, "/tor/keys/fp-sk/%s-%s", sk, id);
    get(w, url, "");
    check_status(w, "404 Not found");
    get(w, "/tor/keys/fp/0000000000000000000000000000000000000000+zz+", "");
    check_status(w, "404 Not found");
    get(w, "/tor/keys/other", "");
    check_status(w, "400 Bad request");
    world_free(w);
}
END_TEST

START_TEST(test_dirserv_serves_descriptors)
{
    struct world *w = world_new();
    struct netdocs *d = w->n->docs;
    const struct rsa_id *self = &w->source.self, *other = &w->n->id[7].rsa_id;
    char url[200];
    get(w, "/tor/server/all", "");
    check_body(w, netdocs_all_descriptors(d));
    get(w, "/tor/server/authority", "");
    check_body(w, netdocs_descriptor(d, self));
    snprintf(url, sizeof url, "/tor/server/fp/%s", hex(other->b, 20));
    get(w, url, "");
    check_body(w, netdocs_descriptor(d, other));
    get(w, "/tor/extra/all", "");
    check_body(w, netdocs_all_extra_infos(d));
    get(w, "/tor/extra/authority", "");
    check_body(w, netdocs_extra_info(d, self));
    snprintf(url, sizeof url, "/tor/extra/fp/%s.z", hex(other->b, 20));
    get(w, url, "");
    check_body(w, netdocs_extra_info(d, other));
    get(w, "/tor/server/fp/0000000000000000000000000000000000000000", "");
    check_status(w, "404 Servers unavailable");
    get(w, "/tor/server/other", "");
    check_status(w, "404 Not found");
    world_free(w);
}
END_TEST

/* What RSA signs of a descriptor is also its name. */
static const char *digest_of(struct text t)
{
    uint8_t digest[20];
    const char *end = memmem(t.s, t.len, "router-signature\n", 17);
    sha1(t.s, (size_t)(end + 17 - t.s), digest);
    return hex(digest, 20);
}

START_TEST(test_dirserv_serves_descriptors_by_digest)
{
    struct world *w = world_new();
    struct text server = netdocs_descriptor(w->n->docs, &w->n->id[4].rsa_id);
    struct text extra = netdocs_extra_info(w->n->docs, &w->n->id[4].rsa_id);
    char url[200];
    snprintf(url, sizeof url, "/tor/server/d/%s", digest_of(server));
    get(w, url, "");
    check_body(w, server);
    snprintf(url, sizeof url, "/tor/extra/d/%s", digest_of(extra));
    get(w, url, "");
    check_body(w, extra);
    world_free(w);
}
END_TEST

START_TEST(test_dirserv_serves_microdescriptors)
{
    struct world *w = world_new();
    struct sha256 x, y;
    struct text a = netdocs_microdesc_at(w->n->docs, 2, &x),
                b = netdocs_microdesc_at(w->n->docs, 5, &y);
    char url[300], m[BASE64_SIZE(32)], k[BASE64_SIZE(32)], both[4096];
    base64_encode(x.b, 32, false, m);
    base64_encode(y.b, 32, false, k);
    snprintf(url, sizeof url, "/tor/micro/d/%s-AAAA-%s.z", m, k);
    get(w, url, "");
    int len = snprintf(both, sizeof both, "%.*s%.*s", TEXT_ARG(a), TEXT_ARG(b));
    check_body(w, (struct text){both, (size_t)len});
    get(w, "/tor/micro/d/", "");
    check_status(w, "404 Not found");
    world_free(w);
}
END_TEST

START_TEST(test_dirserv_serves_votes)
{
    struct world *w = world_new();
    const uint8_t *first = netdocs_v3_id(w->n->docs, 0), *second = netdocs_v3_id(w->n->docs, 1);
    char url[200];
    get(w, "/tor/status-vote/current/authority", "");
    check_body(w, netdocs_vote(w->n->docs, first));
    snprintf(url, sizeof url, "/tor/status-vote/current/%s", hex(second, 20));
    get(w, url, "Accept-Encoding: x-zstd, deflate\r\n");
    ck_assert(has_header(w, "Content-Encoding: deflate"));
    check_body(w, netdocs_vote(w->n->docs, second));
    get(w, "/tor/status-vote/next/consensus", "");
    check_status(w, "404 Not found");
    world_free(w);
}
END_TEST

START_TEST(test_dirserv_serves_robots_and_nothing_else)
{
    struct world *w = world_new();
    static const char *const none[] = {"/tor/", "/", "/tor/hs/3/abc", "/tor/robots.txtx",
                                       "/etc/passwd"};
    get(w, "/tor/robots.txt", "Accept-Encoding: x-zstd\r\n");
    check_body(w, TEXT_LIT("User-agent: *\r\nDisallow: /\r\n"));
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        get(w, none[i], "");
        check_status(w, "404 Not found");
    }
    world_free(w);
}
END_TEST

/* ---- headers ---- */

START_TEST(test_dirserv_says_when_and_to_whom)
{
    struct world *w = world_new();
    char line[100], date[DIRHTTP_DATE_MAX];
    int64_t now = env_wall_s(w->n->env);
    get(w, "/tor/status-vote/current/consensus-microdesc", "");
    ck_assert(has_header(w, "X-Your-Address-Is: 127.0.0.9"));
    ck_assert(has_header(w, "Content-Type: text/plain"));
    ck_assert(has_header(w, "Vary: X-Or-Diff-From-Consensus"));
    snprintf(line, sizeof line, "Date: %s", dirhttp_date_text(now, date));
    ck_assert(has_header(w, line));
    snprintf(line, sizeof line, "Last-Modified: %s", dirhttp_date_text(now, date));
    ck_assert(has_header(w, line));
    snprintf(line, sizeof line, "Expires: %s", dirhttp_date_text(now + 3600, date));
    ck_assert(has_header(w, line));
    world_free(w);
}
END_TEST

START_TEST(test_dirserv_sends_nothing_that_is_known)
{
    struct world *w = world_new();
    char header[100], date[DIRHTTP_DATE_MAX];
    int64_t after = netdocs_valid_after_s(w->n->docs);
    snprintf(header, sizeof header, "If-Modified-Since: %s\r\n", dirhttp_date_text(after, date));
    get(w, "/tor/status-vote/current/consensus-microdesc", header);
    check_status(w, "304 Not modified");
    get(w, "/tor/keys/all", header);
    check_status(w, "304 Not modified");
    snprintf(header, sizeof header, "If-Modified-Since: %s\r\n",
             dirhttp_date_text(after - 1, date));
    get(w, "/tor/status-vote/current/consensus-microdesc", header);
    check_status(w, "200 OK");
    get(w, "/tor/status-vote/current/consensus-microdesc", "If-Modified-Since: yesterday\r\n");
    check_status(w, "200 OK");
    world_free(w);
}
END_TEST

static void sha3_signed(struct text t, uint8_t out[32])
{
    const char *end = memmem(t.s, t.len, "\ndirectory-signature ", 21);
    ck_ok(sha3_256(t.s, (size_t)(end + 21 - t.s), out));
}

START_TEST(test_dirserv_sends_a_diff_to_who_has_an_older_one)
{
    struct world *w = world_new();
    uint8_t old[32], new[32];
    char header[300], url[200];
    const char *zeros = "0000000000000000000000000000000000000000000000000000000000000000";
    sha3_signed(netdocs_consensus(w->n->docs, CONSDOC_MICRODESC, NETDOCS_HONEST), old);
    ck_ok(netdocs_publish(w->n->docs));
    sha3_signed(netdocs_consensus(w->n->docs, CONSDOC_MICRODESC, NETDOCS_HONEST), new);
    struct text diff = netdocs_diff(w->n->docs, CONSDOC_MICRODESC, old);
    snprintf(header, sizeof header, "X-Or-Diff-From-Consensus: %s, %s\r\n", zeros, hex(old, 32));
    get(w, "/tor/status-vote/current/consensus-microdesc", header);
    check_body(w, diff);
    snprintf(url, sizeof url, "/tor/status-vote/current/consensus-microdesc/diff/%s/%s.z",
             hex(old, 32), hex(netdocs_v3_id(w->n->docs, 0), 20));
    get(w, url, "");
    check_body(w, diff);
    snprintf(header, sizeof header, "X-Or-Diff-From-Consensus: %s\r\n", hex(new, 32));
    get(w, "/tor/status-vote/current/consensus-microdesc", header);
    check_status(w, "304 Not modified");
    snprintf(header, sizeof header, "X-Or-Diff-From-Consensus: %s\r\n", zeros);
    get(w, "/tor/status-vote/current/consensus-microdesc", header);
    check_body(w, netdocs_consensus(w->n->docs, CONSDOC_MICRODESC, NETDOCS_HONEST));
    snprintf(url, sizeof url, "/tor/status-vote/current/consensus/diff/%s", zeros);
    get(w, url, "");
    check_status(w, "404 No such diff available");
    get(w, "/tor/status-vote/current/consensus/diff/12", "");
    check_status(w, "404 Couldn't parse request");
    world_free(w);
}
END_TEST

START_TEST(test_dirserv_serves_no_dead_consensus)
{
    struct world *w = world_new();
    w->n->env->wall_us += INT64_C(28) * 3600 * US_PER_SEC;
    get(w, "/tor/status-vote/current/consensus", "");
    check_status(w, "404 Consensus is too old");
    w->n->env->wall_us -= INT64_C(56) * 3600 * US_PER_SEC;
    get(w, "/tor/status-vote/current/consensus", "");
    check_status(w, "404 Consensus is too new");
    world_free(w);
}
END_TEST

/* ---- requests that are none ---- */

START_TEST(test_dirserv_refuses_what_is_no_request)
{
    struct world *w = world_new();
    static const struct {
        const char *request, *status;
    } cases[] = {
        {"\r\n\r\n", "400 Bad request"},
        {"GET\r\n\r\n", "400 Bad request"},
        {"GET /tor/keys/all\r\n\r\n", "400 Bad request"},
        {"GET /tor/keys/all HTTP/1.0 x\r\n\r\n", "400 Bad request"},
        {"GET /tor/keys/all SMTP/1.0\r\n\r\n", "400 Bad request"},
        {"GET /tor/\x01 HTTP/1.0\r\n\r\n", "400 Bad request"},
        {"GET /tor/\xff HTTP/1.0\r\n\r\n", "400 Bad request"},
        {"POST /tor/post/vote HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc",
         "400 Descriptors are not taken"},
        {"BREW /tor/keys/all HTTP/1.0\r\n\r\n", "501 Not implemented"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        send_raw(w, cases[i].request, strlen(cases[i].request));
        check_status(w, cases[i].status);
    }
    world_free(w);
}
END_TEST

START_TEST(test_dirserv_waits_for_all_of_a_request)
{
    struct world *w = world_new();
    const char request[] = "GET /tor/keys/all HTTP/1.0\r\nHost: x\r\n\r\n";
    send_raw(w, request, 0);
    for (size_t i = 0; request[i]; i++) {
        ck_assert(!dirserv_done(w->s));
        ck_assert_uint_eq(w->got.len, 0);
        dirserv_feed(w->s, &request[i], 1);
        drain(w);
    }
    check_body(w, netdocs_key_certs(w->n->docs));
    world_free(w);
}
END_TEST

START_TEST(test_dirserv_takes_bare_newlines)
{
    struct world *w = world_new();
    const char request[] = "GET /tor/keys/all HTTP/1.0\n\nGET /tor/server/all HTTP/1.0\n\n";
    send_raw(w, request, strlen(request));
    check_body(w, netdocs_key_certs(w->n->docs));
    world_free(w);
}
END_TEST

START_TEST(test_dirserv_bounds_a_request)
{
    struct world *w = world_new();
    enum { MOST = 50000 };
    char *request = malloc(MOST + 1);
    memset(request, 'a', MOST);
    memcpy(request, "GET /tor/", 9);
    send_raw(w, request, MOST - 1);
    ck_assert(!dirserv_done(w->s));
    dirserv_feed(w->s, "a", 1);
    drain(w);
    check_status(w, "400 Request too large");
    free(request);
    world_free(w);
}
END_TEST

START_TEST(test_dirserv_answer_stays_whatever_is_published)
{
    struct world *w = world_new();
    size_t len;
    const struct ip peer = ip_v4((const uint8_t[]){127, 0, 0, 9});
    w->s = dirserv_new(&w->source, &peer, on_output, w);
    dirserv_feed(w->s, "GET " CONSENSUS " HTTP/1.0\r\n\r\n",
                 strlen("GET " CONSENSUS " HTTP/1.0\r\n\r\n"));
    ck_assert_ptr_nonnull(dirserv_out(w->s, &len));
    buf_free(&w->got);
    /* the answer stays what it was, whatever is published meanwhile */
    struct text was = {text_dup(netdocs_consensus(w->n->docs, CONSDOC_MICRODESC, NETDOCS_HONEST)),
                       0};
    was.len = strlen(was.s);
    for (int i = 0; i < NETDOCS_KEPT + 1; i++)
        ck_ok(netdocs_publish(w->n->docs));
    drain(w);
    check_body(w, was);
    free((char *)was.s);
    world_free(w);
}
END_TEST

TESTS("testnet/dirserv", test_dirserv_serves_consensuses,
      test_dirserv_consensus_needs_the_authorities_that_were_asked_for,
      test_dirserv_every_encoding_is_the_same_document, test_dirserv_serves_key_certificates,
      test_dirserv_serves_descriptors, test_dirserv_serves_descriptors_by_digest,
      test_dirserv_serves_microdescriptors, test_dirserv_serves_votes,
      test_dirserv_serves_robots_and_nothing_else, test_dirserv_says_when_and_to_whom,
      test_dirserv_sends_nothing_that_is_known, test_dirserv_sends_a_diff_to_who_has_an_older_one,
      test_dirserv_serves_no_dead_consensus, test_dirserv_refuses_what_is_no_request,
      test_dirserv_waits_for_all_of_a_request, test_dirserv_takes_bare_newlines,
      test_dirserv_bounds_a_request, test_dirserv_answer_stays_whatever_is_published)
