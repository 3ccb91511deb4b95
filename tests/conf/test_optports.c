/* Port lines of any kind: what a grammar lets them say, and two for one socket. */
#include "conf/capture.h"
#include "conf/optlists.h"

/* A port that is not for applications: no default, no flags but those of a unix socket. */
static const struct port_grammar control = {"ControlPort", PORT_KINDS, .default_port = 0};

static struct port_list parse(const char *torrc, struct conf_faults *faults)
{
    struct conf_line *lines = lines_of(torrc);
    struct port_list list = {.n = 0};
    ck_ok(ports_parse(&control, lines, false, NULL, &list, faults));
    conf_lines_free(lines);
    return list;
}

START_TEST(test_optports_of_another_kind_have_the_same_addresses)
{
    struct conf_faults faults = {.n = 0};
    struct port_list list = parse("ControlPort 9051\n"
                                  "ControlPort 10.0.0.1:auto\n"
                                  "ControlPort unix:/run/c GroupWritable RelaxDirModeCheck\n",
                                  &faults);
    char at[IPPORT_TEXT_MAX];
    ck_assert_uint_eq(faults.n, 0);
    ck_assert_uint_eq(list.n, 3);
    ck_assert_str_eq(ipport_text(&list.of[0].at.tcp, at), "127.0.0.1:9051");
    ck_assert_str_eq(ipport_text(&list.of[1].at.tcp, at), "10.0.0.1:0");
    ck_assert_str_eq(list.of[2].at.unix_path, "/run/c");
    ck_assert(list.of[2].at.group_writable && list.of[2].at.relax_dir_mode);
    for (size_t i = 0; i < 3; i++)
        ck_assert_int_eq(list.of[i].kind, PORT_KINDS);
    ports_clear(&list);
}
END_TEST

START_TEST(test_optports_without_a_default_are_none)
{
    struct conf_faults faults = {.n = 0};
    struct port_list list = {.n = 0};
    ck_ok(ports_parse(&control, NULL, false, NULL, &list, &faults));
    ck_assert_uint_eq(list.n, 0);
    ports_clear(&list);
}
END_TEST

START_TEST(test_optports_of_another_kind_take_no_flags_of_applications)
{
    static const struct {
        const char *torrc, *says;
    } rows[] = {
        {"ControlPort 1 IsolateDestAddr\n", "Unrecognized ControlPort option 'IsolateDestAddr'"},
        {"ControlPort 1 SessionGroup=1\n", "Unrecognized ControlPort option 'SessionGroup=1'"},
        {"ControlPort 1 NoIPv4Traffic\n", "Unrecognized ControlPort option 'NoIPv4Traffic'"},
        {"ControlPort 1 CacheDNS\n", "Unrecognized ControlPort option 'CacheDNS'"},
        {"ControlPort unix:/c GroupWriteable\n", "Did you mean \"GroupWritable\"?"},
        {"ControlPort 1 GroupWritable\n", "You have a ControlPort entry with GroupWritable"},
        {"ControlPort 1\nControlPort 0\n", "You specified a nonzero ControlPort along with"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct conf_faults faults = {.n = 0};
        struct port_list list = parse(rows[i].torrc, &faults);
        ck_assert_uint_eq(faults.n, 1);
        ck_assert_msg(strstr(faults.first.text, rows[i].says), "%s", faults.first.text);
        ck_assert(!strstr(faults.first.text, "Isolate") || i == 0);
        ports_clear(&list);
    }
}
END_TEST

/* Both would be opened, and which of them listens would change with each reload. */
START_TEST(test_optports_of_two_lines_for_one_socket_the_later_counts)
{
    struct capture *c = capture_new();
    struct conf_err e = {""};
    struct options *o = options_from("SocksPort unix:/run/s PreferIPv6 RelaxDirModeCheck\n"
                                     "SocksPort unix:/run/other\n"
                                     "SocksPort unix:/run/s IsolateDestAddr\n"
                                     "SocksPort 9\n",
                                     &c->log, &e);
    ck_assert_msg(o, "%s", e.text);
    ck_assert_uint_eq(o->is.ports.n, 3);
    ck_assert_str_eq(o->is.ports.of[0].at.unix_path, "/run/other");
    ck_assert_str_eq(o->is.ports.of[1].at.unix_path, "/run/s");
    ck_assert(!o->is.ports.of[1].flags.prefer_ipv6 && !o->is.ports.of[1].at.relax_dir_mode);
    ck_assert(o->is.ports.of[1].flags.isolation & ISO_DEST_ADDR);
    ck_assert_ptr_nonnull(strstr(c->text, "[warn] torrc:3: an earlier line asks for the socket "
                                          "/run/s, too. The later one counts."));
    options_free(o);
    free(c);
}
END_TEST

TESTS("conf/optports", test_optports_of_another_kind_have_the_same_addresses,
      test_optports_without_a_default_are_none,
      test_optports_of_another_kind_take_no_flags_of_applications,
      test_optports_of_two_lines_for_one_socket_the_later_counts)
