/* Choice of the source that is asked for a part, and of whether one is asked again. */
#include "app/fetch/job.h"
#include "base/env.h"

enum { BACKOFF_FIRST_MS = 500 };

static const struct attempt *find_attempt(const struct part *p, size_t source)
{
    for (unsigned i = 0; i < p->n_attempts; i++)
        if (p->attempts[i].source == source)
            return &p->attempts[i];
    return NULL;
}

static bool may_ask(const struct job *j, const struct part *p, size_t source)
{
    const struct source_spec *spec = j->sources[source].spec;
    const struct docs_want *w = p->item->want;
    if (spec->is_given || spec->kind == SOURCE_ANONYMOUS)
        /* "authority", "all of this server": the first that is named is meant. */
        return p->purpose != FOR_WANT || !docs_want_of_server(w) || source == 0;
    return p->purpose != FOR_WANT || !docs_want_of_authorities(w) || spec->is_authority;
}

static bool is_active(const struct source *s)
{
    return s->state == SOURCE_OPENING || s->state == SOURCE_OPEN;
}

/* An anonymous source is another relay each time. */
static bool is_spent(const struct job *j, const struct part *p, size_t source, bool again)
{
    const struct attempt *t = find_attempt(p, source);
    if (!t || j->sources[source].spec->kind == SOURCE_ANONYMOUS)
        return false;
    return !again || t->final;
}

/* Lower is better. A connection that is there and idle; a new one; a shared one; one that failed.
 */
static unsigned cost(const struct source *s, bool full)
{
    if (is_active(s))
        return s->n_gets == 0 ? 0 : (full ? 1000 : 3000) + (unsigned)s->n_gets;
    return (full ? 100000 : 1000) + (s->failures < 50 ? s->failures : 50) * 100;
}

static enum job_pick pick_among(struct job *j, const struct part *p, bool again, size_t *out)
{
    size_t active = 0, idle = j->n_sources;
    unsigned best = UINT32_MAX;
    for (size_t i = 0; i < j->n_sources; i++) {
        active += is_active(&j->sources[i]);
        if (is_active(&j->sources[i]) && !j->sources[i].n_gets)
            idle = i;
    }
    bool full = active >= JOB_CONNECTIONS;
    for (size_t i = 0; i < j->n_sources; i++) {
        const struct source *s = &j->sources[i];
        unsigned c = cost(s, full);
        if (c < best && may_ask(j, p, i) && !is_spent(j, p, i, again) &&
            (s->n_gets < JOB_GETS || s->spec->kind == SOURCE_ANONYMOUS)) {
            best = c;
            *out = i;
        }
    }
    if (best == UINT32_MAX) {
        for (size_t i = 0; i < j->n_sources; i++)
            if (may_ask(j, p, i) && !is_spent(j, p, i, again))
                return JOB_PICK_WAIT;
        return JOB_PICK_NONE;
    }
    if (is_active(&j->sources[*out]) || !full)
        return JOB_PICK_ONE;
    if (idle == j->n_sources)
        return JOB_PICK_WAIT; /* all connections are busy, and it is none of them that is wanted */
    source_close(&j->sources[idle]);
    return JOB_PICK_ONE;
}

/* First who has not been asked; then those that may give another answer the next time. */
enum job_pick job_pick(struct job *j, const struct part *p, size_t *out)
{
    enum job_pick result = pick_among(j, p, false, out);
    return result == JOB_PICK_NONE ? pick_among(j, p, true, out) : result;
}

/* ---- again ---- */

void job_wake(struct job *j)
{
    hub_arm(j->hub, &j->work, 0);
}

bool job_again(struct job *j, struct part *p)
{
    size_t source;
    if (p->n_attempts > j->args->retries || j->timed_out ||
        job_pick(j, p, &source) == JOB_PICK_NONE)
        return false;
    if (find_attempt(p, source)) /* the same again: not at once */
        p->not_before_us =
            net_env(j->hub->net)->mono_us +
            ((uint64_t)BACKOFF_FIRST_MS << (p->n_attempts < 7 ? p->n_attempts - 1 : 6)) * US_PER_MS;
    j->received_before += p->get ? get_received(p->get) : 0;
    get_free(p->get);
    p->get = NULL;
    p->over = p->good = false;
    j->hub->sessions++;
    job_wake(j);
    return true;
}
