/* Commands about options: what is answered, what is asked of the surroundings, what is told. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/control.h"
#include "control/ev_conf.h"
#include "control/session.h"
#include "dir/servers.h"
#include "support/test.h"

static struct {
    struct env *env;
    struct control *control;
    struct options *options;
    void *session;
    /* what the surroundings answer, and what they were asked */
    err_t err;
    const char *why;
    unsigned flags;
    bool forced, can_save;
    char asked[64 * 1024];
} t;

static const struct options *options_now(void *world)
{
    (void)world;
    return t.options;
}

/* "Name=value;Name=;" */
static err_t set_options(void *world, const struct conf_line *lines, unsigned flags,
                         struct conf_err *e)
{
    (void)world;
    t.flags = flags;
    t.asked[0] = 0;
    for (; lines; lines = lines->next) {
        size_t len = strlen(t.asked);
        ck_assert_str_eq(lines->where, CONF_FROM_CONTROLLER);
        snprintf(t.asked + len, sizeof t.asked - len, "%s=%s;", lines->key, lines->value);
    }
    return t.err == OK ? OK : conf_fail(e, t.err, "%s", t.why);
}

static err_t load_options(void *world, const char *text, struct conf_err *e)
{
    (void)world;
    snprintf(t.asked, sizeof t.asked, "%s", text);
    return t.err == OK ? OK : conf_fail(e, t.err, "%s", t.why);
}

static err_t save_options(void *world, bool force)
{
    (void)world;
    t.forced = force;
    return t.err;
}

static bool can_save_options(void *world)
{
    (void)world;
    return t.can_save;
}

static const char *torrc(void *world, bool defaults)
{
    (void)world;
    return defaults ? "/etc/torrc-defaults" : "/etc/torrc";
}

static const struct control_world world = {
    .options = options_now,
    .set_options = set_options,
    .load_options = load_options,
    .save_options = save_options,
    .can_save_options = can_save_options,
    .torrc = torrc,
};

static void nothing(void *holder)
{
    (void)holder;
}

static void put(const char *text)
{
    size_t room, left = strlen(text);
    while (left > 0) {
        uint8_t *to = session_talk.in_room(t.session, &room);
        ck_assert_ptr_nonnull(to);
        size_t n = left < room ? left : room;
        memcpy(to, text, n);
        text += n;
        left -= n;
        session_talk.in_done(t.session, n);
    }
}

static void assert_says(const char *want)
{
    size_t len;
    const uint8_t *out = session_talk.out(t.session, &len);
    char *said = calloc(1, len + 1);
    if (len)
        memcpy(said, out, len);
    session_talk.sent(t.session, len);
    ck_assert_str_eq(said, want);
    free(said);
}

static void ask(const char *command, const char *want)
{
    put(command);
    put("\r\n");
    assert_says(want);
}

static void assign(struct options *o, const char *torrc_text)
{
    struct conf_line *lines;
    struct conf_err e;
    ck_ok(conf_lex(NULL, "torrc", torrc_text, &lines, NULL, &e));
    ck_ok(options_assign(o, lines, 0, NULL, &e));
    conf_lines_free(lines);
}

static void setup(const char *torrc_text)
{
    static const struct talk_ops ops = {nothing, nothing, nothing};
    static const struct ipport nowhere = {.ip = {.family = IP_NONE}};
    memset(&t, 0, sizeof t);
    t.env = test_env(1);
    t.options = options_new(false);
    assign(t.options, torrc_text);
    t.control = control_new(t.env, NULL, &world, NULL);
    t.session = session_talk.make(t.control, &nowhere, &ops, NULL);
    ask("AUTHENTICATE", "250 OK\r\n");
}

static void teardown(void)
{
    session_talk.free(t.session);
    control_free(t.control);
    options_free(t.options);
    test_env_free(t.env);
}

START_TEST(test_getconf_answers_all_names_or_names_all_that_are_unknown)
{
    setup("SocksPort 1\nSocksPort 2\nContactInfo \"a # b\"\n");
    ask("GETCONF", "250 OK\r\n");
    ask("GETCONF socksport", "250-SocksPort=1\r\n250 SocksPort=2\r\n");
    ask("GETCONF ContactInfo Nickname EntryNodes SocksPortLines",
        "250-ContactInfo=\"a # b\"\r\n250-Nickname\r\n250-EntryNodes=\r\n250-SocksPort=1\r\n"
        "250 SocksPort=2\r\n");
    ask("GETCONF x SocksPort y=1", "552-Unrecognized configuration key \"x\"\r\n"
                                   "552 Unrecognized configuration key \"y=1\"\r\n");
    teardown();
}
END_TEST

/* What txtorcon's TorConfig does. */
START_TEST(test_getconf_answers_for_every_name)
{
    size_t n;
    const struct opt *table = opt_table(&n);
    setup("");
    for (size_t i = 0; i < n; i++) {
        char command[128], want[128];
        snprintf(command, sizeof command, "GETCONF %s\r\n", table[i].name);
        snprintf(want, sizeof want, "250 %s", table[i].name);
        put(command);
        size_t len;
        const uint8_t *out = session_talk.out(t.session, &len);
        ck_assert_msg(len > strlen(want) && memcmp(out, want, strlen(want)) == 0, "%s", command);
        session_talk.sent(t.session, len);
    }
    teardown();
}
END_TEST

/* A quarter of a megabyte, and no word in tor for it. */
START_TEST(test_getconf_answers_no_more_than_fits_an_answer)
{
    enum { VALUE = 256 << 10, TIMES = 300 };
    static char torrc_text[sizeof "ContactInfo \n" + VALUE] = "ContactInfo ",
                                                     command[TIMES * sizeof "ContactInfo" + 16];
    memset(strchr(torrc_text, ' ') + 1, 'a', VALUE);
    torrc_text[strlen(torrc_text)] = '\n';
    setup(torrc_text);
    char *at = stpcpy(command, "GETCONF");
    for (int i = 0; i < TIMES; i++)
        at = stpcpy(at, " ContactInfo");
    ask(command, "551 queue or buffer is full\r\n");
    ask("GETCONF Nickname", "250 Nickname\r\n");
    teardown();
}
END_TEST

START_TEST(test_setconf_hands_on_what_was_said)
{
    setup("");
    t.err = ERR_IO;
    ask("SETCONF", "250 OK\r\n"); /* nobody is asked */
    t.err = OK;
    ck_assert_str_eq(t.asked, "");
    ask("SETCONF socksPort=1 SocksPort=\"2 IsolateDestAddr\"  Nickname Log=\"a\\\"\\x41\\n\"",
        "250 OK\r\n");
    ck_assert_str_eq(t.asked, "socksPort=1;SocksPort=2 IsolateDestAddr;Nickname=;Log=a\"A\n;");
    ck_assert_uint_eq(t.flags, ASSIGN_CLEAR_FIRST);
    ask("resetconf Nickname", "250 OK\r\n");
    ck_assert_str_eq(t.asked, "Nickname=;");
    ck_assert_uint_eq(t.flags, ASSIGN_CLEAR_FIRST | ASSIGN_USE_DEFAULTS);
    t.asked[0] = 0;
    static const char *const bad[] = {"A = 1",     "A=\"1", "=\"1\"", "A=\"\\0\"",
                                      "A=\"\\x\"", "\"a\"", "A'=1",   "A=\"a\\"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char command[64];
        snprintf(command, sizeof command, "SETCONF %s", bad[i]);
        ask(command, "512 Bad arguments to SETCONF: Cannot parse keyword argument(s)\r\n");
        ck_assert_str_eq(t.asked, "");
    }
    teardown();
}
END_TEST

START_TEST(test_setconf_refusals_have_tors_codes)
{
    static const struct {
        err_t err;
        const char *why, *want;
    } rows[] = {
        {ERR_NOT_FOUND, "controller: Unknown option 'x'.  Failing.",
         "552 Unrecognized option: Unknown option 'x'.  Failing.\r\n"},
        {ERR_MALFORMED, "controller: a\r\nb", "513 Unacceptable option value: a  b\r\n"},
        {ERR_UNSUPPORTED, "controller: a", "513 Unacceptable option value: a\r\n"},
        {ERR_STATE, "While Tor is running, changing User is not allowed",
         "553 Transition not allowed: While Tor is running, changing User is not allowed\r\n"},
        {ERR_IO, "a", "553 Unable to set option: a\r\n"},
    };
    setup("");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        t.err = rows[i].err;
        t.why = rows[i].why;
        ask("SETCONF x=1", rows[i].want);
        ask("RESETCONF x", rows[i].want);
    }
    teardown();
}
END_TEST

START_TEST(test_loadconf_hands_on_the_text_and_has_codes_of_its_own)
{
    setup("");
    ask("+LOADCONF\r\nSocksPort 1\r\n..x\r\n.", "250 OK\r\n");
    ck_assert_str_eq(t.asked, "SocksPort 1\n.x\n");
    ask("LOADCONF", "510 Unrecognized command \"LOADCONF\"\r\n");
    ask("+LOADCONF\r\n.", "512 Bad arguments to +LOADCONF: Empty body\r\n");
    ask("+LOADCONF a\r\nb\r\n.",
        "512 Bad arguments to +LOADCONF: Cannot accept more than 0 argument(s)\r\n");
    t.why = "controller:2: a";
    t.err = ERR_MALFORMED;
    ask("+LOADCONF\r\nx\r\n.", "552 Invalid config file: Failed to parse/validate config: a\r\n");
    t.err = ERR_UNSUPPORTED;
    ask("+LOADCONF\r\nx\r\n.", "550 Unable to load config: a\r\n");
    t.err = ERR_STATE;
    ask("+LOADCONF\r\nx\r\n.",
        "553 Transition not allowed: Failed to parse/validate config: a\r\n");
    t.err = ERR_IO;
    ask("+LOADCONF\r\nx\r\n.", "553 Unable to set option: Failed to parse/validate config: a\r\n");
    teardown();
}
END_TEST

/* 4096 and no more: COMMAND is what stands before them, LINE one of them, END behind them. */
static void assert_bound(const char *command, const char *line, const char *end)
{
    char want[96];
    for (int more = 0; more < 2; more++) {
        char *text = malloc(strlen(command) + 4097 * strlen(line) + 8), *at = text;
        at = stpcpy(at, command);
        for (int i = 0; i < 4096 + more; i++)
            at = stpcpy(at, line);
        strcpy(at, end);
        snprintf(want, sizeof want,
                 "512 Bad arguments to %.*s: Cannot accept more than 4096 lines\r\n",
                 (int)strcspn(command, " \r"), command);
        ask(text, more ? want : "250 OK\r\n");
        free(text);
    }
}

START_TEST(test_conf_commands_take_so_many_lines_and_no_more)
{
    setup("");
    assert_bound("SETCONF ", "A ", "");
    assert_bound("RESETCONF ", "A=1 ", "");
    assert_bound("+LOADCONF\r\n", "A 1\r\n", ".");
    teardown();
}
END_TEST

START_TEST(test_saveconf_is_forced_by_its_flag_only)
{
    setup("");
    ask("SAVECONF", "250 OK\r\n");
    ck_assert(!t.forced);
    ask("SAVECONF force", "250 OK\r\n");
    ck_assert(t.forced);
    ask("SAVECONF FORCE=1 x", "250 OK\r\n");
    ck_assert(!t.forced);
    ask("SAVECONF \"x\"", "512 Bad arguments to SAVECONF: Cannot parse keyword argument(s)\r\n");
    t.err = ERR_IO;
    ask("SAVECONF", "551 Unable to write configuration to disk.\r\n");
    teardown();
}
END_TEST

START_TEST(test_info_about_options)
{
    setup("SocksPort 1\nContactInfo \"a # b\"\n");
    ask("GETINFO config-file config-defaults-file",
        "250-config-file=/etc/torrc\r\n250-config-defaults-file=/etc/torrc-defaults\r\n250 OK\r\n");
    ask("GETINFO config-can-saveconf", "250-config-can-saveconf=0\r\n250 OK\r\n");
    t.can_save = true;
    ask("GETINFO config-can-saveconf", "250-config-can-saveconf=1\r\n250 OK\r\n");
    ask("GETINFO config-text",
        "250+config-text=\r\nContactInfo \"a # b\"\r\nSocksPort 1\r\n.\r\n250 OK\r\n");
    ask("GETINFO config/", "552 Unrecognized key \"config/\"\r\n");
    ask("GETINFO config/Names", "552 Unrecognized key \"config/Names\"\r\n");
    teardown();
}
END_TEST

static const char *answer_to(const char *command)
{
    static char said[65536];
    size_t len;
    put(command);
    const uint8_t *out = session_talk.out(t.session, &len);
    ck_assert_uint_lt(len, sizeof said);
    memcpy(said, out, len);
    said[len] = 0;
    session_talk.sent(t.session, len);
    return said;
}

START_TEST(test_info_has_names_types_and_defaults)
{
    setup("UseDefaultFallbackDirs 0\n");
    const char *names = answer_to("GETINFO config/names\r\n");
    ck_assert_ptr_nonnull(strstr(names, "\r\nSocksPort Dependent\r\nSocksPortLines Virtual\r\n"));
    ck_assert_ptr_nonnull(strstr(names, "\r\nMaxCircuitDirtiness TimeInterval\r\n"));
    ck_assert_ptr_null(strstr(names, "FastFirstHopPK"));
    ck_assert_ptr_null(strstr(names, "___Using"));
    const char *defaults = answer_to("GETINFO config/defaults\r\n");
    ck_assert_ptr_nonnull(strstr(defaults, "\r\nMaxCircuitDirtiness \"10 minutes\"\r\n"));
    ck_assert_ptr_nonnull(strstr(defaults,
                                 "\r\nDirAuthority \"dizum orport=443 "
                                 "v3ident=E8A9C45EDE6D711294FADF8E7951F4DE6CA56B58 45.66.35.11:80 "
                                 "7EA6EAD6FD83083C538F44038BBFA077587DD755\"\r\n"));
    ck_assert_ptr_null(strstr(defaults, "FallbackDir \""));
    struct dir_servers servers;
    size_t authorities = 0;
    dir_servers_init(&servers);
    ck_ok(dir_servers_add_public_authorities(&servers));
    for (const char *at = defaults; (at = strstr(at, "\r\nDirAuthority \"")); at++)
        authorities++;
    ck_assert_uint_eq(authorities, servers.n);
    dir_servers_free(&servers);
    t.options->use_default_fallback_dirs = true;
    defaults = answer_to("GETINFO config/defaults\r\n");
    ck_assert_ptr_nonnull(strstr(defaults, "\r\nFallbackDir \"64.65.62.122 orport=443 "
                                           "id=4F067C5C488173987B568CD7245F1CA71DEE996B\"\r\n"));
    teardown();
}
END_TEST

START_TEST(test_conf_changed_is_told_to_who_wants_it)
{
    setup("");
    struct options *now = options_new(false);
    assign(now, "SocksPort 1\nContactInfo \"a\\nb\"\nExitNodes a\n");
    control_tell_conf_changed(t.control, t.options, now);
    assert_says("");
    ask("SETEVENTS CONF_CHANGED", "250 OK\r\n");
    control_tell_conf_changed(t.control, now, now);
    assert_says("");
    control_tell_conf_changed(t.control, t.options, now);
    assert_says("650-CONF_CHANGED\r\n650-ContactInfo=\"a\\nb\"\r\n650-ExitNodes=a\r\n"
                "650-SocksPort=1\r\n650 OK\r\n");
    control_tell_conf_changed(t.control, now, t.options);
    assert_says("650-CONF_CHANGED\r\n650-ContactInfo\r\n650-ExitNodes=\r\n650-SocksPortLines\r\n"
                "650 OK\r\n");
    options_free(now);
    teardown();
}
END_TEST

TESTS("control/cmd_conf", test_getconf_answers_all_names_or_names_all_that_are_unknown,
      test_getconf_answers_for_every_name, test_getconf_answers_no_more_than_fits_an_answer,
      test_setconf_hands_on_what_was_said, test_setconf_refusals_have_tors_codes,
      test_loadconf_hands_on_the_text_and_has_codes_of_its_own,
      test_conf_commands_take_so_many_lines_and_no_more, test_saveconf_is_forced_by_its_flag_only,
      test_info_about_options, test_info_has_names_types_and_defaults,
      test_conf_changed_is_told_to_who_wants_it)
