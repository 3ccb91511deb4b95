/* A network's relays as fluid: what each carries, what its clients want, with noise, and on which
 * host it is. How large they are, and who shares an address or a /24, is drawn after the consensus
 * of 2020-02-29. Inline: for tests of whole networks. */
#ifndef TUNIC_TESTS_FLUIDNET_H
#define TUNIC_TESTS_FLUIDNET_H

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "base/hash.h"
#include "base/ids.h"
#include "base/timer.h"
#include "support/test.h"

enum {
    FLUID_TEAM = 3, /* measurers */
    FLUID_PERCENT = 25,
    FLUID_FLOOR = 1250000, /* bytes/s: 316's 10 Mbit/s */
    /* Of 6,433 relays; other numbers have as many of each in proportion. */
    FLUID_RELAYS = 6433,
    FLUID_PAIRS = 204,      /* addresses with two relays */
    FLUID_IN_SUBNET = 2034, /* relays in a /24 with another */
    FLUID_NEW = 356,        /* without a weight */
};
#define FLUID_NO_HOST SIZE_MAX

enum fluid_kind {
    FLUID_HONEST,
    FLUID_OFFLINE, /* nobody answers */
    FLUID_REFUSES,
    FLUID_SILENT, /* knows nothing of measuring */
    FLUID_BOASTS, /* of clients that it has not */
    FLUID_FORGES, /* echoes */
    FLUID_CLOSES, /* in the middle */
};

struct fluid_team; /* fluidteam.h */
struct fluid_job;
struct fluid_talk;

struct fluid_relay {
    struct ipport at;
    struct rsa_id fp;
    size_t number;
    size_t host;     /* FLUID_NO_HOST: its own */
    double capacity; /* bytes a second of its own, on the wire */
    double truth;    /* what it carries if all on its host are busy */
    double clients;  /* bytes a second that they want */
    double weight;   /* the consensus', bytes a second; 0: it is new */
    enum fluid_kind kind;
    /* While it is measured. */
    double off, now; /* noise of the run, and with that of the second */
    double wants;    /* bytes a second that flowed, or would, without the host's limit */
    double x, y;     /* bytes of this tick */
    struct fluid_job *jobs[FLUID_TEAM]; /* NULL: none */
    bool busy;
    struct fluid_team *team;
    struct fluid_talk *talk;
    struct timer tick;
    uint64_t go_us;
    unsigned ticks;
    UT_hash_handle hh;
};

struct fluid_host {
    double capacity;
    struct fluid_relay *relays[2];
};

struct fluid_net {
    struct fluid_relay *relays;
    size_t n;
    struct fluid_host *hosts;
    size_t n_hosts;
    struct fluid_relay *by_at;
    uint64_t state; /* of what is drawn */
    double noise;   /* standard deviation of a second's rate; half of it of a run's */
};

/* ---- chance ---- */

static inline uint64_t fluid_draw(struct fluid_net *net, uint64_t below)
{
    uint64_t z = net->state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return (z ^ z >> 31) % below;
}

/* In [0, 1). */
static inline double fluid_uniform(struct fluid_net *net)
{
    return (double)fluid_draw(net, UINT64_C(1) << 53) / (double)(UINT64_C(1) << 53);
}

/* Normal enough: mean 0, deviation 1. */
static inline double fluid_normal(struct fluid_net *net)
{
    double sum = -6;
    for (int i = 0; i < 12; i++)
        sum += fluid_uniform(net);
    return sum;
}

/* ---- sizes ---- */

/* The weight in bytes a second below which PERCENT of the relays are. */
static inline double fluid_size(double percent)
{
    static const double at[] = {0,  5,  10, 20, 25, 30, 40, 50,   60,
                                70, 75, 80, 90, 95, 98, 99, 99.9, 100};
    static const double kb[] = {1,     12,    20,    130,   280,   542,   1350,  3300,   6010,
                                10200, 13000, 16400, 30000, 49000, 75000, 91000, 124000, 150000};
    size_t i = 1;
    while (percent > at[i])
        i++;
    double share = (percent - at[i - 1]) / (at[i] - at[i - 1]);
    return 1000 * exp(log(kb[i - 1]) * (1 - share) + log(kb[i]) * share);
}

static inline void fluid_place(struct fluid_net *net, struct fluid_relay *r, unsigned subnet,
                               unsigned last, uint16_t port)
{
    const uint8_t ip[4] = {(uint8_t)(20 + (subnet >> 16)), (uint8_t)(subnet >> 8), (uint8_t)subnet,
                           (uint8_t)last};
    memset(&r->at, 0, sizeof r->at);
    r->at.ip.family = IP_V4;
    memcpy(r->at.ip.b, ip, sizeof ip);
    r->at.port = port;
    HASH_ADD(hh, net->by_at, at, sizeof r->at, r);
    ck_assert(HASH_ADDED(r, hh));
}

static inline struct fluid_relay *fluid_at(struct fluid_net *net, const struct ipport *at)
{
    struct ipport key;
    struct fluid_relay *r;
    memset(&key, 0, sizeof key);
    key.ip.family = at->ip.family;
    memcpy(key.ip.b, at->ip.b, sizeof key.ip.b);
    key.port = at->port;
    HASH_FIND(hh, net->by_at, &key, sizeof key, r);
    return r;
}

/* What relay K of a host carries if both are busy. */
static inline double fluid_fair(const struct fluid_host *h, size_t k)
{
    double mine = h->relays[k]->capacity, other = h->relays[!k]->capacity, half = h->capacity / 2;
    double left = h->capacity - (other < half ? other : half);
    return mine < left ? mine : left;
}

/* Two relays on one host; of every other pair the host is what limits them. */
static inline void fluid_pair(struct fluid_net *net, struct fluid_relay *a, struct fluid_relay *b)
{
    double sum = a->capacity + b->capacity;
    struct fluid_host *h = &net->hosts[net->n_hosts];
    *h = (struct fluid_host){.capacity = sum, .relays = {a, b}};
    a->host = b->host = net->n_hosts++;
    if (net->n_hosts % 2 == 0)
        a->capacity = b->capacity = sum;
    a->truth = fluid_fair(h, 0);
    b->truth = fluid_fair(h, 1);
}

static inline void fluid_places(struct fluid_net *net)
{
    size_t pairs = net->n * FLUID_PAIRS / FLUID_RELAYS;
    size_t shared = net->n * FLUID_IN_SUBNET / FLUID_RELAYS, at = 0;
    unsigned subnet = 0;
    net->hosts = calloc(pairs + 1, sizeof *net->hosts);
    ck_assert_ptr_nonnull(net->hosts);
    for (; at < 2 * pairs; at += 2, subnet++) {
        fluid_pair(net, &net->relays[at], &net->relays[at + 1]);
        fluid_place(net, &net->relays[at], subnet, 1, 9001);
        fluid_place(net, &net->relays[at + 1], subnet, 1, 9002);
    }
    while (at + 2 <= shared) {
        size_t many = 2 + fluid_draw(net, 4);
        many = at + many + 2 > shared ? shared - at : many;
        for (unsigned last = 1; many; many--, last++)
            fluid_place(net, &net->relays[at++], subnet, last, 443);
        subnet++;
    }
    for (; at < net->n; at++, subnet++)
        fluid_place(net, &net->relays[at], subnet, 7, 9001);
}

/* N relays in an order that says nothing of their sizes. Clients of fast ones want up to half of
 * what these carry; slow ones are hardly chosen, and theirs want up to SLOW of it. */
static inline void fluid_new(struct fluid_net *net, size_t n, uint64_t seed, double slow)
{
    *net = (struct fluid_net){.n = n, .state = seed, .noise = .03};
    net->relays = calloc(n, sizeof *net->relays);
    ck_assert_ptr_nonnull(net->relays);
    for (size_t i = 0; i < n; i++) {
        size_t j = fluid_draw(net, i + 1); /* inside-out shuffle of sizes */
        net->relays[i].capacity = net->relays[j].capacity;
        net->relays[j].capacity = fluid_size(((double)i + .5) * 100 / (double)n);
    }
    for (size_t i = 0; i < n; i++) {
        struct fluid_relay *r = &net->relays[i];
        r->number = i;
        r->host = FLUID_NO_HOST;
        r->truth = r->capacity;
        for (size_t b = 0; b < sizeof r->fp.b; b++)
            r->fp.b[b] = (uint8_t)fluid_draw(net, 256);
    }
    fluid_places(net);
    for (size_t i = 0; i < n; i++) {
        struct fluid_relay *r = &net->relays[i];
        double most = r->truth < FLUID_FLOOR ? slow : .5;
        r->clients = most * fluid_uniform(net) * r->truth;
        r->weight = fluid_draw(net, FLUID_RELAYS) < FLUID_NEW ? 0 : r->truth;
    }
}

static inline void fluid_free(struct fluid_net *net)
{
    HASH_CLEAR(hh, net->by_at);
    free(net->relays);
    free(net->hosts);
}

/* ---- the flow ---- */

/* A second begins: what R carries in it. One of fifty is hardly half of the others. */
static inline void fluid_second(struct fluid_net *net, struct fluid_relay *r)
{
    r->now = r->capacity * (1 + r->off + net->noise * fluid_normal(net));
    if (net->noise > 0 && !fluid_draw(net, 50))
        r->now *= .5;
    r->now = r->now > 0 ? r->now : 0;
}

/* Of CARRIES bytes a second, DEMAND of measurers and what R's clients want, which it keeps at r of
 * all, or of 10 Mbit/s; but they do not get more than half against so many links. */
static inline void fluid_split(const struct fluid_relay *r, double carries, double demand,
                               double *x, double *y)
{
    double ratio = (double)FLUID_PERCENT / (100 - FLUID_PERCENT);
    double base = demand < FLUID_FLOOR ? FLUID_FLOOR : demand;
    double allowed = base * ratio, clients = r->clients < allowed ? r->clients : allowed;
    if (clients + demand > carries) {
        double floor = FLUID_FLOOR * ratio < carries / 2 ? FLUID_FLOOR * ratio : carries / 2;
        double part = carries * FLUID_PERCENT / 100;
        allowed = part > floor ? part : floor;
        clients = r->clients < allowed ? r->clients : allowed;
        if (clients + demand < carries)
            clients = carries - demand;
    }
    *y = clients;
    *x = demand < carries - clients ? demand : carries - clients;
}

/* What of its host is left for R: half, or what the other one leaves. */
static inline double fluid_carries(const struct fluid_net *net, const struct fluid_relay *r)
{
    if (r->host == FLUID_NO_HOST)
        return r->now;
    const struct fluid_host *h = &net->hosts[r->host];
    const struct fluid_relay *other = h->relays[h->relays[0] == r];
    double theirs = other->busy ? other->wants : other->clients, half = h->capacity / 2;
    double noisy = h->capacity * (r->now / r->capacity);
    double left = noisy - (theirs < half ? theirs : half * (r->now / r->capacity));
    return left < r->now ? left : r->now;
}

/* SECONDS go by in which measurers send DEMAND bytes a second: R->x come back, R->y are clients'.
 */
static inline void fluid_flow(const struct fluid_net *net, struct fluid_relay *r, double demand,
                              double seconds)
{
    double x, y;
    fluid_split(r, r->now, demand, &x, &y);
    r->wants = x + y;
    fluid_split(r, fluid_carries(net, r), demand, &x, &y);
    r->x = x * seconds;
    r->y = y * seconds;
}

#endif
