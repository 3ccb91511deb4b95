/* Where documents begin and end in an answer. */
#include <stdlib.h>
#include <string.h>

#include "dir/consensus.h"
#include "dir/microdesc.h"
#include "docs/docs_int.h"

/* How the first line of a document begins; NULL: an answer is one document. */
static const char *first_keyword(enum docs_kind kind)
{
    switch (kind) {
    case DOCS_CONSENSUS:
    case DOCS_VOTE:
        return "network-status-version ";
    case DOCS_KEYS:
        return "dir-key-certificate-version ";
    case DOCS_SERVER:
        return "router ";
    case DOCS_EXTRA:
        return "extra-info ";
    case DOCS_SIGNATURES:
    case DOCS_MICRO:
    case DOCS_BANDWIDTH:
    case DOCS_OTHER:
        break;
    }
    return NULL;
}

static err_t add(struct docs *docs, const struct docs_item *doc)
{
    if (docs->n >= DOCS_MAX)
        return ERR_LIMIT;
    if ((docs->n & (docs->n - 1)) == 0) {
        struct docs_item *list =
            realloc(docs->list, (docs->n ? 2 * docs->n : 1) * sizeof *docs->list);
        if (!list)
            return ERR_NOMEM;
        docs->list = list;
    }
    struct docs_item *out = &docs->list[docs->n++];
    *out = *doc;
    docs_item_name(out);
    return OK;
}

static struct text up_to(const char *from, const char *to)
{
    return (struct text){from, (size_t)(to - from)};
}

/* The document without the empty lines at its end that old relays wrote. */
static struct text trim(struct text t)
{
    while (t.len > 2 && t.s[t.len - 1] == '\n' && t.s[t.len - 2] == '\n')
        t.len--;
    return t;
}

/* Splits at lines that begin with FIRST, or at the annotations right before such a line. */
static err_t split_lines(enum docs_kind kind, struct text text, const char *first, struct docs *out)
{
    const char *begin = text.s, *body = text.s, *notes = NULL;
    bool started = false;
    struct text rest = text, line;
    while (text_line(&rest, &line)) {
        bool note = line.len && line.s[0] == '@', starts = text_starts(line, first);
        if (note && !notes)
            notes = line.s;
        if (starts) {
            const char *at = notes ? notes : line.s;
            struct docs_item doc = {.kind = kind, .text = trim(up_to(body, at))};
            doc.annotations = up_to(begin, body);
            if (started || at != text.s)
                TRY(add(out, &doc));
            begin = at;
            body = line.s;
            started = true;
        }
        if (!note)
            notes = NULL;
    }
    struct docs_item doc = {.kind = kind, .text = trim(up_to(body, text.s + text.len))};
    doc.annotations = up_to(begin, body);
    return text.len ? add(out, &doc) : OK;
}

static err_t split_micros(struct text text, struct docs *out)
{
    struct microdesc md;
    const char *at = text.s;
    err_t err;
    while ((err = microdesc_next(&text, &md)) != ERR_NOT_FOUND) {
        if (err == ERR_NOMEM)
            return err;
        struct docs_item doc = {.kind = DOCS_MICRO, .text = md.body};
        if (!md.body.len) /* nothing but annotations, or a stray piece */
            doc.text = up_to(at, text.s);
        doc.annotations = up_to(at, doc.text.s);
        TRY(add(out, &doc));
        at = text.s;
    }
    return OK;
}

static err_t split(enum docs_kind kind, struct text text, struct docs *out)
{
    const char *first = first_keyword(kind);
    if (kind == DOCS_MICRO)
        return split_micros(text, out);
    if (first)
        return split_lines(kind, text, first, out);
    struct docs_item doc = {.kind = kind, .text = text};
    doc.annotations = up_to(text.s, text.s);
    return text.len ? add(out, &doc) : OK;
}

err_t docs_split(const struct docs_want *want, struct text text, struct docs *out)
{
    *out = (struct docs){0};
    if (!text.len)
        return OK;
    err_t err = split(want->kind, text, out);
    if (err == OK)
        err = docs_match(want, out);
    if (err != OK)
        docs_free(out);
    return err;
}

void docs_free(struct docs *docs)
{
    for (size_t i = 0; i < docs->n; i++)
        consensus_free(&docs->list[i].parsed);
    free(docs->list);
    free(docs->answered);
    free(docs->certs);
    *docs = (struct docs){0};
}
