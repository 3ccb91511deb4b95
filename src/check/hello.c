/* The link handshake of a case that wants to get past it. */
#include <string.h>

#include "check/probe.h"
#include "check/words.h"

static const uint16_t our_versions[] = {3, 4, 5};

/* The relay's VERSIONS; what follows has the circuit ids of the version in common. */
static void take_versions(struct probe *p, struct chan_versions *out)
{
    const struct chan_versions ours = {.n = 3, .v = {3, 4, 5}};
    struct probe_cell cell;
    if (!probe_await(p, CELL_VERSIONS, &cell))
        return;
    if (chan_versions_decode(rd_over(cell.body, cell.len), out) != OK) {
        trial_fail(p->t, "VERSIONS is malformed");
        return;
    }
    p->version = chan_versions_common(&ours, out);
    TRIAL_EXPECT(p->t, p->version, "no version of the link protocol in common");
    p->circ_id_len = p->version >= 4 ? 4 : 2;
}

struct probe *probe_versions(struct trial *t)
{
    struct chan_versions theirs;
    struct probe *p = probe_tls(t);
    probe_send_versions(p, our_versions, sizeof our_versions / sizeof *our_versions);
    if (p && trial_goes_on(t))
        take_versions(p, &theirs);
    return p;
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

struct probe *probe_hello(struct trial *t, struct probe_hello *out)
{
    struct probe_cell cell;
    size_t used = 0;
    *out = (struct probe_hello){.versions.n = 0};
    struct probe *p = probe_tls(t);
    probe_send_versions(p, our_versions, sizeof our_versions / sizeof *our_versions);
    if (!p || !trial_goes_on(t))
        return p;
    take_versions(p, &out->versions);
    if (probe_await(p, CELL_CERTS, &cell))
        TRIAL_EXPECT(t, chan_certs_decode(keep(out, &used, &cell), &out->certs) == OK,
                     "CERTS is malformed");
    if (probe_await(p, CELL_AUTH_CHALLENGE, &cell))
        TRIAL_EXPECT(
            t, chan_auth_challenge_decode(rd_over(cell.body, cell.len), &out->challenge) == OK,
            "AUTH_CHALLENGE is malformed");
    if (probe_await(p, CELL_NETINFO, &cell))
        TRIAL_EXPECT(t, chan_netinfo_decode(rd_over(cell.body, cell.len), &out->netinfo) == OK,
                     "NETINFO is malformed");
    return p;
}

struct probe *probe_link(struct trial *t)
{
    struct probe_hello hello;
    struct probe *p = probe_hello(t, &hello);
    probe_send_netinfo(p);
    return p;
}
