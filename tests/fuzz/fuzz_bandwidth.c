/* Bandwidth files: never proven, and what is refused is refused with a reason. (Their JSON:
 * fuzz_docs.) */
#include <stdlib.h>

#include "docs/docs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct docs_want want;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char why[DOCS_WHY_MAX];
    struct docs docs;
    struct docs_trust trust = {.n_auths = 0};
    if (!size || (!want.kind && docs_want_parse("bandwidth", &want, why) != OK))
        return 0;
    if (docs_split(&want, (struct text){(const char *)data, size}, &docs) != OK || docs.n != 1 ||
        docs_verify(&want, &trust, &docs) != OK)
        abort();
    const struct docs_item *doc = &docs.list[0];
    if ((doc->verdict != DOCS_BAD && doc->verdict != DOCS_UNPROVEN) || !doc->why[0])
        abort();
    docs_free(&docs);
    return 0;
}
