/* How a directory server breaks the rules of documents: right answers made wrong. */
#include <stdlib.h>
#include <string.h>

#include "crypto/encode.h"
#include "crypto/hash.h"
#include "faults/faulty_dir.h"
#include "testnet/compress.h"

enum {
    ANSWER_MOST = 80 << 20,
    OVERSIZED = 33 << 20, /* more than CONSENSUS_TEXT_MAX */
    GARBAGE_LEN = 700,
    CHUNK_LEN = 512, /* of the body, in a chain of streams */
    BOMB_PART = 8 << 20,
    BOMB_PARTS = 128,
};

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

static void spoil(const struct dirserv_source *source, const struct dirserv_request *r,
                  struct dirserv_answer *a)
{
    struct faulty *faulty = source->misdeeds_arg;
    struct faults *f = &faulty->faults;
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

/* ---- other documents ---- */

/* Gives as many documents as were asked for, but others. */
#define OF_NOBODY                                                  \
    "onion-key\n"                                                  \
    "ntor-onion-key CQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n" \
    "p accept 1-65535\n"                                           \
    "id ed25519 2pgV6qdGqA0q5pWo2oHEjFSrUsGNs6sxdBKFVXvAHQA\n"

static void swap_microdescs(struct netdocs *docs, struct text asked_for, struct docw *body)
{
    size_t n = count(asked_for, "-") + 1;
    docw_free(body);
    for (size_t i = 0; n; i++) {
        struct sha256 digest;
        char name[BASE64_SIZE(32)];
        struct text t = netdocs_microdesc_at(docs, i, &digest);
        if (!t.len) { /* all that there are were asked for: gives one that is nobody's */
            docw_add(body, TEXT_LIT(OF_NOBODY));
            return;
        }
        base64_encode(digest.b, sizeof digest.b, false, name);
        if (memmem(asked_for.s, asked_for.len, name, strlen(name)))
            continue;
        docw_add(body, t);
        n--;
    }
}

static enum consdoc_flavor flavor_of(struct text url)
{
    return text_starts(url, FAULTY_MICRODESC) ? CONSDOC_MICRODESC : CONSDOC_NS;
}

/* A consensus that lies in place of the one that is kept, or of a diff to it. */
static void swap_consensus(struct netdocs *docs, enum consdoc_flavor flavor, enum netdocs_lie lie,
                           struct dirserv_answer *a)
{
    a->stored = (struct text){0};
    docw_free(&a->body);
    docw_add(&a->body, netdocs_consensus(docs, flavor, lie));
}

static void swap(const struct dirserv_source *source, const struct dirserv_request *r,
                 const struct faulty_answer *x, struct dirserv_answer *a)
{
    static const char micro[] = "/tor/micro/d/";
    struct text list = r->url;
    if (x->wrong_microdescs && text_starts(list, micro)) {
        list.s += strlen(micro);
        list.len -= strlen(micro);
        swap_microdescs(source->docs, list, &a->body);
        a->status = 200;
    }
    if (x->lie != NETDOCS_HONEST && a->status == 200 && text_starts(r->url, FAULTY_NS))
        swap_consensus(source->docs, flavor_of(r->url), x->lie, a);
}

/* ---- bodies ---- */

/* A gigabyte of zeros, as a chain of streams of a few bytes. */
static err_t make_bomb(enum dir_encoding enc, struct buf *out)
{
    void *zeros = calloc(1, BOMB_PART);
    struct buf part;
    buf_init(&part, ANSWER_MOST);
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

static err_t encode(const struct faulty_answer *x, enum dir_encoding enc, struct text body,
                    struct buf *out)
{
    if (x->bomb)
        return make_bomb(enc, out);
    if (x->chain)
        return make_chain(enc, body, out);
    TRY(compress_all(enc, body.s, body.len, out));
    out->len -= out->len / 3; /* cut */
    return OK;
}

/* The body, compressed wrongly: kept until the next one. */
static void compress_wrongly(struct faulty *f, const struct dirserv_request *r,
                             struct dirserv_answer *a)
{
    enum dir_encoding enc = dirserv_best_encoding(r->accepts & a->encodings, false);
    if (enc == ENC_IDENTITY || f->answer.cut)
        enc = ENC_DEFLATE;
    buf_free(&f->wrong_body);
    buf_init(&f->wrong_body, ANSWER_MOST);
    if (encode(&f->answer, enc, docw_text(&a->body), &f->wrong_body) != OK) {
        docw_fail(&a->body, ERR_NOMEM);
        return;
    }
    a->stored = (struct text){(const char *)buf_at(&f->wrong_body), f->wrong_body.len};
    a->stored_encoding = enc;
}

/* What it makes of the old one is the diff that it was. */
static void chain_diff(struct dirserv_answer *a)
{
    struct text line, rest = docw_text(&a->body), from;
    struct docw out = {0};
    uint8_t digest[SHA3_256_LEN];
    if (!text_starts(rest, "network-status-diff-version") || !text_line(&rest, &line) ||
        !text_line(&rest, &line) || !text_split(&line, ' ', &from) ||
        !text_split(&line, ' ', &from) || sha3_256(a->body.s, a->body.len, digest) != OK)
        return;
    docw_fmt(&out, "network-status-diff-version 1\nhash %.*s ", TEXT_ARG(from));
    docw_hex(&out, digest, sizeof digest);
    docw_add(&out, TEXT_LIT("\n2,$d\n1c\n"));
    for (rest = docw_text(&a->body); text_line(&rest, &line);)
        docw_fmt(&out, "%.*s\n", TEXT_ARG(line));
    docw_add(&out, TEXT_LIT(".\n"));
    docw_free(&a->body);
    a->body = out;
}

/* Spaces behind what was asked for, and no end of them. */
static void make_oversized(struct faulty *f, struct dirserv_answer *a)
{
    buf_free(&f->wrong_body);
    buf_init(&f->wrong_body, OVERSIZED);
    uint8_t *to = buf_room(&f->wrong_body, OVERSIZED);
    if (!to)
        return;
    memset(to, ' ', OVERSIZED);
    buf_commit(&f->wrong_body, OVERSIZED);
    a->stored = (struct text){(const char *)buf_at(&f->wrong_body), OVERSIZED};
    a->stored_encoding = ENC_IDENTITY;
}

void faulty_dir_found(struct dirserv *s, const struct dirserv_request *r, struct dirserv_answer *a)
{
    struct faulty *f = s->source->misdeeds_arg;
    const struct faulty_answer *x = &f->answer;
    bool recompress = x->bomb || x->chain || x->cut;
    swap(s->source, r, x, a);
    spoil(s->source, r, a);
    if (a->status == 200 && x->oversized)
        make_oversized(f, a);
    if (r->n_diff_from && fault_now(&f->faults, FAULT_DIR_DIFF_CHAIN))
        chain_diff(a);
    if (a->status != 200 || (!recompress && !x->bad_text))
        return;
    if (a->stored.len) /* compressed already: taken as it was before */
        swap_consensus(s->source->docs, flavor_of(r->url), NETDOCS_HONEST, a);
    if (x->bad_text)
        spoil_text(&a->body);
    if (recompress)
        compress_wrongly(f, r, a);
}

/* ---- bytes ---- */

static size_t head_len(const struct buf *out)
{
    const char *at = (const char *)buf_at(out);
    const char *end = out->len ? memmem(at, out->len, "\r\n\r\n", 4) : NULL;
    return end ? (size_t)(end - at) + 4 : out->len;
}

/* Ends the head with the empty line for which clients wait. */
static void put_garbage(struct dirserv *s)
{
    struct text end = TEXT_LIT("\r\n\r\n");
    buf_free(&s->out);
    uint8_t *to = buf_room(&s->out, GARBAGE_LEN);
    if (!to)
        return;
    env_random(s->source->env, to, GARBAGE_LEN);
    memcpy(to + GARBAGE_LEN - end.len, end.s, end.len);
    buf_commit(&s->out, GARBAGE_LEN);
}

static void double_it(struct buf *out)
{
    size_t len = out->len;
    uint8_t *to = buf_room(out, len);
    if (!to)
        return;
    memcpy(to, buf_at(out), len);
    buf_commit(out, len);
}

/* One byte of the body after the other, STEP_MS apart. */
struct drip {
    struct dirserv *s;
    struct timer timer;
    uint64_t step_ms;
};

static void drop(void *arg)
{
    struct drip *d = arg;
    d->s->held--;
    if (d->s->held)
        env_arm_ms(d->s->source->env, &d->timer, d->step_ms);
    d->s->on_output(d->s->arg);
}

static void drip_start(struct dirserv *s, size_t body_len, uint64_t step_ms)
{
    struct drip *d = s->memo || !body_len ? NULL : calloc(1, sizeof *d);
    if (!d)
        return;
    *d = (struct drip){.s = s, .step_ms = step_ms};
    timer_init(&d->timer, drop, d);
    s->memo = d;
    s->held = body_len;
    env_arm_ms(s->source->env, &d->timer, step_ms);
}

void faulty_drip_stop(struct dirserv *s)
{
    struct drip *d = s->memo;
    if (d)
        env_disarm(s->source->env, &d->timer);
    free(d);
    s->memo = NULL;
}

void faulty_dir_answer(struct dirserv *s, const struct dirserv_request *r)
{
    enum { EMPTY_LINE = 2 };
    struct faulty *f = s->source->misdeeds_arg;
    const struct faulty_answer *x = &f->answer;
    size_t head = head_len(&s->out), body = s->out.len - head;
    if (x->garbage)
        put_garbage(s);
    else if (x->truncated)
        s->out.len = head + body / 2;
    if (s->in.len > r->head.len + EMPTY_LINE && fault_now(&f->faults, FAULT_DIR_TWO_ANSWERS))
        double_it(&s->out);
    if (x->silent)
        s->held = s->out.len;
    else if (x->drip)
        drip_start(s, s->out.len - head, (uint64_t)f->faults.n[FAULT_DIR_DRIP] * MS_PER_SEC);
}
