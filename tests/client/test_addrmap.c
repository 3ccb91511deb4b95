/* What stands for what. */
#include "client/addrmap.h"

#include <stdio.h>
#include <string.h>

#include "support/test.h"

struct fixture {
    struct env *env;
    struct addrmap *m;
    char told[400]; /* "a b 0;" for each */
    char all[400];  /* of addrmap_each(), the same */
};

static void note(void *arg, const char *from, const char *to, int64_t expires_s, uint64_t stream)
{
    char *text = arg;
    size_t len = strlen(text);
    snprintf(text + len, 400 - len, "%s %s %lld%s;", from, to, (long long)expires_s,
             stream == 7 ? " by 7"
             : stream    ? " by whom?"
                         : "");
}

static void note_one(void *arg, const char *from, const char *to, int64_t expires_s)
{
    note(arg, from, to, expires_s, 0);
}

static void setup(struct fixture *f)
{
    const struct ip_net v4 = {{IP_V4, {127, 192}}, 10}, v6 = {{IP_V6, {0xfe, 0x80}}, 10};
    *f = (struct fixture){.env = test_env(1)};
    f->m = addrmap_new(f->env, note, f->told);
    addrmap_set_networks(f->m, &v4, &v6);
}

static void teardown(struct fixture *f)
{
    addrmap_free(f->m);
    test_env_free(f->env);
}

static void set(struct fixture *f, const char *from, const char *to)
{
    const char *why;
    ck_ok(addrmap_set(f->m, from, to, ADDRMAP_CONTROLLER, &why));
}

static const char *list(struct fixture *f, unsigned sources)
{
    f->all[0] = 0;
    addrmap_each(f->m, sources, note_one, f->all);
    return f->all;
}

/* What HOST stands for; good until the next call. */
static const char *of(struct fixture *f, const char *host, unsigned sources)
{
    static char out[TUNNEL_HOST_MAX + 1];
    enum addrmap_source by;
    snprintf(out, sizeof out, "%s", host);
    bool changed = addrmap_rewrite(f->m, out, sources, &by);
    ck_assert_int_eq(changed, strcasecmp(out, host) != 0);
    return out;
}

START_TEST(test_addrmap_maps_names_in_any_case_and_through_others)
{
    struct fixture f;
    setup(&f);
    set(&f, "A.example", "b.EXAMPLE");
    set(&f, "b.example", "[2001:db8::1]");
    ck_assert_str_eq(of(&f, "a.Example", ADDRMAP_ALL), "2001:db8::1");
    ck_assert_str_eq(of(&f, "c.example", ADDRMAP_ALL), "c.example");
    set(&f, "2001:db8::1", "d.example"); /* as SOCKS gives it */
    ck_assert_str_eq(of(&f, "[2001:db8::1]", ADDRMAP_ALL), "d.example");
    set(&f, "a.example", "a.example"); /* itself again */
    ck_assert_str_eq(of(&f, "a.example", ADDRMAP_ALL), "a.example");
    teardown(&f);
}
END_TEST

START_TEST(test_addrmap_wildcards_are_ends_of_names)
{
    struct fixture f;
    setup(&f);
    set(&f, "*.a.example", "b.example");
    set(&f, "*.c.example", "*.d.example");
    ck_assert_str_eq(of(&f, "x.y.a.example", ADDRMAP_ALL), "b.example");
    ck_assert_str_eq(of(&f, "a.example", ADDRMAP_ALL), "b.example");
    ck_assert_str_eq(of(&f, "xa.example", ADDRMAP_ALL), "xa.example");
    ck_assert_str_eq(of(&f, "x.y.c.example", ADDRMAP_ALL), "x.y.d.example");
    ck_assert_str_eq(of(&f, "c.example", ADDRMAP_ALL), "d.example");
    set(&f, "*.e.example", "e.example"); /* is that already */
    ck_assert_str_eq(of(&f, "e.example", ADDRMAP_ALL), "e.example");
    ck_assert_str_eq(of(&f, "x.e.example", ADDRMAP_ALL), "e.example");
    set(&f, "*.e.example", "*.e.example");
    ck_assert_str_eq(of(&f, "x.e.example", ADDRMAP_ALL), "x.e.example");
    teardown(&f);
}
END_TEST

START_TEST(test_addrmap_maps_the_longest_names)
{
    struct fixture f;
    char from[TUNNEL_HOST_MAX + 1], to[TUNNEL_HOST_MAX + 1];
    memset(from, 'a', TUNNEL_HOST_MAX);
    memset(to, 'b', TUNNEL_HOST_MAX);
    from[TUNNEL_HOST_MAX] = to[TUNNEL_HOST_MAX] = 0;
    setup(&f);
    set(&f, from, to);
    ck_assert_str_eq(of(&f, from, ADDRMAP_ALL), to);
    teardown(&f);
}
END_TEST

START_TEST(test_addrmap_ends_a_circle)
{
    struct fixture f;
    char host[TUNNEL_HOST_MAX + 1] = "a.example";
    enum addrmap_source by;
    setup(&f);
    set(&f, "a.example", "b.example");
    set(&f, "b.example", "a.example");
    ck_assert(addrmap_rewrite(f.m, host, ADDRMAP_ALL, &by));
    set(&f, "*.c.example", "*.c.c.example"); /* grows */
    snprintf(host, sizeof host, "x.c.example");
    ck_assert(addrmap_rewrite(f.m, host, ADDRMAP_ALL, &by));
    ck_assert_uint_le(strlen(host), TUNNEL_HOST_MAX);
    teardown(&f);
}
END_TEST

START_TEST(test_addrmap_refuses_in_tors_words)
{
    static const struct {
        const char *from, *to, *why;
    } rows[] = {
        {"*", "b", "can't remap from or to *"},
        {"a", "*", "can't remap from or to *"},
        {"a", "*.b", "can only use wildcard (i.e. '*.') if 'from' address uses wildcard also"},
        {"a", "b!", "destination is invalid"},
        {"a", "[::1", "destination is invalid"},
    };
    struct fixture f;
    const char *why;
    setup(&f);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        ck_err(addrmap_set(f.m, rows[i].from, rows[i].to, ADDRMAP_TORRC, &why), ERR_MALFORMED);
        ck_assert_str_eq(why, rows[i].why);
    }
    ck_assert_str_eq(f.told, "");
    ck_assert(addrmap_is_host("a-b_c.example") && addrmap_is_host("[::1]"));
    ck_assert(!addrmap_is_host("a b") && !addrmap_is_host("::x"));
    teardown(&f);
}
END_TEST

START_TEST(test_addrmap_tells_and_lists_by_source)
{
    struct fixture f;
    const char *why;
    setup(&f);
    ck_ok(addrmap_set(f.m, "*.t.example", "*.u.example", ADDRMAP_TORRC, &why));
    set(&f, "[2001:db8::1]", "c.example");
    addrmap_track_exit(f.m, "e.example", "e.example.AB.exit", env_wall_s(f.env) + 60, 7);
    ck_assert_ptr_nonnull(strstr(f.told, "t.example u.example 0;[2001:db8::1] c.example 0;"));
    ck_assert_str_eq(list(&f, ADDRMAP_TORRC), "*.t.example *.u.example 0;");
    ck_assert_str_eq(list(&f, ADDRMAP_CONTROLLER), "[2001:db8::1] c.example 0;");
    ck_assert_ptr_nonnull(strstr(list(&f, ADDRMAP_EXIT), "e.example e.example.AB.exit "));
    addrmap_clear(f.m, ADDRMAP_TORRC | ADDRMAP_CONTROLLER);
    ck_assert_str_eq(list(&f, ADDRMAP_TORRC | ADDRMAP_CONTROLLER), "");
    ck_assert_str_ne(list(&f, ADDRMAP_ALL), "");
    teardown(&f);
}
END_TEST

START_TEST(test_addrmap_uses_only_the_sources_asked_for)
{
    struct fixture f;
    setup(&f);
    set(&f, "a.example", "b.example");
    ck_assert_str_eq(of(&f, "a.example", ADDRMAP_VIRTUAL), "a.example");
    ck_assert_str_eq(of(&f, "a.example", ADDRMAP_CONTROLLER), "b.example");
    teardown(&f);
}
END_TEST

START_TEST(test_addrmap_says_what_made_an_exit_name)
{
    struct fixture f;
    const char *why;
    enum addrmap_source by;
    char host[TUNNEL_HOST_MAX + 1] = "a.example", plain[TUNNEL_HOST_MAX + 1] = "b.example";
    setup(&f);
    ck_ok(addrmap_set(f.m, "a.example", "b.example", ADDRMAP_TORRC, &why));
    set(&f, "b.example", "b.example.relay.exit");
    ck_assert(addrmap_rewrite(f.m, host, ADDRMAP_ALL, &by));
    ck_assert_int_eq(by, ADDRMAP_CONTROLLER);
    ck_assert(!addrmap_rewrite(f.m, plain, ADDRMAP_TORRC, &by));
    ck_assert_int_eq(by, 0);
    teardown(&f);
}
END_TEST

START_TEST(test_addrmap_gives_virtual_addresses)
{
    struct fixture f;
    struct ip ip;
    char v4[80], v6[80], host[80];
    setup(&f);
    snprintf(v4, sizeof v4, "%s", addrmap_virtual(f.m, ADDRMAP_IPV4, "x.onion"));
    snprintf(v6, sizeof v6, "%s", addrmap_virtual(f.m, ADDRMAP_IPV6, "x.onion"));
    snprintf(host, sizeof host, "%s", addrmap_virtual(f.m, ADDRMAP_HOST, "x.onion"));
    ck_assert_str_eq(addrmap_virtual(f.m, ADDRMAP_IPV4, "X.onion"), v4); /* the same again */
    ck_assert_str_ne(addrmap_virtual(f.m, ADDRMAP_IPV4, "y.onion"), v4);
    ck_ok(ip_parse(v4, false, &ip));
    ck_assert(ip.b[0] == 127 && ip.b[1] >= 192 && ip.b[3] != 0 && ip.b[3] != 255);
    ck_assert(addrmap_is_virtual(f.m, v4) && addrmap_is_virtual(f.m, v6));
    ck_assert(addrmap_is_virtual(f.m, host) && !addrmap_is_virtual(f.m, "127.1.2.3"));
    ck_assert_str_eq(of(&f, v4, ADDRMAP_VIRTUAL), "x.onion");
    ck_assert_str_eq(of(&f, v6, ADDRMAP_VIRTUAL), "x.onion");
    ck_assert_str_eq(of(&f, host, ADDRMAP_VIRTUAL), "x.onion");
    set(&f, v4, "z.example"); /* a controller goes before */
    ck_assert_str_ne(addrmap_virtual(f.m, ADDRMAP_IPV4, "x.onion"), v4);
    ck_assert_str_eq(addrmap_virtual(f.m, ADDRMAP_IPV6, "x.onion"), v6); /* of that only */
    ck_assert_str_eq(addrmap_virtual(f.m, ADDRMAP_HOST, "x.onion"), host);
    teardown(&f);
}
END_TEST

START_TEST(test_addrmap_forgets_virtual_addresses_of_other_networks)
{
    struct fixture f;
    const struct ip_net v4 = {{IP_V4, {10}}, 8}, v6 = {{IP_V6, {0xfe, 0x80}}, 10};
    setup(&f);
    ck_assert_ptr_nonnull(addrmap_virtual(f.m, ADDRMAP_IPV4, "x.onion"));
    addrmap_set_networks(f.m, &v4, &v6);
    ck_assert_str_eq(list(&f, ADDRMAP_ALL), "");
    ck_assert_int_eq(strncmp(addrmap_virtual(f.m, ADDRMAP_IPV4, "x.onion"), "10.", 3), 0);
    teardown(&f);
}
END_TEST

START_TEST(test_addrmap_runs_out_of_virtual_addresses)
{
    struct fixture f;
    const struct ip_net v4 = {{IP_V4, {10, 0, 0, 2}}, 31}, v6 = {{IP_V6, {0xfe, 0x80}}, 10};
    unsigned n = 0;
    char name[20];
    setup(&f);
    addrmap_set_networks(f.m, &v4, &v6);
    for (int i = 0; i < 4; i++) {
        snprintf(name, sizeof name, "%d.onion", i);
        n += addrmap_virtual(f.m, ADDRMAP_IPV4, name) != NULL;
    }
    ck_assert_uint_eq(n, 2);
    teardown(&f);
}
END_TEST

START_TEST(test_addrmap_remembers_exits_for_their_time)
{
    struct fixture f;
    setup(&f);
    int64_t now_s = env_wall_s(f.env);
    addrmap_track_exit(f.m, "a.example", "a.example.AB.exit", now_s + 60, 7);
    addrmap_track_exit(f.m, "a.example", "a.example.CD.exit", now_s + 60, 7); /* it has one */
    ck_assert_str_eq(of(&f, "a.example", ADDRMAP_EXIT), "a.example.AB.exit");
    test_env_advance_ms(f.env, 50000);
    ck_assert(addrmap_renew(f.m, "a.example", now_s + 110));
    test_env_advance_ms(f.env, 50000);
    ck_assert_str_eq(of(&f, "a.example", ADDRMAP_EXIT), "a.example.AB.exit");
    test_env_advance_ms(f.env, 20000);
    ck_assert_str_eq(of(&f, "a.example", ADDRMAP_EXIT), "a.example");
    ck_assert(!addrmap_renew(f.m, "a.example", now_s + 300));
    ck_assert_str_eq(list(&f, ADDRMAP_ALL), "");
    addrmap_track_exit(f.m, "a.example", "a.example.CD.exit", now_s + 300, 7);
    addrmap_clear_exit(f.m, ".ab.exit");
    ck_assert_str_eq(of(&f, "a.example", ADDRMAP_EXIT), "a.example.CD.exit");
    addrmap_clear_exit(f.m, ".cd.exit");
    ck_assert_str_eq(of(&f, "a.example", ADDRMAP_EXIT), "a.example");
    teardown(&f);
}
END_TEST

TESTS("client/addrmap", test_addrmap_maps_names_in_any_case_and_through_others,
      test_addrmap_wildcards_are_ends_of_names, test_addrmap_maps_the_longest_names,
      test_addrmap_ends_a_circle, test_addrmap_refuses_in_tors_words,
      test_addrmap_tells_and_lists_by_source, test_addrmap_uses_only_the_sources_asked_for,
      test_addrmap_says_what_made_an_exit_name, test_addrmap_gives_virtual_addresses,
      test_addrmap_forgets_virtual_addresses_of_other_networks,
      test_addrmap_runs_out_of_virtual_addresses, test_addrmap_remembers_exits_for_their_time)
