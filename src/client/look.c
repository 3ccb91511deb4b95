#include "client/look.h"

#include "client/client_int.h"
#include "client/ocirc.h"

/* A look at each of something: whom to give the records to. */
struct circuit_look {
    void (*fn)(void *arg, const struct event_circuit *e);
    void *arg;
};

static enum circuit_status status_of(const struct ocirc *oc)
{
    if (oc->waits_for_guard)
        return CIRCUIT_GUARD_WAIT;
    if (oc->state == OCIRC_OPEN)
        return CIRCUIT_BUILT;
    /* tor says EXTENDED as soon as a path is picked, which it then does not show. */
    return oc->circ && circ_hops(oc->circ) ? CIRCUIT_EXTENDED : CIRCUIT_LAUNCHED;
}

static void look_at_circuit(void *arg, struct ocirc *oc)
{
    const struct circuit_look *look = arg;
    struct event_circuit e;
    circuits_describe(oc, status_of(oc), &e);
    look->fn(look->arg, &e);
}

void look_at_circuits(const struct client *c, void (*fn)(void *arg, const struct event_circuit *e),
                      void *arg)
{
    struct circuit_look look = {fn, arg};
    circuits_each(c->circuits, look_at_circuit, &look);
}

/* As in tor's stream-status: one that waits, for whatever, is NEW. */
static enum stream_status stream_status(const struct ostream *s)
{
    bool dns = s->purpose == STREAM_DNS_REQUEST;
    if (s->succeeded && !dns)
        return STREAM_SUCCEEDED;
    if (s->circuit)
        return dns ? STREAM_SENTRESOLVE : STREAM_SENTCONNECT;
    return dns ? STREAM_NEWRESOLVE : STREAM_NEW;
}

struct stream_look {
    void (*fn)(void *arg, const struct event_stream *e);
    void *arg;
};

static void look_at_stream(void *arg, struct ostream *s)
{
    const struct stream_look *look = arg;
    struct event_stream e;
    ostream_describe(s, stream_status(s), &e);
    look->fn(look->arg, &e);
}

void look_at_streams(const struct client *c, void (*fn)(void *arg, const struct event_stream *e),
                     void *arg)
{
    struct stream_look look = {fn, arg};
    ostreams_each(c->streams, look_at_stream, &look);
}

void look_at_orconns(const struct client *c, void (*fn)(void *arg, const struct event_orconn *e),
                     void *arg)
{
    linkpool_look(c->links, fn, arg);
}

void look_at_guards(const struct client *c, void (*fn)(void *arg, const struct guard_info *g),
                    void *arg)
{
    struct guard_info info;
    for (size_t i = 0; guards_at(c->guards, i, &info); i++)
        fn(arg, &info);
}

const struct event_bootstrap *look_at_bootstrap(const struct client *c)
{
    return &c->bootstrap.last;
}

bool look_has_directory(const struct client *c)
{
    return c->nd != NULL;
}

bool look_has_circuit(const struct client *c)
{
    return circuits_established(c->circuits);
}

bool look_network_is_live(const struct client *c)
{
    return cbt_network_is_live(c->cbt);
}

struct event_bw look_at_bytes(const struct client *c)
{
    struct linkpool_bytes sum = linkpool_bytes(c->links);
    return (struct event_bw){.read = sum.in, .written = sum.out};
}

const struct event_bw *look_at_second(const struct client *c, size_t i)
{
    return meter_second(&c->meter, i);
}

const char *look_nickname(const struct client *c, const struct rsa_id *id)
{
    const struct netdir *nd = dirmgr_known(directory_mgr(c->directory));
    const struct router *r = nd ? netdir_by_rsa(nd, id) : NULL;
    return r ? r->nickname : "";
}
