/* How a directory server breaks the rules of documents: right answers made wrong. */
#include <string.h>

#include "testnet/dirserv_int.h"

/* A document in which one character is changed. */
static const struct edit {
    enum fault fault;
    const char *url;  /* how it begins */
    const char *line; /* the first one that begins so; then.. */
    size_t at;        /* ..so many characters behind that */
} edits[] = {
    {FAULT_DIR_DESC_FINGERPRINT, "/tor/server/authority", "fingerprint ", 0},
    {FAULT_DIR_DESC_SIG, "/tor/server/authority", "router-signature\n-----BEGIN SIGNATURE-----\n",
     20},
    {FAULT_DIR_DESC_ED_SIG, "/tor/server/authority", "router-sig-ed25519 ", 20},
    {FAULT_DIR_DESC_DATE, "/tor/server/authority", "published ", 3},
    {FAULT_DIR_DESC_NTOR, "/tor/server/authority", "ntor-onion-key ", 20},
    {FAULT_DIR_DIFF_WRONG, "/tor/status-vote/current/consensus", "valid-after ", 3},
    {FAULT_DIR_KEYS_DATE, "/tor/keys/all", "dir-key-expires ", 3},
    {FAULT_DIR_EXTRA_DATE, "/tor/extra/authority", "published ", 3},
};

/* Another one of the same kind. */
static char other(char c)
{
    if (c >= '0' && c <= '9')
        return c == '0' ? '1' : (char)(c - 1);
    return c == 'A' ? 'B' : 'A';
}

static void change(struct docw *body, const struct edit *e)
{
    size_t len = strlen(e->line);
    char *end = body->s + body->len, *at = body->len ? body->s : NULL;
    for (; at && at + len + e->at < end;
         at = memchr(at, '\n', (size_t)(end - at)), at += at != NULL)
        if (memcmp(at, e->line, len) == 0) {
            at[len + e->at] = other(at[len + e->at]);
            return;
        }
}

/* ---- misunderstandings ---- */

#define NS        "/tor/status-vote/current/consensus"
#define MICRODESC NS "-microdesc"

/* Whether the names in LIST are not in order, or one is not LEN characters (0: any) long. */
static bool is_unusual(struct text list, bool ordered, size_t len)
{
    struct text part, last = {"", 0};
    for (; text_split(&list, '+', &part); last = part) {
        size_t both = part.len < last.len ? part.len : last.len;
        if ((ordered && memcmp(part.s, last.s, both) < 0) || (len && part.len != len))
            return true;
    }
    return false;
}

static void misread_signers(struct faults *f, struct dirserv_request *r)
{
    enum { HEX_ID = 40 };
    struct text list = r->url, nothing = TEXT_LIT("/tor/none");
    size_t prefix = strlen(MICRODESC);
    if (!text_starts(r->url, MICRODESC "/"))
        return;
    list.s += prefix + 1;
    list.len -= prefix + 1;
    if (fault_now(f, FAULT_DIR_SIGNERS_ANY))
        r->url.len = prefix;
    if (fault_now(f, FAULT_DIR_SIGNERS_NONE))
        r->url = nothing;
    if (is_unusual(list, true, 0) && fault_now(f, FAULT_DIR_SIGNERS_ASCENDING))
        r->url = nothing;
    if (is_unusual(list, false, HEX_ID) && fault_now(f, FAULT_DIR_SIGNERS_WHOLE))
        r->url = nothing;
}

static void misread_diffs(struct faults *f, struct dirserv_request *r)
{
    const char *at = r->url.len ? memmem(r->url.s, r->url.len, "/diff/", strlen("/diff/")) : NULL;
    if (at && fault_now(f, FAULT_DIR_DIFF_WHOLE))
        r->url.len = (size_t)(at - r->url.s);
    if (r->n_diff_from && fault_now(f, FAULT_DIR_DIFF_NEWEST))
        r->n_diff_from = 0;
    if (r->n_diff_from > 1 && fault_now(f, FAULT_DIR_DIFF_LAST)) {
        memcpy(r->diff_from[0], r->diff_from[r->n_diff_from - 1], sizeof r->diff_from[0]);
        r->n_diff_from = 1;
    }
}

static void cut_at(struct text *t, char c)
{
    const char *at = t->len ? memchr(t->s, c, t->len) : NULL;
    if (at)
        t->len = (size_t)(at - t->s);
}

static void misread_encodings(struct faults *f, struct dirserv_request *r)
{
    if (f->n[FAULT_DIR_NOT_ENCODING])
        r->accepts &= ~(1u << f->n[FAULT_DIR_NOT_ENCODING]);
    if (r->z && !r->names_encodings && fault_now(f, FAULT_DIR_NO_Z))
        r->accepts = 1u << ENC_IDENTITY;
    if (r->lower_case && fault_now(f, FAULT_DIR_HEADER_CASE))
        r->accepts = 1u << ENC_IDENTITY;
    if (r->z && r->names_encodings && fault_now(f, FAULT_DIR_Z_ALWAYS))
        r->accepts |= 1u << ENC_DEFLATE;
    if (!(r->accepts & 1u << ENC_DEFLATE) && fault_now(f, FAULT_DIR_UNASKED))
        r->accepts = 1u << ENC_IDENTITY | 1u << ENC_DEFLATE;
}

static void misread_date(struct faults *f, struct dirserv_request *r)
{
    if (r->conditional && fault_now(f, FAULT_DIR_NEVER_304))
        r->if_modified_since_s = 0;
    if (r->conditional && fault_now(f, FAULT_DIR_ALWAYS_304))
        r->if_modified_since_s = INT64_MAX;
}

int dirserv_misjudge(const struct dirserv_source *source, int status, struct dirserv_request *r)
{
    enum { BAD_REQUEST = 400, NOT_IMPLEMENTED = 501 };
    struct faults *f = source->faults;
    if (!status)
        return (r->unknown_encoding && fault_now(f, FAULT_DIR_UNKNOWN_ENCODING)) ||
                       (r->conditional && !r->if_modified_since_s &&
                        fault_now(f, FAULT_DIR_DATE_STRICT))
                   ? BAD_REQUEST
                   : 0;
    if ((status == BAD_REQUEST &&
         (fault_now(f, FAULT_DIR_MALFORMED) || fault_now(f, FAULT_DIR_POST))) ||
        (status == NOT_IMPLEMENTED && fault_now(f, FAULT_DIR_ANY_METHOD))) {
        *r = (struct dirserv_request){.url = TEXT_LIT("/tor/server/authority"),
                                      .accepts = 1u << ENC_IDENTITY};
        return 0;
    }
    return status;
}

void dirserv_misname(const struct dirserv_source *source, struct dirserv_words *w)
{
    struct faults *f = source->faults;
    if (fault_now(f, FAULT_DIR_HTTP_9))
        w->version = "HTTP/0.9";
    if (fault_now(f, FAULT_DIR_NO_DATE))
        w->date = "today";
    if (fault_now(f, FAULT_DIR_HTML))
        w->type = "text/html";
    if (fault_now(f, FAULT_DIR_MISNAMED))
        w->encoding = dir_encoding_name(ENC_IDENTITY);
    if (fault_now(f, FAULT_DIR_ADDRESS))
        w->address = "192.0.2.1";
    w->len += fault_now(f, FAULT_DIR_LENGTH);
    w->vary = w->vary && !fault_now(f, FAULT_DIR_NO_VARY);
}

void dirserv_misread(const struct dirserv_source *source, struct dirserv_request *r)
{
    struct faults *f = source->faults;
    misread_signers(f, r);
    misread_encodings(f, r);
    misread_date(f, r);
    misread_diffs(f, r);
    if (text_starts(r->url, NS) && fault_now(f, FAULT_DIR_FLAVOR_OTHER))
        r->url = text_starts(r->url, MICRODESC) ? TEXT_LIT(NS) : TEXT_LIT(MICRODESC);
    if (text_starts(r->url, "/tor/server/") && fault_now(f, FAULT_DIR_SERVER_ONE))
        cut_at(&r->url, '+');
    if (text_starts(r->url, "/tor/keys/") && fault_now(f, FAULT_DIR_KEYS_ONE))
        cut_at(&r->url, '+');
    if (text_starts(r->url, "/tor/micro/") && fault_now(f, FAULT_DIR_MICRO_ONE))
        cut_at(&r->url, '-');
}

/* ---- wrong answers ---- */

static size_t count(struct text t, const char *what)
{
    size_t n = 0, len = strlen(what);
    for (const char *at; t.len && (at = memmem(t.s, t.len, what, len)); n++) {
        t.len -= (size_t)(at + len - t.s);
        t.s = at + len;
    }
    return n;
}

/* The first certificate that is not in the answer. */
static void swap_cert(const struct dirserv_source *source, struct docw *body)
{
    static const char first[] = "dir-key-certificate-version";
    struct text all = netdocs_key_certs(source->docs);
    while (all.len) {
        const char *next = memmem(all.s + 1, all.len - 1, first, strlen(first));
        struct text one = {all.s, next ? (size_t)(next - all.s) : all.len};
        if (one.len != body->len || memcmp(one.s, body->s, one.len) != 0) {
            docw_free(body);
            docw_add(body, one);
            return;
        }
        all.s += one.len;
        all.len -= one.len;
    }
}

/* Documents that are not to be had. */
static const struct denial {
    enum fault fault;
    const char *url;
} denials[] = {
    {FAULT_DIR_NO_SERVER_FP, "/tor/server/fp/"},
    {FAULT_DIR_NO_SERVER_DIGEST, "/tor/server/d/"},
};

static void deny(struct dirserv_answer *a)
{
    a->status = 404;
    a->reason = "Not found";
}

void dirserv_spoil(const struct dirserv_source *source, const struct dirserv_request *r,
                   struct dirserv_answer *a)
{
    struct faults *f = source->faults;
    for (size_t i = 0; i < sizeof denials / sizeof denials[0]; i++)
        if (text_starts(r->url, denials[i].url) && fault_now(f, denials[i].fault))
            deny(a);
    for (size_t i = 0; i < sizeof edits / sizeof edits[0]; i++)
        if (a->status == 200 && text_starts(r->url, edits[i].url) && fault_now(f, edits[i].fault))
            change(&a->body, &edits[i]);
    if (a->status == 200 && text_starts(r->url, "/tor/keys/") &&
        !text_is(r->url, "/tor/keys/all") && fault_now(f, FAULT_DIR_KEYS_OTHER))
        swap_cert(source, &a->body);
    if (text_starts(r->url, "/tor/micro/") &&
        count(docw_text(&a->body), "onion-key\n-----") != count(r->url, "-") + 1 &&
        fault_now(f, FAULT_DIR_MICRO_ALL))
        deny(a);
    if (r->n_diff_from && !text_starts(docw_text(&a->body), "network-status-diff") &&
        fault_now(f, FAULT_DIR_DIFF_OR_404))
        deny(a);
    if (fault_now(f, FAULT_DIR_CACHED))
        a->lifetime_s = (int64_t)24 * 3600;
    if (a->status == 404 && fault_now(f, FAULT_DIR_ANY_URL)) {
        a->status = 200;
        docw_add(&a->body, TEXT_LIT("Nothing that there would be\n"));
    }
    if (a->status == 404 && fault_now(f, FAULT_DIR_EMPTY_200))
        a->status = 200;
}
