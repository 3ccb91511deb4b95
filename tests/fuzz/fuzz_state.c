/* The state file, and what guards and build times make of its lines. What was written is read back
 * without loss. */
#include <stdlib.h>
#include <string.h>

#include "path/cbt.h"
#include "path/guards.h"
#include "path/state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Not random at all, but never one value for ever: a uniform draw may reject some. */
static void counting(void *arg, void *out, size_t len)
{
    uint8_t *count = arg, *to = out;
    for (size_t i = 0; i < len; i++)
        to[i] = (*count)++;
}

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void check_guards(struct env *env, struct state *s)
{
    struct guards *g = guards_new(env), *again = guards_new(env);
    struct guard_info info;
    size_t damaged;
    must(g && again && guards_load(g, s, &damaged) == OK);
    must(guards_save(g, s) == OK && guards_load(again, s, &damaged) == OK && !damaged);
    must(guards_n(g) == guards_n(again) && !guards_dirty(again));
    for (size_t i = 0; guards_at(g, i, &info); i++) {
        struct guard_info other;
        must(guards_at(again, i, &other) && rsa_id_equal(&info.rsa, &other.rsa));
        must(info.sampled_on_s == other.sampled_on_s && info.confirmed == other.confirmed);
    }
    guards_free(&g);
    guards_free(&again);
}

static void check_cbt(struct env *env, struct state *s)
{
    struct cbt *c = cbt_new(env);
    struct cbt_info info;
    must(c != NULL);
    if (cbt_load(c, s) == OK)
        must(cbt_save(c, s) == OK && cbt_load(c, s) == OK);
    cbt_info(c, &info);
    must(info.timeout_ms >= 10 && info.n_times <= CBT_HISTORY);
    cbt_free(&c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t count = 0;
    struct env env = {
        .random = counting, .random_arg = &count, .wall_us = INT64_C(1767225600) * 1000000};
    struct state *s, *again;
    char *text;
    size_t len, damaged;
    if (state_parse((struct text){(const char *)data, size}, &s, &damaged) != OK)
        return 0;
    check_guards(&env, s);
    check_cbt(&env, s);
    if (state_write(s, 0, "x", &text, &len) == OK) {
        must(state_parse((struct text){text, len}, &again, &damaged) == OK && !damaged);
        must(state_count(s, "Guard") == state_count(again, "Guard"));
        state_free(&again);
        free(text);
    }
    state_free(&s);
    return 0;
}
