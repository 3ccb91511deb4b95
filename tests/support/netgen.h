/* Made-up networks: writes a consensus and microdescriptors as text, and reads them through the
 * real parsers into a netdir. Nothing is signed. Header-only, so that tests of the layers below dir
 * need not link it; a test that includes it must link dir and crypto. */
#ifndef TUNIC_TESTS_NETGEN_H
#define TUNIC_TESTS_NETGEN_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/encode.h"
#include "crypto/hash.h"
#include "dir/doc.h"
#include "dir/netdir.h"
#include "support/test.h"

/* 2026-01-01 00:00:00, when test_env() begins */
#define NETGEN_NOW      INT64_C(1767225600)
#define NETGEN_ALLFLAGS "Exit Fast Guard HSDir Running Stable V2Dir Valid"
#define NETGEN_WEIGHTS                                                                       \
    "Wbd=1000 Wbe=2000 Wbg=4000 Wbm=10000 Wdb=10000 Web=10000 Wed=10000 Wee=10000 Weg=5000 " \
    "Wem=10000 Wgb=10000 Wgd=3000 Wgg=6000 Wgm=6000 Wmb=10000 Wmd=1000 Wme=2000 Wmg=4000 "   \
    "Wmm=10000"

struct netgen_relay {
    char nick[20];
    uint8_t rsa[20], ed[32];
    uint8_t v4[4], v6[16]; /* v6: all zero for none */
    uint16_t orport;
    const char *flags;
    uint32_t bw;
    char p[64], p6[64];   /* "" for no line */
    char family[256];     /* "" for no line */
    char family_ids[128]; /* "" for no line */
    bool no_md;
};

struct netgen {
    struct netgen_relay *relays;
    size_t n;
    const char *params;    /* "a=1 b=2" in order, or NULL */
    const char *weights;   /* NULL: NETGEN_WEIGHTS; "": no line */
    int64_t valid_after_s; /* 0: half an hour before NETGEN_NOW */
};

struct netgen_text {
    char *s;
    size_t len, cap;
};

__attribute__((format(printf, 2, 3))) static inline void netgen_add(struct netgen_text *t,
                                                                    const char *fmt, ...)
{
    va_list ap;
    if (t->cap - t->len < 4096) {
        t->cap = t->cap * 2 + 8192;
        t->s = realloc(t->s, t->cap);
        ck_assert_ptr_nonnull(t->s);
    }
    va_start(ap, fmt);
    int n = vsnprintf(t->s + t->len, t->cap - t->len, fmt, ap);
    va_end(ap);
    ck_assert(n >= 0 && (size_t)n < t->cap - t->len);
    t->len += (size_t)n;
}

static inline void netgen_add_date(struct netgen_text *t, const char *key, int64_t when)
{
    char date[DOC_TIME_TEXT_MAX];
    netgen_add(t, "%s %s\n", key, doc_time_text(when, date));
}

static inline void netgen_md(const struct netgen_relay *r, struct netgen_text *t)
{
    char key[BASE64_SIZE(32)], ed[BASE64_SIZE(32)];
    netgen_add(t, "onion-key\nntor-onion-key %s\n", base64_encode(r->ed, 32, false, key));
    if (r->family[0])
        netgen_add(t, "family %s\n", r->family);
    if (r->family_ids[0])
        netgen_add(t, "family-ids %s\n", r->family_ids);
    if (r->p[0])
        netgen_add(t, "p %s\n", r->p);
    if (r->p6[0])
        netgen_add(t, "p6 %s\n", r->p6);
    netgen_add(t, "id ed25519 %s\n", base64_encode(r->ed, 32, false, ed));
}

static inline void netgen_row(const struct netgen_relay *r, struct netgen_text *t)
{
    static const uint8_t no_v6[16];
    struct netgen_text md = {NULL, 0, 0};
    uint8_t digest[32];
    char rsa[BASE64_SIZE(20)], m[BASE64_SIZE(32)], ap[IPPORT_TEXT_MAX];
    netgen_md(r, &md);
    sha256(md.s, md.len, digest);
    free(md.s);
    netgen_add(t, "r %s %s 2038-01-01 00:00:00 %u.%u.%u.%u %u 0\n", r->nick,
               base64_encode(r->rsa, 20, false, rsa), r->v4[0], r->v4[1], r->v4[2], r->v4[3],
               r->orport);
    if (memcmp(r->v6, no_v6, 16) != 0) {
        struct ipport v6 = {ip_v6(r->v6), r->orport};
        netgen_add(t, "a %s\n", ipport_text(&v6, ap));
    }
    netgen_add(t, "m %s\ns %s\npr Link=1-5 Relay=1-4\nw Bandwidth=%u\n",
               base64_encode(digest, 32, false, m), r->flags, r->bw);
}

static inline int netgen_order(const void *a, const void *b)
{
    return memcmp(((const struct netgen_relay *)a)->rsa, ((const struct netgen_relay *)b)->rsa, 20);
}

/* Sorts g->relays by identity, as the consensus wants them. The caller holds the result. */
static inline struct netdir *netgen_make(struct netgen *g)
{
    struct netgen_text t = {NULL, 0, 0};
    int64_t after = g->valid_after_s ? g->valid_after_s : NETGEN_NOW - 1800;
    qsort(g->relays, g->n, sizeof *g->relays, netgen_order);
    netgen_add(&t, "network-status-version 3 microdesc\nvote-status consensus\n"
                   "consensus-method 35\n");
    netgen_add_date(&t, "valid-after", after);
    netgen_add_date(&t, "fresh-until", after + 3600);
    netgen_add_date(&t, "valid-until", after + 3 * 3600);
    netgen_add(&t, "voting-delay 300 300\nknown-flags BadExit " NETGEN_ALLFLAGS "\n");
    if (g->params)
        netgen_add(&t, "params %s\n", g->params);
    for (size_t i = 0; i < g->n; i++)
        netgen_row(&g->relays[i], &t);
    netgen_add(&t, "directory-footer\n");
    const char *weights = g->weights ? g->weights : NETGEN_WEIGHTS;
    if (weights[0])
        netgen_add(&t, "bandwidth-weights %s\n", weights);
    netgen_add(&t,
               "directory-signature sha256 %040d %040d\n-----BEGIN SIGNATURE-----\nAAAA\n"
               "-----END SIGNATURE-----\n",
               1, 2);
    struct consensus *c;
    struct netdir *nd;
    ck_ok(consensus_parse((struct text){t.s, t.len}, &c));
    free(t.s);
    ck_ok(netdir_new(c, NULL, &nd));
    for (size_t i = 0; i < g->n; i++) {
        struct netgen_text md = {NULL, 0, 0};
        struct microdesc parsed;
        if (g->relays[i].no_md)
            continue;
        netgen_md(&g->relays[i], &md);
        struct text rest = {md.s, md.len};
        ck_ok(microdesc_next(&rest, &parsed));
        ck_ok(netdir_add_md(nd, &parsed));
        free(md.s);
    }
    return nd;
}

/* A plain relay number I: its own /16 and keys, all flags, bandwidth 1000, lets everything out. */
static inline struct netgen_relay netgen_relay(unsigned i)
{
    struct netgen_relay r = {.orport = 9001, .flags = NETGEN_ALLFLAGS, .bw = 1000};
    char seed[32];
    uint8_t digest[32];
    snprintf(r.nick, sizeof r.nick, "relay%u", i);
    int n = snprintf(seed, sizeof seed, "relay %u", i);
    sha256(seed, (size_t)n, r.ed);
    sha256(r.ed, 32, digest);
    memcpy(r.rsa, digest, 20);
    r.v4[0] = (uint8_t)(1 + i / 250);
    r.v4[1] = (uint8_t)(1 + i % 250);
    r.v4[3] = 1;
    snprintf(r.p, sizeof r.p, "accept 1-65535");
    return r;
}

/* Two relays of one name; the second has the bandwidth BW. */
static inline struct netdir *netgen_two(uint32_t bw)
{
    struct netgen_relay relays[2];
    struct netgen net = {.relays = relays, .n = 2};
    for (size_t i = 0; i < 2; i++) {
        relays[i] = (struct netgen_relay){.orport = 9001, .flags = NETGEN_ALLFLAGS, .bw = 100};
        relays[i].v4[0] = (uint8_t)(10 + i);
        relays[i].rsa[0] = (uint8_t)(0x40 + i);
        relays[i].ed[0] = (uint8_t)(0x80 + i);
        strcpy(relays[i].nick, "relay");
    }
    relays[1].bw = bw;
    return netgen_make(&net);
}

#endif
