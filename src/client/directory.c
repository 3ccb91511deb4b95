#include "client/directory.h"

#include <stdlib.h>

#include "base/hash.h"

struct directory {
    struct env *env;
    struct dirmgr *mgr;
    unsigned refs;
    bool started;
    struct directory_member *members; /* the first one is the carrier */
    int percent;                      /* as last told; the words are the manager's */
    const char *tag, *summary;
};

/* ---- the manager's callbacks ---- */

static void on_progress(void *arg, int percent, const char *tag, const char *summary)
{
    struct directory *d = arg;
    struct directory_member *m, *tmp;
    d->percent = percent;
    d->tag = tag;
    d->summary = summary;
    DL_FOREACH_SAFE (d->members, m, tmp)
        m->ops->progress(m->arg, percent, tag, summary);
}

static void on_netdir(void *arg, struct netdir *nd)
{
    struct directory *d = arg;
    struct directory_member *m, *tmp;
    DL_FOREACH_SAFE (d->members, m, tmp)
        m->ops->netdir(m->arg, nd);
}

static void on_want(void *arg)
{
    struct directory *d = arg;
    if (d->members)
        d->members->ops->want(d->members->arg);
}

static err_t on_store(void *arg, enum dir_file file, const struct text *parts, size_t n,
                      bool append)
{
    struct directory *d = arg;
    return d->members ? d->members->ops->store(d->members->arg, file, parts, n, append) : OK;
}

static bool on_choose(void *arg, const struct dir_wish *wish, struct dir_choice *out,
                      uint64_t *again_us)
{
    struct directory *d = arg;
    return d->members && d->members->ops->choose(d->members->arg, wish, out, again_us);
}

static void on_judge(void *arg, const struct rsa_id *rsa, bool good)
{
    struct directory *d = arg;
    if (d->members)
        d->members->ops->judge(d->members->arg, rsa, good);
}

static void on_forgive(void *arg)
{
    struct directory *d = arg;
    if (d->members)
        d->members->ops->forgive(d->members->arg);
}

static void on_cancel(void *arg, uint32_t id)
{
    struct directory *d = arg;
    if (d->members)
        d->members->ops->cancel(d->members->arg, id);
}

static void on_clock_skew(void *arg, const struct dir_skew *skew)
{
    struct directory *d = arg;
    if (d->members)
        d->members->ops->clock_skew(d->members->arg, skew);
}

static void on_obsolete(void *arg, const char *missing)
{
    struct directory *d = arg;
    struct directory_member *m, *tmp;
    DL_FOREACH_SAFE (d->members, m, tmp)
        m->ops->obsolete(m->arg, missing);
}

static err_t on_read_back(void *arg, enum dir_file file, struct blob *out)
{
    struct directory *d = arg;
    return d->members ? d->members->ops->read_back(d->members->arg, file, out) : ERR_NOT_FOUND;
}

static void on_set_aside(void *arg, enum dir_file file)
{
    struct directory *d = arg;
    if (d->members)
        d->members->ops->set_aside(d->members->arg, file);
}

static const struct dirmgr_ops mgr_ops = {
    .progress = on_progress,
    .netdir = on_netdir,
    .want = on_want,
    .store = on_store,
    .read_back = on_read_back,
    .set_aside = on_set_aside,
    .choose = on_choose,
    .judge = on_judge,
    .forgive = on_forgive,
    .cancel = on_cancel,
    .clock_skew = on_clock_skew,
    .obsolete = on_obsolete,
};

/* ---- life ---- */

err_t directory_new(struct env *env, const struct dirmgr_options *o, struct directory **out)
{
    struct directory *d = calloc(1, sizeof *d);
    *out = NULL;
    if (!d)
        return ERR_NOMEM;
    d->env = env;
    d->refs = 1;
    err_t e = dirmgr_new(env, o, &mgr_ops, d, &d->mgr);
    if (e != OK)
        free(d);
    else
        *out = d;
    return e;
}

struct directory *directory_ref(struct directory *d)
{
    d->refs++;
    return d;
}

void directory_unref(struct directory **held)
{
    struct directory *d = *held;
    *held = NULL;
    if (!d || --d->refs)
        return;
    dirmgr_free(&d->mgr);
    free(d);
}

struct dirmgr *directory_mgr(const struct directory *d)
{
    return d->mgr;
}

/* ---- members ---- */

static void tell_news(void *arg)
{
    struct directory_member *m = arg;
    struct directory *d = m->on;
    if (dirmgr_lacks(d->mgr)) {
        m->ops->obsolete(m->arg, dirmgr_lacks(d->mgr));
        return;
    }
    if (d->percent)
        m->ops->progress(m->arg, d->percent, d->tag, d->summary);
    m->ops->netdir(m->arg, dirmgr_netdir(d->mgr));
}

void directory_join(struct directory *d, struct directory_member *m)
{
    m->on = d;
    later_init(&m->tell, tell_news, m);
    DL_APPEND(d->members, m);
    if (!d->started)
        return;
    later_ask(d->env, &m->tell);
    if (d->members == m) /* the others have all gone: what is wanted? */
        dirmgr_abandon(d->mgr);
}

void directory_leave(struct directory_member *m)
{
    struct directory *d = m->on;
    if (!d)
        return;
    bool carried = d->members == m;
    later_cancel(d->env, &m->tell);
    DL_DELETE(d->members, m);
    m->on = NULL;
    if (carried)
        dirmgr_abandon(d->mgr);
}

bool directory_carried_by(const struct directory *d, const struct directory_member *m)
{
    return d->members == m;
}

void directory_start(struct directory *d)
{
    d->started = true;
    dirmgr_start(d->mgr);
}

bool directory_started(const struct directory *d)
{
    return d->started;
}
