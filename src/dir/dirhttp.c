#include "dir/dirhttp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dir/doc.h"

struct dirhttp {
    size_t body_cap;
    bool anonymous;
    bool in_body, raw;
    err_t dead; /* latched */
    size_t received, body_received;
    size_t scanned; /* of the head: no blank line ends before here */
    struct buf head, body, plain;
    int status;
    char reason[64];
    int64_t date_s;
    enum dir_encoding encoding;
    bool has_length;
    uint64_t length;
};

static bool is_url(const char *path)
{
    if (path[0] != '/')
        return false;
    for (const char *c = path; *c; c++)
        if (*c <= ' ' || *c > '~')
            return false;
    return strlen(path) <= DIRHTTP_URL_MAX;
}

/* In C tor's order. */
static int write_head(const char *path, const struct dirhttp_options *o,
                      char out[DIRHTTP_REQUEST_MAX])
{
    char since[DIRHTTP_DATE_MAX + 24] = "", date[DIRHTTP_DATE_MAX];
    const char *accept = o->accept ? o->accept : DIRHTTP_ACCEPT;
    const char *from = o->diff_from ? o->diff_from : "";
    if (o->anonymous)
        return snprintf(out, DIRHTTP_REQUEST_MAX, "GET %s HTTP/1.0\r\nHost: %s\r\n\r\n", path,
                        o->host);
    if (o->if_modified_since_s)
        (void)snprintf(since, sizeof since, "If-Modified-Since: %s\r\n",
                       dirhttp_date_text(o->if_modified_since_s, date));
    return snprintf(out, DIRHTTP_REQUEST_MAX,
                    "GET %s HTTP/1.0\r\nHost: %s\r\n%sAccept-Encoding: %s\r\n%s%s%s\r\n", path,
                    o->host, since, accept, *from ? "X-Or-Diff-From-Consensus: " : "", from,
                    *from ? "\r\n" : "");
}

err_t dirhttp_get(const char *path, const struct dirhttp_options *o, char out[DIRHTTP_REQUEST_MAX],
                  size_t *len)
{
    if (!is_url(path) || !o->host || strpbrk(o->host, " \r\n") ||
        (o->accept && strpbrk(o->accept, "\r\n")) ||
        (o->diff_from && strpbrk(o->diff_from, "\r\n")))
        return ERR_ARG;
    int n = write_head(path, o, out);
    if (n < 0 || n >= DIRHTTP_REQUEST_MAX)
        return ERR_FULL;
    *len = (size_t)n;
    return OK;
}

err_t dirhttp_new(size_t body_cap, bool anonymous, struct dirhttp **out)
{
    struct dirhttp *h = calloc(1, sizeof *h);
    *out = h;
    if (!h)
        return ERR_NOMEM;
    h->body_cap = body_cap;
    h->anonymous = anonymous;
    h->encoding = ENC_IDENTITY;
    buf_init(&h->head, DIRHTTP_HEAD_MAX);
    buf_init(&h->body, body_cap);
    /* Room for one step too many, so that the limit is seen as what it is. */
    buf_init(&h->plain, body_cap + 65536);
    return OK;
}

void dirhttp_free(struct dirhttp **http)
{
    struct dirhttp *h = *http;
    *http = NULL;
    if (!h)
        return;
    buf_free(&h->head);
    buf_free(&h->body);
    buf_free(&h->plain);
    free(h);
}

static const char *const month_names[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
static const char *const day_names[] = {"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"};

err_t dirhttp_date(struct text t, int64_t *out)
{
    struct text w[6];
    char iso[11];
    unsigned month = 0;
    uint64_t day, year;
    for (size_t i = 0; i < 6; i++)
        if (!text_token(&t, &w[i]))
            return ERR_MALFORMED;
    while (month < 12 && !text_is(w[2], month_names[month]))
        month++;
    if (month == 12 || w[0].len != 4 || !text_is(w[5], "GMT") || t.len)
        return ERR_MALFORMED;
    TRY(text_to_u64(w[1], 31, &day));
    TRY(text_to_u64(w[3], 9999, &year));
    (void)snprintf(iso, sizeof iso, "%04u-%02u-%02u", (unsigned)year % 10000, month + 1,
                   (unsigned)day % 100);
    return doc_time(text_of(iso), w[4], out);
}

const char *dirhttp_date_text(int64_t t, char out[DIRHTTP_DATE_MAX])
{
    char iso[DOC_TIME_TEXT_MAX];
    uint64_t month;
    doc_time_text(t, iso);
    if (text_to_u64((struct text){iso + 5, 2}, 12, &month) != OK)
        month = 1;
    (void)snprintf(out, DIRHTTP_DATE_MAX, "%s, %.2s %s %.4s %.8s GMT",
                   day_names[(t < 0 ? 0 : t) / 86400 % 7], iso + 8, month_names[month - 1], iso,
                   iso + 11);
    return out;
}

/* ---- the head ---- */

err_t dirhttp_take_status(struct dirhttp *h, int status, struct text reason)
{
    size_t n = 0;
    if (status < 100 || status > 999)
        return ERR_MALFORMED;
    h->status = status;
    for (size_t i = 0; i < reason.len && n + 1 < sizeof h->reason; i++)
        h->reason[n++] = reason.s[i] >= ' ' && reason.s[i] <= '~' ? reason.s[i] : '?';
    h->reason[n] = 0;
    return OK;
}

err_t dirhttp_take_header(struct dirhttp *h, struct text name, struct text value)
{
    if (text_is_nocase(name, "Content-Encoding"))
        h->encoding = dir_encoding_of(value);
    if (text_is_nocase(name, "Date") && dirhttp_date(value, &h->date_s) != OK)
        h->date_s = 0;
    if (text_is_nocase(name, "Content-Length")) {
        /* Two lengths that differ are two readings of one answer. */
        uint64_t length;
        TRY(text_to_u64(value, UINT64_MAX / 2, &length));
        if (h->has_length && length != h->length)
            return ERR_MALFORMED;
        h->has_length = true;
        h->length = length;
    }
    return OK;
}

err_t dirhttp_begin_body(struct dirhttp *h)
{
    if (h->has_length && h->length > h->body_cap)
        return ERR_LIMIT;
    h->in_body = true;
    return OK;
}

/* "HTTP/1.0 200 OK" */
static err_t parse_status(struct dirhttp *h, struct text line)
{
    struct text version, code;
    uint64_t status;
    if (!text_token(&line, &version) || !text_starts(version, "HTTP/1.") || version.len != 8)
        return ERR_MALFORMED;
    if (!text_token(&line, &code) || code.len != 3)
        return ERR_MALFORMED;
    TRY(text_to_u64(code, 999, &status));
    return dirhttp_take_status(h, (int)status, text_strip(line));
}

static err_t parse_header(struct dirhttp *h, struct text line)
{
    struct text name;
    if (!memchr(line.s, ':', line.len) || !text_split(&line, ':', &name) || !name.len)
        return ERR_MALFORMED;
    return dirhttp_take_header(h, name, text_strip(line));
}

static err_t parse_head(struct dirhttp *h, size_t len)
{
    struct text rest = {(const char *)buf_at(&h->head), len}, line;
    if (memchr(rest.s, 0, rest.len) || !text_line(&rest, &line))
        return ERR_MALFORMED;
    TRY(parse_status(h, line));
    while (text_line(&rest, &line))
        if (line.len)
            TRY(parse_header(h, line));
    return dirhttp_begin_body(h);
}

/* ---- the body ---- */

static err_t add_body(struct dirhttp *h, const uint8_t *bytes, size_t len)
{
    if (h->has_length && len > h->length - h->body.len)
        len = (size_t)h->length - h->body.len;
    if (len > buf_space(&h->body))
        return ERR_LIMIT;
    h->body_received += len;
    return buf_add(&h->body, bytes, len);
}

/* The length of the head with its blank line, or 0. Looks at every byte about once. */
static size_t head_end(struct dirhttp *h)
{
    const uint8_t *b = buf_at(&h->head);
    for (size_t i = h->scanned; i < h->head.len; i++) {
        if (b[i] != '\n')
            continue;
        if ((i >= 1 && b[i - 1] == '\n') || (i >= 3 && memcmp(b + i - 3, "\r\n\r", 3) == 0))
            return i + 1;
    }
    h->scanned = h->head.len;
    return 0;
}

static err_t add_head(struct dirhttp *h, const uint8_t *bytes, size_t len)
{
    size_t take = len < buf_space(&h->head) ? len : buf_space(&h->head);
    size_t before = h->head.len;
    TRY(buf_add(&h->head, bytes, take));
    size_t end = head_end(h);
    if (!end)
        return buf_space(&h->head) ? OK : ERR_LIMIT;
    TRY(parse_head(h, end));
    size_t used = end - before;
    buf_free(&h->head);
    return add_body(h, bytes + used, len - used);
}

err_t dirhttp_feed(struct dirhttp *h, const void *bytes, size_t len)
{
    if (h->dead != OK || !len)
        return h->dead;
    h->received += len;
    h->dead = h->in_body ? add_body(h, bytes, len) : add_head(h, bytes, len);
    return h->dead;
}

bool dirhttp_complete(const struct dirhttp *h)
{
    return h->dead == OK && h->in_body && h->has_length && h->body.len == h->length;
}

bool dirhttp_in_body(const struct dirhttp *h)
{
    return h->body.len > 0;
}

size_t dirhttp_received(const struct dirhttp *h)
{
    return h->received;
}

size_t dirhttp_body_received(const struct dirhttp *h)
{
    return h->body_received;
}

size_t dirhttp_body_length(const struct dirhttp *h)
{
    return h->has_length ? (size_t)h->length : 0;
}

void dirhttp_keep_raw(struct dirhttp *h)
{
    h->raw = true;
}

/* Anonymous answers in unusual encodings would tell apart who takes them. */
static bool encoding_allowed(const struct dirhttp *h, enum dir_encoding enc)
{
    return enc < ENC_UNKNOWN && !(h->anonymous && (enc == ENC_LZMA || enc == ENC_ZSTD));
}

static err_t unpack(struct dirhttp *h, struct text *body)
{
    enum dir_encoding looks = dir_encoding_guess(buf_at(&h->body), h->body.len);
    if (!encoding_allowed(h, h->encoding))
        return ERR_UNSUPPORTED;
    if (h->encoding == ENC_IDENTITY && !encoding_allowed(h, looks))
        return ERR_UNSUPPORTED;
    *body = (struct text){(const char *)buf_at(&h->body), h->body.len};
    if (!h->body.len || h->raw || (h->encoding == ENC_IDENTITY && looks == ENC_IDENTITY))
        return OK;
    err_t err = decompress_all(h->encoding, encoding_allowed(h, looks), buf_at(&h->body),
                               h->body.len, h->body_cap, &h->plain);
    buf_free(&h->body);
    *body = (struct text){(const char *)buf_at(&h->plain), h->plain.len};
    return err;
}

err_t dirhttp_end(struct dirhttp *h, struct dirhttp_reply *reply)
{
    *reply = (struct dirhttp_reply){.status = h->status, .date_s = h->date_s};
    reply->encoding = h->encoding;
    memcpy(reply->reason, h->reason, sizeof reply->reason);
    reply->body = (struct text){"", 0};
    if (h->dead != OK)
        return h->dead;
    h->dead = ERR_STATE; /* an answer is taken once */
    if (!h->in_body || (h->has_length && h->body.len < h->length))
        return ERR_TRUNCATED;
    return h->status == 200 && h->body.len ? unpack(h, &reply->body) : OK;
}
