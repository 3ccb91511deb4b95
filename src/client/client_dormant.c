/* A client that nobody uses leaves the network alone until somebody does (C tor, netstatus.c,
 * mainloop.c check_network_participation_callback()). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/client_int.h"

enum { LOOK_S = 300, S_PER_MINUTE = 60 };

#define KEY_DORMANT "Dormant"
#define KEY_MINUTES "MinutesSinceUserActivity"

static const struct client_config *config_of(const struct client *c)
{
    return &c->settings->config;
}

/* ---- to and fro ---- */

static void leave_network(struct client *c)
{
    dirfetch_stop(c->dirfetch);
    directory_leave(&c->member);
    doubt_end(&c->doubt);
    env_disarm(c->env, &c->fetch);
}

static void join_network(struct client *c)
{
    directory_join(c->directory, &c->member);
    env_arm_ms(c->env, &c->fetch, 0);
}

static void set_dormant(struct client *c, bool dormant)
{
    if (dormant == c->dormancy.dormant)
        return;
    c->dormancy.dormant = dormant;
    exits_set_dormant(c->exits, dormant);
    if (!c->running)
        return;
    if (dormant)
        leave_network(c);
    else
        join_network(c);
}

void client_wake(struct client *c)
{
    c->dormancy.active_us = c->env->mono_us;
    if (!c->dormancy.dormant)
        return;
    log_notice(c->env->log, "Tunic is no longer dormant.");
    set_dormant(c, false);
}

void client_be_active(struct client *c)
{
    client_wake(c);
    client_tell_signal(c, SIGNAL_ACTIVE);
}

void client_be_dormant(struct client *c)
{
    log_notice(c->env->log, "Going dormant because of controller request.");
    set_dormant(c, true);
    client_tell_signal(c, SIGNAL_DORMANT);
}

/* ---- by itself ---- */

static bool is_in_use(const struct client *c)
{
    return config_of(c)->dormant_never_with_streams && tunnels_count(c->tunnels) > 0;
}

static void look(void *arg)
{
    struct client *c = arg;
    uint64_t patience_us = config_of(c)->dormant_after_s * (uint64_t)US_PER_SEC;
    client_arm_dormancy(c);
    if (c->dormancy.dormant || !c->running)
        return;
    if (!config_of(c)->dormant_after_s || is_in_use(c)) {
        c->dormancy.active_us = c->env->mono_us;
        return;
    }
    if (c->env->mono_us - c->dormancy.active_us < patience_us)
        return;
    log_notice(c->env->log, "No user activity in a long time: becoming dormant.");
    set_dormant(c, true);
}

void client_arm_dormancy(struct client *c)
{
    uint32_t s = config_of(c)->dormant_after_s;
    env_arm_ms(c->env, &c->dormancy.look, (s && s < LOOK_S ? s : LOOK_S) * (uint64_t)MS_PER_SEC);
}

/* Time that the machine slept does not count as time in which nobody asked. */
void client_dormancy_slept(struct client *c, int64_t seconds)
{
    uint64_t us = (uint64_t)seconds * US_PER_SEC, idle_us = c->env->mono_us - c->dormancy.active_us;
    c->dormancy.active_us += us < idle_us ? us : idle_us;
}

void client_init_dormancy(struct client *c)
{
    timer_init(&c->dormancy.look, look, c);
}

/* ---- over a run ---- */

static int64_t number(const struct client *c, const char *key, int64_t missing)
{
    const char *value = state_get(c->state, key, 0);
    uint64_t n;
    return value && text_u64(value, INT32_MAX, &n) == OK ? (int64_t)n : missing;
}

/* The rules are those of tor's netstatus_load_from_state(). */
void client_begin_dormancy(struct client *c)
{
    int64_t was = number(c, KEY_DORMANT, -1), idle_s = 0;
    bool dormant = was < 0 ? config_of(c)->dormant_at_first : was > 0;
    if (was == 0)
        idle_s = number(c, KEY_MINUTES, 0) * S_PER_MINUTE;
    if (config_of(c)->dormant_ends_at_start)
        idle_s = 0;
    if (config_of(c)->dormant_ends_at_start || !config_of(c)->dormant_after_s)
        dormant = false;
    uint64_t idle_us = (uint64_t)idle_s * US_PER_SEC, now_us = c->env->mono_us;
    /* The clock may have begun later than that: then it is as long as can be said. */
    c->dormancy.active_us = idle_us < now_us ? now_us - idle_us : 0;
    set_dormant(c, dormant);
    client_arm_dormancy(c);
}

static uint64_t idle_minutes(const struct client *c)
{
    if (c->dormancy.dormant)
        return 0;
    return (c->env->mono_us - c->dormancy.active_us) / US_PER_SEC / S_PER_MINUTE;
}

bool client_dormancy_changed(const struct client *c)
{
    return number(c, KEY_DORMANT, -1) != c->dormancy.dormant;
}

err_t client_save_dormancy(struct client *c)
{
    char minutes[24];
    const char *dormant = c->dormancy.dormant ? "1" : "0", *value = minutes;
    snprintf(minutes, sizeof minutes, "%llu", (unsigned long long)idle_minutes(c));
    TRY(state_set(c->state, KEY_DORMANT, &dormant, 1));
    return state_set(c->state, KEY_MINUTES, &value, 1);
}

bool client_expects_streams(const struct client *c)
{
    return exits_expects_streams(c->exits);
}
