#include "client/cc_settings.h"

static int32_t param(const void *arg, const char *name, int32_t fallback, int32_t least,
                     int32_t most)
{
    return netdir_param(arg, name, fallback, least, most);
}

struct cc_params cc_settings(const struct netdir *nd)
{
    return cc_params_read(param, nd);
}

bool cc_settings_are_on(const struct netdir *nd)
{
    return netdir_param(nd, "cc_alg", CC_ALG_VEGAS, CC_ALG_SENDME, CC_ALG_MOST) != CC_ALG_SENDME;
}
