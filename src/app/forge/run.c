#include "app/forge/run.h"

#include <stdarg.h>
#include <stdio.h>

#include "crypto/encode.h"
#include "crypto/hash.h"

err_t forge_run_fail(struct forge_run *r, err_t err, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(r->why, sizeof r->why, fmt, args);
    va_end(args);
    return err;
}

err_t forge_run_save(struct forge_run *r, const char *folder, const void *digest, size_t len,
                     struct text bytes)
{
    char name[FORGE_NAME_MAX], hex[HEX_SIZE(SHA256_LEN)];
    if (!r->args.out)
        return OK;
    snprintf(name, sizeof name, "%s/%s", folder, hex_upper(digest, len, hex));
    return forge_file_write(r->args.out, name, false, bytes, r->why);
}
