/* A carrier of two legs under real streams, as conflux will be one (proposal 329): it numbers what
 * is multiplexed over both, says SWITCH when it goes on with the other leg, and puts in order what
 * comes. Its legs are queues with a delay; the exit at their far end is the test. */
#include "stream/carrier.h"

#include <stdlib.h>
#include <string.h>

#include "stream/stream.h"
#include "support/test.h"

enum { LEGS = 2, LETTERS = 64, BODY = 32 };

struct letter {
    uint64_t due; /* the tick at which it arrives, or its number among all once it has */
    uint8_t cmd;
    uint16_t stream_id;
    uint32_t skip; /* SWITCH: so many have gone over the other leg */
    size_t len;
    uint8_t data[BODY];
};

struct leg {
    bool dead;
    unsigned delay;     /* to us, in ticks */
    unsigned room;      /* DATA that it takes before it is full */
    size_t data_max;    /* as its format has it */
    uint64_t sent, got; /* the number of the last message that went over it, each way */
    uint64_t far_sent;  /* and of the last that the exit sent */
    struct letter in[LETTERS], out[LETTERS];
    size_t in_n, out_n;
};

/* The carrier. */
struct pair {
    struct carrier carrier; /* first */
    struct leg leg[LEGS];
    struct leg *current; /* that we send on */
    uint64_t now, delivered, far_sent;
    struct letter held[LETTERS]; /* came before their turn */
    size_t held_n;
    bool left, freed, ended, full;
};

/* ---- down ---- */

static void put(struct leg *l, struct letter letter)
{
    ck_assert_uint_lt(l->out_n, LETTERS);
    l->out[l->out_n++] = letter;
}

/* SWITCH says how many went over the other leg since this one had its last. */
static void go_over(struct pair *p, struct leg *l)
{
    if (l != p->current && p->current)
        put(l, (struct letter){.cmd = RELAY_CONFLUX_SWITCH,
                               .skip = (uint32_t)(p->current->sent - l->sent)});
    if (p->current)
        l->sent = p->current->sent;
    p->current = l;
}

static err_t put_on(struct pair *p, struct leg *l, struct letter letter, const uint8_t *data)
{
    ck_assert_uint_le(letter.len, BODY);
    if (letter.len)
        memcpy(letter.data, data, letter.len);
    if (relay_rule(letter.cmd)->traits & RELAY_MULTIPLEXED) {
        go_over(p, l);
        l->sent++;
    }
    put(l, letter);
    return OK;
}

static struct pair *pair_of(struct carrier *c)
{
    return (struct pair *)c;
}

/* The quicker one of the legs that take ROOM more DATA. */
static struct leg *quickest(struct pair *p, unsigned room)
{
    struct leg *best = NULL;
    for (struct leg *l = p->leg; l < p->leg + LEGS; l++)
        if (!l->dead && l->room >= room && (!best || l->delay < best->delay))
            best = l;
    return best;
}

static err_t send(struct carrier *c, uint8_t cmd, uint16_t id, const uint8_t *data, size_t len)
{
    struct pair *p = pair_of(c);
    if (cmd == RELAY_BEGIN_DIR)
        return ERR_ARG;
    struct leg *l = p->current ? p->current : quickest(p, 0);
    return put_on(p, l, (struct letter){.cmd = cmd, .stream_id = id, .len = len}, data);
}

static err_t send_data(struct carrier *c, uint16_t id, const uint8_t *data, size_t *len)
{
    struct pair *p = pair_of(c);
    struct leg *l = quickest(p, 1);
    p->full = !l;
    if (!l)
        return ERR_FULL;
    l->room--;
    *len = *len < l->data_max ? *len : l->data_max;
    return put_on(p, l, (struct letter){.cmd = RELAY_DATA, .stream_id = id, .len = *len}, data);
}

static bool may_begin(const struct carrier *c)
{
    (void)c;
    return true;
}

static bool is_open(const struct carrier *c)
{
    const struct pair *p = (const struct pair *)c;
    return !p->left && !p->ended;
}

/* Conflux goes with congestion control alone. */
static bool own_sendmes(const struct carrier *c)
{
    (void)c;
    return false;
}

static uint64_t max_rtt_us(const struct carrier *c)
{
    (void)c;
    return 0;
}

static void serve(struct carrier *c)
{
    (void)c;
}

static void leave(struct carrier *c)
{
    pair_of(c)->left = true;
}

static void pair_free(struct carrier *c)
{
    pair_of(c)->freed = true; /* it is a member of the test's world */
}

static const struct carrier_kind pair_kind = {
    .send = send,
    .send_data = send_data,
    .may_begin = may_begin,
    .is_open = is_open,
    .own_sendmes = own_sendmes,
    .max_rtt_us = max_rtt_us,
    .serve = serve,
    .leave = leave,
    .free = pair_free,
};

/* ---- up ---- */

static void deliver(struct pair *p, const struct letter *l)
{
    const struct relay_msg msg = {
        .cmd = l->cmd, .stream_id = l->stream_id, .data = l->data, .len = l->len};
    p->delivered++;
    ck_ok(p->carrier.user->on_msg(p->carrier.user_arg, &msg));
}

static void deliver_held(struct pair *p)
{
    for (size_t i = 0; i < p->held_n; i++)
        if (p->held[i].due == p->delivered + 1) {
            struct letter l = p->held[i];
            p->held[i] = p->held[--p->held_n];
            deliver(p, &l);
            i = SIZE_MAX; /* from the first again */
        }
}

static void arrived(struct pair *p, struct leg *leg, struct letter l)
{
    if (l.cmd == RELAY_CONFLUX_SWITCH) {
        leg->got += l.skip;
        return;
    }
    l.due = ++leg->got;
    ck_assert_uint_gt(l.due, p->delivered);
    ck_assert_uint_lt(p->held_n, LETTERS);
    p->held[p->held_n++] = l;
    deliver_held(p);
}

static void tick(struct pair *p)
{
    p->now++;
    for (struct leg *l = p->leg; l < p->leg + LEGS; l++)
        while (!l->dead && l->in_n && l->in[0].due <= p->now) {
            struct letter letter = l->in[0];
            memmove(l->in, l->in + 1, --l->in_n * sizeof *l->in);
            arrived(p, l, letter);
        }
}

static void leg_dies(struct pair *p, struct leg *l)
{
    const struct circ_end end = {.remote = true, .reason = 8};
    const struct leg *other = l == p->leg ? p->leg + 1 : p->leg;
    l->dead = true;
    /* What went over it last may be lost: only a leg that has been passed by may go. */
    if (l != p->current && l->got <= other->got && l->far_sent <= other->far_sent)
        return;
    p->ended = true;
    p->carrier.user->on_end(p->carrier.user_arg, &end);
}

/* ---- the test's world ---- */

struct world {
    struct env *env;
    struct pair pair;
    struct streams *set;
    struct stream *s;
    char got[256];
    size_t got_n;
    unsigned connected, writable, ended;
    struct stream_end end;
};

static void on_connected(void *arg, const struct ip *addr, uint32_t ttl_s)
{
    struct world *w = arg;
    (void)addr, (void)ttl_s;
    w->connected++;
}

static void on_data(void *arg, const uint8_t *bytes, size_t len)
{
    struct world *w = arg;
    ck_assert_uint_lt(w->got_n + len, sizeof w->got);
    memcpy(w->got + w->got_n, bytes, len);
    w->got_n += len;
    stream_consumed(w->s, len);
}

static void on_writable(void *arg)
{
    ((struct world *)arg)->writable++;
}

static void on_end(void *arg, const struct stream_end *end)
{
    struct world *w = arg;
    w->ended++;
    w->end = *end;
}

static const struct stream_ops app_ops = {
    .on_connected = on_connected, .on_data = on_data, .on_writable = on_writable, .on_end = on_end};

/* The exit says something on leg LEG, in the order of the calls. */
static void exit_says(struct world *w, unsigned leg, uint8_t cmd, const char *text)
{
    struct pair *p = &w->pair;
    struct leg *l = &p->leg[leg];
    uint64_t due = p->now + l->delay;
    if (l->far_sent != p->far_sent)
        l->in[l->in_n++] = (struct letter){
            .due = due, .cmd = RELAY_CONFLUX_SWITCH, .skip = (uint32_t)(p->far_sent - l->far_sent)};
    l->far_sent = ++p->far_sent;
    ck_assert_uint_lt(l->in_n, LETTERS);
    struct letter *letter = &l->in[l->in_n++];
    *letter =
        (struct letter){.due = due, .cmd = cmd, .stream_id = stream_id(w->s), .len = strlen(text)};
    memcpy(letter->data, text, letter->len);
}

static void ticks(struct world *w, unsigned n)
{
    while (n--)
        tick(&w->pair);
}

/* Leg 0 is slow and takes a lot, leg 1 is quick and takes little. */
static struct world *world_new(void)
{
    struct world *w = calloc(1, sizeof *w);
    ck_assert_ptr_nonnull(w);
    w->env = test_env(1);
    w->pair.carrier.kind = &pair_kind;
    w->pair.leg[0] = (struct leg){.delay = 7, .room = 40, .data_max = 8};
    w->pair.leg[1] = (struct leg){.delay = 2, .room = 4, .data_max = 5};
    w->set = streams_new(w->env, &w->pair.carrier);
    ck_assert_ptr_nonnull(w->set);
    const struct stream_request req = {.target = "example.com:80"};
    ck_ok(stream_open(w->set, &req, &app_ops, w, &w->s));
    exit_says(w, 1, RELAY_CONNECTED, "");
    ticks(w, 3);
    ck_assert_uint_eq(w->connected, 1);
    return w;
}

static void world_free(struct world *w)
{
    streams_free(w->set);
    ck_assert(w->pair.left);
    env_run_timers(w->env);
    ck_assert(w->pair.freed);
    test_env_free(w->env);
    free(w);
}

/* What the exit reads of the stream, by the numbers that the legs' messages have. */
static void read_at_exit(const struct pair *p, char *out)
{
    struct letter by_number[LETTERS] = {{0}};
    for (const struct leg *l = p->leg; l < p->leg + LEGS; l++) {
        uint64_t number = 0;
        for (size_t i = 0; i < l->out_n; i++) {
            bool counts = l->out[i].cmd != RELAY_CONFLUX_SWITCH;
            number += counts ? 1 : l->out[i].skip;
            if (counts)
                by_number[number] = l->out[i];
        }
    }
    for (size_t i = 0; i < LETTERS; i++)
        if (by_number[i].cmd == RELAY_DATA) {
            memcpy(out, by_number[i].data, by_number[i].len);
            out += by_number[i].len;
        }
    *out = 0;
}

/* ---- tests ---- */

START_TEST(test_carrier_with_two_legs_gives_bytes_in_order)
{
    struct world *w = world_new();
    exit_says(w, 0, RELAY_DATA, "one ");
    exit_says(w, 1, RELAY_DATA, "two ");
    exit_says(w, 1, RELAY_DATA, "three ");
    exit_says(w, 0, RELAY_DATA, "four ");
    exit_says(w, 1, RELAY_DATA, "five ");
    ticks(w, 3);
    ck_assert_uint_eq(w->got_n, 0); /* the quick leg's are here, but not the first */
    ck_assert_uint_eq(w->pair.held_n, 3);
    exit_says(w, 1, RELAY_END, "\6");
    ticks(w, 10);
    ck_assert_str_eq(w->got, "one two three four five ");
    ck_assert_uint_eq(w->ended, 1);
    ck_assert(w->end.remote);
    world_free(w);
}
END_TEST

/* Each cell takes the leg that it fits on best, and as much as that leg's format holds. */
START_TEST(test_carrier_with_two_legs_is_written_to_cell_by_cell)
{
    static const char text[] = "the quick leg takes twenty bytes, the slow one the rest";
    struct world *w = world_new();
    char read[256];
    size_t len = strlen(text);
    ck_assert_uint_eq(stream_write(w->s, (const uint8_t *)text, len), len);
    ck_assert_uint_eq(w->pair.leg[1].room, 0);
    ck_assert_uint_eq(w->pair.leg[0].room, 40 - 5);
    ck_assert_uint_eq(w->pair.leg[0].out[0].cmd, RELAY_CONFLUX_SWITCH);
    ck_assert_uint_eq(w->pair.leg[0].out[0].skip, 5); /* BEGIN and four DATA */
    read_at_exit(&w->pair, read);
    ck_assert_str_eq(read, text);
    world_free(w);
}
END_TEST

START_TEST(test_carrier_with_two_legs_is_full_when_both_are)
{
    struct world *w = world_new();
    char read[256];
    w->pair.leg[0].room = 1;
    ck_assert_uint_eq(stream_write(w->s, (const uint8_t *)"0123456789abcdefghijklmnopqrstuvw", 33),
                      28);
    ck_assert(w->pair.full);
    ck_assert_uint_eq(stream_write(w->s, (const uint8_t *)"stuvw", 5), 0);
    w->pair.leg[1].room = 1;
    w->pair.carrier.user->on_writable(w->pair.carrier.user_arg);
    ck_assert_uint_eq(w->writable, 1);
    ck_assert_uint_eq(stream_write(w->s, (const uint8_t *)"stuvw", 5), 5);
    read_at_exit(&w->pair, read);
    ck_assert_str_eq(read, "0123456789abcdefghijklmnopqrstuvw");
    world_free(w);
}
END_TEST

START_TEST(test_carrier_with_two_legs_outlives_the_idle_one)
{
    struct world *w = world_new();
    leg_dies(&w->pair, &w->pair.leg[0]);
    ck_assert_uint_eq(w->ended, 0);
    exit_says(w, 1, RELAY_DATA, "still here");
    ticks(w, 3);
    ck_assert_str_eq(w->got, "still here");
    ck_assert_uint_eq(stream_write(w->s, (const uint8_t *)"hello", 5), 5);
    world_free(w);
}
END_TEST

START_TEST(test_carrier_with_two_legs_ends_with_the_busy_one)
{
    struct world *w = world_new();
    exit_says(w, 0, RELAY_DATA, "lost");
    leg_dies(&w->pair, &w->pair.leg[0]);
    ck_assert_uint_eq(w->ended, 1);
    ck_assert(w->end.circuit_ended && w->end.circ.remote);
    ck_assert_uint_eq(w->got_n, 0);
    const struct stream_request req = {.target = "example.com:80"};
    ck_err(stream_open(w->set, &req, &app_ops, w, &w->s), ERR_STATE);
    world_free(w);
}
END_TEST

START_TEST(test_carrier_may_refuse_a_kind_of_stream)
{
    struct world *w = world_new();
    const struct stream_request req = {.kind = STREAM_BEGIN_DIR};
    struct stream *dir;
    ck_err(stream_open(w->set, &req, &app_ops, w, &dir), ERR_ARG);
    ck_assert_uint_eq(streams_open_count(w->set), 1);
    ck_assert_uint_eq(w->ended, 0);
    world_free(w);
}
END_TEST

TESTS("stream/carrier", test_carrier_with_two_legs_gives_bytes_in_order,
      test_carrier_with_two_legs_is_written_to_cell_by_cell,
      test_carrier_with_two_legs_is_full_when_both_are,
      test_carrier_with_two_legs_outlives_the_idle_one,
      test_carrier_with_two_legs_ends_with_the_busy_one, test_carrier_may_refuse_a_kind_of_stream)
