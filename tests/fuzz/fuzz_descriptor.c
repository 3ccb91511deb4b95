/* Server descriptors and extra-info documents: each is taken off, what it says lies within it, and
 * what is refused is refused with a reason. */
#include <stdlib.h>
#include <string.h>

#include "dir/descriptor.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look(const struct descriptor *d, struct text all)
{
    const char *end = d->body.len ? d->body.s + d->body.len : d->body.s;
    for (unsigned l = 0; l < DESCRIPTOR_LINE_N; l++) {
        const struct doc_item *item = &d->item[l];
        if (item->begin && (item->begin < d->body.s || item->end > end))
            abort();
        if (!item->begin && ((d->malformed | d->repeated) & DESCRIPTOR_BIT(l)))
            abort();
    }
    if (d->body.len && (d->body.s < all.s || end > all.s + all.len))
        abort();
    if (strlen(d->nickname) > NICKNAME_MAX)
        abort();
    struct doc_lines at = doc_over(d->body.s, d->body.len);
    for (struct doc_item rule; descriptor_rule_next(&at, &rule);)
        if (rule.end > end)
            abort();
}

static void read_all(struct text all, bool extra)
{
    char why[DESCRIPTOR_WHY_MAX];
    struct descriptor d;
    struct text rest = all;
    for (;;) {
        size_t left = rest.len;
        err_t err = extra ? descriptor_next_extra(&rest, &d) : descriptor_next(&rest, &d);
        if (err == ERR_NOT_FOUND)
            return;
        if (rest.len >= left || (err == OK && !d.body.len))
            abort();
        look(&d, all);
        why[0] = 0;
        if (err == OK &&
            (extra ? descriptor_verify_extra(&d, NULL, 0, why) : descriptor_verify(&d, 0, why)) !=
                OK &&
            !why[0])
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = malloc(size ? size : 1); /* of its exact size, so that reading beyond is seen */
    if (!copy)
        return 0;
    memcpy(copy, data, size);
    read_all((struct text){copy, size}, false);
    read_all((struct text){copy, size}, true);
    free(copy);
    return 0;
}
