/* Answers of directory servers: the first byte says to what; whatever comes is split without loss
 * of order, has names for files and a JSON form, and proves nothing about authorities nobody
 * trusts. */
#include <stdlib.h>
#include <string.h>

#include "docs/docs.h"
#include "docs/json.h"
#include "docs/print.h"

#define FP "9695DFC35FFEB861329B9F1AB04C46397020CE31"

static const char *const words[] = {
    "consensus",
    "consensus-microdesc",
    "consensus/" FP,
    "consensus/next",
    "vote/next/authority",
    "vote/current/d/" FP,
    "keys/all",
    "keys/fp-sk/" FP "-" FP,
    "server/all",
    "server/fp/" FP,
    "extra/all",
    "extra/d/" FP,
    "consensus-signatures",
    "bandwidth",
    "/tor/robots.txt",
    "micro/d/ml5EVLOjcDXDZGwB4XGqHeBcVqRHiWvmoPpx0GkZqXU",
};

static bool is_file_name(const char *s)
{
    return *s && strspn(s, "0123456789abcdef-") == strlen(s);
}

/* "unrecognized" at any depth: there texts stand that are no documents, or lines out of place. */
static bool has_unrecognized(const json_t *j)
{
    const char *key;
    json_t *value;
    size_t i;
    if (json_object_get(j, "unrecognized"))
        return true;
    json_object_foreach((json_t *)(uintptr_t)j, key, value)
    {
        if (has_unrecognized(value))
            return true;
    }
    json_array_foreach(j, i, value)
    {
        if (has_unrecognized(value))
            return true;
    }
    return false;
}

static void forget(json_t *j)
{
    static const char *const about[] = {"digest", "verdict", "why", "annotations"};
    for (size_t i = 0; i < sizeof about / sizeof about[0]; i++)
        (void)json_object_del(j, about[i]);
}

/* Every form can be printed; without what is unrecognized, it reads the same again. */
static void print(const struct docs_want *w, json_t *form)
{
    char why[DOCS_WHY_MAX];
    struct docw text = {0};
    struct docs docs;
    forget(form);
    if (docs_print(form, &text, why) != OK || docs_split(w, docw_text(&text), &docs) != OK)
        abort();
    if (docs.n == 1 && !has_unrecognized(form)) {
        json_t *again = docs_item_json(&docs.list[0]);
        if (!again)
            abort();
        forget(again);
        if (!json_equal(form, again))
            abort();
        json_decref(again);
    }
    docs_free(&docs);
    docw_free(&text);
}

static void check(const struct docs_want *w, const struct docs_item *d, struct text answer)
{
    if (d->text.s < answer.s || d->text.s + d->text.len > answer.s + answer.len)
        abort();
    if (d->annotations.len && d->annotations.s + d->annotations.len != d->text.s)
        abort();
    if (!is_file_name(d->name) || !d->title[0])
        abort();
    if (d->verdict == DOCS_UNJUDGED || (d->verdict != DOCS_GOOD && !d->why[0]))
        abort();
    if (w->kind <= DOCS_KEYS && d->verdict == DOCS_GOOD)
        abort();
    json_t *j = docs_item_json(d);
    if (!j)
        abort();
    print(w, j);
    json_decref(j);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct docs_want w;
    struct docs docs;
    char why[DOCS_WHY_MAX];
    if (!size)
        return 0;
    struct text answer = {(const char *)data + 1, size - 1};
    struct docs_trust trust = {.now_s = 1785146400, .servers = answer, .consensus = answer};
    if (docs_want_parse(words[data[0] % (sizeof words / sizeof words[0])], &w, why) != OK)
        abort();
    if (docs_split(&w, answer, &docs) == OK) {
        if (docs_verify(&w, &trust, &docs) != OK)
            abort();
        for (size_t i = 0; i < docs.n; i++) {
            check(&w, &docs.list[i], answer);
            if (i && docs.list[i].text.s < docs.list[i - 1].text.s + docs.list[i - 1].text.len)
                abort();
        }
        if (docs_missing(&w, &docs, NULL, NULL) > w.n_keys)
            abort();
    }
    docs_free(&docs);
    docs_want_clear(&w);
    return 0;
}
