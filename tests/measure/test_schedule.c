#include "measure/schedule.h"

#include "measure/alloc.h"
#include "support/test.h"
#include "support/vec.h"

enum { MANY = 6433 };

static const char SECRET[] = "0123456789abcdef0123456789abcdef";

/* A network of N relays, made up. */
struct network {
    struct roster roster;
    struct schedule_item *items;
    size_t n;
};

/* Weights of a consensus of 2020-02-29, in kB/s, by percentile (map of the paper's network). */
static uint64_t weight(uint32_t percentile)
{
    static const struct {
        uint32_t percentile;
        uint64_t kb;
    } points[] = {{5, 12},     {10, 20},    {20, 130},   {25, 280},    {30, 542},   {40, 1350},
                  {50, 3300},  {60, 6010},  {70, 10200}, {75, 13000},  {80, 16400}, {90, 30000},
                  {95, 49000}, {98, 75000}, {99, 91000}, {100, 150000}};
    size_t i = 0;
    while (points[i].percentile < percentile)
        i++;
    return points[i].kb * 1000;
}

static void network_new(struct network *w, size_t n, uint64_t seed)
{
    struct env *env = test_env(seed);
    roster_init(&w->roster);
    for (size_t i = 0; i < n; i++) {
        struct roster_relay r = {.who = {.has_fp = true, .n_addrs = 1}, .running = true};
        env_random(env, r.who.fp.b, sizeof r.who.fp.b);
        r.who.addrs[0] = (struct ipport){ip_v4((const uint8_t[]){203, 0, 0, 0}), 9001};
        /* Some 200 share an address, a third a network, some a family. */
        size_t host = env_random_below(env, 32) ? i : i & ~(size_t)1;
        env_random(env, r.who.addrs[0].ip.b + 1, 2);
        r.who.addrs[0].ip.b[3] = (uint8_t)i;
        if (host != i)
            r.who.addrs[0] = w->roster.relays[host].who.addrs[0];
        r.family = env_random_below(env, 5) ? 0 : 1 + (uint32_t)env_random_below(env, 400);
        r.weight = weight(1 + (uint32_t)env_random_below(env, 100));
        ck_ok(roster_add(&w->roster, &r));
    }
    roster_sort(&w->roster);
    w->n = w->roster.n;
    w->items = calloc(w->n + 1, sizeof *w->items);
    for (size_t i = 0; i < w->n; i++) {
        const struct roster_relay *r = &w->roster.relays[i];
        w->items[i] = (struct schedule_item){
            .relay = r, .wanted = alloc_wanted(r->weight, ALLOC_MULTIPLIER), .sockets = 40};
    }
    test_env_free(env);
}

static void network_free(struct network *w)
{
    roster_free(&w->roster);
    free(w->items);
}

static struct schedule_config config(uint64_t period, bool compact)
{
    struct schedule_config c = {.slots = compact ? 1 : SCHEDULE_PERIOD_S / SCHEDULE_SLOT_S,
                                .compact = compact,
                                .capacity = 375000000,
                                .sockets = 1440,
                                .of = 1};
    ck_ok(schedule_seed(SECRET, sizeof SECRET - 1, period, c.seed));
    return c;
}

static struct schedule *filled(struct network *w, const struct schedule_config *c)
{
    struct schedule *s;
    ck_ok(schedule_new(c, &s));
    ck_ok(schedule_fill(s, w->items, w->n));
    return s;
}

/* No slot is over what the team has, each relay has one, and what it is given is what it wants. */
static void check_slots(const struct network *w, struct schedule *s,
                        const struct schedule_config *c)
{
    uint32_t n = schedule_slots(s);
    uint64_t *given = calloc(n, sizeof *given);
    unsigned *sockets = calloc(n, sizeof *sockets), *relays = calloc(n, sizeof *relays);
    for (size_t i = 0; i < w->n; i++) {
        const struct schedule_item *item = &w->items[i];
        ck_assert_uint_lt(item->slot, n);
        ck_assert(item->given && item->given <= item->wanted);
        given[item->slot] += item->given;
        sockets[item->slot] += item->sockets;
        relays[item->slot]++;
    }
    for (uint32_t slot = 0; slot < n; slot++) {
        ck_assert_uint_eq(given[slot], schedule_given(s, slot));
        ck_assert_uint_eq(relays[slot], schedule_relays(s, slot));
        ck_assert_uint_le(given[slot], c->capacity);
        ck_assert_uint_le(sockets[slot], c->sockets);
        ck_assert_uint_le(relays[slot], SCHEDULE_SLOT_RELAYS_MOST);
    }
    free(given);
    free(sockets);
    free(relays);
}

static const struct ip *ip_of(const struct schedule_item *item)
{
    return &item->relay->who.addrs[0].ip;
}

/* Hosts always; a family or network as far as a slot holds it. */
static void check_groups(const struct network *w)
{
    size_t hosts = 0, nets = 0, nets_apart = 0;
    for (size_t i = 0; i < w->n; i++)
        for (size_t k = i + 1; k < w->n; k++) {
            const struct schedule_item *a = &w->items[i], *b = &w->items[k];
            bool together = a->slot == b->slot && a->group == b->group;
            bool net = memcmp(ip_of(a)->b, ip_of(b)->b, 3) == 0;
            if (ip_equal(ip_of(a), ip_of(b))) {
                hosts++;
                ck_assert(together);
            }
            net = net || (a->relay->family && a->relay->family == b->relay->family);
            nets += net ? 1 : 0;
            nets_apart += net && !together ? 1 : 0;
        }
    ck_assert_uint_ge(hosts, 50);
    ck_assert_uint_ge(nets, 500);
    ck_assert_uint_le(nets_apart, nets / 5);
}

static uint32_t listed_draw(void *arg, uint32_t n)
{
    struct text *rest = arg, word;
    uint64_t x;
    ck_assert(text_token(rest, &word));
    ck_ok(text_to_u64(word, n - 1, &x));
    return (uint32_t)x;
}

/* Numbers of a vector's line. */
static size_t numbers(const char *line, uint64_t *out, size_t most)
{
    struct text rest = text_of(line), word;
    size_t n = 0;
    while (n < most && text_token(&rest, &word))
        ck_ok(text_to_u64(word, UINT32_MAX, &out[n++]));
    return n;
}

/* A relay alone, by a secret. */
static void check_draw(struct vec *v)
{
    uint8_t secret[64], seed[SCHEDULE_SEED_LEN];
    struct roster_relay one = {.who = {.has_fp = true}};
    struct schedule_item item = {.relay = &one, .wanted = 1, .sockets = 1};
    struct schedule_config c = {.slots = (uint32_t)vec_int(v, "slots"),
                                .capacity = 1,
                                .sockets = 1,
                                .of = (unsigned)vec_int(v, "of"),
                                .index = (unsigned)vec_int(v, "index")};
    struct schedule *s;
    size_t len = vec_hex(v, "secret", secret, sizeof secret);
    ck_ok(schedule_seed(secret, len, (uint64_t)vec_int(v, "period"), c.seed));
    ck_assert_uint_eq(vec_hex(v, "seed", seed, sizeof seed), sizeof seed);
    ck_assert_mem_eq(seed, c.seed, sizeof seed);
    (void)vec_hex(v, "fp", one.who.fp.b, sizeof one.who.fp.b);
    ck_ok(schedule_new(&c, &s));
    ck_ok(schedule_fill(s, &item, 1));
    ck_assert_int_eq((long)item.slot, vec_int(v, "slot"));
    schedule_free(s);
}

START_TEST(test_schedule_vectors)
{
    enum { MOST = 16 };
    struct vec *v = vec_open("vectors/measure/schedule.txt");
    int n = 0;
    for (; vec_next(v); n++) {
        if (vec_has(v, "secret")) {
            check_draw(v);
            continue;
        }
        struct roster_relay relays[MOST] = {0};
        struct schedule_item items[MOST] = {0};
        uint64_t sizes[MOST], put[MOST];
        struct text draws = text_of(vec_text(v, "draws"));
        struct schedule_config c = {.slots = (uint32_t)vec_int(v, "slots"),
                                    .capacity = (uint64_t)vec_int(v, "capacity"),
                                    .sockets = 100,
                                    .of = 1,
                                    .draw = listed_draw,
                                    .arg = &draws};
        size_t k = numbers(vec_text(v, "sizes"), sizes, MOST);
        ck_assert_uint_eq(numbers(vec_text(v, "put"), put, MOST), k);
        for (size_t i = 0; i < k; i++) {
            relays[i].who.fp.b[0] = (uint8_t)i;
            items[i] =
                (struct schedule_item){.relay = &relays[i],
                                       .wanted = sizes[i] * (uint64_t)vec_int(v, "multiplier"),
                                       .sockets = 1};
        }
        struct network w = {.items = items, .n = k};
        struct schedule *s = filled(&w, &c);
        for (size_t i = 0; i < k; i++)
            ck_assert_uint_eq(items[i].slot, put[i]);
        ck_assert_uint_eq(draws.len, 0);
        schedule_free(s);
    }
    ck_assert_int_eq(n, 4);
    vec_close(v);
}
END_TEST

START_TEST(test_schedule_of_a_network_holds)
{
    for (int compact = 0; compact < 2; compact++) {
        struct network w;
        struct schedule_config c = config(20000, compact);
        network_new(&w, MANY, 1);
        struct schedule *s = filled(&w, &c);
        check_slots(&w, s, &c);
        check_groups(&w);
        if (compact) { /* hardly more slots than it takes */
            uint64_t all = 0;
            for (size_t i = 0; i < w.n; i++)
                all += w.items[i].given;
            ck_assert_uint_le(schedule_slots(s), all / c.capacity * 103 / 100 + 2);
        }
        schedule_free(s);
        network_free(&w);
    }
}
END_TEST

static size_t alike(struct network *a, struct network *b)
{
    size_t n = 0;
    for (size_t i = 0; i < a->n; i++)
        n += a->items[i].slot == b->items[i].slot ? 1 : 0;
    return n;
}

START_TEST(test_schedule_same_secret_and_period_same_schedule)
{
    struct network a, b;
    struct schedule_config c = config(20000, false), other = config(20001, false);
    network_new(&a, 1000, 2);
    network_new(&b, 1000, 2);
    struct schedule *s = filled(&a, &c), *t = filled(&b, &c);
    ck_assert_uint_eq(alike(&a, &b), a.n);
    schedule_free(t);
    t = filled(&b, &other);
    ck_assert_uint_le(alike(&a, &b), a.n / 50);
    schedule_free(t);
    ck_ok(schedule_seed("another secret, also of 32 bytes", 32, 20000, other.seed));
    t = filled(&b, &other);
    ck_assert_uint_le(alike(&a, &b), a.n / 50);
    schedule_free(s);
    schedule_free(t);
    network_free(&a);
    network_free(&b);
}
END_TEST

/* Nobody has to talk: each has slots of its own for each relay, whatever its team and what it
 * thinks of the relays' sizes. */
START_TEST(test_schedule_several_never_measure_one_relay_at_once)
{
    enum { OF = 3 };
    struct network w[OF];
    struct schedule *s[OF];
    for (unsigned k = 0; k < OF; k++) {
        struct schedule_config c = config(20000, false);
        c.index = k;
        c.of = OF;
        c.capacity *= k + 1;
        network_new(&w[k], 1000, 3);
        for (size_t i = 0; i < w[k].n; i++) {
            w[k].items[i].wanted = w[k].items[i].wanted * (10 + k) / 10;
            w[k].items[i].sockets = 10;
        }
        s[k] = filled(&w[k], &c);
        check_slots(&w[k], s[k], &c);
    }
    for (size_t i = 0; i < w[0].n; i++)
        for (unsigned k = 0; k < OF; k++)
            ck_assert_uint_ne(w[k].items[i].slot, w[(k + 1) % OF].items[i].slot);
    for (unsigned k = 0; k < OF; k++) {
        schedule_free(s[k]);
        network_free(&w[k]);
    }
}
END_TEST

START_TEST(test_schedule_a_host_larger_than_the_team_shares_one_slot)
{
    struct network w;
    struct schedule_config c = config(20000, false);
    network_new(&w, 4, 4);
    for (size_t i = 0; i < w.n; i++) {
        w.roster.relays[i].who.addrs[0] = w.roster.relays[0].who.addrs[0];
        w.items[i].wanted = i < 3 ? c.capacity : UINT64_MAX / 2;
        w.items[i].sockets = 1000;
    }
    struct schedule *s = filled(&w, &c);
    check_slots(&w, s, &c);
    for (size_t i = 1; i < w.n; i++)
        ck_assert_uint_eq(w.items[i].slot, w.items[0].slot);
    ck_assert_uint_ge(schedule_given(s, w.items[0].slot), c.capacity * 99 / 100);
    schedule_free(s);
    network_free(&w);
}
END_TEST

START_TEST(test_schedule_later_ones_get_the_first_slot_with_room)
{
    struct network w;
    struct schedule_config c = config(20000, false);
    network_new(&w, 300, 5);
    c.slots = 200;
    struct schedule *s = filled(&w, &c);
    struct schedule_item late = {.relay = w.items[0].relay, .wanted = c.capacity, .sockets = 1};
    uint32_t from = 17, first = from;
    while (schedule_given(s, first))
        first++;
    ck_ok(schedule_later(s, &late, SCHEDULE_NOWHERE, from));
    ck_assert_uint_eq(late.slot, first);
    ck_assert_uint_eq(schedule_given(s, first), c.capacity);
    /* With those of its host, where there is room. */
    struct schedule_item beside = {.relay = w.items[0].relay, .wanted = 1, .sockets = 1};
    ck_ok(schedule_later(s, &beside, w.items[9].slot, 0));
    ck_assert_uint_eq(beside.slot, w.items[9].slot);
    ck_ok(schedule_later(s, &beside, first, first));
    ck_assert_uint_gt(beside.slot, first);
    /* The day has no room any more. */
    ck_ok(schedule_later(s, &late, SCHEDULE_NOWHERE, c.slots));
    ck_assert_uint_eq(late.slot, SCHEDULE_NOWHERE);
    schedule_free(s);
    network_free(&w);
}
END_TEST

START_TEST(test_schedule_says_who_has_no_slot)
{
    struct network w;
    struct schedule_config c = config(20000, false);
    size_t without = 0;
    network_new(&w, 200, 6);
    c.slots = 2;
    c.capacity = 10000000;
    struct schedule *s = filled(&w, &c);
    for (size_t i = 0; i < w.n; i++)
        without += w.items[i].slot == SCHEDULE_NOWHERE ? 1 : 0;
    ck_assert_uint_gt(without, 0);
    ck_assert_uint_lt(without, w.n);
    schedule_free(s);
    network_free(&w);
}
END_TEST

START_TEST(test_schedule_what_makes_no_sense)
{
    struct schedule *s;
    const struct schedule_config good = config(1, false);
    struct schedule_config bad[7];
    for (size_t i = 0; i < 7; i++)
        bad[i] = good;
    bad[0].capacity = 0;
    bad[1].sockets = 0;
    bad[2].slots = 0;
    bad[3].slots = SCHEDULE_SLOTS_MOST + 1;
    bad[4].of = 0;
    bad[5].index = 1;
    bad[6].of = 2;
    bad[6].compact = true;
    for (size_t i = 0; i < 7; i++)
        ck_err(schedule_new(&bad[i], &s), ERR_ARG);
    ck_ok(schedule_new(&good, &s));
    ck_ok(schedule_fill(s, NULL, 0));
    ck_assert_uint_eq(schedule_slots(s), good.slots);
    ck_assert_uint_eq(schedule_given(s, good.slots), 0);
    ck_assert_uint_eq(schedule_relays(s, good.slots), 0);
    schedule_free(s);
    schedule_free(NULL);
}
END_TEST

TESTS("measure/schedule", test_schedule_vectors, test_schedule_of_a_network_holds,
      test_schedule_same_secret_and_period_same_schedule,
      test_schedule_several_never_measure_one_relay_at_once,
      test_schedule_a_host_larger_than_the_team_shares_one_slot,
      test_schedule_later_ones_get_the_first_slot_with_room, test_schedule_says_who_has_no_slot,
      test_schedule_what_makes_no_sense)
