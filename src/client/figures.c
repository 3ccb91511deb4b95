#include "client/figures.h"

#include "client/client_int.h"
#include "client/ocirc.h"

static void count_circuit(void *arg, struct ocirc *oc)
{
    struct client_figures *f = arg;
    if (oc->state == OCIRC_OPEN)
        f->circuits_open++;
    else if (oc->state != OCIRC_CLOSED)
        f->circuits_building++;
}

static void count_link(void *arg, struct link *l)
{
    struct client_figures *f = arg;
    if (link_state(l) == LINK_CLOSED)
        return;
    *(link_state(l) == LINK_OPEN ? &f->links_open : &f->links_opening) += 1;
    f->links_queued_bytes += link_held(l);
}

static void count_guards(const struct guards *g, struct client_figures *f)
{
    struct guard_info info;
    for (size_t i = 0; guards_at(g, i, &info); i++) {
        f->guards++;
        f->guards_primary += info.primary;
        f->guards_confirmed += info.confirmed;
        f->guards_down += info.down;
    }
}

struct client_figures client_figures(const struct client *c)
{
    struct linkpool_bytes bytes = linkpool_bytes(c->links);
    struct client_figures f = {
        .bootstrap_percent = client_bootstrap_percent(c),
        .relays = c->nd ? netdir_n(c->nd) : 0,
        .streams = tunnels_count(c->tunnels),
        .streams_waiting = tunnels_waiting(c->tunnels),
        .bytes_read = bytes.in,
        .bytes_written = bytes.out,
    };
    circuits_each(c->circuits, count_circuit, &f);
    linkpool_each(c->links, count_link, &f);
    count_guards(c->guards, &f);
    cbt_info(c->cbt, &f.build_times);
    return f;
}
