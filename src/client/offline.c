#include "client/offline.h"

enum { DIALS_MIN = 3, SURE_S = 3, FRESH_S = 15, WORDS_FIRST_S = 60, WORDS_MOST_S = 3600 };

static uint64_t seconds(unsigned n)
{
    return n * (uint64_t)US_PER_SEC;
}

static bool is_sure(const struct offline *o)
{
    return o->dials >= DIALS_MIN && o->last_us - o->since_us >= seconds(SURE_S);
}

bool offline_is(const struct offline *o, const struct env *env)
{
    return is_sure(o) && env->mono_us - o->last_us < seconds(FRESH_S);
}

void offline_link_stood(struct offline *o, const struct env *env)
{
    if (o->told)
        log_notice(env->log, "The network is back.");
    *o = (struct offline){.dials = 0};
}

static void say(struct offline *o, const struct env *env)
{
    unsigned minutes = (unsigned)((env->mono_us - o->since_us) / seconds(60));
    if (!is_sure(o) || env->mono_us < o->next_words_us)
        return;
    if (!o->told)
        log_warn(env->log,
                 "There is no network: this computer has no route to any relay. Is it connected? "
                 "Tunic goes on trying; until then applications are told that the network is "
                 "unreachable.");
    else
        log_warn(env->log, "There is still no network, for %u minute%s now (%u attempts).", minutes,
                 minutes == 1 ? "" : "s", o->dials);
    o->told = true;
    o->words_every_us = o->words_every_us ? 2 * o->words_every_us : seconds(WORDS_FIRST_S);
    if (o->words_every_us > seconds(WORDS_MOST_S))
        o->words_every_us = seconds(WORDS_MOST_S);
    o->next_words_us = env->mono_us + o->words_every_us;
}

void offline_dial_failed(struct offline *o, const struct env *env, const struct link_end *end)
{
    if (end->why != ERR_LINK_CONNECT || end->reason != OR_NOROUTE) {
        o->dials = 0; /* somebody answered, or might have: there is a network */
        return;
    }
    if (o->dials++ == 0)
        o->since_us = env->mono_us;
    o->last_us = env->mono_us;
    say(o, env);
}
