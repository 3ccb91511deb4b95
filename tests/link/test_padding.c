#include "link/padding.h"

#include "link/limits.h"
#include "link/naked.h"

static const struct link_config defaults = {.nf_ito_low_ms = 1500, .nf_ito_high_ms = 9500};

START_TEST(test_padding_what_each_option_does)
{
    static const struct {
        enum link_padding option;
        bool reduced;
        unsigned version;
        bool on;
        enum padding_tell tell;
        unsigned low, high;
    } cases[] = {
        {LINK_PADDING_AUTO, false, 5, true, PADDING_TELL_NOTHING, 1500, 9500},
        {LINK_PADDING_AUTO, false, 4, false, PADDING_TELL_NOTHING, 1500, 9500},
        {LINK_PADDING_AUTO, true, 5, true, PADDING_TELL_STOP, 9000, 14000},
        {LINK_PADDING_AUTO, true, 3, false, PADDING_TELL_NOTHING, 9000, 14000},
        {LINK_PADDING_ON, false, 5, true, PADDING_TELL_NOTHING, 1500, 9500},
        {LINK_PADDING_ON, false, 3, true, PADDING_TELL_NOTHING, 1500, 9500},
        {LINK_PADDING_ON, true, 4, true, PADDING_TELL_NOTHING, 9000, 14000},
        {LINK_PADDING_OFF, false, 5, false, PADDING_TELL_STOP, 1500, 9500},
        {LINK_PADDING_OFF, false, 4, false, PADDING_TELL_NOTHING, 1500, 9500},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct padding p = {0};
        struct link_config config = defaults;
        config.padding = cases[i].option;
        config.reduced_padding = cases[i].reduced;
        ck_assert_int_eq(padding_configure(&p, &config, cases[i].version), cases[i].tell);
        ck_assert_msg(p.on == cases[i].on, "case %zu", i);
        ck_assert_uint_eq(p.low_ms, cases[i].low);
        ck_assert_uint_eq(p.high_ms, cases[i].high);
    }
}
END_TEST

START_TEST(test_padding_consensus_can_switch_it_off_and_is_bounded)
{
    struct padding p = {0};
    struct link_config config = {.padding = LINK_PADDING_ON};
    ck_assert_int_eq(padding_configure(&p, &config, 5), PADDING_TELL_NOTHING);
    ck_assert(!p.on);
    config.nf_ito_low_ms = 70000;
    config.nf_ito_high_ms = 4000000000u;
    ck_assert_int_eq(padding_configure(&p, &config, 5), PADDING_TELL_NOTHING);
    ck_assert(p.on);
    ck_assert_uint_eq(p.low_ms, 60000);
    ck_assert_uint_eq(p.high_ms, 60000);
}
END_TEST

START_TEST(test_padding_reduced_range_of_the_consensus)
{
    struct padding p = {0};
    struct link_config config = defaults;
    config.reduced_padding = true;
    config.nf_ito_low_reduced_ms = 5000;
    config.nf_ito_high_reduced_ms = 6000;
    ck_assert_int_eq(padding_configure(&p, &config, 5), PADDING_TELL_STOP);
    ck_assert_uint_eq(p.low_ms, 5000);
    ck_assert_uint_eq(p.high_ms, 9500); /* never below the ordinary one */
}
END_TEST

START_TEST(test_padding_changed_option_is_told_once)
{
    struct padding p = {0};
    struct link_config config = defaults;
    ck_assert_int_eq(padding_configure(&p, &config, 5), PADDING_TELL_NOTHING);
    config.padding = LINK_PADDING_OFF;
    ck_assert_int_eq(padding_configure(&p, &config, 5), PADDING_TELL_STOP);
    ck_assert_int_eq(padding_configure(&p, &config, 5), PADDING_TELL_NOTHING);
    config.padding = LINK_PADDING_AUTO;
    ck_assert_int_eq(padding_configure(&p, &config, 5), PADDING_TELL_START);
    ck_assert_int_eq(padding_configure(&p, &config, 5), PADDING_TELL_NOTHING);
}
END_TEST

/* ---- on a link, under virtual time ---- */

static struct world w;

static void open_used(unsigned version, enum link_padding option, bool reduced, struct note_circ *c)
{
    struct sent_cell cell;
    world_prepare(&w, 7);
    w.config.padding = option;
    w.config.reduced_padding = reduced;
    world_link(&w);
    link_start_cells(w.link, &w.tls_cert);
    ck_assert(naked_sent(&w, 2, &cell));
    naked_advance(&w, STAGE_OPEN, version);
    ck_assert(naked_sent(&w, world_id_len(version), &cell));
    ck_assert_uint_eq(cell.cmd, CELL_NETINFO);
    if (c)
        note_open(&w, c);
}

static void write_one(struct note_circ *c, uint8_t cmd)
{
    uint8_t *body = link_cell(&c->lc, cmd, LINK_URGENT);
    ck_assert_ptr_nonnull(body);
    memset(body, 0, CELL_BODY_LEN);
    link_cell_commit(&c->lc);
}

/* Lets MS pass in small steps; counts PADDING cells and notes the longest silence of ours. */
static unsigned pass_ms(size_t id_len, uint64_t ms, uint64_t *longest_ms, uint64_t *shortest_ms)
{
    struct sent_cell c;
    unsigned n = 0;
    uint64_t last = 0;
    for (uint64_t t = 10; t <= ms; t += 10) {
        test_env_advance_ms(w.env, 10);
        while (naked_sent(&w, id_len, &c)) {
            ck_assert_uint_eq(c.cmd, CELL_PADDING);
            ck_assert_uint_eq(c.id, 0);
            n++;
            if (longest_ms && t - last > *longest_ms)
                *longest_ms = t - last;
            if (shortest_ms && t - last < *shortest_ms)
                *shortest_ms = t - last;
            last = t;
        }
    }
    return n;
}

START_TEST(test_padding_quiet_link_pads_within_its_range)
{
    struct note_circ c;
    struct sent_cell cell;
    uint64_t longest = 0, shortest = 100000;
    open_used(5, LINK_PADDING_AUTO, false, &c);
    write_one(&c, CELL_RELAY_EARLY);
    ck_assert(naked_sent(&w, 4, &cell));
    unsigned n = pass_ms(4, 600 * 1000, &longest, &shortest);
    ck_assert_uint_ge(n, 70); /* 600 s / (1.5 s + 5.33 s) = 88 */
    ck_assert_uint_le(n, 105);
    ck_assert_uint_le(longest, 9500);
    ck_assert_uint_ge(shortest, 1500);
    world_free(&w);
}
END_TEST

/* A circuit may be extended long after its link was last used: padding is due at once, but comes
 * behind the cell that makes the link one to pad. */
START_TEST(test_padding_leaves_a_cell_that_is_being_written_alone)
{
    struct note_circ c;
    struct sent_cell cell;
    open_used(5, LINK_PADDING_AUTO, false, &c);
    test_env_advance_ms(w.env, 60 * 1000);
    write_one(&c, CELL_RELAY_EARLY);
    ck_assert(naked_sent(&w, 4, &cell));
    ck_assert_uint_eq(cell.cmd, CELL_RELAY_EARLY);
    ck_assert_uint_eq(cell.id, c.lc.id);
    ck_assert(!naked_sent(&w, 4, &cell));
    ck_assert_uint_ge(pass_ms(4, 20 * 1000, NULL, NULL), 1);
    world_free(&w);
}
END_TEST

START_TEST(test_padding_reduced_pads_seldom_and_stops_the_relay)
{
    struct note_circ c;
    struct sent_cell cell;
    uint64_t longest = 0, shortest = 100000;
    open_used(5, LINK_PADDING_AUTO, true, &c);
    ck_assert(naked_sent(&w, 4, &cell));
    ck_assert_uint_eq(cell.cmd, CELL_PADDING_NEGOTIATE);
    ck_assert_mem_eq(cell.body, "\0\1\0\0\0\0", 6); /* version 0, STOP */
    write_one(&c, CELL_RELAY_EARLY);
    ck_assert(naked_sent(&w, 4, &cell));
    ck_assert_uint_ge(pass_ms(4, 300 * 1000, &longest, &shortest), 20);
    ck_assert_uint_le(longest, 14000);
    ck_assert_uint_ge(shortest, 9000);
    world_free(&w);
}
END_TEST

START_TEST(test_padding_none_where_it_does_not_belong)
{
    static const struct {
        unsigned version;
        enum link_padding option;
        uint8_t cmd;
    } cases[] = {
        {4, LINK_PADDING_AUTO, CELL_RELAY_EARLY}, /* the relay cannot */
        {5, LINK_PADDING_OFF, CELL_RELAY_EARLY},  /* we do not want */
        {5, LINK_PADDING_AUTO, CELL_CREATE_FAST}, /* a one-hop circuit */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct note_circ c;
        struct sent_cell cell;
        open_used(cases[i].version, cases[i].option, false, &c);
        write_one(&c, cases[i].cmd);
        while (naked_sent(&w, 4, &cell))
            continue;
        ck_assert_uint_eq(pass_ms(4, 60 * 1000, NULL, NULL), 0);
        world_free(&w);
    }
}
END_TEST

START_TEST(test_padding_traffic_either_way_puts_it_off)
{
    struct note_circ c;
    struct sent_cell cell;
    open_used(5, LINK_PADDING_AUTO, false, &c);
    write_one(&c, CELL_RELAY_EARLY);
    ck_assert(naked_sent(&w, 4, &cell));
    for (int i = 0; i < 100; i++) {
        ck_assert_uint_eq(pass_ms(4, 1400, NULL, NULL), 0);
        if (i % 2) {
            naked_cell(&w, 0, CELL_PADDING, "", 0);
        } else {
            write_one(&c, CELL_RELAY);
            ck_assert(naked_sent(&w, 4, &cell));
        }
    }
    ck_assert_uint_ge(pass_ms(4, 9500, NULL, NULL), 1);
    world_free(&w);
}
END_TEST

START_TEST(test_padding_not_behind_a_queue_that_stands)
{
    struct note_circ c;
    size_t len;
    open_used(5, LINK_PADDING_AUTO, false, &c);
    write_one(&c, CELL_RELAY_EARLY);
    test_env_advance_ms(w.env, 60 * 1000);
    link_seal(w.link, &len);
    ck_assert_uint_eq(len, CHAN_CELL_MAX); /* only what the circuit wrote */
    link_sent(w.link, len);
    ck_assert_uint_ge(pass_ms(4, 20 * 1000, NULL, NULL), 1);
    world_free(&w);
}
END_TEST

START_TEST(test_padding_set_while_open)
{
    struct note_circ c;
    struct sent_cell cell;
    struct link_config config = defaults;
    open_used(5, LINK_PADDING_AUTO, false, &c);
    write_one(&c, CELL_RELAY_EARLY);
    ck_assert(naked_sent(&w, 4, &cell));
    config.padding = LINK_PADDING_OFF;
    link_set_padding(w.link, &config);
    ck_assert(naked_sent(&w, 4, &cell));
    ck_assert_uint_eq(cell.cmd, CELL_PADDING_NEGOTIATE);
    ck_assert_uint_eq(cell.body[1], CHAN_PADDING_STOP);
    ck_assert_uint_eq(pass_ms(4, 30 * 1000, NULL, NULL), 0);
    config.padding = LINK_PADDING_AUTO;
    link_set_padding(w.link, &config);
    ck_assert(naked_sent(&w, 4, &cell));
    ck_assert_mem_eq(cell.body, "\0\2\0\0\0\0", 6); /* START, "zero in the ito fields" */
    ck_assert_uint_ge(pass_ms(4, 30 * 1000, NULL, NULL), 3);
    world_free(&w);
}
END_TEST

/* What is not yet open can be told nothing; it is told once it is. */
START_TEST(test_padding_set_while_shaking_hands_is_told_once_open)
{
    uint8_t storage[CHAN_CELL_MAX];
    struct wr s = wr_over(storage, sizeof storage);
    struct link_config config = defaults;
    struct sent_cell cell;
    naked_start(&w, 7);
    ck_assert(naked_sent(&w, 2, &cell));
    naked_advance(&w, STAGE_VERIFIED, 5);
    config.padding = LINK_PADDING_OFF;
    link_set_padding(w.link, &config);
    put_netinfo(&s, 4, env_wall_s(w.env));
    naked_feed_wr(&w, &s);
    ck_assert_uint_eq(w.opened, 1);
    ck_assert(naked_sent(&w, 4, &cell));
    ck_assert_uint_eq(cell.cmd, CELL_NETINFO);
    ck_assert(naked_sent(&w, 4, &cell));
    ck_assert_uint_eq(cell.cmd, CELL_PADDING_NEGOTIATE);
    ck_assert_uint_eq(cell.body[1], CHAN_PADDING_STOP);
    world_free(&w);
}
END_TEST

/* nf_pad_before_usage: "only pad after user traffic" if it is 0, that is from the first RELAY cell
 * on, as C tor has it. */
START_TEST(test_padding_late_waits_for_what_the_user_sends)
{
    struct note_circ c;
    struct sent_cell cell;
    struct link_config config = defaults;
    config.pad_late = true;
    open_used(5, LINK_PADDING_AUTO, false, &c);
    link_set_padding(w.link, &config);
    write_one(&c, CELL_RELAY); /* of a one-hop circuit */
    ck_assert(naked_sent(&w, 4, &cell));
    write_one(&c, CELL_RELAY_EARLY);
    ck_assert(naked_sent(&w, 4, &cell));
    ck_assert_uint_eq(pass_ms(4, 30 * 1000, NULL, NULL), 0);
    write_one(&c, CELL_RELAY);
    ck_assert(naked_sent(&w, 4, &cell));
    ck_assert_uint_ge(pass_ms(4, 30 * 1000, NULL, NULL), 3);
    world_free(&w);
}
END_TEST

/* KeepalivePeriod: what was silent for so long sends a PADDING cell, though no padding applies. */
START_TEST(test_padding_keepalive_after_silence)
{
    struct note_circ c;
    struct sent_cell cell;
    struct link_config config = defaults;
    config.keepalive_ms = 300 * 1000;
    open_used(5, LINK_PADDING_AUTO, false, &c);
    link_set_padding(w.link, &config);
    ck_assert_uint_eq(pass_ms(4, 299 * 1000, NULL, NULL), 0);
    write_one(&c, CELL_RELAY); /* puts it off */
    ck_assert(naked_sent(&w, 4, &cell));
    ck_assert_uint_eq(pass_ms(4, 299 * 1000, NULL, NULL), 0);
    ck_assert_uint_eq(pass_ms(4, 2 * 1000, NULL, NULL), 1);
    ck_assert_uint_eq(pass_ms(4, 900 * 1000, NULL, NULL), 3);
    config.keepalive_ms = 10 * 1000; /* by a reload */
    link_set_padding(w.link, &config);
    ck_assert_uint_ge(pass_ms(4, 60 * 1000, NULL, NULL), 5);
    world_free(&w);
}
END_TEST

START_TEST(test_padding_link_that_takes_nothing_for_ten_keepalives_is_stuck)
{
    struct note_circ c;
    struct link_config config = defaults;
    config.keepalive_ms = 300 * 1000;
    open_used(5, LINK_PADDING_AUTO, false, &c);
    link_set_padding(w.link, &config);
    write_one(&c, CELL_RELAY); /* and nobody takes it */
    test_env_advance_ms(w.env, 2990 * 1000);
    ck_assert_int_eq(link_state(w.link), LINK_OPEN);
    test_env_advance_ms(w.env, 20 * 1000);
    ck_assert_int_eq(link_state(w.link), LINK_CLOSED);
    world_free(&w);
}
END_TEST

START_TEST(test_padding_link_of_a_machine_that_slept_is_not_stuck)
{
    struct note_circ c;
    struct link_config config = defaults;
    config.keepalive_ms = 300 * 1000;
    open_used(5, LINK_PADDING_AUTO, false, &c);
    link_set_padding(w.link, &config);
    write_one(&c, CELL_RELAY);
    w.env->mono_us += UINT64_C(86400) * US_PER_SEC;
    test_env_advance_ms(w.env, 1);
    ck_assert_int_eq(link_state(w.link), LINK_OPEN);
    world_free(&w);
}
END_TEST

/* tor-spec 7.2: "If any party receives an out-of-range value, they clamp it so that it is
 * in-range." */
START_TEST(test_padding_negotiated_within_the_consensus)
{
    const struct link_config config = {
        .padding = LINK_PADDING_AUTO, .nf_ito_low_ms = 1500, .nf_ito_high_ms = 9500};
    static const struct {
        struct chan_padding_negotiate m;
        bool on;
        unsigned low, high;
    } cases[] = {
        {{CHAN_PADDING_START, 2000, 13000}, true, 2000, 13000},
        {{CHAN_PADDING_START, 0, 0}, true, 1500, 9500},
        {{CHAN_PADDING_START, 14000, 3000}, true, 14000, 14000},
        {{CHAN_PADDING_STOP, 0, 0}, false, 1500, 9500},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct padding p = {.on = !cases[i].on, .counting = true};
        padding_negotiated(&p, &config, &cases[i].m);
        ck_assert_int_eq(p.on, cases[i].on);
        ck_assert_uint_eq(p.low_ms, cases[i].low);
        ck_assert_uint_eq(p.high_ms, cases[i].high);
        ck_assert(!p.counting);
    }
}
END_TEST

TESTS("link/padding", test_padding_negotiated_within_the_consensus,
      test_padding_what_each_option_does, test_padding_consensus_can_switch_it_off_and_is_bounded,
      test_padding_reduced_range_of_the_consensus, test_padding_changed_option_is_told_once,
      test_padding_quiet_link_pads_within_its_range,
      test_padding_reduced_pads_seldom_and_stops_the_relay,
      test_padding_none_where_it_does_not_belong, test_padding_traffic_either_way_puts_it_off,
      test_padding_leaves_a_cell_that_is_being_written_alone,
      test_padding_not_behind_a_queue_that_stands, test_padding_set_while_open,
      test_padding_set_while_shaking_hands_is_told_once_open,
      test_padding_late_waits_for_what_the_user_sends, test_padding_keepalive_after_silence,
      test_padding_link_that_takes_nothing_for_ten_keepalives_is_stuck,
      test_padding_link_of_a_machine_that_slept_is_not_stuck)
