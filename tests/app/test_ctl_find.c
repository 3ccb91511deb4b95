/* Where a control port is looked for, and what the command line says of it. */
#include "app/ctl/find.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/ctl/args.h"
#include "support/tempdir.h"
#include "support/test.h"

static struct ctl_candidates found;
static struct ctl_ports ports;

static void find_in(const char *torrc)
{
    found.n = 0;
    ports = (struct ctl_ports){0};
    write_in_dir("torrc", torrc);
    ck_assert(ctl_find_torrc(&found, in_dir("torrc"), dir, "torrc", &ports));
}

static bool has(const char *place)
{
    for (size_t i = 0; i < found.n; i++)
        if (strcmp(found.list[i].place.text, place) == 0)
            return true;
    return false;
}

START_TEST(test_ctl_find_places)
{
    static const struct {
        const char *text, *is; /* NULL: refused */
    } places[] = {
        {"9051", "127.0.0.1:9051"},
        {"127.0.0.1:9051", "127.0.0.1:9051"},
        {"[::1]:9051", "[::1]:9051"},
        {"localhost:9051", "127.0.0.1:9051"},
        {"unix:/run/tor/control", "unix:/run/tor/control"},
        {"/run/tor/control", "unix:/run/tor/control"},
        {"./control", "unix:./control"},
        {"0", NULL},
        {"70000", NULL},
        {"tor.example:9051", NULL},
        {"unix:", NULL},
        {"", NULL},
    };
    struct ctl_place place;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        err_t e = ctl_place_parse(places[i].text, &place);
        ck_assert_msg((e == OK) == (places[i].is != NULL), "%s", places[i].text);
        if (e == OK)
            ck_assert_str_eq(place.text, places[i].is);
    }
}
END_TEST

START_TEST(test_ctl_find_reads_a_torrc)
{
    new_dir();
    find_in("SocksPort 9150\n"
            "controlport 9151 # a comment\n"
            "ControlPort unix:/run/a GroupWritable\n"
            "ControlPort unix:\"/run/b c\"\n"
            "ControlSocket relative\n"
            "ControlPort 9151\n"
            "this is \"no line\n");
    char relative[160];
    snprintf(relative, sizeof relative, "unix:%s/relative", dir);
    ck_assert_uint_eq(found.n, 4);
    ck_assert(has("127.0.0.1:9151") && has("unix:/run/a") && has("unix:/run/b c") && has(relative));
    ck_assert_str_eq(found.list[0].from, "ControlPort of torrc");
    ck_assert(!ports.is_auto);
    ck_assert_uint_eq(ports.n, 1);
    ck_assert_uint_eq(ports.others[0], 9150);
    find_in("ControlPort 0\nControlSocket 0\nSocksPort 9050\n");
    ck_assert_uint_eq(found.n, 0);
    remove_dir();
}
END_TEST

START_TEST(test_ctl_find_reads_the_file_of_ports)
{
    char torrc[256];
    new_dir();
    write_in_dir("ports", "PORT=127.0.0.1:31337\nUNIX_PORT=/run/c\nrubbish\n");
    snprintf(torrc, sizeof torrc, "ControlPort auto\nControlPortWriteToFile %s\n", in_dir("ports"));
    find_in(torrc);
    ck_assert(ports.is_auto);
    ck_assert_uint_eq(found.n, 2);
    ck_assert(has("127.0.0.1:31337") && has("unix:/run/c"));
    find_in("ControlPort auto\nControlPortWriteToFile /nonexistent/file\n");
    ck_assert_uint_eq(found.n, 0);
    remove_dir();
}
END_TEST

/* A /proc of our own: a tor with a port that only its sockets tell, and others. */
START_TEST(test_ctl_find_reads_proc)
{
    char command[1024];
    new_dir();
    snprintf(
        command, sizeof command,
        "cd %s && mkdir -p 7/fd 7/net 8 9 && echo tor >7/comm && echo sh >8/comm &&"
        "printf 'tor\\0-f\\0torrc\\0--ControlPort\\0auto\\0' >7/cmdline && ln -s $PWD/7 7/cwd &&"
        "echo 'ControlSocket /run/d' >7/torrc && echo 'SocksPort 9050' >>7/torrc &&"
        "ln -s 'socket:[11]' 7/fd/5 && ln -s 'socket:[12]' 7/fd/6 &&"
        "echo tor >9/comm && printf 'tor\\0--SocksPort\\0auto\\0' >9/cmdline",
        dir);
    ck_assert_int_eq(system(command), 0);
    write_in_dir("7/net/tcp", "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when\n"
                              "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 "
                              "00000000  1000        0 11 1 0 100 0 0 10 0\n"
                              "   1: 0100007F:235A 00000000:0000 0A 00000000:00000000 00:00000000 "
                              "00000000  1000        0 12 1 0 100 0 0 10 0\n"
                              "   2: 0100007F:2222 00000000:0000 0A 00000000:00000000 00:00000000 "
                              "00000000  1000        0 99 1 0 100 0 0 10 0\n");
    found.n = 0;
    ctl_find_processes(&found, dir);
    ck_assert_uint_eq(found.n, 2);
    ck_assert(has("unix:/run/d") && has("127.0.0.1:8080"));
    remove_dir();
}
END_TEST

static void unset_environment(void)
{
    unsetenv("TOR_CONTROL_PORT");
    unsetenv("TOR_CONTROL_IPC_PATH");
    unsetenv("TOR_CONTROL_HOST");
}

START_TEST(test_ctl_find_looks_no_further_than_the_environment)
{
    const char *variable;
    unset_environment();
    setenv("TOR_CONTROL_PORT", "9999", 1);
    setenv("TOR_CONTROL_IPC_PATH", "/run/browser", 1);
    ck_ok(ctl_find(&found, &variable));
    ck_assert_uint_eq(found.n, 2);
    ck_assert_str_eq(found.list[0].place.text, "unix:/run/browser");
    ck_assert_str_eq(found.list[1].place.text, "127.0.0.1:9999");
    setenv("TOR_CONTROL_HOST", "::1", 1);
    ck_ok(ctl_find(&found, &variable));
    ck_assert_str_eq(found.list[1].place.text, "[::1]:9999");
    unset_environment();
    setenv("TOR_CONTROL_PORT", "", 1); /* as good as none */
    ck_ok(ctl_find(&found, &variable));
    ck_assert(has("127.0.0.1:9051") && has("unix:/run/tor/control") && has("127.0.0.1:9151"));
    unset_environment();
}
END_TEST

START_TEST(test_ctl_find_refuses_an_environment_that_names_no_place)
{
    const char *variable = NULL;
    unset_environment();
    setenv("TOR_CONTROL_PORT", "9051x", 1);
    ck_assert_int_ne(ctl_find(&found, &variable), OK);
    ck_assert_str_eq(variable, "TOR_CONTROL_PORT");
    unset_environment();
}
END_TEST

START_TEST(test_ctl_find_shows_nothing_that_a_terminal_obeys)
{
    struct ctl_place place, other;
    found.n = 0;
    ck_ok(ctl_place_parse("/tmp/\033[2J\xc3\xa4", &place));
    ck_assert_str_eq(place.text, "unix:/tmp/?[2J??");
    ck_ok(ctl_place_parse("/tmp/\033[2J\xc3\xb6", &other));
    ctl_candidate_add(&found, &place, "\033[2J");
    ctl_candidate_add(&found, &other, "another");
    ctl_candidate_add(&found, &place, "again");
    ck_assert_uint_eq(found.n, 2);
    ck_assert_str_eq(found.list[0].from, "?[2J");
}
END_TEST

START_TEST(test_ctl_find_has_an_end)
{
    struct ctl_place place;
    char text[16];
    found.n = 0;
    for (int i = 0; i < 2 * CTL_CANDIDATES_MAX; i++) {
        snprintf(text, sizeof text, "%d", 1000 + i);
        ck_ok(ctl_place_parse(text, &place));
        ctl_candidate_add(&found, &place, "test");
    }
    ck_assert_uint_eq(found.n, CTL_CANDIDATES_MAX);
}
END_TEST

/* ---- the command line ---- */

static struct ctl_args args;
static char why[ARG_WHY];

#define PARSE(...)                                                                 \
    ctl_args_parse((int)(sizeof((char *[]){"ctl", __VA_ARGS__}) / sizeof(char *)), \
                   (char *[]){"ctl", __VA_ARGS__, NULL}, &args, why)

START_TEST(test_ctl_args_takes_each)
{
    ck_ok(PARSE("--control", "9051", "--json", "close", "circuit", "7", "--if-unused", "8"));
    ck_assert_str_eq(args.control, "9051");
    ck_assert(args.json && args.if_unused && !args.wait);
    ck_assert_uint_eq(args.n, 4);
    ck_assert_str_eq(args.words[3], "8");
    ck_assert_uint_eq(args.timeout_s, 10);
    ck_ok(PARSE("events", "BW", "--count=3", "--timeout", "1", "--verbose"));
    ck_assert_uint_eq(args.count, 3);
    ck_ok(PARSE("--run", "-", "--password-file=p"));
    ck_assert_str_eq(args.run, "-");
    ck_ok(PARSE("newnym", "--wait"));
    ck_assert(args.wait);
}
END_TEST

START_TEST(test_ctl_args_refuses)
{
    ck_err(PARSE("--contrl", "9051"), ERR_ARG);
    ck_assert_ptr_nonnull(strstr(why, "--control"));
    ck_err(PARSE("events", "BW", "--count", "0"), ERR_ARG);
    ck_err(PARSE("--run", "file", "status"), ERR_ARG);
    ck_err(PARSE("--timeout", "x"), ERR_ARG);
    ck_err(PARSE("--json=1"), ERR_ARG);
    ck_err(PARSE("--control"), ERR_ARG);
}
END_TEST

TESTS("app/ctl_find", test_ctl_find_places, test_ctl_find_reads_a_torrc,
      test_ctl_find_reads_the_file_of_ports, test_ctl_find_reads_proc,
      test_ctl_find_looks_no_further_than_the_environment,
      test_ctl_find_refuses_an_environment_that_names_no_place,
      test_ctl_find_shows_nothing_that_a_terminal_obeys, test_ctl_find_has_an_end,
      test_ctl_args_takes_each, test_ctl_args_refuses)
