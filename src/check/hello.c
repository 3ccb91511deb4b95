/* The link handshake of a case that wants to get past it. */
#include <string.h>

#include "check/probe.h"
#include "check/words.h"

static const uint16_t our_versions[] = {3, 4, 5};
enum { N_OURS = sizeof our_versions / sizeof *our_versions };

/* The relay's VERSIONS; what follows has the circuit ids of the version in common. */
static void take_versions(struct probe *p, const uint16_t *versions, size_t n,
                          struct chan_versions *out)
{
    struct chan_versions ours = {.n = n};
    struct probe_cell cell;
    if (!probe_await(p, CELL_VERSIONS, &cell))
        return;
    memcpy(ours.v, versions, n * sizeof *versions);
    if (chan_versions_decode(rd_over(cell.body, cell.len), out) != OK) {
        trial_fail(p->t, "VERSIONS is malformed");
        return;
    }
    p->version = chan_versions_common(&ours, out);
    TRIAL_EXPECT(p->t, p->version, "no version of the link protocol in common");
    p->circ_id_len = p->version >= 4 ? 4 : 2;
}

struct probe *probe_offer(struct trial *t, const uint16_t *versions, size_t n)
{
    struct chan_versions theirs;
    struct probe *p = probe_tls(t);
    probe_send_versions(p, versions, n);
    if (p && trial_goes_on(t))
        take_versions(p, versions, n, &theirs);
    return p;
}

struct probe *probe_versions(struct trial *t)
{
    return probe_offer(t, our_versions, N_OURS);
}

/* A copy of the cell's body that outlives the next cell. */
static struct rd keep(struct probe_hello *h, size_t *used, const struct probe_cell *cell)
{
    size_t len = cell->len <= sizeof h->storage - *used ? cell->len : 0;
    uint8_t *at = h->storage + *used;
    memcpy(at, cell->body, len);
    *used += len;
    return rd_over(at, len);
}

/* One of the relay's cells before NETINFO. */
static void take_cell(struct probe_hello *out, size_t *used, const struct probe_cell *cell)
{
    if (cell->cmd == CELL_CERTS && !out->has_certs) {
        out->has_certs = true;
        out->certs_err = chan_certs_decode(keep(out, used, cell), &out->certs);
        if (out->certs_err != OK)
            out->certs.n = 0;
    }
}

bool probe_take_hello(struct probe *p, struct probe_hello *out)
{
    struct probe_cell cell = {.cmd = 0};
    size_t used = 0;
    if (!p || !trial_goes_on(p->t))
        return false;
    trial_awaits(p->t, "NETINFO");
    while (probe_next(p, &cell) && cell.cmd != CELL_NETINFO)
        take_cell(out, &used, &cell);
    if (trial_goes_on(p->t))
        out->netinfo_err = chan_netinfo_decode(rd_over(cell.body, cell.len), &out->netinfo);
    return trial_goes_on(p->t);
}

struct probe *probe_hello(struct trial *t, struct probe_hello *out)
{
    *out = (struct probe_hello){.versions.n = 0};
    struct probe *p = probe_tls(t);
    probe_send_versions(p, our_versions, N_OURS);
    if (p && trial_goes_on(t))
        take_versions(p, our_versions, N_OURS, &out->versions);
    (void)probe_take_hello(p, out);
    return p;
}

struct probe *probe_link_by(struct trial *t, const uint16_t *versions, size_t n)
{
    struct probe_hello hello = {.versions.n = 0};
    struct probe *p = probe_offer(t, versions, n);
    (void)probe_take_hello(p, &hello);
    probe_send_netinfo(p);
    return p;
}

struct probe *probe_link(struct trial *t)
{
    return probe_link_by(t, our_versions, N_OURS);
}
