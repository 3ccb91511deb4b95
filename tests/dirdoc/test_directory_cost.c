/* What a directory of the public network's size takes: that of dirdoc/spread.h. */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dir/store.h"
#include "dirdoc/spread.h"
#include "support/test.h"

enum { RELAYS = 10000, MOST_BYTES = 400 };

struct texts {
    struct env *env;
    struct docw microdescs, consensus;
};

static int by_rsa(const void *a, const void *b)
{
    const struct consdoc_relay *const *x = a, *const *y = b;
    return memcmp((*x)->rsa.b, (*y)->rsa.b, sizeof(*x)->rsa.b);
}

static void write_consensus(struct texts *t, const struct consdoc_relay *const *rows)
{
    struct consdoc_authority a = {.nickname = "a", .contact = "b"};
    char *params = consdoc_params("");
    struct consdoc c = {.valid_after_s = 1700000000,
                        .fresh_until_s = 1700003600,
                        .valid_until_s = 1700010800,
                        .vote_s = 300,
                        .dist_s = 300,
                        .params = params,
                        .authority = &a,
                        .n_authorities = 1,
                        .relay = rows,
                        .n_relays = RELAYS};
    size_t len;
    ck_ok(consdoc_make_keys(t->env, &a));
    consdoc_write(&t->consensus, &c, CONSDOC_MICRODESC, &len);
    consdoc_sign(&t->consensus, &c, CONSDOC_MICRODESC, NULL, 1, &len);
    ck_ok(t->consensus.err);
    rsa_key_free(a.identity_key);
    rsa_key_free(a.signing_key);
    free(params);
}

static struct texts make_texts(uint64_t seed)
{
    struct texts t = {.env = test_env(seed)};
    struct consdoc_relay *rows = calloc(RELAYS, sizeof *rows);
    const struct consdoc_relay **order = calloc(RELAYS, sizeof *order);
    struct spread *s;
    ck_ok(spread_new(t.env, RELAYS, SPREAD_LIVE, &s));
    for (uint32_t i = 0; i < RELAYS; i++) {
        ck_ok(spread_write(s, i, &t.microdescs, &rows[i]));
        order[i] = &rows[i];
    }
    qsort(order, RELAYS, sizeof *order, by_rsa);
    write_consensus(&t, order);
    spread_free(&s);
    free(order);
    free(rows);
    return t;
}

static void free_texts(struct texts *t)
{
    docw_free(&t->microdescs);
    docw_free(&t->consensus);
    test_env_free(t->env);
}

static size_t handed_out(void)
{
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

/* The sanitizers have an allocator of their own. */
static bool is_counted(void)
{
    size_t before = handed_out();
    void *block = malloc(5000);
    bool counted = block && handed_out() >= before + 5000;
    free(block);
    return counted;
}

static struct netdir *load(const struct texts *t, const struct netdir *old)
{
    struct consensus *c;
    struct netdir *nd;
    struct store_report report;
    ck_ok(consensus_parse(docw_text(&t->consensus), &c));
    ck_ok(netdir_new(c, old, &nd));
    ck_ok(store_load_microdescs(docw_text(&t->microdescs), nd, &report));
    ck_assert_uint_eq(report.bad, 0);
    ck_assert_uint_eq(netdir_n(nd), RELAYS);
    for (size_t i = 0; i < RELAYS; i++)
        ck_assert(netdir_at(nd, i)->has_md);
    return nd;
}

/* All that it ever makes when it is asked for. */
static void use(const struct netdir *nd, struct env *env)
{
    for (int position = 0; position < WEIGHT_POSITIONS; position++)
        ck_assert_ptr_nonnull(netdir_draw(nd, (enum weight_for)position, env));
    ck_assert_ptr_nonnull(netdir_by_ed(nd, &netdir_at(nd, 7)->ed));
    (void)netdir_by_nickname(nd, text_of(netdir_at(nd, 7)->nickname));
    ck_assert_ptr_nonnull(netdir_by_rsa(nd, &netdir_at(nd, 7)->rsa));
}

static void check_cost(uint64_t seed)
{
    struct texts t = make_texts(seed);
    struct netdir *nd = load(&t, NULL); /* what libraries keep for ever is not counted */
    netdir_unref(&nd);
    size_t before = handed_out();
    nd = load(&t, NULL);
    use(nd, t.env);
    size_t each = (handed_out() - before) / RELAYS;
    if (is_counted())
        ck_assert_msg(each > 200 && each <= MOST_BYTES, "%zu bytes a relay", each);
    else
        fprintf(stderr, "not counted: this allocator does not tell\n");
    netdir_unref(&nd);
    if (is_counted())
        ck_assert_uint_lt(handed_out(), before + RELAYS); /* malloc keeps some at hand */
    free_texts(&t);
}

/* Families differ most from one network to the next. */
START_TEST(test_directory_takes_400_bytes_a_relay_at_most)
{
    for (uint64_t seed = 1; seed <= 4; seed++)
        check_cost(seed);
}
END_TEST

/* The next consensus costs its rows: what they say in common is there already. */
START_TEST(test_directory_shares_policies_and_families_with_the_next)
{
    struct texts t = make_texts(9);
    struct netdir *old = load(&t, NULL);
    size_t before = handed_out();
    struct netdir *nd = load(&t, old);
    size_t each = (handed_out() - before) / RELAYS;
    if (is_counted())
        ck_assert_msg(each > 200 && each <= 216, "%zu bytes a relay", each);
    for (size_t i = 0; i < RELAYS; i++)
        ck_assert_ptr_eq(netdir_at(nd, i)->family, netdir_at(old, i)->family);
    netdir_unref(&old);
    netdir_unref(&nd);
    free_texts(&t);
}
END_TEST

TESTS("dirdoc/directory_cost", test_directory_takes_400_bytes_a_relay_at_most,
      test_directory_shares_policies_and_families_with_the_next)
