#include "app/metrics_port.h"

#include <stdlib.h>

#include "app/metrics_process.h"
#include "monitor/metrics.h"
#include "monitor/visit.h"
#include "net/talks.h"

struct metrics_port {
    struct net *net;
    const struct host *host;
    struct metrics *metrics; /* NULL: nothing is counted */
    struct visits visits;
    struct talks *talks;
};

static bool is_welcome(void *arg, const struct ipport *peer)
{
    const struct metrics_port *m = arg;
    return m->metrics &&
           addr_policy_accepts(&host_options(m->host)->is.metrics_policy, &peer->ip, peer->port);
}

static void write_all(void *arg, struct text_out *out)
{
    const struct metrics_port *m = arg;
    const struct net_counts *counts = net_counts(m->net);
    const struct metrics_around around = {.dialled_v4 = counts->dialled_v4,
                                          .dialled_v6 = counts->dialled_v6,
                                          .applications = host_connections(m->host)};
    metrics_write(m->metrics, &around, out);
    metrics_process_write(out);
}

struct metrics_port *metrics_port_new(struct net *n)
{
    struct metrics_port *m = calloc(1, sizeof *m);
    if (!m)
        return NULL;
    *m = (struct metrics_port){
        .net = n,
        .visits = {.env = net_env(n), .is_welcome = is_welcome, .write = write_all, .arg = m},
    };
    m->talks = talks_new(n, &visit_talk, &m->visits);
    if (!m->talks) {
        free(m);
        return NULL;
    }
    return m;
}

void metrics_port_free(struct metrics_port *m)
{
    if (!m)
        return;
    talks_free(m->talks);
    metrics_free(m->metrics);
    free(m);
}

struct port_front metrics_port_front(struct metrics_port *m)
{
    return (struct port_front){.what = "Metrics", .accept = talks_accept, .arg = m->talks};
}

static bool is_asked_for(const struct options *o)
{
    for (size_t i = 0; i < o->is.ports.n; i++)
        if (o->is.ports.of[i].kind == PORT_METRICS)
            return true;
    return false;
}

/* Out of memory: nobody is let in until the next change. */
void metrics_port_set(struct metrics_port *m, const struct host *h)
{
    m->host = h;
    if (!is_asked_for(host_options(h))) {
        metrics_free(m->metrics);
        m->metrics = NULL;
    } else if (!m->metrics) {
        m->metrics = metrics_new(host_client(h));
    }
}
