/* Bandwidth files: never proven, and what is refused is refused with a reason; its JSON is printed
 * and reads the same again. */
#include <stdlib.h>
#include <string.h>

#include "docs/docs.h"
#include "docs/json.h"
#include "docs/print.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct docs_want want;

/* The form without what is said about it, and the verdict on it. */
static json_t *form_of(struct text text, enum docs_verdict *verdict)
{
    struct docs docs;
    struct docs_trust trust = {.n_auths = 0};
    if (docs_split(&want, text, &docs) != OK || docs.n != 1 ||
        docs_verify(&want, &trust, &docs) != OK)
        abort();
    struct docs_item *doc = &docs.list[0];
    *verdict = doc->verdict;
    if ((doc->verdict != DOCS_BAD && doc->verdict != DOCS_UNPROVEN) || !doc->why[0])
        abort();
    json_t *form = docs_item_json(doc);
    if (!form)
        abort();
    (void)json_object_del(form, "digest");
    docs_free(&docs);
    return form;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char why[DOCS_WHY_MAX];
    enum docs_verdict verdict, again_verdict;
    struct docw w = {0};
    if (!size || (!want.kind && docs_want_parse("bandwidth", &want, why) != OK))
        return 0;
    json_t *form = form_of((struct text){(const char *)data, size}, &verdict);
    if (docs_print(form, &w, why) != OK)
        abort();
    if (verdict == DOCS_UNPROVEN && !json_object_get(form, "unrecognized") &&
        !json_object_get(json_object_get(form, "headers"), "unrecognized")) {
        json_t *again = form_of(docw_text(&w), &again_verdict);
        if (!json_equal(form, again))
            abort();
        json_decref(again);
    }
    json_decref(form);
    docw_free(&w);
    return 0;
}
