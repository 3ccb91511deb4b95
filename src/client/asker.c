#include "client/asker.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/secret.h"

struct login {
    size_t holders, user_len, pass_len;
    char bytes[]; /* user name, then password */
};

static struct text cut(struct text t)
{
    return (struct text){t.s, t.len < LOGIN_PART_MAX ? t.len : LOGIN_PART_MAX};
}

struct login *login_new(struct text user, struct text pass)
{
    user = cut(user);
    pass = cut(pass);
    struct login *l = user.len + pass.len ? malloc(sizeof *l + user.len + pass.len) : NULL;
    if (!l)
        return NULL;
    *l = (struct login){.holders = 1, .user_len = user.len, .pass_len = pass.len};
    if (user.len)
        memcpy(l->bytes, user.s, user.len);
    if (pass.len)
        memcpy(l->bytes + user.len, pass.s, pass.len);
    return l;
}

struct login *login_hold(struct login *l)
{
    if (l)
        l->holders++;
    return l;
}

void login_release(struct login **l)
{
    struct login *let_go = *l;
    *l = NULL;
    if (!let_go || --let_go->holders)
        return;
    secret_wipe(let_go, sizeof *let_go + let_go->user_len + let_go->pass_len);
    free(let_go);
}

struct text login_user(const struct login *l)
{
    return l ? (struct text){l->bytes, l->user_len} : (struct text){NULL, 0};
}

struct text login_pass(const struct login *l)
{
    return l ? (struct text){l->bytes + l->user_len, l->pass_len} : (struct text){NULL, 0};
}
