/* Requests of directory clients: the little of HTTP/1.0 that they use (dir-spec 4, appendix B). */
#include "testnet/dirserv_int.h"

#include <string.h>

#include "crypto/encode.h"
#include "dir/dirhttp.h"

/* Text only: what is below a space, but for the ends of lines, belongs in no head. */
static bool is_clean(struct text t)
{
    for (size_t i = 0; i < t.len; i++) {
        unsigned char c = (unsigned char)t.s[i];
        if ((c < ' ' && c != '\r' && c != '\n' && c != '\t') || c >= 127)
            return false;
    }
    return true;
}

/* "http://host/tor/..." of those who take us for a proxy. */
static void skip_host(struct text *url)
{
    struct text prefix = TEXT_LIT("http://"), host;
    if (!text_starts(*url, prefix.s))
        return;
    url->s += prefix.len;
    url->len -= prefix.len;
    text_split(url, '/', &host);
    if (url->len) { /* the slash belongs to the path */
        url->s--;
        url->len++;
    }
}

static bool take_url(struct text url, struct dirserv_request *out)
{
    skip_host(&url);
    out->accepts = 1u << ENC_IDENTITY;
    if (!text_starts(url, "/tor/"))
        return false;
    if (url.len > 2 && memcmp(url.s + url.len - 2, ".z", 2) == 0) {
        url.len -= 2;
        out->z = true;
    }
    out->url = url;
    return true;
}

static void take_encodings(struct text value, struct dirserv_request *out)
{
    struct text name, what;
    out->names_encodings = true;
    while (text_split(&value, ',', &name)) {
        if (!text_split(&name, ';', &what)) /* "gzip;q=1" */
            continue;
        what = text_strip(what);
        enum dir_encoding e = dir_encoding_of(what);
        /* Our answer would call it "x-zstd", which who says "zstd" need not know. */
        if (e != ENC_UNKNOWN && !text_is_nocase(what, "zstd"))
            out->accepts |= 1u << e;
    }
}

/* dir-spec 4.5.2: "HASH1, HASH2, ..."; C tor's own server wants spaces. */
static void take_diffs(struct text value, struct dirserv_request *out)
{
    struct text word;
    while (out->n_diff_from < DIRSERV_DIFFS_MOST && text_token(&value, &word)) {
        if (word.len && word.s[word.len - 1] == ',')
            word.len--;
        if (hex_decode_exact(word, out->diff_from[out->n_diff_from], 32) == OK)
            out->n_diff_from++;
    }
}

static void take_header(struct text line, struct dirserv_request *out)
{
    struct text value = line, name;
    if (!text_split(&value, ':', &name))
        return;
    value = text_strip(value);
    if (text_is_nocase(name, "Accept-Encoding"))
        take_encodings(value, out);
    else if (text_is_nocase(name, "X-Or-Diff-From-Consensus"))
        take_diffs(value, out);
    else if (text_is_nocase(name, "If-Modified-Since") &&
             dirhttp_date(value, &out->if_modified_since_s) != OK)
        out->if_modified_since_s = 0; /* as if there were none */
}

static int refuse(int status, const char *text, const char **reason)
{
    *reason = text;
    return status;
}

int dirserv_parse(struct text head, struct dirserv_request *out, const char **reason)
{
    struct text line, method, url, version;
    *out = (struct dirserv_request){.head = head};
    if (!is_clean(head) || !text_line(&head, &line) || !text_token(&line, &method) ||
        !text_token(&line, &url) || !text_token(&line, &version) ||
        !text_starts(version, "HTTP/1.") || text_strip(line).len)
        return refuse(400, "Bad request", reason);
    /* dir-spec 6.2: 400: "the client tried to post to a non-authority". */
    if (text_is(method, "POST"))
        return refuse(400, "Descriptors are not taken", reason);
    if (text_is(method, "HEAD"))
        return refuse(405, "Method not allowed", reason);
    if (!text_is(method, "GET"))
        return refuse(501, "Not implemented", reason);
    if (!take_url(url, out))
        return refuse(404, "Not found", reason);
    while (text_line(&head, &line))
        take_header(line, out);
    /* dir-spec B: Accept-Encoding "should override the presence or absence of the ".z"". */
    if (out->z && !out->names_encodings)
        out->accepts |= 1u << ENC_DEFLATE;
    return 0;
}
