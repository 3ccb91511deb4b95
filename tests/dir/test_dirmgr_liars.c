/* Servers that lie about the consensus: what all of them together cost a client, and that one who
 * is honest is enough. */
#include "dirworld.h"

enum {
    HONEST = 104, /* the last fallback */
    HOURS = 2,
    /* Two rows of tries, whose waits are random up to ten minutes: 48 on the average. */
    REQUESTS_MAX = 160,
    PER_LIE_MAX = 4, /* a consensus that wants certificates, and three tries for these */
    DETOURS_MAX = 12,
};

static void say_status(struct world *w, const struct dir_request *rq, int status)
{
    dirmgr_sent(w->d, rq->id);
    dirmgr_reply(w->d, rq->id, status, text_of(""), 0);
}

static void not_found(struct world *w, const struct dir_request *rq)
{
    say_status(w, rq, 404);
}

static void busy(struct world *w, const struct dir_request *rq)
{
    say_status(w, rq, 503);
}

static void redirect(struct world *w, const struct dir_request *rq)
{
    say_status(w, rq, 302);
}

static void not_modified(struct world *w, const struct dir_request *rq)
{
    say_status(w, rq, 304);
}

static void empty(struct world *w, const struct dir_request *rq)
{
    say_status(w, rq, 200);
}

static void garbage(struct world *w, const struct dir_request *rq)
{
    dirmgr_reply(w->d, rq->id, 200, text_of("no consensus\n"), 0);
}

static void diff(struct world *w, const struct dir_request *rq)
{
    dirmgr_reply(w->d, rq->id, 200, text_of("network-status-diff-version 1\n"), 0);
}

static void one_signature(struct world *w, const struct dir_request *rq)
{
    answer_consensus(w, rq, 1, FAKE_AFTER_S);
}

static void stale(struct world *w, const struct dir_request *rq)
{
    answer_consensus(w, rq, N, FAKE_AFTER_S - 30 * 86400);
}

static void future(struct world *w, const struct dir_request *rq)
{
    answer_consensus(w, rq, N, FAKE_AFTER_S + 30 * 86400);
}

static void strangers(struct world *w, const struct dir_request *rq)
{
    for (int i = 0; i < N; i++)
        w->auths[i].id.b[0] ^= 1;
    answer_consensus(w, rq, N, FAKE_AFTER_S);
    for (int i = 0; i < N; i++)
        w->auths[i].id.b[0] ^= 1;
}

static void flip_signing_keys(struct world *w)
{
    for (int i = 0; i < N; i++)
        w->auths[i].sign.b[0] ^= 1;
}

/* Whether RQ names the first authority's made-up key. */
static bool asks_for_made_up(struct world *w, const struct dir_request *rq)
{
    char hex[HEX_SIZE(20)];
    flip_signing_keys(w);
    hex_upper(w->auths[0].sign.b, 20, hex);
    flip_signing_keys(w);
    return strstr(rq->path, hex);
}

/* Signed with keys that nobody has a certificate of: whoever believes that these must be somewhere
 * blames those who don't have them. */
static void made_up_keys(struct world *w, const struct dir_request *rq)
{
    if (rq->kind == DIR_WANT_CERTS) {
        not_found(w, rq);
        return;
    }
    flip_signing_keys(w);
    answer_consensus(w, rq, N, FAKE_AFTER_S);
    flip_signing_keys(w);
}

static void too_much(struct world *w, const struct dir_request *rq)
{
    dirmgr_failed(w->d, rq->id, ERR_LIMIT);
}

static void bomb(struct world *w, const struct dir_request *rq)
{
    dirmgr_failed(w->d, rq->id, ERR_BOMB);
}

typedef void lie_fn(struct world *w, const struct dir_request *rq);
static lie_fn *const lies[] = {not_found, busy,     redirect,      not_modified, empty,
                               garbage,   diff,     one_signature, stale,        future,
                               strangers, too_much, bomb,          made_up_keys};
enum { LIES = sizeof lies / sizeof lies[0] };

static unsigned cost(lie_fn *lie)
{
    return lie == made_up_keys ? PER_LIE_MAX : 1;
}

START_TEST(test_liars_all_together_cost_bounded_work)
{
    for (size_t i = 0; i < LIES; i++) {
        struct world *w = public_world(4, NULL);
        struct dir_request rq;
        unsigned n = 0;
        w->env->log->least = LOG_INFO;
        dirmgr_start(w->d);
        for (int s = 0; s < HOURS * 3600; s++) {
            for (; wanted(w, &rq); n++)
                lies[i](w, &rq);
            advance_s(w, 1);
            w->log[sizeof w->log / 2] = 0; /* room for more; what counts is that there is any */
        }
        ck_assert_msg(n > 4 && n <= cost(lies[i]) * REQUESTS_MAX, "lie %zu: %u requests", i, n);
        ck_assert_ptr_null(dirmgr_netdir(w->d));
        ck_assert_msg(w->log[0] || w->skews, "lie %zu: nothing is said", i);
        world_free(w);
    }
}
END_TEST

static void be_honest(struct world *w, const struct dir_request *rq)
{
    if (rq->kind == DIR_WANT_CONSENSUS)
        answer_consensus(w, rq, N, FAKE_AFTER_S);
    else if (rq->kind == DIR_WANT_CERTS && asks_for_made_up(w, rq))
        not_found(w, rq);
    else if (rq->kind == DIR_WANT_CERTS)
        answer_certs(w, rq, N);
    else
        answer_mds(w, rq, 0, w->n_relays);
}

START_TEST(test_liars_are_left_for_one_who_is_honest)
{
    for (size_t i = 0; i < LIES; i++) {
        struct world *w = public_world(4, NULL);
        struct dir_request rq;
        unsigned n = 0;
        dirmgr_start(w->d);
        for (int s = 0; s < 600 && !dirmgr_netdir(w->d); s++) {
            for (; wanted(w, &rq); n++)
                if (rq.kind == DIR_WANT_CONSENSUS && rq.to.rsa.b[0] != HONEST)
                    lies[i](w, &rq);
                else
                    be_honest(w, &rq);
            advance_s(w, 1);
        }
        ck_assert_msg(dirmgr_netdir(w->d) && n <= cost(lies[i]) * DETOURS_MAX,
                      "lie %zu: %u requests", i, n);
        world_free(w);
    }
}
END_TEST

/* Who has not what there never was is not to blame; who made it up is. */
START_TEST(test_liars_cannot_have_the_honest_blamed)
{
    struct world *w = public_world(6, NULL);
    struct dir_request rq;
    unsigned certs = 0;
    dirmgr_start(w->d);
    expect(w, DIR_WANT_CONSENSUS, &rq);
    unsigned liar = rq.to.rsa.b[0];
    made_up_keys(w, &rq);
    ck_assert(!w->praised[liar] && !w->failed[liar]);
    for (int s = 0; s < 600 && certs < 3; s++) {
        for (; wanted(w, &rq) && rq.kind == DIR_WANT_CERTS; certs++)
            not_found(w, &rq);
        advance_s(w, 1);
    }
    ck_assert_uint_eq(certs, 3);
    for (unsigned i = 0; i < 256; i++)
        ck_assert_msg(w->failed[i] == (i == liar), "server %u", i);
    ck_assert(!w->praised[liar]);
    world_free(w);
}
END_TEST

TESTS("dir/dirmgr_liars", test_liars_all_together_cost_bounded_work,
      test_liars_are_left_for_one_who_is_honest, test_liars_cannot_have_the_honest_blamed)
