/* A circuit over relays in memory, its owner and its user, who note what they are told. For the
 * tests of circuits: open_world(), assert_closed(), world_free(). Header-only; a test includes it
 * once, in place of fakenet.h. */
#ifndef TUNIC_TESTS_CIRCWORLD_H
#define TUNIC_TESTS_CIRCWORLD_H

#include "circuit/circ.h"

#include <string.h>

#include "support/fakenet.h"

enum { HOPS = 3 };

struct world {
    struct env *env;
    struct link *l;
    struct circ *c;
    unsigned on_hop, on_open, ends, user_ends, on_msg, on_control, on_writable;
    struct circ_end end;
    struct fake_msg last;
    unsigned last_hop;
    err_t answer;      /* what on_msg returns */
    unsigned close_in; /* which callback closes the circuit, see CLOSE_IN_* */
    bool free_in_closed;
};

enum { CLOSE_IN_HOP = 1, CLOSE_IN_OPEN, CLOSE_IN_MSG, CLOSE_IN_WRITABLE, CLOSE_IN_GONE };

static inline void close_if(struct world *w, unsigned where)
{
    if (w->close_in == where)
        circ_close(w->c, OK, DESTROY_FINISHED);
}

static inline void on_hop(void *arg, unsigned hops)
{
    struct world *w = arg;
    ck_assert_uint_eq(hops, ++w->on_hop);
    close_if(w, CLOSE_IN_HOP);
}

static inline void on_open(void *arg)
{
    struct world *w = arg;
    w->on_open++;
    close_if(w, CLOSE_IN_OPEN);
}

static inline void on_end(void *arg, const struct circ_end *end)
{
    struct world *w = arg;
    char text[200];
    w->ends++;
    ck_assert_uint_eq(w->user_ends, 1);
    w->end = *end;
    ck_assert_uint_gt(strlen(circ_end_text(end, text, sizeof text)), 0);
    if (w->free_in_closed) {
        circ_free(w->c);
        w->c = NULL;
    }
}

static inline err_t on_msg(void *arg, unsigned hop, const struct relay_msg *msg)
{
    struct world *w = arg;
    w->on_msg++;
    w->last_hop = hop;
    w->last = (struct fake_msg){.cmd = msg->cmd, .stream_id = msg->stream_id, .len = msg->len};
    memcpy(w->last.data, msg->data, msg->len);
    close_if(w, CLOSE_IN_MSG);
    return w->answer;
}

static inline err_t on_control(void *arg, unsigned hop, const struct relay_msg *msg)
{
    struct world *w = arg;
    w->on_control++;
    w->last_hop = hop;
    w->last = (struct fake_msg){.cmd = msg->cmd, .stream_id = msg->stream_id, .len = msg->len};
    return w->answer;
}

static inline void on_writable(void *arg)
{
    struct world *w = arg;
    w->on_writable++;
    close_if(w, CLOSE_IN_WRITABLE);
}

static inline void user_on_end(void *arg, const struct circ_end *end)
{
    struct world *w = arg;
    w->user_ends++;
    ck_assert_uint_eq(w->ends, 0);
    (void)end;
    close_if(w, CLOSE_IN_GONE);
}

static const struct circ_ops ops = {.on_hop = on_hop, .on_open = on_open, .on_end = on_end};
static const struct circ_user_ops user_ops = {on_msg, on_writable, user_on_end};

static inline void world_with(struct world *w, uint64_t seed, const struct circ_config *config)
{
    memset(w, 0, sizeof *w);
    w->env = test_env(seed);
    w->l = fake_new(w->env);
    w->c = circ_new(w->env, w->l, config, &ops, w);
    ck_assert_ptr_nonnull(w->c);
    circ_set_user(w->c, &user_ops, w);
}

static inline void world_new(struct world *w, uint64_t seed)
{
    const struct circ_config config = circ_config_defaults();
    world_with(w, seed, &config);
}

static inline void world_free(struct world *w)
{
    circ_free(w->c);
    fake_free(w->l);
    test_env_free(w->env);
}

static inline void build(struct world *w, unsigned hops)
{
    fake_build(w->l, w->c, hops);
}

static inline void open_world(struct world *w, uint64_t seed)
{
    world_new(w, seed);
    build(w, HOPS);
    ck_assert_int_eq(circ_state(w->c), CIRC_OPEN);
    /* A stream at the last hop. */
    ck_ok(circ_send(w->c, HOPS, RELAY_BEGIN, 7, (const uint8_t *)"a:1", 4));
    fake_pump(w->l);
}

static inline void settle(struct world *w)
{
    env_run_timers(w->env);
    env_run_timers(w->env);
}

/* It is closed for WHY, everybody is told once, and nobody twice. */
static inline void assert_closed(struct world *w, err_t why)
{
    ck_assert_int_eq(circ_state(w->c), CIRC_CLOSED);
    ck_assert_uint_eq(w->ends, 0); /* not on anybody's stack */
    settle(w);
    ck_assert_uint_eq(w->ends, 1);
    ck_assert_uint_eq(w->user_ends, 1);
    ck_assert_msg(w->end.why == why, "%s", err_name(w->end.why));
    ck_assert_ptr_null(w->l->lc);
    uint8_t byte = 0;
    ck_err(circ_send(w->c, 1, RELAY_DATA, 1, &byte, 1), ERR_STATE);
    circ_close(w->c, ERR_BUG, DESTROY_INTERNAL);
    settle(w);
    ck_assert_uint_eq(w->ends, 1);
}

static inline void assert_open(struct world *w)
{
    ck_assert_int_eq(circ_state(w->c), CIRC_OPEN);
    settle(w);
    ck_assert_uint_eq(w->ends, 0);
}

#endif
