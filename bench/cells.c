/* Micro benchmark: nanoseconds of the steps every cell takes, and what a consensus costs.
 *
 * usage: cells          a line a figure: the least, the median and the most of RUNS runs
 *
 * Processor time of this thread; each run does the same work. */
#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cell/chan.h"
#include "circuit/cgo.h"
#include "circuit/onion.h"
#include "circuit/tor1.h"
#include "crypto/aes.h"
#include "crypto/encode.h"
#include "crypto/hash.h"
#include "crypto/uiv.h"
#include "dir/consensus.h"

enum {
    RUNS = 9,
    BATCH = 64, /* cells of one wake-up, in the processor's cache as there */
    BATCHES = 300,
    CELLS = BATCH * BATCHES,
    HOPS = 3,
    BULK = 16384,
    TWEAK = 512, /* of UIV+, with what it adds to a cell's body */
    RELAYS = 10000,
    ROW_MAX = 1024,
    HEAD_MAX = 4096,
};

static void need(bool good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "cells: %s\n", what);
    exit(1);
}

static void need_ok(err_t e, const char *what)
{
    if (e != OK)
        fprintf(stderr, "cells: %s: %s\n", what, err_text(e));
    if (e != OK)
        exit(1);
}

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void show(const char *what, double took[RUNS], double per, const char *unit)
{
    qsort(took, RUNS, sizeof took[0], by_value);
    printf("%-48s %10.1f %-5s (%.1f..%.1f)\n", what, took[RUNS / 2] / per, unit, took[0] / per,
           took[RUNS - 1] / per);
}

/* ---- cells ---- */

static void fill(uint8_t *bytes, size_t len)
{
    uint32_t x = 2463534242u;
    for (size_t i = 0; i < len; i++) {
        x ^= x << 13, x ^= x >> 17, x ^= x << 5;
        bytes[i] = (uint8_t)x;
    }
}

/* Two hops of tor1, and one of LAST. */
static void onion_make(struct onion *o, const struct layer_kind *last, enum layer_side side)
{
    for (unsigned hop = 0; hop < HOPS; hop++) {
        const struct layer_kind *kind = hop == HOPS - 1 ? last : &tor1_kind;
        uint8_t keys[LAYER_KEYS_MAX];
        fill(keys, sizeof keys);
        keys[0] = keys[50] = keys[60] = (uint8_t)hop;
        struct hop h = {.layer = kind->make(keys, side)};
        need(h.layer != NULL, "no memory for a layer");
        need_ok(onion_add(o, &h), "onion_add");
    }
}

static uint8_t *cell_at(uint8_t *cells, size_t i)
{
    return cells + i * CHAN_CELL_MAX + CHAN_CELL_MAX - CELL_BODY_LEN;
}

static void bench_seal(const char *what, const struct layer_kind *last, uint8_t *cells)
{
    double took[RUNS];
    struct onion client = {.n = 0};
    onion_make(&client, last, LAYER_CLIENT);
    for (unsigned run = 0; run < RUNS; run++) {
        double begun = now_ns();
        for (size_t i = 0; i < CELLS; i++)
            need_ok(onion_seal(&client, HOPS, CELL_RELAY, cell_at(cells, i % BATCH)), "onion_seal");
        took[run] = now_ns() - begun;
    }
    show(what, took, CELLS, "ns");
    onion_clear(&client);
}

/* The cells the relays would send, made outside of the time that counts. */
static void bench_open(const char *what, const struct layer_kind *last, uint8_t *cells)
{
    double took[RUNS];
    struct onion client = {.n = 0}, relays = {.n = 0};
    onion_make(&client, last, LAYER_CLIENT);
    onion_make(&relays, last, LAYER_RELAY);
    for (unsigned run = 0; run < RUNS; run++) {
        unsigned hop = 0;
        took[run] = 0;
        for (size_t batch = 0; batch < BATCHES; batch++) {
            for (size_t i = 0; i < BATCH; i++)
                need_ok(onion_seal(&relays, HOPS, CELL_RELAY, cell_at(cells, i)), "relays' seal");
            double begun = now_ns();
            for (size_t i = 0; i < BATCH; i++)
                need_ok(onion_open(&client, CELL_RELAY, cell_at(cells, i), &hop), "onion_open");
            took[run] += now_ns() - begun;
        }
        need(hop == HOPS, "a cell was recognized at another hop");
    }
    show(what, took, CELLS, "ns");
    onion_clear(&client);
    onion_clear(&relays);
}

static void bench_frames(uint8_t *cells)
{
    double took[RUNS];
    for (size_t i = 0; i < BATCH; i++) {
        struct wr w = wr_over(cells + i * CHAN_CELL_MAX, CHAN_CELL_MAX);
        need_ok(chan_head_encode(&w, 4, 0x80000001u, CELL_RELAY, CELL_BODY_LEN), "a cell's head");
    }
    for (unsigned run = 0; run < RUNS; run++) {
        size_t n = 0, len = (size_t)BATCH * CHAN_CELL_MAX;
        struct chan_frame frame;
        double begun = now_ns();
        for (size_t batch = 0; batch < BATCHES; batch++) {
            for (size_t at = 0; chan_frame_decode(cells + at, len - at, 4, BULK, &frame) == OK;
                 at += frame.used)
                n++;
        }
        took[run] = now_ns() - begun;
        need(n == CELLS, "not all cells were found");
    }
    show("find a cell on a link", took, CELLS, "ns");
}

static void bench_sha1(const char *what, uint8_t *bytes, size_t len, size_t times, bool peek)
{
    double took[RUNS];
    uint8_t digest[SHA1_LEN] = {0};
    for (unsigned run = 0; run < RUNS; run++) {
        struct sha1_running s;
        sha1_init(&s);
        double begun = now_ns();
        for (size_t i = 0; i < times; i++) {
            sha1_add(&s, bytes, len);
            if (peek)
                sha1_peek(&s, digest);
        }
        took[run] = now_ns() - begun;
    }
    show(what, took, (double)times, "ns");
}

static void bench_aes(const char *what, uint8_t *bytes, size_t len, size_t times)
{
    double took[RUNS];
    struct aes_ctr *aes = aes_ctr_new(bytes, 128, NULL);
    need(aes != NULL, "no memory for a cipher");
    for (unsigned run = 0; run < RUNS; run++) {
        double begun = now_ns();
        for (size_t i = 0; i < times; i++)
            need_ok(aes_ctr_xor(aes, bytes, len), "aes_ctr_xor");
        took[run] = now_ns() - begun;
    }
    show(what, took, (double)times, "ns");
    aes_ctr_free(aes);
}

/* ---- the parts of CGO ---- */

static void bench_uiv(const char *what, bool portable, bool update, uint8_t *cells)
{
    double took[RUNS];
    struct uiv u;
    uint8_t H[UIV_TAG_LEN] = {1};
    if (portable)
        need_ok(uiv_init_portable(&u, UIV_DECRYPT, cells), "uiv_init_portable");
    else
        need_ok(uiv_init(&u, UIV_DECRYPT, cells), "uiv_init");
    for (unsigned run = 0; run < RUNS; run++) {
        double begun = now_ns();
        for (size_t i = 0; i < CELLS; i++)
            need_ok(update ? uiv_update(&u, H)
                           : uiv_apply(&u, H, CELL_RELAY, cell_at(cells, i % BATCH)),
                    "UIV+");
        took[run] = now_ns() - begun;
    }
    show(what, took, CELLS, "ns");
    uiv_free(&u);
}

static void bench_polyval(const char *what, const struct polyval_kind *kind, uint8_t *cells)
{
    double took[RUNS];
    struct polyval_key key;
    uint8_t S[POLYVAL_LEN] = {0};
    if (!kind)
        return;
    kind->init(&key, cells);
    for (unsigned run = 0; run < RUNS; run++) {
        double begun = now_ns();
        for (size_t i = 0; i < CELLS; i++)
            kind->add(&key, S, cell_at(cells, i % BATCH), TWEAK);
        took[run] = now_ns() - begun;
    }
    show(what, took, CELLS, "ns");
}

static void bench_cgo(uint8_t *cells)
{
    bench_seal("seal a relay cell, 2 tor1 layers and CGO", &cgo_kind, cells);
    bench_open("open a relay cell, 2 tor1 layers and CGO", &cgo_kind, cells);
    bench_uiv("UIV+ of a cell's body", false, false, cells);
    bench_uiv("UIV+'s new keys", false, true, cells);
    bench_uiv("UIV+ of a cell's body, portable", true, false, cells);
    bench_uiv("UIV+'s new keys, portable", true, true, cells);
    bench_polyval("POLYVAL of a tweak", polyval_hw(), cells);
    bench_polyval("POLYVAL of a tweak, four blocks at once", polyval_wide(), cells);
    bench_polyval("POLYVAL of a tweak, portable", &polyval_portable, cells);
}

/* ---- a consensus ---- */

struct text_out {
    char *at;
    size_t len, cap;
};

__attribute__((format(printf, 2, 3))) static void add(struct text_out *t, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(t->at + t->len, t->cap - t->len, fmt, ap);
    va_end(ap);
    need(n > 0 && (size_t)n < t->cap - t->len, "the consensus is longer than thought");
    t->len += (size_t)n;
}

/* Ascending identities, and the lines of a row as they are on the public network. */
static void add_row(struct text_out *t, unsigned i)
{
    static const char *const flags[] = {
        "Fast Running Stable V2Dir Valid", "Exit Fast Running Stable V2Dir Valid",
        "Fast Guard HSDir Running Stable V2Dir Valid", "Fast Running V2Dir Valid"};
    uint8_t id[20] = {(uint8_t)(i >> 8), (uint8_t)i}, digest[SHA256_LEN];
    char id_text[BASE64_SIZE(20)], md_text[BASE64_SIZE(32)];
    fill(id + 2, sizeof id - 2);
    sha256(id, sizeof id, digest);
    add(t, "r relay%u %s 2038-01-01 00:00:00 %u.%u.%u.1 9001 0\n", i,
        base64_encode(id, sizeof id, false, id_text), 1 + i / 250, 1 + i % 250, i % 200);
    if (i % 3 == 0)
        add(t, "a [2001:db8:%x::1]:9001\n", i);
    add(t, "m %s\ns %s\nv Tor 0.4.9.%u\n", base64_encode(digest, 32, false, md_text), flags[i % 4],
        i % 12);
    add(t, "pr Conflux=1 Cons=1-2 Desc=1-2 DirCache=2 FlowCtrl=1-2 HSDir=2 HSIntro=4-5 HSRend=1-2 "
           "Link=1-5 LinkAuth=1,3 Microdesc=1-2 Padding=2 Relay=2-4\n");
    add(t, "w Bandwidth=%u\n", 100 + i * 7 % 50000);
}

static struct text_out consensus_text(void)
{
    struct text_out t = {.cap = (size_t)RELAYS * ROW_MAX + HEAD_MAX};
    t.at = malloc(t.cap);
    need(t.at != NULL, "no memory for a consensus");
    add(&t, "network-status-version 3 microdesc\nvote-status consensus\nconsensus-method 35\n"
            "valid-after 2026-01-01 00:00:00\nfresh-until 2026-01-01 01:00:00\n"
            "valid-until 2026-01-01 03:00:00\nvoting-delay 300 300\n"
            "known-flags Exit Fast Guard HSDir Running Stable V2Dir Valid\n");
    for (unsigned i = 0; i < RELAYS; i++)
        add_row(&t, i);
    add(&t,
        "directory-footer\nbandwidth-weights Wbd=1000 Wbe=2000 Wbg=4000 Wbm=10000 Wdb=10000 "
        "Web=10000 Wed=10000 Wee=10000 Weg=5000 Wem=10000 Wgb=10000 Wgd=3000 Wgg=6000 Wgm=6000 "
        "Wmb=10000 Wmd=1000 Wme=2000 Wmg=4000 Wmm=10000\n"
        "directory-signature sha256 %040d %040d\n-----BEGIN SIGNATURE-----\nAAAA\n"
        "-----END SIGNATURE-----\n",
        1, 2);
    return t;
}

static size_t held(void)
{
    struct mallinfo2 m = mallinfo2();
    return m.uordblks + m.hblkhd;
}

static void bench_consensus(void)
{
    double took[RUNS];
    struct text_out t = consensus_text();
    size_t grown = 0;
    for (unsigned run = 0; run < RUNS; run++) {
        struct consensus *c;
        size_t before = held();
        double begun = now_ns();
        need_ok(consensus_parse((struct text){t.at, t.len}, &c), "consensus_parse");
        took[run] = now_ns() - begun;
        grown = held() - before;
        need(c->n_relays == RELAYS, "relays are missing");
        consensus_free(&c);
    }
    show("parse a consensus of 10000 relays", took, 1e6, "ms");
    printf("%-48s %10.1f bytes, of %.1f bytes of text\n", "memory of a parsed consensus, a relay",
           (double)grown / RELAYS, (double)t.len / RELAYS);
    free(t.at);
}

int main(void)
{
    uint8_t *cells = malloc((size_t)BATCH * CHAN_CELL_MAX + TWEAK);
    need(cells != NULL, "no memory");
    fill(cells, (size_t)BATCH * CHAN_CELL_MAX + TWEAK);
    bench_seal("seal a relay cell, 3 tor1 layers", &tor1_kind, cells);
    bench_open("open a relay cell, 3 tor1 layers", &tor1_kind, cells);
    bench_cgo(cells);
    bench_frames(cells);
    bench_sha1("SHA-1 of a cell's body, without the digest", cells, CELL_BODY_LEN, CELLS, false);
    bench_sha1("SHA-1 of a cell's body and its running digest", cells, CELL_BODY_LEN, CELLS, true);
    bench_aes("AES-128-CTR of a cell's body", cells, CELL_BODY_LEN, CELLS);
    bench_aes("AES-128-CTR of 16384 bytes at once", cells, BULK, CELLS / 10);
    bench_consensus();
    free(cells);
    return 0;
}
