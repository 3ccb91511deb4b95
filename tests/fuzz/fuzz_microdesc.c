/* Microdescriptors: every byte belongs to exactly one entry, and families and policies of good ones
 * can be used. */
#include <stdlib.h>

#include "crypto/encode.h"
#include "dir/mdpool.h"
#include "dir/microdesc.h"

/* Whatever the line names is found. */
static void look_for_all(const struct router_family *f, struct text family)
{
    struct text word;
    struct rsa_id rsa;
    for (int i = 0; i < 64 && text_token(&family, &word); i++) {
        if (word.s[0] != '$' && !router_family_has_name(f, word))
            abort();
        if (word.s[0] == '$' && word.len == 1 + 2 * sizeof rsa.b &&
            hex_decode_exact((struct text){word.s + 1, word.len - 1}, rsa.b, sizeof rsa.b) == OK &&
            !router_family_has_rsa(f, &rsa))
            abort();
    }
}

static void use(struct mdpool *pool, const struct microdesc *md)
{
    const struct exit_summary *p;
    const struct router_family *f;
    if (mdpool_policy(pool, md->p, &p) == OK) {
        if (exit_summary_allows(p, 0))
            abort();
        (void)exit_summary_allows(p, 443);
        mdpool_release_policy(pool, p);
    }
    if (mdpool_family(pool, md->family, md->family_ids, &f) == OK && f) {
        if (text_strip(md->family_ids).len && !router_family_shares_id(f, f))
            abort();
        look_for_all(f, md->family);
        mdpool_release_family(pool, f);
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
