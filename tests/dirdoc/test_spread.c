#include "dirdoc/spread.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/encode.h"
#include "dir/microdesc.h"
#include "support/test.h"

enum { RELAYS = 10000 };

struct made {
    struct env *env;
    struct docw microdescs;
    struct consdoc_relay row[RELAYS];
    struct microdesc md[RELAYS];
};

static struct made *make(uint64_t seed, enum spread_kind kind)
{
    struct made *m = calloc(1, sizeof *m);
    struct spread *s;
    m->env = test_env(seed);
    ck_ok(spread_new(m->env, RELAYS, kind, &s));
    for (uint32_t i = 0; i < RELAYS; i++)
        ck_ok(spread_write(s, i, &m->microdescs, &m->row[i]));
    spread_free(&s);
    struct text rest = docw_text(&m->microdescs);
    for (uint32_t i = 0; i < RELAYS; i++) {
        ck_ok(microdesc_next(&rest, &m->md[i]));
        ck_assert_mem_eq(m->md[i].digest.b, m->row[i].microdesc_sha256, 32);
    }
    ck_assert_uint_eq(rest.len, 0);
    return m;
}

static void unmake(struct made *m)
{
    docw_free(&m->microdescs);
    test_env_free(m->env);
    free(m);
}

static unsigned count(const struct made *m, unsigned flags)
{
    unsigned n = 0;
    for (size_t i = 0; i < RELAYS; i++)
        n += (m->row[i].flags & flags) == flags;
    return n;
}

static void within(unsigned n, unsigned least, unsigned most)
{
    ck_assert_uint_ge(n, least);
    ck_assert_uint_le(n, most);
}

START_TEST(test_spread_has_the_flags_of_the_public_network)
{
    struct made *m = make(1, SPREAD_LIVE);
    within(count(m, ROUTER_RUNNING | ROUTER_VALID), RELAYS, RELAYS);
    within(count(m, ROUTER_GUARD), 5600, 6100);
    within(count(m, ROUTER_EXIT), 2500, 2900);
    within(count(m, ROUTER_GUARD | ROUTER_EXIT), 1200, 1450);
    within(count(m, ROUTER_FAST), 9600, 9800);
    within(count(m, ROUTER_STABLE), 9000, 9350);
    within(count(m, ROUTER_V2DIR), 7900, 8200);
    within(count(m, ROUTER_HSDIR), 4050, 4400);
    within(count(m, ROUTER_BADEXIT), 40, 140);
    within(count(m, ROUTER_MIDDLEONLY), 40, 120);
    within(count(m, ROUTER_MIDDLEONLY | ROUTER_GUARD), 0, 0);
    unmake(m);
}
END_TEST

static int by_weight(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* A tenth of the relays has half of the weight; guards are the most of it. */
START_TEST(test_spread_weights_have_a_heavy_tail)
{
    static uint32_t weight[RELAYS];
    uint64_t all = 0, heavy = 0;
    struct made *m = make(2, SPREAD_LIVE), *light = make(2, SPREAD_LIGHT);
    for (size_t i = 0; i < RELAYS; i++) {
        weight[i] = m->row[i].bandwidth_kb;
        all += weight[i];
        ck_assert_uint_eq(light->row[i].bandwidth_kb, weight[i] / 10000);
    }
    qsort(weight, RELAYS, sizeof weight[0], by_weight);
    within(weight[RELAYS / 2], 7000, 15000);
    within(weight[RELAYS * 99 / 100], 100000, 160000);
    for (size_t i = RELAYS * 9 / 10; i < RELAYS; i++)
        heavy += weight[i];
    within((unsigned)(heavy * 100 / all), 35, 55);
    unmake(light);
    unmake(m);
}
END_TEST

START_TEST(test_spread_addresses_belong_to_nobody)
{
    struct made *m = make(3, SPREAD_LIVE);
    static unsigned in_net[1 << 16];
    unsigned ipv6 = 0, fullest = 0, nets = 0;
    for (size_t i = 0; i < RELAYS; i++) {
        const uint8_t *v4 = m->row[i].or_port.ip.b, *v6 = m->row[i].or_port6.ip.b;
        ck_assert(v4[0] >= 240 && v4[0] < 255 && m->row[i].or_port.port);
        unsigned *n = &in_net[v4[0] << 8 | v4[1]];
        nets += !*n;
        fullest = ++*n > fullest ? *n : fullest;
        if (m->row[i].or_port6.ip.family == IP_NONE)
            continue;
        ipv6++;
        ck_assert(v6[0] == 0x3f && v6[1] == 0xff && v6[2] < 0x10);
    }
    within(ipv6, 4300, 5700);
    within(fullest, 500, 1100);
    within(nets, 1200, 2800);
    unmake(m);
}
END_TEST

static bool lists(const struct microdesc *md, const struct consdoc_relay *row)
{
    char hex[HEX_SIZE(20)];
    hex_upper(row->rsa.b, sizeof row->rsa.b, hex);
    return md->family.len && memmem(md->family.s, md->family.len, hex, sizeof hex - 1);
}

/* Neighbours in number are of one operator if any are. */
START_TEST(test_spread_families_are_lists_and_ids_and_have_gaps)
{
    struct made *m = make(4, SPREAD_LIVE);
    unsigned listed = 0, ids = 0, ids_alone = 0, one_sided = 0;
    size_t longest = 0;
    for (size_t i = 0; i < RELAYS; i++) {
        const struct microdesc *md = &m->md[i];
        listed += md->family.len > 0;
        ids += md->family_ids.len > 0;
        ids_alone += md->family_ids.len && !md->family.len;
        longest = md->family.len > longest ? md->family.len : longest;
        if (i && lists(md, &m->row[i - 1]) != lists(&m->md[i - 1], &m->row[i]))
            one_sided++;
    }
    within(listed, 4500, 5500);
    within(ids, 600, 2500);
    within(ids_alone, 50, 1000);
    within(one_sided, 20, 1500);
    within((unsigned)longest / 42, 200, 350);
    unmake(m);
}
END_TEST

START_TEST(test_spread_policies_let_out_what_the_flag_says)
{
    struct made *m = make(5, SPREAD_LIVE);
    unsigned odd = 0, web_only = 0, all = 0, v6 = 0;
    for (size_t i = 0; i < RELAYS; i++) {
        const struct microdesc *md = &m->md[i];
        if (m->row[i].flags & ROUTER_EXIT)
            ck_assert(md->p.len);
        else
            odd += md->p.len > 0;
        web_only += text_is(md->p, "accept 80,443");
        all += text_is(md->p, "accept 1-65535");
        v6 += md->p6.len > 0;
        ck_assert(md->p.len == 0 || text_is(md->p, m->row[i].policy));
    }
    within(odd, 30, 200);
    within(web_only, 20, 300);
    within(all, 200, 1000);
    within(v6, 1000, 2300);
    unmake(m);
}
END_TEST

START_TEST(test_spread_is_the_same_again_from_the_same_seed)
{
    struct made *a = make(6, SPREAD_LIVE), *b = make(6, SPREAD_LIVE), *c = make(7, SPREAD_LIVE);
    ck_assert(text_equal(docw_text(&a->microdescs), docw_text(&b->microdescs)));
    ck_assert(!text_equal(docw_text(&a->microdescs), docw_text(&c->microdescs)));
    unmake(a);
    unmake(b);
    unmake(c);
}
END_TEST

/* No family is larger than a sixteenth of a network. */
START_TEST(test_spread_fits_networks_of_any_size)
{
    static const uint32_t sizes[] = {1, 2, 16, 300, 50000};
    for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++) {
        struct env *env = test_env(8);
        struct spread *s;
        struct consdoc_relay row;
        size_t longest = 0;
        ck_ok(spread_new(env, sizes[k], SPREAD_LIVE, &s));
        for (uint32_t i = 0; i < sizes[k]; i++) {
            struct docw w = {0};
            struct microdesc md;
            ck_ok(spread_write(s, i, &w, &row));
            struct text rest = docw_text(&w);
            ck_ok(microdesc_next(&rest, &md));
            longest = md.family.len > longest ? md.family.len : longest;
            docw_free(&w);
        }
        ck_assert_uint_le(longest / 42, sizes[k] / 16);
        spread_free(&s);
        test_env_free(env);
    }
}
END_TEST

START_TEST(test_spread_kinds_have_names)
{
    enum spread_kind kind;
    ck_ok(spread_kind_parse("alike", &kind));
    ck_assert_int_eq(kind, SPREAD_ALIKE);
    ck_ok(spread_kind_parse("light", &kind));
    ck_assert_int_eq(kind, SPREAD_LIGHT);
    ck_ok(spread_kind_parse("live", &kind));
    ck_assert_int_eq(kind, SPREAD_LIVE);
    ck_assert_int_eq(spread_kind_parse("dead", &kind), ERR_NOT_FOUND);
}
END_TEST

TESTS("dirdoc/spread", test_spread_has_the_flags_of_the_public_network,
      test_spread_weights_have_a_heavy_tail, test_spread_addresses_belong_to_nobody,
      test_spread_families_are_lists_and_ids_and_have_gaps,
      test_spread_policies_let_out_what_the_flag_says,
      test_spread_is_the_same_again_from_the_same_seed, test_spread_fits_networks_of_any_size,
      test_spread_kinds_have_names)
