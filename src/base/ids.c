#include "base/ids.h"

bool nickname_valid(struct text t)
{
    return t.len <= NICKNAME_MAX && text_is_alnum(t);
}

bool nickname_copy(struct text t, char out[NICKNAME_MAX + 1])
{
    if (!nickname_valid(t))
        return false;
    memcpy(out, t.s, t.len);
    out[t.len] = 0;
    return true;
}
