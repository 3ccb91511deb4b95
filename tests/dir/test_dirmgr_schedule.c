/* When documents are asked for, and what becomes of servers that are slow. */
#include "dirworld.h"

static void check_seconds(struct world *w, double least, double most, struct dir_request *rq)
{
    double s = seconds_until(w, most + 1, rq);
    ck_assert_msg(s >= least && s <= most, "%.1f s, and not %.1f to %.1f", s, least, most);
}

/* ---- while there is no network ---- */

START_TEST(test_schedule_fallbacks_come_first_and_three_are_asked_at_most)
{
    struct world *w = public_world(9, NULL);
    struct dir_request rq;
    dirmgr_start(w->d);
    check_seconds(w, 0, 0, &rq);
    ck_assert(!rq.to.is_authority);
    check_seconds(w, 0.9, 1, &rq); /* C tor: one second, then up to three times the last wait */
    ck_assert(!rq.to.is_authority);
    check_seconds(w, 0.9, 3, &rq);
    ck_assert(!rq.to.is_authority);
    ck_assert(seconds_until(w, 60, &rq) < 0);
    world_free(w);
}
END_TEST

START_TEST(test_schedule_authorities_come_after_six_seconds)
{
    struct world *w = public_world(9, NULL);
    struct dir_request rq;
    double s = 0;
    dirmgr_start(w->d);
    do {
        s += seconds_until(w, 8, &rq);
        ck_assert(s >= 0 && s < 8);
        dirmgr_failed(w->d, rq.id, ERR_LINK_CONNECT);
    } while (!rq.to.is_authority);
    ck_assert(s >= 5.9 && s < 6.2);
    world_free(w);
}
END_TEST

START_TEST(test_schedule_first_waits_of_both_rows_are_options)
{
    struct dir_schedule s = dir_schedule_defaults(false);
    struct dir_request rq;
    s.fallback_first_s = 20;
    s.authority_first_s = 3;
    struct world *w = public_world(9, &s);
    dirmgr_start(w->d);
    check_seconds(w, 2.9, 3, &rq);
    ck_assert(rq.to.is_authority);
    check_seconds(w, 2.9, 3.1, &rq); /* no wait is shorter than the first */
    ck_assert(rq.to.is_authority);
    check_seconds(w, 2.9, 9, &rq);
    dirmgr_failed(w->d, rq.id, ERR_LINK_CONNECT);
    do {
        ck_assert(seconds_until(w, 60, &rq) >= 0);
        dirmgr_failed(w->d, rq.id, ERR_LINK_CONNECT);
    } while (rq.to.is_authority);
    ck_assert_uint_ge(w->env->mono_us / US_PER_SEC, 19);
    world_free(w);
}
END_TEST

START_TEST(test_schedule_without_fallbacks_authorities_have_their_own_first_wait)
{
    struct dir_schedule s = dir_schedule_defaults(false);
    struct dir_request rq;
    struct world *w = public_world(0, NULL);
    dirmgr_start(w->d);
    check_seconds(w, 0, 0, &rq);
    world_free(w);
    s.authority_only_first_s = 5;
    w = public_world(0, &s);
    dirmgr_start(w->d);
    check_seconds(w, 4.9, 5, &rq);
    world_free(w);
}
END_TEST

START_TEST(test_schedule_tries_at_once_are_an_option)
{
    for (uint32_t most = 1; most <= 5; most += 2) {
        struct dir_schedule s = dir_schedule_defaults(false);
        struct dir_request rq;
        s.max_tries = most;
        struct world *w = public_world(9, &s);
        dirmgr_start(w->d);
        uint32_t n = 0;
        for (int i = 0; i < 600; i++, advance_s(w, 0.5))
            n += wanted(w, &rq);
        ck_assert_uint_eq(n, most);
        world_free(w);
    }
}
END_TEST

START_TEST(test_schedule_begins_anew_when_the_user_asks)
{
    struct dir_schedule s = dir_schedule_defaults(false);
    struct dir_request rq;
    s.fallback_first_s = 600;
    s.authority_first_s = 0;
    struct world *w = public_world(9, &s);
    dirmgr_start(w->d);
    for (int i = 0; i < 6; i++) {
        ck_assert(seconds_until(w, 600, &rq) >= 0);
        dirmgr_failed(w->d, rq.id, ERR_LINK_CONNECT);
    }
    ck_assert(!wanted(w, &rq));
    dirmgr_retry_now(w->d);
    ck_assert(wanted(w, &rq));
    world_free(w);
}
END_TEST

/* ---- the other first waits ---- */

START_TEST(test_schedule_certificates_and_microdescriptors_have_a_first_wait)
{
    struct dir_schedule s = dir_schedule_defaults(false);
    struct dir_request rq;
    s.others_first_s = 7;
    struct world *w = public_world(0, &s);
    dirmgr_start(w->d);
    expect(w, DIR_WANT_CONSENSUS, &rq);
    answer_consensus(w, &rq, N, FAKE_AFTER_S);
    check_seconds(w, 6.9, 7, &rq);
    ck_assert_int_eq(rq.kind, DIR_WANT_CERTS);
    answer_certs(w, &rq, N);
    check_seconds(w, 6.9, 7, &rq);
    ck_assert_int_eq(rq.kind, DIR_WANT_MICRODESCS);
    /* And no wait after a failure is shorter. */
    dirmgr_failed(w->d, rq.id, ERR_STREAM_TIMEOUT);
    check_seconds(w, 0, 0, &rq); /* what was to come after it */
    check_seconds(w, 6.9, 22, &rq);
    world_free(w);
}
END_TEST

START_TEST(test_schedule_next_consensus_has_a_first_wait)
{
    struct dir_schedule s = dir_schedule_defaults(false);
    struct dir_request rq;
    s.consensus_first_s = 45;
    struct world *w = public_world(0, &s);
    bootstrap(w);
    ck_assert(seconds_until(w, 3 * 3600, &rq) > 0);
    ck_assert_int_eq(rq.kind, DIR_WANT_CONSENSUS);
    dirmgr_failed(w->d, rq.id, ERR_LINK_CONNECT);
    check_seconds(w, 44.9, 136, &rq);
    ck_assert_int_eq(rq.kind, DIR_WANT_CONSENSUS);
    world_free(w);
}
END_TEST

START_TEST(test_schedule_a_few_missing_ones_wait)
{
    struct dir_schedule s = dir_schedule_defaults(false);
    struct dir_request rq;
    s.few_wait_s = 90;
    struct world *w = public_world(0, &s);
    dirmgr_start(w->d);
    expect(w, DIR_WANT_CONSENSUS, &rq);
    answer_consensus(w, &rq, N, FAKE_AFTER_S);
    expect(w, DIR_WANT_CERTS, &rq);
    answer_certs(w, &rq, N);
    expect(w, DIR_WANT_MICRODESCS, &rq);
    answer_mds(w, &rq, 0, RELAYS - 1);
    ck_assert_ptr_nonnull(dirmgr_netdir(w->d));
    check_seconds(w, 89, 90.1, &rq);
    ck_assert_int_eq(rq.kind, DIR_WANT_MICRODESCS);
    world_free(w);
}
END_TEST

START_TEST(test_schedule_early_ones_ask_authorities_soon)
{
    for (int extra = 0; extra < 2; extra++) {
        struct dir_schedule s = dir_schedule_defaults(false);
        struct dir_request rq;
        s.early = true;
        s.extra_early = extra;
        struct world *w = public_world(9, &s);
        dirmgr_start(w->d);
        check_seconds(w, 0, 0, &rq);
        ck_assert(rq.to.is_authority);
        answer_consensus(w, &rq, N, FAKE_AFTER_S);
        expect(w, DIR_WANT_CERTS, &rq);
        ck_assert(rq.to.is_authority);
        answer_certs(w, &rq, N);
        expect(w, DIR_WANT_MICRODESCS, &rq);
        ck_assert(rq.to.is_authority);
        answer_mds(w, &rq, 0, RELAYS);
        ck_assert(seconds_until(w, 3 * 3600, &rq) > 0);
        int64_t after = env_wall_s(w->env) - (FAKE_AFTER_S + 3600);
        ck_assert_int_ge(after, 120);
        ck_assert_int_le(after, 120 + (extra ? 60 : 1800) + 60); /* the wall clock is looked at
                                                                    once a minute */
        world_free(w);
    }
}
END_TEST

/* ---- slow servers ---- */

START_TEST(test_schedule_consensus_that_comes_is_waited_for)
{
    struct world *w = public_world(9, NULL);
    struct dir_request rq, rival;
    dirmgr_start(w->d);
    expect(w, DIR_WANT_CONSENSUS, &rq);
    dirmgr_sent(w->d, rq.id);
    dirmgr_body_began(w->d, rq.id);
    for (int i = 0; i < 120; i++) {
        dirmgr_received(w->d, rq.id, 1100);
        ck_assert(!wanted(w, &rival));
        advance_s(w, 1);
    }
    world_free(w);
}
END_TEST

/* Whichever of those that were asked it is. */
START_TEST(test_schedule_the_second_consensus_that_comes_is_waited_for_too)
{
    struct world *w = public_world(9, NULL);
    struct dir_request silent, rq, rival;
    dirmgr_start(w->d);
    expect(w, DIR_WANT_CONSENSUS, &silent);
    check_seconds(w, 0.9, 1, &rq);
    dirmgr_sent(w->d, rq.id);
    dirmgr_body_began(w->d, rq.id);
    for (int i = 0; i < 120; i++) {
        dirmgr_received(w->d, rq.id, 1100);
        ck_assert(!wanted(w, &rival));
        advance_s(w, 1);
    }
    world_free(w);
}
END_TEST

/* A byte a second: others are asked, the first good answer counts, and that one is over. */
START_TEST(test_schedule_consensus_that_drips_gets_rivals)
{
    struct world *w = public_world(9, NULL);
    struct dir_request rq, rival;
    dirmgr_start(w->d);
    expect(w, DIR_WANT_CONSENSUS, &rq);
    dirmgr_sent(w->d, rq.id);
    dirmgr_body_began(w->d, rq.id);
    int s = 0;
    for (; s < 60 && !wanted(w, &rival); s++) {
        dirmgr_received(w->d, rq.id, 1);
        advance_s(w, 1);
    }
    ck_assert_int_ge(s, 10);
    ck_assert_int_lt(s, 13);
    ck_assert(!rsa_id_equal(&rq.to.rsa, &rival.to.rsa));
    ck_assert_uint_eq(w->n_cancelled, 0);
    answer_consensus(w, &rival, N, FAKE_AFTER_S);
    ck_assert_uint_eq(w->n_cancelled, 1);
    ck_assert_uint_eq(w->cancelled, rq.id);
    dirmgr_reply(w->d, rq.id, 200, text_of("too late"), 0);
    ck_assert_str_eq(w->log, "");
    world_free(w);
}
END_TEST

START_TEST(test_schedule_certificates_that_drip_get_rivals)
{
    struct world *w = public_world(9, NULL);
    struct dir_request rq, rival;
    dirmgr_start(w->d);
    expect(w, DIR_WANT_CONSENSUS, &rq);
    answer_consensus(w, &rq, N, FAKE_AFTER_S);
    expect(w, DIR_WANT_CERTS, &rq);
    check_seconds(w, 9.9, 10.1, &rival);
    ck_assert_int_eq(rival.kind, DIR_WANT_CERTS);
    answer_certs(w, &rival, N);
    ck_assert_uint_eq(w->cancelled, rq.id);
    ck_assert_ptr_nonnull(dirmgr_newest(w->d));
    world_free(w);
}
END_TEST

START_TEST(test_schedule_microdescriptors_of_a_slow_server_are_asked_for_elsewhere)
{
    struct world *w = public_world(9, NULL);
    struct dir_request rq, rival;
    to_microdescs(w, &rq);
    dirmgr_body_began(w->d, rq.id);
    dirmgr_received(w->d, rq.id, 2048); /* two seconds more */
    check_seconds(w, 11.9, 12.1, &rival);
    ck_assert_int_eq(rival.kind, DIR_WANT_MICRODESCS);
    ck_assert_str_eq(rival.path, rq.path);
    ck_assert(!rsa_id_equal(&rq.to.rsa, &rival.to.rsa));
    answer_mds(w, &rival, 0, RELAYS);
    ck_assert_ptr_nonnull(dirmgr_netdir(w->d));
    ck_assert_uint_eq(w->n_cancelled, 1);
    ck_assert_uint_eq(w->cancelled, rq.id);
    world_free(w);
}
END_TEST

/* Then it is the line: nothing is ended, and no more than three are asked for the same. */
START_TEST(test_schedule_all_may_be_slow)
{
    struct world *w = public_world(9, NULL);
    struct dir_request rq, rival;
    unsigned n = 1;
    to_microdescs(w, &rq);
    for (int i = 0; i < 200; i++, advance_s(w, 1)) {
        n += wanted(w, &rival);
        for (uint32_t id = rq.id; id < rq.id + n; id++)
            dirmgr_received(w->d, id, 200);
    }
    ck_assert_uint_eq(n, 3);
    ck_assert_uint_eq(w->n_cancelled, 0);
    answer_mds(w, &rq, 0, RELAYS); /* the first one, after all */
    ck_assert_ptr_nonnull(dirmgr_netdir(w->d));
    ck_assert_uint_eq(w->n_cancelled, n - 1);
    world_free(w);
}
END_TEST

/* Guards that say nothing, one after the other, with all that may be under way at once. */
START_TEST(test_schedule_hopeless_servers_do_not_block)
{
    struct world *w = public_world(9, NULL);
    struct dir_request rq, last;
    w->n_relays = 900;
    to_microdescs(w, &rq);
    for (int i = 0; i < 45; i++, advance_s(w, 1))
        while (wanted(w, &rq))
            last = rq;
    /* Three rounds have come to nothing; in the fourth one answers, and the old ones are over. */
    ck_assert_uint_eq(w->n_cancelled, 0);
    ck_assert_uint_ge(last.id, 2 + 4 * 3);
    answer_mds(w, &last, 0, w->n_relays);
    ck_assert_uint_ge(w->n_cancelled, 3 * 3);
    ck_assert(wanted(w, &rq));
    world_free(w);
}
END_TEST

START_TEST(test_schedule_bounds_silence_and_slowness_of_every_request)
{
    struct dir_schedule s = dir_schedule_defaults(false);
    struct dir_request rq;
    ck_assert_uint_eq(s.max_stall_s, 300);
    s.max_stall_s = 42;
    struct world *w = public_world(9, &s);
    to_microdescs(w, &rq);
    ck_assert_uint_eq(rq.stall_ms, 42000);
    ck_assert_uint_gt(rq.floor_bytes_s, 0);
    world_free(w);
}
END_TEST

TESTS("dir/dirmgr_schedule", test_schedule_fallbacks_come_first_and_three_are_asked_at_most,
      test_schedule_authorities_come_after_six_seconds,
      test_schedule_first_waits_of_both_rows_are_options,
      test_schedule_without_fallbacks_authorities_have_their_own_first_wait,
      test_schedule_tries_at_once_are_an_option, test_schedule_begins_anew_when_the_user_asks,
      test_schedule_certificates_and_microdescriptors_have_a_first_wait,
      test_schedule_next_consensus_has_a_first_wait, test_schedule_a_few_missing_ones_wait,
      test_schedule_early_ones_ask_authorities_soon,
      test_schedule_consensus_that_comes_is_waited_for,
      test_schedule_the_second_consensus_that_comes_is_waited_for_too,
      test_schedule_consensus_that_drips_gets_rivals,
      test_schedule_certificates_that_drip_get_rivals,
      test_schedule_microdescriptors_of_a_slow_server_are_asked_for_elsewhere,
      test_schedule_all_may_be_slow, test_schedule_hopeless_servers_do_not_block,
      test_schedule_bounds_silence_and_slowness_of_every_request)
