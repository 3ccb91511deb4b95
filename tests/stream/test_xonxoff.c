#include "stream/xonxoff.h"

#include <string.h>

#include "support/test.h"

enum { CELL = 488, MS = 1000 };

/* Ten cells, and a rate computed each five. */
static struct xonxoff_params small(void)
{
    struct xonxoff_params p = xonxoff_params(false, 10, 20, 5);
    ck_assert_uint_eq(p.xoff_bytes, 10 * CELL);
    ck_assert_uint_eq(p.peer_xoff_bytes, 20 * CELL);
    ck_assert_uint_eq(p.xon_rate_bytes, 5 * 498);
    return p;
}

START_TEST(test_xonxoff_defaults_are_those_of_the_specification)
{
    struct xonxoff_params p = xonxoff_defaults(), onion = xonxoff_params(true, 10, 20, 5);
    ck_assert_uint_eq(p.xoff_bytes, 244000);
    ck_assert_uint_eq(p.peer_xoff_bytes, 244000);
    ck_assert_uint_eq(p.xon_rate_bytes, 249000);
    ck_assert_uint_eq(p.xon_change_pct, 25);
    ck_assert_uint_eq(p.xon_ewma_cnt, 2);
    ck_assert_uint_eq(onion.peer_xoff_bytes, 10 * CELL);
}
END_TEST

/* ---- what the other side says ---- */

static const struct relay_msg xoff = {.cmd = RELAY_XOFF, .data = (const uint8_t *)"\0", .len = 1};
static const struct relay_msg xon = {
    .cmd = RELAY_XON, .data = (const uint8_t *)"\0\0\0\0\0", .len = 5};

static err_t hear(struct xonxoff_heard *h, const struct relay_msg *msg)
{
    const struct xonxoff_params p = small();
    return xonxoff_heard(h, &p, msg, 0);
}

START_TEST(test_xonxoff_xoff_stops_and_xon_lets_go_on)
{
    struct xonxoff_heard h = {0};
    ck_assert(xonxoff_may_send(&h, 0));
    xonxoff_sent(&h, 20 * CELL);
    ck_ok(hear(&h, &xoff));
    ck_assert(!xonxoff_may_send(&h, 0));
    ck_ok(hear(&h, &xon));
    ck_assert(xonxoff_may_send(&h, 0));
}
END_TEST

START_TEST(test_xonxoff_no_xoff_before_its_bytes_and_none_twice)
{
    struct xonxoff_heard none = {0}, h = {0};
    ck_err(hear(&none, &xoff), ERR_CIRC_XONXOFF);
    xonxoff_sent(&h, 20 * CELL - 1);
    struct xonxoff_heard early = h;
    ck_err(hear(&early, &xoff), ERR_CIRC_XONXOFF);
    xonxoff_sent(&h, 1);
    ck_ok(hear(&h, &xoff));
    struct xonxoff_heard twice = h;
    xonxoff_sent(&twice, 20 * CELL); /* was under way */
    ck_err(hear(&twice, &xoff), ERR_CIRC_XONXOFF);
    ck_ok(hear(&h, &xon));
    struct xonxoff_heard soon = h;
    ck_err(hear(&soon, &xoff), ERR_CIRC_XONXOFF);
    xonxoff_sent(&h, 20 * CELL);
    ck_ok(hear(&h, &xoff));
}
END_TEST

START_TEST(test_xonxoff_no_xon_before_its_bytes)
{
    struct xonxoff_heard h = {0};
    xonxoff_sent(&h, 5 * 498 - 1);
    struct xonxoff_heard early = h;
    ck_err(hear(&early, &xon), ERR_CIRC_XONXOFF);
    xonxoff_sent(&h, 1);
    ck_ok(hear(&h, &xon));
    ck_err(hear(&h, &xon), ERR_CIRC_XONXOFF);
}
END_TEST

/* Where the limit is lower than the rate's bytes, XOFF and XON may alternate by the limit. */
START_TEST(test_xonxoff_an_xon_stands_for_the_lesser_of_both)
{
    const struct xonxoff_params p = xonxoff_params(false, 2, 2, 1000);
    struct xonxoff_heard h = {0};
    for (unsigned i = 0; i < 50; i++) {
        xonxoff_sent(&h, 2 * CELL);
        ck_ok(xonxoff_heard(&h, &p, &xoff, 0));
        ck_ok(xonxoff_heard(&h, &p, &xon, 0));
    }
    ck_err(xonxoff_heard(&h, &p, &xon, 0), ERR_CIRC_XONXOFF);
}
END_TEST

/* However much was sent long ago, few may come without a reason. */
START_TEST(test_xonxoff_old_bytes_count_for_less_and_less)
{
    struct xonxoff_heard h = {0};
    unsigned n = 0;
    for (unsigned i = 0; i < 1000; i++)
        xonxoff_sent(&h, 1 << 20);
    ck_assert_uint_le(h.sent, 10 << 20);
    ck_assert_uint_ge(h.sent, 5 << 20);
    while (hear(&h, &xon) == OK)
        n++;
    ck_assert_uint_ge(n, 400);
    ck_assert_uint_le(n, 1000); /* 10 MB have 4,200 of these limits in them */
}
END_TEST

START_TEST(test_xonxoff_counts_are_halved_together)
{
    struct xonxoff_heard h = {.xoffs = 100, .xons = 200, .sent = 4 << 20};
    ck_ok(hear(&h, &xon));
    ck_assert_uint_eq(h.xons, 101);
    ck_assert_uint_eq(h.xoffs, 50);
    ck_assert_uint_eq(h.sent, 2 << 20);
    h = (struct xonxoff_heard){.xoffs = 200, .xons = 100, .sent = 4 << 20};
    ck_ok(hear(&h, &xoff));
    ck_assert_uint_eq(h.xoffs, 101);
    ck_assert_uint_eq(h.xons, 50);
    ck_assert_uint_eq(h.sent, 2 << 20);
}
END_TEST

START_TEST(test_xonxoff_other_versions_and_lengths_are_refused)
{
    static const struct relay_msg bad[] = {
        {.cmd = RELAY_XOFF, .data = (const uint8_t *)"\1", .len = 1},
        {.cmd = RELAY_XOFF, .data = (const uint8_t *)"", .len = 0},
        {.cmd = RELAY_XOFF, .data = (const uint8_t *)"\0\0", .len = 2},
        {.cmd = RELAY_XON, .data = (const uint8_t *)"\1\0\0\0\0", .len = 5},
        {.cmd = RELAY_XON, .data = (const uint8_t *)"\0\0\0\0", .len = 4},
        {.cmd = RELAY_XON, .data = (const uint8_t *)"\0\0\0\0\0\0", .len = 6},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct xonxoff_heard h = {.sent = 1 << 20};
        ck_err(hear(&h, &bad[i]), ERR_CIRC_PROTO);
    }
}
END_TEST

/* ---- the rate of an XON ---- */

static void hear_rate(struct xonxoff_heard *h, uint32_t kbps, uint64_t now_us)
{
    const struct xonxoff_params p = small();
    const uint8_t body[] = {0, (uint8_t)(kbps >> 24), (uint8_t)(kbps >> 16), (uint8_t)(kbps >> 8),
                            (uint8_t)kbps};
    const struct relay_msg msg = {.cmd = RELAY_XON, .data = body, .len = sizeof body};
    ck_ok(xonxoff_heard(h, &p, &msg, now_us));
}

/* How many bytes go in MS milliseconds to whoever tries each of them. */
static size_t sent_within(struct xonxoff_heard *h, uint64_t *now_us, unsigned ms)
{
    size_t n = 0;
    for (unsigned i = 0; i < ms; i++, *now_us += MS)
        for (unsigned burst = 0; burst < 1000 && xonxoff_may_send(h, *now_us); burst++) {
            xonxoff_sent(h, CELL);
            n += CELL;
        }
    return n;
}

START_TEST(test_xonxoff_a_rate_holds_us_back)
{
    struct xonxoff_heard h = {.sent = 5 << 20};
    uint64_t now = 77 * MS;
    hear_rate(&h, 100, now); /* 100,000 bytes a second, of which a second's worth at once */
    ck_assert_uint_eq(sent_within(&h, &now, 1) / CELL, 100000 / CELL + 1);
    size_t n = sent_within(&h, &now, 10000);
    ck_assert_uint_ge(n, 990000);
    ck_assert_uint_le(n, 1001000);
    now += 3600 * 1000 * (uint64_t)MS; /* what was not used is lost, but for a second's */
    ck_assert_uint_eq(sent_within(&h, &now, 1) / CELL, 100000 / CELL + 1);
    hear_rate(&h, 1, now);
    n = sent_within(&h, &now, 60000);
    ck_assert_uint_ge(n, 59000);
    ck_assert_uint_le(n, 62000);
}
END_TEST

START_TEST(test_xonxoff_no_rate_is_no_limit)
{
    static const uint32_t none[] = {0, INT32_MAX / 1000 + 1, UINT32_MAX};
    for (size_t i = 0; i < 3; i++) {
        struct xonxoff_heard h = {.sent = 5 << 20};
        uint64_t now = 0;
        hear_rate(&h, 1, now);
        ck_assert_uint_lt(sent_within(&h, &now, 2), 2000);
        hear_rate(&h, none[i], now);
        ck_assert_uint_eq(sent_within(&h, &now, 2), 2000 * CELL);
    }
    struct xonxoff_heard most = {.sent = 5 << 20};
    hear_rate(&most, INT32_MAX / 1000, 0);
    for (uint64_t s = 0; s < 10; s++)
        ck_assert(xonxoff_may_send(&most, s << 40));
}
END_TEST

/* ---- what we say ---- */

/* A reader of what comes. */
struct reader {
    struct xonxoff_params p;
    struct xonxoff_says s;
    struct xonxoff_msg said;
    size_t backlog;
    uint64_t now_us;
};

static struct reader reader(void)
{
    return (struct reader){.p = small(), .now_us = 5000 * MS};
}

static void comes(struct reader *r, size_t cells)
{
    for (size_t i = 0; i < cells; i++) {
        xonxoff_received(&r->s, &r->p, r->backlog, r->now_us);
        r->backlog += CELL;
    }
}

static void goes(struct reader *r, size_t len)
{
    r->backlog -= len;
    xonxoff_consumed(&r->s, &r->p, len, r->backlog, r->now_us);
}

static bool says(struct reader *r, uint8_t cmd)
{
    return xonxoff_due(&r->s, &r->said) && r->said.cmd == cmd && !xonxoff_due(&r->s, &r->said);
}

static uint32_t rate_said(const struct reader *r)
{
    const uint8_t *b = r->said.body;
    ck_assert_uint_eq(r->said.len, 5);
    ck_assert_uint_eq(b[0], 0);
    return (uint32_t)b[1] << 24 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 8 | b[4];
}

START_TEST(test_xonxoff_asks_to_stop_when_much_waits_for_5_ms)
{
    struct reader r = reader();
    comes(&r, 100); /* in one wake-up: the reader had no chance */
    ck_assert(!xonxoff_due(&r.s, &r.said));
    r.now_us += 5 * MS;
    comes(&r, 1);
    ck_assert(!xonxoff_due(&r.s, &r.said));
    r.now_us += 1;
    ck_assert(!xonxoff_due(&r.s, &r.said)); /* as C tor: nothing came, so nothing need stop */
    comes(&r, 1);
    ck_assert(says(&r, RELAY_XOFF));
    ck_assert_uint_eq(r.said.len, 1);
    ck_assert_uint_eq(r.said.body[0], 0);
    r.now_us += 1000 * MS;
    comes(&r, 100);
    ck_assert(!xonxoff_due(&r.s, &r.said));
}
END_TEST

START_TEST(test_xonxoff_what_is_read_in_time_stops_nobody)
{
    struct reader r = reader();
    for (unsigned i = 0; i < 1000; i++) {
        comes(&r, 20);
        r.now_us += 4 * MS;
        goes(&r, r.backlog);
        ck_assert(!xonxoff_due(&r.s, &r.said));
        r.now_us += 4 * MS;
    }
    comes(&r, 11); /* eleven wait before the twelfth */
    r.now_us += 50 * MS;
    goes(&r, 2 * CELL);
    comes(&r, 1);
    ck_assert(!xonxoff_due(&r.s, &r.said));
}
END_TEST

/* Puts R into the state behind an XOFF. */
static void stop(struct reader *r, size_t cells)
{
    comes(r, cells);
    r->now_us += 6 * MS;
    comes(r, 1);
    ck_assert(says(r, RELAY_XOFF));
}

START_TEST(test_xonxoff_lets_go_on_when_all_is_read_and_says_how_fast)
{
    struct reader r = reader();
    stop(&r, 100);
    while (r.backlog > CELL) {
        r.now_us += 10 * MS;
        goes(&r, CELL); /* 48,800 bytes a second */
        ck_assert(!xonxoff_due(&r.s, &r.said));
    }
    r.now_us += 10 * MS;
    goes(&r, CELL);
    ck_assert(says(&r, RELAY_XON));
    ck_assert_uint_ge(rate_said(&r), 45);
    ck_assert_uint_le(rate_said(&r), 60);
    goes(&r, 0);
    ck_assert(!xonxoff_due(&r.s, &r.said));
}
END_TEST

START_TEST(test_xonxoff_who_has_paused_is_not_slow)
{
    struct reader r = reader();
    stop(&r, 100);
    r.now_us += UINT64_C(600) * 1000 * MS;
    comes(&r, 1); /* what was under way */
    while (r.backlog) {
        r.now_us += 10 * MS;
        goes(&r, CELL);
    }
    ck_assert(says(&r, RELAY_XON));
    ck_assert_uint_ge(rate_said(&r), 45);
}
END_TEST

/* Too little went to know. */
START_TEST(test_xonxoff_names_no_rate_that_it_does_not_know)
{
    struct reader r = reader();
    r.p.xon_rate_bytes = 1 << 20;
    stop(&r, 20);
    r.now_us += 10 * MS;
    goes(&r, r.backlog);
    ck_assert(says(&r, RELAY_XON));
    ck_assert_uint_eq(rate_said(&r), 0);
}
END_TEST

/* From XOFF to XON at 48,800 bytes a second. */
static uint32_t settle_at_49(struct reader *r)
{
    stop(r, 100);
    while (r->backlog) {
        r->now_us += 10 * MS;
        goes(r, CELL);
    }
    ck_assert(says(r, RELAY_XON));
    return rate_said(r);
}

/* Reads PART bytes each 10 ms of a backlog that stays; how many advisory XONs there were. */
static unsigned advisory(struct reader *r, size_t part, unsigned rounds)
{
    unsigned n = 0;
    for (unsigned i = 0; i < rounds; i++) {
        r->now_us += 10 * MS;
        while (r->backlog < 5 * CELL + part)
            comes(r, 1);
        goes(r, part);
        n += says(r, RELAY_XON);
    }
    return n;
}

START_TEST(test_xonxoff_a_rate_that_moved_is_told)
{
    struct reader r = reader();
    uint32_t before = settle_at_49(&r);
    ck_assert_uint_eq(advisory(&r, CELL, 200), 0);
    unsigned n = advisory(&r, 4 * CELL, 200); /* four times as fast */
    ck_assert_uint_ge(n, 1);
    ck_assert_uint_le(n, 10);
    ck_assert_uint_ge(rate_said(&r), 3 * before);
    n = advisory(&r, CELL, 200);
    ck_assert_uint_ge(n, 1);
    ck_assert_uint_le(n, 10);
    ck_assert_uint_le(rate_said(&r), before * 3 / 2);
}
END_TEST

START_TEST(test_xonxoff_nothing_is_told_of_rates_before_the_first_xon)
{
    struct reader r = reader();
    ck_assert_uint_eq(advisory(&r, CELL, 100), 0);
    ck_assert_uint_eq(advisory(&r, 4 * CELL, 100), 0);
}
END_TEST

/* It is the sender that is slow: let it be faster. */
START_TEST(test_xonxoff_a_rate_doubles_while_nothing_waits)
{
    struct reader r = reader();
    uint32_t rate = settle_at_49(&r), told = 0;
    for (unsigned i = 0; i < 100; i++) {
        r.now_us += 10 * MS;
        comes(&r, 1);
        goes(&r, CELL);
        if (says(&r, RELAY_XON)) {
            ck_assert_uint_eq(rate_said(&r), 2 * rate);
            rate = rate_said(&r);
            told++;
        }
    }
    ck_assert_uint_ge(told, 10);
    for (unsigned i = 0; i < 400; i++) {
        comes(&r, 1);
        goes(&r, CELL);
        (void)says(&r, RELAY_XON);
    }
    ck_assert_uint_eq(r.s.rate, INT32_MAX);
}
END_TEST

START_TEST(test_xonxoff_an_xoff_that_was_not_said_is_taken_back)
{
    struct reader r = reader();
    comes(&r, 20);
    r.now_us += 6 * MS;
    comes(&r, 1); /* before CONNECTED nothing is said */
    goes(&r, r.backlog);
    ck_assert(!xonxoff_due(&r.s, &r.said));
    stop(&r, 20);
}
END_TEST

/* ---- both ---- */

/* What a side that keeps to it says is never held against it, however its reader reads. */
enum { WAY = 64, ROUNDS = 20000 };

struct both {
    struct env *env;
    struct reader r;
    struct xonxoff_heard h;
    struct {
        uint64_t at_us;
        struct xonxoff_msg msg;
    } back[WAY]; /* on its way to the sender */
    size_t n_back;
    unsigned offs, ons;
};

static void say(struct both *b, uint64_t delay_us)
{
    while (b->n_back < WAY && xonxoff_due(&b->r.s, &b->r.said)) {
        b->back[b->n_back].at_us = b->r.now_us + delay_us;
        b->back[b->n_back++].msg = b->r.said;
    }
}

static void arrive(struct both *b)
{
    while (b->n_back && b->back[0].at_us <= b->r.now_us) {
        const struct xonxoff_msg m = b->back[0].msg;
        const struct relay_msg msg = {.cmd = m.cmd, .data = m.body, .len = m.len};
        memmove(b->back, b->back + 1, --b->n_back * sizeof b->back[0]);
        ck_ok(xonxoff_heard(&b->h, &b->r.p, &msg, b->r.now_us));
        *(msg.cmd == RELAY_XOFF ? &b->offs : &b->ons) += 1;
    }
}

static unsigned exchange(uint64_t seed, unsigned xoff_cells, unsigned rate_cells)
{
    struct both b = {.env = test_env(seed), .r = {.now_us = 1}};
    b.r.p = xonxoff_params(false, xoff_cells, xoff_cells, rate_cells);
    uint64_t delay_us = 1 + env_random_below(b.env, 100000), most = 1, cell = 460;
    for (unsigned i = 0; i < ROUNDS; i++) {
        b.r.now_us += env_random_below(b.env, 3000);
        if (env_random_below(b.env, 50) == 0)
            most = 1 + env_random_below(b.env, 1 << (4 + env_random_below(b.env, 14)));
        if (env_random_below(b.env, 20) == 0)
            cell = 1 + env_random_below(b.env, 498);
        arrive(&b);
        for (unsigned n = 0; n < 8 && xonxoff_may_send(&b.h, b.r.now_us); n++) {
            xonxoff_sent(&b.h, cell);
            xonxoff_received(&b.r.s, &b.r.p, b.r.backlog, b.r.now_us);
            b.r.backlog += cell;
        }
        size_t part = env_random_below(b.env, most);
        goes(&b.r, part < b.r.backlog ? part : b.r.backlog);
        say(&b, delay_us);
    }
    ck_assert(b.offs <= b.ons + 1);
    test_env_free(b.env);
    return b.offs + b.ons;
}

START_TEST(test_xonxoff_who_keeps_to_the_rules_is_never_blamed)
{
    unsigned said = 0;
    for (uint64_t seed = 0; seed < 40; seed++) {
        said += exchange(seed, 500, 500);
        said += exchange(seed, 10, 10);
        said += exchange(seed, 20, 200);
        said += exchange(seed, 200, 20);
        said += exchange(seed, 1, 1);
    }
    ck_assert_uint_ge(said, 10000);
}
END_TEST

TESTS("stream/xonxoff", test_xonxoff_defaults_are_those_of_the_specification,
      test_xonxoff_xoff_stops_and_xon_lets_go_on,
      test_xonxoff_no_xoff_before_its_bytes_and_none_twice, test_xonxoff_no_xon_before_its_bytes,
      test_xonxoff_an_xon_stands_for_the_lesser_of_both,
      test_xonxoff_old_bytes_count_for_less_and_less, test_xonxoff_counts_are_halved_together,
      test_xonxoff_other_versions_and_lengths_are_refused, test_xonxoff_a_rate_holds_us_back,
      test_xonxoff_no_rate_is_no_limit, test_xonxoff_asks_to_stop_when_much_waits_for_5_ms,
      test_xonxoff_what_is_read_in_time_stops_nobody,
      test_xonxoff_lets_go_on_when_all_is_read_and_says_how_fast,
      test_xonxoff_who_has_paused_is_not_slow, test_xonxoff_names_no_rate_that_it_does_not_know,
      test_xonxoff_a_rate_that_moved_is_told,
      test_xonxoff_nothing_is_told_of_rates_before_the_first_xon,
      test_xonxoff_a_rate_doubles_while_nothing_waits,
      test_xonxoff_an_xoff_that_was_not_said_is_taken_back,
      test_xonxoff_who_keeps_to_the_rules_is_never_blamed)
