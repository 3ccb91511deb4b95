#include "app/monitors.h"

#include <stdlib.h>

#include "app/metrics_process.h"
#include "monitor/feed.h"
#include "monitor/metrics.h"
#include "monitor/visit.h"
#include "net/talks.h"

struct monitors {
    struct net *net;
    const struct host *host; /* NULL: not made yet */
    struct metrics *metrics; /* NULL: nothing is counted */
    struct visits visits;
    struct talks *visitors;
    struct feed *feed;
    struct talks *readers;
};

/* ---- MetricsPort ---- */

static bool is_welcome(void *arg, const struct ipport *peer)
{
    const struct monitors *m = arg;
    return m->metrics &&
           addr_policy_accepts(&host_options(m->host)->is.metrics_policy, &peer->ip, peer->port);
}

static void write_metrics(void *arg, struct text_out *out)
{
    const struct monitors *m = arg;
    const struct net_counts *counts = net_counts(m->net);
    const struct metrics_around around = {.dialled_v4 = counts->dialled_v4,
                                          .dialled_v6 = counts->dialled_v6,
                                          .applications = host_connections(m->host)};
    metrics_write(m->metrics, &around, out);
    metrics_process_write(out);
}

static bool has_metrics_port(const struct options *o)
{
    for (size_t i = 0; i < o->is.ports.n; i++)
        if (o->is.ports.of[i].kind == PORT_METRICS)
            return true;
    return false;
}

static void set_metrics(struct monitors *m)
{
    if (!has_metrics_port(host_options(m->host))) {
        metrics_free(m->metrics);
        m->metrics = NULL;
    } else if (!m->metrics) {
        m->metrics = metrics_new(host_client(m->host));
    }
}

/* ---- EventSocket ---- */

static bool tells_destinations(void *arg)
{
    const struct monitors *m = arg;
    return host_options(m->host)->is.safe_logging != SAFELOG_ALL;
}

/* ---- both ---- */

void monitors_set(struct monitors *m, const struct host *h)
{
    m->host = h;
    set_metrics(m);
    if (!m->feed) /* it costs nothing while nobody reads */
        m->feed = feed_new(net_env(m->net), host_client(h), tells_destinations, m);
}

struct monitors *monitors_new(struct net *n, struct port_front fronts[PORT_KINDS])
{
    struct monitors *m = calloc(1, sizeof *m);
    if (!m)
        return NULL;
    *m = (struct monitors){
        .net = n,
        .visits = {.env = net_env(n), .is_welcome = is_welcome, .write = write_metrics, .arg = m},
    };
    m->visitors = talks_new(n, &visit_talk, &m->visits);
    m->readers = talks_new(n, &feed_talk, &m->feed);
    if (!m->visitors || !m->readers) {
        monitors_free(m);
        return NULL;
    }
    fronts[PORT_METRICS] =
        (struct port_front){.what = "Metrics", .accept = talks_accept, .arg = m->visitors};
    fronts[PORT_EVENTS] =
        (struct port_front){.what = "Event", .accept = talks_accept, .arg = m->readers};
    return m;
}

void monitors_free(struct monitors *m)
{
    if (!m)
        return;
    talks_free(m->visitors);
    talks_free(m->readers);
    metrics_free(m->metrics);
    feed_free(m->feed);
    free(m);
}
