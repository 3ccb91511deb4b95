/* Node lists of torrc. */
#include <stdlib.h>
#include <string.h>

#include "path/nodeset.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct nodeset *s = NULL;
    char why[NODESET_WHY_MAX] = "";
    struct router r = {.nickname = "Alice", .orport = 1, .v4 = {10, 0, 0, 1}, .orport6 = 1};
    err_t e = nodeset_parse((struct text){(const char *)data, size}, &s, why);
    if (e != OK) {
        if (s || (e == ERR_MALFORMED && !why[0]))
            abort();
        return 0;
    }
    if (nodeset_is_empty(s) && nodeset_has(s, &r))
        abort();
    for (size_t i = 0; nodeset_country(s, i); i++)
        if (strlen(nodeset_country(s, i)) != 2)
            abort();
    nodeset_free(&s);
    return 0;
}
