/* A directory that several clients share: whose guards and links fetch for all of them. */
#include "client/directory.h"

#include <string.h>

#include "support/test.h"

struct member {
    struct directory_member m;
    uint8_t server; /* whom its chooser names */
    unsigned chosen, judged, forgiven, wanted;
};

static void on_progress(void *arg, int percent, const char *tag, const char *summary)
{
    (void)arg, (void)percent, (void)tag, (void)summary;
}

static void on_netdir(void *arg, struct netdir *nd)
{
    (void)arg, (void)nd;
}

static void on_want(void *arg)
{
    ((struct member *)arg)->wanted++;
}

static err_t on_store(void *arg, enum dir_file file, const struct text *parts, size_t n,
                      bool append)
{
    (void)arg, (void)file, (void)parts, (void)n, (void)append;
    return OK;
}

static bool on_choose(void *arg, const struct dir_wish *wish, struct dir_choice *out,
                      uint64_t *again_us)
{
    struct member *m = arg;
    (void)again_us;
    ck_assert_uint_eq(wish->servers->n, 1); /* the directory's, not those of its own options */
    m->chosen++;
    *out = (struct dir_choice){.reach.addr = {ip_v4((const uint8_t[]){127, 0, 0, m->server}), 9001},
                               .rsa = {{m->server}}};
    return true;
}

static void on_judge(void *arg, const struct rsa_id *rsa, bool good)
{
    struct member *m = arg;
    ck_assert_uint_eq(rsa->b[0], m->server);
    ck_assert(!good);
    m->judged++;
}

static void on_forgive(void *arg)
{
    ((struct member *)arg)->forgiven++;
}

static void on_skew(void *arg, const struct dir_skew *skew)
{
    (void)arg, (void)skew;
}

static const struct dirmgr_ops ops = {
    .progress = on_progress,
    .netdir = on_netdir,
};

static const struct dirmgr_carrier carrier = {
    .want = on_want,
    .store = on_store,
    .choose = on_choose,
    .judge = on_judge,
    .forgive = on_forgive,
    .clock_skew = on_skew,
};

START_TEST(test_directory_is_carried_by_the_guards_of_one_member_at_a_time)
{
    struct env *env = test_env(1);
    struct dir_servers servers;
    struct dir_server server = {
        .is_authority = true, .orport = 9001, .weight = 1, .v3ident = {{9}}};
    struct dirmgr_options o = {
        .servers = &servers, .testing = true, .schedule = dir_schedule_defaults(true)};
    struct directory *d;
    struct member a = {.server = 1}, b = {.server = 2};
    struct dir_request rq;
    dir_servers_init(&servers);
    ck_ok(dir_servers_add(&servers, &server));
    ck_ok(directory_new(env, &o, &d));
    a.m = (struct directory_member){.ops = &ops, .carrier = &carrier, .arg = &a};
    b.m = (struct directory_member){.ops = &ops, .carrier = &carrier, .arg = &b};
    directory_join(d, &a.m);
    directory_join(d, &b.m);
    directory_start(d);
    test_env_advance_ms(env, 0);
    ck_assert_uint_gt(a.wanted, 0);
    ck_assert_uint_eq(b.wanted, 0);
    ck_assert(dirmgr_next(directory_mgr(d), &rq));
    ck_assert_uint_eq(rq.to.rsa.b[0], a.server);
    dirmgr_failed(directory_mgr(d), rq.id, ERR_LINK_CONNECT);
    dirmgr_retry_now(directory_mgr(d));
    ck_assert_uint_eq(a.judged, 1);
    ck_assert_uint_eq(a.forgiven, 1);
    directory_leave(&a.m);
    dirmgr_retry_now(directory_mgr(d));
    test_env_advance_ms(env, 0);
    ck_assert_uint_gt(b.wanted, 0);
    ck_assert(dirmgr_next(directory_mgr(d), &rq));
    ck_assert_uint_eq(rq.to.rsa.b[0], b.server);
    ck_assert_uint_eq(a.forgiven, 1);
    ck_assert_uint_eq(b.forgiven, 1);
    directory_leave(&b.m);
    directory_unref(&d);
    dir_servers_free(&servers);
    test_env_free(env);
}
END_TEST

TESTS("client/directory", test_directory_is_carried_by_the_guards_of_one_member_at_a_time)
