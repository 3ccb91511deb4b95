#include "control/control.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/hash.h"
#include "control/auth.h"
#include "control/session_int.h"
#include "control/told.h"
#include "crypto/secret.h"

struct control {
    struct env *env;
    struct client *client;
    const struct control_world *ops;
    void *world;
    bool has_cookie;
    uint8_t cookie[COOKIE_LEN];
    struct session *sessions;
    uint64_t wanted; /* events that any of them wants */
};

struct control *control_new(struct env *env, struct client *client, const struct control_world *ops,
                            void *world)
{
    struct control *c = calloc(1, sizeof *c);
    if (c)
        *c = (struct control){.env = env, .client = client, .ops = ops, .world = world};
    return c;
}

void control_free(struct control *c)
{
    if (!c)
        return;
    secret_wipe(c->cookie, sizeof c->cookie);
    free(c);
}

struct env *control_env(const struct control *c)
{
    return c->env;
}

struct client *control_client(const struct control *c)
{
    return c->client;
}

const struct control_world *control_world(const struct control *c, void **world)
{
    *world = c->world;
    return c->ops;
}

const struct options *control_options(const struct control *c)
{
    return c->ops->options(c->world);
}

void control_set_cookie(struct control *c, const uint8_t *cookie)
{
    c->has_cookie = cookie != NULL;
    if (cookie)
        memcpy(c->cookie, cookie, sizeof c->cookie);
}

const uint8_t *control_cookie(const struct control *c)
{
    return c->has_cookie ? c->cookie : NULL;
}

/* ---- sessions ---- */

void control_add(struct control *c, struct session *s)
{
    DL_APPEND(c->sessions, s);
}

void control_remove(struct control *c, struct session *s)
{
    DL_DELETE(c->sessions, s);
    control_count_wishes(c);
}

void control_count_wishes(struct control *c)
{
    const struct session *s;
    c->wanted = 0;
    DL_FOREACH (c->sessions, s)
        c->wanted |= s->told;
}

/* ---- events ---- */

const char *told_name(enum told told)
{
    static const char *const names[] = {
#define X(name) #name,
        TOLD_LIST(X)
#undef X
    };
    return names[told];
}

enum told told_find(const char *name)
{
    for (int i = 0; i < TOLD_KINDS; i++)
        if (strcasecmp(told_name((enum told)i), name) == 0)
            return (enum told)i;
    return TOLD_KINDS;
}

bool control_wants(const struct control *c, enum told told)
{
    return c->wanted & TOLD_BIT(told);
}

void control_tell(struct control *c, enum told told, const struct text_out *text)
{
    struct session *s;
    if (out_end(text) != OK)
        return;
    DL_FOREACH (c->sessions, s)
        if (s->told & TOLD_BIT(told))
            session_tell(s, text);
}
