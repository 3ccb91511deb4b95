#include "client/meter.h"

#include "client/fakeconflux.h"
#include "client/ocirc.h"
#include "support/test.h"

/* ---- what is metered, in place of the real thing ---- */

static struct {
    struct linkpool_bytes bytes;
    struct circ_counts counts;
    bool has_cc;
    struct circ_congestion cc;
    struct ocirc oc;
    struct events *events;
    void (*steady)(void *arg, struct ocirc *oc);
    void *steady_arg;
    unsigned streams_told, links_told;
} net;

struct linkpool_bytes linkpool_bytes(const struct linkpool *pool)
{
    (void)pool;
    return net.bytes;
}

void linkpool_tell_bytes(struct linkpool *pool)
{
    (void)pool;
    net.links_told++;
}

uint64_t linkpool_id(const struct linkpool *pool, const struct link *l)
{
    (void)pool, (void)l;
    return 3;
}

void circuits_each(const struct circuits *cs, void (*fn)(void *arg, struct ocirc *oc), void *arg)
{
    (void)cs;
    fn(arg, &net.oc);
}

void circuits_on_steady(struct circuits *cs, void (*fn)(void *arg, struct ocirc *oc), void *arg)
{
    (void)cs;
    net.steady = fn;
    net.steady_arg = arg;
}

const struct circ_counts *circ_counts(const struct circ *c)
{
    (void)c;
    return &net.counts;
}

unsigned circ_hops(const struct circ *c)
{
    (void)c;
    return 3;
}

bool circ_congestion(const struct circ *c, unsigned hop, struct circ_congestion *out)
{
    (void)c;
    ck_assert_uint_eq(hop, 3);
    *out = net.cc;
    return net.has_cc;
}

uint32_t circ_id(const struct circ *c)
{
    (void)c;
    return 77;
}

void ostreams_each(const struct ostreams *set, void (*fn)(void *arg, struct ostream *s), void *arg)
{
    (void)set, (void)fn, (void)arg;
    net.streams_told++;
}

void ostream_tell_bytes(struct ostream *s)
{
    (void)s;
}

/* ---- who listens ---- */

struct fixture {
    struct env *env;
    struct events *ev;
    struct meter m;
    struct event_listener l;
    unsigned n[EVENT_KINDS];
    struct event_bw bw;
    struct event_circ_bw circ;
    struct event_cell_stats cells;
};

static void on_event(void *arg, const struct event_record *e)
{
    struct fixture *f = arg;
    f->n[e->kind]++;
    if (e->kind == EVENT_BW)
        f->bw = e->bw;
    else if (e->kind == EVENT_CIRC_BW)
        f->circ = e->circ_bw;
    else if (e->kind == EVENT_CELL_STATS)
        f->cells = e->cell_stats;
}

static void setup(struct fixture *f)
{
    *f = (struct fixture){.env = test_env(1)};
    f->ev = events_new(f->env);
    net.bytes = (struct linkpool_bytes){1000, 500};
    net.counts = (struct circ_counts){.cells_in = 10, .data_in = 100, .cells_out = 4};
    net.oc = (struct ocirc){.id = 5, .state = OCIRC_OPEN, .circ = (struct circ *)&net};
    net.streams_told = net.links_told = 0;
    net.has_cc = false;
    meter_init(&f->m, f->env, f->ev, NULL, NULL, NULL);
    f->l = (struct event_listener){.on_event = on_event, .arg = f};
}

static void teardown(struct fixture *f)
{
    meter_stop(&f->m);
    events_free(f->ev);
    test_env_free(f->env);
}

START_TEST(test_meter_rests_while_nobody_listens)
{
    struct fixture f;
    setup(&f);
    ck_assert(!f.m.due.armed);
    events_listen(f.ev, &f.l, EVENT_BIT(EVENT_CIRCUIT));
    ck_assert(!f.m.due.armed);
    events_listen(f.ev, &f.l, EVENT_BIT(EVENT_BW));
    ck_assert(f.m.due.armed);
    events_unlisten(&f.l);
    ck_assert(!f.m.due.armed);
    teardown(&f);
}
END_TEST

START_TEST(test_meter_tells_how_congestion_control_stands)
{
    struct fixture f;
    setup(&f);
    events_listen(f.ev, &f.l, EVENT_BIT(EVENT_CIRC_BW));
    net.has_cc = true;
    net.cc = (struct circ_congestion){
        .in_slow_start = true, .cwnd = 155, .ewma_rtt_us = 310999, .min_rtt_us = 299000};
    net.counts.cells_in++;
    test_env_advance_ms(f.env, 1000);
    ck_assert(f.circ.has_cc && f.circ.in_slow_start);
    ck_assert_uint_eq(f.circ.cwnd, 155);
    ck_assert_uint_eq(f.circ.rtt_ms, 310);
    ck_assert_uint_eq(f.circ.min_rtt_ms, 299);
    teardown(&f);
}
END_TEST

/* As C tor: at once, and the second's event has the rest. */
START_TEST(test_meter_tells_when_slow_start_is_over)
{
    struct fixture f;
    setup(&f);
    net.steady(net.steady_arg, &net.oc); /* nobody listens */
    events_listen(f.ev, &f.l, EVENT_BIT(EVENT_CIRC_BW));
    net.has_cc = true;
    net.cc = (struct circ_congestion){.cwnd = 500};
    net.counts.cells_out += 7;
    net.steady(net.steady_arg, &net.oc);
    test_env_advance_ms(f.env, 1);
    ck_assert_uint_eq(f.n[EVENT_CIRC_BW], 1);
    ck_assert(f.circ.has_cc && !f.circ.in_slow_start);
    ck_assert_uint_eq(f.circ.written, 7 * 509);
    net.counts.cells_out += 2;
    test_env_advance_ms(f.env, 1000);
    ck_assert_uint_eq(f.n[EVENT_CIRC_BW], 2);
    ck_assert_uint_eq(f.circ.written, 2 * 509);
    teardown(&f);
}
END_TEST

START_TEST(test_meter_tells_each_second_what_went_since)
{
    struct fixture f;
    setup(&f);
    events_listen(f.ev, &f.l, EVENT_BIT(EVENT_BW));
    net.bytes = (struct linkpool_bytes){1300, 540};
    test_env_advance_ms(f.env, 1000);
    ck_assert(f.n[EVENT_BW] == 1 && f.bw.read == 300 && f.bw.written == 40);
    test_env_advance_ms(f.env, 1000); /* also of seconds in which nothing went */
    ck_assert(f.n[EVENT_BW] == 2 && f.bw.read == 0 && f.bw.written == 0);
    ck_assert_uint_eq(meter_second(&f.m, 0)->read, 300);
    ck_assert_uint_eq(meter_second(&f.m, 1)->read, 0);
    ck_assert_ptr_null(meter_second(&f.m, 2));
    ck_assert_uint_eq(net.streams_told, 0); /* nobody wants them */
    teardown(&f);
}
END_TEST

START_TEST(test_meter_remembers_five_minutes)
{
    struct fixture f;
    setup(&f);
    events_listen(f.ev, &f.l, EVENT_BIT(EVENT_BW));
    for (uint64_t s = 1; s <= METER_SECONDS + 2; s++) {
        net.bytes.in += s;
        test_env_advance_ms(f.env, 1000);
    }
    ck_assert_uint_eq(meter_second(&f.m, 0)->read, 3);
    ck_assert_uint_eq(meter_second(&f.m, METER_SECONDS - 1)->read, METER_SECONDS + 2);
    ck_assert_ptr_null(meter_second(&f.m, METER_SECONDS));
    teardown(&f);
}
END_TEST

START_TEST(test_meter_counts_circuits_from_when_somebody_listens)
{
    struct fixture f;
    setup(&f);
    events_listen(f.ev, &f.l, EVENT_BIT(EVENT_CIRC_BW));
    test_env_advance_ms(f.env, 1000);
    ck_assert_uint_eq(f.n[EVENT_CIRC_BW], 0); /* nothing went since */
    net.counts.cells_in += 2;
    net.counts.data_in += 500;
    net.counts.cells_out += 1;
    net.counts.data_out += 8;
    test_env_advance_ms(f.env, 1000);
    ck_assert_uint_eq(f.n[EVENT_CIRC_BW], 1);
    const struct event_circ_bw want = {.id = 5,
                                       .read = 2 * 509,
                                       .written = 509,
                                       .delivered_read = 500,
                                       .overhead_read = 2 * 498 - 500,
                                       .delivered_written = 8,
                                       .overhead_written = 490};
    ck_assert_mem_eq(&f.circ, &want, sizeof want);
    test_env_advance_ms(f.env, 1000);
    ck_assert_uint_eq(f.n[EVENT_CIRC_BW], 1);
    teardown(&f);
}
END_TEST

START_TEST(test_meter_counts_cells_by_command)
{
    struct fixture f;
    setup(&f);
    events_listen(f.ev, &f.l, EVENT_BIT(EVENT_CELL_STATS));
    net.oc.told_create = false; /* it is begun now */
    net.oc.told_cells = net.counts;
    net.counts.cells_out += 3;
    net.counts.early_out += 2;
    test_env_advance_ms(f.env, 1000);
    ck_assert_uint_eq(f.n[EVENT_CELL_STATS], 1);
    ck_assert(f.cells.id == 5 && f.cells.queue == 77 && f.cells.conn == 3);
    ck_assert(f.cells.relay == 1 && f.cells.relay_early == 2);
    ck_assert(f.cells.create2 == 1 && f.cells.create_fast == 0);
    net.counts.cells_out += 1;
    test_env_advance_ms(f.env, 1000);
    ck_assert(f.cells.relay == 1 && f.cells.relay_early == 0 && f.cells.create2 == 0);
    test_env_advance_ms(f.env, 1000);
    ck_assert_uint_eq(f.n[EVENT_CELL_STATS], 2);
    teardown(&f);
}
END_TEST

START_TEST(test_meter_asks_streams_and_links_if_somebody_wants_them)
{
    struct fixture f;
    setup(&f);
    events_listen(f.ev, &f.l, EVENT_BIT(EVENT_STREAM_BW) | EVENT_BIT(EVENT_CONN_BW));
    ck_assert(net.streams_told == 1 && net.links_told == 1); /* to nobody: from now on it counts */
    test_env_advance_ms(f.env, 2000);
    ck_assert(net.streams_told == 3 && net.links_told == 3);
    teardown(&f);
}
END_TEST

TESTS("client/meter", test_meter_tells_how_congestion_control_stands,
      test_meter_tells_when_slow_start_is_over, test_meter_rests_while_nobody_listens,
      test_meter_tells_each_second_what_went_since, test_meter_remembers_five_minutes,
      test_meter_counts_circuits_from_when_somebody_listens, test_meter_counts_cells_by_command,
      test_meter_asks_streams_and_links_if_somebody_wants_them)
