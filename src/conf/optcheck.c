/* Rules over several options, and the values derived from them. */
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "conf/options.h"
#include "conf/optlists.h"
#include "conf/optval.h"
#include "dir/servers.h"

enum {
    DIRTINESS_MIN_S = 10,
    DIRTINESS_MAX_S = 30 * 24 * 3600,
    STREAM_TIMEOUT_MIN_S = 10,
    HEARTBEAT_MIN_S = 30 * 60,
    AVAILABLE_MAX_S = 24 * 3600,
    PENDING_MAX = 1024,
    BUILD_TIMEOUT_ADVISED_S = 10,
    DORMANT_MIN_S = 600,
    SOCK_SIZE_MIN = 2048,
    SOCK_SIZE_MAX = 262144,
    SOCK_SIZE_STEP = 1024,
    DATA_DIR_MAX = 512 - 128,
};

struct checking {
    struct options *o;
    const struct options_env *env;
    const struct log *log;
    struct conf_err *e;
    struct conf_faults *faults; /* for rules that find several */
};

static err_t reject(const struct checking *c, const char *text)
{
    return conf_fail(c->e, ERR_MALFORMED, "%s", text);
}

/* As reject(), for the value of one option: says where it stands. */
static err_t reject_opt(const struct checking *c, const char *name, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

static err_t reject_opt(const struct checking *c, const char *name, const char *fmt, ...)
{
    char text[CONF_ERR_MAX / 2];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    const struct opt *opt = opt_find(name);
    const char *where = opt ? c->o->where[opt_index(opt)] : NULL;
    return conf_fail(c->e, ERR_MALFORMED, "%s%s%s", where ? where : "", where ? ": " : "", text);
}

/* Folders. */

static char *data_dir_of(const struct checking *c, const char *said)
{
    const char *home = c->env->home;
    if (said)
        return path_expand(said, home);
    if (!home || home[0] == 0 || strcmp(home, "/") == 0) {
        log_warn(c->log, "Default DataDirectory is \"~/.tor\", but there is no home folder. Using "
                         "\"/var/lib/tor\" instead");
        return strdup("/var/lib/tor");
    }
    return path_expand("~/.tor", home);
}

static err_t check_folders(const struct checking *c)
{
    struct options *o = c->o;
    o->is.data_dir = path_absolute(data_dir_of(c, o->data_directory));
    if (!o->is.data_dir)
        return ERR_NOMEM;
    if (strlen(o->is.data_dir) > DATA_DIR_MAX)
        return reject_opt(c, "DataDirectory", "Invalid DataDirectory: DataDirectory is too long.");
    o->is.cache_dir =
        path_absolute(o->cache_directory ? path_expand(o->cache_directory, c->env->home)
                                         : strdup(o->is.data_dir));
    return o->is.cache_dir ? OK : ERR_NOMEM;
}

static err_t check_relative_paths(const struct checking *c)
{
    size_t n;
    const struct opt *table = opt_table(&n);
    bool relative = false;
    char cwd[PATH_MAX];
    for (size_t i = 0; i < n; i++) {
        if (table[i].type != OPTT_FILENAME || table[i].at == SIZE_MAX)
            continue;
        const char *path = *(char *const *)(const void *)((const char *)c->o + table[i].at);
        if (!path || path[0] == '/' || strncmp(path, "~/", 2) == 0)
            continue;
        relative = true;
        log_warn(c->log,
                 "Path for %s (%s) is relative and will resolve to %s/%s. Is this what you wanted?",
                 table[i].name, path, getcwd(cwd, sizeof cwd) ? cwd : ".", path);
    }
    if (relative && c->o->run_as_daemon)
        return reject(c, "You have specified at least one relative path (see above) with the "
                         "RunAsDaemon option. RunAsDaemon is not compatible with relative paths.");
    return OK;
}

/* Log. */

static int fitting_granularity(int ms)
{
    if (ms >= 1000)
        return 1000 * (ms / 1000 + 1);
    while (1000 % ms != 0)
        ms++;
    return ms;
}

static err_t default_log(struct options *o, enum quiet quiet)
{
    if (quiet == QUIET_SILENT || o->run_as_daemon)
        return OK;
    o->is.logs = calloc(1, sizeof *o->is.logs);
    if (!o->is.logs)
        return ERR_NOMEM;
    o->is.logs[0] = (struct log_dest){.to = LOG_TO_STDOUT};
    log_filter_add(&o->is.logs[0].show, quiet == QUIET_HUSH ? LOG_WARN : LOG_NOTICE, LOG_ERR,
                   LOG_ALL_DOMAINS);
    o->is.n_logs = 1;
    return OK;
}

static err_t check_log(const struct checking *c)
{
    struct options *o = c->o;
    int ms = o->log_time_granularity_ms;
    if (ms <= 0)
        return reject_opt(c, "LogTimeGranularity", "Log time granularity '%d' has to be positive.",
                          ms);
    o->is.log_granularity_ms = ms;
    if (1000 % ms != 0 && ms % 1000 != 0) {
        o->is.log_granularity_ms = fitting_granularity(ms);
        log_warn(c->log,
                 "Log time granularity '%d' has to be either a divisor or a multiple of 1 "
                 "second. Changing to '%d'.",
                 ms, o->is.log_granularity_ms);
    }
    const char *safe = o->safe_logging_text ? o->safe_logging_text : "0";
    if (strcmp(safe, "0") == 0)
        o->is.safe_logging = SAFELOG_NONE;
    else if (strcmp(safe, "1") == 0)
        o->is.safe_logging = SAFELOG_ALL;
    else if (strcasecmp(safe, "relay") == 0)
        o->is.safe_logging = SAFELOG_RELAY;
    else
        return reject_opt(c, "SafeLogging", "Unrecognized value '\"%s\"' in SafeLogging", safe);
    if (!o->log_lines)
        return default_log(o, c->env->quiet);
    return logs_parse(o->log_lines, c->env->home, &o->is.logs, &o->is.n_logs, c->faults);
}

/* Listeners and ports. */

static err_t parse_ports(const struct checking *c, const char *csv, const char *name,
                         struct port_set *out)
{
    struct conf_err inner;
    err_t err = port_set_parse(csv, name, out, &inner);
    return err == ERR_MALFORMED ? reject_opt(c, name, "%.500s", inner.text) : err;
}

static err_t check_ports(const struct checking *c)
{
    struct options *o = c->o;
    TRY(ports_parse(&port_grammars[PORT_SOCKS], o->socks_port_lines, o->unix_socks_group_writable,
                    c->log, &o->is.ports, c->faults));
    if (o->is.ports.n == 0 && c->env->quiet != QUIET_LIBRARY && c->faults->n == 0)
        log_warn(c->log, "SocksPort is 0: Tunic will still run, but probably won't do anything.");
    TRY(policy_parse(o->socks_policy_lines, false, &o->is.socks_policy, c->faults));
    return OK;
}

static err_t check_port_lists(const struct checking *c)
{
    struct options *o = c->o;
    struct port_set firewall = {0};
    if (!o->fascist_firewall) /* with FascistFirewall the policy's rules are made of them */
        TRY(parse_ports(c, o->firewall_ports_csv, "FirewallPorts", &firewall));
    free(firewall.ports);
    TRY(parse_ports(c, o->long_lived_ports_csv, "LongLivedPorts", &o->is.long_lived));
    TRY(parse_ports(c, o->reject_plaintext_ports_csv, "RejectPlaintextPorts",
                    &o->is.reject_plaintext));
    return parse_ports(c, o->warn_plaintext_ports_csv, "WarnPlaintextPorts", &o->is.warn_plaintext);
}

/* The network that we may use. */

static err_t fascist_rules(const struct checking *c, struct addr_policy *out)
{
    struct port_set ports = {0};
    TRY(parse_ports(c, c->o->firewall_ports_csv, "FirewallPorts", &ports));
    struct addr_rule rule = {.accept = true, .net = {.ip = {.family = IP_NONE}}};
    err_t err = OK;
    if (ports.n == 0) {
        rule.port_min = rule.port_max = 443;
        err = policy_add(out, rule);
    }
    for (size_t i = 0; err == OK && i < ports.n; i++) {
        rule.port_min = rule.port_max = ports.ports[i];
        err = policy_add(out, rule);
    }
    free(ports.ports);
    return err;
}

static err_t check_reachable(const struct checking *c)
{
    struct options *o = c->o;
    struct addr_policy *p = &o->is.reachable_or;
    if (o->reachable_or_lines)
        TRY(policy_parse(o->reachable_or_lines, true, p, c->faults));
    else if (o->reachable_lines)
        TRY(policy_parse(o->reachable_lines, true, p, c->faults));
    else if (o->fascist_firewall)
        TRY(fascist_rules(c, p));
    if (p->n > 0) {
        bool any = false;
        for (size_t i = 0; i < p->n; i++)
            any |= p->rules[i].accept;
        if (!any)
            log_warn(c->log, "Tor cannot connect to the Internet if ReachableAddresses or "
                             "ReachableORAddresses reject all addresses. Please accept some "
                             "addresses in these options.");
        /* What a list of reachable addresses does not name is not reachable. */
        TRY(policy_add(p, (struct addr_rule){.accept = false,
                                             .net = {.ip = {.family = IP_NONE}},
                                             .port_min = 0,
                                             .port_max = UINT16_MAX}));
    }
    if (!o->client_use_ipv4 && !o->client_use_ipv6)
        return reject(c, "ClientUseIPv4 and ClientUseIPv6 are both 0: no relay can be reached.");
    return OK;
}

static err_t add_bind(const struct checking *c, const struct conf_line *lines, const char *kind)
{
    struct ip v4 = {0}, v6 = {0};
    for (; lines; lines = lines->next) {
        struct ip ip;
        if (ip_parse(lines->value, true, &ip) != OK)
            return conf_fail(c->e, ERR_MALFORMED, "%s: %s \"%s\": not an IP address", lines->where,
                             lines->key, lines->value);
        struct ip *slot = ip.family == IP_V4 ? &v4 : &v6;
        if (slot->family != IP_NONE)
            return conf_fail(
                c->e, ERR_MALFORMED, "%s: Multiple%s%s outbound bind addresses configured: %s",
                lines->where, ip.family == IP_V4 ? " IPv4" : " IPv6", kind, lines->value);
        *slot = ip;
    }
    if (v4.family != IP_NONE)
        c->o->is.bind_or_v4 = v4;
    if (v6.family != IP_NONE)
        c->o->is.bind_or_v6 = v6;
    return OK;
}

static err_t check_binds(const struct checking *c)
{
    TRY(add_bind(c, c->o->outbound_bind_lines, ""));
    return add_bind(c, c->o->outbound_bind_or_lines, " OR");
}

/* Directories, whose lines the layer dir reads. */

typedef err_t (*parse_server)(const char *value, struct dir_server *out, const char **why);

static err_t check_server_lines(const struct checking *c, const struct conf_line *lines,
                                parse_server parse)
{
    for (; lines; lines = lines->next) {
        struct dir_server server;
        const char *why = NULL;
        err_t err = parse(lines->value, &server, &why);
        TRY(conf_faults_say(c->faults, err, "%s: %s \"%.200s\": %s", lines->where, lines->key,
                            lines->value, why ? why : err_text(err)));
    }
    return OK;
}

static err_t check_servers(const struct checking *c)
{
    TRY(check_server_lines(c, c->o->dir_authority_lines, dir_server_parse_authority));
    return check_server_lines(c, c->o->fallback_dir_lines, dir_server_parse_fallback);
}

static err_t check_families(const struct checking *c)
{
    struct conf_err e;
    for (const struct conf_line *l = c->o->node_family_lines; l; l = l->next)
        TRY(conf_faults_add(c->faults, nodes_check(l->key, l->where, l->value, &e), &e));
    return OK;
}

static err_t check_network(const struct checking *c)
{
    struct options *o = c->o;
    TRY(check_reachable(c));
    if (o->keepalive_period_s < 1)
        return reject_opt(c, "KeepalivePeriod", "KeepalivePeriod option must be positive.");
    if (o->conn_limit <= 0)
        return reject_opt(c, "ConnLimit", "ConnLimit must be greater than 0, but was set to %d",
                          o->conn_limit);
    uint64_t size = o->constrained_sock_size_bytes;
    if (o->constrained_sockets &&
        (size < SOCK_SIZE_MIN || size > SOCK_SIZE_MAX || size % SOCK_SIZE_STEP != 0))
        return reject_opt(c, "ConstrainedSockSize",
                          "ConstrainedSockSize is invalid.  Must be a value between %d and %d in "
                          "%d byte increments.",
                          SOCK_SIZE_MIN, SOCK_SIZE_MAX, SOCK_SIZE_STEP);
    o->is.sock_bytes = o->constrained_sockets ? (size_t)size : 0;
    if (o->fetch_dir_info_extra_early && !o->fetch_dir_info_early)
        return reject_opt(c, "FetchDirInfoExtraEarly",
                          "FetchDirInfoExtraEarly requires that you also set FetchDirInfoEarly");
    return OK;
}

/* Circuits and paths. */

static void clamp_times(const struct checking *c)
{
    struct options *o = c->o;
    if (o->max_circuit_dirtiness_s < DIRTINESS_MIN_S) {
        log_warn(c->log, "MaxCircuitDirtiness option is too short; raising to %d seconds.",
                 DIRTINESS_MIN_S);
        o->max_circuit_dirtiness_s = DIRTINESS_MIN_S;
    }
    if (o->max_circuit_dirtiness_s > DIRTINESS_MAX_S) {
        log_warn(c->log, "MaxCircuitDirtiness option is too high; setting to %d days.",
                 DIRTINESS_MAX_S / 86400);
        o->max_circuit_dirtiness_s = DIRTINESS_MAX_S;
    }
    if (o->circuit_stream_timeout_s && o->circuit_stream_timeout_s < STREAM_TIMEOUT_MIN_S) {
        log_warn(c->log, "CircuitStreamTimeout option is too short; raising to %d seconds.",
                 STREAM_TIMEOUT_MIN_S);
        o->circuit_stream_timeout_s = STREAM_TIMEOUT_MIN_S;
    }
    if (o->heartbeat_period_s && o->heartbeat_period_s < HEARTBEAT_MIN_S &&
        !o->testing_tor_network) {
        log_warn(c->log, "HeartbeatPeriod option is too short; raising to %d seconds.",
                 HEARTBEAT_MIN_S);
        o->heartbeat_period_s = HEARTBEAT_MIN_S;
    }
    double *paths = &o->paths_needed_to_build_circuits;
    if (*paths >= 0.0 && *paths < 0.25) {
        log_warn(c->log, "PathsNeededToBuildCircuits is too low. Increasing to 0.25");
        *paths = 0.25;
    } else if (*paths > 0.95) {
        log_warn(c->log, "PathsNeededToBuildCircuits is too high. Decreasing to 0.95");
        *paths = 0.95;
    }
}

static void advise_timeout(const struct checking *c)
{
    const struct options *o = c->o;
    if (o->learn_circuit_build_timeout)
        return;
    if (o->circuit_build_timeout_s == 0)
        log_notice(c->log, "You disabled LearnCircuitBuildTimeout, but didn't specify a "
                           "CircuitBuildTimeout. I'll pick a plausible default.");
    else if (o->circuit_build_timeout_s < BUILD_TIMEOUT_ADVISED_S)
        log_warn(c->log,
                 "CircuitBuildTimeout is shorter (%d seconds) than the recommended minimum (%d "
                 "seconds), and LearnCircuitBuildTimeout is disabled.  If Tunic isn't working, "
                 "raise this value or enable LearnCircuitBuildTimeout.",
                 o->circuit_build_timeout_s, BUILD_TIMEOUT_ADVISED_S);
}

static err_t check_circuits(const struct checking *c)
{
    struct options *o = c->o;
    if (o->max_client_circuits_pending <= 0 || o->max_client_circuits_pending > PENDING_MAX)
        return reject_opt(c, "MaxClientCircuitsPending",
                          "MaxClientCircuitsPending must be between 1 and %d, but was set to %d",
                          PENDING_MAX, o->max_client_circuits_pending);
    if (o->circuits_available_timeout_s > AVAILABLE_MAX_S)
        return reject_opt(c, "CircuitsAvailableTimeout",
                          "CircuitsAvailableTimeout is too large. Max is 24 hours.");
    if (o->entry_nodes && !o->use_entry_guards)
        return reject_opt(c, "UseEntryGuards",
                          "If EntryNodes is set, UseEntryGuards must be enabled.");
    if (o->exclude_nodes && o->strict_nodes)
        log_warn(c->log, "You have asked to exclude certain relays from all positions in your "
                         "circuits. Expect hidden services and other Tor features to be broken in "
                         "unpredictable ways.");
    clamp_times(c);
    advise_timeout(c);
    return OK;
}

/* Options without effect yet whose values tor checks: what is written today must stay good when
 * they work. */

static const char *kept_value(const struct options *o, const char *name)
{
    const char *value = NULL;
    for (const struct conf_line *l = o->kept; l; l = l->next)
        if (strcasecmp(l->key, name) == 0)
            value = l->value;
    return value;
}

static err_t check_kept(const struct checking *c)
{
    static const char *const experiences[] = {"latency", "throughput", "latency_lowmem",
                                              "throughput_lowmem"};
    const char *ux = kept_value(c->o, "ConfluxClientUX");
    bool ux_ok = !ux;
    for (size_t i = 0; i < sizeof experiences / sizeof experiences[0] && !ux_ok; i++)
        ux_ok = strcmp(ux, experiences[i]) == 0;
    if (!ux_ok)
        return reject_opt(c, "ConfluxClientUX",
                          "ConfluxClientUX must be 'latency', 'throughput, 'latency_lowmem', or "
                          "'throughput_lowmem'");
    const char *dormant = kept_value(c->o, "DormantClientTimeout");
    if (dormant && strtol(dormant, NULL, 10) < DORMANT_MIN_S && !c->o->testing_tor_network)
        return reject_opt(c, "DormantClientTimeout",
                          "DormantClientTimeout is too low. It must be at least 10 minutes.");
    return OK;
}

/* Private networks. */

static bool only_in_testing(const struct opt *opt)
{
    return strncmp(opt->name, "Testing", 7) == 0 && strcmp(opt->name, "TestingTorNetwork") != 0 &&
           opt->kind != OPT_OBSOLETE;
}

/* Options that make a client stand out belong to private networks. */
static err_t check_not_testing(const struct checking *c)
{
    struct options *defaults = options_new(false);
    size_t n, differ;
    (void)opt_table(&n);
    const struct opt **names = calloc(n, sizeof *names);
    err_t err = defaults && names ? OK : ERR_NOMEM;
    if (err == OK) {
        differ = options_diff(c->o, defaults, names, n);
        for (size_t i = 0; err == OK && i < differ; i++)
            if (only_in_testing(names[i]))
                err = reject_opt(c, names[i]->name,
                                 "%s may only be changed in testing Tor networks!", names[i]->name);
    }
    options_free(defaults);
    free(names);
    return err;
}

static err_t check_testing(const struct checking *c)
{
    struct options *o = c->o;
    if (o->dir_authority_lines &&
        (o->alternate_dir_authority_lines || kept_value(o, "AlternateBridgeAuthority")))
        return reject(c, "You cannot set both DirAuthority and Alternate*Authority.");
    if (o->testing_tor_network && !o->dir_authority_lines &&
        !(o->alternate_dir_authority_lines && kept_value(o, "AlternateBridgeAuthority")))
        return reject_opt(c, "TestingTorNetwork",
                          "TestingTorNetwork may only be configured in combination with a "
                          "non-default set of DirAuthority or both of AlternateDirAuthority and "
                          "AlternateBridgeAuthority configured.");
    if (!o->testing_tor_network && !o->using_test_network_defaults)
        TRY(check_not_testing(c));
    if (!o->client_dns_reject_internal && !options_authorities(o))
        return reject_opt(c, "ClientDNSRejectInternalAddresses",
                          "ClientDNSRejectInternalAddresses used for default network.");
    if (o->testing_client_max_interval_without_request_s < 1)
        return reject_opt(c, "TestingClientMaxIntervalWithoutRequest",
                          "TestingClientMaxIntervalWithoutRequest is way too low.");
    if (o->testing_dir_connection_max_stall_s < 5)
        return reject_opt(c, "TestingDirConnectionMaxStall",
                          "TestingDirConnectionMaxStall is way too low.");
    if (o->bootstrap_max_in_progress < 1)
        return reject_opt(c, "ClientBootstrapConsensusMaxInProgressTries",
                          "ClientBootstrapConsensusMaxInProgressTries must be greater than 0.");
    if (o->bootstrap_max_in_progress > 100)
        log_warn(c->log, "ClientBootstrapConsensusMaxInProgressTries is insanely high.");
    if (o->testing_tor_network)
        log_warn(c->log, "TestingTorNetwork is set. This will make your node almost unusable in "
                         "the public Tor network, and is therefore only advised if you are "
                         "building a testing Tor network!");
    return OK;
}

static err_t check_process(const struct checking *c)
{
    const char *pid = c->o->owning_controller_process;
    if (!pid)
        return OK;
    pid += *pid == '+'; /* strtol() takes it, and so does tor */
    /* tor's form: a number, then nothing that is a letter or digit */
    size_t digits = strspn(pid, "0123456789");
    uint64_t number = 0;
    if (digits == 0 || text_to_u64((struct text){pid, digits}, INT_MAX, &number) != OK ||
        number == 0 || (pid[digits] && pid[digits] != ' ' && pid[digits] != ':'))
        return reject_opt(c, "__OwningControllerProcess",
                          "Bad OwningControllerProcess: invalid PID");
    return OK;
}

typedef err_t (*rule)(const struct checking *);

static err_t apply_rules(struct checking *c, const rule *rules, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        conf_fail(c->e, OK, "out of memory");
        TRY(conf_faults_add(c->faults, rules[i](c), c->e));
    }
    return OK;
}

err_t options_check_each(struct options *o, const struct options_env *env,
                         struct conf_faults *faults)
{
    /* A line that could not be read has left its option at the default, which bears them all. */
    static const rule rules[] = {
        check_ports,   check_port_lists, check_log,     check_binds,
        check_servers, check_families,   check_folders, check_relative_paths,
        check_network, check_circuits,   check_kept,    check_testing,
        check_process,
    };
    struct conf_err e;
    struct checking c = {o, env, env->log, &e, faults};
    options_forget_derived(o);
    return apply_rules(&c, rules, sizeof rules / sizeof rules[0]);
}

err_t options_check(struct options *o, const struct options_env *env, struct conf_err *e)
{
    struct conf_faults faults = {.log = env->log};
    conf_fail(e, OK, "out of memory");
    TRY(options_check_each(o, env, &faults));
    return conf_faults_end(&faults, e);
}
