/* One thread of a measurer: a loop, and its parts of measurements. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/measure/threads_int.h"
#include "app/measure/wires.h"
#include "link/tls.h"

struct thread_job {
    struct thread *thread;
    uint64_t job;
    struct measurement *it;
    struct news *last; /* so that its end can be told without memory */
    struct thread_job *next;
};

/* ---- what is told to the owner ---- */

static struct news *news_new(const struct thread *t, enum news_kind kind, uint64_t job)
{
    struct news *n = letter_new(sizeof *n);
    if (n) {
        n->kind = kind;
        n->job = job;
        n->thread = t->i;
    }
    return n;
}

static void to_log(void *arg, enum log_level level, const char *line)
{
    struct thread *t = arg;
    struct news *n = news_new(t, NEWS_LOG, 0);
    if (!n)
        return;
    n->level = level;
    snprintf(n->text, sizeof n->text, "%s", line);
    mailbox_post(t->news, n);
}

static void no_memory(struct thread_job *j)
{
    measurement_stop(j->it, MEAS_RESOURCES, "a thread is out of memory");
}

static void on_connected(void *arg, const struct connected_to_relay *c)
{
    struct thread_job *j = arg;
    struct news *n = news_new(j->thread, NEWS_CONNECTED, j->job);
    if (!n) {
        no_memory(j);
        return;
    }
    n->circs = *c;
    memcpy(n->text, measurement_refusal(j->it), sizeof n->text);
    mailbox_post(j->thread->news, n);
}

static void on_report(void *arg, const struct bw_report *r)
{
    struct thread_job *j = arg;
    struct news *n = news_new(j->thread, NEWS_REPORT, j->job);
    if (!n) {
        no_memory(j);
        return;
    }
    n->report = *r;
    mailbox_post(j->thread->news, n);
}

static void on_end(void *arg, const struct meas_failure *failure)
{
    struct thread_job *j = arg;
    struct news *n = j->last;
    if (!n)
        return;
    j->last = NULL;
    n->failed = failure != NULL;
    if (failure)
        n->failure = *failure;
    mailbox_post(j->thread->news, n);
}

static const struct measurement_ops ops = {on_connected, on_report, on_end};

/* ---- what the owner orders ---- */

static struct thread_job *find(const struct thread *t, uint64_t job)
{
    struct thread_job *j = t->jobs;
    while (j && j->job != job)
        j = j->next;
    return j;
}

static void job_free(struct thread_job *j)
{
    struct thread_job **at = &j->thread->jobs;
    while (*at != j)
        at = &(*at)->next;
    *at = j->next;
    measurement_free(j->it);
    letter_free(j->last);
    free(j);
}

static err_t make(struct thread_job *j, const struct order *o)
{
    struct thread *t = j->thread;
    if (t->has_identity)
        (void)!link_identity_renew(net_env(t->net), &t->identity); /* or it stays as it was */
    const struct measurement_config config = {
        .name = o->name,
        .link = {.tls = t->tls, .identity = t->has_identity ? &t->identity : NULL},
        .ops_world = &wires_world,
        .world = t->net,
        .dead_man = t->dead_man,
        .open_over_ms = t->open_over_ms,
        .is_part = true,
        .first = o->first,
    };
    return measurement_new(net_env(t->net), &config, &o->told, &ops, j, &j->it);
}

/* Without memory for the news of it nothing can be said: then its reports are missed. */
static void begin(struct thread *t, const struct order *o)
{
    struct news *last = news_new(t, NEWS_ENDED, o->job);
    struct thread_job *j = calloc(1, sizeof *j);
    if (j && last) {
        *j = (struct thread_job){.thread = t, .job = o->job, .last = last, .next = t->jobs};
        t->jobs = j;
        if (make(j, o) == OK)
            return;
        j->last = NULL;
        job_free(j);
        j = NULL;
    }
    free(j);
    if (!last)
        return;
    last->failed = true;
    last->failure = (struct meas_failure){
        .code = MEAS_RESOURCES, .meas_id = o->told.meas_id, .info = "a thread is out of memory"};
    mailbox_post(t->news, last);
}

static void obey(struct thread_job *j, const struct order *o)
{
    switch (o->kind) {
    case ORDER_GO:
        if (measurement_go(j->it) != OK)
            measurement_stop(j->it, MEAS_LAUNCH_CIRCS, "a thread has not got its circuits");
        break;
    case ORDER_ALLOC:
        measurement_set_alloc(j->it, o->alloc_bw);
        break;
    case ORDER_HEARD:
        measurement_heard(j->it);
        break;
    case ORDER_STOP:
        measurement_stop(j->it, o->code, o->info);
        break;
    case ORDER_FREE:
        job_free(j);
        break;
    case ORDER_BEGIN:
    case ORDER_QUIT:
        break;
    }
}

static void on_order(void *arg, const struct letter *letter)
{
    struct thread *t = arg;
    const struct order *o = (const struct order *)letter;
    struct thread_job *j = find(t, o->job);
    if (o->kind == ORDER_QUIT)
        net_stop(t->net);
    else if (o->kind == ORDER_BEGIN)
        begin(t, o);
    else if (j)
        obey(j, o);
}

/* ---- life ---- */

static void *work(void *thread)
{
    struct thread *t = thread;
    net_run(t->net);
    net_enter(t->net);
    while (t->jobs)
        job_free(t->jobs);
    (void)!net_turn(t->net, false); /* what that had to say goes out */
    return NULL;
}

/* Signals are the owner's loop's. */
static err_t run(struct thread *t)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    t->runs = pthread_create(&t->id, NULL, work, t) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return t->runs ? OK : ERR_IO;
}

err_t thread_start(struct thread *t)
{
    t->log = (struct log){.least = LOG_WARN, .sink = to_log, .arg = t};
    t->quit = letter_new(sizeof *t->quit);
    if (!t->quit)
        return ERR_NOMEM;
    t->quit->kind = ORDER_QUIT;
    TRY(net_new(&t->log, NULL, &t->net));
    TRY(mailbox_new(t->net, on_order, t, &t->orders));
    TRY(tls_ctx_new_client(&t->tls));
    return run(t);
}

void thread_end(struct thread *t)
{
    if (t->runs) {
        mailbox_post(t->orders, t->quit);
        pthread_join(t->id, NULL);
    } else {
        letter_free(t->quit);
    }
    mailbox_free(t->orders);
    tls_ctx_free(t->tls);
    net_free(t->net);
    link_identity_wipe(&t->identity);
}
