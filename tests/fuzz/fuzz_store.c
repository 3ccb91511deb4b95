/* Cache files: loading any bytes is safe, and a merged file is one without damage. */
#include <stdlib.h>

#include "dir/store.h"

static const char consensus[] =
    "network-status-version 3 microdesc\nvote-status consensus\nconsensus-method 35\n"
    "valid-after 2026-01-01 12:00:00\nfresh-until 2026-01-01 13:00:00\n"
    "valid-until 2026-01-01 15:00:00\nknown-flags Running Valid\n"
    "r relay0 AAAAAQAAAAAAAAAAAAAAAAAAAAA 2038-01-01 00:00:00 127.0.0.1 9001 0\n"
    "m c9q+CgRo9PemeBChjRHjZzG7HS7DY020WRAGCfOz9TU\ns Running Valid\ndirectory-footer\n"
    "directory-signature sha9 x y\n";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text file = {(const char *)data, size}, none = {"", 0};
    struct authcert_set set;
    struct store_report report;
    struct consensus *c;
    struct netdir *nd;
    struct buf out;
    authcert_set_init(&set);
    (void)!(store_load_certs(file, &set, &report) == OK);
    authcert_set_clear(&set);
    if (consensus_parse((struct text){consensus, sizeof consensus - 1}, &c) != OK)
        abort();
    if (netdir_new(c, NULL, &nd) != OK)
        return 0;
    (void)!(store_load_microdescs(file, nd, &report) == OK);
    struct store_merged merged;
    buf_init(&out, 4 * size + 65536);
    if (store_merge_microdescs(file, none, nd, 0, &merged) == OK) {
        for (size_t i = 0; i < merged.n; i++)
            if (buf_add(&out, merged.parts[i].s, merged.parts[i].len) != OK)
                abort();
        struct text one = {out.len ? (const char *)buf_at(&out) : "", out.len};
        if (store_load_microdescs(one, nd, &report) == OK && report.bad)
            abort();
    }
    store_merged_free(&merged);
    buf_free(&out);
    netdir_unref(&nd);
    return 0;
}
