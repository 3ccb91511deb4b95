#include "testnet/dirserv_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dir/dirhttp.h"
#include "testnet/compress.h"

enum { ANSWER_MAX = 80 << 20 };

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
    return s;
}

void dirserv_free(struct dirserv *s)
{
    if (!s)
        return;
    if (s->source->misdeeds)
        s->source->misdeeds->over(s);
    buf_free(&s->in);
    buf_free(&s->out);
    free(s);
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

static void write_head(struct dirserv *s, const struct dirserv_answer *a, enum dir_encoding enc,
                       size_t len, struct docw *w)
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
    if (s->source->misdeeds)
        s->source->misdeeds->words(s, &x);
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
                         struct text body)
{
    struct docw head = {0};
    write_head(s, a, enc, body.len, &head);
    struct text t = docw_text(&head);
    err_t err = head.err;
    if (err == OK)
        err = buf_add(&s->out, t.s, t.len);
    if (err == OK)
        err = buf_add(&s->out, body.s, body.len);
    docw_free(&head);
    return err;
}

static err_t write_body(struct dirserv *s, const struct dirserv_request *r,
                        struct dirserv_answer *a)
{
    enum dir_encoding enc = dirserv_best_encoding(r->accepts & a->encodings, false);
    struct buf encoded;
    if (a->stored.len)
        return write_whole(s, a, a->stored_encoding, a->stored);
    TRY(a->body.err);
    struct text body = docw_text(&a->body);
    buf_init(&encoded, ANSWER_MAX);
    err_t err = compress_all(enc, body.s, body.len, &encoded);
    if (err == OK)
        err = write_whole(s, a, enc, (struct text){(const char *)buf_at(&encoded), encoded.len});
    buf_free(&encoded);
    return err;
}

static void answer(struct dirserv *s, const struct dirserv_request *r)
{
    struct dirserv_answer a;
    dirserv_route(s->source, r, &a);
    if (s->source->misdeeds)
        s->source->misdeeds->found(s, r, &a);
    if (a.status != 200) {
        write_short(s, a.status, a.reason);
    } else if (write_body(s, r, &a) != OK) {
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

enum { SHOWN_MAX = 800, URL_SHOWN_MAX = 60 };

/* The lines of a head in one, without the tail of a long URL. */
static void show_request(struct text head, char out[SHOWN_MAX])
{
    struct text line;
    size_t n = 0, most = URL_SHOWN_MAX;
    out[0] = 0;
    for (; n < SHOWN_MAX && text_line(&head, &line) && line.len; most = SHOWN_MAX) {
        int shown = (int)(line.len < most ? line.len : most);
        n += (size_t)snprintf(out + n, SHOWN_MAX - n, "%s%.*s%s", n ? "; " : "", shown, line.s,
                              line.len > most ? "..." : "");
    }
    for (char *c = out; *c; c++)
        if (*c < ' ' || *c > '~')
            *c = '?';
}

static void log_request(const struct dirserv *s, struct text head)
{
    char request[SHOWN_MAX], address[IP_TEXT_MAX];
    show_request(head, request);
    log_info(s->source->env->log, "%s: asked by %s in %zu bytes, answers %zu: %s", s->source->name,
             ip_text(&s->peer, address), head.len, s->out.len, request);
}

static void take_request(struct dirserv *s, size_t len)
{
    const struct dirserv_misdeeds *misdeeds = s->source->misdeeds;
    struct dirserv_request r;
    const char *reason;
    int status = dirserv_parse((struct text){(const char *)buf_at(&s->in), len}, &r, &reason);
    s->answered = true;
    log_debug(s->source->env->log, "a request of %zu bytes: %.*s", len, (int)r.url.len, r.url.s);
    if (misdeeds)
        misdeeds->request(s, &status, &reason, &r);
    if (status)
        write_short(s, status, reason);
    else
        answer(s, &r);
    if (misdeeds)
        misdeeds->answer(s, &r);
    log_request(s, (struct text){(const char *)buf_at(&s->in), len});
    buf_free(&s->in);
}

void dirserv_refuse(struct dirserv *s, const char *reason)
{
    s->answered = true;
    write_short(s, 400, reason);
}

void dirserv_feed(struct dirserv *s, const void *bytes, size_t len)
{
    if (s->answered)
        return;
    size_t take = len < buf_space(&s->in) ? len : buf_space(&s->in);
    err_t err = buf_add(&s->in, bytes, take);
    size_t head = head_len(&s->in);
    if (err == OK && head)
        take_request(s, head);
    else if (s->source->misdeeds)
        s->source->misdeeds->piece(s);
    if (!s->answered && (err != OK || !buf_space(&s->in)))
        dirserv_refuse(s, "Request too large");
}

const uint8_t *dirserv_out(struct dirserv *s, size_t *len)
{
    *len = s->out.len - s->held;
    return *len ? buf_at(&s->out) : NULL;
}

void dirserv_sent(struct dirserv *s, size_t len)
{
    buf_drain(&s->out, len);
}

bool dirserv_done(const struct dirserv *s)
{
    return s->answered && !s->out.len;
}
