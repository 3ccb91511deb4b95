#include "app/load.h"

#include <sys/stat.h>
#include <unistd.h>

#include "conf/capture.h"
#include "host/disk.h"

#define ARGS(...)  ((char *const[]){"tunic", __VA_ARGS__, NULL})
#define PARSE(...) parse((int)(sizeof(ARGS(__VA_ARGS__)) / sizeof(char *)) - 1, ARGS(__VA_ARGS__))

static struct cmdline *parse(int argc, char *const *argv)
{
    struct cmdline *c = NULL;
    struct conf_err e = {""};
    err_t err = cmdline_parse(argc, argv, NULL, &c, &e);
    ck_assert_msg(err == OK, "%s", e.text);
    return c;
}

START_TEST(test_cmdline_options_with_any_number_of_dashes)
{
    struct cmdline *c = PARSE("--SocksPort", "1", "-SafeSocks", "1", "TestSocks", "0", "--+Log",
                              "info stdout", "/EntryNodes", "l", "debug");
    static const struct {
        const char *key, *value;
        enum conf_how how;
    } want[] = {{"SocksPort", "1", CONF_SET},   {"SafeSocks", "1", CONF_SET},
                {"TestSocks", "0", CONF_SET},   {"Log", "info stdout", CONF_APPEND},
                {"EntryNodes", "", CONF_CLEAR}, {"Log", "debug", CONF_SET}};
    const struct conf_line *l = c->options;
    for (size_t i = 0; i < 6; i++, l = l->next) {
        ck_assert_str_eq(l->key, want[i].key);
        ck_assert_str_eq(l->value, want[i].value);
        ck_assert_int_eq(l->how, want[i].how);
        ck_assert_str_eq(l->where, "command line");
    }
    ck_assert_ptr_null(l);
    ck_assert_int_eq(c->command, CMD_RUN);
    cmdline_free(c);
}
END_TEST

START_TEST(test_cmdline_flags)
{
    struct cmdline *c = PARSE("-f", "a", "--defaults-torrc", "b", "--ignore-missing-torrc",
                              "--allow-missing-torrc", "--hush", "--verify-config");
    ck_assert_str_eq(c->torrc, "a");
    ck_assert_str_eq(c->defaults_torrc, "b");
    ck_assert(c->ignore_missing && c->allow_missing);
    ck_assert_int_eq(c->quiet, QUIET_HUSH);
    ck_assert_int_eq(c->command, CMD_VERIFY_CONFIG);
    ck_assert_ptr_null(c->options);
    cmdline_free(c);
    c = PARSE("--dump-config", "full");
    ck_assert_int_eq(c->command, CMD_DUMP_CONFIG);
    ck_assert_str_eq(c->argument, "full");
    ck_assert_int_eq(c->quiet, QUIET_SILENT);
    cmdline_free(c);
    c = PARSE("--dump-config", "--SafeSocks", "1");
    ck_assert_ptr_null(c->argument);
    ck_assert_str_eq(c->options->key, "SafeSocks");
    cmdline_free(c);
}
END_TEST

START_TEST(test_cmdline_quiet_is_known_before_the_rest_is)
{
    ck_assert_int_eq(cmdline_quiet(2, ARGS("--quiet")), QUIET_SILENT);
    ck_assert_int_eq(cmdline_quiet(3, ARGS("--hush", "--nonsense")), QUIET_HUSH);
    ck_assert_int_eq(cmdline_quiet(3, ARGS("--User", "--quiet")), QUIET_NONE);
    ck_assert_int_eq(cmdline_quiet(3, ARGS("-f", "--quiet")), QUIET_NONE);
    ck_assert_int_eq(cmdline_quiet(2, ARGS("-f")), QUIET_NONE);
}
END_TEST

START_TEST(test_cmdline_option_without_value_is_refused_in_tors_words)
{
    static const char *const last[] = {"--SafeSocks", "-f", "SocksPort", "--hash-password", "+Log"};
    for (size_t i = 0; i < 5; i++) {
        struct cmdline *c = NULL;
        struct conf_err e = {""};
        char want[128], *argv[] = {"tunic", (char *)(uintptr_t)last[i], NULL};
        ck_err(cmdline_parse(2, argv, NULL, &c, &e), ERR_MALFORMED);
        snprintf(want, sizeof want, "Command-line option '%s' with no value. Failing.", last[i]);
        ck_assert_str_eq(e.text, want);
        ck_assert_ptr_null(c);
    }
}
END_TEST

/* A folder for the test's files; the current folder moves there. */
static char dir[64];

static void enter_dir(void)
{
    strcpy(dir, "/tmp/tunic-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    ck_assert_int_eq(chdir(dir), 0);
}

static void leave_dir(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", dir);
    ck_assert_int_eq(chdir("/"), 0);
    ck_assert_int_eq(system(command), 0);
}

static void put(const char *name, const char *text)
{
    FILE *f = fopen(name, "w");
    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    ck_assert_int_eq(fclose(f), 0);
}

static err_t load(struct cmdline *c, FILE *in, struct capture *log, struct options **o,
                  struct conf_err *e)
{
    const struct load_env env = {dir, dir, in, disk_source(log ? &log->log : NULL),
                                 log ? &log->log : NULL};
    *o = NULL;
    return load_configuration(c, &env, o, e);
}

static struct options *loaded(struct cmdline *c, FILE *in)
{
    struct conf_err e = {""};
    struct options *o;
    err_t err = load(c, in, NULL, &o, &e);
    ck_assert_msg(err == OK, "%s", e.text);
    return o;
}

START_TEST(test_cmdline_load_layers_defaults_torrc_and_command_line)
{
    enter_dir();
    put("torrc-defaults", "SocksPort 1\nLog info stdout\nMaxCircuitDirtiness 100\nSafeSocks 1\n");
    put("torrc", "SocksPort 2\n+Log warn stderr\nMaxCircuitDirtiness 200\n");
    struct cmdline *c = PARSE("MaxCircuitDirtiness", "300", "+SocksPort", "3");
    struct options *o = loaded(c, NULL);
    ck_assert_int_eq(o->max_circuit_dirtiness_s, 300);
    ck_assert_uint_eq(o->is.ports.n, 2);
    ck_assert_uint_eq(o->is.ports.of[0].at.tcp.port, 2);
    ck_assert_uint_eq(o->is.ports.of[1].at.tcp.port, 3);
    ck_assert_uint_eq(o->is.n_logs, 2);
    ck_assert(o->safe_socks);
    ck_assert_int_eq(o->base->max_circuit_dirtiness_s, 100);
    char *text = options_torrc(o);
    ck_assert_str_eq(text, "Log info stdout\nLog warn stderr\nMaxCircuitDirtiness 300\n"
                           "SocksPort 2\nSocksPort 3\n");
    free(text);
    options_free(o);
    cmdline_free(c);
    leave_dir();
}
END_TEST

START_TEST(test_cmdline_load_includes_files_globs_and_folders)
{
    enter_dir();
    ck_assert_int_eq(mkdir("d", 0700), 0);
    ck_assert_int_eq(mkdir("d/sub", 0700), 0);
    put("d/20", "SocksPort 2\n");
    put("d/10", "SocksPort 1\n");
    put("d/.hidden", "Nonsense 1\n");
    put("d/sub/x", "Nonsense 1\n");
    put("d/empty", "");
    put("a.conf", "SocksPort 3\n%include inner\n");
    put("b.conf", "SocksPort 5\n");
    put("inner", "SocksPort 4\n");
    put("torrc", "%include d\n%include *.conf\n%include no-such-*\nSocksPort 6\n");
    struct cmdline *c = PARSE("-f", "torrc");
    struct options *o = loaded(c, NULL);
    ck_assert_uint_eq(o->is.ports.n, 6);
    for (uint16_t i = 0; i < 6; i++)
        ck_assert_uint_eq(o->is.ports.of[i].at.tcp.port, i + 1);
    ck_assert(o->include_used);
    options_free(o);
    cmdline_free(c);
    leave_dir();
}
END_TEST

START_TEST(test_cmdline_load_errors_name_the_included_file_and_line)
{
    enter_dir();
    put("torrc", "%include inner\n");
    put("inner", "\nSafeSocks maybe\n");
    struct cmdline *c = PARSE("-f", "torrc");
    struct options *o;
    struct conf_err e;
    ck_err(load(c, NULL, NULL, &o, &e), ERR_MALFORMED);
    ck_assert_str_eq(e.text, "Failed to parse/validate config: inner:2: Could not parse SafeSocks: "
                             "Unrecognized value maybe. Allowed values are 0 and 1.");
    cmdline_free(c);
    leave_dir();
}
END_TEST

START_TEST(test_cmdline_unknown_option_is_told_in_tors_words_with_a_hint)
{
    static const struct {
        const char *word, *value, *says;
    } rows[] = {
        {"--blah", "derp",
         "Failed to parse/validate config: Unknown option 'blah'.  Failing. See tunic --help."},
        {"--sockport", "1",
         "Failed to parse/validate config: Unknown option 'sockport'.  Failing. "
         "Did you mean \"SocksPort\"?"},
        {"--blah", NULL, "Command-line option '--blah' with no value. Failing. See tunic --help."},
        {"-V", NULL, "Command-line option '-V' with no value. Failing. See tunic --help."},
        {"--testnet", NULL,
         "Command-line option '--testnet' with no value. Failing. Did you mean \"tunic testnet\"?"},
        {"--verison", NULL,
         "Command-line option '--verison' with no value. Failing. Did you mean \"--version\"?"},
        {"+SockPort", NULL,
         "Command-line option '+SockPort' with no value. Failing. Did you mean \"SocksPort\"?"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct cmdline *c = NULL;
        struct conf_err e = {""};
        char *argv[] = {"tunic", (char *)(uintptr_t)rows[i].word, (char *)(uintptr_t)rows[i].value,
                        NULL};
        ck_err(cmdline_parse(rows[i].value ? 3 : 2, argv, NULL, &c, &e), ERR_NOT_FOUND);
        ck_assert_str_eq(e.text, rows[i].says);
        ck_assert_ptr_null(c);
    }
}
END_TEST

START_TEST(test_cmdline_load_missing_files)
{
    enter_dir();
    struct conf_err e = {""};
    struct capture *log = capture_new();
    struct options *o;
    struct cmdline *c = PARSE("-f", "gone");
    char want[192];
    ck_err(load(c, NULL, log, &o, &e), ERR_IO);
    snprintf(want, sizeof want,
             "Unable to open configuration file \"%s/gone\". No such file or directory", dir);
    ck_assert_str_eq(e.text, want);
    cmdline_free(c);

    c = PARSE("-f", "gone", "--ignore-missing-torrc");
    options_free(loaded(c, NULL));
    cmdline_free(c);
    c = PARSE("-f", "gone", "--allow-missing-torrc");
    options_free(loaded(c, NULL));
    cmdline_free(c);
    c = PARSE("--defaults-torrc", "gone");
    log->text[0] = 0;
    ck_ok(load(c, NULL, log, &o, &e));
    ck_assert_ptr_nonnull(strstr(log->text, "/torrc\" not present, using reasonable defaults."));
    options_free(o);
    cmdline_free(c);
    c = PARSE("-f", "x", "--torrc-file", "x");
    ck_err(load(c, NULL, log, &o, &e), ERR_IO);
    ck_assert_str_eq(e.text, "-f and --torrc-file cannot be used together.");
    cmdline_free(c);
    free(log);
    leave_dir();
}
END_TEST

START_TEST(test_cmdline_load_standard_input_is_read_once)
{
    enter_dir();
    struct cmdline *c = PARSE("-f", "-");
    FILE *in = tmpfile();
    fputs("SocksPort 7\n", in);
    rewind(in);
    for (int i = 0; i < 2; i++) {
        struct options *o = loaded(c, in);
        ck_assert_uint_eq(o->is.ports.of[0].at.tcp.port, 7);
        options_free(o);
    }
    fclose(in);
    cmdline_free(c);
    leave_dir();
}
END_TEST

START_TEST(test_cmdline_load_again_reads_the_same_file_anew)
{
    enter_dir();
    put("torrc", "SocksPort 1\n");
    struct cmdline *c = PARSE("-f", "torrc");
    options_free(loaded(c, NULL));
    put("torrc", "SocksPort 2\n");
    ck_assert_int_eq(chdir("/"), 0);
    struct options *o = loaded(c, NULL);
    ck_assert_uint_eq(o->is.ports.of[0].at.tcp.port, 2);
    options_free(o);
    ck_assert_int_eq(chdir(dir), 0);
    ck_assert_int_eq(unlink("torrc"), 0);
    struct conf_err e;
    ck_err(load(c, NULL, NULL, &o, &e), ERR_IO);
    cmdline_free(c);
    leave_dir();
}
END_TEST

/* LOADCONF: the command line stands over TEXT as over torrc; torrc-defaults is not read, but still
 * need not be written. */
START_TEST(test_cmdline_load_text_takes_the_place_of_torrc)
{
    struct conf_err e;
    enter_dir();
    put("torrc-defaults", "SafeSocks 1\nNumEntryGuards 2\n");
    put("torrc", "SocksPort 1\nNewCircuitPeriod 9\n");
    put("more", "NumEntryGuards 3\n");
    struct cmdline *c = PARSE("-f", "torrc", "MaxCircuitDirtiness", "300");
    struct options *o, *old = loaded(c, NULL);
    const struct load_env env = {dir, dir, NULL, disk_source(NULL), NULL};
    ck_assert(!old->include_used);
    ck_ok(load_text(c, &env, "SocksPort 2\n%include more\n", old, &o, &e));
    ck_assert_uint_eq(o->is.ports.of[0].at.tcp.port, 2);
    ck_assert_int_eq(o->max_circuit_dirtiness_s, 300);
    ck_assert_int_eq(o->new_circuit_period_s, 30);
    ck_assert(o->include_used && !o->safe_socks && o->base->safe_socks);
    options_free(o);
    ck_err(load_text(c, &env, "\nNoSuch 1", old, &o, &e), ERR_NOT_FOUND);
    ck_assert_str_eq(e.text, "controller:2: Unknown option 'NoSuch'.  Failing.");
    ck_err(load_text(c, &env, "SafeSocks 2", old, &o, &e), ERR_MALFORMED);
    ck_err(load_text(c, &env, "SafeSocks \"1", old, &o, &e), ERR_MALFORMED);
    options_free(old);
    cmdline_free(c);
    leave_dir();
}
END_TEST

static void assert_torrc(struct cmdline *c, bool defaults, const char *leaf)
{
    const struct load_env env = {dir, dir, NULL, disk_source(NULL), NULL};
    char want[128], *got = load_path(c, &env, defaults);
    snprintf(want, sizeof want, "%s/%s", dir, leaf);
    ck_assert_str_eq(got, want);
    free(got);
}

START_TEST(test_cmdline_torrc_is_where_it_is_or_would_be)
{
    enter_dir();
    struct cmdline *c = PARSE("NumCPUs", "1");
    assert_torrc(c, false, "torrc");
    assert_torrc(c, true, "torrc-defaults");
    put(".torrc", "");
    assert_torrc(c, false, ".torrc");
    cmdline_free(c);
    c = PARSE("-f", "mine", "--defaults-torrc", "theirs");
    assert_torrc(c, false, "mine");
    assert_torrc(c, true, "theirs");
    cmdline_free(c);
    c = PARSE("-f", "-");
    ck_assert(cmdline_reads_stdin(c));
    assert_torrc(c, false, ".torrc");
    cmdline_free(c);
    leave_dir();
}
END_TEST

START_TEST(test_cmdline_load_testing_network_from_any_source)
{
    enter_dir();
    put("torrc", "DirAuthority x orport=1 127.0.0.1:1 "
                 "0123456789012345678901234567890123456789\nEnforceDistinctSubnets "
                 "1\nTestingDirConnectionMaxStall 10\n");
    struct cmdline *c = PARSE("-f", "torrc", "--TestingTorNetwork", "1");
    struct options *o = loaded(c, NULL);
    ck_assert(o->using_test_network_defaults && o->enforce_distinct_subnets);
    ck_assert(o->extend_allow_private_addresses);
    ck_assert_int_eq(o->testing_dir_connection_max_stall_s, 10);
    options_free(o);
    cmdline_free(c);
    leave_dir();
}
END_TEST

START_TEST(test_cmdline_load_refuses_a_file_with_zero_bytes)
{
    enter_dir();
    FILE *f = fopen("torrc", "w");
    fwrite("SocksPort 1\n\0SafeSocks 1\n", 1, 25, f);
    fclose(f);
    struct cmdline *c = PARSE("-f", "torrc");
    struct options *o;
    struct conf_err e;
    ck_err(load(c, NULL, NULL, &o, &e), ERR_IO);
    cmdline_free(c);
    leave_dir();
}
END_TEST

TESTS("app/cmdline", test_cmdline_options_with_any_number_of_dashes, test_cmdline_flags,
      test_cmdline_quiet_is_known_before_the_rest_is,
      test_cmdline_option_without_value_is_refused_in_tors_words,
      test_cmdline_load_layers_defaults_torrc_and_command_line,
      test_cmdline_load_includes_files_globs_and_folders,
      test_cmdline_load_errors_name_the_included_file_and_line,
      test_cmdline_unknown_option_is_told_in_tors_words_with_a_hint,
      test_cmdline_load_missing_files, test_cmdline_load_standard_input_is_read_once,
      test_cmdline_load_again_reads_the_same_file_anew,
      test_cmdline_load_text_takes_the_place_of_torrc,
      test_cmdline_torrc_is_where_it_is_or_would_be,
      test_cmdline_load_testing_network_from_any_source,
      test_cmdline_load_refuses_a_file_with_zero_bytes)
