/* Identity keys of relays, which stand in their server descriptors alone. */
#include <stdlib.h>
#include <string.h>

#include "dir/descriptor.h"
#include "docs/docs_int.h"

static int by_id(const void *a, const void *b)
{
    return memcmp(((const struct docs_server *)a)->id.b, ((const struct docs_server *)b)->id.b,
                  sizeof(struct rsa_id));
}

static err_t add_server(struct docs_servers *out, const struct descriptor *d)
{
    struct docs_server one = {.id = d->rsa};
    if (doc_object(&d->item[DESCRIPTOR_SIGNING_KEY], "RSA PUBLIC KEY", one.der, sizeof one.der,
                   &one.len) != OK)
        return OK;
    if ((out->n & (out->n - 1)) == 0) {
        struct docs_server *list = realloc(out->list, (out->n ? 2 * out->n : 1) * sizeof *list);
        if (!list)
            return ERR_NOMEM;
        out->list = list;
    }
    out->list[out->n++] = one;
    return OK;
}

err_t docs_servers_of(struct text text, struct docs_servers *out)
{
    struct descriptor d;
    *out = (struct docs_servers){0};
    while (descriptor_next(&text, &d) != ERR_NOT_FOUND)
        TRY(add_server(out, &d));
    if (out->n)
        qsort(out->list, out->n, sizeof *out->list, by_id);
    return OK;
}

struct rsa_pub *docs_servers_key(const struct docs_servers *servers, const struct rsa_id *id)
{
    struct docs_server want = {.id = *id};
    struct rsa_pub *key = NULL;
    const struct docs_server *found =
        servers->n ? bsearch(&want, servers->list, servers->n, sizeof want, by_id) : NULL;
    if (found && rsa_pub_from_der(found->der, found->len, &key) != OK)
        key = NULL;
    return key;
}
