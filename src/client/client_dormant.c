/* A client that nobody uses leaves the network alone (C tor, netstatus.c). */
#include "client/client_int.h"

static void set_dormant(struct client *c, bool dormant)
{
    c->dormant = dormant;
    exits_set_dormant(c->exits, dormant);
    if (!dormant && c->running)
        env_arm_ms(c->env, &c->fetch, 0);
}

void client_wake(struct client *c)
{
    if (!c->dormant)
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

bool client_is_dormant(const struct client *c)
{
    return c->dormant;
}

bool client_expects_streams(const struct client *c)
{
    return exits_expects_streams(c->exits);
}
