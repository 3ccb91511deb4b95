/* The command line of "tunic testnet". */
#include "app/testnet/args.h"

#include <stdio.h>
#include <string.h>

#include "support/test.h"

static struct testnet_args args;
static char why[ARG_WHY];

/* Words separated by '|', so that a value may hold blanks. */
static err_t parse(const char *line)
{
    static char text[1024];
    static char *argv[40];
    int argc = 0;
    argv[argc++] = "testnet";
    snprintf(text, sizeof text, "%s", line);
    for (char *at = text; *line && at; argc++) {
        argv[argc] = at;
        at = strchr(at, '|');
        if (at)
            *at++ = 0;
    }
    argv[argc] = NULL;
    return testnet_args_parse(argc, argv, &args, why);
}

START_TEST(test_testnet_args_defaults)
{
    ck_ok(parse(""));
    ck_assert_uint_eq(args.wish.authorities, 3);
    ck_assert_uint_eq(args.wish.relays, 8);
    ck_assert_uint_eq(args.wish.exits, 3);
    ck_assert_ptr_null(args.command);
    ck_assert_ptr_null(args.dir);
    ck_assert(!args.no_client && !args.has_seed);
    ck_assert_uint_eq(args.socks_port, 0);
    ck_ok(parse("--relays|3"));
    ck_assert_uint_eq(args.wish.exits, 1);
}
END_TEST

START_TEST(test_testnet_args_takes_each)
{
    ck_ok(parse("--relays=20|--exits|5|--authorities|1|--phantom|100|--params|a=1 b=2|--interval|"
                "60|--exit-policy|accept *:80,reject *:*|--seed|9|--base-port|5000|--delay|10|"
                "--jitter|5|--loss-of-link|30|--dir|d|--socks-port|9150|--timeout|5|--log|info|"
                "--quiet|--spread|light|--protocols|Relay=2-4"));
    ck_assert_uint_eq(args.wish.relays, 20);
    ck_assert_uint_eq(args.wish.exits, 5);
    ck_assert_uint_eq(args.wish.authorities, 1);
    ck_assert_uint_eq(args.wish.phantoms, 100);
    ck_assert_int_eq(args.wish.spread, SPREAD_LIGHT);
    ck_assert_str_eq(args.wish.params, "a=1 b=2");
    ck_assert_str_eq(args.wish.protos, "Relay=2-4");
    ck_assert_uint_eq(args.wish.interval_s, 60);
    ck_assert_str_eq(args.wish.exit_policy, "accept *:80,reject *:*");
    ck_assert(args.has_seed && args.seed == 9);
    ck_assert_uint_eq(args.wish.base_port, 5000);
    ck_assert_uint_eq(args.rules.delay_ms, 10);
    ck_assert_uint_eq(args.rules.jitter_ms, 5);
    ck_assert_uint_eq(args.rules.mean_life_s, 30);
    ck_assert_str_eq(args.dir, "d");
    ck_assert_uint_eq(args.socks_port, 9150);
    ck_assert_uint_eq(args.timeout_s, 5);
    ck_assert_int_eq(args.level, LOG_INFO);
    ck_assert(args.quiet && !args.no_client);
    ck_ok(parse("--no-client"));
    ck_assert(args.no_client);
}
END_TEST

START_TEST(test_testnet_args_rates)
{
    static const struct {
        const char *line;
        uint64_t rate;
    } cases[] = {{"--rate|5000", 5000},
                 {"--rate|500KB", 512000},
                 {"--rate|2MB", 2 << 20},
                 {"--rate|8mbit", 1 << 20},
                 {"--rate|16kbit", 2048},
                 {"--rate|3M", 3 << 20},
                 {"--rate|1000000000MB", (uint64_t)1000000000 << 20}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ck_ok(parse(cases[i].line));
        ck_assert_uint_eq(args.rules.rate, cases[i].rate);
    }
    ck_ok(parse("--rate|1MB|--burst|10MB"));
    ck_assert_uint_eq(args.rules.burst, 10 << 20);
}
END_TEST

START_TEST(test_testnet_args_hosts)
{
    char at[IPPORT_TEXT_MAX];
    ck_ok(parse("--host|a.example=127.0.0.1:8000|--host|b=127.9.9.9|--host|c:443=[::1]:8443"));
    ck_assert_uint_eq(args.n_hosts, 3);
    ck_assert_str_eq(args.hosts[0].name, "a.example");
    ck_assert_str_eq(ipport_text(&args.hosts[0].to, at), "127.0.0.1:8000");
    ck_assert_uint_eq(args.hosts[0].port, 0);
    ck_assert_str_eq(ipport_text(&args.hosts[1].to, at), "127.9.9.9:0");
    ck_assert_str_eq(args.hosts[2].name, "c");
    ck_assert_uint_eq(args.hosts[2].port, 443);
    ck_assert_str_eq(ipport_text(&args.hosts[2].to, at), "[::1]:8443");
    testnet_args_free(&args);
}
END_TEST

START_TEST(test_testnet_args_command_is_the_rest)
{
    ck_ok(parse("--quiet|--|curl|--relays|x"));
    ck_assert_str_eq(args.command[0], "curl");
    ck_assert_str_eq(args.command[1], "--relays");
    ck_assert_str_eq(args.command[2], "x");
    ck_assert_ptr_null(args.command[3]);
}
END_TEST

/* What is wrong, and the words that tell of it: the option, the value, what to do. */
START_TEST(test_testnet_args_says_what_is_wrong)
{
    static const struct {
        const char *line, *says;
    } cases[] = {
        {"--exits|0", "--exits \"0\": without an exit"},
        {"--relays|many", "--relays \"many\": must be a whole number from 3 to"},
        {"--relays|2", "from 3"},
        {"--relays|-5", "whole number"},
        {"--relays|99999999999999999999999", "whole number"},
        {"--relays", "--relays: needs a value"},
        {"--authorities|0", "from 1"},
        {"--colour|red", "--colour: there is no such option"},
        {"curl", "after \"--\""},
        {"--", "no command behind it"},
        {"--quiet=yes", "takes no value"},
        {"--host|x", "NAME=ADDRESS"},
        {"--host|=127.0.0.1", "NAME=ADDRESS"},
        {"--host|a\"b=127.0.0.1", "NAME=ADDRESS"},
        {"--host|x=example.com", "names are not looked up"},
        {"--host|x=192.0.2.1", "not a loopback address"},
        {"--host|x=[2001:db8::1]:80", "not a loopback address"},
        {"--host|x:0=127.0.0.1:80", "port must be"},
        {"--exit-policy|accept 192.0.2.1:80", "192.0.2.1 is not a loopback address"},
        {"--exit-policy|accept 10.0.0.0/8:*", "not a loopback address"},
        {"--exit-policy|allow *:80", "must be rules like"},
        {"--exit-policy|accept *", "has no port"},
        {"--exit-policy|", "is empty"},
        {"--exit-policy|accept example.com:80", "is no address"},
        {"--rate|fast", "must be a rate"},
        {"--rate|5", "from 1KB on"},
        {"--rate|5 parsecs", "must be a rate"},
        {"--loss-of-link|0", "from 1 to"},
        {"--fault|guard1", "NODE:FAULT"},
        {"--fault|:dir-404", "NODE:FAULT"},
        {"--fault|guard1:nonsense", "no such fault"},
        {"--fault|guard1:dir-404=x", "the number after ="},
        {"--socks-port|9150|--no-client", "there is no client"},
        {"--socks-port|0", "from 1 to 65535"},
        {"--socks-port|65536", "from 1 to 65535"},
        {"--log|loud", "must be debug, info"},
        {"--dir|", "name of a folder"},
        {"--interval|1", "from 10"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ck_err(parse(cases[i].line), ERR_ARG);
        ck_assert_msg(strstr(why, cases[i].says), "%s: %s", cases[i].line, why);
    }
}
END_TEST

START_TEST(test_testnet_args_bounds_lists)
{
    char *argv[2 * TESTNET_HOSTS_MOST + 4] = {"testnet"};
    int argc = 1;
    for (int i = 0; i <= TESTNET_HOSTS_MOST; i++) {
        argv[argc++] = "--host";
        argv[argc++] = "x=127.0.0.1";
    }
    ck_err(testnet_args_parse(argc, argv, &args, why), ERR_ARG);
    ck_assert_ptr_nonnull(strstr(why, "64 hosts at most"));
    ck_ok(testnet_args_parse(argc - 2, argv, &args, why));
    testnet_args_free(&args);
}
END_TEST

TESTS("app/testnet_args", test_testnet_args_defaults, test_testnet_args_takes_each,
      test_testnet_args_rates, test_testnet_args_hosts, test_testnet_args_command_is_the_rest,
      test_testnet_args_says_what_is_wrong, test_testnet_args_bounds_lists)
