/* Guards of a made-up network of 120 relays, each of which may be one. */
#ifndef TUNIC_TESTS_GUARDBED_H
#define TUNIC_TESTS_GUARDBED_H

#include <stdlib.h>
#include <string.h>

#include "path/guards.h"
#include "path/restrict.h"
#include "support/netgen.h"

enum { RELAYS = 120, DAY = 24 * 60 * 60 };

struct bed {
    struct env *env;
    struct netgen_relay relays[RELAYS];
    struct netdir *nd;
    struct path_config cfg;
    struct guards *g;
};

static inline void remake(struct bed *b)
{
    struct netgen g = {.relays = b->relays, .n = RELAYS};
    g.valid_after_s = env_wall_s(b->env) - 1800;
    if (b->nd)
        netdir_unref(&b->nd);
    b->nd = netgen_make(&g);
    ck_ok(guards_update(b->g, b->nd, &b->cfg));
}

static inline struct bed *bed_new(uint64_t seed)
{
    struct bed *b = calloc(1, sizeof *b);
    ck_assert_ptr_nonnull(b);
    b->env = test_env(seed);
    for (unsigned i = 0; i < RELAYS; i++)
        b->relays[i] = netgen_relay(i);
    path_config_init(&b->cfg);
    b->g = guards_new(b->env);
    remake(b);
    return b;
}

static inline void bed_free(struct bed *b)
{
    guards_free(&b->g);
    netdir_unref(&b->nd);
    test_env_free(b->env);
    free(b);
}

static const struct guard_restriction any;

static inline const struct router *pick(struct bed *b, enum guard_use *use)
{
    const struct router *r;
    enum guard_use ignored;
    ck_ok(guards_pick(b->g, b->nd, GUARD_FOR_TRAFFIC, &any, &r, use ? use : &ignored));
    return r;
}

static inline struct rsa_id id_at(struct bed *b, size_t i)
{
    struct guard_info info;
    ck_assert(guards_at(b->g, i, &info));
    return info.rsa;
}

static inline struct guard_info info_of(struct bed *b, const struct rsa_id *id)
{
    struct guard_info info;
    for (size_t i = 0; guards_at(b->g, i, &info); i++)
        if (rsa_id_equal(&info.rsa, id))
            return info;
    return (struct guard_info){.nickname = NULL};
}

__attribute__((noinline, unused)) static char *saved(struct bed *b)
{
    struct state *s = state_new();
    char *text;
    size_t len;
    ck_ok(guards_save(b->g, s));
    ck_ok(state_write(s, 0, "x", &text, &len));
    state_free(&s);
    return text;
}

static inline void load(struct bed *b, const char *text)
{
    struct state *s;
    size_t lines;
    ck_ok(state_parse(text_of(text), &s, &lines));
    size_t damaged;
    ck_ok(guards_load(b->g, s, &damaged));
    state_free(&s);
}

#endif
