/* The command line of "tunic fetch", and whom it leads to. */
#include "app/fetch/args.h"

#include <stdio.h>
#include <string.h>

#include "support/test.h"

static struct fetch_args args;
static char why[ARG_WHY];

/* Words separated by '|', so that a value may hold blanks. */
static err_t parse(const char *line)
{
    static char text[2048];
    static char *argv[40];
    int argc = 0;
    argv[argc++] = "fetch";
    snprintf(text, sizeof text, "%s", line);
    for (char *at = text; *line && at; argc++) {
        argv[argc] = at;
        at = strchr(at, '|');
        if (at)
            *at++ = 0;
    }
    argv[argc] = NULL;
    return fetch_args_parse(argc, argv, &args, why);
}

#define AUTHORITY                                                                              \
    "auth1 orport=5001 no-v2 v3ident=0123456789ABCDEF0123456789ABCDEF01234567 127.0.0.1:5000 " \
    "AAAABBBBCCCCDDDDEEEEFFFFAAAABBBBCCCCDDDD"

START_TEST(test_fetch_args_defaults)
{
    ck_ok(parse("consensus"));
    ck_assert_uint_eq(args.n_wants, 1);
    ck_assert_int_eq(args.wants[0].kind, DOCS_CONSENSUS);
    ck_assert_str_eq(args.words[0], "consensus");
    ck_assert_uint_eq(args.retries, 3);
    ck_assert_uint_eq(args.timeout_s, 120);
    ck_assert_ptr_null(args.output);
    ck_assert_ptr_null(args.encoding);
    ck_assert(!args.anonymous && !args.no_verify && !args.json && !args.raw);
    /* The public network: authorities are believed, bridge authorities not asked. */
    ck_assert_uint_ge(args.sources.n_auths, 8);
    size_t authorities = 0;
    for (size_t i = 0; i < args.sources.n; i++) {
        ck_assert_int_eq(args.sources.list[i].kind, SOURCE_ORPORT);
        ck_assert(args.sources.list[i].has_rsa && args.sources.list[i].addr.port);
        authorities += args.sources.list[i].is_authority;
    }
    ck_assert_uint_ge(authorities, 8);
    ck_assert_uint_gt(args.sources.n, authorities + 50);
    fetch_args_free(&args);
}
END_TEST

START_TEST(test_fetch_args_takes_each)
{
    ck_ok(parse("server/all|--from|127.0.0.1:5001,rsa=$AAAABBBBCCCCDDDDEEEEFFFFAAAABBBBCCCCDDDD,"
                "ed25519=AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8|--dirport=[::1]:80|"
                "--encoding|gzip|--no-verify|--retries|0|--timeout|5|-o|x/|--json|-v|--|keys/all"));
    ck_assert_uint_eq(args.n_wants, 2);
    ck_assert_int_eq(args.wants[1].kind, DOCS_KEYS);
    ck_assert_uint_eq(args.sources.n, 2);
    const struct source_spec *s = args.sources.list;
    ck_assert(s[0].is_given && s[0].has_rsa && s[0].has_ed && s[0].rsa.b[0] == 0xaa);
    ck_assert_uint_eq(s[0].ed.b[31], 31);
    ck_assert_uint_eq(s[0].addr.port, 5001);
    ck_assert_str_eq(s[0].name, "127.0.0.1:5001");
    ck_assert_int_eq(s[1].kind, SOURCE_DIRPORT);
    ck_assert_str_eq(s[1].name, "[::1]:80");
    ck_assert_str_eq(args.encoding, "gzip");
    ck_assert_str_eq(args.output, "x/");
    ck_assert(args.no_verify && args.json && args.verbose && !args.quiet);
    ck_assert_uint_eq(args.retries, 0);
    ck_assert_uint_eq(args.timeout_s, 5);
    ck_assert_uint_ge(args.sources.n_auths, 8); /* who is asked is not who is believed */
    fetch_args_free(&args);
    ck_ok(parse("consensus|--anonymous|--data-directory|d|-q|--annotate"));
    ck_assert(args.anonymous && args.quiet && args.annotate);
    ck_assert_uint_eq(args.sources.n, 1);
    ck_assert_int_eq(args.sources.list[0].kind, SOURCE_ANONYMOUS);
    fetch_args_free(&args);
    ck_ok(parse("--help|--from|127.0.0.1:1"));
    ck_assert(args.help);
    fetch_args_free(&args);
}
END_TEST

START_TEST(test_fetch_args_another_network)
{
    ck_ok(parse("consensus|--dir-authority|" AUTHORITY));
    ck_assert_uint_eq(args.sources.n, 1); /* the public fallbacks are nobody there */
    ck_assert_uint_eq(args.sources.n_auths, 1);
    ck_assert_uint_eq(args.sources.auths[0].b[0], 0x01);
    ck_assert(args.sources.list[0].is_authority && !args.sources.list[0].is_given);
    ck_assert_uint_eq(args.sources.list[0].addr.port, 5001);
    ck_assert_str_eq(args.sources.authority_lines[0], AUTHORITY);
    ck_assert_ptr_null(args.sources.authority_lines[1]);
    fetch_args_free(&args);
    ck_ok(parse("consensus|--from|127.0.0.1:1|--dir-authority|" AUTHORITY));
    ck_assert_uint_eq(args.sources.n, 1);
    ck_assert(args.sources.list[0].is_given);
    ck_assert_uint_eq(args.sources.n_auths, 1);
    fetch_args_free(&args);
}
END_TEST

static const char *const bad[] = {
    "",
    "nonsense",
    "consensus|--nonsense",
    "consensus|--from",
    "consensus|--json=1",
    "consensus|--from|localhost:9001",
    "consensus|--from|127.0.0.1",
    "consensus|--from|127.0.0.1:0",
    "consensus|--from|127.0.0.1:65536",
    "consensus|--from|",
    "consensus|--from|,",
    "consensus|--from|127.0.0.1:1,rsa=",
    "consensus|--from|127.0.0.1:1,rsa=$",
    "consensus|--from|127.0.0.1:1,ed25519=",
    "consensus|--from|127.0.0.1:1,ed25519=AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8AAA",
    "consensus|--dirport|127.0.0.1:80,rsa=AAAABBBBCCCCDDDDEEEEFFFFAAAABBBBCCCCDDDD",
    "consensus|--dir-authority|x",
    "consensus|--encoding|br",
    "consensus|--retries|21",
    "consensus|--timeout|0",
    "consensus|--timeout|86401",
    "consensus|-o|",
    "consensus|--data-directory|d",
    "consensus|--anonymous|--dirport|127.0.0.1:1",
    "consensus|--raw|--json",
    "consensus|-q|-v",
};

START_TEST(test_fetch_args_refuses)
{
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        ck_assert_msg(parse(bad[i]) == ERR_ARG, "%s", bad[i]);
        ck_assert_msg(why[0] && strcmp(why, "out of memory") != 0, "%s", bad[i]);
        ck_assert_ptr_null(strchr(why, '\n'));
        fetch_args_free(&args);
    }
}
END_TEST

TESTS("app/fetch_args", test_fetch_args_defaults, test_fetch_args_takes_each,
      test_fetch_args_another_network, test_fetch_args_refuses)
