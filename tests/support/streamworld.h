/* Streams on a circuit of three hops in memory, and applications that note what they are told. For
 * the tests of streams: world_new(), begin() or connected(), exit_says(), and world_free(). Header-
 * only; a test includes it once, in place of fakenet.h. */
#ifndef TUNIC_TESTS_STREAMWORLD_H
#define TUNIC_TESTS_STREAMWORLD_H

#include <stdlib.h>
#include <string.h>

#include "stream/stream.h"
#include "support/fakenet.h"

enum { HOPS = 3, MOST = 256 };

/* One application: what it wants to send, and what it was told. */
struct app {
    struct world *w;
    struct stream *s;
    size_t to_send, sent, got;
    uint8_t got_sum;
    unsigned connected, resolved, ended, writable, data_calls;
    struct ip addr;
    struct stream_answer answer[STREAM_MAX_ANSWERS];
    size_t answers;
    struct stream_end end;
    bool hold;         /* does not consume */
    unsigned close_in; /* CLOSE_IN_* */
    bool close_circ;   /* then the circuit instead of the stream */
    bool free_set;     /* then the whole set */
};

struct world {
    struct env *env;
    struct link *l;
    struct circ *c;
    struct streams *set;
    unsigned closed;
    struct circ_end end;
    struct app app[MOST];
};

enum { CLOSE_IN_CONNECTED = 1, CLOSE_IN_RESOLVED, CLOSE_IN_DATA, CLOSE_IN_WRITABLE, CLOSE_IN_END };

static inline void close_if(struct app *a, unsigned where)
{
    if (a->close_in != where)
        return;
    if (a->free_set) {
        streams_free(a->w->set);
        a->w->set = NULL;
    } else if (a->close_circ) {
        circ_close(a->w->c, OK, DESTROY_FINISHED);
    } else {
        stream_close(a->s, END_DONE);
    }
}

static inline void app_write(struct app *a)
{
    static const uint8_t bytes[8 * RELAY_V0_DATA_MAX];
    while (a->sent < a->to_send) {
        size_t want = a->to_send - a->sent;
        if (want > sizeof bytes)
            want = sizeof bytes;
        size_t n = stream_write(a->s, bytes, want);
        a->sent += n;
        if (n < want)
            return;
    }
}

static inline void on_connected(void *arg, const struct ip *addr, uint32_t ttl_s)
{
    struct app *a = arg;
    (void)ttl_s;
    a->connected++;
    a->addr = *addr;
    close_if(a, CLOSE_IN_CONNECTED);
}

static inline void on_resolved(void *arg, const struct stream_answer *answers, size_t n)
{
    struct app *a = arg;
    a->resolved++;
    a->answers = n;
    memcpy(a->answer, answers, n * sizeof *answers);
    close_if(a, CLOSE_IN_RESOLVED);
}

static inline void on_data(void *arg, const uint8_t *bytes, size_t len)
{
    struct app *a = arg;
    a->data_calls++;
    a->got += len;
    for (size_t i = 0; i < len; i++)
        a->got_sum = (uint8_t)(a->got_sum + bytes[i]);
    if (!a->hold)
        stream_consumed(a->s, len);
    close_if(a, CLOSE_IN_DATA);
}

static inline void on_writable(void *arg)
{
    struct app *a = arg;
    a->writable++;
    app_write(a);
    close_if(a, CLOSE_IN_WRITABLE);
}

static inline void on_end(void *arg, const struct stream_end *end)
{
    struct app *a = arg;
    a->ended++;
    a->end = *end;
    close_if(a, CLOSE_IN_END);
}

static const struct stream_ops app_ops = {on_connected, on_resolved, on_data,
                                          on_writable,  on_end,      NULL};

static inline void on_circ_closed(void *arg, const struct circ_end *end)
{
    struct world *w = arg;
    w->closed++;
    w->end = *end;
}

static const struct circ_ops circ_ops = {.on_end = on_circ_closed};

static inline struct world *world_new(uint64_t seed)
{
    struct world *w = calloc(1, sizeof *w);
    ck_assert_ptr_nonnull(w);
    w->env = test_env(seed);
    w->l = fake_new(w->env);
    const struct circ_config config = circ_config_defaults();
    w->c = circ_new(w->env, w->l, &config, &circ_ops, w);
    fake_build(w->l, w->c, HOPS);
    ck_assert_int_eq(circ_state(w->c), CIRC_OPEN);
    w->set = streams_new(w->env, carrier_of_hop(w->c, HOPS));
    ck_assert_ptr_nonnull(w->set);
    return w;
}

static inline void settle(struct world *w)
{
    for (unsigned i = 0; i < 3; i++)
        env_run_timers(w->env);
}

static inline void world_free(struct world *w)
{
    streams_free(w->set);
    circ_free(w->c);
    settle(w);
    fake_free(w->l);
    test_env_free(w->env);
    free(w);
}

static inline struct app *open_kind(struct world *w, unsigned i, struct stream_request req)
{
    struct app *a = &w->app[i];
    a->w = w;
    ck_ok(stream_open(w->set, &req, &app_ops, a, &a->s));
    fake_pump(w->l);
    return a;
}

static inline struct app *begin(struct world *w, unsigned i)
{
    return open_kind(w, i, (struct stream_request){.target = "example.com:80"});
}

static inline void exit_says(struct world *w, const struct app *a, uint8_t cmd, const char *data,
                             size_t len)
{
    fake_send(w->l, HOPS, cmd, stream_id(a->s), data, len);
}

#define PUBLIC_ADDR "\300\0\2\1\0\0\0\74" /* 192.0.2.1 for 60 s */

static inline struct app *connected(struct world *w, unsigned i)
{
    struct app *a = begin(w, i);
    exit_says(w, a, RELAY_CONNECTED, PUBLIC_ADDR, 8);
    ck_assert_uint_eq(a->connected, 1);
    ck_assert(stream_is_connected(a->s));
    return a;
}

static inline void assert_circ_closed(struct world *w, err_t why)
{
    ck_assert_int_eq(circ_state(w->c), CIRC_CLOSED);
    settle(w);
    ck_assert_uint_eq(w->closed, 1);
    ck_assert_msg(w->end.why == why, "%s", err_name(w->end.why));
}

#endif
