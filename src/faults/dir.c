/* How a directory server breaks the rules of requests: right ones misread, wrong ones taken; and
 * the places where its misdeeds step in (list_dir.h). */
#include <string.h>

#include "dir/dirhttp.h"
#include "faults/faulty_dir.h"

enum { FOUND = 302, BAD_REQUEST = 400, NOT_FOUND = 404, NOT_IMPLEMENTED = 501, BUSY = 503 };

enum { YEARS_OFF_S = 10 * 365 * 24 * 3600 };

/* ---- what is in a head ---- */

static bool has_header(struct text head, bool (*is)(struct text name, struct text value))
{
    struct text line, name;
    (void)text_line(&head, &line);
    while (text_line(&head, &line))
        if (text_split(&line, ':', &name) && is(name, line))
            return true;
    return false;
}

static bool is_lower_case(struct text name, struct text value)
{
    (void)value;
    return name.len && name.s[0] >= 'a' && name.s[0] <= 'z';
}

static bool is_a_condition(struct text name, struct text value)
{
    (void)value;
    return text_is_nocase(name, "If-Modified-Since");
}

static bool is_conditional(struct text head)
{
    return has_header(head, is_a_condition);
}

static bool wants_unknown_encoding(struct text name, struct text value)
{
    struct text one, what;
    if (!text_is_nocase(name, "Accept-Encoding"))
        return false;
    while (text_split(&value, ',', &one))
        if (text_split(&one, ';', &what) && dir_encoding_of(text_strip(what)) == ENC_UNKNOWN)
            return true;
    return false;
}

/* ---- misunderstandings ---- */

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
    size_t prefix = strlen(FAULTY_MICRODESC);
    if (!text_starts(r->url, FAULTY_MICRODESC "/"))
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
    if (has_header(r->head, is_lower_case) && fault_now(f, FAULT_DIR_HEADER_CASE))
        r->accepts = 1u << ENC_IDENTITY;
    if (r->z && r->names_encodings && fault_now(f, FAULT_DIR_Z_ALWAYS))
        r->accepts |= 1u << ENC_DEFLATE;
    if (!(r->accepts & 1u << ENC_DEFLATE) && fault_now(f, FAULT_DIR_UNASKED))
        r->accepts = 1u << ENC_IDENTITY | 1u << ENC_DEFLATE;
}

static void misread_date(struct faults *f, struct dirserv_request *r)
{
    if (!is_conditional(r->head))
        return;
    if (fault_now(f, FAULT_DIR_NEVER_304))
        r->if_modified_since_s = 0;
    if (fault_now(f, FAULT_DIR_ALWAYS_304))
        r->if_modified_since_s = INT64_MAX;
}

static void misread(struct faults *f, struct dirserv_request *r)
{
    misread_signers(f, r);
    misread_encodings(f, r);
    misread_date(f, r);
    misread_diffs(f, r);
    if (text_starts(r->url, FAULTY_NS) && fault_now(f, FAULT_DIR_FLAVOR_OTHER))
        r->url = text_starts(r->url, FAULTY_MICRODESC) ? TEXT_LIT(FAULTY_NS)
                                                       : TEXT_LIT(FAULTY_MICRODESC);
    if (text_starts(r->url, "/tor/server/") && fault_now(f, FAULT_DIR_SERVER_ONE))
        cut_at(&r->url, '+');
    if (text_starts(r->url, "/tor/keys/") && fault_now(f, FAULT_DIR_KEYS_ONE))
        cut_at(&r->url, '+');
    if (text_starts(r->url, "/tor/micro/") && fault_now(f, FAULT_DIR_MICRO_ONE))
        cut_at(&r->url, '-');
}

/* A status to refuse it with, or what it was refused with (0: not at all). */
static int misjudge(struct faults *f, int status, struct dirserv_request *r)
{
    if (!status)
        return (has_header(r->head, wants_unknown_encoding) &&
                fault_now(f, FAULT_DIR_UNKNOWN_ENCODING)) ||
                       (is_conditional(r->head) && !r->if_modified_since_s &&
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

/* ---- the places where it steps in ---- */

static struct faulty *faulty_of(const struct dirserv *s)
{
    return s->source->misdeeds_arg;
}

static void on_piece(struct dirserv *s)
{
    struct faults *f = &faulty_of(s)->faults;
    if (fault_now(f, FAULT_DIR_ONE_PIECE))
        dirserv_refuse(s, "In one piece, please");
    else if (!buf_space(&s->in) && fault_now(f, FAULT_DIR_NO_LIMIT))
        buf_drain(&s->in, s->in.len);
}

static enum netdocs_lie choose_lie(struct faults *f)
{
    static const struct {
        enum fault fault;
        enum netdocs_lie lie;
    } lies[] = {
        {FAULT_DIR_UNSIGNED, NETDOCS_ONE_SIGNATURE},
        {FAULT_DIR_BAD_DIGEST_ALG, NETDOCS_UNKNOWN_DIGEST},
        {FAULT_DIR_FORGED, NETDOCS_FORGED},
        {FAULT_DIR_OLD, NETDOCS_EXPIRED},
        {FAULT_DIR_FUTURE, NETDOCS_FUTURE},
        {FAULT_DIR_EVIL_ADDRESS, NETDOCS_EVIL_ADDRESS},
        {FAULT_DIR_STRANGERS, NETDOCS_STRANGERS},
    };
    enum netdocs_lie lie = NETDOCS_HONEST;
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++)
        if (fault_now(f, lies[i].fault))
            lie = lies[i].lie;
    return lie;
}

/* Each fault is asked for once a request: that is what it counts. */
static struct faulty_answer choose(struct faults *f)
{
    return (struct faulty_answer){
        .lie = choose_lie(f),
        .wrong_microdescs = fault_now(f, FAULT_DIR_WRONG_MICRODESC),
        .silent = fault_now(f, FAULT_DIR_SILENT),
        .garbage = fault_now(f, FAULT_DIR_GARBAGE),
        .bad_text = fault_now(f, FAULT_DIR_BAD_UTF8),
        .truncated = fault_now(f, FAULT_DIR_TRUNCATED),
        .bomb = fault_now(f, FAULT_DIR_BOMB),
        .chain = fault_now(f, FAULT_DIR_CONCATENATED),
        .cut = fault_now(f, FAULT_DIR_ZLIB_CUT),
        .drip = fault_now(f, FAULT_DIR_DRIP),
        .oversized = fault_now(f, FAULT_DIR_OVERSIZED),
    };
}

static void on_request(struct dirserv *s, int *status, const char **reason,
                       struct dirserv_request *r)
{
    struct faulty *f = faulty_of(s);
    int judged = misjudge(&f->faults, *status, r);
    f->answer = (struct faulty_answer){.lie = NETDOCS_HONEST};
    if (judged && judged != *status)
        *reason = "Bad request";
    *status = judged;
    if (judged)
        return;
    f->answer = choose(&f->faults);
    if (fault_now(&f->faults, FAULT_DIR_404)) {
        *status = NOT_FOUND;
        *reason = "Not found";
    }
    if (fault_now(&f->faults, FAULT_DIR_503)) {
        *status = BUSY;
        *reason = "Directory busy, try again later";
    }
    if (fault_now(&f->faults, FAULT_DIR_REDIRECT)) {
        *status = FOUND;
        *reason = "Found\r\nLocation: /tor/status-vote/current/consensus-microdesc";
    }
    misread(&f->faults, r);
    if (f->answer.lie != NETDOCS_HONEST)
        r->if_modified_since_s = 0; /* there is always a lie to be told */
}

static void on_words(struct dirserv *s, struct dirserv_words *w)
{
    struct faults *f = &faulty_of(s)->faults;
    if (fault_now(f, FAULT_DIR_YEARS_OFF))
        w->date =
            dirhttp_date_text(env_wall_s(s->source->env) + YEARS_OFF_S, faulty_of(s)->wrong_date);
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

static void on_over(struct dirserv *s)
{
    faulty_drip_stop(s);
}

const struct dirserv_misdeeds faulty_dir = {
    .piece = on_piece,
    .request = on_request,
    .found = faulty_dir_found,
    .words = on_words,
    .answer = faulty_dir_answer,
    .over = on_over,
};
