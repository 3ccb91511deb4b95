#include "check/pdir.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cell/relay_flow.h"
#include "dir/decompress.h"

enum {
    REQUEST_MAX = 4096,
    CIRC_INCREMENT = 100,
    STREAM_INCREMENT = 50,
    MESSAGE = 498,
    REQUEST_TOLD = 200
};

void pdir_free(struct pdir_answer *a)
{
    buf_free(&a->bytes);
    *a = (struct pdir_answer){.status = 0};
}

/* ---- the answer taken apart ---- */

static size_t head_end(const char *s, size_t len)
{
    for (size_t i = 0; i + 4 <= len; i++)
        if (!memcmp(s + i, "\r\n\r\n", 4))
            return i + 4;
    return 0;
}

static void take_apart(struct pdir_answer *a)
{
    struct text all = {(const char *)buf_at(&a->bytes), a->bytes.len}, word;
    size_t end = all.len ? head_end(all.s, all.len) : 0;
    uint64_t status;
    if (!end)
        return;
    a->head = (struct text){all.s, end};
    a->body = (struct text){all.s + end, all.len - end};
    struct text rest = a->head;
    if (text_starts(rest, "HTTP/1.") && text_token(&rest, &word) && text_token(&rest, &word) &&
        text_to_u64(word, 999, &status) == OK)
        a->status = (int)status;
}

struct text pdir_header(const struct pdir_answer *a, const char *name)
{
    struct text rest = a->head, line, key;
    while (text_line(&rest, &line))
        if (text_split(&line, ':', &key) && text_is_nocase(key, name))
            return text_strip(line);
    return (struct text){"", 0};
}

bool pdir_decoded(struct trial *t, const struct pdir_answer *a, char **out, size_t *len)
{
    struct text name = pdir_header(a, "Content-Encoding");
    enum dir_encoding encoding = name.len ? dir_encoding_of(name) : ENC_IDENTITY;
    struct buf plain;
    *out = NULL;
    if (!trial_goes_on(t))
        return false;
    buf_init(&plain, PDIR_ANSWER_MOST);
    err_t e = encoding == ENC_UNKNOWN ? ERR_UNSUPPORTED
                                      : decompress_all(encoding, false, a->body.s, a->body.len,
                                                       PDIR_ANSWER_MOST, &plain);
    if (e == OK && (*out = malloc(plain.len + 1))) {
        memcpy(*out, buf_at(&plain), plain.len);
        (*out)[plain.len] = 0;
        *len = plain.len;
    } else {
        trial_fail(t, "the body cannot be decompressed (%.*s): %s", TEXT_ARG(name), err_text(e));
    }
    buf_free(&plain);
    return *out != NULL;
}

bool pdir_item(struct trial *t, struct text doc, const char *keyword, struct doc_item *out)
{
    struct doc_lines lines = doc_over(doc.s, doc.len);
    while (trial_goes_on(t) && doc_next(&lines, out))
        if (doc_is(out, keyword))
            return true;
    if (lines.err != OK)
        trial_fail(t, "the document is malformed");
    else
        trial_fail(t, "the document has no line \"%s\"", keyword);
    return false;
}

/* ---- asking ---- */

static void send_sendme(struct pcirc *c)
{
    struct relay_sendme m = {.version = 1, .tag_len = SENDME_TAG_V0, .tag = c->got_tag};
    uint8_t body[RELAY_DATA_MAX];
    struct wr w = wr_over(body, sizeof body);
    if (relay_sendme_encode(&w, &m) == OK)
        pcirc_send(c, c->onion.n, RELAY_SENDME, 0, body, w.len);
}

/* It is told as one, not message by message. */
static void tell_answer(struct trial *t, const struct trial_mark *before,
                        const struct pdir_answer *a)
{
    struct text rest = a->head, line;
    if (!trial_goes_on(t))
        return;
    trial_back_to(t, before);
    if (text_line(&rest, &line))
        trial_saw(t, "\"%.*s\" and %zu bytes", TEXT_ARG(line), a->body.len);
    else
        trial_saw(t, "%zu bytes that are no answer", a->bytes.len);
}

void pdir_take(struct pcirc *c, uint16_t stream, struct pdir_answer *out)
{
    struct pmsg m = {.cmd = 0};
    struct trial_mark told;
    buf_init(&out->bytes, PDIR_ANSWER_MOST);
    if (!c || !trial_goes_on(c->p->t))
        return;
    trial_awaits(c->p->t, "an answer, and END");
    trial_set_mark(c->p->t, &told);
    while (pcirc_next(c, &m) && !(m.cmd == RELAY_END && m.stream_id == stream)) {
        if (m.cmd == RELAY_SENDME) /* for a long request */
            continue;
        if (m.cmd != RELAY_DATA || m.stream_id != stream) {
            trial_fail(c->p->t, "a message came that is no part of the answer");
            break;
        }
        if (buf_add(&out->bytes, m.data, m.len) != OK)
            trial_fail(c->p->t, "the answer is too long");
        out->cells++;
        if (++c->got_data % CIRC_INCREMENT == 0)
            send_sendme(c);
        if (out->cells % STREAM_INCREMENT == 0)
            pcirc_send(c, c->onion.n, RELAY_SENDME, stream, NULL, 0);
    }
    out->end_reason = m.cmd == RELAY_END && m.len ? m.data[0] : 0;
    take_apart(out);
    tell_answer(c->p->t, &told, out);
}

/* Its first line and how many there are. */
static void tell_request(struct trial *t, const void *request, size_t len)
{
    struct text rest = {request, len}, line = rest;
    (void)text_line(&rest, &line);
    if (line.len > REQUEST_TOLD)
        line.len = REQUEST_TOLD;
    trial_sent(t, "\"%.*s\" (%zu bytes)", TEXT_ARG(line), len);
}

void pdir_ask(struct pcirc *c, const void *request, size_t len, struct pdir_answer *out)
{
    const uint8_t *at = request;
    *out = (struct pdir_answer){.status = 0};
    uint16_t stream = pcirc_begin_dir(c);
    struct trial_mark told;
    if (!c || !trial_goes_on(c->p->t))
        return;
    trial_set_mark(c->p->t, &told);
    for (size_t sent = 0; sent < len; sent += MESSAGE)
        pcirc_send(c, c->onion.n, RELAY_DATA, stream, at + sent,
                   len - sent < MESSAGE ? len - sent : MESSAGE);
    trial_back_to(c->p->t, &told);
    tell_request(c->p->t, request, len);
    pdir_take(c, stream, out);
}

void pdir_get(struct pcirc *c, const char *path, const char *headers, struct pdir_answer *out)
{
    char request[REQUEST_MAX];
    int n = snprintf(request, sizeof request, "GET %s HTTP/1.0\r\n%s\r\n", path, headers);
    pdir_ask(c, request, n > 0 && (size_t)n < sizeof request ? (size_t)n : 0, out);
}

bool pdir_expect(struct pcirc *c, const char *path, const char *headers, int status,
                 struct pdir_answer *out)
{
    pdir_get(c, path, headers, out);
    if (!c || !trial_goes_on(c->p->t))
        return false;
    trial_awaits(c->p->t, "an answer of status %d", status);
    TRIAL_EXPECT(c->p->t, out->status, "what came is no HTTP answer");
    TRIAL_EXPECT(c->p->t, out->status == status, "GET %.100s is answered with %d, not %d", path,
                 out->status, status);
    return trial_goes_on(c->p->t);
}
