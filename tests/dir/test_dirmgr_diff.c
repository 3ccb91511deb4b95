/* Diffs of consensuses: who asks for them, and what wrong ones cost. */
#include "dir/consdiff.h"
#include "dirworld.h"

enum { DAY_S = 86400, HOUR_S = 3600 };

static struct buf signed_one(struct world *w, int64_t after)
{
    struct buf b;
    buf_init(&b, 1 << 24);
    put_signed(&b, w->auths, N, N, w->n_relays, after);
    return b;
}

/* "All of the old one goes, all of the new one comes": no small diff, but one. */
static struct buf diff_between(struct text old, struct text new)
{
    uint8_t from[32], to[32];
    char a[HEX_SIZE(32)], b[HEX_SIZE(32)];
    struct buf out;
    buf_init(&out, 1 << 24);
    ck_ok(consdiff_digest(old, from));
    ck_ok(sha3_256(new.s, new.len, to));
    put(&out, "network-status-diff-version 1\nhash %s %s\n2,$d\n1c\n", hex_upper(from, 32, a),
        hex_upper(to, 32, b));
    ck_ok(buf_add(&out, new.s, new.len));
    put(&out, ".\n");
    return out;
}

static void answer(struct world *w, const struct dir_request *rq, struct text body)
{
    dirmgr_sent(w->d, rq->id);
    dirmgr_body_began(w->d, rq->id);
    dirmgr_reply(w->d, rq->id, 200, body, 0);
    settle(w);
}

/* A client with a network, at the time when it asks for the next consensus: RQ. */
static struct world *due_world(struct dir_request *rq)
{
    struct world *w = world_new(2);
    bootstrap(w);
    test_env_advance_ms(w->env, (uint64_t)3 * HOUR_S * 1000);
    expect(w, DIR_WANT_CONSENSUS, rq);
    return w;
}

static int64_t newest_s(const struct world *w)
{
    return netdir_consensus(dirmgr_newest(w->d))->valid_after_s;
}

START_TEST(test_diff_is_asked_for_by_the_stored_consensus)
{
    struct dir_request rq;
    struct world *w = due_world(&rq);
    uint8_t digest[32];
    char hex[HEX_SIZE(32)];
    ck_ok(consdiff_digest(buf_text(&w->files[DIR_FILE_CONSENSUS]), digest));
    ck_assert_str_eq(rq.diff_from, hex_upper(digest, 32, hex));
    ck_assert_int_eq(rq.if_modified_since_s, FAKE_AFTER_S + 180);
    world_free(w);
}
END_TEST

START_TEST(test_diff_makes_the_next_consensus_and_the_next_base)
{
    struct dir_request rq;
    struct world *w = due_world(&rq);
    struct buf next = signed_one(w, FAKE_AFTER_S + HOUR_S);
    struct buf diff = diff_between(buf_text(&w->files[DIR_FILE_CONSENSUS]), buf_text(&next));
    answer(w, &rq, buf_text(&diff));
    ck_assert_int_eq(newest_s(w), FAKE_AFTER_S + HOUR_S);
    ck_assert(text_equal(buf_text(&w->files[DIR_FILE_CONSENSUS]), buf_text(&next)));
    ck_assert_str_eq(w->log, "");
    test_env_advance_ms(w->env, (uint64_t)HOUR_S * 1000);
    expect(w, DIR_WANT_CONSENSUS, &rq);
    uint8_t digest[32];
    char hex[HEX_SIZE(32)];
    ck_ok(consdiff_digest(buf_text(&next), digest));
    ck_assert_str_eq(rq.diff_from, hex_upper(digest, 32, hex));
    buf_free(&diff);
    buf_free(&next);
    world_free(w);
}
END_TEST

/* Each way in which a diff can be wrong: its server is blamed, another one is asked for the whole,
 * and that ends it. */
static void refused(void (*spoil)(struct world *w, struct buf *diff))
{
    struct dir_request rq, second;
    struct world *w = due_world(&rq);
    struct buf next = signed_one(w, FAKE_AFTER_S + HOUR_S);
    struct buf diff = diff_between(buf_text(&w->files[DIR_FILE_CONSENSUS]), buf_text(&next));
    spoil(w, &diff);
    answer(w, &rq, buf_text(&diff));
    ck_assert_int_eq(newest_s(w), FAKE_AFTER_S);
    ck_assert(w->failed[rq.to.rsa.b[0]]);
    ck_assert_ptr_nonnull(strstr(w->log, "Asking another server for the whole consensus"));
    ck_assert_double_ge(seconds_until(w, 60, &second), 0);
    ck_assert(!rsa_id_equal(&second.to.rsa, &rq.to.rsa));
    ck_assert_str_eq(second.diff_from, "");
    answer(w, &second, buf_text(&next));
    ck_assert_int_eq(newest_s(w), FAKE_AFTER_S + HOUR_S);
    buf_free(&diff);
    buf_free(&next);
    world_free(w);
}

static void replace(struct buf *b, struct text t)
{
    struct text copy = {text_dup(t), t.len};
    b->len = 0;
    ck_ok(buf_add(b, copy.s, copy.len));
    free_text(copy);
}

static void cut(struct world *w, struct buf *diff)
{
    (void)w;
    diff->len -= 2; /* no "." */
}

static void change_result(struct world *w, struct buf *diff)
{
    (void)w;
    char *at = memmem(buf_at(diff), diff->len, "fresh-until 2", 13);
    ck_assert_ptr_nonnull(at);
    at[12] = '3';
}

/* Right in itself, but of a consensus that was not asked from. */
static void start_elsewhere(struct world *w, struct buf *diff)
{
    struct buf other = signed_one(w, FAKE_AFTER_S - HOUR_S);
    struct buf next = signed_one(w, FAKE_AFTER_S + HOUR_S);
    struct buf made = diff_between(buf_text(&other), buf_text(&next));
    replace(diff, buf_text(&made));
    buf_free(&made);
    buf_free(&next);
    buf_free(&other);
}

/* What comes out is a diff again. */
static void chain(struct world *w, struct buf *diff)
{
    struct buf inner = diff_between(buf_text(&w->files[DIR_FILE_CONSENSUS]), buf_text(diff));
    replace(diff, buf_text(&inner));
    buf_free(&inner);
}

START_TEST(test_diff_that_is_cut_costs_one_request)
{
    refused(cut);
}
END_TEST

START_TEST(test_diff_that_leads_elsewhere_costs_one_request)
{
    refused(change_result);
}
END_TEST

START_TEST(test_diff_from_elsewhere_costs_one_request)
{
    refused(start_elsewhere);
}
END_TEST

START_TEST(test_diff_to_a_diff_costs_one_request)
{
    refused(chain);
}
END_TEST

START_TEST(test_diff_that_nobody_asked_for_is_refused)
{
    struct world *w = world_new(2);
    struct dir_request rq;
    struct buf old = signed_one(w, FAKE_AFTER_S - HOUR_S), new = signed_one(w, FAKE_AFTER_S);
    struct buf diff = diff_between(buf_text(&old), buf_text(&new));
    dirmgr_start(w->d);
    expect(w, DIR_WANT_CONSENSUS, &rq);
    ck_assert_str_eq(rq.diff_from, "");
    answer(w, &rq, buf_text(&diff));
    ck_assert_ptr_null(dirmgr_newest(w->d));
    ck_assert(w->failed[rq.to.rsa.b[0]]);
    buf_free(&diff);
    buf_free(&new);
    buf_free(&old);
    world_free(w);
}
END_TEST

/* The file was replaced meanwhile, or is gone: nobody's fault, and the next answer is whole. */
START_TEST(test_diff_without_its_base_blames_nobody)
{
    struct dir_request rq;
    struct world *w = due_world(&rq);
    struct buf next = signed_one(w, FAKE_AFTER_S + HOUR_S);
    struct buf diff = diff_between(buf_text(&w->files[DIR_FILE_CONSENSUS]), buf_text(&next));
    w->files[DIR_FILE_CONSENSUS].len = 0;
    answer(w, &rq, buf_text(&diff));
    ck_assert(!w->failed[rq.to.rsa.b[0]]);
    ck_assert_str_eq(w->log, "");
    ck_assert_double_ge(seconds_until(w, 60, &rq), 0);
    ck_assert_str_eq(rq.diff_from, "");
    buf_free(&diff);
    buf_free(&next);
    world_free(w);
}
END_TEST

/* C tor, try-diff-for-consensus-newer-than: 72 hours. A network that is over is still a base. */
START_TEST(test_diff_is_asked_for_up_to_three_days)
{
    for (int days = 2; days <= 4; days++) {
        struct world *w = world_new(2);
        struct dir_request rq;
        bootstrap(w);
        test_env_advance_ms(w->env, (uint64_t)days * DAY_S * 1000);
        expect(w, DIR_WANT_CONSENSUS, &rq);
        ck_assert_int_eq(rq.if_modified_since_s, FAKE_AFTER_S + 180);
        ck_assert_int_eq(rq.diff_from[0] != 0, days < 3);
        world_free(w);
    }
}
END_TEST

TESTS("dir/dirmgr_diff", test_diff_is_asked_for_by_the_stored_consensus,
      test_diff_makes_the_next_consensus_and_the_next_base, test_diff_that_is_cut_costs_one_request,
      test_diff_that_leads_elsewhere_costs_one_request, test_diff_from_elsewhere_costs_one_request,
      test_diff_to_a_diff_costs_one_request, test_diff_that_nobody_asked_for_is_refused,
      test_diff_without_its_base_blames_nobody, test_diff_is_asked_for_up_to_three_days)
