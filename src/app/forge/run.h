/* One run of `tunic forge`: what it was asked for, and what it has made so far. */
#ifndef TUNIC_APP_FORGE_RUN_H
#define TUNIC_APP_FORGE_RUN_H

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

/* What went wrong, in words, if nothing better is known. Returns ERR. */
PRINTF_LIKE(3, 4) err_t forge_run_fail(struct forge_run *r, err_t err, const char *fmt, ...);

/* "FOLDER/DIGEST" below --out, if there is one. */
MUST_USE err_t forge_run_save(struct forge_run *r, const char *folder, const void *digest,
                              size_t len, struct text bytes);

#endif
