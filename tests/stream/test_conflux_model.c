/* Two conflux sets, a client's and an exit's, over legs that delay, overtake each other and break:
 * what is handed out is what was sent, in order, and either all of it or the set is over. And one
 * against an exit that says whatever it likes. */
#include "stream/conflux.h"

#include <stdlib.h>
#include <string.h>

#include "base/rd.h"
#include "base/wr.h"
#include "support/test.h"

enum {
    LEGS = 3,
    PIPE = 4096, /* letters under way, each direction of a leg */
    INC = 4,     /* messages a SENDME answers */
    WINDOW = 12,
    MESSAGES = 300, /* each way */
    BODY = 50,
    HELD_MOST = 100000,
};

enum { CLIENT, EXIT };

static unsigned seeds(void)
{
    return 400 / test_share();
}

struct letter {
    uint64_t due_us;
    uint8_t cmd; /* RELAY_TRUNCATED: the leg's end */
    size_t len;
    uint8_t data[BODY];
};

struct pipe {
    struct letter *letters;
    size_t head, n;
    uint64_t last_due_us;
    bool cut; /* nothing gets in any more */
};

struct side;

struct end { /* one side's end of a leg */
    struct side *side;
    unsigned i;
    struct conflux_leg *leg;
    bool open;
    unsigned in_flight, unanswered;
};

struct side {
    struct world *w;
    struct conflux c;
    struct end end[LEGS];
    uint64_t sent, got;
    bool over;
};

struct world {
    struct env *env;
    uint64_t now_us;
    struct side side[2];
    struct pipe pipe[LEGS][2]; /* to the side */
    unsigned delay_us[LEGS];
    unsigned broken;
    bool hostile;
};

static unsigned dice(struct world *w, unsigned n)
{
    return (unsigned)env_random_below(w->env, n);
}

static bool may_send(const struct conflux_leg *leg)
{
    return ((const struct end *)leg->owner)->in_flight < WINDOW;
}

static uint64_t rtt_us(const struct conflux_leg *leg)
{
    const struct end *e = leg->owner;
    /* What congestion control would say, after a while. */
    return leg->sent > 20 ? e->side->w->delay_us[e->i] * 2u + dice(e->side->w, 90000) : 0;
}

static bool in_flight(const struct conflux_leg *leg)
{
    return ((const struct end *)leg->owner)->in_flight >= INC;
}

static const struct conflux_ops ops = {may_send, rtt_us, in_flight};

/* ---- letters ---- */

static void post(struct end *e, uint8_t cmd, const uint8_t *data, size_t len)
{
    struct world *w = e->side->w;
    struct pipe *p = &w->pipe[e->i][e->side == &w->side[CLIENT] ? EXIT : CLIENT];
    uint64_t due_us = w->now_us + w->delay_us[e->i] + dice(w, 2000);
    if (p->cut)
        return;
    ck_assert_uint_lt(p->head + p->n, PIPE);
    p->last_due_us = due_us > p->last_due_us ? due_us : p->last_due_us;
    struct letter *l = &p->letters[p->head + p->n++];
    *l = (struct letter){.due_us = p->last_due_us, .cmd = cmd, .len = len};
    if (len)
        memcpy(l->data, data, len);
}

static void post_link(struct end *e, uint8_t cmd, const struct relay_conflux_link *m)
{
    uint8_t body[BODY];
    struct wr w = wr_over(body, sizeof body);
    ck_ok(relay_conflux_link_encode(&w, m));
    post(e, cmd, body, w.len);
}

/* ---- a side ---- */

static void close_all(struct side *s);

static void end_gone(struct end *e)
{
    if (!e->open)
        return;
    e->open = false;
    if (e->leg && !e->side->over)
        conflux_remove(&e->side->c, e->leg);
    e->leg = NULL;
}

static void look(struct side *s)
{
    if (conflux_is_over(&s->c) && !s->over)
        close_all(s);
}

static void close_all(struct side *s)
{
    s->over = true;
    for (unsigned i = 0; i < LEGS; i++)
        if (s->end[i].open) {
            post(&s->end[i], RELAY_TRUNCATED, NULL, 0);
            end_gone(&s->end[i]);
        }
}

static void send(struct side *s, bool data)
{
    struct conflux_leg *leg = conflux_choose(&s->c, data);
    bool switch_due;
    uint32_t skip = 0;
    uint8_t body[8];
    if (!leg)
        return;
    struct end *e = leg->owner;
    ck_ok(conflux_turn_to(&s->c, leg, &switch_due, &skip));
    struct wr w = wr_over(body, sizeof body);
    if (switch_due) {
        wr_u32(&w, skip);
        post(e, RELAY_CONFLUX_SWITCH, body, 4);
    }
    w = wr_over(body, sizeof body);
    wr_u64(&w, ++s->sent);
    post(e, data ? RELAY_DATA : RELAY_END, body, 8);
    conflux_sent(&s->c, leg);
    e->in_flight += data;
}

static void hand_out(struct side *s, const struct relay_msg *msg)
{
    struct rd r = rd_over(msg->data, msg->len);
    uint64_t n = rd_u64(&r);
    if (!s->w->hostile)
        ck_assert_uint_eq(n, s->got + 1);
    s->got++;
}

static err_t take_msg(struct end *e, const struct letter *l)
{
    struct side *s = e->side;
    struct relay_msg msg = {.cmd = l->cmd, .stream_id = 1, .data = l->data, .len = l->len};
    bool its_turn;
    if (l->cmd == RELAY_DATA && ++e->unanswered == INC) {
        e->unanswered = 0;
        post(e, RELAY_SENDME, NULL, 0);
    }
    TRY(conflux_got(&s->c, e->leg, &msg, &its_turn));
    if (!its_turn)
        return OK;
    hand_out(s, &msg);
    while (conflux_next(&s->c, &msg))
        hand_out(s, &msg);
    return OK;
}

static err_t take_link(struct end *e, const struct letter *l)
{
    struct side *s = e->side;
    struct relay_conflux_link m, out;
    TRY(relay_conflux_link_decode(rd_over(l->data, l->len), &m));
    if (l->cmd == RELAY_CONFLUX_LINK) {
        TRY(conflux_admit(&s->c, e, &m, s->w->now_us, &e->leg, &out));
        post_link(e, RELAY_CONFLUX_LINKED, &out);
        return OK;
    }
    TRY(conflux_linked(&s->c, e->leg, &m, s->w->now_us, 10000000));
    post(e, RELAY_CONFLUX_LINKED_ACK, NULL, 0);
    return OK;
}

static err_t take(struct end *e, const struct letter *l)
{
    struct relay_conflux_switch m;
    switch (l->cmd) {
    case RELAY_SENDME:
        e->in_flight -= e->in_flight < INC ? e->in_flight : INC;
        return OK;
    case RELAY_CONFLUX_LINK:
    case RELAY_CONFLUX_LINKED:
        return take_link(e, l);
    case RELAY_CONFLUX_LINKED_ACK:
        return conflux_acked(e->leg, e->side->w->now_us);
    case RELAY_CONFLUX_SWITCH:
        TRY(relay_conflux_switch_decode(rd_over(l->data, l->len), &m));
        return conflux_switched(&e->side->c, e->leg, &m);
    default:
        return take_msg(e, l);
    }
}

static void arrive(struct end *e, const struct letter *l)
{
    if (!e->open)
        return;
    err_t err = OK;
    if (l->cmd == RELAY_TRUNCATED)
        end_gone(e);
    else
        err = take(e, l);
    if (err != OK) {
        ck_assert(e->side->w->hostile || e->side->w->broken);
        post(e, RELAY_TRUNCATED, NULL, 0);
        end_gone(e);
    }
    look(e->side);
}

/* ---- the world ---- */

static struct world *world_new(uint64_t seed)
{
    struct world *w = calloc(1, sizeof *w);
    struct conflux_config config = {.held_most = HELD_MOST, .legs_most = LEGS};
    w->env = test_env(seed);
    w->now_us = 1000;
    for (unsigned i = 0; i < LEGS; i++) {
        w->delay_us[i] = 1000 + dice(w, 60000);
        for (unsigned d = 0; d < 2; d++)
            w->pipe[i][d].letters = calloc(PIPE, sizeof(struct letter));
    }
    for (unsigned d = 0; d < 2; d++) {
        config.ux = dice(w, 2) ? CONFLUX_UX_HIGH_THROUGHPUT : CONFLUX_UX_MIN_LATENCY;
        w->side[d].w = w;
        conflux_init(&w->side[d].c, &config, &ops);
        for (unsigned i = 0; i < LEGS; i++)
            w->side[d].end[i] = (struct end){.side = &w->side[d], .i = i, .open = true};
    }
    return w;
}

static void world_free(struct world *w)
{
    for (unsigned d = 0; d < 2; d++) {
        conflux_clear(&w->side[d].c);
        for (unsigned i = 0; i < LEGS; i++)
            free(w->pipe[i][d].letters);
    }
    test_env_free(w->env);
    free(w);
}

static void link_all(struct world *w, unsigned legs)
{
    struct side *c = &w->side[CLIENT];
    struct relay_conflux_link m;
    for (unsigned i = 0; i < LEGS; i++)
        if (i < legs)
            ck_ok(conflux_expect(&c->c, &c->end[i], &c->end[i].leg));
        else
            c->end[i].open = w->side[EXIT].end[i].open = false;
    for (unsigned i = 0; i < legs; i++) {
        conflux_ask(&c->c, c->end[i].leg, w->now_us, &m);
        post_link(&c->end[i], RELAY_CONFLUX_LINK, &m);
    }
}

/* The earliest letter; false: none is under way. */
static bool step(struct world *w)
{
    struct pipe *best = NULL;
    struct end *to = NULL;
    for (unsigned i = 0; i < LEGS; i++)
        for (unsigned d = 0; d < 2; d++) {
            struct pipe *p = &w->pipe[i][d];
            if (p->n && (!best || p->letters[p->head].due_us < best->letters[best->head].due_us)) {
                best = p;
                to = &w->side[d].end[i];
            }
        }
    if (!best)
        return false;
    struct letter l = best->letters[best->head++];
    best->n--;
    w->now_us = l.due_us > w->now_us ? l.due_us : w->now_us;
    arrive(to, &l);
    return true;
}

/* What is under way on leg I gets there up to some letter, which differs by direction; then both
 * sides hear of its end. */
static void break_leg(struct world *w, unsigned i)
{
    if (w->pipe[i][CLIENT].cut)
        return;
    w->broken++;
    for (unsigned d = 0; d < 2; d++) {
        struct pipe *p = &w->pipe[i][d];
        struct end *from = &w->side[!d].end[i];
        if (p->n)
            p->n = dice(w, (unsigned)p->n + 1);
        post(from, RELAY_TRUNCATED, NULL, 0);
        p->cut = true;
    }
}

static bool is_linked(const struct world *w)
{
    return conflux_count(&w->side[CLIENT].c, CONFLUX_JOINED) > 0;
}

/* The client speaks first, as clients do. */
static void talk(struct world *w, bool breaks)
{
    for (unsigned rounds = 0; rounds < 20000; rounds++) {
        for (unsigned d = 0; d < 2; d++) {
            struct side *s = &w->side[d];
            bool may = is_linked(w) && !s->over && (d == CLIENT || s->got);
            unsigned burst = may ? dice(w, 4) : 0;
            while (burst-- && s->sent < MESSAGES)
                send(s, dice(w, 8) != 0);
        }
        if (breaks && !dice(w, 300))
            break_leg(w, dice(w, LEGS));
        if (!step(w) && w->side[CLIENT].sent == MESSAGES && w->side[EXIT].sent == MESSAGES)
            return;
        if (w->side[CLIENT].over && w->side[EXIT].over)
            return;
    }
}

START_TEST(test_conflux_model_all_of_it_arrives_in_order)
{
    unsigned switches = 0;
    for (uint64_t seed = 1; seed <= seeds(); seed++) {
        struct world *w = world_new(seed);
        link_all(w, 1 + dice(w, LEGS));
        talk(w, false);
        for (unsigned d = 0; d < 2; d++) {
            ck_assert_msg(!w->side[d].over, "seed %u: %s", (unsigned)seed, w->side[d].c.why);
            ck_assert_msg(w->side[d].got == MESSAGES, "seed %u: %u", (unsigned)seed,
                          (unsigned)w->side[d].got);
            ck_assert_uint_eq(conflux_held(&w->side[d].c), 0);
            for (unsigned i = 0; i < LEGS; i++)
                switches += w->side[d].end[i].leg && w->side[d].end[i].leg->sent > 0;
        }
        world_free(w);
    }
    ck_assert_uint_gt(switches, seeds() * 2); /* more than one leg was used, now and then */
}
END_TEST

/* Of two legs. With more, nobody can tell which one was to bring what is missing. */
START_TEST(test_conflux_model_all_of_it_arrives_or_the_set_is_over)
{
    unsigned ended = 0, lived = 0;
    for (uint64_t seed = 1; seed <= 4 * seeds(); seed++) {
        struct world *w = world_new(seed);
        link_all(w, 2);
        talk(w, true);
        while (step(w)) {
        }
        bool over = w->side[CLIENT].over || w->side[EXIT].over || !is_linked(w);
        ended += over;
        lived += !over && w->broken && w->side[CLIENT].sent == MESSAGES;
        for (unsigned d = 0; d < 2 && !over; d++)
            ck_assert_msg(w->side[d].got == w->side[!d].sent, "seed %u: side %u got %u of %u",
                          (unsigned)seed, d, (unsigned)w->side[d].got, (unsigned)w->side[!d].sent);
        world_free(w);
    }
    ck_assert_uint_gt(ended, seeds() / 4);
    ck_assert_uint_gt(lived, seeds() / 20);
}
END_TEST

static void say_anything(struct world *w, struct end *e)
{
    static const uint8_t cmds[] = {RELAY_CONFLUX_SWITCH, RELAY_CONFLUX_LINKED, RELAY_DATA,
                                   RELAY_DATA,           RELAY_DATA,           RELAY_END,
                                   RELAY_CONFLUX_SWITCH};
    const struct relay_conflux_link m = {
        .last_seqno_sent = dice(w, 3), .last_seqno_recv = dice(w, 3), .desired_ux = 1};
    uint8_t cmd = cmds[dice(w, sizeof cmds)], body[8];
    struct wr wr = wr_over(body, sizeof body);
    wr_u32(&wr, dice(w, 2) ? dice(w, 4) : (uint32_t)dice(w, UINT32_MAX));
    wr_u32(&wr, 0);
    if (cmd == RELAY_CONFLUX_LINKED)
        post_link(e, cmd, &m);
    else
        post(e, cmd, body, cmd == RELAY_CONFLUX_SWITCH ? 4 : 8);
}

START_TEST(test_conflux_model_exit_that_says_anything_costs_its_set_at_most)
{
    unsigned over = 0;
    for (uint64_t seed = 1; seed <= 4 * seeds(); seed++) {
        struct world *w = world_new(seed);
        w->hostile = true;
        link_all(w, 2 + dice(w, LEGS - 1));
        while (step(w) && !is_linked(w)) {
        }
        for (unsigned i = 0; i < 600 && !w->side[CLIENT].over; i++) {
            say_anything(w, &w->side[EXIT].end[dice(w, LEGS)]);
            step(w);
            ck_assert_uint_le(conflux_held(&w->side[CLIENT].c), HELD_MOST);
        }
        over += w->side[CLIENT].over;
        world_free(w);
    }
    ck_assert_uint_gt(over, seeds());
}
END_TEST

TESTS("stream/conflux_model", test_conflux_model_all_of_it_arrives_in_order,
      test_conflux_model_all_of_it_arrives_or_the_set_is_over,
      test_conflux_model_exit_that_says_anything_costs_its_set_at_most)
