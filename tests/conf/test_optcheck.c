#include "capture.h"

static void assert_warned(const char *torrc, const char *want)
{
    struct capture *c = capture_new();
    struct conf_err e = {""};
    struct options *o = options_from(torrc, &c->log, &e);
    ck_assert_msg(o != NULL, "%s\n%s", torrc, e.text);
    ck_assert_msg(strstr(c->text, want) != NULL, "%s\nlogs \"%s\"", torrc, c->text);
    options_free(o);
    free(c);
}

START_TEST(test_optcheck_socks_port_by_default)
{
    struct options *o = good_options("");
    char at[IPPORT_TEXT_MAX];
    ck_assert_uint_eq(o->is.ports.n, 1);
    const struct port_spec *p = &o->is.ports.of[0];
    ck_assert_str_eq(ipport_text(&p->at.tcp, at), "127.0.0.1:9050");
    ck_assert_uint_eq(p->flags.isolation, ISO_DEFAULT);
    ck_assert(p->flags.ipv4 && p->flags.ipv6 && p->flags.dns && p->flags.onion &&
              !p->flags.prefer_ipv6 && !p->flags.extended_errors);
    ck_assert(!p->flags.prefer_no_auth && !p->flags.optimistic_reply);
    ck_assert_int_eq(p->session, -1);
    options_free(o);
}
END_TEST

static const struct {
    const char *line, *at; /* AT: address, or path of the unix socket */
} PORTS[] = {
    {"9150", "127.0.0.1:9150"},
    {"auto", "127.0.0.1:0"},
    {"AUTO", "127.0.0.1:0"},
    {"127.0.0.2:9", "127.0.0.2:9"},
    {"127.0.0.2:auto", "127.0.0.2:0"},
    {"[::1]:9050", "[::1]:9050"},
    {"[::1]:auto", "[::1]:0"},
    {"localhost:9050", "127.0.0.1:9050"},
    {"65535 IsolateDestPort", "127.0.0.1:65535"},
    {"unix:/run/tor/socks WorldWritable", "/run/tor/socks"},
    {"unix:\"/run/a b\" GroupWritable", "/run/a b"},
};

/* As a controller takes them back: SETCONF with a name alone. */
START_TEST(test_optcheck_texts_without_a_value_are_the_default)
{
    options_free(good_options("ConfluxClientUX\n"));
    options_free(good_options("Nickname\n"));
}
END_TEST

START_TEST(test_optcheck_socks_port_addresses)
{
    for (size_t i = 0; i < sizeof PORTS / sizeof PORTS[0]; i++) {
        char torrc[128], at[IPPORT_TEXT_MAX];
        snprintf(torrc, sizeof torrc, "SocksPort %s\n", PORTS[i].line);
        struct options *o = good_options(torrc);
        const struct port_spec *p = &o->is.ports.of[0];
        ck_assert_uint_eq(o->is.ports.n, 1);
        ck_assert_str_eq(p->at.unix_path ? p->at.unix_path : ipport_text(&p->at.tcp, at),
                         PORTS[i].at);
        options_free(o);
    }
}
END_TEST

START_TEST(test_optcheck_socks_port_flags)
{
    struct options *o = good_options(
        "SocksPort 1 IsolateDestAddr isolatedestports NoIsolateSOCKSAuth SessionGroup=7\n"
        "SocksPort 2 NoIPv4Traffic PreferIPv6 ExtendedErrors KeepAliveIsolateSOCKSAuth\n"
        "SocksPort 3 OnionTrafficOnly PreferSOCKSNoAuth OptimisticReply\n"
        "SocksPort unix:/x GroupWritable RelaxDirModeCheck\n"
        "__SocksPort 4 CacheDNS NoUseDNSCache NoPreferIPv6Automap NoDNSRequest\n");
    const struct port_spec *p = o->is.ports.of;
    ck_assert_uint_eq(o->is.ports.n, 5);
    ck_assert_uint_eq(p[0].flags.isolation,
                      (ISO_DEFAULT & ~(unsigned)ISO_SOCKS_AUTH) | ISO_DEST_ADDR | ISO_DEST_PORT);
    ck_assert_int_eq(p[0].session, 7);
    ck_assert(p[0].flags.prefer_no_auth); /* there is no use in asking for what is not looked at */
    ck_assert(!p[1].flags.ipv4 && p[1].flags.ipv6 && p[1].flags.prefer_ipv6 &&
              p[1].flags.extended_errors);
    ck_assert(p[1].flags.keepalive_isolate_socks_auth);
    ck_assert_int_eq(p[1].session, -1);
    ck_assert(!p[2].flags.ipv4 && !p[2].flags.ipv6 && !p[2].flags.dns && p[2].flags.onion &&
              p[2].flags.prefer_no_auth && p[2].flags.optimistic_reply);
    ck_assert(p[3].at.group_writable && !p[3].at.world_writable && p[3].at.relax_dir_mode);
    ck_assert_uint_eq(p[3].flags.isolation, ISO_DEFAULT & ~(unsigned)ISO_CLIENT_ADDR);
    ck_assert(p[4].flags.cache_ipv4_dns && p[4].flags.cache_ipv6_dns && !p[4].flags.use_ipv4_cache);
    ck_assert(!p[4].flags.prefer_ipv6_automap && !p[4].flags.dns);
    options_free(o);
}
END_TEST

START_TEST(test_optcheck_socks_port_zero_is_none_and_warned_about)
{
    struct options *o = good_options("SocksPort 0\n");
    ck_assert_uint_eq(o->is.ports.n, 0);
    options_free(o);
    assert_warned("SocksPort 0\n", "[warn] SocksPort is 0");
    o = good_options("UnixSocksGroupWritable 1\nSocksPort unix:/x\nSocksPort 9\n");
    ck_assert(o->is.ports.of[0].at.group_writable && !o->is.ports.of[1].at.group_writable);
    options_free(o);
}
END_TEST

static const struct {
    const char *torrc, *says;
} BAD[] = {
    {"SocksPort 65536\n", "Couldn't parse address for SocksPort"},
    {"SocksPort nowhere.example:9\n",
     "torrc:1: SocksPort \"nowhere.example:9\": Invalid SocksPort configuration. Couldn't parse"},
    {"SocksPort 127.0.0.1\n", "SocksPort line has address but no port"},
    {"SocksPort 127.0.0.1:0\n", "SocksPort line has address but no port"},
    {"SocksPort x:auto\n", "Invalid address for SocksPort"},
    {"SocksPort unix:\n", "Invalid SocksPort line with no address"},
    {"SocksPort unix: /x\n", "Invalid SocksPort line with no address"},
    {"SocksPort unix:\"/x\n", "Invalid SocksPort line with unparsable address"},
    {"SocksPort 9 IsolateEverything\n", "Unrecognized SocksPort option 'IsolateEverything'"},
    {"SocksPort 9 NoIsolateClientAdr\n",
     "Unrecognized SocksPort option 'NoIsolateClientAdr'. Did you mean \"NoIsolateClientAddr\"?"},
    {"SocksPort 9 SessionGroup=x\n", "SessionGroup wants a number"},
    {"SocksPort 9 SessionGroup=1 SessionGroup=2\n", "Multiple SessionGroup options"},
    {"SocksPort 9 WorldWritable\n", "it is not a unix socket"},
    {"SocksPort 9 NoIPv4Traffic NoIPv6Traffic NoOnionTraffic\n", "all of IPv4 and IPv6 and .onion"},
    {"SocksPort 9 NoIPv4Traffic NoIPv6Traffic\n", "DNSRequest enabled, but IPv4 and IPv6 disabled"},
    {"SocksPort 9 NoIsolateSOCKSAuth KeepAliveIsolateSOCKSAuth\n", "both NoIsolateSOCKSAuth"},
    {"SocksPort 0\nSocksPort 9\n", "You specified a nonzero SocksPort along with 'SocksPort 0'"},
    {"SocksPolicy permit *\n",
     "torrc:1: Error in SocksPolicy entry. Malformed policy \"permit *\""},
    {"SocksPolicy 10.0.0.0/8\n", "Error in SocksPolicy entry."},
    {"SocksPolicy accept 10.0.0.0/33\n", "Error in SocksPolicy entry."},
    {"SocksPolicy accept 10.0.0.0/255.0.255.0\n", "Error in SocksPolicy entry."},
    {"SocksPolicy accept *:80-79\n", "Error in SocksPolicy entry."},
    {"SocksPolicy accept *:0\n", "Error in SocksPolicy entry."},
    {"SocksPolicy accept * *\n", "Error in SocksPolicy entry."},
    {"ReachableAddresses nonsense\n", "Error in ReachableAddresses entry."},
    {"LongLivedPorts 0\n", "torrc:1: Port '0' out of range in LongLivedPorts"},
    {"WarnPlaintextPorts 80,x\n", "Port 'x' out of range in WarnPlaintextPorts"},
    {"RejectPlaintextPorts 65536\n", "Port '65536' out of range in RejectPlaintextPorts"},
    {"FascistFirewall 1\nFirewallPorts 99999\n", "out of range in FirewallPorts"},
    {"Log loud stdout\n", "Couldn't parse log levels in Log option 'Log loud stdout'"},
    {"Log warn-info stdout\n", "Couldn't parse log levels"},
    {"Log [circ stdout\n", "Couldn't parse log levels"},
    {"Log [circ,nonsense]info stdout\n", "Couldn't parse log levels"},
    {"Log stdout\n", "Couldn't parse log levels"},
    {"Log notice file\n", "torrc:1: Bad syntax on file Log option 'Log notice file'"},
    {"Log notice printer\n", "Bad syntax on file Log option"},
    {"Log notice stdout x\n", "Bad syntax on file Log option"},
    {"LogTimeGranularity 0\n", "Log time granularity '0' has to be positive."},
    {"SafeLogging 2\n", "torrc:1: Unrecognized value '\"2\"' in SafeLogging"},
    {"PidFile x\nRunAsDaemon 1\n", "RunAsDaemon is not compatible with relative paths"},
    {"#\nConnLimit 0\n", "torrc:2: ConnLimit must be greater than 0, but was set to 0"},
    {"KeepalivePeriod 0\n", "KeepalivePeriod option must be positive."},
    {"MaxClientCircuitsPending 0\n", "must be between 1 and 1024, but was set to 0"},
    {"MaxClientCircuitsPending 1025\n", "must be between 1 and 1024"},
    {"CircuitsAvailableTimeout 25 hours\n", "CircuitsAvailableTimeout is too large."},
    {"UseEntryGuards 0\nEntryNodes a\n", "If EntryNodes is set, UseEntryGuards must be enabled."},
    {"FetchDirInfoExtraEarly 1\n", "FetchDirInfoExtraEarly requires that you also set"},
    {"ClientUseIPv4 0\nClientUseIPv6 0\n", "no relay can be reached"},
    {"ConfluxClientUX fast\n", "ConfluxClientUX must be"},
    {"HiddenServiceSingleHopMode 1\n",
     "HiddenServiceSingleHopMode does not provide any server anonymity. It must be used with "
     "HiddenServiceNonAnonymousMode set to 1."},
    {"HiddenServiceNonAnonymousMode 1\n",
     "HiddenServiceNonAnonymousMode does not provide any server anonymity. It must be used with "
     "HiddenServiceSingleHopMode set to 1."},
    {"HiddenServiceNonAnonymousMode 1\nHiddenServiceSingleHopMode 1\n",
     "HiddenServiceSingleHopMode: Tunic has no onion services yet."},
    {"Nickname a-b\n", "Nickname 'a-b', nicknames must be between 1 and 19 characters inclusive"},
    {"Nickname aaaaaaaaaaaaaaaaaaaa\n", "nicknames must be between 1 and 19"},
    {"DormantClientTimeout 9 minutes\n", "DormantClientTimeout is too low."},
    {"OutboundBindAddress x\n", "OutboundBindAddress \"x\": not an IP address"},
    {"OutboundBindAddress 127.0.0.1\nOutboundBindAddress 127.0.0.2\n", "Multiple IPv4 outbound"},
    {"EntryNodes {deu}\n", "torrc:1: EntryNodes: \"{deu}\" is no fingerprint"},
    {"ExitNodes not-a-nickname\n", "torrc:1: ExitNodes: \"not-a-nickname\" is no fingerprint"},
    {"ExitNodes $0123\n", "ExitNodes: \"$0123\" is no fingerprint"},
    {"ExitNodes 1.2.3.4/99\n", "is no fingerprint"},
    {"NodeFamily a,b-c\n", "NodeFamily: \"b-c\" is no fingerprint"},
    {"TestingTorNetwork 1\n", "TestingTorNetwork may only be configured in combination with"},
    {"TestingDirConnectionMaxStall 6\n",
     "TestingDirConnectionMaxStall may only be changed in testing Tor networks!"},
    {"TestingV3AuthVotingStartOffset 6\n", "may only be changed in testing Tor networks!"},
    {"TestingTorNetwork 1\nDirAuthority x orport=1 127.0.0.1:1 "
     "0123456789012345678901234567890123456789\nTestingDirConnectionMaxStall 4\n",
     "way too low"},
    {"TestingTorNetwork 1\nDirAuthority x orport=1 127.0.0.1:1 "
     "0123456789012345678901234567890123456789\nTestingClientMaxIntervalWithoutRequest 0\n",
     "way too low"},
    {"ClientBootstrapConsensusMaxInProgressTries 0\n", "must be greater than 0"},
    {"ClientDNSRejectInternalAddresses 0\n", "used for default network"},
    {"__OwningControllerProcess me\n", "Bad OwningControllerProcess: invalid PID"},
    {"__OwningControllerProcess 0\n", "Bad OwningControllerProcess: invalid PID"},
    {"__OwningControllerProcess 12x\n", "Bad OwningControllerProcess: invalid PID"},
};

START_TEST(test_optcheck_refusals)
{
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++)
        assert_refused(BAD[i].torrc, BAD[i].says);
}
END_TEST

static const struct {
    const char *torrc, *says;
} WARNED[] = {
    {"SocksPort 192.0.2.1:9050\n", "[warn] You specified a public address '192.0.2.1:9050'"},
    {"SocksPort 10.0.0.1:9050\n", "[notice] You configured a non-loopback address '10.0.0.1:9050'"},
    {"SocksPort 0.0.0.0:9050\n", "[notice] You configured a non-loopback address '0.0.0.0:9050'"},
    {"SocksPort 9 CacheIPv4DNS\n", "[warn] torrc:1: CacheIPv4DNS asks for a DNS cache"},
    {"MaxCircuitDirtiness 3\n", "MaxCircuitDirtiness option is too short; raising to 10 seconds."},
    {"MaxCircuitDirtiness 31 days\n",
     "MaxCircuitDirtiness option is too high; setting to 30 days."},
    {"CircuitStreamTimeout 3\n",
     "CircuitStreamTimeout option is too short; raising to 10 seconds."},
    {"HeartbeatPeriod 3\n", "HeartbeatPeriod option is too short; raising to 1800 seconds."},
    {"PathsNeededToBuildCircuits 0.1\n", "PathsNeededToBuildCircuits is too low."},
    {"PathsNeededToBuildCircuits 1\n", "PathsNeededToBuildCircuits is too high."},
    {"LearnCircuitBuildTimeout 0\n", "I'll pick a plausible default."},
    {"LearnCircuitBuildTimeout 0\nCircuitBuildTimeout 5\n", "CircuitBuildTimeout is shorter"},
    {"ExcludeNodes a\nStrictNodes 1\n", "You have asked to exclude certain relays"},
    {"DataDirectory x\n", "Path for DataDirectory (x) is relative and will resolve to /"},
    {"LogTimeGranularity 3\n", "Changing to '4'."},
    {"LogTimeGranularity 300\n", "Changing to '500'."},
    {"LogTimeGranularity 1500\n", "Changing to '2000'."},
    {"ReachableAddresses reject *:*\n", "cannot connect to the Internet"},
    {"TestingTorNetwork 1\nDirAuthority x orport=1 127.0.0.1:1 "
     "0123456789012345678901234567890123456789\n",
     "TestingTorNetwork is set."},
    {"ClientBootstrapConsensusMaxInProgressTries 101\n", "insanely high"},
};

START_TEST(test_optcheck_warnings)
{
    for (size_t i = 0; i < sizeof WARNED / sizeof WARNED[0]; i++)
        assert_warned(WARNED[i].torrc, WARNED[i].says);
}
END_TEST

START_TEST(test_optcheck_clamped_values_take_effect)
{
    struct options *o = good_options("MaxCircuitDirtiness 3\nCircuitStreamTimeout 1\n"
                                     "PathsNeededToBuildCircuits 2\nLogTimeGranularity 3\n");
    ck_assert_int_eq(o->max_circuit_dirtiness_s, 10);
    ck_assert_int_eq(o->circuit_stream_timeout_s, 10);
    ck_assert(o->paths_needed_to_build_circuits == 0.95);
    ck_assert_int_eq(o->log_time_granularity_ms, 3); /* shown as it was said */
    ck_assert_int_eq(o->is.log_granularity_ms, 4);
    options_free(o);
}
END_TEST

static bool accepts(const struct addr_policy *p, const char *ap)
{
    struct ipport at;
    ck_ok(ipport_parse(ap, &at));
    return addr_policy_accepts(p, &at.ip, at.port);
}

START_TEST(test_optcheck_socks_policy_first_match_decides)
{
    struct options *o = good_options("SocksPolicy accept 10.1.0.0/16:80-90, reject 10.0.0.0/8\n"
                                     "SocksPolicy reject [2001:db8::]/32,accept private\n"
                                     "SocksPolicy reject 192.0.2.0/255.255.255.0:*\n");
    const struct addr_policy *p = &o->is.socks_policy;
    ck_assert(accepts(p, "10.1.2.3:80") && accepts(p, "10.1.2.3:90"));
    ck_assert(!accepts(p, "10.1.2.3:91") && !accepts(p, "10.2.0.1:80"));
    ck_assert(!accepts(p, "[2001:db8::1]:1") && accepts(p, "[fc00::1]:1"));
    ck_assert(!accepts(p, "192.0.2.255:1") && accepts(p, "192.0.3.0:1"));
    ck_assert(accepts(p, "8.8.8.8:53")); /* nothing matches: accepted */
    options_free(o);
    o = good_options("SocksPolicy reject *4,accept *6,reject *\n");
    ck_assert(!accepts(&o->is.socks_policy, "8.8.8.8:1"));
    ck_assert(accepts(&o->is.socks_policy, "[::1]:1"));
    options_free(o);
}
END_TEST

START_TEST(test_optcheck_reachable_addresses_accept_and_end_in_a_reject)
{
    struct options *o =
        good_options("ReachableAddresses 99.0.0.0/8, reject 18.0.0.0/8:80, accept *:80\n");
    const struct addr_policy *p = &o->is.reachable_or;
    ck_assert(accepts(p, "99.1.1.1:9001") && accepts(p, "8.8.8.8:80"));
    ck_assert(!accepts(p, "18.1.1.1:80") && !accepts(p, "8.8.8.8:443"));
    options_free(o);
    o = good_options("ReachableAddresses *:80\nReachableORAddresses *:443\n");
    ck_assert(accepts(&o->is.reachable_or, "[2001:db8::1]:443"));
    ck_assert(!accepts(&o->is.reachable_or, "8.8.8.8:80"));
    options_free(o);
    o = good_options("FascistFirewall 1\n");
    ck_assert(accepts(&o->is.reachable_or, "8.8.8.8:443"));
    ck_assert(!accepts(&o->is.reachable_or, "8.8.8.8:9001"));
    options_free(o);
    o = good_options("FascistFirewall 1\nFirewallPorts 80,9001\n");
    ck_assert(accepts(&o->is.reachable_or, "8.8.8.8:9001"));
    ck_assert(!accepts(&o->is.reachable_or, "8.8.8.8:443"));
    options_free(o);
    o = good_options("");
    ck_assert(accepts(&o->is.reachable_or, "8.8.8.8:9001"));
    options_free(o);
}
END_TEST

START_TEST(test_optcheck_plaintext_ports)
{
    struct options *o = good_options("RejectPlaintextPorts 25,80\n");
    ck_assert(port_set_has(&o->is.warn_plaintext, 23) && port_set_has(&o->is.long_lived, 22));
    ck_assert(!port_set_has(&o->is.warn_plaintext, 25));
    ck_assert(port_set_has(&o->is.reject_plaintext, 25));
    ck_assert(!port_set_has(&o->is.reject_plaintext, 0));
    options_free(o);
}
END_TEST

static const struct {
    const char *line;
    enum log_level least, most;
    enum log_to to;
    const char *path;
    uint32_t domains; /* of LEAST; 0: all */
} LOGS[] = {
    {"notice stdout", LOG_NOTICE, LOG_ERR, LOG_TO_STDOUT, NULL, 0},
    {"debug", LOG_DEBUG, LOG_ERR, LOG_TO_STDOUT, NULL, 0},
    {"WARN stderr", LOG_WARN, LOG_ERR, LOG_TO_STDERR, NULL, 0},
    {"info-warn file /var/log/a b", LOG_INFO, LOG_WARN, LOG_TO_FILE, "/var/log/a b", 0},
    {"err-err syslog", LOG_ERR, LOG_ERR, LOG_TO_SYSLOG, NULL, 0},
    {"notice file ~/x", LOG_NOTICE, LOG_ERR, LOG_TO_FILE, "/home/u/x", 0},
    {"[circ]info [*,~net]debug-notice notice stderr", LOG_DEBUG, LOG_ERR, LOG_TO_STDERR, NULL,
     (uint32_t)LOG_ALL_DOMAINS & ~(1u << LD_NET)},
    {"[ circ ] info stderr", LOG_INFO, LOG_ERR, LOG_TO_STDERR, NULL, 1u << LD_CIRC},
    {"[NET,guard]info-notice", LOG_INFO, LOG_NOTICE, LOG_TO_STDOUT, NULL,
     1u << LD_NET | 1u << LD_GUARD},
    {"[~heartbeat,*]warn syslog", LOG_WARN, LOG_ERR, LOG_TO_SYSLOG, NULL,
     (uint32_t)LOG_ALL_DOMAINS & ~(1u << LD_HEARTBEAT)},
    {"[~dir , ~or] err stdout", LOG_ERR, LOG_ERR, LOG_TO_STDOUT, NULL,
     (uint32_t)LOG_ALL_DOMAINS & ~(1u << LD_DIR | 1u << LD_OR)},
};

START_TEST(test_optcheck_log_lines)
{
    for (size_t i = 0; i < sizeof LOGS / sizeof LOGS[0]; i++) {
        char torrc[128];
        snprintf(torrc, sizeof torrc, "Log %s\nLog err syslog\n", LOGS[i].line);
        struct options *o = good_options(torrc);
        const struct log_dest *d = &o->is.logs[0];
        ck_assert_uint_eq(o->is.n_logs, 2);
        uint32_t want = LOGS[i].domains ? LOGS[i].domains : (uint32_t)LOG_ALL_DOMAINS;
        ck_assert_int_eq(log_filter_least(&d->show), LOGS[i].least);
        ck_assert_uint_eq(d->show.domains[LOGS[i].least], want);
        ck_assert(d->show.domains[LOGS[i].most]);
        ck_assert(LOGS[i].most == LOG_ERR || !d->show.domains[LOGS[i].most + 1]);
        ck_assert_int_eq(d->to, LOGS[i].to);
        ck_assert_pstr_eq(d->path, LOGS[i].path);
        options_free(o);
    }
}
END_TEST

static struct options *checked(const char *torrc, const char *home, enum quiet quiet)
{
    const struct options_env env = {home, quiet, NULL};
    struct conf_err e = {""};
    struct options *o = options_new(false);
    struct conf_line *lines = lines_of(torrc);
    ck_ok(options_assign(o, lines, 0, NULL, &e));
    ck_ok(options_check(o, &env, &e));
    conf_lines_free(lines);
    return o;
}

START_TEST(test_optcheck_log_by_default_follows_quiet)
{
    struct options *o = checked("", "/h", QUIET_NONE);
    ck_assert_uint_eq(o->is.n_logs, 1);
    ck_assert_int_eq(log_filter_least(&o->is.logs[0].show), LOG_NOTICE);
    options_free(o);
    o = checked("", "/h", QUIET_HUSH);
    ck_assert_int_eq(log_filter_least(&o->is.logs[0].show), LOG_WARN);
    options_free(o);
    o = checked("", "/h", QUIET_SILENT);
    ck_assert_uint_eq(o->is.n_logs, 0);
    options_free(o);
    o = checked("RunAsDaemon 1\n", "/h", QUIET_NONE);
    ck_assert_uint_eq(o->is.n_logs, 0);
    options_free(o);
    o = checked("Log info stdout\n", "/h", QUIET_SILENT);
    ck_assert_uint_eq(o->is.n_logs, 1);
    options_free(o);
}
END_TEST

START_TEST(test_optcheck_folders)
{
    struct options *o = checked("", "/home/u/", QUIET_NONE);
    ck_assert_str_eq(o->is.data_dir, "/home/u/.tor");
    ck_assert_str_eq(o->is.cache_dir, "/home/u/.tor");
    options_free(o);
    o = checked("DataDirectory ~/d\nCacheDirectory /c\n", "/home/u", QUIET_NONE);
    ck_assert_str_eq(o->is.data_dir, "/home/u/d");
    ck_assert_str_eq(o->is.cache_dir, "/c");
    options_free(o);
    o = checked("", NULL, QUIET_NONE);
    ck_assert_str_eq(o->is.data_dir, "/var/lib/tor");
    options_free(o);
    o = checked("DataDirectory rel\n", NULL, QUIET_NONE);
    ck_assert_int_eq(o->is.data_dir[0], '/');
    ck_assert_ptr_nonnull(strstr(o->is.data_dir, "/rel"));
    options_free(o);
}
END_TEST

START_TEST(test_optcheck_node_lists_of_every_form)
{
    struct options *o = good_options(
        "ExcludeNodes Nick1, $0123456789abcdef0123456789ABCDEF01234567 ,,"
        "0123456789abcdef0123456789ABCDEF01234567~nick,1.2.3.0/24,[2001:db8::]/32,10.0.0.1:80\n");
    ck_assert_str_eq(o->exclude_nodes,
                     "Nick1,$0123456789abcdef0123456789ABCDEF01234567,"
                     "0123456789abcdef0123456789ABCDEF01234567~nick,1.2.3.0/24,[2001:db8::]/32,"
                     "10.0.0.1:80");
    options_free(o);
}
END_TEST

START_TEST(test_optcheck_bind_addresses)
{
    struct options *o = good_options("OutboundBindAddress 127.0.0.1\nOutboundBindAddress [::1]\n"
                                     "OutboundBindAddressOR 127.0.0.2\n"
                                     "__OwningControllerProcess 4711\n");
    char text[IP_TEXT_MAX];
    ck_assert_str_eq(ip_text(&o->is.bind_or_v4, text), "127.0.0.2");
    ck_assert_str_eq(ip_text(&o->is.bind_or_v6, text), "::1");
    options_free(o);
}
END_TEST

START_TEST(test_optcheck_twice_gives_the_same)
{
    const struct options_env env = {"/h", QUIET_NONE, NULL};
    struct conf_err e = {""};
    struct options *o = checked("SocksPort 1\nSocksPort 2\nLog info stdout\n", "/h", QUIET_NONE);
    ck_ok(options_check(o, &env, &e));
    ck_assert_uint_eq(o->is.ports.n, 2);
    ck_assert_uint_eq(o->is.n_logs, 1);
    options_free(o);
}
END_TEST

START_TEST(test_optcheck_every_wrong_line_is_named)
{
    struct capture *c = capture_new();
    struct conf_err e = {""};
    ck_assert_ptr_null(options_from("SafeSocks 2\nSocksPrt 1\nSocksPort 9 X\nSocksPort 70000\n"
                                    "Log x\nNodeFamily a b\nSocksPolicy accept x\n",
                                    &c->log, &e));
    ck_assert_ptr_nonnull(strstr(e.text, "torrc:1: Could not parse SafeSocks"));
    ck_assert_ptr_nonnull(strstr(e.text, "(the first of 2 faults; the log names all)"));
    free(c);
    c = capture_new();
    ck_assert_ptr_null(options_from("SocksPort 9 X\nSocksPort 70000\nLog x\nNodeFamily a b\n"
                                    "SocksPolicy accept x, accept *, reject y\nFallbackDir z\n"
                                    "Log y\n",
                                    &c->log, &e));
    ck_assert_ptr_nonnull(strstr(e.text, "torrc:1: SocksPort"));
    ck_assert_ptr_nonnull(strstr(e.text, "(the first of 8 faults; the log names all)"));
    static const char *const want[] = {"torrc:1: SocksPort",
                                       "torrc:2: SocksPort",
                                       "torrc:5: Error in SocksPolicy entry. Malformed policy "
                                       "\"accept x\"",
                                       "policy \"reject y\"",
                                       "torrc:3: ",
                                       "torrc:7: ",
                                       "torrc:6: FallbackDir",
                                       "torrc:4: NodeFamily"};
    const char *at = c->text;
    for (size_t i = 0; i < sizeof want / sizeof want[0]; i++) {
        at = strstr(at, want[i]);
        ck_assert_msg(at != NULL, "%s is missing in\n%s", want[i], c->text);
    }
    free(c);
}
END_TEST

START_TEST(test_optcheck_many_faults_are_counted_and_not_all_named)
{
    struct capture *c = capture_new();
    struct conf_err e = {""};
    char torrc[2048] = "";
    for (int i = 0; i < 50; i++)
        snprintf(torrc + strlen(torrc), sizeof torrc - strlen(torrc), "Xyzzy%d 1\n", i);
    ck_assert_ptr_null(options_from(torrc, &c->log, &e));
    ck_assert_ptr_nonnull(strstr(e.text, "'Xyzzy0'"));
    ck_assert_ptr_nonnull(strstr(e.text, "(the first of 50 faults; the log names 20)"));
    ck_assert_ptr_nonnull(strstr(c->text, "torrc:20: "));
    ck_assert_ptr_null(strstr(c->text, "torrc:21: "));
    free(c);
}
END_TEST

START_TEST(test_optcheck_accept6_is_about_ipv6_only)
{
    struct options *o = good_options("SocksPolicy accept6 *, accept6 192.0.2.1, reject *\n");
    static const uint8_t v4[4] = {192, 0, 2, 1}, v6[16] = {0x20, 1};
    struct ip four = ip_v4(v4), six = ip_v6(v6);
    ck_assert(!addr_policy_accepts(&o->is.socks_policy, &four, 80));
    ck_assert(addr_policy_accepts(&o->is.socks_policy, &six, 80));
    options_free(o);
}
END_TEST

TESTS("conf/optcheck", test_optcheck_texts_without_a_value_are_the_default,
      test_optcheck_every_wrong_line_is_named,
      test_optcheck_many_faults_are_counted_and_not_all_named,
      test_optcheck_accept6_is_about_ipv6_only, test_optcheck_socks_port_by_default,
      test_optcheck_socks_port_addresses, test_optcheck_socks_port_flags,
      test_optcheck_socks_port_zero_is_none_and_warned_about, test_optcheck_refusals,
      test_optcheck_warnings, test_optcheck_clamped_values_take_effect,
      test_optcheck_socks_policy_first_match_decides,
      test_optcheck_reachable_addresses_accept_and_end_in_a_reject, test_optcheck_plaintext_ports,
      test_optcheck_log_lines, test_optcheck_log_by_default_follows_quiet, test_optcheck_folders,
      test_optcheck_node_lists_of_every_form, test_optcheck_bind_addresses,
      test_optcheck_twice_gives_the_same)
