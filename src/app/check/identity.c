#include "app/check/identity.h"

#include <stdio.h>

#include "crypto/secret.h"
#include "dirdoc/identity_file.h"

err_t check_identity_read(struct env *env, const char *path, struct link_identity *out)
{
    char text[IDENTITY_FILE_MAX];
    struct identity id;
    FILE *f = fopen(path, "re");
    size_t len = f ? fread(text, 1, sizeof text, f) : 0;
    bool bad = !f || ferror(f);
    if (f)
        fclose(f);
    if (bad)
        return ERR_IO;
    err_t e = identity_file_read(env, (struct text){text, len}, &id);
    secret_wipe(text, sizeof text);
    if (e != OK)
        return e;
    e = link_identity_make(env, id.rsa, &id.ed, out);
    identity_wipe(&id);
    return e;
}
