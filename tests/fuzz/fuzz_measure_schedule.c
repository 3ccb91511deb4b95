/* What a coordinator has kept of its schedule, read again: whatever it is, each relay of the plan
 * is in one state, the plan can be shown, and an hour of following it without measurers does no
 * harm. The same text is also the file of relays that have opted in. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/secret.h"
#include "measure/coordinator.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum { STEPS = 60, STEP_S = 60 };

static void counting(void *arg, void *out, size_t len)
{
    uint8_t *count = arg;
    for (size_t i = 0; i < len; i++)
        ((uint8_t *)out)[i] = ++*count;
}

static void must(bool is_so)
{
    if (!is_so)
        abort();
}

static err_t record(void *arg, const char *line, bool synced)
{
    (void)arg, (void)synced;
    must(line[strlen(line) - 1] == '\n');
    return OK;
}

static void look(const struct coordinator *c)
{
    bool over;
    struct coordinator_view *v = coordinator_view_schedule(c);
    char *text = v ? coordinator_view_next(v, &over) : NULL;
    json_t *o = text ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL, *count;
    const json_t *counts = json_object_get(o, "counts");
    const char *state;
    json_int_t sum = 0;
    must(o != NULL);
    coordinator_view_free(v);
    json_object_foreach((json_t *)counts, state, count)
    {
        must(json_integer_value(count) >= 0);
        sum += json_integer_value(count);
    }
    must(sum == (json_int_t)json_array_size(json_object_get(o, "items")));
    json_decref(o);
    free(text);
}

static void give_relays(struct coordinator *c, struct text text)
{
    struct roster roster;
    char why[ROSTER_WHY];
    roster_init(&roster);
    (void)!roster_read(&roster, text, why);
    roster_sort(&roster);
    coordinator_roster(c, &roster);
    roster_free(&roster);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static struct mconf_coord conf = {.dur = 30, .percent = 25, .sockets = 160, .prior = 1000000};
    static const struct coordinator_ops ops = {.record = record};
    static const struct sha256 pin;
    uint8_t count = 0;
    struct env env = {.random = counting,
                      .random_arg = &count,
                      .mono_us = US_PER_SEC,
                      .wall_us = INT64_C(1767225600) * US_PER_SEC};
    const struct text all = {(const char *)data, len};
    struct text rest = all, line;
    must(crypto_init() == OK);
    struct coordinator *c = coordinator_new(&env, &conf, NULL, &pin, &ops, NULL);
    if (!c)
        return 0;
    while (text_line(&rest, &line))
        (void)!coordinator_recall_schedule(c, line);
    must(coordinator_recalled(c) == OK);
    look(c);
    give_relays(c, all);
    coordinator_schedule_start(c);
    for (int i = 0; i < STEPS; i++) {
        env.mono_us += STEP_S * (uint64_t)US_PER_SEC;
        env.wall_us += STEP_S * (int64_t)US_PER_SEC;
        env_run_timers(&env);
    }
    look(c);
    coordinator_schedule_stop(c);
    coordinator_free(c);
    return 0;
}
