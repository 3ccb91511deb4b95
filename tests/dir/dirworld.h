/* A directory manager with authorities and fallbacks that the test plays, and what it said. */
#ifndef TUNIC_TESTS_DIR_DIRWORLD_H
#define TUNIC_TESTS_DIR_DIRWORLD_H

#include "support/test.h"

#include "dir/dirmgr.h"
#include "fake.h"

enum { N = 3, FILES = DIR_FILE_N, RELAYS = 12 };

/* Whatever the manager told us. */
struct world {
    struct env *env;
    struct dirmgr *d;
    struct fake_auth auths[N];
    struct dir_servers servers;
    struct buf files[FILES];
    char steps[1024];
    unsigned wants, netdirs;
    struct netdir *last;
    int64_t skew_s; /* of the last one told */
    bool skew_trusted;
    char skew_whose[256];
    unsigned skews;
    char obsolete[64];
    bool aside[FILES];
    bool disk_full;
    char log[4096];
    unsigned n_relays;
    bool failed[256]; /* by the last byte of the server's identity */
    bool praised[256];
    bool nobody;          /* the chooser has nobody */
    struct netdir *known; /* of the last wish */
    unsigned forgiven;
    bool testing;
    struct dir_schedule schedule;
    uint32_t cancelled; /* the last one */
    unsigned n_cancelled;
};

UNUSED_OK static void on_progress(void *arg, int percent, const char *tag, const char *summary)
{
    struct world *w = arg;
    size_t len = strlen(w->steps);
    ck_assert_ptr_nonnull(summary);
    snprintf(w->steps + len, sizeof w->steps - len, "%d %s;", percent, tag);
}

UNUSED_OK static void on_netdir(void *arg, struct netdir *nd)
{
    struct world *w = arg;
    w->netdirs++;
    w->last = nd;
}

UNUSED_OK static void on_want(void *arg)
{
    ((struct world *)arg)->wants++;
}

/* Not in place: what was read back before stays as it was. */
UNUSED_OK static err_t on_store(void *arg, enum dir_file file, const struct text *parts, size_t n,
                                bool append)
{
    struct world *w = arg;
    if (w->disk_full)
        return ERR_IO;
    struct buf fresh;
    buf_init(&fresh, w->files[file].cap);
    if (append)
        ck_ok(buf_add(&fresh, buf_at(&w->files[file]), w->files[file].len));
    for (size_t i = 0; i < n; i++)
        ck_ok(buf_add(&fresh, parts[i].s, parts[i].len));
    buf_free(&w->files[file]);
    w->files[file] = fresh;
    return OK;
}

static const struct dir_server *best_server(const struct world *w, const struct dir_wish *wish)
{
    const struct dir_server *best = NULL;
    for (size_t i = 0; i < wish->servers->n && !w->nobody; i++) {
        const struct dir_server *s = &wish->servers->list[i];
        bool out = w->failed[s->rsa.b[0]] || (wish->authority && !s->is_authority);
        for (size_t j = 0; j < wish->n_busy; j++)
            out |= rsa_id_equal(&wish->busy[j], &s->rsa);
        if (out)
            continue;
        if (!best || (!s->is_authority && best->is_authority) ||
            (wish->rather && rsa_id_equal(wish->rather, &s->rsa)))
            best = s;
    }
    return best;
}

/* In place of path's chooser: whoever had the last document, else servers in their order, fallbacks
 * first, without those that are busy or failed; these are forgiven when all have failed. */
UNUSED_OK static bool on_choose(void *arg, const struct dir_wish *wish, struct dir_choice *out,
                                uint64_t *again_us)
{
    struct world *w = arg;
    const struct dir_server *best = best_server(w, wish);
    w->known = wish->known;
    *again_us = w->env->mono_us + 100 * US_PER_MS;
    if (!best) {
        memset(w->failed, 0, sizeof w->failed);
        best = best_server(w, wish);
    }
    if (best)
        *out = (struct dir_choice){.reach.addr = {best->ip, best->orport},
                                   .rsa = best->rsa,
                                   .is_authority = best->is_authority};
    return best != NULL;
}

UNUSED_OK static void on_judge(void *arg, const struct rsa_id *rsa, bool good)
{
    struct world *w = arg;
    w->failed[rsa->b[0]] = !good;
    w->praised[rsa->b[0]] |= good;
}

UNUSED_OK static void on_forgive(void *arg)
{
    ((struct world *)arg)->forgiven++;
}

UNUSED_OK static err_t on_read_back(void *arg, enum dir_file file, struct blob *out)
{
    *out = blob_copy(buf_text(&((struct world *)arg)->files[file]));
    ck_assert_ptr_nonnull(out->release);
    return OK;
}

UNUSED_OK static void on_set_aside(void *arg, enum dir_file file)
{
    struct world *w = arg;
    w->files[file].len = 0;
    w->aside[file] = true;
}

UNUSED_OK static void on_cancel(void *arg, uint32_t id)
{
    struct world *w = arg;
    w->cancelled = id;
    w->n_cancelled++;
}

UNUSED_OK static void on_skew(void *arg, const struct dir_skew *skew)
{
    struct world *w = arg;
    w->skew_s = skew->skew_s;
    w->skew_trusted = skew->trusted;
    snprintf(w->skew_whose, sizeof w->skew_whose, "%s", skew->whose);
    w->skews++;
}

UNUSED_OK static void on_obsolete(void *arg, const char *missing)
{
    struct world *w = arg;
    ck_assert_str_eq(w->obsolete, "");
    snprintf(w->obsolete, sizeof w->obsolete, "%s", missing);
}

UNUSED_OK static void on_log(void *arg, enum log_level level, const char *line)
{
    struct world *w = arg;
    size_t len = strlen(w->log);
    (void)level;
    snprintf(w->log + len, sizeof w->log - len, "%s\n", line);
}

UNUSED_OK static void make_manager(struct world *w)
{
    static const struct dirmgr_ops ops = {
        .progress = on_progress, .netdir = on_netdir, .obsolete = on_obsolete};
    static const struct dirmgr_carrier carrier = {.want = on_want,
                                                  .store = on_store,
                                                  .read_back = on_read_back,
                                                  .set_aside = on_set_aside,
                                                  .choose = on_choose,
                                                  .judge = on_judge,
                                                  .forgive = on_forgive,
                                                  .cancel = on_cancel,
                                                  .clock_skew = on_skew};
    struct dirmgr_options o = {
        .servers = &w->servers, .testing = w->testing, .schedule = w->schedule};
    ck_ok(dirmgr_new(w->env, &o, &ops, w, &w->d));
    dirmgr_set_carrier(w->d, &carrier, w);
}

UNUSED_OK static void add_server(struct world *w, unsigned char id, const struct fake_auth *a)
{
    struct dir_server s = {.orport = 5000, .weight = 1};
    s.ip = ip_v4((const uint8_t[4]){127, 0, 0, id});
    memset(s.rsa.b, id, sizeof s.rsa.b);
    s.is_authority = a != NULL;
    if (a)
        s.v3ident = a->id;
    snprintf(s.nickname, sizeof s.nickname, "server%u", id);
    ck_ok(dir_servers_add(&w->servers, &s));
}

UNUSED_OK static struct world *world_new(unsigned fallbacks)
{
    struct world *w = calloc(1, sizeof *w);
    w->env = test_env(7);
    w->env->wall_us = (int64_t)(FAKE_AFTER_S + 600) * US_PER_SEC;
    w->env->log->sink = on_log;
    w->env->log->arg = w;
    w->env->log->least = LOG_WARN;
    w->n_relays = RELAYS;
    w->testing = true;
    w->schedule = dir_schedule_defaults(true);
    dir_servers_init(&w->servers);
    for (unsigned i = 0; i < N; i++) {
        fake_auth_make(&w->auths[i]);
        add_server(w, (unsigned char)(i + 1), &w->auths[i]);
    }
    for (unsigned i = 0; i < fallbacks; i++)
        add_server(w, (unsigned char)(i + 101), NULL);
    for (int f = 0; f < FILES; f++)
        buf_init(&w->files[f], 1 << 24);
    make_manager(w);
    return w;
}

UNUSED_OK static void world_free(struct world *w)
{
    dirmgr_free(&w->d);
    for (int i = 0; i < N; i++)
        fake_auth_free(&w->auths[i]);
    for (int f = 0; f < FILES; f++)
        buf_free(&w->files[f]);
    dir_servers_free(&w->servers);
    test_env_free(w->env);
    free(w);
}

UNUSED_OK static void settle(struct world *w)
{
    test_env_advance_ms(w->env, 0);
}

/* What is asked for besides the first consensus, before that says which certificates it wants, is
 * not what most tests are about: it has no answer. */
static bool next(struct world *w, struct dir_request *rq)
{
    while (dirmgr_next(w->d, rq)) {
        if (strncmp(rq->path, "/tor/keys/fp/", 13) != 0)
            return true;
        dirmgr_failed(w->d, rq->id, ERR_LINK_CONNECT);
        settle(w);
    }
    return false;
}

UNUSED_OK static void expect(struct world *w, enum dir_kind kind, struct dir_request *rq)
{
    settle(w);
    ck_assert_msg(next(w, rq), "nothing is wanted; log: %s", w->log);
    ck_assert_int_eq(rq->kind, kind);
    ck_assert_uint_ne(rq->id, 0);
    ck_assert(rq->to.reach.addr.ip.family == IP_V4 && rq->host[0] && rq->body_cap && rq->stall_ms);
}

UNUSED_OK static void answer_consensus(struct world *w, const struct dir_request *rq,
                                       size_t signers, int64_t after)
{
    struct buf b;
    buf_init(&b, 1 << 24);
    put_signed(&b, w->auths, N, signers, w->n_relays, after);
    dirmgr_sent(w->d, rq->id);
    dirmgr_body_began(w->d, rq->id);
    dirmgr_reply(w->d, rq->id, 200, buf_text(&b), 0);
    buf_free(&b);
    settle(w);
}

UNUSED_OK static void answer_certs(struct world *w, const struct dir_request *rq, size_t n)
{
    struct buf b;
    buf_init(&b, 1 << 24);
    for (size_t i = 0; i < n; i++)
        put_cert(&b, &w->auths[i], FAKE_AFTER_S - 86400, FAKE_AFTER_S + 30 * 86400);
    dirmgr_reply(w->d, rq->id, 200, buf_text(&b), 0);
    buf_free(&b);
    settle(w);
}

/* As from the cache, before anything is asked. */
UNUSED_OK static void know_certs(struct world *w)
{
    struct buf b;
    struct text files[DIR_FILE_N] = {{0}};
    buf_init(&b, 1 << 24);
    for (size_t i = 0; i < N; i++)
        put_cert(&b, &w->auths[i], FAKE_AFTER_S - 86400, FAKE_AFTER_S + 30 * 86400);
    files[DIR_FILE_CERTS] = buf_text(&b);
    ck_ok(dirmgr_load(w->d, files));
    buf_free(&b);
}

/* Relays FROM up to UNTIL. */
UNUSED_OK static void answer_mds(struct world *w, const struct dir_request *rq, unsigned from,
                                 unsigned until)
{
    struct buf b;
    buf_init(&b, 1 << 24);
    for (unsigned i = from; i < until; i++)
        put_microdesc(&b, i);
    dirmgr_reply(w->d, rq->id, 200, buf_text(&b), 0);
    buf_free(&b);
    settle(w);
}

UNUSED_OK static void bootstrap(struct world *w)
{
    struct dir_request rq;
    dirmgr_start(w->d);
    expect(w, DIR_WANT_CONSENSUS, &rq);
    answer_consensus(w, &rq, N, FAKE_AFTER_S);
    expect(w, DIR_WANT_CERTS, &rq);
    answer_certs(w, &rq, N);
    expect(w, DIR_WANT_MICRODESCS, &rq);
    answer_mds(w, &rq, 0, w->n_relays);
}

/* As on the public network, but for what CHANGE makes of its schedule. */
UNUSED_OK static struct world *public_world(unsigned fallbacks, const struct dir_schedule *change)
{
    struct world *w = world_new(fallbacks);
    w->testing = false;
    w->schedule = change ? *change : dir_schedule_defaults(false);
    dirmgr_free(&w->d);
    make_manager(w);
    return w;
}

UNUSED_OK static void advance_s(struct world *w, double s)
{
    test_env_advance_ms(w->env, (uint64_t)(s * 1000));
}

UNUSED_OK static bool wanted(struct world *w, struct dir_request *rq)
{
    settle(w);
    return next(w, rq);
}

/* Seconds until something is asked for, to a tenth, of at most MOST. */
UNUSED_OK static double seconds_until(struct world *w, double most, struct dir_request *rq)
{
    for (int tenth = 0; tenth <= most * 10; tenth++) {
        if (wanted(w, rq))
            return tenth / 10.0;
        advance_s(w, 0.1);
    }
    return -1;
}

UNUSED_OK static void to_microdescs(struct world *w, struct dir_request *rq)
{
    dirmgr_start(w->d);
    expect(w, DIR_WANT_CONSENSUS, rq);
    answer_consensus(w, rq, N, FAKE_AFTER_S);
    expect(w, DIR_WANT_CERTS, rq);
    answer_certs(w, rq, N);
    expect(w, DIR_WANT_MICRODESCS, rq);
}

#endif
