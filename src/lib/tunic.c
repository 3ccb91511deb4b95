#include "tunic/tunic.h"

#include <stdlib.h>

#include "base/hash.h"
#include "crypto/secret.h"
#include "lib/lib.h"

/* ---- log ---- */

static void to_program(void *arg, enum log_level level, const char *line)
{
    struct tunic *t = arg;
    if (t->log_fn)
        t->log_fn(t->log_arg, (enum tunic_log_level)level, line);
}

void tunic_set_log(struct tunic *t, enum tunic_log_level least,
                   void (*fn)(void *arg, enum tunic_log_level level, const char *line), void *arg)
{
    if (!t)
        return;
    t->log_fn = fn;
    t->log_arg = arg;
    /* Lines that nobody reads are not even made. */
    t->log.least = fn ? (enum log_level)least : (enum log_level)(LOG_ERR + 1);
}

/* ---- instances ---- */

static void unref(struct tunic *t)
{
    if (--t->refs == 0)
        free(t);
}

static err_t begin(struct tunic *t, struct event_base *base)
{
    TRY(crypto_init());
    TRY(net_new(&t->log, base, &t->net));
    net_bind_to_process(t->net);
    return tls_ctx_new_client(&t->tls);
}

static struct tunic *make(struct event_base *base, struct tunic_error *error)
{
    struct tunic *t = calloc(1, sizeof *t);
    if (!t) {
        lib_error_of(error, ERR_NOMEM, TUNIC_STAGE_NONE, "a new instance");
        return NULL;
    }
    t->refs = 1;
    t->own_loop = !base;
    t->log.sink = to_program;
    t->log.arg = t;
    tunic_set_log(t, TUNIC_LOG_ERR, NULL, NULL);
    err_t e = begin(t, base);
    if (e == OK)
        return t;
    lib_error_of(error, e, TUNIC_STAGE_NONE,
                 e == ERR_IO ? "no descriptors are left" : "a new instance");
    tunic_free(t);
    return NULL;
}

struct tunic *tunic_new(struct tunic_error *error)
{
    return make(NULL, error);
}

struct tunic *tunic_new_on_base(struct event_base *base, struct tunic_error *error)
{
    if (base)
        return make(base, error);
    lib_error(error, TUNIC_USAGE, TUNIC_STAGE_NONE, "no event base was given");
    return NULL;
}

/* ---- handles ---- */

static void tell(void *arg);

void handle_init(struct handle *h, const struct handle_kind *kind, struct tunic *t,
                 struct handle *parent)
{
    h->kind = kind;
    h->t = t;
    h->parent = parent;
    h->refs = 1;
    t->refs++;
    if (parent)
        parent->refs++;
    later_init(&h->tell, tell, h);
    DL_PREPEND(t->live, h);
    DL_PREPEND2(t->held, h, held_prev, held_next);
}

static void handle_unref(struct handle *h)
{
    while (h && --h->refs == 0) {
        struct handle *parent = h->parent;
        struct tunic *t = h->t;
        free(h);
        unref(t);
        h = parent;
    }
}

void handle_hold(struct handle *h)
{
    h->refs++;
}

void handle_let_go(struct handle *h)
{
    handle_unref(h);
}

static void end(struct handle *h)
{
    if (h->ended)
        return;
    h->ended = true;
    DL_DELETE(h->t->live, h);
    later_cancel(net_env(h->t->net), &h->tell);
    h->kind->end(h);
}

void handle_free(struct handle *h)
{
    if (!h)
        return;
    if (h->t->net)
        (void)!lib_enter(h->t, NULL);
    end(h);
    DL_DELETE2(h->t->held, h, held_prev, held_next);
    handle_unref(h);
}

void tunic_free(struct tunic *t)
{
    if (!t)
        return;
    if (t->calling) {
        log_err(&t->log, "tunic_free() inside a callback: nothing is freed");
        return;
    }
    if (t->net && !net_is_forked(t->net))
        net_enter(t->net);
    while (t->live)
        if (t->live->orphan)
            handle_free(t->live);
        else
            end(t->live);
    tls_ctx_free(t->tls);
    watch_free(t->watch);
    t->watch = NULL;
    net_free(t->net);
    t->tls = NULL;
    t->net = NULL;
    unref(t);
}

void tunic_free_all(struct tunic *t)
{
    if (!t || t->calling) {
        tunic_free(t);
        return;
    }
    while (t->held)
        handle_free(t->held);
    tunic_free(t);
}

/* ---- events ---- */

void handle_tell(struct handle *h, enum tunic_event event)
{
    if (h->ended)
        return;
    h->untold |= 1u << event;
    later_ask(net_env(h->t->net), &h->tell);
}

static void tell(void *arg)
{
    static const enum tunic_event order[] = {TUNIC_EVENT_PROGRESS, TUNIC_EVENT_OPEN,
                                             TUNIC_EVENT_READABLE, TUNIC_EVENT_WRITABLE,
                                             TUNIC_EVENT_CLOSED};
    struct handle *h = arg;
    unsigned events = h->untold;
    h->untold = 0;
    h->refs++;
    h->t->told++;
    h->t->calling++;
    for (size_t i = 0; i < sizeof order / sizeof order[0] && !h->ended; i++)
        if (events >> order[i] & 1)
            h->kind->call(h, order[i]);
    h->t->calling--;
    handle_unref(h);
}

/* ---- calls from outside ---- */

/* The descriptor, if there is one, knows what the loop waits for now. */
static void watch(struct tunic *t)
{
    if (t->watch && watch_update(t->watch) != OK)
        log_err(&t->log, "the pollable descriptor is out of date: no memory or no descriptors");
}

int tunic_fd(struct tunic *t, struct tunic_error *error)
{
    if (!t || !lib_enter(t, error))
        return -1;
    if (!t->own_loop)
        return lib_error(error, TUNIC_USAGE, TUNIC_STAGE_NONE, "the event loop is the caller's");
    err_t e = t->watch ? OK : watch_new(t->net, &t->watch);
    if (e != OK)
        return lib_error_of(error, e, TUNIC_STAGE_NONE, "the pollable descriptor");
    watch(t);
    return watch_fd(t->watch);
}

bool lib_enter(struct tunic *t, struct tunic_error *error)
{
    if (t->net && net_is_forked(t->net)) {
        lib_error(error, TUNIC_USAGE, TUNIC_STAGE_NONE,
                  "the instance is another process's: after fork() it can only be freed");
        return false;
    }
    if (t->net) {
        /* Inside a callback it is the wake-up's time. */
        if (!t->calling) {
            net_enter(t->net);
            if (t->watch)
                watch_kick(t->watch);
        }
        return true;
    }
    lib_error(error, TUNIC_USAGE, TUNIC_STAGE_NONE, "the instance has been freed");
    return false;
}

static void time_is_up(void *arg)
{
    bool *up = arg;
    *up = true;
}

bool lib_may_wait(struct tunic *t, struct tunic_error *error)
{
    if (!lib_enter(t, error))
        return false;
    if (!t->own_loop)
        lib_error(error, TUNIC_USAGE, TUNIC_STAGE_NONE,
                  "the event loop is the caller's: no waiting");
    else if (t->calling)
        lib_error(error, TUNIC_USAGE, TUNIC_STAGE_NONE, "no waiting inside a callback");
    return t->own_loop && !t->calling;
}

/* Until DONE(ARG). 0: done; 1: the time is up; -1 with ERROR: it may not wait. */
static int wait_for(struct tunic *t, int timeout_ms, bool (*done)(const void *arg), const void *arg,
                    struct tunic_error *error)
{
    bool up = false;
    struct timer deadline;
    if (timeout_ms == 0 && t->net && !net_is_forked(t->net) && (t->calling || !t->own_loop))
        return done(arg) ? 0 : 1;
    if (!lib_may_wait(t, error))
        return -1;
    timer_init(&deadline, time_is_up, &up);
    if (timeout_ms >= 0)
        env_arm_ms(net_env(t->net), &deadline, (uint64_t)timeout_ms);
    err_t e = OK;
    while (e == OK && !done(arg) && !up)
        e = net_turn(t->net, true);
    env_disarm(net_env(t->net), &deadline);
    if (e != OK)
        return lib_error(error, TUNIC_SYSTEM, TUNIC_STAGE_NONE,
                         "the event loop's descriptor is gone: has the program closed it?");
    watch(t);
    return done(arg) ? 0 : 1;
}

struct waited {
    const struct handle *h;
    bool (*done)(const void *object);
};

static bool is_done_or_ended(const void *arg)
{
    const struct waited *w = arg;
    return w->h->ended || w->done(w->h);
}

int lib_wait_for(struct handle *h, int timeout_ms, bool (*done)(const void *object),
                 struct tunic_error *error)
{
    const struct waited w = {h, done};
    handle_hold(h);
    int late = wait_for(h->t, timeout_ms, is_done_or_ended, &w, error);
    if (late >= 0 && h->ended)
        late = lib_error(error, TUNIC_USAGE, TUNIC_STAGE_NONE,
                         "a callback has freed what is being waited for");
    handle_let_go(h);
    return late;
}

uint64_t lib_until(struct tunic *t, int timeout_ms)
{
    return timeout_ms < 0 ? TIMER_NEVER
                          : net_env(t->net)->mono_us + (uint64_t)timeout_ms * US_PER_MS;
}

int lib_left(struct tunic *t, uint64_t until_us)
{
    uint64_t now = net_env(t->net)->mono_us;
    if (until_us == TIMER_NEVER)
        return -1;
    return until_us > now ? (int)((until_us - now + US_PER_MS - 1) / US_PER_MS) : 0;
}

struct watch {
    const struct tunic *t;
    uint64_t told;
};

static bool something_was_told(const void *arg)
{
    const struct watch *w = arg;
    return w->t->told != w->told;
}

int tunic_run_once(struct tunic *t, int timeout_ms, struct tunic_error *error)
{
    if (!t || !lib_may_wait(t, error))
        return -1;
    const struct watch w = {t, t->told};
    return wait_for(t, timeout_ms, something_was_told, &w, error) < 0 ? -1 : 0;
}
