/* What "tunic ctl top" asks for next. */
#include <stdio.h>

#include "app/ctl/topstate.h"

static const char *const keys[ASK_ONCE] = {
    [ASK_NAMES] = "events/names",   [ASK_VERSION] = "version",
    [ASK_UPTIME] = "uptime",        [ASK_BOOTSTRAP] = "status/bootstrap-phase",
    [ASK_READ] = "traffic/read",    [ASK_WRITTEN] = "traffic/written",
    [ASK_GUARDS] = "entry-guards",  [ASK_CIRCUITS] = "circuit-status",
    [ASK_STREAMS] = "stream-status"};

static struct top_request *note(struct top *t, enum top_ask ask, size_t relay)
{
    size_t at = (t->first_in_flight + t->n_in_flight++) % TOP_IN_FLIGHT_MAX;
    t->in_flight[at] = (struct top_request){.ask = ask, .relay = relay};
    return &t->in_flight[at];
}

bool top_may_order(const struct top *t)
{
    return t->n_in_flight < TOP_IN_FLIGHT_MAX;
}

void top_ordered(struct top *t, const char *line)
{
    struct top_request *r = note(t, ASK_ORDER, 0);
    snprintf(r->order, sizeof r->order, "%s", line);
}

static bool next_wanted(struct top *t, char line[TOP_LINE_MAX])
{
    for (enum top_ask ask = 0; ask < ASK_ONCE; ask++) {
        if (!(t->wanted & 1u << ask))
            continue;
        t->wanted &= ~(1u << ask);
        if (ask == ASK_EVENTS)
            snprintf(line, TOP_LINE_MAX, "SETEVENTS%s", t->types);
        else
            snprintf(line, TOP_LINE_MAX, "GETINFO %s", keys[ask]);
        (void)note(t, ask, 0);
        return true;
    }
    return false;
}

/* A relay's address, then its country. */
static bool next_relay(struct top *t, char line[TOP_LINE_MAX])
{
    while (t->countries_asked < t->relays_asked) {
        const struct ctl_place_of *p = &t->relays.list[t->countries_asked];
        if (!p->relay.address[0] && t->n_in_flight)
            break; /* its answer may be under way */
        t->countries_asked++;
        if (!p->relay.address[0])
            continue;
        snprintf(line, TOP_LINE_MAX, "GETINFO ip-to-country/%s", p->relay.address);
        (void)note(t, ASK_COUNTRY, t->countries_asked - 1);
        return true;
    }
    if (t->relays_asked == t->relays.n)
        return false;
    snprintf(line, TOP_LINE_MAX, "GETINFO ns/id/%s", t->relays.list[t->relays_asked].fingerprint);
    (void)note(t, ASK_RELAY, t->relays_asked++);
    return true;
}

bool top_next(struct top *t, char line[TOP_LINE_MAX])
{
    /* Two are left for orders. */
    if (t->n_in_flight + 2 >= TOP_IN_FLIGHT_MAX)
        return false;
    return next_wanted(t, line) || next_relay(t, line);
}
