/* Server descriptors as authorities read them: each is taken off, what is good has a
 * microdescriptor that our client reads, and can be edited. */
#include <stdlib.h>
#include <string.h>

#include "dir/microdesc.h"
#include "forge/desc.h"
#include "forge/edit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void use(const struct forge_desc *d)
{
    struct text rest = docw_text(&d->microdesc);
    struct microdesc md;
    struct edit edit[2];
    struct docw w = {0};
    if (microdesc_next(&rest, &md) != OK || rest.len ||
        memcmp(md.digest.b, d->row.microdesc_sha256, sizeof md.digest.b) != 0)
        abort();
    if (edit_set("router x", &edit[0]) != OK || edit_drop("accept", &edit[1]) != OK)
        abort();
    docw_add(&w, d->body);
    edit_apply(edit, 2, &w, 0, w.len);
    if (w.err == OK && memcmp(w.s, "router x\n", 9) != 0)
        abort();
    docw_free(&w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text rest = {(const char *)data, size};
    struct forge_desc d;
    const char *why;
    err_t err = OK;
    for (size_t left = size + 1; err == OK && rest.len < left;) {
        left = rest.len;
        err = forge_desc_next(&rest, &d, &why);
        if (err == OK) {
            use(&d);
            forge_desc_free(&d);
        } else if (!*why) {
            abort();
        }
    }
    if (err == OK) /* nothing was taken off, and nothing was wrong */
        abort();
    return 0;
}
