/* Chooses many paths over a network that is given as files, for tests/path/choices, which holds
 * them against what the specification expects. Built and run by it; no test of its own.
 *
 *   draw make RELAYS SEED CONSENSUS MICRODESCS
 *   draw CONSENSUS MICRODESCS PATHS SEED [OPTION VALUE]...
 *
 * The first makes such a network, as `tunic forge` and `tunic testnet` do; nothing is signed. The
 * second prints
 * a line for each path, first hop first: rows of the consensus, from 0 on, "-" where a pick failed;
 * and one that begins with "=" for each fresh sample of guards. How long that took goes to standard
 * error. OPTION is port, family (4 or 6), stable (1), end (exit,
 * directory or internal), guards (so many paths for each fresh sample of guards; 0: none),
 * predicted (ports), or an option of torrc: ExcludeNodes, ExcludeExitNodes, ExitNodes, EntryNodes,
 * MiddleNodes, NodeFamily, EnforceDistinctSubnets. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "dir/microdesc.h"
#include "dir/netdir.h"
#include "dirdoc/consdoc.h"
#include "dirdoc/spread.h"
#include "path/guards.h"
#include "path/path.h"

enum { LISTS_MOST = 16 };

/* An environment: time stands still; the random numbers are those of SplitMix64. */
struct world {
    struct env env;
    struct log log;
    uint64_t state;
};

static void need(bool true_, const char *what)
{
    if (true_)
        return;
    fprintf(stderr, "draw: %s\n", what);
    exit(1);
}

static void splitmix(void *arg, void *out, size_t len)
{
    uint64_t *state = arg;
    for (size_t at = 0; at < len; at += sizeof(uint64_t)) {
        uint64_t z = *state += 0x9e3779b97f4a7c15u;
        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
        z = (z ^ z >> 27) * 0x94d049bb133111ebu;
        z ^= z >> 31;
        memcpy((uint8_t *)out + at, &z, len - at < sizeof z ? len - at : sizeof z);
    }
}

static void sink(void *arg, enum log_level level, const char *line)
{
    (void)arg;
    fprintf(stderr, "[%s] %s\n", log_level_name(level), line);
}

static void world_begin(struct world *w, uint64_t seed)
{
    w->state = seed;
    w->log = (struct log){.least = LOG_WARN, .sink = sink};
    w->env = (struct env){.mono_us = US_PER_SEC,
                          .wall_us = 1767225600 * (int64_t)US_PER_SEC,
                          .random = splitmix,
                          .random_arg = &w->state,
                          .log = &w->log};
}

struct draw {
    struct env *env;
    struct netdir *nd;
    struct path_config cfg;
    struct path_request req;
    uint16_t predicted[16];
    struct nodeset *held[LISTS_MOST];
    size_t n_held;
    const struct nodeset *family[1];
    uint32_t paths, per_sample;
};

static struct text read_file(const char *name)
{
    FILE *f = fopen(name, "rb");
    need(f && fseek(f, 0, SEEK_END) == 0, name);
    struct text t = {.len = (size_t)ftell(f)};
    char *s = malloc(t.len + 1);
    need(s && fseek(f, 0, SEEK_SET) == 0 && fread(s, 1, t.len, f) == t.len, name);
    fclose(f);
    t.s = s;
    return t;
}

static void load(struct draw *d, const char *consensus, const char *microdescs)
{
    struct consensus *c;
    struct microdesc md;
    err_t err;
    struct text text = read_file(consensus), mds = read_file(microdescs), rest = mds;
    need(consensus_parse(text, &c) == OK, "the documents");
    need(netdir_new(c, NULL, &d->nd) == OK, "the documents");
    while ((err = microdesc_next(&rest, &md)) != ERR_NOT_FOUND) {
        need(err == OK, "the documents");
        need(netdir_add_md(d->nd, &md) == OK, "the documents");
    }
    free((char *)(uintptr_t)text.s);
    free((char *)(uintptr_t)mds.s);
}

/* ---- a network ---- */

static int by_rsa(const void *a, const void *b)
{
    const struct consdoc_relay *const *x = a, *const *y = b;
    return memcmp((*x)->rsa.b, (*y)->rsa.b, sizeof(*x)->rsa.b);
}

static void write_file(const char *name, struct docw *w)
{
    FILE *f = fopen(name, "wb");
    need(w->err == OK && f && fwrite(w->s, 1, w->len, f) == w->len && fclose(f) == 0, name);
    docw_free(w);
}

static void make(struct env *env, uint32_t n, const char *consensus, const char *microdescs)
{
    struct spread *s;
    struct docw text = {0}, micro = {0};
    struct consdoc_relay *row = calloc(n, sizeof *row);
    const struct consdoc_relay **rows = calloc(n, sizeof(struct consdoc_relay *));
    char *params = consdoc_params(NULL);
    size_t len;
    need(row && rows && params && spread_new(env, n, SPREAD_LIVE, &s) == OK, "memory");
    for (uint32_t i = 0; i < n; i++) {
        need(spread_write(s, i, &micro, &row[i]) == OK, "memory");
        rows[i] = &row[i];
    }
    qsort(rows, n, sizeof(struct consdoc_relay *), by_rsa);
    const struct consdoc c = {.valid_after_s = env_wall_s(env) - 1800,
                              .fresh_until_s = env_wall_s(env) + 1800,
                              .valid_until_s = env_wall_s(env) + 9000,
                              .params = params,
                              .relay = rows,
                              .n_relays = n};
    consdoc_write(&text, &c, CONSDOC_MICRODESC, &len);
    docw_fmt(&text,
             "directory-signature sha256 %040d %040d\n-----BEGIN SIGNATURE-----\nAAAA\n"
             "-----END SIGNATURE-----\n",
             0, 0); /* nobody looks at it */
    write_file(consensus, &text);
    write_file(microdescs, &micro);
    spread_free(&s);
    free(row);
    free(rows);
    free(params);
}

/* ---- options ---- */

static uint64_t number(const char *value)
{
    uint64_t n;
    need(text_to_u64(text_of(value), UINT32_MAX, &n) == OK, "a number");
    return n;
}

static void take_end(struct draw *d, const char *value)
{
    d->req.hops = strcmp(value, "exit") == 0        ? path_to_exit
                  : strcmp(value, "directory") == 0 ? path_to_directory
                                                    : path_internal;
}

static void take_predicted(struct draw *d, const char *value)
{
    struct text rest = text_of(value), word;
    uint64_t port;
    while (text_split(&rest, ',', &word)) {
        need(text_to_u64(word, UINT16_MAX, &port) == OK, "a number");
        d->predicted[d->req.n_predicted++] = (uint16_t)port;
    }
    d->req.predicted = d->predicted;
}

static bool take_set(struct draw *d, const char *name, const char *value)
{
    struct nodeset *set;
    const struct {
        const char *name;
        const struct nodeset **set;
    } sets[] = {
        {"ExcludeNodes", &d->cfg.exclude}, {"ExcludeExitNodes", &d->cfg.exclude_exit},
        {"ExitNodes", &d->cfg.exit},       {"EntryNodes", &d->cfg.entry},
        {"MiddleNodes", &d->cfg.middle},   {"NodeFamily", &d->family[0]},
    };
    for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++) {
        if (strcmp(sets[i].name, name) != 0)
            continue;
        need(d->n_held < LISTS_MOST && nodeset_parse(text_of(value), &set, NULL) == OK, "a list");
        *sets[i].set = set;
        d->held[d->n_held++] = set;
        d->cfg.families = d->family;
        d->cfg.n_families = d->family[0] != NULL;
        return true;
    }
    return false;
}

static void take(struct draw *d, const char *name, const char *value)
{
    if (strcmp(name, "port") == 0)
        d->req.port = (uint16_t)number(value);
    else if (strcmp(name, "family") == 0)
        d->req.family = number(value) == 6 ? IP_V6 : IP_V4;
    else if (strcmp(name, "stable") == 0)
        d->req.stable = number(value);
    else if (strcmp(name, "end") == 0)
        take_end(d, value);
    else if (strcmp(name, "guards") == 0)
        d->per_sample = (uint32_t)number(value);
    else if (strcmp(name, "predicted") == 0)
        take_predicted(d, value);
    else if (strcmp(name, "EnforceDistinctSubnets") == 0)
        d->cfg.enforce_distinct_subnets = number(value);
    else
        need(take_set(d, name, value), name);
}

/* ---- paths ---- */

static long row_of(const struct draw *d, const struct router *r)
{
    return r - netdir_at(d->nd, 0);
}

static struct guards *sample(struct draw *d, struct guards *before)
{
    guards_free(&before);
    struct guards *g = guards_new(d->env);
    need(g, "memory");
    need(guards_update(g, d->nd, &d->cfg) == OK, "guards");
    putchar('=');
    struct guard_info info;
    for (size_t i = 0; guards_at(g, i, &info); i++)
        printf(" %ld", row_of(d, netdir_by_rsa(d->nd, &info.rsa)));
    putchar('\n');
    return g;
}

static void pick(struct draw *d, struct guards *g)
{
    struct path_pick p;
    if (path_pick(d->nd, &d->cfg, g, &d->req, d->env, &p) != OK || p.relaxed) {
        puts("-");
        return;
    }
    for (size_t i = 0; i < p.n; i++)
        printf("%ld%c", row_of(d, p.hop[i]), i + 1 < p.n ? ' ' : '\n');
    if (g)
        guards_succeeded(g, &p.hop[0]->rsa);
}

int main(int argc, char **argv)
{
    struct world w;
    struct draw d = {.req = {.hops = path_to_exit, .n_hops = PATH_USUAL_HOPS}};
    struct guards *g = NULL;
    if (argc == 6 && strcmp(argv[1], "make") == 0) {
        world_begin(&w, number(argv[3]));
        make(&w.env, (uint32_t)number(argv[2]), argv[4], argv[5]);
        return 0;
    }
    if (argc < 5 || argc % 2 == 0) {
        fprintf(stderr, "usage: draw make RELAYS SEED CONSENSUS MICRODESCS\n"
                        "       draw CONSENSUS MICRODESCS PATHS SEED [OPTION VALUE]...\n");
        return 2;
    }
    path_config_init(&d.cfg);
    d.paths = (uint32_t)number(argv[3]);
    world_begin(&w, number(argv[4]));
    d.env = &w.env;
    load(&d, argv[1], argv[2]);
    for (int i = 5; i < argc; i += 2)
        take(&d, argv[i], argv[i + 1]);
    d.cfg.use_entry_guards = d.per_sample > 0;
    clock_t begun = clock();
    for (uint32_t i = 0; i < d.paths; i++) {
        if (d.per_sample && i % d.per_sample == 0)
            g = sample(&d, g);
        pick(&d, g);
    }
    fprintf(stderr, "%.0f paths a second\n",
            d.paths / ((double)(clock() - begun) / CLOCKS_PER_SEC));
    guards_free(&g);
    while (d.n_held)
        nodeset_free(&d.held[--d.n_held]);
    netdir_unref(&d.nd);
    return 0;
}
