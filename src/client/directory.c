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

static void on_obsolete(void *arg, const char *missing)
{
    struct directory *d = arg;
    struct directory_member *m, *tmp;
    DL_FOREACH_SAFE (d->members, m, tmp)
        m->ops->obsolete(m->arg, missing);
}

static const struct dirmgr_ops mgr_ops = {
    .progress = on_progress,
    .netdir = on_netdir,
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
    if (d->members == m)
        dirmgr_set_carrier(d->mgr, m->carrier, m->arg);
    if (d->started)
        later_ask(d->env, &m->tell);
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
    if (!carried)
        return;
    struct directory_member *next = d->members;
    dirmgr_set_carrier(d->mgr, next ? next->carrier : NULL, next ? next->arg : NULL);
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
