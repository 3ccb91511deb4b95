/* What a client makes of its links: whether the way to the relays stands (doubt.h), and whether
 * there is any network at all (offline.h). */
#include <stdio.h>

#include "client/client_int.h"
#include "client/leg.h"

/* ---- the network was away ---- */

static void network_is_back(struct client *c, uint64_t since_us)
{
    guards_forgive(c->guards, since_us);
    dirmgr_retry_now(directory_mgr(c->directory));
    exits_network_back(c->exits);
}

/* ---- doubt ---- */

static void doubt_begun(void *arg)
{
    struct client *c = arg;
    log_info(c->env->log,
             "A relay acknowledges nothing: looking whether the way there still stands.");
}

/* Primary guards: who is dialled when the first does not answer, in any case. */
static size_t other_guards(void *arg, struct link_target *out, size_t most)
{
    struct client *c = arg;
    struct guard_info info;
    size_t n = 0;
    for (size_t i = 0; c->nd && n < most && guards_at(c->guards, i, &info) && info.primary; i++) {
        const struct router *r = info.filtered ? netdir_by_rsa(c->nd, &info.rsa) : NULL;
        if (r && router_usable(r))
            out[n++] = leg_first_hop(&c->settings->path, r);
    }
    return n;
}

static void doubt_answered_by_one(void *arg)
{
    struct client *c = arg;
    log_info(c->env->log, "Relays answer.");
    network_is_back(c, c->doubt.since_us);
}

static const struct doubt_ops doubt_ops = {
    .begun = doubt_begun,
    .others = other_guards,
    .answered = doubt_answered_by_one,
};

void client_watch_way(struct client *c)
{
    doubt_init(&c->doubt, c->env, c->links, &doubt_ops, c);
}

/* ---- the machine's network ---- */

static void close_without_address(void *arg, struct link *l)
{
    struct client *c = arg;
    if (!c->world_ops->has_address(c->world, l))
        link_close(l, ERR_LINK_CLOSED, OR_NOROUTE, "this computer's address is another now");
}

void client_network_changed(struct client *c)
{
    if (!c->running)
        return;
    linkpool_each(c->links, close_without_address, c);
    doubt_look(&c->doubt);
    if (c->offline.dials)
        network_is_back(c, c->offline.since_us);
}

/* ---- links ---- */

static void link_opened(void *arg, const struct link_target *peer)
{
    struct client *c = arg;
    (void)peer;
    if (offline_is(&c->offline, c->env))
        network_is_back(c, c->offline.since_us);
    offline_link_stood(&c->offline, c->env);
    doubt_answered(&c->doubt);
}

static void link_failed(void *arg, const struct link_target *peer, const struct link_end *end)
{
    struct client *c = arg;
    if (end->why == ERR_LINK_DATES)
        client_warn_dates(c, peer);
    offline_dial_failed(&c->offline, c->env, end);
    if (offline_is(&c->offline, c->env))
        tunnels_no_network(c->tunnels);
}

static void link_stalled(void *arg, bool stalled)
{
    struct client *c = arg;
    if (!stalled) {
        doubt_answered(&c->doubt);
        return;
    }
    if (!c->dormancy.dormant) /* nobody waits for the way */
        doubt_stalled(&c->doubt);
    exits_leave_stalled(c->exits);
    tunnels_leave_stalled(c->tunnels);
}

static void link_clock_skew(void *arg, int64_t skew_s, const struct link_target *peer)
{
    char addr[REACH_TEXT_MAX], whose[REACH_TEXT_MAX + 32];
    const struct clock_word word = {.skew_s = skew_s,
                                    .trusted = true,
                                    .source = "OR",
                                    .received = "NETINFO cell",
                                    .peer = &peer->reach,
                                    .id = &peer->rsa,
                                    .whose = whose};
    snprintf(whose, sizeof whose, "that of the relay at %s", reach_text(&peer->reach, addr));
    client_hear_of_clock(arg, &word);
}

const struct linkpool_ops client_linkpool_ops = {
    .clock_skew = link_clock_skew,
    .opened = link_opened,
    .failed = link_failed,
    .stalled = link_stalled,
};
