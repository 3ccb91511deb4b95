/* As many requests as may be under way at once, and what becomes of them. */
#include "crypto/encode.h"
#include "dirworld.h"

enum { SLOTS = DIRMGR_REQUESTS_MAX };

/* A world in which all requests that may be under way at once are, for the consensus; their ids are
 * 1 to SLOTS. */
static struct world *full_world(struct dir_request *last)
{
    struct world *w = world_new(SLOTS + 5);
    bool asked[256] = {false};
    w->schedule.max_tries = SLOTS + 5;
    dirmgr_free(&w->d);
    make_manager(w);
    know_certs(w);
    dirmgr_start(w->d);
    for (int n = 0; n < SLOTS; n++) {
        ck_assert(seconds_until(w, 10, last) >= 0);
        ck_assert_int_eq(last->kind, DIR_WANT_CONSENSUS);
        ck_assert(!asked[last->to.rsa.b[0]]); /* each of somebody else */
        asked[last->to.rsa.b[0]] = true;
    }
    struct dir_request none;
    ck_assert(seconds_until(w, 10, &none) < 0);
    return w;
}

START_TEST(test_requests_in_the_last_place_count_too)
{
    struct dir_request last, rq;
    struct world *w = full_world(&last);
    dirmgr_failed(w->d, 1, ERR_LINK_CONNECT);
    dirmgr_failed(w->d, last.id, ERR_LINK_CONNECT);
    for (int i = 0; i < 2; i++) { /* the second has the last place */
        ck_assert(seconds_until(w, 10, &rq) >= 0);
        ck_assert(!rsa_id_equal(&rq.to.rsa, &last.to.rsa));
        last = rq;
    }
    /* It comes, so the one that fails leaves its place empty, until that one is slow. */
    dirmgr_sent(w->d, last.id);
    dirmgr_body_began(w->d, last.id);
    dirmgr_failed(w->d, 2, ERR_LINK_CONNECT);
    for (int i = 0; i < 100; i++) {
        dirmgr_received(w->d, last.id, 1100);
        ck_assert(!wanted(w, &rq));
        advance_s(w, 1);
    }
    double s = seconds_until(w, 200, &rq);
    ck_assert(s >= 8 && s < 20);
    /* Whoever is asked already is not asked again. */
    ck_assert(!rsa_id_equal(&rq.to.rsa, &last.to.rsa));
    world_free(w);
}
END_TEST

START_TEST(test_requests_in_the_last_place_count_when_less_are_allowed)
{
    struct dir_request last, rq;
    struct world *w = full_world(&last);
    struct dirmgr_options o = {.servers = &w->servers, .testing = true, .schedule = w->schedule};
    o.schedule.max_tries = SLOTS - 1;
    ck_ok(dirmgr_set_options(w->d, &o));
    dirmgr_failed(w->d, 1, ERR_LINK_CONNECT);
    ck_assert(seconds_until(w, 10, &rq) < 0);
    dirmgr_failed(w->d, 2, ERR_LINK_CONNECT);
    ck_assert(seconds_until(w, 10, &rq) >= 0);
    world_free(w);
}
END_TEST

START_TEST(test_requests_are_all_over_when_one_is_answered)
{
    struct dir_request last;
    struct world *w = full_world(&last);
    struct dir_request first = last;
    first.id = 1;
    answer_consensus(w, &first, N, FAKE_AFTER_S);
    ck_assert_uint_eq(w->n_cancelled, SLOTS - 1);
    ck_assert_uint_eq(w->cancelled, last.id);
    world_free(w);
}
END_TEST

/* The network went to sleep: whatever comes of what was asked before means nothing. */
START_TEST(test_requests_that_are_abandoned_mean_nothing)
{
    struct dir_request last;
    struct world *w = full_world(&last);
    dirmgr_abandon(w->d);
    answer_consensus(w, &last, N, FAKE_AFTER_S);
    ck_assert_str_eq(w->steps, "");
    ck_assert_uint_eq(w->n_cancelled, 0);
    world_free(w);
}
END_TEST

/* Three slow servers are asked for the same; a new consensus that lists it too changes nothing. */
START_TEST(test_requests_under_way_count_for_the_next_consensus)
{
    struct world *w = public_world(9, NULL);
    struct dir_request first, rq;
    to_microdescs(w, &first);
    uint32_t last = first.id;
    do {
        while (wanted(w, &rq) && rq.kind == DIR_WANT_MICRODESCS)
            last = rq.id;
        for (uint32_t id = first.id; id <= last; id++)
            dirmgr_received(w->d, id, 200 * 5);
        if (rq.kind != DIR_WANT_CONSENSUS || !rq.id)
            advance_s(w, 5);
    } while (rq.kind != DIR_WANT_CONSENSUS || !rq.id);
    ck_assert_uint_eq(last, first.id + 2);
    answer_consensus(w, &rq, N, env_wall_s(w->env) / 3600 * 3600);
    ck_assert_int_gt(netdir_consensus(dirmgr_newest(w->d))->valid_after_s, FAKE_AFTER_S);
    ck_assert(seconds_until(w, 60, &rq) < 0);
    answer_mds(w, &first, 0, RELAYS);
    ck_assert_ptr_nonnull(dirmgr_netdir(w->d));
    ck_assert_uint_eq(w->n_cancelled, 2);
    world_free(w);
}
END_TEST

/* In a network for tests authorities are asked from the beginning, beside the fallbacks. */
START_TEST(test_requests_go_to_authorities_at_once_in_a_testing_network)
{
    struct world *w = world_new(9);
    struct dir_request rq;
    dirmgr_start(w->d);
    expect(w, DIR_WANT_CONSENSUS, &rq);
    ck_assert(!rq.to.is_authority);
    expect(w, DIR_WANT_CONSENSUS, &rq);
    ck_assert(rq.to.is_authority);
    world_free(w);
}
END_TEST

/* How many digests a request asks for; each is above the one before, so above *LAST too. */
static size_t count_digests(const struct dir_request *rq, struct sha256 *last)
{
    const char *at = rq->path + strlen("/tor/micro/d/");
    size_t n = 0;
    ck_assert_str_eq(at + strlen(at) - 2, ".z");
    for (;; at += 44) {
        struct sha256 digest;
        ck_ok(base64_decode_exact((struct text){at, 43}, BASE64_EITHER, digest.b, sizeof digest.b));
        ck_assert(memcmp(digest.b, last->b, sizeof digest.b) > 0);
        *last = digest;
        n++;
        if (at[43] != '-')
            return n;
    }
}

/* C tor, launch_descriptor_downloads: sorted by digest, a third of what is missing in each, all at
 * once. */
START_TEST(test_requests_for_microdescriptors_are_cut_as_by_tor)
{
    struct world *w = world_new(0);
    struct dir_request rq;
    struct sha256 last = {{0}};
    bootstrap(w);
    w->n_relays += 100;
    ck_assert(seconds_until(w, 3 * 3600, &rq) > 0);
    answer_consensus(w, &rq, N, env_wall_s(w->env) / 3600 * 3600);
    expect(w, DIR_WANT_MICRODESCS, &rq);
    ck_assert_uint_eq(count_digests(&rq, &last), 34);
    ck_assert(dirmgr_next(w->d, &rq));
    ck_assert_uint_eq(count_digests(&rq, &last), 34);
    ck_assert(dirmgr_next(w->d, &rq));
    ck_assert_uint_eq(count_digests(&rq, &last), 32);
    ck_assert(!dirmgr_next(w->d, &rq));
    world_free(w);
}
END_TEST

/* Relays that paths go through most are asked for first; the first answer brings on the rest. */
START_TEST(test_requests_at_the_start_are_for_what_paths_need)
{
    struct world *w = world_new(9);
    struct dir_request rq;
    struct sha256 last = {{0}};
    w->n_relays = 400;
    to_microdescs(w, &rq);
    struct dir_request one = rq;
    size_t n = 0;
    do
        n += count_digests(&rq, &last);
    while (wanted(w, &rq));
    ck_assert(n > 300 && n < 380); /* 0.6 is needed of guards times middles times exits */
    answer_mds(w, &one, 0, 10);
    last = (struct sha256){{0}};
    while (wanted(w, &rq))
        n += count_digests(&rq, &last);
    ck_assert_uint_eq(n, 400); /* what has not come of ONE waits for its turn */
    world_free(w);
}
END_TEST

/* Whoever asks for work learns, at the end of that wake-up, that the network has grown too old. */
START_TEST(test_requests_show_that_the_network_is_too_old)
{
    struct world *w = world_new(0);
    struct dir_request rq;
    bootstrap(w);
    ck_assert(!dirmgr_next(w->d, &rq));
    ck_assert_ptr_nonnull(w->last);
    w->env->wall_us += (int64_t)3 * 86400 * US_PER_SEC;
    ck_assert(dirmgr_next(w->d, &rq));
    settle(w);
    ck_assert_ptr_null(w->last);
    ck_assert_uint_eq(w->netdirs, 2);
    world_free(w);
}
END_TEST

TESTS("dir/dirmgr_requests", test_requests_in_the_last_place_count_too,
      test_requests_in_the_last_place_count_when_less_are_allowed,
      test_requests_are_all_over_when_one_is_answered,
      test_requests_that_are_abandoned_mean_nothing,
      test_requests_under_way_count_for_the_next_consensus,
      test_requests_go_to_authorities_at_once_in_a_testing_network,
      test_requests_for_microdescriptors_are_cut_as_by_tor,
      test_requests_at_the_start_are_for_what_paths_need,
      test_requests_show_that_the_network_is_too_old)
