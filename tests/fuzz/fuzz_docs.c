/* Answers of directory servers: the first byte says to what; whatever comes is split without loss
 * of order, has names for files and a JSON form, and proves nothing about authorities nobody
 * trusts. */
#include <stdlib.h>
#include <string.h>

#include "docs/docs.h"
#include "docs/json.h"

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
