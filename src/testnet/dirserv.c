#include "testnet/dirserv_int.h"

#include <stdlib.h>
#include <string.h>

#include "dir/dirhttp.h"
#include "testnet/compress.h"

enum {
    ANSWER_MAX = 80 << 20,
    GARBAGE_LEN = 700,
    CHUNK_LEN = 512, /* of the body, in a chain of streams */
    BOMB_PART = 8 << 20,
    BOMB_PARTS = 128,
};

struct dirserv {
    const struct dirserv_source *source;
    struct ip peer;
    void (*on_output)(void *arg);
    void *arg;
    struct buf in, out;
    bool answered, silent;
    struct timer drip;
    uint64_t drip_ms; /* 0: all at once */
    size_t at_once;   /* of what is in OUT, when it drips */
};

/* What is wrong with the answer at hand. */
struct spoilt {
    struct dirserv_spoil docs;
    bool silent, garbage, not_found, busy, bad_text, truncated, bomb, chain, cut;
};

static void drop(void *arg)
{
    struct dirserv *s = arg;
    s->at_once++;
    s->on_output(s->arg);
}

struct dirserv *dirserv_new(const struct dirserv_source *source, const struct ip *peer,
                            void (*on_output)(void *arg), void *arg)
{
    struct dirserv *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->source = source;
    s->peer = *peer;
    s->on_output = on_output;
    s->arg = arg;
    buf_init(&s->in, DIRSERV_REQUEST_MAX);
    buf_init(&s->out, ANSWER_MAX);
    timer_init(&s->drip, drop, s);
    return s;
}

void dirserv_free(struct dirserv *s)
{
    if (!s)
        return;
    env_disarm(s->source->env, &s->drip);
    buf_free(&s->in);
    buf_free(&s->out);
    free(s);
}

/* ---- faults ---- */

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
    };
    enum netdocs_lie lie = NETDOCS_HONEST;
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++)
        if (fault_now(f, lies[i].fault))
            lie = lies[i].lie;
    return lie;
}

/* Each fault is asked for once a request: that is what it counts. */
static struct spoilt choose_faults(struct faults *f)
{
    return (struct spoilt){
        .docs.lie = choose_lie(f),
        .docs.wrong_microdescs = fault_now(f, FAULT_DIR_WRONG_MICRODESC),
        .silent = fault_now(f, FAULT_DIR_SILENT),
        .garbage = fault_now(f, FAULT_DIR_GARBAGE),
        .not_found = fault_now(f, FAULT_DIR_404),
        .busy = fault_now(f, FAULT_DIR_503),
        .bad_text = fault_now(f, FAULT_DIR_BAD_UTF8),
        .truncated = fault_now(f, FAULT_DIR_TRUNCATED),
        .bomb = fault_now(f, FAULT_DIR_BOMB),
        .chain = fault_now(f, FAULT_DIR_CONCATENATED),
        .cut = fault_now(f, FAULT_DIR_ZLIB_CUT),
    };
}

/* With the empty line for which clients wait. */
static void send_garbage(struct dirserv *s)
{
    struct text end = TEXT_LIT("\r\n\r\n");
    uint8_t *to = buf_room(&s->out, GARBAGE_LEN);
    if (!to)
        return;
    env_random(s->source->env, to, GARBAGE_LEN);
    memcpy(to + GARBAGE_LEN - end.len, end.s, end.len);
    buf_commit(&s->out, GARBAGE_LEN);
}

/* A gigabyte of zeros, as a chain of streams of a few bytes. */
static err_t make_bomb(enum dir_encoding enc, struct buf *out)
{
    void *zeros = calloc(1, BOMB_PART);
    struct buf part;
    buf_init(&part, ANSWER_MAX);
    err_t err = zeros ? compress_all(enc, zeros, BOMB_PART, &part) : ERR_NOMEM;
    for (int i = 0; err == OK && i < BOMB_PARTS; i++)
        err = buf_add(out, buf_at(&part), part.len);
    buf_free(&part);
    free(zeros);
    return err;
}

static err_t make_chain(enum dir_encoding enc, struct text body, struct buf *out)
{
    for (size_t at = 0; at < body.len; at += CHUNK_LEN) {
        size_t len = body.len - at < CHUNK_LEN ? body.len - at : CHUNK_LEN;
        TRY(compress_all(enc, body.s + at, len, out));
    }
    return OK;
}

/* Bytes that are neither ASCII nor UTF-8, in the place of the first word behind a space. */
static void spoil_text(struct docw *body)
{
    char *space = body->len ? memchr(body->s, ' ', body->len) : NULL;
    for (char *c = space ? space + 1 : NULL; c && c<body->s + body->len && * c> ' '; c++)
        *c = (char)0xff;
}

/* ---- answers ---- */

static void write_short(struct dirserv *s, int status, const char *reason)
{
    struct docw head = {0};
    char date[DIRHTTP_DATE_MAX];
    docw_fmt(&head, "HTTP/1.0 %d %s\r\nDate: %s\r\n\r\n", status, reason,
             dirhttp_date_text(env_wall_s(s->source->env), date));
    struct text t = docw_text(&head);
    if (buf_add(&s->out, t.s, t.len) != OK)
        buf_free(&s->out); /* an answer that is none: the stream ends */
    docw_free(&head);
}

static void write_head(const struct dirserv *s, const struct dirserv_answer *a,
                       enum dir_encoding enc, size_t len, struct docw *w)
{
    char date[DIRHTTP_DATE_MAX], now_text[DIRHTTP_DATE_MAX], address[IP_TEXT_MAX];
    int64_t now = env_wall_s(s->source->env);
    struct dirserv_words x = {.version = "HTTP/1.0",
                              .date = dirhttp_date_text(now, now_text),
                              .type = a->type,
                              .address = ip_text(&s->peer, address),
                              .encoding = dir_encoding_name(enc),
                              .len = len,
                              .vary = a->vary};
    dirserv_misname(s->source, &x);
    docw_fmt(w, "%s 200 OK\r\nDate: %s\r\nContent-Type: %s\r\n", x.version, x.date, x.type);
    docw_fmt(w, "X-Your-Address-Is: %s\r\nContent-Encoding: %s\r\nContent-Length: %zu\r\n",
             x.address, x.encoding, x.len);
    if (a->modified_s)
        docw_fmt(w, "Last-Modified: %s\r\n", dirhttp_date_text(a->modified_s, date));
    if (a->lifetime_s)
        docw_fmt(w, "Expires: %s\r\n", dirhttp_date_text(now + a->lifetime_s, date));
    else
        docw_add(w, TEXT_LIT("Pragma: no-cache\r\n"));
    if (x.vary)
        docw_add(w, TEXT_LIT("Vary: X-Or-Diff-From-Consensus\r\n"));
    docw_add(w, TEXT_LIT("\r\n"));
}

static err_t write_whole(struct dirserv *s, const struct dirserv_answer *a, enum dir_encoding enc,
                         struct text body, bool truncated)
{
    struct docw head = {0};
    write_head(s, a, enc, body.len, &head);
    struct text t = docw_text(&head);
    err_t err = head.err;
    if (err == OK)
        err = buf_add(&s->out, t.s, t.len);
    s->at_once = s->out.len;
    if (err == OK)
        err = buf_add(&s->out, body.s, truncated ? body.len / 2 : body.len);
    docw_free(&head);
    return err;
}

/* What is to be encoded: a stored body that has to be spoilt is taken as it was before. */
static void unstore(struct dirserv_answer *a, const struct dirserv *s,
                    const struct dirserv_request *r)
{
    bool microdesc = text_starts(r->url, "/tor/status-vote/current/consensus-microdesc");
    a->stored = (struct text){0};
    docw_add(&a->body,
             netdocs_consensus(s->source->docs, microdesc ? CONSDOC_MICRODESC : CONSDOC_NS,
                               NETDOCS_HONEST));
}

static err_t encode(const struct spoilt *x, enum dir_encoding *enc, struct text body,
                    struct buf *out)
{
    if ((x->bomb || x->chain || x->cut) && *enc == ENC_IDENTITY)
        *enc = ENC_DEFLATE;
    if (x->bomb)
        return make_bomb(*enc, out);
    if (x->chain)
        return make_chain(*enc, body, out);
    if (x->cut)
        *enc = ENC_DEFLATE;
    TRY(compress_all(*enc, body.s, body.len, out));
    if (x->cut)
        out->len -= out->len / 3;
    return OK;
}

static err_t write_body(struct dirserv *s, const struct dirserv_request *r,
                        struct dirserv_answer *a, const struct spoilt *x)
{
    enum dir_encoding enc = a->stored_encoding;
    struct buf encoded;
    if (a->stored.len && (x->bad_text || x->bomb || x->chain || x->cut))
        unstore(a, s, r);
    if (a->stored.len)
        return write_whole(s, a, enc, a->stored, x->truncated);
    if (x->bad_text)
        spoil_text(&a->body);
    TRY(a->body.err);
    enc = dirserv_best_encoding(r->accepts & a->encodings, false);
    buf_init(&encoded, ANSWER_MAX);
    err_t err = encode(x, &enc, docw_text(&a->body), &encoded);
    struct text body = {(const char *)buf_at(&encoded), encoded.len};
    if (err == OK)
        err = write_whole(s, a, enc, body, x->truncated);
    buf_free(&encoded);
    return err;
}

static void answer(struct dirserv *s, struct dirserv_request *r)
{
    struct faults *f = s->source->faults;
    struct spoilt x = choose_faults(f);
    struct dirserv_answer a;
    if (fault_now(f, FAULT_DIR_DRIP))
        s->drip_ms = (uint64_t)f->n[FAULT_DIR_DRIP] * MS_PER_SEC;
    s->silent = x.silent;
    if (x.silent)
        return;
    if (x.garbage) {
        send_garbage(s);
        return;
    }
    if (x.not_found || x.busy) {
        write_short(s, x.busy ? 503 : 404,
                    x.busy ? "Directory busy, try again later" : "Not found");
        return;
    }
    dirserv_misread(s->source, r);
    dirserv_route(s->source, r, &x.docs, &a);
    dirserv_spoil(s->source, r, &a);
    if (a.status != 200) {
        write_short(s, a.status, a.reason);
    } else if (write_body(s, r, &a, &x) != OK) {
        buf_free(&s->out);
        write_short(s, 503, "Directory busy, try again later");
    }
    docw_free(&a.body);
}

/* The length of the head with its empty line, or 0: it is not all here. */
static size_t head_len(const struct buf *in)
{
    const uint8_t *bytes = buf_at(in);
    for (size_t i = 0; i + 1 < in->len; i++)
        if (bytes[i] == '\n' && (bytes[i + 1] == '\n' ||
                                 (bytes[i + 1] == '\r' && i + 2 < in->len && bytes[i + 2] == '\n')))
            return i + 1;
    return 0;
}

static void take_request(struct dirserv *s, size_t len)
{
    struct dirserv_request r;
    const char *reason;
    int status = dirserv_parse((struct text){(const char *)buf_at(&s->in), len}, &r, &reason);
    int judged = dirserv_misjudge(s->source, status, &r);
    bool more = s->in.len > len + 2; /* LEN is without the empty line */
    s->answered = true;
    if (judged)
        write_short(s, judged, judged == status ? reason : "Bad request");
    else
        answer(s, &r);
    if (more && fault_now(s->source->faults, FAULT_DIR_TWO_ANSWERS))
        answer(s, &r);
    if (!s->drip_ms)
        s->at_once = s->out.len;
    else if (s->out.len > s->at_once)
        env_arm_ms(s->source->env, &s->drip, s->drip_ms);
    buf_free(&s->in);
}

static void refuse(struct dirserv *s, const char *reason)
{
    s->answered = true;
    write_short(s, 400, reason);
    s->at_once = s->out.len;
}

void dirserv_feed(struct dirserv *s, const void *bytes, size_t len)
{
    if (s->answered)
        return;
    size_t take = len < buf_space(&s->in) ? len : buf_space(&s->in);
    err_t err = buf_add(&s->in, bytes, take);
    size_t head = head_len(&s->in);
    if (err == OK && head) {
        take_request(s, head);
    } else if (take && fault_now(s->source->faults, FAULT_DIR_ONE_PIECE)) {
        refuse(s, "In one piece, please");
    } else if (!buf_space(&s->in) && fault_now(s->source->faults, FAULT_DIR_NO_LIMIT)) {
        buf_drain(&s->in, s->in.len);
    } else if (err != OK || !buf_space(&s->in)) {
        refuse(s, "Request too large");
    }
}

const uint8_t *dirserv_out(struct dirserv *s, size_t *len)
{
    *len = s->drip_ms ? s->at_once : s->out.len;
    return *len ? buf_at(&s->out) : NULL;
}

void dirserv_sent(struct dirserv *s, size_t len)
{
    buf_drain(&s->out, len);
    s->at_once -= len;
    if (s->drip_ms && !s->at_once && s->out.len)
        env_arm_ms(s->source->env, &s->drip, s->drip_ms);
}

bool dirserv_done(const struct dirserv *s)
{
    return s->answered && !s->silent && !s->out.len;
}
