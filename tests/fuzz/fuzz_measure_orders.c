/* Orders to a coordinator, a line each, as anything that opens its socket may write them: every
 * answer is JSON in one line, and what is asked for does no harm. The socket, and the process that
 * reads results, are played here. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "app/lines.h"
#include "app/measure/orders.h"
#include "app/measure/resultsread.h"
#include "crypto/secret.h"
#include "measure/whose.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum { OWN_MOST = 16384, STEPS = 3 };

static struct {
    const struct lines_kind *kind;
    void *arg;
    max_align_t own[OWN_MOST / sizeof(max_align_t)];
    unsigned bwfiles;
    struct orders *orders;
} s;

static void must(bool is_so)
{
    if (!is_so)
        abort();
}

/* ---- the socket ---- */

err_t lines_open(struct net *n, const struct lines_kind *kind, const char *path, void *arg,
                 struct lines **out)
{
    (void)n, (void)path;
    must(kind->own_size <= sizeof s.own);
    s.kind = kind;
    s.arg = arg;
    *out = NULL;
    return OK;
}

void lines_close(struct lines *l)
{
    (void)l;
}

void *lines_own(struct lines_caller *c)
{
    (void)c;
    return s.own;
}

void lines_each(struct lines *l, void (*fn)(void *arg, struct lines_caller *c), void *arg)
{
    (void)l;
    fn(arg, NULL);
}

void lines_say(struct lines_caller *c, struct text text)
{
    json_error_t error;
    (void)c;
    must(!memchr(text.s, '\n', text.len));
    json_t *object = json_loadb(text.s, text.len, JSON_REJECT_DUPLICATES, &error);
    must(json_is_object(object));
    json_decref(object);
}

size_t lines_waiting(const struct lines_caller *c)
{
    (void)c;
    return 0;
}

/* ---- the process ---- */

err_t resultsread_start(struct net *n, const struct resultsread_of *of, struct resultsread **out)
{
    struct whose whose;
    (void)n, (void)out;
    return of->relay && whose_init(&whose, text_of(of->relay)) != OK ? ERR_ARG : ERR_IO;
}

void resultsread_hold(struct resultsread *r, bool held)
{
    (void)r, (void)held;
}

void resultsread_stop(struct resultsread *r)
{
    (void)r;
}

/* ---- the coordinator ---- */

static void counting(void *arg, void *out, size_t len)
{
    uint8_t *count = arg;
    for (size_t i = 0; i < len; i++)
        ((uint8_t *)out)[i] = ++*count;
}

/* Relays that never answer. */
static err_t talk(void *arg, uint32_t meas_id, const struct meas_relay *relay,
                  const struct meas_params *params, void **out)
{
    (void)arg, (void)meas_id, (void)relay, (void)params;
    *out = &s;
    return OK;
}

static void hush(void *arg, void *of, bool aborted)
{
    (void)arg, (void)aborted;
    must(of == &s);
}

static err_t prove(void *arg, uint32_t meas_id, const struct meas_relay *relay, void **out,
                   char why[CONSENT_WHY_MAX])
{
    (void)arg, (void)meas_id, (void)relay, (void)why;
    *out = &s;
    return OK;
}

static void unprove(void *arg, void *of)
{
    hush(arg, of, false);
}

static void on_event(void *arg, uint32_t meas_id, const char *json, bool over)
{
    (void)arg;
    if (s.orders)
        orders_event(s.orders, meas_id, json, over);
}

static err_t record(void *arg, const char *line, bool synced)
{
    (void)arg, (void)synced;
    must(line[strlen(line) - 1] == '\n');
    return OK;
}

static void be_shut(void *arg)
{
    (void)arg;
}

static unsigned make_bwfile(void *arg)
{
    (void)arg;
    return ++s.bwfiles % 3;
}

static void obey_all(struct env *env, struct coordinator *c, struct text rest)
{
    const struct orders_of of = {
        .coordinator = c, .resultsdir = "/nowhere", .shutdown = be_shut, .bwfile = make_bwfile};
    struct text line;
    must(orders_open(NULL, "ctl", &of, &s.orders) == OK);
    while (text_line(&rest, &line))
        s.kind->obey(s.arg, NULL, line);
    orders_bwfile(s.orders, 1, "{}");
    for (int i = 0; i < STEPS; i++) {
        env->mono_us += US_PER_SEC;
        env->wall_us += US_PER_SEC;
        env_run_timers(env);
    }
    s.kind->gone(s.arg, NULL);
    orders_close(s.orders);
    s.orders = NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static struct mconf_coord conf = {.dur = 30, .percent = 25, .sockets = 160, .prior = 1000000};
    static const struct coordinator_ops ops = {.talk = talk,
                                               .hush = hush,
                                               .prove = prove,
                                               .unprove = unprove,
                                               .record = record,
                                               .on_event = on_event};
    static const struct sha256 pin;
    uint8_t count = 0;
    struct env env = {.random = counting,
                      .random_arg = &count,
                      .mono_us = US_PER_SEC,
                      .wall_us = INT64_C(1767225600) * US_PER_SEC};
    must(crypto_init() == OK);
    memset(&s, 0, sizeof s);
    struct coordinator *c = coordinator_new(&env, &conf, NULL, &pin, &ops, NULL);
    if (!c)
        return 0;
    obey_all(&env, c, (struct text){(const char *)data, len});
    coordinator_free(c);
    return 0;
}
