#include "app/measure/threads.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/measure/threads_int.h"
#include "measure/consent.h"
#include "measure/parts.h"

struct threads {
    struct log *log;
    struct mailbox *news;
    struct thread *thread;
    unsigned n, next; /* next: the thread that gets the first part, so that small ones spread */
    uint64_t last_job;
    struct threaded *jobs;
};

/* One measurement, as the owner sees it. */
struct threaded {
    struct threads *threads;
    uint64_t job;
    struct connect_to_relay told;
    unsigned n, first_thread; /* parts */
    struct parts *parts;
    struct order *free_orders[PARTS_MOST]; /* so that it ends without memory, too */
    struct order *waiting[PARTS_MOST];     /* parts that begin once the relay has agreed */
    struct threaded *next;
};

/* ---- what threads say ---- */

static struct threaded *find(const struct threads *t, uint64_t job)
{
    struct threaded *j = t->jobs;
    while (j && j->job != job)
        j = j->next;
    return j;
}

static struct thread *thread_of(const struct threaded *j, unsigned part)
{
    return &j->threads->thread[(j->first_thread + part) % j->threads->n];
}

/* A relay agrees by its answer to the first link (measurement.h): in one part that waits for it,
 * and so all parts do. False: it has not agreed, and J may be gone. */
static bool let_others_begin(struct threaded *j, const struct news *n)
{
    bool agreed = n->circs.ready_circs != 0, waited = false;
    for (unsigned i = 0; i < j->n; i++) {
        waited |= j->waiting[i] != NULL;
        if (j->waiting[i] && agreed) {
            mailbox_post(thread_of(j, i)->orders, j->waiting[i]);
            j->waiting[i] = NULL;
        }
    }
    if (!waited || agreed)
        return true;
    parts_alone_failed(j->parts, n->text);
    return false;
}

static void connected(struct threaded *j, unsigned part, const struct news *n)
{
    if (part || let_others_begin(j, n))
        parts_connected(j->parts, part, &n->circs, n->text);
}

/* Of one that is gone nobody needs to hear. */
static void on_news(void *arg, const struct letter *letter)
{
    struct threads *t = arg;
    const struct news *n = (const struct news *)letter;
    struct threaded *j = find(t, n->job);
    unsigned part = j ? (n->thread + t->n - j->first_thread) % t->n : 0;
    if (n->kind == NEWS_LOG)
        LOG_AT(t->log, n->level, "%s", n->text);
    else if (!j)
        return;
    else if (n->kind == NEWS_CONNECTED)
        connected(j, part, n);
    else if (n->kind == NEWS_REPORT)
        parts_report(j->parts, part, &n->report);
    else
        parts_ended(j->parts, part, n->failed ? &n->failure : NULL);
}

/* ---- life ---- */

err_t threads_new(const struct threads_config *config, unsigned n, struct threads **out)
{
    struct threads *t = n && n <= PARTS_MOST ? calloc(1, sizeof *t) : NULL;
    if (!t)
        return n && n <= PARTS_MOST ? ERR_NOMEM : ERR_ARG;
    *t = (struct threads){.log = net_env(config->net)->log};
    t->thread = calloc(n, sizeof *t->thread);
    err_t e = t->thread ? mailbox_new(config->net, on_news, t, &t->news) : ERR_NOMEM;
    for (; e == OK && t->n < n; t->n++) {
        struct thread *one = &t->thread[t->n];
        *one = (struct thread){.i = t->n,
                               .news = t->news,
                               .has_identity = config->identity != NULL,
                               .dead_man = config->dead_man,
                               .open_over_ms = config->open_over_ms};
        if (config->identity)
            link_identity_copy(config->identity, &one->identity);
        e = thread_start(one);
    }
    if (e == OK)
        *out = t;
    else
        threads_free(t);
    return e;
}

void threads_free(struct threads *t)
{
    if (!t)
        return;
    while (t->jobs)
        threaded_free(t->jobs);
    for (unsigned i = 0; i < t->n; i++)
        thread_end(&t->thread[i]);
    mailbox_free(t->news);
    free(t->thread);
    free(t);
}

/* ---- a measurement ---- */

static struct order *order_new(const struct threaded *j, enum order_kind kind)
{
    struct order *o = letter_new(sizeof *o);
    if (o) {
        o->kind = kind;
        o->job = j->job;
    }
    return o;
}

static err_t begin(struct threaded *j, const char *name)
{
    struct order *o[PARTS_MOST] = {NULL};
    bool good = true;
    for (unsigned i = 0; i < j->n; i++) {
        j->free_orders[i] = order_new(j, ORDER_FREE);
        o[i] = order_new(j, ORDER_BEGIN);
        good = good && o[i] && j->free_orders[i];
    }
    for (unsigned i = 0; i < j->n; i++) {
        if (!good) {
            letter_free(o[i]);
            continue;
        }
        snprintf(o[i]->name, sizeof o[i]->name, "%s", name);
        o[i]->told = parts_told(&j->told, i, j->n);
        o[i]->first = parts_first(&j->told, i, j->n);
        if (i && !consent_is_free(&j->told.relay.addrs[0]))
            j->waiting[i] = o[i];
        else
            mailbox_post(thread_of(j, i)->orders, o[i]);
    }
    return good ? OK : ERR_NOMEM;
}

err_t threaded_new(struct threads *t, const char *name, const struct connect_to_relay *told,
                   const struct measurement_ops *ops, void *arg, struct threaded **out)
{
    if (told->mode != MEAS_FLASHFLOW || !told->n_circs || told->n_circs > MEAS_CIRCS_MOST)
        return ERR_ARG;
    struct threaded *j = calloc(1, sizeof *j);
    if (!j)
        return ERR_NOMEM;
    *j = (struct threaded){.threads = t, .told = *told, .next = t->jobs, .first_thread = t->next};
    j->told.proof = (struct text){"", 0};
    j->job = ++t->last_job;
    j->n = t->n < told->n_circs ? t->n : told->n_circs;
    t->next = (t->next + j->n) % t->n;
    t->jobs = j;
    err_t e = parts_new(&j->told, j->n, ops, arg, &j->parts);
    if (e == OK)
        e = begin(j, name);
    if (e == OK)
        *out = j;
    else
        threaded_free(j);
    return e;
}

void threaded_free(struct threaded *j)
{
    if (!j)
        return;
    struct threaded **at = &j->threads->jobs;
    while (*at != j)
        at = &(*at)->next;
    *at = j->next;
    for (unsigned i = 0; i < j->n; i++) {
        letter_free(j->waiting[i]);
        if (j->free_orders[i])
            mailbox_post(thread_of(j, i)->orders, j->free_orders[i]);
    }
    parts_free(j->parts);
    free(j);
}

/* To all, or to none. LIKE is copied. */
static err_t order_all(struct threaded *j, const struct order *like)
{
    struct order *o[PARTS_MOST];
    unsigned n = 0;
    while (n < j->n && (o[n] = order_new(j, like->kind)))
        n++;
    for (unsigned i = 0; i < n; i++) {
        if (n < j->n) {
            letter_free(o[i]);
            continue;
        }
        o[i]->alloc_bw = parts_share(&j->told, i, j->n, like->alloc_bw);
        o[i]->code = like->code;
        memcpy(o[i]->info, like->info, sizeof o[i]->info);
        mailbox_post(thread_of(j, i)->orders, o[i]);
    }
    return n == j->n ? OK : ERR_NOMEM;
}

err_t threaded_go(struct threaded *j)
{
    return order_all(j, &(struct order){.kind = ORDER_GO});
}

void threaded_alloc(struct threaded *j, uint64_t alloc_bw)
{
    if (order_all(j, &(struct order){.kind = ORDER_ALLOC, .alloc_bw = alloc_bw}) != OK)
        log_warn(j->threads->log, "Measurement %u gives no more: out of memory", j->told.meas_id);
}

/* Its end is told by the parts. */
void threaded_stop(struct threaded *j, enum meas_code code, const char *info)
{
    struct order o = {.kind = ORDER_STOP, .code = code};
    snprintf(o.info, sizeof o.info, "%s", info);
    if (order_all(j, &o) == OK)
        return;
    for (unsigned i = 0; i < j->n; i++) /* FREE closes everything, too */
        if (j->free_orders[i])
            mailbox_post(thread_of(j, i)->orders, j->free_orders[i]);
    memset(j->free_orders, 0, sizeof j->free_orders);
    struct meas_failure f = {.code = code, .meas_id = j->told.meas_id};
    memcpy(f.info, o.info, sizeof f.info);
    parts_ended(j->parts, 0, &f);
}

void threaded_heard(struct threaded *j)
{
    (void)!order_all(j, &(struct order){.kind = ORDER_HEARD}); /* the next word will do */
}

/* ---- hands ---- */

static err_t hands_begin(void *hands, const char *name, const struct connect_to_relay *told,
                         const struct measurement_ops *ops, void *arg, void **it)
{
    struct threaded *j;
    TRY(threaded_new(hands, name, told, ops, arg, &j));
    *it = j;
    return OK;
}

static err_t hands_go(void *it)
{
    return threaded_go(it);
}

static void hands_alloc(void *it, uint64_t alloc_bw)
{
    threaded_alloc(it, alloc_bw);
}

static void hands_stop(void *it, enum meas_code code, const char *info)
{
    threaded_stop(it, code, info);
}

static void hands_free(void *it)
{
    threaded_free(it);
}

const struct local_hands threads_hands = {hands_begin, hands_go, hands_alloc, hands_stop,
                                          hands_free};
