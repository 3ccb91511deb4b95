/* Words of `tunic fetch`: whatever parses has requests, and each path parses to what it came from.
 */
#include <stdlib.h>
#include <string.h>

#include "docs/want.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct docs_want w, again;
    char why[DOCS_WHY_MAX], path[DOCS_PATH_MAX], *word = malloc(size + 1);
    if (!word)
        return 0;
    if (size)
        memcpy(word, data, size);
    word[size] = 0;
    err_t err = docs_want_parse(word, &w, why);
    if (err == ERR_ARG && !why[0])
        abort();
    for (size_t i = 0; err == OK && i < docs_want_requests(&w); i++) {
        if (docs_want_path(&w, i, path) != OK || docs_want_parse(path, &again, why) != OK)
            abort();
        if (again.kind != w.kind || again.by != w.by || again.next != w.next ||
            again.flavor != w.flavor || again.n_keys > w.n_keys)
            abort();
        docs_want_clear(&again);
    }
    docs_want_clear(&w);
    free(word);
    return 0;
}
