#include "app/testnet/testnet.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "app/command.h"
#include "app/testnet/args.h"
#include "app/testnet/control.h"
#include "app/testnet/files.h"
#include "client/client.h"
#include "crypto/aes.h"
#include "crypto/hash.h"
#include "crypto/secret.h"
#include "faults/faults.h"
#include "host/host.h"
#include "host/logfile.h"
#include "net/net.h"
#include "testbed/page.h"
#include "testbed/world.h"

enum { READY_POLL_MS = 2 };

static const char PAGE_NAME[] = "hello.test";

struct run {
    struct testnet_args *args;
    struct log log;
    uint64_t begun_us; /* the process began */
    struct testnet_dir dir;
    struct net *net;
    struct plan *plan;
    struct identity *ids;
    struct testbed_page *page;
    struct testbed_world *world;
    struct testnet *testnet;
    struct testnet_control *control;
    uint64_t seed;
    struct aes_ctr *stream; /* of the seed */
    struct host *host;      /* of the client; NULL: none */
    struct timer poll;      /* until the client is ready */
    bool ready;
    struct command command;
    struct rlimit files; /* of open ones, as it was */
    int status;
    char why[TESTNET_FILES_WHY];
};

static uint64_t now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * US_PER_SEC + (uint64_t)t.tv_nsec / 1000;
}

static void to_stderr(void *arg, enum log_level level, const char *line)
{
    struct timespec t;
    char text[LOGFILE_LINE_MAX];
    (void)arg;
    clock_gettime(CLOCK_REALTIME, &t);
    logfile_format(text, (int64_t)t.tv_sec * (int64_t)US_PER_SEC + t.tv_nsec / 1000, 1, level,
                   line);
    fprintf(stderr, "%s\n", text);
}

static int complain(int status, const char *why)
{
    fprintf(stderr, "tunic testnet: %s\n", why);
    return status;
}

/* ---- randomness of a seed ---- */

static void seeded_random(void *arg, void *out, size_t len)
{
    struct run *r = arg;
    memset(out, 0, len);
    if (aes_ctr_xor(r->stream, out, len) != OK)
        crypto_random(NULL, out, len);
}

/* The keys follow from the seed in any case, for they are kept as one; the rest only if asked. */
static err_t set_seed(struct run *r)
{
    uint8_t key[SHA256_LEN];
    char text[64];
    crypto_random(NULL, &r->seed, sizeof r->seed);
    if (r->args->has_seed)
        r->seed = r->args->seed;
    else if (testnet_dir_seed(&r->dir, &r->seed) != OK)
        log_info(&r->log, "A new seed for the keys");
    int n = snprintf(text, sizeof text, "tunic testnet seed %llu", (unsigned long long)r->seed);
    sha256(text, (size_t)n, key);
    r->stream = aes_ctr_new(key, 256, NULL);
    if (!r->stream)
        return ERR_NOMEM;
    net_env(r->net)->random = seeded_random;
    net_env(r->net)->random_arg = r;
    return OK;
}

static void forget_seed(struct run *r)
{
    if (r->args->has_seed)
        return;
    net_env(r->net)->random = crypto_random;
    net_env(r->net)->random_arg = NULL;
}

/* ---- faults and orders ---- */

static err_t set_faults(struct run *r)
{
    char why[TESTNET_CONTROL_WHY];
    for (size_t i = 0; i < r->args->n_faults; i++)
        if (testnet_set_fault(r->testnet, r->args->faults[i], why) != OK) {
            snprintf(r->why, sizeof r->why, "--fault \"%.80s\": %.200s", r->args->faults[i], why);
            return ERR_ARG;
        }
    return OK;
}

static err_t open_control(struct run *r)
{
    char path[TESTNET_DIR_MAX + 16];
    snprintf(path, sizeof path, "%s/control", r->dir.path);
    err_t e = testnet_control_open(r->net, r->testnet, r->world, path, &r->control);
    if (e == ERR_LIMIT) { /* a deep folder: all else works */
        log_warn(&r->log,
                 "No control socket: %.200s is too long a path for one. Take a --dir of at most "
                 "%zu bytes.",
                 path, sizeof(((struct sockaddr_un *)NULL)->sun_path) - sizeof "/control");
        return OK;
    }
    if (e != OK)
        snprintf(r->why, sizeof r->why, "cannot listen on %.200s (see above)", path);
    return e;
}

/* ---- the network ---- */

static err_t make_ids(struct run *r)
{
    r->ids = calloc(r->plan->n_nodes, sizeof *r->ids);
    if (!r->ids)
        return ERR_NOMEM;
    for (size_t i = 0; i < r->plan->n_nodes; i++)
        TRY(identity_make(net_env(r->net), &r->ids[i]));
    return OK;
}

static err_t open_listeners(struct run *r)
{
    uint16_t base = r->args->wish.base_port;
    if (testbed_page_open(r->net, r->plan, &r->page) != OK) {
        snprintf(r->why, sizeof r->why, "cannot listen on 127.0.0.1 (see above)");
        return ERR_IO;
    }
    err_t e = testbed_world_new(r->net, r->plan, &r->args->rules, &r->world);
    if (e == ERR_IO && base)
        snprintf(r->why, sizeof r->why,
                 "cannot listen on the ports from %u on (see above): choose another --base-port, "
                 "or leave it out for free ones",
                 base);
    else if (e != OK)
        snprintf(r->why, sizeof r->why, "cannot listen on the relays' addresses: %s", err_text(e));
    return e;
}

static err_t make_network(struct run *r)
{
    struct testnet_args *a = r->args;
    a->hosts[a->n_hosts] = (struct node_host){
        .name = PAGE_NAME,
        .to = {{.family = IP_V4, .b = {127, 0, 0, 1}}, testbed_page_port(r->page)}};
    const struct testnet_config config = {.plan = r->plan,
                                          .ids = r->ids,
                                          .hosts = a->hosts,
                                          .n_hosts = a->n_hosts + 1,
                                          .republish = true};
    err_t e = testnet_new(net_env(r->net), &config, &testbed_world_ops, r->world, &r->testnet);
    if (e == OK)
        e = faults_attach(r->testnet);
    if (e != OK) {
        snprintf(r->why, sizeof r->why, "the network could not be made: %s", err_text(e));
        return e;
    }
    testbed_world_attach(r->world, r->testnet);
    TRY(set_faults(r));
    return open_control(r);
}

/* ---- the client ---- */

enum { OTHER_PAIRS = 2 };

static err_t options_of(struct run *r, struct options **out, struct conf_err *why)
{
    char lines[PLAN_AUTHORITIES_MOST][TESTNET_LINE_MAX], port[32] = "127.0.0.1:auto";
    const char *pairs[2 * (PLAN_AUTHORITIES_MOST + OTHER_PAIRS) + 1] = {"TestingTorNetwork", "1",
                                                                        "SocksPort", port};
    const char **next = pairs + 2 * OTHER_PAIRS;
    if (r->args->socks_port)
        snprintf(port, sizeof port, "127.0.0.1:%u", r->args->socks_port);
    for (size_t i = 0; i < r->plan->n_authorities; i++) {
        *next++ = "DirAuthority";
        *next++ = testnet_authority_line(r->testnet, i, lines[i]);
    }
    return host_options_of(pairs, true, out, why);
}

static err_t make_client(struct run *r)
{
    const struct host_place place = {.net = r->net};
    struct options *options;
    struct conf_err why;
    err_t e = options_of(r, &options, &why);
    if (e == OK)
        e = host_new(&place, options, &r->host, &why);
    if (e == ERR_IO)
        snprintf(
            r->why, sizeof r->why,
            "cannot listen on 127.0.0.1:%u for SOCKS (see above): choose another --socks-port, "
            "or leave it out for a free one",
            r->args->socks_port);
    else if (e != OK)
        snprintf(r->why, sizeof r->why, "the client could not be made: %.200s", why.text);
    return e;
}

static err_t start_client(struct run *r)
{
    struct conf_err why;
    err_t e = host_begin(r->host, &why);
    if (e != OK)
        snprintf(r->why, sizeof r->why, "the client did not start: %.200s", why.text);
    return e;
}

/* ---- ready ---- */

static void stop(struct run *r, int status)
{
    r->status = status;
    net_stop(r->net);
}

static void announce(struct run *r)
{
    const struct testnet_args *a = r->args;
    char socks[64] = "no client";
    /* A command's output is its own. */
    FILE *to = a->command ? stderr : stdout;
    if (a->quiet)
        return;
    if (r->host)
        snprintf(socks, sizeof socks, "SOCKS 127.0.0.1:%u", host_socks_port(r->host));
    fprintf(to, "testnet ready: %u authorities, %u relays, %s, dir %s (%.2f s)\n",
            a->wish.authorities, a->wish.relays, socks, r->dir.path,
            (double)(now_us() - r->begun_us) / US_PER_SEC);
    fflush(to);
}

static err_t set_environment(const struct run *r)
{
    char text[TESTNET_DIR_MAX + 64];
    int bad = setenv("TUNIC_TESTNET_DIR", r->dir.path, 1);
    snprintf(text, sizeof text, "%s/client.torrc", r->dir.path);
    bad |= setenv("TUNIC_TESTNET_TORRC", text, 1);
    if (!r->host)
        return bad ? ERR_NOMEM : OK;
    snprintf(text, sizeof text, "127.0.0.1:%u", host_socks_port(r->host));
    bad |= setenv("TUNIC_TESTNET_SOCKS", text, 1);
    snprintf(text, sizeof text, "socks5h://127.0.0.1:%u", host_socks_port(r->host));
    bad |= setenv("ALL_PROXY", text, 1) | setenv("all_proxy", text, 1);
    /* These would win over ALL_PROXY, or keep it from being used. */
    static const char *const others[] = {"http_proxy",  "https_proxy", "HTTP_PROXY",
                                         "HTTPS_PROXY", "no_proxy",    "NO_PROXY"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        bad |= unsetenv(others[i]);
    return bad ? ERR_NOMEM : OK;
}

static void run_command(struct run *r)
{
    char *const *argv = r->args->command;
    if (set_environment(r) != OK) {
        stop(r, complain(TESTNET_STATUS_FAILED, "out of memory"));
        return;
    }
    int error = command_start(&r->command, argv, &r->files);
    if (!error)
        return;
    snprintf(r->why, sizeof r->why, "cannot run \"%.200s\": %s", argv[0],
             error == ENOENT ? "there is no such program" : strerror(error));
    stop(r, complain(error == ENOENT ? COMMAND_NOT_FOUND : COMMAND_NOT_RUNNABLE, r->why));
}

static void ready(struct run *r)
{
    r->ready = true;
    announce(r);
    if (r->args->command)
        run_command(r);
}

static void poll_client(void *arg)
{
    struct run *r = arg;
    struct env *env = net_env(r->net);
    if (client_is_ready(host_client(r->host))) {
        ready(r);
    } else if (env->mono_us - r->begun_us > r->args->timeout_s * (uint64_t)US_PER_SEC) {
        snprintf(r->why, sizeof r->why,
                 "the client has not got further than %u %% in %u s: see --log notice, raise "
                 "--timeout, or say --no-client",
                 client_bootstrap_percent(host_client(r->host)), r->args->timeout_s);
        stop(r, complain(TESTNET_STATUS_FAILED, r->why));
    } else {
        env_arm_ms(env, &r->poll, READY_POLL_MS);
    }
}

/* ---- signals ---- */

static void write_counts(struct run *r)
{
    if (testnet_dir_counts(&r->dir, r->testnet, r->why) != OK)
        (void)complain(0, r->why);
}

static void on_signal(void *arg, int signum)
{
    struct run *r = arg;
    bool with_command = r->command.pid > 0 && !r->command.ended;
    if (signum == SIGCHLD) {
        command_reap(&r->command);
        if (with_command && r->command.ended)
            stop(r, r->command.status);
    } else if (with_command) {
        command_signal(&r->command, signum);
    } else if (signum == SIGHUP) {
        if (netdocs_publish(testnet_docs(r->testnet)) != OK)
            log_warn(&r->log, "No new consensus: out of memory");
    } else if (signum == SIGUSR1) {
        write_counts(r);
    } else if (signum != SIGUSR2) {
        stop(r, r->args->command ? 128 + signum : 0);
    }
}

static err_t watch_signals(struct run *r)
{
    static const int signals[] = {SIGHUP, SIGINT, SIGTERM, SIGQUIT, SIGUSR1, SIGUSR2, SIGCHLD};
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
        TRY(net_on_signal(r->net, signals[i], on_signal, r));
    return OK;
}

/* ---- the run ---- */

/* Every relay has sockets in this one process. */
static void raise_fd_limit(struct run *r)
{
    if (getrlimit(RLIMIT_NOFILE, &r->files) == 0 && r->files.rlim_cur < r->files.rlim_max) {
        struct rlimit more = {r->files.rlim_max, r->files.rlim_max};
        (void)setrlimit(RLIMIT_NOFILE, &more);
    }
}

static err_t write_files(struct run *r)
{
    const struct testnet_facts facts = {.plan = r->plan,
                                        .ids = r->ids,
                                        .testnet = r->testnet,
                                        .seed = r->seed,
                                        .socks_port = r->host ? host_socks_port(r->host) : 0,
                                        .page_port = testbed_page_port(r->page),
                                        .hosts = r->args->hosts,
                                        .n_hosts = r->args->n_hosts + 1};
    return testnet_dir_write(&r->dir, &facts, r->why);
}

static err_t begin(struct run *r)
{
    snprintf(r->why, sizeof r->why, "out of memory");
    r->plan = calloc(1, sizeof *r->plan);
    if (!r->plan)
        return ERR_NOMEM;
    TRY(plan_make(&r->args->wish, r->plan, r->why));
    snprintf(r->why, sizeof r->why, "the event loop or the crypto library did not start");
    if (crypto_init() != OK)
        return ERR_CRYPTO;
    TRY(net_new(&r->log, NULL, &r->net));
    TRY(watch_signals(r));
    TRY(testnet_dir_open(r->args->dir, &r->dir, r->why));
    TRY(open_listeners(r));
    snprintf(r->why, sizeof r->why, "the keys could not be made");
    TRY(set_seed(r));
    TRY(make_ids(r));
    TRY(make_network(r));
    forget_seed(r);
    if (!r->args->no_client)
        TRY(make_client(r));
    return write_files(r);
}

static void end(struct run *r)
{
    command_sweep(&r->command);
    if (r->testnet && !r->dir.temporary)
        write_counts(r);
    if (r->net)
        env_disarm(net_env(r->net), &r->poll);
    host_free(r->host);
    testnet_control_close(r->control);
    testnet_free(r->testnet);
    testbed_world_free(r->world);
    testbed_page_close(r->page);
    for (size_t i = 0; r->ids && i < r->plan->n_nodes; i++)
        identity_wipe(&r->ids[i]);
    free(r->ids);
    free(r->plan);
    aes_ctr_free(r->stream);
    net_free(r->net);
    testnet_dir_close(&r->dir);
}

static int run(struct testnet_args *args, uint64_t begun_us)
{
    struct run r = {.args = args,
                    .begun_us = begun_us,
                    .log = {.least = args->level, .unsafe = true, .sink = to_stderr},
                    .dir = {.lock_fd = -1},
                    .command = {.tty = -1}};
    raise_fd_limit(&r);
    signal(SIGPIPE, SIG_IGN);
    timer_init(&r.poll, poll_client, &r);
    err_t e = begin(&r);
    if (e == OK && r.host)
        e = start_client(&r);
    if (e != OK) {
        r.status = complain(e == ERR_ARG ? TESTNET_STATUS_USAGE : TESTNET_STATUS_FAILED, r.why);
        end(&r);
        return r.status;
    }
    if (r.host)
        env_arm_ms(net_env(r.net), &r.poll, 0);
    else
        ready(&r);
    if (!r.status)
        net_run(r.net);
    end(&r);
    return r.status;
}

static int list_faults(void)
{
    for (int i = 0; i < FAULTS; i++)
        printf("%-24s %s\n", fault_name((enum fault)i), fault_text((enum fault)i));
    return 0;
}

int testnet_main(int argc, char **argv)
{
    uint64_t begun_us = now_us();
    struct testnet_args args;
    char why[ARG_WHY];
    int status = 0;
    if (testnet_args_parse(argc, argv, &args, why) != OK)
        return complain(TESTNET_STATUS_USAGE, why);
    if (args.help)
        fputs(testnet_help, stdout);
    else if (args.list_faults)
        (void)list_faults();
    else
        status = run(&args, begun_us);
    testnet_args_free(&args);
    if (fflush(stdout) != 0 && !status)
        status = TESTNET_STATUS_FAILED;
    return status;
}
