/* Stands in for parts of the layer fetch until they are there. */
#include <string.h>

#include "fetch/fallbacks.h"
#include "fetch/json.h"

#define UNTIL_THEN __attribute__((weak))

UNTIL_THEN err_t fallbacks_parse(struct text text, struct fallbacks *out)
{
    (void)text;
    memset(out, 0, sizeof *out);
    return ERR_LIMIT;
}

UNTIL_THEN err_t fallbacks_servers(const struct fallbacks *f, struct dir_servers *servers)
{
    (void)f, (void)servers;
    return ERR_LIMIT;
}

UNTIL_THEN void fallbacks_free(struct fallbacks *f)
{
    memset(f, 0, sizeof *f);
}

UNTIL_THEN json_t *fetch_doc_json(const struct fetch_doc *doc)
{
    (void)doc;
    return json_object();
}
