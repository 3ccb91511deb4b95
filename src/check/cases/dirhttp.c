/* Directory: the HTTP that documents come in (dir-spec 6), and encodings. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cell/reason.h"
#include "check/cases/directory.h"
#include "dir/dirhttp.h"

#define OWN       "/tor/server/authority"
#define KEYS      "/tor/keys/all"
#define CONSENSUS "/tor/status-vote/current/consensus-microdesc"

enum { CLOCKS_APART_S = 3600 };

/* ---- encodings ---- */

/* PATH with HEADERS gives, in ENCODING, what plain PATH (PLAIN) gives without encoding. */
static void expect_encoding(struct trial *t, const char *plain, const char *path,
                            const char *headers, enum dir_encoding encoding)
{
    struct pdir_answer a, b = {.status = 0};
    struct pcirc *c = pcirc_fast(t);
    char *decoded = NULL;
    size_t len = 0;
    if (pdir_expect(c, plain, "", 200, &a) && pdir_expect(c, path, headers, 200, &b)) {
        struct text name = pdir_header(&b, "Content-Encoding");
        trial_awaits(t, "Content-Encoding: %s, and the same document", dir_encoding_name(encoding));
        if (pdir_decoded(t, &b, &decoded, &len))
            TRIAL_EXPECT(t, text_equal((struct text){decoded, len}, a.body),
                         "it is not the document that comes without an encoding");
        TRIAL_EXPECT(t, (name.len ? dir_encoding_of(name) : ENC_IDENTITY) == encoding,
                     "Content-Encoding is \"%.*s\"", TEXT_ARG(name));
    }
    free(decoded);
    pdir_free(&a);
    pdir_free(&b);
}

void dir_encoding_none(struct trial *t)
{
    struct pdir_answer a;
    if (pdir_expect(pcirc_fast(t), KEYS, "", 200, &a))
        TRIAL_EXPECT(t, text_starts(a.body, "dir-key-certificate-version"),
                     "what came is no plain text");
    pdir_free(&a);
}

void dir_encoding_deflate(struct trial *t)
{
    expect_encoding(t, KEYS, KEYS, "Accept-Encoding: deflate\r\n", ENC_DEFLATE);
}

void dir_encoding_gzip(struct trial *t)
{
    expect_encoding(t, KEYS, KEYS, "Accept-Encoding: gzip\r\n", ENC_GZIP);
}

void dir_encoding_zstd(struct trial *t)
{
    expect_encoding(t, KEYS, KEYS, "Accept-Encoding: x-zstd\r\n", ENC_ZSTD);
}

void dir_encoding_lzma(struct trial *t)
{
    expect_encoding(t, CONSENSUS, CONSENSUS, "Accept-Encoding: x-tor-lzma\r\n", ENC_LZMA);
}

void dir_encoding_unknown(struct trial *t)
{
    expect_encoding(t, KEYS, KEYS, "Accept-Encoding: br, x-unheard-of\r\n", ENC_IDENTITY);
}

void dir_encoding_listed(struct trial *t)
{
    expect_encoding(t, KEYS, KEYS, "Accept-Encoding: br, deflate, x-unheard-of\r\n", ENC_DEFLATE);
}

void dir_encoding_accepted(struct trial *t)
{
    struct pdir_answer a;
    if (pdir_expect(pcirc_fast(t), CONSENSUS, "Accept-Encoding: gzip\r\n", 200, &a)) {
        struct text name = pdir_header(&a, "Content-Encoding");
        enum dir_encoding e = name.len ? dir_encoding_of(name) : ENC_IDENTITY;
        TRIAL_EXPECT(t, e == ENC_GZIP || e == ENC_IDENTITY,
                     "Content-Encoding is \"%.*s\", which was not accepted", TEXT_ARG(name));
    }
    pdir_free(&a);
}

void dir_suffix_z(struct trial *t)
{
    expect_encoding(t, KEYS, KEYS ".z", "", ENC_DEFLATE);
}

void dir_suffix_overridden(struct trial *t)
{
    expect_encoding(t, KEYS, KEYS ".z", "Accept-Encoding: identity\r\n", ENC_IDENTITY);
}

void dir_header_case(struct trial *t)
{
    expect_encoding(t, KEYS, KEYS, "accept-encoding: deflate\r\n", ENC_DEFLATE);
}

/* ---- headers of answers ---- */

void dir_status_line(struct trial *t)
{
    struct pdir_answer a;
    if (pdir_expect(pcirc_fast(t), OWN, "", 200, &a))
        TRIAL_EXPECT(t,
                     text_starts(a.head, "HTTP/1.0 200 ") || text_starts(a.head, "HTTP/1.1 200 "),
                     "the status line is malformed");
    pdir_free(&a);
}

void dir_date(struct trial *t)
{
    struct pdir_answer a;
    int64_t date, now = env_wall_s(t->run->env);
    if (pdir_expect(pcirc_fast(t), OWN, "", 200, &a)) {
        bool read = dirhttp_date(pdir_header(&a, "Date"), &date) == OK;
        TRIAL_EXPECT(t, read, "there is no header Date with a date as in RFC 1123");
        TRIAL_EXPECT(t, !read || llabs((long long)(date - now)) <= CLOCKS_APART_S,
                     "its clock is %lld s from ours", (long long)(read ? date - now : 0));
    }
    pdir_free(&a);
}

void dir_length(struct trial *t)
{
    struct pdir_answer a;
    uint64_t len;
    if (pdir_expect(pcirc_fast(t), KEYS, "", 200, &a)) {
        struct text said = pdir_header(&a, "Content-Length");
        TRIAL_EXPECT(
            t, !said.len || (text_to_u64(said, PDIR_ANSWER_MOST, &len) == OK && len == a.body.len),
            "Content-Length is %.*s, and %zu bytes came", TEXT_ARG(said), a.body.len);
    }
    pdir_free(&a);
}

void dir_type(struct trial *t)
{
    struct pdir_answer a;
    if (pdir_expect(pcirc_fast(t), OWN, "", 200, &a))
        TRIAL_EXPECT(t, text_starts(pdir_header(&a, "Content-Type"), "text/plain"),
                     "Content-Type is \"%.*s\"", TEXT_ARG(pdir_header(&a, "Content-Type")));
    pdir_free(&a);
}

/* dir-spec 6.1: "Servers MAY include"; then it is what NETINFO said of us. */
void dir_address(struct trial *t)
{
    struct probe_hello hello;
    struct pdir_answer a;
    struct ip ip;
    char said[IP_TEXT_MAX];
    struct probe *p = probe_hello(t, &hello);
    probe_send_netinfo(p);
    if (pdir_expect(pcirc_fast_on(p), OWN, "", 200, &a)) {
        struct text value = pdir_header(&a, "X-Your-Address-Is");
        snprintf(said, sizeof said, "%.*s", TEXT_ARG(value));
        TRIAL_EXPECT(t,
                     !value.len ||
                         (ip_parse(said, true, &ip) == OK && ip_equal(&ip, &hello.netinfo.other)),
                     "X-Your-Address-Is is %s, and NETINFO says something else", said);
    }
    pdir_free(&a);
}

void dir_vary(struct trial *t)
{
    struct pdir_answer a;
    if (pdir_expect(pcirc_fast(t), CONSENSUS, "", 200, &a))
        TRIAL_EXPECT(t, text_is_nocase(pdir_header(&a, "Vary"), "X-Or-Diff-From-Consensus"),
                     "Vary is \"%.*s\"", TEXT_ARG(pdir_header(&a, "Vary")));
    pdir_free(&a);
}

void dir_end(struct trial *t)
{
    struct pdir_answer a;
    if (pdir_expect(pcirc_fast(t), OWN, "", 200, &a))
        TRIAL_EXPECT(t, a.end_reason == END_DONE, "END came with reason %u",
                     (unsigned)a.end_reason);
    pdir_free(&a);
}

/* ---- conditional requests ---- */

/* The present time, or the consensus's date, which may be later. */
static int64_t newest_s(struct trial *t, const struct pdir_answer *consensus)
{
    struct doc_item item;
    struct text word[2];
    int64_t from, now = env_wall_s(t->run->env);
    if (!pdir_item(t, consensus->body, "valid-after", &item) || !doc_args(&item, word, 2) ||
        doc_time(word[0], word[1], &from) != OK)
        return now;
    return now > from ? now : from + 1;
}

void dir_modified_not(struct trial *t)
{
    struct pdir_answer a, b = {.status = 0};
    char date[DIRHTTP_DATE_MAX], header[2 * DIRHTTP_DATE_MAX];
    struct pcirc *c = pcirc_fast(t);
    if (pdir_expect(c, CONSENSUS, "", 200, &a)) {
        snprintf(header, sizeof header, "If-Modified-Since: %s\r\n",
                 dirhttp_date_text(newest_s(t, &a), date));
        (void)pdir_expect(c, CONSENSUS, header, 304, &b);
    }
    pdir_free(&b);
    pdir_free(&a);
}

void dir_modified(struct trial *t)
{
    struct pdir_answer a;
    (void)pdir_expect(pcirc_fast(t), CONSENSUS,
                      "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n", 200, &a);
    pdir_free(&a);
}

void dir_modified_bad(struct trial *t)
{
    struct pdir_answer a;
    (void)pdir_expect(pcirc_fast(t), CONSENSUS, "If-Modified-Since: the day before\r\n", 200, &a);
    pdir_free(&a);
}

/* ---- requests ---- */

static void ask(struct pcirc *c, const char *request, struct pdir_answer *a)
{
    pdir_ask(c, request, strlen(request), a);
}

void dir_url_unknown(struct trial *t)
{
    struct pdir_answer a;
    (void)pdir_expect(pcirc_fast(t), "/tor/no-such-thing", "", 404, &a);
    pdir_free(&a);
}

void dir_malformed(struct trial *t)
{
    struct pdir_answer a;
    ask(pcirc_fast(t), "GET " OWN "\r\n\r\n", &a);
    TRIAL_EXPECT(t, a.status == 400, "a request without a version is answered with %d, not 400",
                 a.status);
    pdir_free(&a);
}

/* An error, or END alone; then the circuit serves on. */
static void expect_refusal(struct trial *t, const char *request, size_t len)
{
    struct pdir_answer a;
    struct pcirc *c = pcirc_fast(t);
    pdir_ask(c, request, len, &a);
    TRIAL_EXPECT(t, a.status >= 400 || !a.bytes.len, "it is answered with %d", a.status);
    pdir_free(&a);
    (void)pdir_expect(c, OWN, "", 200, &a);
    pdir_free(&a);
}

void dir_head_long(struct trial *t)
{
    enum { LONG = 60000 };
    static const char begin[] = "GET " OWN " HTTP/1.0\r\nX-Padding: ";
    char *request = malloc(LONG);
    if (request) {
        memset(request, 'x', LONG);
        memcpy(request, begin, sizeof begin - 1);
        expect_refusal(t, request, LONG);
    }
    free(request);
}

void dir_method_unknown(struct trial *t)
{
    static const char request[] = "BREW " OWN " HTTP/1.0\r\n\r\n";
    expect_refusal(t, request, sizeof request - 1);
}

void dir_post_unknown(struct trial *t)
{
    struct pdir_answer a;
    ask(pcirc_fast(t), "POST /tor/no-such-thing HTTP/1.0\r\nContent-Length: 8\r\n\r\nnonsense", &a);
    TRIAL_EXPECT(t, a.status >= 400, "it is answered with %d, and not refused", a.status);
    pdir_free(&a);
}

void dir_one_answer(struct trial *t)
{
    struct pdir_answer a, b = {.status = 0};
    struct pcirc *c = pcirc_fast(t);
    if (pdir_expect(c, OWN, "", 200, &a)) {
        ask(c, "GET " OWN " HTTP/1.0\r\n\r\nGET " OWN " HTTP/1.0\r\n\r\n", &b);
        TRIAL_EXPECT(t, b.status == 200, "the first request is answered with %d", b.status);
        TRIAL_EXPECT(t, text_equal(a.body, b.body), "more than the first answer came");
    }
    pdir_free(&b);
    pdir_free(&a);
}

void dir_in_pieces(struct trial *t)
{
    static const char request[] = "GET " OWN " HTTP/1.0\r\n\r\n";
    struct pdir_answer a = {.status = 0};
    struct pcirc *c = pcirc_fast(t);
    uint16_t stream = pcirc_begin_dir(c);
    for (size_t i = 0; i < sizeof request - 1; i++)
        pcirc_send(c, 1, RELAY_DATA, stream, request + i, 1);
    pdir_take(c, stream, &a);
    TRIAL_EXPECT(t, a.status == 200, "it is answered with %d", a.status);
    pdir_free(&a);
}
