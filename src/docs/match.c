/* What was asked for against what came: one look-up a document, however many were asked for. */
#include <stdlib.h>
#include <string.h>

#include "docs/docs_int.h"

enum { FP_LEN = 20, NAME_LEN = 40 };

/* By what one is asked for: a digest, a fingerprint, or two of them. */
struct name {
    uint8_t b[NAME_LEN];
    size_t key; /* of the want */
};

static int by_bytes(const void *a, const void *b)
{
    return memcmp(((const struct name *)a)->b, ((const struct name *)b)->b, NAME_LEN);
}

bool docs_names_documents(const struct docs_want *want)
{
    return want->by >= DOCS_BY_FP && want->kind != DOCS_CONSENSUS;
}

static struct name name_of(enum docs_by by, const uint8_t *id, size_t id_len, const uint8_t *sk)
{
    struct name n = {.key = 0};
    if (by != DOCS_BY_SK)
        memcpy(n.b, id, id_len);
    if (by == DOCS_BY_SK || by == DOCS_BY_PAIR)
        memcpy(n.b + FP_LEN, sk, FP_LEN);
    return n;
}

/* The bytes that count of a key; an authority's digest has 20, a microdescriptor's 32. */
static size_t id_len(const struct docs_want *want)
{
    return want->kind == DOCS_MICRO ? sizeof want->keys[0].id : FP_LEN;
}

static struct name *sorted_names(const struct docs_want *want)
{
    struct name *list = calloc(want->n_keys, sizeof *list);
    for (size_t i = 0; list && i < want->n_keys; i++) {
        list[i] = name_of(want->by, want->keys[i].id, id_len(want), want->keys[i].sk);
        list[i].key = i;
    }
    if (list)
        qsort(list, want->n_keys, sizeof *list, by_bytes);
    return list;
}

static void match_one(const struct docs_want *want, const struct name *names, struct docs *docs,
                      struct docs_item *doc)
{
    bool digest = want->by == DOCS_BY_DIGEST;
    if (!digest && !doc->has_id)
        return;
    struct name n = name_of(want->by, digest ? doc->digest : doc->id.b,
                            digest ? id_len(want) : FP_LEN, doc->sk.b);
    const struct name *found = bsearch(&n, names, want->n_keys, sizeof n, by_bytes);
    doc->asked_for = found != NULL;
    if (found)
        docs->answered[found->key] = true;
}

err_t docs_match(const struct docs_want *want, struct docs *docs)
{
    if (!docs_names_documents(want) || !want->n_keys)
        return OK;
    docs->answered = calloc(want->n_keys, sizeof *docs->answered);
    struct name *names = sorted_names(want);
    for (size_t i = 0; docs->answered && names && i < docs->n; i++)
        match_one(want, names, docs, &docs->list[i]);
    err_t err = docs->answered && names ? OK : ERR_NOMEM;
    free(names);
    return err;
}
