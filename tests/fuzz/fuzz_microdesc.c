/* Microdescriptors: every byte belongs to exactly one entry, and families and policies of good ones
 * can be used. */
#include <stdlib.h>

#include "dir/mdpool.h"
#include "dir/microdesc.h"

static void use(struct mdpool *pool, const struct microdesc *md)
{
    const struct exit_summary *p;
    const struct router_family *f;
    if (mdpool_policy(pool, md->p, &p) == OK) {
        if (exit_summary_allows(p, 0))
            abort();
        (void)exit_summary_allows(p, 443);
        mdpool_release(pool, p);
    }
    if (mdpool_family(pool, md->family, md->family_ids, &f) == OK && f) {
        if (f->n_ids && !router_family_shares_id(f, f))
            abort();
        for (size_t i = 0; i < f->n_rsa && i < 16; i++)
            if (!router_family_has_rsa(f, &f->rsa[i]))
                abort();
        for (size_t i = 0; i < f->n_names && i < 16; i++)
            if (!router_family_has_name(f, f->names[i]))
                abort();
        mdpool_release(pool, f);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text rest = {(const char *)data, size};
    struct microdesc md;
    struct mdpool *pool = mdpool_new();
    err_t err;
    size_t left = size;
    if (!pool)
        return 0;
    while ((err = microdesc_next(&rest, &md)) != ERR_NOT_FOUND) {
        if (rest.len >= left)
            abort();
        left = rest.len;
        if (err == OK)
            use(pool, &md);
    }
    mdpool_unref(&pool);
    return 0;
}
