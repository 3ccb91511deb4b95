#include "app/fetch/job.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "lib/lib.h"

enum { TICK_MS = 200 };

/* ---- life ---- */

/* Whoever has a list of servers goes through it in an order of his own, so that none of them is
 * everybody's first; what the user listed is asked in his order. */
static void shuffle(struct job *j)
{
    struct env *env = net_env(j->hub->net);
    for (size_t i = j->n_sources; i > 1; i--) {
        size_t k = (size_t)env_random_below(env, i);
        struct source tmp = j->sources[i - 1];
        if (tmp.spec->is_given || j->sources[k].spec->is_given)
            continue;
        j->sources[i - 1].spec = j->sources[k].spec;
        j->sources[k].spec = tmp.spec;
    }
}

static void work(void *arg);
static void deadline(void *arg);

static void tick(void *arg)
{
    struct job *j = arg;
    j->progress(j->arg);
    hub_arm(j->hub, &j->tick, TICK_MS);
}

err_t job_init(struct job *j, struct hub *hub, const struct fetch_args *args,
               void (*over)(void *arg), void (*progress)(void *arg), void *arg)
{
    *j = (struct job){.hub = hub, .args = args, .over = over, .progress = progress, .arg = arg};
    authcert_set_init(&j->certs);
    timer_init(&j->work, work, j);
    timer_init(&j->deadline, deadline, j);
    timer_init(&j->tick, tick, j);
    j->sources = calloc(args->sources.n, sizeof *j->sources);
    j->items = calloc(args->n_wants, sizeof *j->items);
    if (!j->sources || !j->items)
        return ERR_NOMEM;
    for (; j->n_sources < args->sources.n; j->n_sources++)
        source_init(&j->sources[j->n_sources], hub, &args->sources.list[j->n_sources]);
    shuffle(j);
    for (size_t i = 0; i < args->n_wants; i++)
        TRY(item_init(&j->items[i], j, i));
    return OK;
}

void job_free(struct job *j)
{
    for (size_t i = 0; j->items && i < j->args->n_wants; i++)
        item_free(&j->items[i]);
    for (size_t i = 0; i < j->n_sources; i++)
        source_close(&j->sources[i]);
    if (j->hub && j->hub->net) {
        env_disarm(net_env(j->hub->net), &j->work);
        env_disarm(net_env(j->hub->net), &j->deadline);
        env_disarm(net_env(j->hub->net), &j->tick);
    }
    authcert_set_clear(&j->certs);
    free(j->items);
    free(j->sources);
    *j = (struct job){.hub = NULL};
}

void job_start(struct job *j)
{
    hub_arm(j->hub, &j->deadline, (uint64_t)j->args->timeout_s * MS_PER_SEC);
    hub_arm(j->hub, &j->tick, TICK_MS);
    j->begun_us = net_env(j->hub->net)->mono_us;
    job_wake(j);
}

/* ---- one attempt ---- */

static void note_error(struct part *p, const struct tunic_error *error)
{
    bool answered = error->stage == TUNIC_STAGE_DIRECTORY;
    p->error = *error;
    snprintf(p->where, sizeof p->where, "%s", get_source(p->get)->spec->name);
    if (answered && error->reason == 404) {
        p->saw_not_found = true;
        p->attempts[p->n_attempts - 1].final = true;
    }
    if (answered && error->cls == TUNIC_PROTOCOL)
        p->saw_invalid = true;
    if (error->stage == TUNIC_STAGE_TLS && error->cls == TUNIC_PROTOCOL)
        p->attempts[p->n_attempts - 1].final = true; /* no ORPort, and it will not become one */
}

static void settled(void *arg, struct get *g)
{
    struct part *p = arg;
    struct job *j = p->item->job;
    const struct tunic_error *error = get_error(g);
    char text[512];
    net_enter(j->hub->net);
    if (!error) {
        p->over = p->good = true;
        job_wake(j);
        return;
    }
    note_error(p, error);
    bool again = job_again(j, p);
    if (again && j->args->verbose)
        job_say(j, p->item->word, "%s: %s; trying again", p->where,
                tunic_error_text(&p->error, text, sizeof text));
    p->over = !again;
    job_wake(j);
}

static void launch(struct job *j, struct part *p, size_t source)
{
    const struct docs_want *w = p->item->want;
    const struct get_ask ask = {
        .path = p->path,
        .most = p->purpose == FOR_WANT ? docs_want_body_max(w) : (size_t)64 << 20,
        .authority_only = p->purpose == FOR_WANT && docs_want_of_authorities(w),
        .settled = settled,
        .arg = p,
    };
    p->attempts[p->n_attempts++] = (struct attempt){.source = source};
    p->get = get_start(&j->sources[source], &ask);
    if (p->get)
        return;
    p->over = true;
    lib_error_of(&p->error, ERR_NOMEM, TUNIC_STAGE_NONE, "a new request");
}

/* ---- all of it ---- */

/* True: P has just failed for good. */
static bool work_on(struct job *j, struct part *p, uint64_t *next_us)
{
    size_t source;
    if (p->over || p->get)
        return false;
    if (p->not_before_us > net_env(j->hub->net)->mono_us) {
        *next_us = p->not_before_us < *next_us ? p->not_before_us : *next_us;
        return false;
    }
    switch (job_pick(j, p, &source)) {
    case JOB_PICK_ONE:
        launch(j, p, source);
        break;
    case JOB_PICK_NONE:
        p->over = true;
        if (!p->error.cls)
            lib_error(&p->error, TUNIC_USAGE, TUNIC_STAGE_NONE,
                      "none of the sources is an authority, and only those have it");
        break;
    case JOB_PICK_WAIT: /* a request that ends wakes us */
        break;
    }
    return p->over;
}

static void work(void *arg)
{
    struct job *j = arg;
    uint64_t next_us = TIMER_NEVER, now = net_env(j->hub->net)->mono_us;
    struct part *p;
    size_t over = 0;
    bool changed = false;
    for (size_t i = 0; i < j->args->n_wants; i++) {
        if (!j->items[i].over) {
            item_judge(&j->items[i]);
            changed |= j->items[i].over; /* others may wait for it */
        }
        over += j->items[i].over;
    }
    if (over == j->args->n_wants) {
        j->over(j->arg);
        return;
    }
    for (size_t i = 0; i < j->args->n_wants; i++)
        DL_FOREACH (j->items[i].parts, p)
            changed |= work_on(j, p, &next_us);
    if (changed)
        job_wake(j);
    else if (next_us != TIMER_NEVER)
        hub_arm(j->hub, &j->work, next_us > now ? (next_us - now) / US_PER_MS + 1 : 0);
}

static void deadline(void *arg)
{
    struct job *j = arg;
    struct part *p;
    j->timed_out = true;
    for (size_t i = 0; i < j->args->n_wants; i++)
        DL_FOREACH (j->items[i].parts, p) {
            if (p->over)
                continue;
            p->over = true;
            if (p->get) {
                get_where(p->get, "--timeout is over", &p->error);
                snprintf(p->where, sizeof p->where, "%s", get_source(p->get)->spec->name);
            } else if (!p->error.cls) {
                lib_error(&p->error, TUNIC_TIMEOUT, TUNIC_STAGE_NONE,
                          "not begun yet; --timeout is over");
            }
        }
    job_wake(j);
}

void job_progress(const struct job *j, struct job_progress *out)
{
    const struct part *p;
    *out = (struct job_progress){.received = j->received_before, .all_expected = true};
    out->expected = j->received_before;
    for (size_t i = 0; i < j->args->n_wants; i++) {
        out->over += j->items[i].over;
        DL_FOREACH (j->items[i].parts, p) {
            size_t received = p->get ? get_received(p->get) : 0;
            size_t expected = p->get ? get_expected(p->get) : 0;
            out->received += received;
            out->expected += p->over || !expected ? received : expected;
            out->all_expected &= p->over || expected;
            if (p->get && !p->over)
                out->source = get_source(p->get)->spec->name;
        }
    }
}
