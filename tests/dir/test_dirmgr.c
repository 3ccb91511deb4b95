#include "dirworld.h"

START_TEST(test_dirmgr_bootstraps_from_nothing)
{
    struct world *w = world_new(0);
    struct dir_request rq;
    char prefix[HEX_SIZE(3)];
    dirmgr_start(w->d);
    settle(w);
    ck_assert_uint_eq(w->wants, 1);
    expect(w, DIR_WANT_CONSENSUS, &rq);
    ck_assert(rq.to.is_authority);
    ck_assert_ptr_nonnull(strstr(rq.path, "/tor/status-vote/current/consensus-microdesc/"));
    for (int i = 0; i < N; i++)
        ck_assert_ptr_nonnull(strstr(rq.path, hex_upper(w->auths[i].id.b, 3, prefix)));
    ck_assert_str_eq(rq.path + strlen(rq.path) - 2, ".z");
    ck_assert_int_eq(rq.if_modified_since_s, 0);
    answer_consensus(w, &rq, N, FAKE_AFTER_S);
    ck_assert_str_eq(w->steps, "25 requesting_status;30 loading_status;40 loading_keys;");
    ck_assert_ptr_null(dirmgr_newest(w->d));

    struct rsa_id from = rq.to.rsa;
    expect(w, DIR_WANT_CERTS, &rq);
    ck_assert(rsa_id_equal(&rq.to.rsa, &from));
    ck_assert_uint_eq(strlen(rq.path), strlen("/tor/keys/fp-sk/") + N * 82 - 1 + 2);
    answer_certs(w, &rq, N);
    ck_assert_ptr_nonnull(dirmgr_newest(w->d));
    ck_assert_ptr_null(dirmgr_netdir(w->d));
    ck_assert_uint_gt(w->files[DIR_FILE_CERTS].len, 0);
    ck_assert_uint_gt(w->files[DIR_FILE_CONSENSUS].len, 0);

    expect(w, DIR_WANT_MICRODESCS, &rq);
    ck_assert_uint_eq(strlen(rq.path), strlen("/tor/micro/d/") + RELAYS * 44 - 1 + 2);
    ck_assert_uint_eq(w->netdirs, 0);
    answer_mds(w, &rq, 0, RELAYS);
    ck_assert_uint_eq(w->netdirs, 1);
    ck_assert_ptr_eq(w->last, dirmgr_netdir(w->d));
    ck_assert_ptr_nonnull(w->last);
    ck_assert_ptr_nonnull(strstr(w->steps, "45 requesting_descriptors;75 enough_dirinfo;"));
    ck_assert(!dirmgr_next(w->d, &rq));
    ck_assert_str_eq(w->log, "");
    world_free(w);
}
END_TEST

/* Whoever has no certificate need not wait for the consensus to say so. */
START_TEST(test_dirmgr_asks_for_certificates_beside_the_first_consensus)
{
    struct world *w = world_new(0);
    struct dir_request consensus, certs, rq;
    dirmgr_start(w->d);
    expect(w, DIR_WANT_CONSENSUS, &consensus);
    ck_assert(dirmgr_next(w->d, &certs));
    ck_assert_int_eq(certs.kind, DIR_WANT_CERTS);
    ck_assert_ptr_nonnull(strstr(certs.path, "/tor/keys/fp/"));
    ck_assert(rsa_id_equal(&certs.to.rsa, &consensus.to.rsa)); /* over the same circuit */
    ck_assert(!dirmgr_next(w->d, &rq) || rq.kind == DIR_WANT_CONSENSUS);
    answer_certs(w, &certs, N);
    answer_consensus(w, &consensus, N, FAKE_AFTER_S);
    expect(w, DIR_WANT_MICRODESCS, &rq);
    world_free(w);
}
END_TEST

/* In whichever order they come. */
START_TEST(test_dirmgr_verifies_the_first_consensus_when_its_certificates_come)
{
    struct world *w = world_new(0);
    struct dir_request consensus, certs, rq;
    dirmgr_start(w->d);
    expect(w, DIR_WANT_CONSENSUS, &consensus);
    ck_assert(dirmgr_next(w->d, &certs));
    answer_consensus(w, &consensus, N, FAKE_AFTER_S);
    ck_assert(!dirmgr_next(w->d, &rq));
    answer_certs(w, &certs, N);
    expect(w, DIR_WANT_MICRODESCS, &rq);
    world_free(w);
}
END_TEST

/* Who has no answer to that has done nothing wrong, and is asked for what the consensus names. */
START_TEST(test_dirmgr_asks_for_the_certificates_of_a_consensus_if_none_came_before)
{
    struct world *w = world_new(0);
    struct dir_request consensus, certs, rq;
    dirmgr_start(w->d);
    expect(w, DIR_WANT_CONSENSUS, &consensus);
    ck_assert(dirmgr_next(w->d, &certs));
    dirmgr_reply(w->d, certs.id, 404, TEXT_LIT(""), 0);
    ck_assert(!w->failed[certs.to.rsa.b[0]]);
    answer_consensus(w, &consensus, N, FAKE_AFTER_S);
    expect(w, DIR_WANT_CERTS, &rq);
    ck_assert_ptr_nonnull(strstr(rq.path, "/tor/keys/fp-sk/"));
    ck_assert(rsa_id_equal(&rq.to.rsa, &consensus.to.rsa));
    answer_certs(w, &rq, N);
    expect(w, DIR_WANT_MICRODESCS, &rq);
    world_free(w);
}
END_TEST

START_TEST(test_dirmgr_asks_for_no_certificates_that_it_has)
{
    struct world *w = world_new(0);
    struct dir_request rq;
    know_certs(w);
    dirmgr_start(w->d);
    expect(w, DIR_WANT_CONSENSUS, &rq);
    while (dirmgr_next(w->d, &rq))
        ck_assert_int_eq(rq.kind, DIR_WANT_CONSENSUS);
    world_free(w);
}
END_TEST

START_TEST(test_dirmgr_undersigned_consensus_is_refused_and_another_server_asked)
{
    struct world *w = world_new(0);
    struct dir_request rq, second;
    dirmgr_start(w->d);
    expect(w, DIR_WANT_CONSENSUS, &rq);
    answer_consensus(w, &rq, 1, FAKE_AFTER_S);
    ck_assert_ptr_nonnull(strstr(w->log, "server"));
    ck_assert_ptr_nonnull(strstr(w->log, "2 are needed"));
    ck_assert(!dirmgr_next(w->d, &second));
    test_env_advance_ms(w->env, 800);
    expect(w, DIR_WANT_CONSENSUS, &second);
    ck_assert(!rsa_id_equal(&second.to.rsa, &rq.to.rsa));
    world_free(w);
}
END_TEST

START_TEST(test_dirmgr_garbage_and_errors_lead_to_other_servers)
{
    struct world *w = world_new(0);
    struct dir_request rq;
    struct rsa_id last = {{0}};
    dirmgr_start(w->d);
    for (int i = 0; i < 3; i++) {
        test_env_advance_ms(w->env, 2300);
        expect(w, DIR_WANT_CONSENSUS, &rq);
        ck_assert(!rsa_id_equal(&rq.to.rsa, &last));
        last = rq.to.rsa;
        if (i == 0)
            dirmgr_reply(w->d, rq.id, 200, text_of("garbage\n"), 0);
        if (i == 1)
            dirmgr_reply(w->d, rq.id, 503, text_of(""), 0);
        if (i == 2)
            dirmgr_failed(w->d, rq.id, ERR_LINK_CONNECT);
    }
    ck_assert_ptr_nonnull(strstr(w->log, "can't be read"));
    /* The same id again means nothing. */
    dirmgr_failed(w->d, rq.id, ERR_LINK_CONNECT);
    dirmgr_reply(w->d, 0, 200, text_of("x"), 0);
    world_free(w);
}
END_TEST

/* One server may have what is over; two of them mean that it is our clock. */
START_TEST(test_dirmgr_expired_consensuses_tell_what_the_clock_says)
{
    struct world *w = world_new(0);
    struct dir_request rq;
    dirmgr_start(w->d);
    expect(w, DIR_WANT_CONSENSUS, &rq);
    answer_consensus(w, &rq, N, FAKE_AFTER_S - 5 * 86400);
    ck_assert_ptr_null(dirmgr_newest(w->d));
    ck_assert_uint_eq(w->skews, 0);
    ck_assert(w->failed[rq.to.rsa.b[0]]);
    ck_assert_double_ge(seconds_until(w, 60, &rq), 0);
    answer_consensus(w, &rq, N, FAKE_AFTER_S - 5 * 86400);
    ck_assert_uint_eq(w->skews, 1);
    ck_assert(!w->skew_trusted);
    ck_assert_int_ge(w->skew_s, 5 * 86400 - 3 * 3600 + 600);
    ck_assert_ptr_nonnull(strstr(w->skew_whose,
                                 "consensus is valid from 2025-12-27 12:00:00 to 2025-12-27 "
                                 "15:00:00 UTC, our clock says 2026-01-01 12:1"));
    world_free(w);
}
END_TEST

static void load_certificates(struct world *w)
{
    struct buf certs;
    buf_init(&certs, 1 << 20);
    for (int i = 0; i < N; i++)
        put_cert(&certs, &w->auths[i], FAKE_AFTER_S - 86400, FAKE_AFTER_S + 86400);
    ck_ok(dirmgr_load(w->d, (const struct text[FILES]){buf_text(&certs)}));
    buf_free(&certs);
}

START_TEST(test_dirmgr_signed_consensus_shows_our_clock_is_wrong)
{
    struct world *w = world_new(0);
    struct dir_request rq;
    load_certificates(w);
    w->env->wall_us -= (int64_t)2 * 86400 * US_PER_SEC;
    dirmgr_start(w->d);
    expect(w, DIR_WANT_CONSENSUS, &rq);
    answer_consensus(w, &rq, N, FAKE_AFTER_S);
    ck_assert_int_eq(w->skew_s, 600 - 2 * 86400);
    ck_assert(w->skew_trusted);
    world_free(w);
}
END_TEST

/* C tor, warn_early_consensus(): it is used, but nobody can have signed it yet: these authorities
 * exchange signatures for five minutes, and a minute is forgiven. */
START_TEST(test_dirmgr_consensus_of_later_today_shows_it_too)
{
    for (int minutes = 5; minutes <= 7; minutes += 2) {
        struct world *w = world_new(0);
        struct dir_request rq;
        load_certificates(w);
        w->env->wall_us = (int64_t)(FAKE_AFTER_S - minutes * 60) * US_PER_SEC;
        dirmgr_start(w->d);
        expect(w, DIR_WANT_CONSENSUS, &rq);
        answer_consensus(w, &rq, N, FAKE_AFTER_S);
        ck_assert_ptr_nonnull(dirmgr_newest(w->d));
        ck_assert_uint_eq(w->skews, minutes > 6);
        ck_assert_int_eq(w->skew_s, minutes > 6 ? -minutes * 60 : 0);
        world_free(w);
    }
}
END_TEST

START_TEST(test_dirmgr_authority_clock_is_compared)
{
    struct world *w = world_new(0);
    struct dir_request rq;
    dirmgr_start(w->d);
    expect(w, DIR_WANT_CONSENSUS, &rq);
    dirmgr_sent(w->d, rq.id);
    dirmgr_reply(w->d, rq.id, 503, text_of(""), FAKE_AFTER_S + 600 + 7200);
    ck_assert_int_eq(w->skew_s, -7200);
    ck_assert(w->skew_trusted);
    ck_assert_ptr_nonnull(strstr(w->skew_whose, "that of directory authority $"));
    world_free(w);
}
END_TEST

START_TEST(test_dirmgr_slow_answer_says_nothing_of_clocks)
{
    struct world *w = world_new(0);
    struct dir_request rq;
    dirmgr_start(w->d);
    expect(w, DIR_WANT_CONSENSUS, &rq);
    dirmgr_sent(w->d, rq.id);
    test_env_advance_ms(w->env, (uint64_t)3600 * 1000);
    dirmgr_reply(w->d, rq.id, 503, text_of(""), FAKE_AFTER_S + 600);
    ck_assert_uint_eq(w->skews, 0);
    world_free(w);
}
END_TEST

START_TEST(test_dirmgr_wrong_certificates_give_the_consensus_up)
{
    struct world *w = world_new(0);
    struct dir_request rq;
    dirmgr_start(w->d);
    expect(w, DIR_WANT_CONSENSUS, &rq);
    answer_consensus(w, &rq, N, FAKE_AFTER_S);
    for (int i = 0; i < 3; i++) {
        test_env_advance_ms(w->env, 5000);
        expect(w, DIR_WANT_CERTS, &rq);
        if (i == 0)
            dirmgr_reply(w->d, rq.id, 404, text_of(""), 0);
        else if (i == 1)
            dirmgr_reply(w->d, rq.id, 200, text_of("nonsense\n"), 0);
        else
            answer_certs(w, &rq, 1);
    }
    ck_assert_ptr_nonnull(strstr(w->log, "Asking another server"));
    test_env_advance_ms(w->env, 5000);
    expect(w, DIR_WANT_CONSENSUS, &rq);
    world_free(w);
}
END_TEST

START_TEST(test_dirmgr_certificates_of_strangers_are_not_kept)
{
    struct world *w = world_new(0);
    struct dir_request rq;
    struct text file = read_file("vectors/dir/testnet2020/cert-5696.txt");
    dirmgr_start(w->d);
    expect(w, DIR_WANT_CONSENSUS, &rq);
    answer_consensus(w, &rq, N, FAKE_AFTER_S);
    expect(w, DIR_WANT_CERTS, &rq);
    dirmgr_reply(w->d, rq.id, 200, file, 0);
    settle(w);
    ck_assert_uint_eq(w->files[DIR_FILE_CERTS].len, 0);
    free_text(file);
    world_free(w);
}
END_TEST

START_TEST(test_dirmgr_missing_microdescriptors_are_asked_for_elsewhere)
{
    struct world *w = world_new(0);
    struct dir_request rq, again;
    dirmgr_start(w->d);
    expect(w, DIR_WANT_CONSENSUS, &rq);
    answer_consensus(w, &rq, N, FAKE_AFTER_S);
    expect(w, DIR_WANT_CERTS, &rq);
    answer_certs(w, &rq, N);
    expect(w, DIR_WANT_MICRODESCS, &rq);
    ck_assert(!dirmgr_next(w->d, &again));
    answer_mds(w, &rq, 0, 3);
    ck_assert_ptr_null(dirmgr_netdir(w->d));
    ck_assert(!dirmgr_next(w->d, &again));
    test_env_advance_ms(w->env, 5000);
    expect(w, DIR_WANT_MICRODESCS, &again);
    ck_assert_uint_eq(strlen(again.path), strlen("/tor/micro/d/") + (RELAYS - 3) * 44 - 1 + 2);
    answer_mds(w, &again, 3, RELAYS);
    ck_assert_ptr_nonnull(dirmgr_netdir(w->d));
    world_free(w);
}
END_TEST

/* C tor counts the way to "enough" in 25 steps, of which the last is the next phase's. */
START_TEST(test_dirmgr_the_way_to_enough_descriptors_is_told_as_it_goes)
{
    struct world *w = world_new(0);
    struct dir_request rq;
    int before = 50;
    dirmgr_start(w->d);
    expect(w, DIR_WANT_CONSENSUS, &rq);
    answer_consensus(w, &rq, N, FAKE_AFTER_S);
    expect(w, DIR_WANT_CERTS, &rq);
    answer_certs(w, &rq, N);
    for (unsigned i = 0; i < RELAYS && !dirmgr_netdir(w->d); i++) {
        w->steps[0] = 0;
        expect(w, DIR_WANT_MICRODESCS, &rq);
        answer_mds(w, &rq, RELAYS - 1 - i,
                   RELAYS - i); /* those of most weight are asked for first */
        int percent;
        if (!dirmgr_netdir(w->d) && sscanf(w->steps, "%d loading_descriptors;", &percent) == 1) {
            struct netdir_coverage v;
            netdir_coverage(dirmgr_newest(w->d), 0, &v);
            ck_assert_int_eq(percent, 50 + (int)(v.path * 25 / v.needed));
            ck_assert_int_ge(percent, before);
            before = percent;
        }
        test_env_advance_ms(w->env, 5000);
    }
    ck_assert_ptr_nonnull(dirmgr_netdir(w->d));
    ck_assert_int_gt(before, 50);
    world_free(w);
}
END_TEST

static void fail_microdescs(struct world *w)
{
    struct dir_request rq;
    settle(w);
    for (int i = 0; i < 4000; i++) {
        if (dirmgr_next(w->d, &rq)) {
            ck_assert_int_eq(rq.kind, DIR_WANT_MICRODESCS);
            dirmgr_reply(w->d, rq.id, 404, text_of(""), 0);
        }
        test_env_advance_ms(w->env, 1000);
    }
}

/* All of them, not the first one alone. */
START_TEST(test_dirmgr_a_user_who_asks_gives_every_descriptor_another_chance)
{
    struct world *w = world_new(0);
    struct dir_request before, after;
    dirmgr_start(w->d);
    expect(w, DIR_WANT_CONSENSUS, &before);
    answer_consensus(w, &before, N, FAKE_AFTER_S);
    expect(w, DIR_WANT_CERTS, &before);
    answer_certs(w, &before, N);
    expect(w, DIR_WANT_MICRODESCS, &before);
    dirmgr_reply(w->d, before.id, 404, text_of(""), 0);
    fail_microdescs(w);
    dirmgr_retry_now(w->d);
    expect(w, DIR_WANT_MICRODESCS, &after);
    ck_assert_uint_eq(strlen(after.path), strlen("/tor/micro/d/.z") + RELAYS * 44 - 1);
    world_free(w);
}
END_TEST

/* The network may have been down for as long as all those tries took. */
START_TEST(test_dirmgr_microdescriptors_are_asked_for_until_there_are_enough)
{
    struct world *w = world_new(0);
    struct dir_request rq;
    dirmgr_start(w->d);
    expect(w, DIR_WANT_CONSENSUS, &rq);
    answer_consensus(w, &rq, N, FAKE_AFTER_S);
    expect(w, DIR_WANT_CERTS, &rq);
    answer_certs(w, &rq, N);
    for (int i = 0; i < 30; i++) {
        expect(w, DIR_WANT_MICRODESCS, &rq);
        dirmgr_failed(w->d, rq.id, ERR_IO);
        test_env_advance_ms(w->env, 5000);
    }
    expect(w, DIR_WANT_MICRODESCS, &rq);
    answer_mds(w, &rq, 0, RELAYS);
    ck_assert_ptr_nonnull(dirmgr_netdir(w->d));
    world_free(w);
}
END_TEST

START_TEST(test_dirmgr_microdescriptors_nobody_asked_for_are_ignored)
{
    struct world *w = world_new(0);
    struct dir_request rq;
    dirmgr_start(w->d);
    expect(w, DIR_WANT_CONSENSUS, &rq);
    answer_consensus(w, &rq, N, FAKE_AFTER_S);
    expect(w, DIR_WANT_CERTS, &rq);
    answer_certs(w, &rq, N);
    expect(w, DIR_WANT_MICRODESCS, &rq);
    answer_mds(w, &rq, 100, 200);
    ck_assert_uint_eq(w->files[DIR_FILE_MICRODESCS_NEW].len, 0);
    ck_assert_ptr_null(dirmgr_netdir(w->d));
    world_free(w);
}
END_TEST

START_TEST(test_dirmgr_many_microdescriptors_go_out_in_parallel_batches)
{
    struct world *w = world_new(0);
    struct dir_request rq;
    unsigned n = 0;
    w->n_relays = 1000;
    dirmgr_start(w->d);
    expect(w, DIR_WANT_CONSENSUS, &rq);
    answer_consensus(w, &rq, N, FAKE_AFTER_S);
    expect(w, DIR_WANT_CERTS, &rq);
    answer_certs(w, &rq, N);
    settle(w);
    while (dirmgr_next(w->d, &rq)) {
        ck_assert_int_eq(rq.kind, DIR_WANT_MICRODESCS);
        ck_assert_uint_lt(strlen(rq.path), DIRHTTP_URL_MAX - 1);
        n++;
    }
    ck_assert_uint_ge(n, 3);
    ck_assert_uint_le(n, 8);
    world_free(w);
}
END_TEST

START_TEST(test_dirmgr_starts_from_its_own_cache)
{
    struct world *w = world_new(0);
    struct dir_request rq;
    struct text files[FILES];
    struct buf copies[FILES];
    bootstrap(w);
    for (int f = 0; f < FILES; f++) {
        buf_init(&copies[f], 1 << 24);
        ck_ok(buf_add(&copies[f], buf_at(&w->files[f]), w->files[f].len));
        files[f] = buf_text(&copies[f]);
    }
    dirmgr_free(&w->d);
    w->steps[0] = 0;
    w->netdirs = 0;
    make_manager(w);
    ck_ok(dirmgr_load(w->d, files));
    for (int f = 0; f < FILES; f++)
        ck_assert(!w->aside[f]);
    /* What is whole is not written anew, and nobody waits for that. */
    ck_assert_uint_gt(w->files[DIR_FILE_MICRODESCS_NEW].len, 0);
    ck_assert_uint_eq(w->files[DIR_FILE_MICRODESCS].len, 0);
    dirmgr_start(w->d);
    settle(w);
    ck_assert_str_eq(w->steps, "45 requesting_descriptors;75 enough_dirinfo;");
    ck_assert_uint_eq(w->netdirs, 1);
    ck_assert_ptr_nonnull(dirmgr_netdir(w->d));
    ck_assert(!dirmgr_next(w->d, &rq));
    for (int f = 0; f < FILES; f++)
        buf_free(&copies[f]);
    world_free(w);
}
END_TEST

/* As a run that was killed left them; FILES are W's own. */
static void start_again(struct world *w)
{
    struct text files[FILES];
    for (int f = 0; f < FILES; f++)
        files[f] = (struct text){text_dup(buf_text(&w->files[f])), w->files[f].len};
    dirmgr_free(&w->d);
    make_manager(w);
    ck_ok(dirmgr_load(w->d, files));
    for (int f = 0; f < FILES; f++)
        free_text(files[f]);
    dirmgr_start(w->d);
}

START_TEST(test_dirmgr_consensus_without_certificates_outlives_a_kill)
{
    struct world *w = world_new(2);
    struct dir_request rq, other;
    dirmgr_start(w->d);
    expect(w, DIR_WANT_CONSENSUS, &rq);
    answer_consensus(w, &rq, N, FAKE_AFTER_S);
    ck_assert_uint_gt(w->files[DIR_FILE_UNVERIFIED].len, 0);
    ck_assert_uint_eq(w->files[DIR_FILE_CONSENSUS].len, 0);
    start_again(w);
    ck_assert_uint_gt(w->files[DIR_FILE_UNVERIFIED].len, 0);
    expect(w, DIR_WANT_CERTS, &rq);
    ck_assert(!dirmgr_next(w->d, &other));
    answer_certs(w, &rq, N);
    ck_assert_ptr_nonnull(dirmgr_newest(w->d));
    ck_assert_uint_eq(w->files[DIR_FILE_UNVERIFIED].len, 0);
    ck_assert_uint_gt(w->files[DIR_FILE_CONSENSUS].len, 0);
    world_free(w);
}
END_TEST

START_TEST(test_dirmgr_certificates_may_have_come_before_the_kill)
{
    struct world *w = world_new(2);
    struct dir_request rq;
    dirmgr_start(w->d);
    expect(w, DIR_WANT_CONSENSUS, &rq);
    answer_consensus(w, &rq, N, FAKE_AFTER_S);
    for (int i = 0; i < N; i++)
        put_cert(&w->files[DIR_FILE_CERTS], &w->auths[i], FAKE_AFTER_S - 86400,
                 FAKE_AFTER_S + 86400);
    start_again(w);
    ck_assert_ptr_nonnull(dirmgr_newest(w->d));
    ck_assert_uint_eq(w->files[DIR_FILE_UNVERIFIED].len, 0);
    ck_assert_uint_gt(w->files[DIR_FILE_CONSENSUS].len, 0);
    world_free(w);
}
END_TEST

START_TEST(test_dirmgr_unverified_file_that_is_no_use_goes)
{
    for (int how = 0; how < 3; how++) {
        struct world *w = world_new(2);
        struct dir_request rq;
        struct buf *file = &w->files[DIR_FILE_UNVERIFIED];
        bootstrap(w);
        put_signed(file, w->auths, N, N, RELAYS, FAKE_AFTER_S + (how < 2 ? 3600 : 0));
        if (how == 0)
            file->len /= 2;
        if (how == 1) /* the certificates are here: it will never be signed */
            ((char *)memmem(buf_at(file), file->len, "method 35", 9))[8] = '4';
        start_again(w);
        ck_assert_uint_eq(file->len, 0);
        ck_assert_int_eq(netdir_consensus(dirmgr_newest(w->d))->valid_after_s, FAKE_AFTER_S);
        ck_assert(!dirmgr_next(w->d, &rq));
        world_free(w);
    }
}
END_TEST

START_TEST(test_dirmgr_damaged_cache_is_set_aside)
{
    struct world *w = world_new(0);
    struct dir_request rq;
    struct text files[FILES] = {text_of("rubbish"), text_of("more rubbish"), text_of("and more"),
                                text_of("")};
    ck_ok(dirmgr_load(w->d, files));
    ck_assert(w->aside[DIR_FILE_CERTS] && w->aside[DIR_FILE_CONSENSUS]);
    ck_assert(!w->aside[DIR_FILE_MICRODESCS_NEW]);
    dirmgr_start(w->d);
    expect(w, DIR_WANT_CONSENSUS, &rq);
    world_free(w);
}
END_TEST

/* The manager begins anew with what is stored, of the journal only the first LEN bytes. */
static void restart_with_journal(struct world *w, size_t len)
{
    struct text files[FILES];
    struct buf copies[FILES];
    for (int f = 0; f < FILES; f++) {
        size_t n = f == DIR_FILE_MICRODESCS_NEW ? len : w->files[f].len;
        buf_init(&copies[f], 1 << 24);
        ck_ok(buf_add(&copies[f], buf_at(&w->files[f]), n));
        files[f] = buf_text(&copies[f]);
    }
    dirmgr_free(&w->d);
    make_manager(w);
    ck_ok(dirmgr_load(w->d, files));
    for (int f = 0; f < FILES; f++)
        buf_free(&copies[f]);
}

static size_t microdescs_known(const struct world *w)
{
    size_t n = 0;
    for (size_t i = 0; i < netdir_n(dirmgr_newest(w->d)); i++)
        n += netdir_at(dirmgr_newest(w->d), i)->has_md;
    return n;
}

static size_t entries(const struct buf *b, size_t len)
{
    size_t n = 0, tail = strlen("\nid ed25519 ") + 44;
    for (size_t i = 0; i + tail <= len; i++)
        n += memcmp(buf_at(b) + i, "\nid ed25519 ", strlen("\nid ed25519 ")) == 0;
    return n;
}

static size_t stored_entries(const struct world *w)
{
    const struct buf *file = &w->files[DIR_FILE_MICRODESCS],
                     *journal = &w->files[DIR_FILE_MICRODESCS_NEW];
    return entries(file, file->len) + entries(journal, journal->len);
}

static bool ends_well(const struct buf *b)
{
    return !b->len || buf_at(b)[b->len - 1] == '\n';
}

/* Killed while it appends: what was written whole is there, and nothing counts as damaged. */
START_TEST(test_dirmgr_journal_may_end_anywhere)
{
    struct world *w = world_new(0);
    bootstrap(w);
    struct buf journal;
    buf_init(&journal, 1 << 24);
    ck_ok(buf_add(&journal, buf_at(&w->files[DIR_FILE_MICRODESCS_NEW]),
                  w->files[DIR_FILE_MICRODESCS_NEW].len));
    for (size_t len = 0; len <= journal.len; len++) {
        w->files[DIR_FILE_MICRODESCS].len = w->files[DIR_FILE_MICRODESCS_NEW].len = 0;
        ck_ok(buf_add(&w->files[DIR_FILE_MICRODESCS_NEW], buf_at(&journal), len));
        restart_with_journal(w, len);
        ck_assert(!w->aside[DIR_FILE_MICRODESCS_NEW]);
        size_t whole = entries(&journal, len);
        ck_assert_msg(microdescs_known(w) == whole, "%zu bytes: %zu of %zu", len,
                      microdescs_known(w), whole);
        /* And it is whole again before anything is appended. */
        ck_assert(ends_well(&w->files[DIR_FILE_MICRODESCS]) &&
                  ends_well(&w->files[DIR_FILE_MICRODESCS_NEW]));
        ck_assert_uint_eq(stored_entries(w), whole);
    }
    /* Killed between the two steps of a merge: all of it is in both files. */
    w->files[DIR_FILE_MICRODESCS].len = 0;
    ck_ok(buf_add(&w->files[DIR_FILE_MICRODESCS], buf_at(&journal), journal.len));
    restart_with_journal(w, journal.len);
    ck_assert_uint_eq(microdescs_known(w), RELAYS);
    ck_assert(!w->aside[DIR_FILE_MICRODESCS] && !w->aside[DIR_FILE_MICRODESCS_NEW]);
    buf_free(&journal);
    world_free(w);
}
END_TEST

START_TEST(test_dirmgr_damaged_microdescriptors_are_set_aside_before_good_ones_are_stored)
{
    struct world *w = world_new(0);
    bootstrap(w);
    struct buf *file = &w->files[DIR_FILE_MICRODESCS],
               *journal = &w->files[DIR_FILE_MICRODESCS_NEW];
    ck_ok(buf_add(file, buf_at(journal), journal->len));
    char *key = memmem(buf_at(file), file->len, "\nntor-onion-key ", 16);
    ck_assert_ptr_nonnull(key);
    key[16] = '!';
    restart_with_journal(w, 0);
    ck_assert(w->aside[DIR_FILE_MICRODESCS] && !w->aside[DIR_FILE_MICRODESCS_NEW]);
    ck_assert_uint_eq(microdescs_known(w), RELAYS - 1);
    ck_assert_uint_eq(entries(file, file->len), RELAYS - 1);
    world_free(w);
}
END_TEST

static void answer_all_microdescs(struct world *w)
{
    struct dir_request rq;
    settle(w);
    while (dirmgr_next(w->d, &rq)) {
        ck_assert_int_eq(rq.kind, DIR_WANT_MICRODESCS);
        answer_mds(w, &rq, 0, w->n_relays);
    }
}

/* Half of a day's consensuses bring new relays, half are small. */
START_TEST(test_dirmgr_journal_is_merged_while_it_runs)
{
    struct world *w = world_new(0);
    struct buf *file = &w->files[DIR_FILE_MICRODESCS],
               *journal = &w->files[DIR_FILE_MICRODESCS_NEW];
    struct dir_request rq;
    size_t longest = 0;
    w->n_relays = 300;
    dirmgr_start(w->d);
    expect(w, DIR_WANT_CONSENSUS, &rq);
    answer_consensus(w, &rq, N, FAKE_AFTER_S);
    expect(w, DIR_WANT_CERTS, &rq);
    answer_certs(w, &rq, N);
    answer_all_microdescs(w);
    ck_assert_uint_gt(journal->len, 32768);
    ck_assert_uint_eq(file->len, 0);
    for (int hour = 1; hour <= 8; hour++) {
        test_env_advance_ms(w->env, 60000); /* a few that are missing wait */
        answer_all_microdescs(w);
        w->n_relays += 20;
        for (int i = 0; i < 200 && !dirmgr_next(w->d, &rq); i++)
            test_env_advance_ms(w->env, 60000);
        ck_assert_int_eq(rq.kind, DIR_WANT_CONSENSUS);
        answer_consensus(w, &rq, N, env_wall_s(w->env) / 3600 * 3600);
        answer_all_microdescs(w);
        longest = longest > journal->len ? longest : journal->len;
        ck_assert_uint_gt(file->len, 32768);
    }
    ck_assert_uint_gt(longest, 8000);
    ck_assert_uint_lt(longest, 32768);
    /* Nothing was lost on the way. */
    restart_with_journal(w, journal->len);
    ck_assert_uint_eq(microdescs_known(w), w->n_relays);
    world_free(w);
}
END_TEST

START_TEST(test_dirmgr_fetches_the_next_consensus_in_time)
{
    struct world *w = world_new(0);
    struct dir_request rq;
    bootstrap(w);
    struct netdir *old = netdir_ref(dirmgr_netdir(w->d));
    /* Not before three quarters of an hour after fresh-until, at the latest before valid-until. */
    test_env_advance_ms(w->env, (3600 + 2700 - 600 - 2) * 1000);
    ck_assert(!dirmgr_next(w->d, &rq));
    for (int i = 0; i < 90 && !dirmgr_next(w->d, &rq); i++)
        test_env_advance_ms(w->env, 60000);
    ck_assert_uint_ne(rq.id, 0);
    ck_assert_int_eq(rq.kind, DIR_WANT_CONSENSUS);
    ck_assert_int_eq(rq.if_modified_since_s, FAKE_AFTER_S + 180);
    ck_assert_int_lt(env_wall_s(w->env), FAKE_AFTER_S + 3 * 3600);
    answer_consensus(w, &rq, N, FAKE_AFTER_S + 3600);
    ck_assert_ptr_ne(dirmgr_netdir(w->d), old);
    ck_assert_ptr_eq(w->last, dirmgr_netdir(w->d));
    /* Nothing has to be fetched again, and who holds the old one may go on. */
    ck_assert(router_usable(netdir_at(dirmgr_netdir(w->d), 0)));
    ck_assert_str_eq(netdir_at(old, 1)->nickname, "relay1");
    netdir_unref(&old);
    world_free(w);
}
END_TEST

START_TEST(test_dirmgr_old_network_is_dropped_a_day_after_its_end)
{
    struct world *w = world_new(0);
    struct dir_request rq;
    w->env->log->least = LOG_NOTICE;
    bootstrap(w);
    w->env->wall_us += (int64_t)(3 * 3600 + 86400 - 700) * US_PER_SEC;
    test_env_advance_ms(w->env, 60000);
    ck_assert_ptr_nonnull(dirmgr_netdir(w->d));
    w->env->wall_us += (int64_t)200 * US_PER_SEC;
    test_env_advance_ms(w->env, 60000);
    ck_assert_ptr_null(dirmgr_netdir(w->d));
    ck_assert_ptr_null(w->last);
    ck_assert_ptr_nonnull(strstr(w->log, "no longer up-to-date enough to build circuits"));
    expect(w, DIR_WANT_CONSENSUS, &rq);
    /* As C tor: what is over is a date, too. */
    ck_assert_int_eq(rq.if_modified_since_s, FAKE_AFTER_S + 180);
    world_free(w);
}
END_TEST

/* Who was told what we have, and sends what is older, or says that there is nothing newer when
 * there has to be, is asked no more. */
START_TEST(test_dirmgr_server_that_serves_what_is_over_is_left)
{
    static const struct {
        int64_t later_s; /* than the consensus that is here */
        int status;
        bool left;
    } rows[] = {
        {2 * 3600, 304, false}, /* it is valid yet */
        {4 * 3600, 304, true},
        {2 * 3600, 200, true}, /* an older one, though it knows what we have */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct world *w = world_new(2);
        struct dir_request rq;
        bootstrap(w);
        test_env_advance_ms(w->env, (uint64_t)rows[i].later_s * 1000);
        ck_assert_double_ge(seconds_until(w, 3600, &rq), 0);
        if (rows[i].status == 200)
            answer_consensus(w, &rq, N, FAKE_AFTER_S - 3600);
        else
            dirmgr_reply(w->d, rq.id, rows[i].status, text_of(""), 0);
        ck_assert_int_eq(w->failed[rq.to.rsa.b[0]], rows[i].left);
        world_free(w);
    }
}
END_TEST

START_TEST(test_dirmgr_asks_nobody_by_itself)
{
    struct world *w = world_new(3);
    struct dir_request rq;
    w->nobody = true;
    dirmgr_start(w->d);
    settle(w);
    ck_assert(!dirmgr_next(w->d, &rq));
    /* It asks again when it was told that this makes sense. */
    w->wants = 0;
    test_env_advance_ms(w->env, 101);
    ck_assert_uint_eq(w->wants, 1);
    w->nobody = false;
    expect(w, DIR_WANT_CONSENSUS, &rq);
    world_free(w);
}
END_TEST

START_TEST(test_dirmgr_a_consensus_of_which_nothing_is_known_is_enough_to_choose_by)
{
    struct world *w = world_new(0);
    struct dir_request rq;
    dirmgr_start(w->d);
    expect(w, DIR_WANT_CONSENSUS, &rq);
    ck_assert_ptr_null(w->known);
    answer_consensus(w, &rq, N, FAKE_AFTER_S);
    expect(w, DIR_WANT_CERTS, &rq);
    answer_certs(w, &rq, N);
    expect(w, DIR_WANT_MICRODESCS, &rq);
    ck_assert_ptr_eq(w->known, dirmgr_newest(w->d));
    ck_assert_ptr_null(dirmgr_netdir(w->d));
    world_free(w);
}
END_TEST

/* Else it would be left alone for what it did before. */
START_TEST(test_dirmgr_who_serves_is_judged_good)
{
    struct world *w = world_new(0);
    struct dir_request rq;
    dirmgr_start(w->d);
    expect(w, DIR_WANT_CONSENSUS, &rq);
    w->failed[rq.to.rsa.b[0]] = true;
    answer_consensus(w, &rq, N, FAKE_AFTER_S);
    expect(w, DIR_WANT_CERTS, &rq);
    answer_certs(w, &rq, N);
    expect(w, DIR_WANT_MICRODESCS, &rq);
    w->failed[rq.to.rsa.b[0]] = true;
    answer_mds(w, &rq, 0, RELAYS);
    ck_assert(!w->failed[rq.to.rsa.b[0]]);
    world_free(w);
}
END_TEST

START_TEST(test_dirmgr_forgiving_reaches_the_chooser)
{
    struct world *w = world_new(0);
    dirmgr_start(w->d);
    dirmgr_retry_now(w->d);
    ck_assert_uint_eq(w->forgiven, 1);
    world_free(w);
}
END_TEST

/* Starts anew from its files, WALL_S after FAKE_AFTER_S. */
static void restart_at(struct world *w, int64_t wall_s)
{
    struct text files[FILES];
    struct buf copies[FILES];
    for (int f = 0; f < FILES; f++) {
        buf_init(&copies[f], 1 << 24);
        ck_ok(buf_add(&copies[f], buf_at(&w->files[f]), w->files[f].len));
        files[f] = buf_text(&copies[f]);
    }
    dirmgr_free(&w->d);
    w->env->wall_us = (FAKE_AFTER_S + wall_s) * (int64_t)US_PER_SEC;
    make_manager(w);
    ck_ok(dirmgr_load(w->d, files));
    dirmgr_start(w->d);
    for (int f = 0; f < FILES; f++)
        buf_free(&copies[f]);
}

/* C tor keeps an expired consensus of its cache for five days: it names the guards, and most of
 * what the next one lists is here already. */
START_TEST(test_dirmgr_expired_cache_names_guards_and_keeps_microdescriptors)
{
    struct world *w = world_new(0);
    struct dir_request rq;
    bootstrap(w);
    restart_at(w, 3 * 86400);
    ck_assert(!w->aside[DIR_FILE_CONSENSUS]);
    ck_assert_ptr_null(dirmgr_newest(w->d));
    ck_assert_ptr_null(dirmgr_netdir(w->d));
    expect(w, DIR_WANT_CONSENSUS, &rq);
    ck_assert_ptr_nonnull(w->known);
    ck_assert_ptr_eq(w->known, dirmgr_known(w->d));
    ck_assert_int_eq(rq.if_modified_since_s, FAKE_AFTER_S + 180);
    answer_consensus(w, &rq, N, FAKE_AFTER_S + 3 * 86400);
    ck_assert_ptr_nonnull(dirmgr_netdir(w->d));
    ck_assert_ptr_eq(dirmgr_known(w->d), dirmgr_newest(w->d));
    ck_assert(!dirmgr_next(w->d, &rq));
    world_free(w);
}
END_TEST

/* The clock was wrong, and is right again. */
START_TEST(test_dirmgr_network_that_was_out_of_time_is_used_again)
{
    struct world *w = world_new(0);
    bootstrap(w);
    struct netdir *was = netdir_ref(dirmgr_netdir(w->d));
    for (int days = -40; days <= 40; days += 80) {
        w->env->wall_us += (int64_t)days * 86400 * US_PER_SEC;
        dirmgr_retry_now(w->d);
        test_env_advance_ms(w->env, 60000);
        ck_assert_ptr_null(dirmgr_netdir(w->d));
        w->env->wall_us -= (int64_t)days * 86400 * US_PER_SEC;
        dirmgr_retry_now(w->d);
        test_env_advance_ms(w->env, 60000);
        if (days < 0)
            ck_assert_ptr_eq(dirmgr_netdir(w->d), was);
        else /* too long ago to be kept */
            ck_assert_ptr_null(dirmgr_netdir(w->d));
    }
    netdir_unref(&was);
    world_free(w);
}
END_TEST

START_TEST(test_dirmgr_cache_of_later_days_is_used_when_the_clock_is_set)
{
    struct world *w = world_new(0);
    struct dir_request rq;
    bootstrap(w);
    restart_at(w, -3 * 86400);
    ck_assert(!w->aside[DIR_FILE_CONSENSUS]);
    ck_assert_ptr_null(dirmgr_netdir(w->d));
    ck_assert_ptr_nonnull(dirmgr_known(w->d));
    w->env->wall_us += (int64_t)3 * 86400 * US_PER_SEC;
    ck_assert(!dirmgr_next(w->d, &rq));
    ck_assert_ptr_nonnull(dirmgr_netdir(w->d));
    world_free(w);
}
END_TEST

START_TEST(test_dirmgr_cache_that_is_older_than_that_names_nobody)
{
    struct world *w = world_new(0);
    struct dir_request rq;
    bootstrap(w);
    restart_at(w, 3 * 3600 + 5 * 86400 + 1);
    ck_assert(!w->aside[DIR_FILE_CONSENSUS]);
    expect(w, DIR_WANT_CONSENSUS, &rq);
    ck_assert_ptr_null(w->known);
    world_free(w);
}
END_TEST

START_TEST(test_dirmgr_new_options_take_effect)
{
    struct world *w = world_new(0);
    struct dir_servers others;
    struct dirmgr_options o = {.servers = &others,
                               .testing = true,
                               .paths_needed_permyriad = 9500,
                               .schedule = dir_schedule_defaults(true)};
    struct dir_request rq;
    dir_servers_init(&others);
    ck_ok(dir_servers_add(&others, &w->servers.list[1]));
    ck_ok(dirmgr_set_options(w->d, &o));
    dirmgr_start(w->d);
    expect(w, DIR_WANT_CONSENSUS, &rq);
    ck_assert(rsa_id_equal(&rq.to.rsa, &others.list[0].rsa));
    dirmgr_failed(w->d, rq.id, ERR_LINK_CONNECT);
    memset(w->failed, 0, sizeof w->failed);
    o.servers = &w->servers;
    ck_ok(dirmgr_set_options(w->d, &o));
    test_env_advance_ms(w->env, 5000);
    expect(w, DIR_WANT_CONSENSUS, &rq);
    answer_consensus(w, &rq, N, FAKE_AFTER_S);
    expect(w, DIR_WANT_CERTS, &rq);
    answer_certs(w, &rq, N);
    expect(w, DIR_WANT_MICRODESCS, &rq);
    answer_mds(w, &rq, 0, RELAYS - 1); /* all but one: not enough for 95 per cent of the paths */
    ck_assert_ptr_null(dirmgr_netdir(w->d));
    o.paths_needed_permyriad = 2500;
    ck_ok(dirmgr_set_options(w->d, &o));
    settle(w);
    ck_assert_ptr_nonnull(dirmgr_netdir(w->d));
    dir_servers_free(&others);
    world_free(w);
}
END_TEST

/* As authorities sign it: only LINE differs. */
static void answer_requiring(struct world *w, const struct dir_request *rq, const char *line)
{
    static const char usual[] = "required-client-protocols Cons=2 Link=4 Relay=2\n";
    struct buf b, changed;
    size_t signed_len = 0;
    buf_init(&b, 1 << 24);
    buf_init(&changed, 1 << 24);
    put_consensus(&b, w->auths, N, w->n_relays, FAKE_AFTER_S);
    const char *all = (const char *)buf_at(&b);
    const char *at = memmem(all, b.len, usual, sizeof usual - 1);
    ck_assert_ptr_nonnull(at);
    ck_ok(buf_add(&changed, all, (size_t)(at - all)));
    put(&changed, "%s\n", line);
    at += sizeof usual - 1;
    ck_ok(buf_add(&changed, at, b.len - (size_t)(at - all)));
    for (int i = 0; i < N; i++)
        put_consensus_signature(&changed, &signed_len, &w->auths[i], "sha256");
    dirmgr_reply(w->d, rq->id, 200, buf_text(&changed), 0);
    buf_free(&changed);
    buf_free(&b);
    settle(w);
}

static void load_files(struct world *w)
{
    struct text files[FILES];
    for (int f = 0; f < FILES; f++)
        files[f] = buf_text(&w->files[f]);
    ck_ok(dirmgr_load(w->d, files));
    for (int f = 0; f < FILES; f++)
        ck_assert(!w->aside[f]);
}

START_TEST(test_dirmgr_leaves_a_network_that_requires_more_than_we_have)
{
    struct world *w = world_new(0);
    struct dir_request rq;
    dirmgr_start(w->d);
    expect(w, DIR_WANT_CONSENSUS, &rq);
    answer_requiring(w, &rq, "required-client-protocols Link=4 Relay=2,9 Teleport=1");
    ck_assert_str_eq(w->obsolete, ""); /* nobody has signed it that we know of */
    expect(w, DIR_WANT_CERTS, &rq);
    answer_certs(w, &rq, N);
    ck_assert_str_eq(w->obsolete, "Relay=9 Teleport=1");
    ck_assert_ptr_nonnull(strstr(w->log, "The missing protocols are: Relay=9 Teleport=1"));
    ck_assert_ptr_null(dirmgr_newest(w->d));
    test_env_advance_ms(w->env, 600 * 1000);
    ck_assert(!dirmgr_next(w->d, &rq));
    dirmgr_retry_now(w->d);
    ck_assert(!dirmgr_next(w->d, &rq));
    world_free(w);
}
END_TEST

/* The next start knows it from the cache and asks nobody; until the word is too old. */
START_TEST(test_dirmgr_leaves_such_a_network_by_what_is_cached)
{
    struct world *w = world_new(0);
    struct dir_request rq;
    dirmgr_start(w->d);
    expect(w, DIR_WANT_CONSENSUS, &rq);
    answer_requiring(w, &rq, "required-client-protocols Relay=9");
    expect(w, DIR_WANT_CERTS, &rq);
    answer_certs(w, &rq, N);
    for (int days = 0; days <= 6; days += 2) {
        dirmgr_free(&w->d);
        w->obsolete[0] = 0;
        make_manager(w);
        load_files(w);
        dirmgr_start(w->d);
        settle(w);
        ck_assert_str_eq(w->obsolete, days < 6 ? "Relay=9" : "");
        ck_assert(dirmgr_next(w->d, &rq) == (days == 6));
        test_env_advance_ms(w->env, 2 * 86400 * UINT64_C(1000));
    }
    world_free(w);
}
END_TEST

START_TEST(test_dirmgr_warns_of_recommended_protocols_and_goes_on)
{
    struct world *w = world_new(0);
    struct dir_request rq;
    dirmgr_start(w->d);
    expect(w, DIR_WANT_CONSENSUS, &rq);
    answer_requiring(w, &rq, "recommended-client-protocols Link=4 Teleport=1");
    expect(w, DIR_WANT_CERTS, &rq);
    answer_certs(w, &rq, N);
    ck_assert_ptr_nonnull(strstr(w->log, "recommended in the consensus"));
    ck_assert_ptr_nonnull(strstr(w->log, "The missing protocols are: Teleport=1"));
    ck_assert_str_eq(w->obsolete, "");
    expect(w, DIR_WANT_MICRODESCS, &rq);
    world_free(w);
}
END_TEST

TESTS("dir/dirmgr", test_dirmgr_bootstraps_from_nothing,
      test_dirmgr_asks_for_certificates_beside_the_first_consensus,
      test_dirmgr_verifies_the_first_consensus_when_its_certificates_come,
      test_dirmgr_asks_for_the_certificates_of_a_consensus_if_none_came_before,
      test_dirmgr_asks_for_no_certificates_that_it_has,
      test_dirmgr_undersigned_consensus_is_refused_and_another_server_asked,
      test_dirmgr_garbage_and_errors_lead_to_other_servers,
      test_dirmgr_expired_consensuses_tell_what_the_clock_says,
      test_dirmgr_signed_consensus_shows_our_clock_is_wrong,
      test_dirmgr_authority_clock_is_compared, test_dirmgr_consensus_of_later_today_shows_it_too,
      test_dirmgr_slow_answer_says_nothing_of_clocks,
      test_dirmgr_wrong_certificates_give_the_consensus_up,
      test_dirmgr_certificates_of_strangers_are_not_kept,
      test_dirmgr_missing_microdescriptors_are_asked_for_elsewhere,
      test_dirmgr_the_way_to_enough_descriptors_is_told_as_it_goes,
      test_dirmgr_a_user_who_asks_gives_every_descriptor_another_chance,
      test_dirmgr_microdescriptors_are_asked_for_until_there_are_enough,
      test_dirmgr_microdescriptors_nobody_asked_for_are_ignored,
      test_dirmgr_many_microdescriptors_go_out_in_parallel_batches,
      test_dirmgr_starts_from_its_own_cache,
      test_dirmgr_consensus_without_certificates_outlives_a_kill,
      test_dirmgr_certificates_may_have_come_before_the_kill,
      test_dirmgr_unverified_file_that_is_no_use_goes, test_dirmgr_damaged_cache_is_set_aside,
      test_dirmgr_journal_may_end_anywhere,
      test_dirmgr_damaged_microdescriptors_are_set_aside_before_good_ones_are_stored,
      test_dirmgr_journal_is_merged_while_it_runs, test_dirmgr_fetches_the_next_consensus_in_time,
      test_dirmgr_old_network_is_dropped_a_day_after_its_end,
      test_dirmgr_server_that_serves_what_is_over_is_left, test_dirmgr_asks_nobody_by_itself,
      test_dirmgr_a_consensus_of_which_nothing_is_known_is_enough_to_choose_by,
      test_dirmgr_who_serves_is_judged_good, test_dirmgr_forgiving_reaches_the_chooser,
      test_dirmgr_expired_cache_names_guards_and_keeps_microdescriptors,
      test_dirmgr_network_that_was_out_of_time_is_used_again,
      test_dirmgr_cache_of_later_days_is_used_when_the_clock_is_set,
      test_dirmgr_cache_that_is_older_than_that_names_nobody, test_dirmgr_new_options_take_effect,
      test_dirmgr_leaves_a_network_that_requires_more_than_we_have,
      test_dirmgr_leaves_such_a_network_by_what_is_cached,
      test_dirmgr_warns_of_recommended_protocols_and_goes_on)
