#include "dir/familyid.h"

#include <stdio.h>

#include "crypto/encode.h"

const char *family_id_text(const struct ed_id *family, char out[FAMILY_ID_TEXT_MAX])
{
    char key[BASE64_SIZE(32)];
    (void)snprintf(out, FAMILY_ID_TEXT_MAX, "ed25519:%s",
                   base64_encode(family->b, sizeof family->b, false, key));
    return out;
}
