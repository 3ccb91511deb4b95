#include "capture.h"

/* WANT: "Name=value;Name=value;" */
static void assert_shows(const struct options *o, const char *name, const char *want)
{
    struct conf_line *lines = NULL;
    char text[256] = "";
    ck_ok(options_get(o, opt_find(name), &lines));
    for (struct conf_line *l = lines; l; l = l->next) {
        size_t len = strlen(text);
        snprintf(text + len, sizeof text - len, "%s=%s;", l->key, l->value);
    }
    ck_assert_str_eq(text, want);
    conf_lines_free(lines);
}

START_TEST(test_options_every_option_parses_its_own_default)
{
    size_t n;
    const struct opt *table = opt_table(&n);
    struct options *o = options_new(false), *defaults = options_new(false);
    ck_assert_uint_gt(n, 370);
    for (size_t i = 0; i < n; i++) {
        const char *initial = opt_initial(&table[i], false);
        if (!initial || table[i].kind == OPT_OBSOLETE || table[i].flags & OPTF_HIDDEN)
            continue;
        struct conf_line line = {.key = (char *)(uintptr_t)table[i].name,
                                 .value = (char *)(uintptr_t)initial,
                                 .where = (char *)(uintptr_t) "x"};
        struct conf_err e = {""};
        struct capture *c = capture_new();
        err_t err = options_assign(o, &line, 0, &c->log, &e);
        ck_assert_msg(err == OK, "%s %s: %s", table[i].name, initial, e.text);
        ck_assert_msg(initial[0] == 0 || c->text[0] == 0, "%s warns: %s", table[i].name, c->text);
        free(c);
    }
    const struct opt *differ[4] = {NULL};
    ck_assert_msg(options_diff(o, defaults, differ, 4) == 0, "%s differs", differ[0]->name);
    options_free(o);
    options_free(defaults);
}
END_TEST

START_TEST(test_options_table_is_sorted_and_ours_come_last)
{
    size_t n;
    const struct opt *table = opt_table(&n);
    for (size_t i = 1; i < n; i++) {
        bool ours = table[i].flags & OPTF_OURS, before = table[i - 1].flags & OPTF_OURS;
        ck_assert_msg(ours ? !before || strcasecmp(table[i - 1].name, table[i].name) < 0
                           : !before && strcasecmp(table[i - 1].name, table[i].name) < 0,
                      "%s", table[i].name);
        ck_assert(!ours || opt_find(table[i].name) == &table[i]);
    }
}
END_TEST

/* A member is a promise that somebody reads it. */
START_TEST(test_options_only_what_works_has_a_member_and_all_else_a_reason)
{
    size_t n;
    const struct opt *table = opt_table(&n);
    for (size_t i = 0; i < n; i++) {
        const struct opt *o = &table[i];
        ck_assert_msg((o->kind == OPT_WORKS) == (o->at != SIZE_MAX), "%s", o->name);
        ck_assert_msg((o->kind == OPT_WORKS || o->kind == OPT_OBSOLETE) == !o->reason, "%s",
                      o->name);
    }
}
END_TEST

START_TEST(test_options_defaults_are_tors)
{
    struct options *o = options_new(false);
    ck_assert_int_eq(o->max_circuit_dirtiness_s, 600);
    ck_assert_int_eq(o->new_circuit_period_s, 30);
    ck_assert_int_eq(o->socks_timeout_s, 120);
    ck_assert_int_eq(o->keepalive_period_s, 300);
    ck_assert_int_eq(o->log_time_granularity_ms, 1000);
    ck_assert_int_eq(o->connection_padding, AUTO);
    ck_assert_int_eq(o->max_client_circuits_pending, 32);
    ck_assert(o->enforce_distinct_subnets && o->use_entry_guards && o->client_use_ipv4);
    ck_assert(!o->test_socks && !o->safe_socks && !o->testing_tor_network);
    ck_assert_str_eq(o->warn_plaintext_ports_csv, "23,109,110,143");
    ck_assert_ptr_null(o->entry_nodes);
    options_free(o);
}
END_TEST

static const struct {
    const char *line;
    int value;
} DIRTINESS[] = {
    {"600", 600},        {"10 minutes", 600},  {"10minutes", 600},  {"1 HOUR", 3600},
    {"1.5 hours", 5400}, {"0.5 minute", 30},   {"2 days", 172800},  {"1 week", 604800},
    {"11 second", 11},   {"20 seconds  ", 20}, {"20\tseconds", 20}, {"+20", 20},
    {".5 minutes", 30},  {"1. hour", 3600},    {"020", 20},         {"\"20 # x\\nseconds\"", 20},
    {"1.5e1", 15}};

START_TEST(test_options_time_units)
{
    for (size_t i = 0; i < sizeof DIRTINESS / sizeof DIRTINESS[0]; i++) {
        char torrc[128];
        snprintf(torrc, sizeof torrc, "MaxCircuitDirtiness %s\n", DIRTINESS[i].line);
        struct options *o = good_options(torrc);
        ck_assert_int_eq(o->max_circuit_dirtiness_s, DIRTINESS[i].value);
        options_free(o);
    }
}
END_TEST

START_TEST(test_options_values_of_each_type)
{
    struct options *o = good_options(
        "SafeSocks 1\nConnectionPadding Auto\nClientPreferIPv6ORPort 0\nNumEntryGuards 3\n"
        "ConstrainedSockSize 1.5 GB\nPathsNeededToBuildCircuits 0.6\nLogTimeGranularity 1 "
        "millisecond\n"
        "LongLivedPorts 21, 22 ,80\nDataDirectory /x y\nUser \"a b\"\n"
        "ClientBootstrapConsensusAuthorityDownloadInitialDelay 10, 20, 3 days\n"
        "__OwningControllerFD 18446744073709551614\nNumCPUs 2147483647\n");
    ck_assert(o->safe_socks);
    ck_assert_int_eq(o->connection_padding, AUTO);
    ck_assert_int_eq(o->client_prefer_ipv6_orport, NO);
    ck_assert_int_eq(o->num_entry_guards, 3);
    ck_assert(o->constrained_sock_size_bytes == 1610612736);
    ck_assert(o->paths_needed_to_build_circuits > 0.59 && o->paths_needed_to_build_circuits < 0.61);
    ck_assert_int_eq(o->log_time_granularity_ms, 1);
    ck_assert_str_eq(o->long_lived_ports_csv, "21,22,80");
    ck_assert_uint_eq(o->is.long_lived.n, 3);
    ck_assert_str_eq(o->data_directory, "/x y");
    ck_assert_str_eq(o->user, "a b");
    ck_assert_int_eq(o->bootstrap_authority_delay_s, 10);
    assert_shows(o, "__OwningControllerFD", "__OwningControllerFD=18446744073709551614;");
    assert_shows(o, "NumCPUs", "NumCPUs=2147483647;");
    options_free(o);
}
END_TEST

static const struct {
    const char *torrc, *says;
} BAD[] = {
    {"# x\nMaxCircuitDirtiness 10 parsecs\n",
     "torrc:2: Could not parse MaxCircuitDirtiness: Provided value is malformed or out of bounds: "
     "Unknown unit in 10 parsecs"},
    {"MaxCircuitDirtiness -1\n", "Unable to parse -1 as a number"},
    {"MaxCircuitDirtiness x\n", "Unable to parse x as a number"},
    {"MaxCircutDirtiness 5\n",
     "torrc:1: Unknown option 'MaxCircutDirtiness'.  Failing. Did you mean "
     "\"MaxCircuitDirtiness\"?"},
    {"SockPort 5\n", "Did you mean \"SocksPort\"?"},
    {"exitnods x\n", "Did you mean \"ExitNodes\"?"},
    {"Xyzzy 5\n", "torrc:1: Unknown option 'Xyzzy'.  Failing."},
    {"Exit 5\n",
     "It may be short for ExitNodes, ExitPolicy, ExitPolicyRejectLocalInterfaces or others."},
    {"MaxCircuitDirtiness . hours\n", "Unable to parse . hours as a number"},
    {"MaxCircuitDirtiness nan\n", "Unable to parse nan as a number"},
    {"MaxCircuitDirtiness 1e3\n", "Unknown unit in 1e3"},
    {"MaxCircuitDirtiness 99999999999999999999\n", "Overflow while parsing"},
    {"MaxCircuitDirtiness 2147483648\n", "Provided value 2147483648 is too large"},
    {"MaxMemInQueues 9999999 TB\n", "Overflow while parsing"},
    {"MaxMemInQueues 9999999.5 TB\n", "Overflow while parsing"},
    {"MaxMemInQueues 1 k\n", "Unknown unit in 1 k"},
    {"SafeSocks yes\n",
     "torrc:1: Could not parse SafeSocks: Unrecognized value yes. Allowed values are 0 "
     "and 1."},
    {"ConnectionPadding maybe\n", "Allowed values are 0, 1, and auto."},
    {"NumEntryGuards -1\n", "Integer -1 is malformed or out of bounds. Allowed values are between "
                            "0 and 2147483647."},
    {"NumEntryGuards 2147483648\n", "malformed or out of bounds"},
    {"NumEntryGuards 3x\n", "malformed or out of bounds"},
    {"PathsNeededToBuildCircuits much\n", "Could not convert \"much\" to a number."},
    {"PathsNeededToBuildCircuits nan\n", "Could not convert"},
    {"PathsNeededToBuildCircuits 1e999\n", "too large to express"},
    {"__OwningControllerFD 18446744073709551616\n", "malformed or out of bounds"},
    {"SocksPortLines 9050\n", "Cannot assign directly to virtual option."},
    {"Foo bar\n", "Unknown option 'Foo'.  Failing."},
    {"___UsingTestNetworkDefaults 1\n", "Unknown option '___UsingTestNetworkDefaults'.  Failing."},
    {"S 1\n", "Unknown option 'S'.  Failing."},
    {"HardwareAccel maybe\n", "torrc:1: Could not parse HardwareAccel: Unrecognized value maybe."},
    {"UseBridges 1\n", "torrc:1: UseBridges \"1\": Tunic uses no bridges yet. To run without it, "
                       "remove the line or write \"UseBridges 0\"."},
    {"ControlPort 9051 IPv6Traffic\n", "Unrecognized ControlPort option 'IPv6Traffic'"},
    {"HiddenServiceDir /var/lib/tor/h\n",
     "torrc:1: HiddenServiceDir \"/var/lib/tor/h\": Tunic has no onion services yet. To run "
     "without it, remove the line."},
    {"HiddenServicePort 80\n", "remove the line."},
    {"HTTPSProxy 127.0.0.1:8080\n", "remove the line."},
    {"Socks4Proxy 127.0.0.1:1080\n", "remove the line."},
    {"Socks5Proxy 127.0.0.1:1080\n", "remove the line."},
    {"TCPProxy haproxy 127.0.0.1:1080\n", "remove the line."},
    {"TransPort 9040\n", "write \"TransPort 0\"."},
    {"DNSPort 5353\n", "write \"DNSPort 0\"."},
    {"NATDPort 1\n", "write \"NATDPort 0\"."},
    {"HTTPTunnelPort 8118\n", "write \"HTTPTunnelPort 0\"."},
    {"HashedControlPassword 16:00\n", "Bad HashedControlPassword: wrong length or bad encoding"},
    {"PathBiasNoticeRate 1.1\n", "PathBiasNoticeRate is too high. It must be between 0 and 1.0"},
    {"PathBiasExtremeUseRate 7\n", "PathBiasExtremeUseRate is too high."},
    {"AccountingMax 1 GB\n", "write \"AccountingMax 0"},
};

START_TEST(test_options_refusals)
{
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++)
        assert_refused(BAD[i].torrc, BAD[i].says);
}
END_TEST

START_TEST(test_options_that_are_off_are_fine_without_a_word)
{
    struct capture *c = capture_new();
    struct conf_err e = {""};
    struct options *o = options_from(
        "ORPort 0\nDirPort 0\nControlPort 0\nTransPort 0\nDNSPort 0\nUseBridges 0\nExitRelay 0\n"
        "ExitRelay auto\nBridgeRelay 0\nSandbox 0\nAccountingMax 0 bytes\n"
        "ControlSocket 0\nMetricsPort 0\nKeepBindCapabilities auto\n",
        &c->log, &e);
    ck_assert_msg(o != NULL, "%s", e.text);
    ck_assert_str_eq(c->text, "");
    options_free(o);
    free(c);
}
END_TEST

/* What cannot matter to a client is not worth a warning, but that a relay will not be one. */
START_TEST(test_options_without_effect_are_said_and_kept)
{
    struct capture *c = capture_new();
    struct conf_err e = {""};
    struct options *o = options_from(
        "HardwareAccel 1\nContactInfo me\nUseGuardFraction 1\nORPort auto\nORPort "
        "9001\nBridgeRelay 1\n"
        "Bridge 192.0.2.1:443\nBridge 192.0.2.2:443\nClientTransportPlugin obfs4 exec /x\n",
        &c->log, &e);
    ck_assert_msg(o != NULL, "%s", e.text);
    ck_assert_str_eq(
        c->text,
        "[info] torrc:1: HardwareAccel does not matter to a client: OpenSSL uses what the "
        "processor "
        "has.\n"
        "[info] torrc:2: ContactInfo does not matter to a client: it is for relays.\n"
        "[warn] torrc:3: UseGuardFraction has no effect: Tunic does not read guard fractions yet.\n"
        "[warn] torrc:4: ORPort has no effect: Tunic is a client and will not relay.\n"
        "[warn] torrc:6: BridgeRelay has no effect: Tunic is a client and will not relay.\n"
        "[warn] torrc:7: Bridge has no effect: Tunic uses no bridges yet.\n"
        "[warn] torrc:9: ClientTransportPlugin has no effect: Tunic starts no pluggable transports "
        "yet.\n");
    assert_shows(o, "ORPort", "ORPort=auto;ORPort=9001;");
    assert_shows(o, "Bridge", "Bridge=192.0.2.1:443;Bridge=192.0.2.2:443;");
    assert_shows(o, "ContactInfo", "ContactInfo=me;");
    options_free(o);
    free(c);
}
END_TEST

static const struct {
    const char *torrc, *log;
} WARNED[] = {
    {"MaxCircuitD 700\n",
     "The abbreviation 'MaxCircuitD' is deprecated. Please use 'MaxCircuitDirtiness' instead"},
    {"MaxConn 2000\n",
     "The configuration option 'MaxConn' is deprecated; use 'ConnLimit' instead."},
    {"SafeSocks 1\nSafeSocks 0\n",
     "Option 'SafeSocks' used more than once; all but the last value will be ignored."},
    {"SocksListenAddress 127.0.0.1\n",
     "Skipping obsolete configuration option \"SocksListenAddress\"."},
    {"SocksListenAddress 127.0.0.1\n", "write \"SocksPort ADDRESS:PORT\" instead"},
    {"WarnUnsafeSocks 1\n", "Skipping obsolete configuration option \"WarnUnsafeSocks\"."},
    {"FallbackDir\n", "Linelist option 'FallbackDir' has no value. Skipping."},
    {"MetricsPort 9035\n", "\"MetricsPortPolicy accept 127.0.0.1\" lets this computer in."},
    {"ControlPort 9051\n", "\"CookieAuthentication 1\" lets in only who can read a file."},
    {"ControlPort 9051\nHashedControlPassword mypass\n",
     "HashedControlPassword is no password, but what \"tunic --hash-password PASSWORD\" prints."},
};

START_TEST(test_options_warnings)
{
    for (size_t i = 0; i < sizeof WARNED / sizeof WARNED[0]; i++) {
        struct capture *c = capture_new();
        struct conf_err e = {""};
        options_free(options_from(WARNED[i].torrc, &c->log, &e));
        ck_assert_msg(strstr(c->text, WARNED[i].log) != NULL, "%s\nlogs %s", WARNED[i].torrc,
                      c->text);
        free(c);
    }
}
END_TEST

START_TEST(test_options_read_by_somebody_or_not_open_are_no_warning)
{
    static const char *const torrcs[] = {"MetricsPort 9035\nMetricsPortPolicy accept 127.0.0.1\n",
                                         "MetricsPort 0\n"};
    for (size_t i = 0; i < sizeof torrcs / sizeof torrcs[0]; i++) {
        struct capture *c = capture_new();
        struct conf_err e = {""};
        options_free(options_from(torrcs[i], &c->log, &e));
        ck_assert_ptr_null(strstr(c->text, "MetricsPortPolicy"));
        free(c);
    }
}
END_TEST

START_TEST(test_options_names_in_any_case_and_by_other_names)
{
    struct options *o =
        good_options("sAFEsOCKS 1\nDirServer x orport=1 127.0.0.1:1 "
                     "0123456789012345678901234567890123456789\nNumHelperNodes 4\nEntryNode abc\n");
    ck_assert(o->safe_socks);
    ck_assert_ptr_nonnull(strstr(o->dir_authority_lines->value, "x orport=1"));
    ck_assert_str_eq(o->dir_authority_lines->key, "DirAuthority");
    ck_assert_int_eq(o->num_entry_guards, 4);
    ck_assert_str_eq(o->entry_nodes, "abc");
    options_free(o);
}
END_TEST

static void assign(struct options *o, const char *torrc, unsigned flags)
{
    struct conf_err e = {""};
    struct conf_line *lines = lines_of(torrc);
    err_t err = options_assign(o, lines, flags, NULL, &e);
    ck_assert_msg(err == OK, "%s", e.text);
    conf_lines_free(lines);
}

static size_t count(const struct conf_line *l)
{
    size_t n = 0;
    for (; l; l = l->next)
        n++;
    return n;
}

START_TEST(test_options_lists_of_a_later_source_replace_or_append)
{
    struct options *o = options_new(false);
    assign(o, "SocksPort 1\nSocksPort 2\nEntryNodes a\nEntryNodes b,c\n", 0);
    ck_assert_uint_eq(count(o->socks_port_lines), 2);
    ck_assert_str_eq(o->entry_nodes, "a,b,c");
    assign(o, "+SocksPort 3\nSocksPort 4\n+EntryNodes d\n", 0);
    ck_assert_uint_eq(count(o->socks_port_lines), 4);
    ck_assert_str_eq(o->entry_nodes, "a,b,c,d");
    assign(o, "SocksPort 5\n__SocksPort 6\nEntryNodes e\n", 0);
    ck_assert_uint_eq(count(o->socks_port_lines), 2);
    ck_assert_str_eq(o->entry_nodes, "e");
    assign(o, "/SocksPort\n/EntryNodes\n", 0);
    ck_assert_ptr_null(o->socks_port_lines); /* both names: they are one list */
    ck_assert_ptr_null(o->entry_nodes);
    options_free(o);
}
END_TEST

/* WANT: "Name=value;Name;" */
static void assert_lines(struct conf_line *gift_lines, const char *want)
{
    char text[512] = "";
    for (struct conf_line *l = gift_lines; l; l = l->next) {
        size_t len = strlen(text);
        bool nothing = l->how == CONF_CLEAR;
        snprintf(text + len, sizeof text - len, "%s%s%s;", l->key, nothing ? "" : "=", l->value);
    }
    ck_assert_str_eq(text, want);
    conf_lines_free(gift_lines);
}

static void assert_answer(const struct options *o, const char *name, const char *want)
{
    struct conf_line *lines = NULL, **tail = &lines;
    ck_ok(options_show(o, opt_find(name), &tail));
    assert_lines(lines, want);
}

START_TEST(test_options_of_a_group_are_one_list_for_setconf)
{
    struct options *o = options_new(false);
    assign(o, "SocksPort 1\n__SocksPort 2\nORPort 3\n__ORPort 4\n", 0);
    assert_answer(o, "SocksPort", "SocksPort=1;");
    assert_answer(o, "SocksPortLines", "SocksPort=1;__SocksPort=2;");
    assert_answer(o, "ORPort", "ORPort=3;");
    assert_answer(o, "ORPortLines", "ORPort=3;__ORPort=4;");
    assign(o, "__SocksPort 5\n__ORPort 6\nORPort 7\n", ASSIGN_CLEAR_FIRST);
    assert_answer(o, "SocksPortLines", "__SocksPort=5;");
    assert_answer(o, "ORPortLines", "__ORPort=6;ORPort=7;");
    assign(o, "SocksPort\nORPortLines\n", ASSIGN_CLEAR_FIRST);
    assert_answer(o, "SocksPort", "SocksPort;");
    assert_answer(o, "__SocksPort", "__SocksPort;");
    assert_answer(o, "ORPortLines", "ORPortLines;");
    assert_answer(o, "ORPort", "ORPort;");
    assert_answer(o, "HiddenServiceOptions", "HiddenServiceOptions;");
    options_free(o);
}
END_TEST

START_TEST(test_options_answers_are_quoted_where_they_need_it)
{
    struct options *o = options_new(false);
    assign(o, "ContactInfo \"a # \\\"b\\n\"\nNickname it's\nDataDirectory \"/x y\"\n", 0);
    assert_answer(o, "contactinfo", "ContactInfo=\"a # \\\"b\\n\";");
    assert_answer(o, "Nickname", "Nickname=it's;");
    assert_answer(o, "DataDirectory", "DataDirectory=/x y;");
    assert_answer(o, "EntryNodes", "EntryNodes=;");
    assert_answer(o, "User", "User;");
    assert_answer(o, "NumCPUs", "NumCPUs=0;");
    assert_answer(o, "FastFirstHopPK", "FastFirstHopPK;");
    options_free(o);
}
END_TEST

/* As C tor's CONF_CHANGED has it, looked at by hand. */
START_TEST(test_options_changes_are_those_of_conf_changed)
{
    struct conf_line *lines;
    struct options *old = options_new(false), *now = options_new(false);
    ck_ok(options_changes(old, now, &lines));
    ck_assert_ptr_null(lines);
    assign(now, "SocksPort 9960\nSocksPort 9961\nContactInfo \"a # b\\n\"\nEntryNodes aa\n", 0);
    ck_ok(options_changes(old, now, &lines));
    assert_lines(lines, "ContactInfo=\"a # b\\n\";EntryNodes=aa;SocksPort=9960;SocksPort=9961;");
    ck_ok(options_changes(now, old, &lines));
    assert_lines(lines, "ContactInfo;EntryNodes=;SocksPortLines;");
    options_free(old);
    options_free(now);
}
END_TEST

START_TEST(test_options_refused_to_a_controller_in_tors_words)
{
    static const struct {
        const char *line;
        err_t want;
        const char *text;
    } rows[] = {
        {"NicknameX 1", ERR_NOT_FOUND, "Unknown option 'NicknameX'.  Failing."},
        {"SocksPortLines 1", ERR_MALFORMED, "Cannot assign directly to virtual option."},
        {"UseBridges 1", ERR_UNSUPPORTED, "UseBridges: Tunic uses no bridges yet."},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct options *o = options_new(false);
        struct conf_line *lines;
        struct conf_err e = {""};
        ck_ok(conf_lex(NULL, CONF_FROM_CONTROLLER, rows[i].line, &lines, NULL, &e));
        ck_err(options_assign(o, lines, ASSIGN_CLEAR_FIRST, NULL, &e), rows[i].want);
        ck_assert_str_eq(conf_without_controller(e.text), rows[i].text);
        conf_lines_free(lines);
        options_free(o);
    }
}
END_TEST

START_TEST(test_options_clear_of_a_scalar_zeroes_and_resetconf_restores)
{
    struct options *o = options_new(false);
    assign(o, "/MaxCircuitDirtiness\n", 0);
    ck_assert_int_eq(o->max_circuit_dirtiness_s, 0);
    assign(o, "MaxCircuitDirtiness\nSafeLogging\n", ASSIGN_CLEAR_FIRST | ASSIGN_USE_DEFAULTS);
    ck_assert_int_eq(o->max_circuit_dirtiness_s, 600);
    ck_assert_str_eq(o->safe_logging_text, "1");
    assign(o, "SocksPort 1\nSocksPort 2\n", 0);
    assign(o, "SocksPort 3\nSocksPort 4\nSocksPort 5\n", ASSIGN_CLEAR_FIRST);
    ck_assert_uint_eq(count(o->socks_port_lines), 3);
    assign(o, "SocksPort\n", ASSIGN_CLEAR_FIRST);
    ck_assert_ptr_null(o->socks_port_lines);
    options_free(o);
}
END_TEST

START_TEST(test_options_testing_network_implies_its_values_and_explicit_ones_win)
{
    struct options *o = good_options("TestingTorNetwork 1\nDirAuthority x orport=1 127.0.0.1:1 "
                                     "0123456789012345678901234567890123456789\n");
    ck_assert(!o->enforce_distinct_subnets && !o->client_reject_internal);
    ck_assert(!o->client_dns_reject_internal);
    ck_assert(o->extend_allow_private_addresses);
    ck_assert_int_eq(o->testing_client_max_interval_without_request_s, 5);
    ck_assert_int_eq(o->testing_dir_connection_max_stall_s, 30);
    ck_assert_int_eq(o->bootstrap_authority_delay_s, 0);
    options_free(o);
    o = good_options("TestingTorNetwork 1\nDirAuthority x orport=1 127.0.0.1:1 "
                     "0123456789012345678901234567890123456789\nEnforceDistinctSubnets 1\n"
                     "TestingV3AuthInitialVotingInterval 10\n");
    ck_assert(o->enforce_distinct_subnets);
    options_free(o);
}
END_TEST

#define AUTHORITIES                                                                    \
    "DirAuthority one orport=1 127.0.0.1:1 0123456789012345678901234567890123456789\n" \
    "DirAuthority two orport=1 127.0.0.2:1 1123456789012345678901234567890123456789\n"

START_TEST(test_options_dump_reads_back_as_the_same_options)
{
    struct options *o = good_options(
        "SocksPort 9150 IsolateDestAddr\nSocksPort unix:\"/a b\"\nMaxCircuitDirtiness 1 hour\n"
        "EntryNodes $0123456789012345678901234567890123456789~nick, 192.0.2.0/24\n"
        "Log \"notice file /x#y\"\nUser \"caf\\xc3\\xa9\"\nORPort 0\nContactInfo a "
        "\\\"b\n" AUTHORITIES "__DisablePredictedCircuits 1\n");
    struct options *defaults = options_new(false), *again;
    char *text = options_dump(o, defaults, DUMP_MINIMAL), *text2;
    ck_assert_str_eq(
        text, "ContactInfo a \\\"b\n" AUTHORITIES
              "EntryNodes $0123456789012345678901234567890123456789~nick,192.0.2.0/24\n"
              "Log \"notice file /x#y\"\nMaxCircuitDirtiness 3600\nORPort 0\n"
              "SocksPort 9150 IsolateDestAddr\nSocksPort unix:\"/a b\"\nUser \"caf\\303\\251\"\n");
    again = good_options(text);
    text2 = options_dump(again, defaults, DUMP_MINIMAL);
    ck_assert_str_eq(text, text2);
    ck_assert_str_eq(again->user, "caf\xc3\xa9");
    free(text);
    free(text2);
    options_free(o);
    options_free(again);
    options_free(defaults);
}
END_TEST

START_TEST(test_options_dup_is_equal_and_apart)
{
    struct options *o = good_options("SocksPort 1\nUser u\nPathsNeededToBuildCircuits 0.333333333\n"
                                     "ORPort 0\nEntryNodes a\n");
    struct options *copy = options_dup(o);
    const struct opt *differ[2];
    ck_assert_uint_eq(options_diff(o, copy, differ, 2), 0);
    ck_assert(o->paths_needed_to_build_circuits == copy->paths_needed_to_build_circuits);
    ck_assert_ptr_ne(o->user, copy->user);
    assign(copy, "SafeSocks 1\nEntryNodes b\n", 0);
    ck_assert_uint_eq(options_diff(o, copy, differ, 2), 2);
    ck_assert_str_eq(differ[0]->name, "EntryNodes");
    ck_assert_str_eq(differ[1]->name, "SafeSocks");
    options_free(o);
    options_free(copy);
}
END_TEST

START_TEST(test_options_transitions_of_immutable_options_are_refused)
{
    size_t n, immutable = 0;
    const struct opt *table = opt_table(&n);
    struct options *a = options_new(false);
    for (size_t i = 0; i < n; i++) {
        if (!(table[i].flags & OPTF_IMMUTABLE) || table[i].kind != OPT_WORKS)
            continue;
        struct options *b = options_new(false);
        struct conf_err e = {""};
        char torrc[128], want[160];
        const char *value = table[i].type == OPTT_BOOL && table[i].initial[0] == '1' ? "0" : "1";
        snprintf(torrc, sizeof torrc, "%s %s\n", table[i].name, value);
        assign(b, torrc, 0);
        ck_err(options_check_transition(a, b, &e), ERR_STATE);
        snprintf(want, sizeof want, "While Tor is running, changing %s is not allowed",
                 table[i].name);
        ck_assert_str_eq(e.text, want);
        options_free(b);
        immutable++;
    }
    ck_assert_uint_ge(immutable, 8);
    struct conf_err e = {""};
    struct options *b = options_new(false);
    assign(b, "SocksPort 1\nMaxCircuitDirtiness 20\nLog debug\n", 0);
    ck_ok(options_check_transition(a, b, &e));
    options_free(a);
    options_free(b);
}
END_TEST

START_TEST(test_options_get_shows_canonical_values)
{
    struct options *o = good_options("SocksPort 1\n__SocksPort 2\nMaxCircuitDirtiness 2 minutes\n");
    static const char *const want[][2] = {
        {"SocksPort", "SocksPort=1;"},
        {"__SocksPort", "__SocksPort=2;"},
        {"SocksPortLines", "SocksPort=1;__SocksPort=2;"},
        {"MaxCircuitDirtiness", "MaxCircuitDirtiness=120;"},
        {"ConnectionPadding", "ConnectionPadding=auto;"},
        {"PathsNeededToBuildCircuits", "PathsNeededToBuildCircuits=-1.000000;"},
        {"EntryNodes", "EntryNodes=;"},
        {"PidFile", ""},
        {"BandwidthRate", "BandwidthRate=1073741824;"},
        {"ControlPort", ""},
        {"ExitPolicy", ""},
    };
    for (size_t i = 0; i < sizeof want / sizeof want[0]; i++)
        assert_shows(o, want[i][0], want[i][1]);
    options_free(o);
}
END_TEST

START_TEST(test_options_type_names_are_tors)
{
    ck_assert_str_eq(opt_type_name(opt_find("SocksPort")), "Dependent");
    ck_assert_str_eq(opt_type_name(opt_find("SocksPortLines")), "Virtual");
    ck_assert_str_eq(opt_type_name(opt_find("DirAuthority")), "LineList");
    ck_assert_str_eq(opt_type_name(opt_find("MaxMemInQueues")), "DataSize");
    ck_assert_str_eq(opt_type_name(opt_find("LogTimeGranularity")), "TimeMsecInterval");
    ck_assert_str_eq(opt_type_name(opt_find("EntryNodes")), "RouterList");
    ck_assert_ptr_null(opt_find("NoSuchOption"));
}
END_TEST

TESTS("conf/options", test_options_every_option_parses_its_own_default,
      test_options_table_is_sorted_and_ours_come_last,
      test_options_only_what_works_has_a_member_and_all_else_a_reason,
      test_options_defaults_are_tors, test_options_time_units, test_options_values_of_each_type,
      test_options_refusals, test_options_that_are_off_are_fine_without_a_word,
      test_options_without_effect_are_said_and_kept, test_options_warnings,
      test_options_read_by_somebody_or_not_open_are_no_warning,
      test_options_names_in_any_case_and_by_other_names,
      test_options_lists_of_a_later_source_replace_or_append,
      test_options_clear_of_a_scalar_zeroes_and_resetconf_restores,
      test_options_testing_network_implies_its_values_and_explicit_ones_win,
      test_options_of_a_group_are_one_list_for_setconf,
      test_options_answers_are_quoted_where_they_need_it,
      test_options_changes_are_those_of_conf_changed,
      test_options_refused_to_a_controller_in_tors_words,
      test_options_dump_reads_back_as_the_same_options, test_options_dup_is_equal_and_apart,
      test_options_transitions_of_immutable_options_are_refused,
      test_options_get_shows_canonical_values, test_options_type_names_are_tors)
