#include "app/testnet/testnet.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "app/command.h"
#include "app/testnet/client.h"
#include "client/client.h"
#include "crypto/secret.h"
#include "host/logfile.h"

enum { READY_POLL_MS = 2 };

struct run {
    struct testnet_args *args;
    struct log log;
    uint64_t begun_us; /* the process began */
    struct testnet_dir dir;
    struct net *net;
    struct testnet_network network;
    struct host *host; /* of the client; NULL: none */
    struct timer poll; /* until the client is ready */
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

static int complain(int status, const char *why)
{
    fprintf(stderr, "tunic testnet: %s\n", why);
    return status;
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

static void run_command(struct run *r)
{
    char *const *argv = r->args->command;
    if (testnet_client_export(&r->dir, r->host) != OK) {
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
    if (testnet_dir_counts(&r->dir, r->network.testnet, r->why) != OK)
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
        if (netdocs_publish(testnet_docs(r->network.testnet)) != OK)
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

static err_t begin(struct run *r)
{
    snprintf(r->why, sizeof r->why, "out of memory");
    TRY(testnet_network_plan(&r->network));
    snprintf(r->why, sizeof r->why, "the event loop or the crypto library did not start");
    if (crypto_init() != OK)
        return ERR_CRYPTO;
    TRY(net_new(&r->log, NULL, &r->net));
    r->network.net = r->net;
    TRY(watch_signals(r));
    TRY(testnet_dir_open(r->args->dir, &r->dir, r->why));
    TRY(testnet_network_begin(&r->network));
    if (!r->args->no_client)
        TRY(testnet_client_new(&r->network, &r->host));
    return testnet_network_write(&r->network, r->host ? host_socks_port(r->host) : 0);
}

static void end(struct run *r)
{
    command_sweep(&r->command);
    if (r->network.testnet && !r->dir.temporary)
        write_counts(r);
    if (r->net)
        env_disarm(net_env(r->net), &r->poll);
    host_free(r->host);
    testnet_network_end(&r->network);
    net_free(r->net);
    testnet_dir_close(&r->dir);
}

static int run(struct testnet_args *args, uint64_t begun_us)
{
    struct run r = {.args = args,
                    .begun_us = begun_us,
                    .log = {.least = args->level, .unsafe = true, .sink = logfile_to_stderr},
                    .dir = {.lock_fd = -1},
                    .command = {.tty = -1}};
    r.network = (struct testnet_network){.args = args, .dir = &r.dir, .why = r.why};
    raise_fd_limit(&r);
    signal(SIGPIPE, SIG_IGN);
    timer_init(&r.poll, poll_client, &r);
    err_t e = begin(&r);
    if (e == OK && r.host)
        e = testnet_client_begin(&r.network, r.host);
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
        testnet_list_faults();
    else
        status = run(&args, begun_us);
    testnet_args_free(&args);
    if (fflush(stdout) != 0 && !status)
        status = TESTNET_STATUS_FAILED;
    return status;
}
