/* A client for the feed: it tells what the test says, and has what the test says. */
#ifndef TUNIC_TESTS_MONITOR_STILLCLIENT_H
#define TUNIC_TESTS_MONITOR_STILLCLIENT_H

#include "client/client.h"
#include "client/events.h"
#include "client/look.h"

static struct events *events;
static unsigned n_circuits; /* that there are */

void client_listen(struct client *c, struct event_listener *l, unsigned kinds)
{
    (void)c;
    events_listen(events, l, kinds);
}

void look_at_circuits(const struct client *c, void (*fn)(void *arg, const struct event_circuit *e),
                      void *arg)
{
    struct event_circuit e = {.status = CIRCUIT_BUILT};
    (void)c;
    for (e.id = 1; e.id <= n_circuits; e.id++)
        fn(arg, &e);
}

void look_at_streams(const struct client *c, void (*fn)(void *arg, const struct event_stream *e),
                     void *arg)
{
    (void)c, (void)fn, (void)arg;
}

void look_at_orconns(const struct client *c, void (*fn)(void *arg, const struct event_orconn *e),
                     void *arg)
{
    (void)c, (void)fn, (void)arg;
}

void look_at_guards(const struct client *c, void (*fn)(void *arg, const struct guard_info *g),
                    void *arg)
{
    const struct guard_info g = {.nickname = "old", .primary = true, .listed = true};
    (void)c;
    fn(arg, &g);
}

const struct event_bootstrap *look_at_bootstrap(const struct client *c)
{
    static const struct event_bootstrap e = {.step = {.percent = -1}};
    (void)c;
    return &e;
}

bool look_has_directory(const struct client *c)
{
    (void)c;
    return true;
}

bool look_has_circuit(const struct client *c)
{
    (void)c;
    return false;
}

bool look_network_is_live(const struct client *c)
{
    (void)c;
    return true;
}

struct event_bw look_at_bytes(const struct client *c)
{
    (void)c;
    return (struct event_bw){.read = 5, .written = 6};
}

const char *look_nickname(const struct client *c, const struct rsa_id *id)
{
    (void)c;
    return id->b[0] ? "listed" : "";
}

#endif
