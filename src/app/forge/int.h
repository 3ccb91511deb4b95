/* What the files of `tunic forge` share. */
#ifndef TUNIC_APP_FORGE_INT_H
#define TUNIC_APP_FORGE_INT_H

#include "app/forge/args.h"
#include "app/forge/files.h"
#include "base/env.h"

struct forge_run {
    struct forge_args args;
    struct env env;
    struct aes_ctr *stream; /* of the seed */
    struct docw servers, extras;
    char why[FORGE_FILES_WHY];
};

enum { FORGE_NAME_MAX = 160 };

/* What went wrong, in words, if nothing better is known. */
PRINTF_LIKE(3, 4) err_t forge_fail(struct forge_run *r, err_t err, const char *fmt, ...);

/* "FOLDER/DIGEST" below --out, if there is one. */
MUST_USE err_t forge_save(struct forge_run *r, const char *folder, const void *digest, size_t len,
                          struct text bytes);

/* Makes N relays: their documents go to r->servers, r->extras and the files. */
MUST_USE err_t forge_relays(struct forge_run *r, unsigned n);

/* The descriptors of the files, and of relays that are made (DEFAULT_COUNT of them if none was
 * asked for and there are no files). The caller frees them with forge_descs_free(). */
struct forge_descs {
    struct forge_desc *desc;
    size_t n;
};
MUST_USE err_t forge_descs_get(struct forge_run *r, unsigned default_count,
                               struct forge_descs *out);
void forge_descs_free(struct forge_descs *d);

/* The kinds that authorities write: OUT is what is printed. */
MUST_USE err_t forge_network(struct forge_run *r, struct docw *out);
MUST_USE err_t forge_key_certs(struct forge_run *r, struct docw *out);

#endif
