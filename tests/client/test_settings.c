#include "client/settings.h"

#include <string.h>

#include "support/netgen.h"
#include "support/test.h"

static struct settings s;
static char why[PATH_WHY_MAX];

static const char authority[] =
    "test1 orport=5101 v3ident=0123456789ABCDEF0123456789ABCDEF01234567 127.1.0.1:7101 "
    "FFEEDDCCBBAA99887766554433221100FFEEDDCC";
static const char fallback[] =
    "127.2.0.1:7102 orport=5102 id=AAEEDDCCBBAA99887766554433221100FFEEDDCC";

START_TEST(test_settings_are_tors_by_default)
{
    struct client_config c = client_config_defaults(false);
    ck_ok(settings_init(&s, &c, why));
    ck_assert_uint_gt(s.servers.n, 9); /* the public network's, fallbacks too */
    ck_assert(s.path.enforce_distinct_subnets);
    ck_assert(s.path.ipv4);
    ck_assert_uint_eq(s.config.new_circuit_period_s, 30);
    ck_assert_uint_eq(settings_exits(&s).max_dirtiness_ms, 600000);
    ck_assert_uint_eq(settings_exits(&s).max_pending, 32);
    ck_assert(!settings_exits(&s).allow_internal);
    ck_assert_uint_eq(settings_tunnels(&s).give_up_ms, 120000);
    ck_assert_uint_eq(settings_tunnels(&s).stream_timeout_ms, 0);
    ck_assert(settings_tunnels(&s).reject_internal);
    ck_assert(settings_tunnels(&s).dns_reject_internal);
    settings_free(&s);
}
END_TEST

START_TEST(test_settings_of_a_testing_network_allow_internal_addresses)
{
    struct client_config c = client_config_defaults(true);
    ck_ok(settings_init(&s, &c, why));
    ck_assert(!s.path.enforce_distinct_subnets);
    ck_assert(settings_exits(&s).allow_internal);
    ck_assert(!settings_tunnels(&s).reject_internal);
    ck_assert(settings_dirmgr(&s).testing);
    settings_free(&s);
}
END_TEST

START_TEST(test_settings_own_authorities_keep_the_public_network_out)
{
    const char *const lines[] = {authority, NULL};
    struct client_config c = client_config_defaults(true);
    c.dir_authorities = lines;
    ck_ok(settings_init(&s, &c, why));
    ck_assert_uint_eq(s.servers.n, 1);
    ck_assert(s.servers.list[0].is_authority);
    ck_assert_uint_eq(s.servers.list[0].orport, 5101);
    ck_assert_ptr_null(s.config.dir_authorities); /* borrowed for the call only */
    settings_free(&s);
}
END_TEST

START_TEST(test_settings_own_fallbacks_take_the_place_of_the_built_in)
{
    const char *const authorities[] = {authority, NULL}, *const fallbacks[] = {fallback, NULL};
    struct client_config c = client_config_defaults(true);
    c.dir_authorities = authorities;
    c.fallback_dirs = fallbacks;
    ck_ok(settings_init(&s, &c, why));
    ck_assert_uint_eq(s.servers.n, 2);
    ck_assert(!s.servers.list[1].is_authority);
    settings_free(&s);
}
END_TEST

START_TEST(test_settings_name_the_line_that_is_wrong)
{
    const char *const lines[] = {authority, "nonsense", NULL};
    struct client_config c = client_config_defaults(false);
    c.dir_authorities = lines;
    ck_err(settings_init(&s, &c, why), ERR_MALFORMED);
    ck_assert_ptr_nonnull(strstr(why, "DirAuthority \"nonsense\": "));
    c.dir_authorities = NULL;
    c.fallback_dirs = lines + 1;
    ck_err(settings_init(&s, &c, why), ERR_MALFORMED);
    ck_assert_ptr_nonnull(strstr(why, "FallbackDir \"nonsense\": "));
}
END_TEST

START_TEST(test_settings_name_the_node_list_that_is_wrong)
{
    struct client_config c = client_config_defaults(false);
    const struct {
        const char *option, **list;
    } rows[] = {{"ExcludeNodes", &c.exclude_nodes},
                {"ExcludeExitNodes", &c.exclude_exit_nodes},
                {"ExitNodes", &c.exit_nodes},
                {"EntryNodes", &c.entry_nodes},
                {"MiddleNodes", &c.middle_nodes}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        *rows[i].list = "$not-a-relay!";
        ck_err(settings_init(&s, &c, why), ERR_MALFORMED);
        ck_assert_msg(strncmp(why, rows[i].option, strlen(rows[i].option)) == 0, "%s", why);
        *rows[i].list = NULL;
    }
}
END_TEST

START_TEST(test_settings_put_each_node_list_in_its_place)
{
    struct client_config c = client_config_defaults(false);
    struct router r = {.nickname = "theone"};
    const struct {
        const char **list;
        const struct nodeset *const *set;
    } rows[] = {{&c.exclude_nodes, &s.path.exclude},
                {&c.exclude_exit_nodes, &s.path.exclude_exit},
                {&c.exit_nodes, &s.path.exit},
                {&c.entry_nodes, &s.path.entry},
                {&c.middle_nodes, &s.path.middle}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        *rows[i].list = "theone";
        ck_ok(settings_init(&s, &c, why));
        for (size_t j = 0; j < sizeof rows / sizeof rows[0]; j++)
            ck_assert_int_eq(nodeset_has(*rows[j].set, &r), i == j);
        settings_free(&s);
        *rows[i].list = NULL;
    }
}
END_TEST

START_TEST(test_settings_copy_long_lived_ports)
{
    struct client_config c = client_config_defaults(false);
    uint16_t ports[] = {22, 6667};
    c.long_lived_ports = ports;
    c.n_long_lived_ports = 2;
    ck_ok(settings_init(&s, &c, why));
    ports[0] = 1;
    ck_assert_uint_eq(s.path.n_long_lived, 2);
    ck_assert_uint_eq(s.path.long_lived[0], 22);
    settings_free(&s);
}
END_TEST

START_TEST(test_settings_translate_units_and_families)
{
    struct client_config c = client_config_defaults(false);
    c.max_circuit_dirtiness_s = 7;
    c.socks_timeout_s = 8;
    c.circuit_stream_timeout_s = 9;
    c.use_ipv4 = false;
    c.prefer_ipv6_orport = true;
    ck_ok(settings_init(&s, &c, why));
    ck_assert_uint_eq(settings_exits(&s).max_dirtiness_ms, 7000);
    ck_assert_uint_eq(settings_tunnels(&s).give_up_ms, 8000);
    ck_assert_uint_eq(settings_tunnels(&s).stream_timeout_ms, 9000);
    ck_assert(!s.path.ipv4);
    ck_assert(s.path.ipv6);
    ck_assert(s.path.prefer_ipv6);
    settings_free(&s);
}
END_TEST

START_TEST(test_settings_of_links_have_the_specs_padding)
{
    struct client_config c = client_config_defaults(false);
    c.padding = LINK_PADDING_ON;
    ck_ok(settings_init(&s, &c, why));
    struct linkpool_config pool = settings_links(&s, NULL, NULL);
    struct link_config l = pool.link;
    /* padding-spec 2.6: nf_ito_low 1500, nf_ito_high 9500; reduced 9000 and 14000 */
    ck_assert_uint_eq(l.nf_ito_low_ms, 1500);
    ck_assert_uint_eq(l.nf_ito_high_ms, 9500);
    ck_assert_uint_eq(l.nf_ito_low_reduced_ms, 9000);
    ck_assert_uint_eq(l.nf_ito_high_reduced_ms, 14000);
    ck_assert_int_eq(l.padding, LINK_PADDING_ON);
    ck_assert(!l.pad_late);
    ck_assert_uint_eq(l.keepalive_ms, 300000); /* tor(1), KeepalivePeriod */
    ck_assert_uint_eq(pool.habits.conntimeout_s, 1800);
    settings_free(&s);
}
END_TEST

START_TEST(test_settings_of_circuits_are_those_of_the_network)
{
    struct client_config c = client_config_defaults(false);
    ck_ok(settings_init(&s, &c, why));
    struct circ_config circ = settings_links(&s, NULL, NULL).circ;
    ck_assert_uint_eq(circ.early_most, 8);
    ck_assert_uint_eq(circ.sendme_version, 1);
    ck_assert_uint_eq(circ.flow.package_start, 1000);
    ck_assert_uint_eq(circ.flow.deliver_start, 1000);
    ck_assert_uint_eq(circ.flow.cc.sendme_inc, 31);

    struct netgen_relay relay = netgen_relay(0);
    struct netgen g = {.relays = &relay, .n = 1, .params = "cc_sendme_inc=30 circwindow=500"};
    struct netdir *nd = netgen_make(&g);
    circ = settings_links(&s, NULL, nd).circ;
    ck_assert_uint_eq(circ.flow.package_start, 500);
    ck_assert_uint_eq(circ.flow.deliver_start, 1000);
    ck_assert_uint_eq(circ.flow.cc.sendme_inc, 30);
    netdir_unref(&nd);
    settings_free(&s);
}
END_TEST

START_TEST(test_settings_copy_firewall_families_and_guards)
{
    struct client_config c = client_config_defaults(false);
    struct addr_rule rules[] = {{.accept = true, .port_min = 443, .port_max = 443},
                                {.accept = false, .port_min = 0, .port_max = 65535}};
    const char *families[] = {"one,two", "three,four", NULL};
    struct router r = {.nickname = "four"};
    c.reachable = rules;
    c.n_reachable = 2;
    c.node_families = families;
    c.use_entry_guards = false;
    c.num_entry_guards = 4;
    c.num_directory_guards = 5;
    c.num_primary_guards = 6;
    c.guard_lifetime_s = 7 * 86400;
    c.authority_fallback_rate = 0.5;
    c.paths_needed_permyriad = 8000;
    ck_ok(settings_init(&s, &c, why));
    rules[0].accept = false;
    ck_assert_uint_eq(s.path.reachable.n, 2);
    ck_assert(s.path.reachable.rules[0].accept);
    ck_assert_uint_eq(s.path.n_families, 2);
    ck_assert(!nodeset_has(s.path.families[0], &r) && nodeset_has(s.path.families[1], &r));
    ck_assert(!s.path.use_entry_guards);
    ck_assert_uint_eq(s.path.n_guards, 4);
    ck_assert_uint_eq(s.path.n_dir_guards, 5);
    ck_assert_uint_eq(s.path.n_primary, 6);
    ck_assert_uint_eq(s.path.guard_lifetime_s, 7 * 86400);
    ck_assert_double_eq(s.path.authority_rate, 0.5);
    ck_assert_uint_eq(settings_dirmgr(&s).paths_needed_permyriad, 8000);
    settings_free(&s);
    families[1] = "not a node!";
    ck_err(settings_init(&s, &c, why), ERR_MALFORMED);
    ck_assert_ptr_nonnull(strstr(why, "NodeFamily"));
}
END_TEST

START_TEST(test_settings_without_default_fallbacks_have_authorities_only)
{
    struct client_config c = client_config_defaults(false);
    c.default_fallback_dirs = false;
    ck_ok(settings_init(&s, &c, why));
    ck_assert_uint_gt(s.servers.n, 5);
    for (size_t i = 0; i < s.servers.n; i++)
        ck_assert(s.servers.list[i].is_authority || s.servers.list[i].is_bridge);
    settings_free(&s);
}
END_TEST

START_TEST(test_settings_who_prefers_ipv6_or_has_nothing_else_uses_it)
{
    const struct {
        bool v4, v6, prefer, used;
    } rows[] = {{true, false, false, false},
                {true, true, false, true},
                {true, false, true, true},
                {false, false, false, true}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct client_config c = client_config_defaults(false);
        c.use_ipv4 = rows[i].v4;
        c.use_ipv6 = rows[i].v6;
        c.prefer_ipv6_orport = rows[i].prefer;
        ck_ok(settings_init(&s, &c, why));
        ck_assert_int_eq(s.path.ipv6, rows[i].used);
        settings_free(&s);
    }
}
END_TEST

/* Each change of the first kind makes tor abandon all circuits; those of the second don't. */
START_TEST(test_settings_circuits_are_given_up_when_node_lists_change)
{
    static struct settings t;
    struct client_config c = client_config_defaults(false), d;
    const char **lists[] = {&d.exclude_nodes, &d.exclude_exit_nodes, &d.exit_nodes, &d.entry_nodes,
                            &d.middle_nodes};
    c.exclude_nodes = "one, two";
    ck_ok(settings_init(&s, &c, why));
    for (size_t i = 0; i < sizeof lists / sizeof lists[0] + 4; i++) {
        d = c;
        if (i < 5)
            *lists[i] = "other";
        if (i == 5)
            d.strict_nodes = true;
        if (i == 6)
            d.exclude_nodes = "two,one"; /* the same */
        if (i == 7)
            d.use_ipv6 = false;
        if (i == 8)
            d.use_entry_guards = false;
        ck_ok(settings_init(&t, &d, why));
        ck_assert_msg(settings_abandon_circuits(&s, &t) == (i < 6), "change %zu", i);
        ck_assert(settings_abandon_circuits(&t, &s) == (i < 6 || i == 8));
        settings_free(&t);
    }
    settings_free(&s);
}
END_TEST

/* 192.0.2.1 is 3221225985; nobody knows where 192.0.2.2 is. */
static bool excluded(struct client_config c, enum config_choice choice, uint8_t last)
{
    struct router r = {.v4 = {192, 0, 2, last}, .orport = 1};
    struct geoip_reader reader;
    ck_ok(geoip_begin(&reader, IP_V4));
    ck_ok(geoip_piece(&reader, text_of("3221225985,3221225985,DE\n")));
    ck_ok(geoip_end(&reader, &c.geoip));
    c.exclude_unknown = choice;
    ck_ok(settings_init(&s, &c, why));
    geoip_unref(&c.geoip); /* borrowed for the call only */
    ck_assert_ptr_null(s.config.geoip);
    bool has = nodeset_has(s.path.exclude, &r);
    ck_assert(nodeset_has(s.path.exclude_exit, &r) == (has && choice == CONFIG_YES && last == 2));
    settings_free(&s);
    return has;
}

START_TEST(test_settings_exclude_relays_of_no_known_country)
{
    struct client_config plain = client_config_defaults(true), german = plain;
    german.exclude_nodes = "{de}";
    ck_assert(excluded(german, CONFIG_NO, 1));
    ck_assert(!excluded(german, CONFIG_NO, 2));
    ck_assert(excluded(german, CONFIG_AUTO, 1));
    ck_assert(excluded(german, CONFIG_AUTO, 2));
    ck_assert(excluded(german, CONFIG_YES, 2));
    ck_assert(!excluded(plain, CONFIG_AUTO, 2));
    ck_assert(!excluded(plain, CONFIG_YES, 1));
    ck_assert(excluded(plain, CONFIG_YES, 2));
}
END_TEST

TESTS("client/settings", test_settings_exclude_relays_of_no_known_country,
      test_settings_are_tors_by_default,
      test_settings_of_a_testing_network_allow_internal_addresses,
      test_settings_own_authorities_keep_the_public_network_out,
      test_settings_own_fallbacks_take_the_place_of_the_built_in,
      test_settings_name_the_line_that_is_wrong, test_settings_name_the_node_list_that_is_wrong,
      test_settings_put_each_node_list_in_its_place, test_settings_copy_long_lived_ports,
      test_settings_translate_units_and_families, test_settings_of_links_have_the_specs_padding,
      test_settings_of_circuits_are_those_of_the_network,
      test_settings_copy_firewall_families_and_guards,
      test_settings_without_default_fallbacks_have_authorities_only,
      test_settings_who_prefers_ipv6_or_has_nothing_else_uses_it,
      test_settings_circuits_are_given_up_when_node_lists_change)
