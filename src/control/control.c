#include "control/control_int.h"

#include <string.h>

#include "base/hash.h"
#include "control/session_int.h"

enum { SESSIONS_LEAST = 16, CROWDED_EVERY_S = 60, OPENED_EVERY_S = 1 };

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

struct steering *control_steering(struct control *c)
{
    return &c->steering;
}

struct mdtexts *control_mdtexts(struct control *c)
{
    return &c->mdtexts;
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

/* Half of the connections that options are sure of: controllers leave the other half to traffic. */
static size_t most_sessions(const struct control *c)
{
    int sure = control_options(c)->conn_limit;
    return sure > 2 * SESSIONS_LEAST ? (size_t)sure / 2 : SESSIONS_LEAST;
}

bool control_has_room(struct control *c)
{
    struct session *s;
    unsigned held_back;
    size_t n = 0;
    DL_FOREACH (c->sessions, s)
        n += s->state != SESSION_ENDED;
    if (n < most_sessions(c))
        return true;
    DL_FOREACH (c->sessions, s)
        if (s->state == SESSION_NEEDS_AUTH) {
            session_end(s);
            return true;
        }
    if (ratelim_pass(&c->crowded, c->env, CROWDED_EVERY_S, &held_back))
        log_warn(c->env->log,
                 "%zu controllers are connected; no more are let in. Raise ConnLimit if they are "
                 "yours.",
                 n);
    return false;
}

/* tor's line. It is a notice once a second at most: who comes in again and again must not fill the
 * log. */
void control_say_opened(struct control *c, const struct ip *from)
{
    char ip[IP_TEXT_MAX];
    unsigned held_back;
    bool first = ratelim_pass(&c->opened, c->env, OPENED_EVERY_S, &held_back);
    bool v6 = from->family == IP_V6, tcp = from->family != IP_NONE;
    LOG_AT(c->env->log, first ? LOG_NOTICE : LOG_INFO, "New control connection opened%s%s%s%s.",
           tcp ? " from " : "", v6 ? "[" : "", tcp ? ip_text(from, ip) : "", v6 ? "]" : "");
}

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
    teller_want(&c->teller, c->wanted);
}

static bool any_is_open(const struct control *c)
{
    const struct session *s;
    DL_FOREACH (c->sessions, s)
        if (s->state == SESSION_OPEN)
            return true;
    return false;
}

void control_forget_wishes(struct control *c, struct session *s, bool was_open)
{
    bool heard_of_streams = s->told & TOLD_BIT(TOLD_STREAM);
    s->told = 0;
    control_count_wishes(c);
    if (was_open && !control_wants(c, TOLD_STREAM) && (heard_of_streams || !any_is_open(c)))
        steering_attacher_gone(&c->steering);
}

void control_count_lost(struct control *c, uint64_t told, size_t n)
{
    struct session *s;
    DL_FOREACH (c->sessions, s)
        if (s->told & told)
            s->dropped += n;
}

bool control_pace_is_open(struct control *c)
{
    return pace_is_open(&c->pace);
}

void control_send_waiting(void *control)
{
    struct control *c = control;
    struct session *s;
    DL_FOREACH (c->sessions, s)
        session_send_waiting(s);
}

void control_log(struct control *c, enum log_level level, const char *line)
{
    teller_line(&c->teller, level, line);
}

void control_lose_owner(struct control *c)
{
    log_notice(c->env->log, "Owning controller connection has closed -- exiting now.");
    c->ops->terminate(c->world);
}

/* ---- events ---- */

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
