#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/sim.h"

enum { CLOCK_JUMP_S = 100 };

struct sim *sim_now;

/* ---- randomness ---- */

uint64_t rng_next(struct rng *r)
{
    uint64_t z = r->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

uint64_t rng_below(struct rng *r, uint64_t bound)
{
    return bound ? rng_next(r) % bound : 0;
}

uint64_t rng_between(struct rng *r, uint64_t lo, uint64_t hi)
{
    return lo + rng_below(r, hi - lo + 1);
}

bool rng_one_in(struct rng *r, uint64_t n)
{
    return rng_below(r, n) == 0;
}

void rng_fill(void *rng, void *out, size_t len)
{
    uint8_t *at = out;
    while (len) {
        uint64_t x = rng_next(rng);
        size_t n = len < sizeof x ? len : sizeof x;
        memcpy(at, &x, n);
        at += n;
        len -= n;
    }
}

/* ---- what is seen ---- */

void sim_hash(struct sim *s, const void *bytes, size_t len)
{
    const uint8_t *at = bytes;
    uint64_t h = s->hash;
    for (; len >= 8; at += 8, len -= 8) {
        uint64_t x;
        memcpy(&x, at, 8);
        h = (h ^ x) * UINT64_C(0x9fb21c651e98df25);
        h ^= h >> 29;
    }
    for (; len; at++, len--)
        h = (h ^ *at) * UINT64_C(0x100000001b3);
    s->hash = h;
}

void sim_note(struct sim *s, const char *fmt, ...)
{
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    size_t len = n < 0 ? 0 : (size_t)n < sizeof text ? (size_t)n : sizeof text - 1;
    sim_hash(s, text, len);
    sim_hash(s, &s->now_us, sizeof s->now_us);
    if (s->trace)
        printf("%12.6f  %s\n", (double)s->now_us / 1e6, text);
}

/* What a controller may well bring about: circuits over relays of his choice, streams at an exit
 * that does not take them. */
static bool is_controllers_doing(const char *invariant)
{
    return strncmp(invariant, "path-", 5) == 0 || strcmp(invariant, "dials") == 0 ||
           strcmp(invariant, "served") == 0 || strcmp(invariant, "answer") == 0;
}

void sim_breach(struct sim *s, const char *invariant, const char *fmt, ...)
{
    if (s->failed || (s->sc->steered && is_controllers_doing(invariant)))
        return;
    s->failed = true;
    snprintf(s->invariant, sizeof s->invariant, "%s", invariant);
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(s->why, sizeof s->why, fmt, ap);
    va_end(ap);
    if (s->trace)
        printf("%12.6f  BREACH %s: %s\n", (double)s->now_us / 1e6, s->invariant, s->why);
}

/* ---- events: a binary heap ---- */

static bool before(const struct event *a, const struct event *b)
{
    return a->at_us < b->at_us || (a->at_us == b->at_us && a->order < b->order);
}

void sim_at(struct sim *s, uint64_t at_us, sim_fn *fn, void *arg, uint64_t x)
{
    if (s->n_heap == s->heap_size) {
        size_t size = s->heap_size ? 2 * s->heap_size : 256;
        struct event *heap = realloc(s->heap, size * sizeof *heap);
        if (!heap)
            abort();
        s->heap = heap;
        s->heap_size = size;
    }
    struct event e = {at_us > s->now_us ? at_us : s->now_us, s->order++, fn, arg, x};
    size_t i = s->n_heap++;
    for (; i && before(&e, &s->heap[(i - 1) / 2]); i = (i - 1) / 2)
        s->heap[i] = s->heap[(i - 1) / 2];
    s->heap[i] = e;
}

void sim_after(struct sim *s, uint64_t delay_us, sim_fn *fn, void *arg, uint64_t x)
{
    sim_at(s, s->now_us + delay_us, fn, arg, x);
}

struct event sim_next_event(struct sim *s)
{
    struct event top = s->heap[0], last = s->heap[--s->n_heap];
    size_t i = 0;
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= s->n_heap)
            break;
        if (child + 1 < s->n_heap && before(&s->heap[child + 1], &s->heap[child]))
            child++;
        if (!before(&s->heap[child], &last))
            break;
        s->heap[i] = s->heap[child];
        i = child;
    }
    s->heap[i] = last;
    return top;
}

/* ---- into a machine and out of it ---- */

void sim_enter_net(struct sim *s)
{
    env_set_clocks(&s->net_env, s->now_us + SIM_MONO_ORIGIN,
                   SIM_EPOCH * (int64_t)SIM_SECOND + (int64_t)s->now_us);
}

/* Jumps of less than 100 s are none, and one that is taken back before the client looks is none
 * either. */
static void note_jump(struct sim_client *c)
{
    int64_t apart_us = c->wall_off_us - (int64_t)c->mono_off_us;
    int64_t jump_us = apart_us - c->seen_apart_us;
    if (jump_us >= CLOCK_JUMP_S * (int64_t)SIM_SECOND ||
        jump_us <= -CLOCK_JUMP_S * (int64_t)SIM_SECOND)
        c->jumped_us = c->sim->now_us;
    c->seen_apart_us = apart_us;
}

void sim_enter_client(struct sim_client *c)
{
    struct sim *s = c->sim;
    note_jump(c);
    s->running = c;
    memory.in_client = true;
    env_set_clocks(&c->env, s->now_us + SIM_MONO_ORIGIN + c->mono_off_us,
                   SIM_EPOCH * (int64_t)SIM_SECOND + (int64_t)s->now_us + c->wall_off_us);
}

void sim_leave(struct sim *s)
{
    s->running = NULL;
    memory.in_client = false;
}

static uint64_t next_of(const struct env *env, uint64_t off)
{
    uint64_t due = env_next_us(env);
    if (due == TIMER_NEVER)
        return TIMER_NEVER;
    return due > off ? due - off : 0;
}

/* The earliest deadline of any env; *CLIENT says whose (SIM_CLIENTS: the network's). */
static uint64_t next_timer(struct sim *s, size_t *client)
{
    uint64_t best = next_of(&s->net_env, SIM_MONO_ORIGIN);
    *client = SIM_CLIENTS;
    for (size_t i = 0; i < s->sc->clients; i++) {
        uint64_t due = next_of(&s->client[i].env, SIM_MONO_ORIGIN + s->client[i].mono_off_us);
        if (due < best) {
            best = due;
            *client = i;
        }
    }
    return best;
}

static void run_timers(struct sim *s, size_t client)
{
    if (client == SIM_CLIENTS) {
        sim_enter_net(s);
        env_run_timers(&s->net_env);
    } else {
        sim_enter_client(&s->client[client]);
        env_run_timers(&s->client[client].env);
    }
    sim_leave(s);
}

bool sim_step(struct sim *s)
{
    size_t client;
    wire_pump(s);
    uint64_t timer = next_timer(s, &client);
    uint64_t event = s->n_heap ? s->heap[0].at_us : TIMER_NEVER;
    uint64_t next = timer < event ? timer : event;
    if (next == TIMER_NEVER)
        return false;
    if (next > s->now_us || event <= timer)
        s->rebounds = 0;
    if (next > s->now_us) {
        told_look(s);
        s->now_us = next;
    }
    s->steps++;
    if (timer <= event) { /* the end of a wake-up comes before the next one */
        if (++s->rebounds > SIM_REBOUNDS)
            sim_breach(s, "livelock", "timers of %s run again and again while time stands still",
                       client == SIM_CLIENTS ? "the network" : "a client");
        run_timers(s, client);
    } else {
        struct event e = sim_next_event(s);
        s->events++;
        e.fn(s, e.arg, e.x);
    }
    wire_pump(s);
    watch_step(s);
    news_step(s);
    return !s->failed;
}
