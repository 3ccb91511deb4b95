/* Makes records of what layers say that know nothing of listeners. */
#include <stdio.h>

#include "client/client_int.h"

static void tell_status(struct client *c, enum status_what what)
{
    const struct event_record e = {.kind = EVENT_STATUS, .status = {.what = what}};
    events_tell(c->events, &e);
}

/* C tor, update_router_have_minimum_dir_info(): "make us log when we next complete a circuit" */
void client_tell_dir_info(struct client *c, bool enough)
{
    tell_status(c, enough ? STATUS_ENOUGH_DIR_INFO : STATUS_NOT_ENOUGH_DIR_INFO);
    if (!enough)
        circuits_doubt(c->circuits, false);
}

static void guard_told(void *arg, enum guard_news news, const struct rsa_id *id,
                       const char *nickname)
{
    static const enum guard_status statuses[] = {
        [GUARD_SAMPLED] = GUARD_NEW,
        [GUARD_WORKS] = GUARD_UP,
        [GUARD_FAILS] = GUARD_DOWN,
        [GUARD_REMOVED] = GUARD_DROPPED,
    };
    struct client *c = arg;
    struct event_record e = {.kind = EVENT_GUARD,
                             .guard = {.status = statuses[news], .relay.rsa = *id}};
    snprintf(e.guard.relay.nickname, sizeof e.guard.relay.nickname, "%s", nickname);
    events_tell(c->events, &e);
}

/* C tor, maintain_layer2_guards(): "None" is for a nickname that nobody knows any more. */
static void vanguard_told(void *arg, bool joined, const struct rsa_id *id)
{
    struct client *c = arg;
    const struct event_record e = {.kind = EVENT_GUARD,
                                   .guard = {.status = joined ? GUARD_GOOD_L2 : GUARD_BAD_L2,
                                             .relay = {.rsa = *id, .nickname = "None"}}};
    events_tell(c->events, &e);
}

static void tell_timeout(struct client *c, bool reset)
{
    struct event_record e = {.kind = EVENT_STATUS,
                             .status = {.what = STATUS_BUILDTIMEOUT_SET, .reset = reset}};
    if (!events_wanted(c->events, EVENT_STATUS))
        return;
    cbt_info(c->cbt, &e.status.cbt);
    events_tell(c->events, &e);
}

static void cbt_told(void *arg, enum cbt_news news)
{
    struct client *c = arg;
    if (news == CBT_COMPUTED || news == CBT_RESET)
        tell_timeout(c, news == CBT_RESET);
    else
        tell_status(c, news == CBT_NETWORK_UP ? STATUS_NETWORK_UP : STATUS_NETWORK_DOWN);
}

void client_tell(struct client *c, const struct event_record *e)
{
    events_tell(c->events, e);
}

void client_tell_signal(struct client *c, enum signal_what what)
{
    const struct event_record e = {.kind = EVENT_SIGNAL, .signal = {.what = what}};
    events_tell(c->events, &e);
}

void client_tell_map(void *arg, const char *from, const char *to, int64_t expires_s,
                     uint64_t stream)
{
    struct client *c = arg;
    struct event_record e = {.kind = EVENT_ADDRMAP,
                             .addrmap = {.expires_s = expires_s, .cached = true, .stream = stream}};
    snprintf(e.addrmap.from, sizeof e.addrmap.from, "%s", from);
    snprintf(e.addrmap.to, sizeof e.addrmap.to, "%s", to);
    events_tell(c->events, &e);
}

void client_listen_below(struct client *c)
{
    guards_set_watch(c->guards, guard_told, c);
    vanguards_set_watch(c->vanguards, vanguard_told, c);
    cbt_set_watch(c->cbt, cbt_told, c);
}
