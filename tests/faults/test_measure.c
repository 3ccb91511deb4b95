/* Every way in which a node cheats whoever measures it, as its coordinator and its measurer see it:
 * one row a fault. A row fails if the node is honest all the same. */
#include "faults/faults.h"
#include "testnet/node_int.h"
#include "testnet/peer.h"

static struct wired w;
static struct peer coord, m[2];
static struct party coordinator, measurer;
enum { SECONDS = 5, CELLS = 60 };

static struct meas_cell params(void)
{
    struct meas_cell p = {.cmd = MEAS_PARAMS, .params.seconds = SECONDS};
    p.params.ext = (struct meas_ext){.has_form = true,
                                     .has_session = true,
                                     .version = MEAS_VERSION,
                                     .echo = MEAS_ECHO_RAW,
                                     .n_measurers = 1,
                                     .measurers = {{measurer.id.ed, 2}}};
    return p;
}

static void start(enum fault fault, uint32_t n)
{
    party_make(&coordinator, 1);
    party_make(&measurer, 3);
    const struct measurable willing = {
        .allowed = {true, 1}, .coordinators = &coordinator.id.ed, .n_coordinators = 1};
    wired_start_with(&w, 0, &wired_world, &willing);
    faults_of(wired_node(&w, PLAN_GUARD, 0))->n[fault] = n;
    peer_start(&coord, &w, 1, &coordinator);
}

static void stop(void)
{
    for (size_t i = 0; i < 2; i++)
        if (m[i].w)
            peer_stop(&m[i]);
    memset(m, 0, sizeof m);
    peer_stop(&coord);
    wired_stop(&w);
}

static void echo_on(struct peer *p, uint8_t host)
{
    const struct meas_cell on = {.cmd = MEAS_ECHO_ON};
    peer_start(p, &w, host, &measurer);
    peer_say(p, &on);
}

/* A run with two circuits. */
static void start_run(enum fault fault, uint32_t n)
{
    start(fault, n);
    const struct meas_cell p = params();
    peer_say(&coord, &p);
    ck_assert_uint_eq(peer_heard(&coord), 0);
    for (uint8_t i = 0; i < 2; i++) {
        echo_on(&m[i], (uint8_t)(2 + i));
        ck_assert_uint_eq(peer_heard(&m[i]), 0);
    }
}

/* ---- echoes ---- */

struct seen {
    bool differs, more, fewer;
};

static struct seen send_cells(void)
{
    struct seen seen = {.differs = false};
    uint8_t want[CELL_BODY_LEN];
    for (unsigned i = 0; i < CELLS; i++) {
        struct peer *p = &m[i % 2];
        memset(want, (int)i, sizeof want);
        ck_assert(peer_raw(p, (uint8_t)i));
        wired_pump(&w);
        seen.more |= m[0].got > m[0].sent || m[1].got > m[1].sent;
        seen.fewer |= p->got < p->sent;
        seen.differs |= p->got == p->sent && memcmp(p->last, want, sizeof want) != 0;
    }
    return seen;
}

START_TEST(test_measure_honest_echoes)
{
    start_run(FAULT_BG_ZERO, 1);
    struct seen seen = send_cells();
    ck_assert(!seen.differs && !seen.more && !seen.fewer);
    stop();
}
END_TEST

START_TEST(test_measure_faults_of_echoes_are_seen)
{
    static const struct {
        enum fault fault;
        uint32_t n;
        struct seen seen;
    } rows[] = {
        {FAULT_ECHO_SEALED, 3, {.differs = true}},
        {FAULT_ECHO_RANDOM, 7, {.differs = true}},
        {FAULT_ECHO_REPLAY, 7, {.differs = true}},
        {FAULT_ECHO_EARLY, 7, {.more = true}},
        {FAULT_ECHO_SWAP, 7, {.differs = true, .fewer = true}},
        {FAULT_ECHO_FLOOD, 7, {.more = true}},
        {FAULT_ECHO_ELSEWHERE, 7, {.more = true}},
        {FAULT_ECHO_LOST, 7, {.fewer = true}},
        {FAULT_ECHO_STOPS, 7, {.fewer = true}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        start_run(rows[i].fault, rows[i].n);
        struct seen seen = send_cells();
        const char *name = fault_name(rows[i].fault);
        ck_assert_msg(seen.differs || !rows[i].seen.differs, "%s: nothing differs", name);
        ck_assert_msg(seen.more || !rows[i].seen.more, "%s: not more than was sent", name);
        ck_assert_msg(seen.fewer || !rows[i].seen.fewer, "%s: nothing is missing", name);
        stop();
    }
}
END_TEST

/* One cell in N comes back as it came, and no more. */
START_TEST(test_measure_sealed_share)
{
    unsigned wrong = 0;
    uint8_t want[CELL_BODY_LEN];
    start_run(FAULT_ECHO_SEALED, 10);
    for (unsigned i = 0; i < 2000; i++) {
        memset(want, (int)(i % 251), sizeof want);
        ck_assert(peer_raw(&m[0], (uint8_t)(i % 251)));
        wired_pump(&w);
        wrong += memcmp(m[0].last, want, sizeof want) != 0;
    }
    ck_assert_uint_ge(wrong, 150);
    ck_assert_uint_le(wrong, 250);
    stop();
}
END_TEST

/* ---- what the coordinator is told ---- */

/* Goes through the run; BG that came. */
static unsigned whole_run(void)
{
    unsigned n = 0;
    size_t before = coord.n_said;
    ck_assert(peer_raw(&m[0], 1));
    for (unsigned ms = 0; ms < 1000 * (SECONDS + 3); ms += 10) {
        wired_pump(&w);
        test_env_advance_ms(w.env, 10);
    }
    wired_pump(&w);
    for (size_t i = before; i < coord.n_said; i++)
        n += coord.said[i].cmd == MEAS_BG;
    return n;
}

static const struct meas_bg *last_bg(void)
{
    ck_assert_uint_eq(coord.said[coord.n_said - 1].cmd, MEAS_BG);
    return &coord.said[coord.n_said - 1].bg;
}

START_TEST(test_measure_faults_of_background)
{
    start_run(FAULT_BG_CLAIMS, 50);
    ck_assert_uint_eq(whole_run(), SECONDS);
    ck_assert_uint_eq(last_bg()->sent, 50000);
    ck_assert_uint_eq(last_bg()->recv, 50000);
    stop();
    start_run(FAULT_BG_ABSENT, 3);
    ck_assert_uint_eq(whole_run(), 2);
    stop();
    start_run(FAULT_BG_ENDLESS, 1);
    ck_assert_uint_gt(whole_run(), SECONDS);
    ck_assert(!m[0].over);
    stop();
    start_run(FAULT_ECHO_LOST, 1000);
    ck_assert_uint_eq(whole_run(), SECONDS);
    stop();
}
END_TEST

/* A client's page goes through the relay in the first second. */
static struct meas_bg with_client(enum fault fault, uint32_t n)
{
    start_run(fault, n);
    wired_build(&w, 3, true);
    wired_begin(&w, 1, "localhost 80", 0);
    ck_assert(peer_raw(&m[0], 1));
    wired_pump(&w);
    wired_say(&w, 20000);
    test_env_advance_ms(w.env, 1000);
    wired_pump(&w);
    const struct meas_bg bg = *last_bg();
    stop();
    return bg;
}

START_TEST(test_measure_background_is_multiplied_or_denied)
{
    struct meas_bg honest = with_client(FAULT_ECHO_LOST, 1000);
    ck_assert_uint_gt(honest.sent, 20000);
    ck_assert_uint_eq(with_client(FAULT_BG_TIMES, 7).sent, 7 * honest.sent);
    ck_assert_uint_eq(with_client(FAULT_BG_ZERO, 1).sent, 0);
}
END_TEST

START_TEST(test_measure_clients_are_not_limited)
{
    for (int fault = 0; fault < 2; fault++) {
        start_run(fault ? FAULT_BG_UNLIMITED : FAULT_ECHO_LOST, 1000 - 999u * (unsigned)fault);
        wired_build_asking(&w, 3, true, (struct hop_ask){.cc = true});
        wired_begin(&w, 1, "localhost 80", 0);
        ck_assert(peer_raw(&m[0], 1));
        wired_pump(&w);
        for (unsigned i = 0; i < 50; i++)
            wired_say(&w, 100000);
        ck_assert_int_eq(w.bytes > 4000000, fault);
        stop();
    }
}
END_TEST

/* ---- phases ---- */

enum phase { PHASE_ASKING, PHASE_CONNECTING, PHASE_RUNNING };
enum how { HOW_SILENT, HOW_REFUSED, HOW_CLOSED };

START_TEST(test_measure_faults_of_phases)
{
    static const struct {
        enum fault fault;
        uint32_t n;
        enum phase phase;
        enum how how;
    } rows[] = {
        {FAULT_MEASURE_SILENT, 1, PHASE_ASKING, HOW_SILENT},
        {FAULT_MEASURE_REFUSES, 6, PHASE_ASKING, HOW_REFUSED},
        {FAULT_MEASURE_CLOSES, 1, PHASE_ASKING, HOW_CLOSED},
        {FAULT_ECHO_ON_SILENT, 1, PHASE_CONNECTING, HOW_SILENT},
        {FAULT_ECHO_ON_REFUSES, 6, PHASE_CONNECTING, HOW_REFUSED},
        {FAULT_ECHO_ON_CLOSES, 1, PHASE_CONNECTING, HOW_CLOSED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *name = fault_name(rows[i].fault);
        start(rows[i].fault, rows[i].n);
        const struct meas_cell p = params();
        peer_say(&coord, &p);
        if (rows[i].phase == PHASE_CONNECTING)
            echo_on(&m[0], 2);
        struct peer *who = rows[i].phase == PHASE_ASKING ? &coord : &m[0];
        ck_assert_msg(who->link_over == (rows[i].how == HOW_CLOSED), "%s", name);
        ck_assert_msg((who->n_said == 0) == (rows[i].how != HOW_REFUSED), "%s", name);
        if (who->n_said)
            ck_assert_uint_eq(peer_heard(who), rows[i].n);
        stop();
    }
}
END_TEST

START_TEST(test_measure_faults_of_a_run)
{
    start_run(FAULT_RUN_ABORTS, 3);
    ck_assert_uint_eq(whole_run(), 2);
    ck_assert_uint_eq(peer_heard(&coord), MEAS_ERR_ABORTED);
    ck_assert(m[0].over && m[1].over);
    stop();
    start_run(FAULT_RUN_CLOSES, 3);
    ck_assert_uint_eq(whole_run(), 2);
    ck_assert(m[0].link_over && m[1].link_over && coord.link_over);
    stop();
    start_run(FAULT_RUN_STALLS, 3);
    for (unsigned i = 0; i < 40; i++) {
        ck_assert(peer_raw(&m[0], 1));
        wired_pump(&w);
        test_env_advance_ms(w.env, 100);
        wired_pump(&w);
    }
    ck_assert_uint_ge(m[0].got, 19);
    ck_assert_uint_le(m[0].got, 21);
    stop();
}
END_TEST

/* What a circuit's link got for one echo cell. */
static uint64_t bytes_for_one(void)
{
    uint64_t before = link_bytes_in(m[0].link);
    ck_assert(peer_raw(&m[0], 1));
    wired_pump(&w);
    return link_bytes_in(m[0].link) - before;
}

START_TEST(test_measure_pads)
{
    enum { WIRE = 514 + 22 };
    start_run(FAULT_ECHO_LOST, 1000);
    ck_assert_uint_le(bytes_for_one(), WIRE);
    stop();
    start_run(FAULT_RUN_PADS, 2);
    ck_assert_uint_ge(bytes_for_one(), 2 * 514);
    ck_assert_uint_eq(m[0].got, 1);
    uint64_t before = link_bytes_in(m[1].link);
    for (int i = 0; i < 2; i++) { /* its second ends a little later */
        test_env_advance_ms(w.env, 1000);
        wired_pump(&w);
    }
    ck_assert_uint_ge(link_bytes_in(m[1].link) - before, 60 * 514);
    (void)bytes_for_one();
    ck_assert_uint_eq(m[0].got, 1);
    stop();
}
END_TEST

START_TEST(test_measure_anybody)
{
    const struct meas_cell on = {.cmd = MEAS_ECHO_ON};
    start(FAULT_MEASURE_ANYBODY, 1);
    const struct meas_cell p = params();
    peer_start(&m[0], &w, 9, NULL);
    peer_say(&m[0], &p);
    ck_assert_uint_eq(peer_heard(&m[0]), 0);
    stop();
    start(FAULT_ECHO_ON_ANYBODY, 1);
    peer_start(&m[0], &w, 9, NULL);
    peer_say(&m[0], &on);
    ck_assert_uint_eq(peer_heard(&m[0]), 0);
    ck_assert(peer_raw(&m[0], 1));
    wired_pump(&w);
    ck_assert_uint_eq(m[0].got, 1);
    stop();
    start(FAULT_MEASURE_BREAKS, 1);
    peer_say(&coord, &p);
    ck_assert(coord.over && !coord.link_over);
    stop();
}
END_TEST

TESTS("faults/measure", test_measure_honest_echoes, test_measure_faults_of_echoes_are_seen,
      test_measure_sealed_share, test_measure_faults_of_background,
      test_measure_background_is_multiplied_or_denied, test_measure_clients_are_not_limited,
      test_measure_faults_of_phases, test_measure_faults_of_a_run, test_measure_pads,
      test_measure_anybody)
