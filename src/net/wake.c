/* A wake-up of the loop: whatever touches it has its end come behind all events that are active. */
#include <unistd.h>

#include "net/clock.h"
#include "net/net_int.h"

void net_touch(struct net *n)
{
    if (n->touched)
        return;
    n->touched = true;
    clock_read(&n->env);
    /* Runs behind all events that are active now. */
    event_active(n->settle, EV_TIMEOUT, 0);
}

void net_enter(struct net *n)
{
    net_touch(n);
    clock_read(&n->env);
}

void net_bind_to_process(struct net *n)
{
    n->process = getpid();
}

/* The loop's descriptor is shared until libevent has made another one: what was taken off it here
 * would be taken off the other process's loop. */
bool net_is_forked(struct net *n)
{
    if (n->forked || !n->process || n->process == getpid())
        return n->forked;
    n->forked = true;
    (void)event_reinit(n->base);
    return true;
}
