/* Where documents begin and end in an answer. */
#include <stdlib.h>
#include <string.h>

#include "dir/consensus.h"
#include "dir/microdesc.h"
#include "fetch/docs_int.h"

/* How the first line of a document begins; NULL: an answer is one document. */
static const char *first_keyword(enum fetch_kind kind)
{
    switch (kind) {
    case FETCH_CONSENSUS:
    case FETCH_VOTE:
        return "network-status-version ";
    case FETCH_KEYS:
        return "dir-key-certificate-version ";
    case FETCH_SERVER:
        return "router ";
    case FETCH_EXTRA:
        return "extra-info ";
    case FETCH_SIGNATURES:
    case FETCH_MICRO:
    case FETCH_BANDWIDTH:
    case FETCH_OTHER:
        break;
    }
    return NULL;
}

static err_t add(struct fetch_docs *docs, const struct fetch_doc *doc)
{
    if (docs->n >= FETCH_DOCS_MAX)
        return ERR_LIMIT;
    if ((docs->n & (docs->n - 1)) == 0) {
        struct fetch_doc *list =
            realloc(docs->list, (docs->n ? 2 * docs->n : 1) * sizeof *docs->list);
        if (!list)
            return ERR_NOMEM;
        docs->list = list;
    }
    struct fetch_doc *out = &docs->list[docs->n++];
    *out = *doc;
    fetch_doc_name(out);
    return OK;
}

static struct text up_to(const char *from, const char *to)
{
    return (struct text){from, (size_t)(to - from)};
}

/* Without empty lines at its end, which old relays' documents had. */
static struct text trim(struct text t)
{
    while (t.len > 2 && t.s[t.len - 1] == '\n' && t.s[t.len - 2] == '\n')
        t.len--;
    return t;
}

/* Splits at lines that begin with FIRST, or at the annotations right before such a line. */
static err_t split_lines(enum fetch_kind kind, struct text text, const char *first,
                         struct fetch_docs *out)
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
            struct fetch_doc doc = {.kind = kind, .text = trim(up_to(body, at))};
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
    struct fetch_doc doc = {.kind = kind, .text = trim(up_to(body, text.s + text.len))};
    doc.annotations = up_to(begin, body);
    return text.len ? add(out, &doc) : OK;
}

static err_t split_micros(struct text text, struct fetch_docs *out)
{
    struct microdesc md;
    const char *at = text.s;
    err_t err;
    while ((err = microdesc_next(&text, &md)) != ERR_NOT_FOUND) {
        if (err == ERR_NOMEM)
            return err;
        struct fetch_doc doc = {.kind = FETCH_MICRO, .text = md.body};
        if (!md.body.len) /* nothing but annotations, or a stray piece */
            doc.text = up_to(at, text.s);
        doc.annotations = up_to(at, doc.text.s);
        TRY(add(out, &doc));
        at = text.s;
    }
    return OK;
}

static err_t split(enum fetch_kind kind, struct text text, struct fetch_docs *out)
{
    const char *first = first_keyword(kind);
    if (kind == FETCH_MICRO)
        return split_micros(text, out);
    if (first)
        return split_lines(kind, text, first, out);
    struct fetch_doc doc = {.kind = kind, .text = text};
    doc.annotations = up_to(text.s, text.s);
    return text.len ? add(out, &doc) : OK;
}

err_t fetch_docs_split(const struct fetch_want *want, struct text text, struct fetch_docs *out)
{
    *out = (struct fetch_docs){0};
    if (!text.len)
        return OK;
    err_t err = split(want->kind, text, out);
    if (err != OK)
        fetch_docs_free(out);
    return err;
}

void fetch_docs_free(struct fetch_docs *docs)
{
    for (size_t i = 0; i < docs->n; i++)
        consensus_free(&docs->list[i].parsed);
    free(docs->list);
    free(docs->certs);
    *docs = (struct fetch_docs){0};
}
