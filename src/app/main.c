/* The program: reads the command line, does what needs no network itself, hands the rest on. */
#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/cmdline.h"
#include "app/process.h"
#include "app/run.h"
#include "app/version.h"
#include "crypto/s2k.h"
#include "crypto/secret.h"
#include "host/apply.h"
#include "host/disk.h"
#include "host/verify.h"

#ifndef TUNIC_CONFIG_DIR
#define TUNIC_CONFIG_DIR "/etc/tor" /* tor's, whose place Tunic takes */
#endif

/* What the other programs are for, in the order of cmdline_programs. */
static const char *const programs[] = {
    "a private Tor network in this process, for tests",
    "documents of Tor's directory, verified",
    "a relay of your own, tried rule by rule",
    "directory documents, made and signed for tests",
    "what relays carry, measured as FlashFlow does it",
    "steers a running Tunic or tor through its control port",
};

static const char HELP_HEAD[] =
    "Tunic " TUNIC_VERSION ": a Tor client with tor's options, independent of the Tor Project.\n"
    "\n"
    "tunic -f <torrc> [--Option value]... [+Option value] [/Option]\n";
static const char HELP[] =
    "\n"
    "  -f FILE                 read FILE instead of " TUNIC_CONFIG_DIR "/torrc or ~/.torrc; - is\n"
    "                          standard input\n"
    "  --defaults-torrc FILE   read FILE before it, instead of " TUNIC_CONFIG_DIR
    "/torrc-defaults\n"
    "  --ignore-missing-torrc  go on with the defaults if FILE is not there\n"
    "  --verify-config         only tell whether the configuration is valid\n"
    "  --dump-config short     print the options that differ from the defaults, or: non-builtin,\n"
    "                          full\n"
    "  --list-torrc-options    print the name of every option\n"
    "  --hash-password WORD    print what HashedControlPassword takes for it\n"
    "  --hush, --quiet         log from warnings up; nothing\n"
    "  --version, --library-versions, --list-modules, --help\n"
    "\n"
    "Every option, with examples and files: man tunic.\n";

/* What programs look for first and last in tor's help, stem's among them. */
static const char TOR_HELP_BEGIN[] = "Copyright (c) 2001 and later for tor, by its authors. This "
                                     "is not tor, and has no code of it.\n\n";
static const char TOR_HELP_END[] =
    "\ntor -f <torrc> [args]\n"
    "See man page for options, or https://www.torproject.org/ for documentation.\n";

static void print_help(const char *called)
{
    const char *slash = strrchr(called, '/');
    bool as_tor = strcmp(slash ? slash + 1 : called, "tor") == 0;
    fputs(as_tor ? TOR_HELP_BEGIN : "", stdout);
    fputs(HELP_HEAD, stdout);
    for (size_t i = 0; cmdline_programs[i]; i++)
        printf("tunic %-8s ...        %s; see tunic %s --help\n", cmdline_programs[i], programs[i],
               cmdline_programs[i]);
    fputs(HELP, stdout);
    fputs(as_tor ? TOR_HELP_END : "", stdout);
}

static int list_options(void)
{
    size_t n;
    const struct opt *table = opt_table(&n);
    for (size_t i = 0; i < n; i++)
        if (opt_listed(&table[i]))
            puts(table[i].name);
    return 0;
}

static int list_deprecated(void)
{
    puts("HTTPProxy\nHTTPProxyAuthenticator\nReachableDirAddresses\nClientPreferIPv6DirPort");
    return 0;
}

static int list_modules(void)
{
    puts("relay: no\ndirauth: no\ndircache: no\npow: no");
    return 0;
}

/* With a salt of its own, so that two hashes of one password do not tell that it is one. */
static int hash_password(const char *password)
{
    uint8_t specifier[S2K_SPECIFIER_LEN];
    char text[S2K_TEXT_SIZE];
    if (crypto_init() != OK)
        return 1;
    crypto_random(NULL, specifier, S2K_SALT_LEN);
    specifier[S2K_SALT_LEN] = S2K_COUNT_64K;
    puts(s2k_encode(password, strlen(password), specifier, text));
    return 0;
}

/* Commands that need no configuration; -1 for the others. */
static int run_immediate(const struct cmdline *c, const char *called, const struct log *log)
{
    switch (c->command) {
    case CMD_VERSION:
        version_print(stdout);
        return 0;
    case CMD_HELP:
        print_help(called);
        return 0;
    case CMD_LIST_OPTIONS:
        return list_options();
    case CMD_LIST_DEPRECATED:
        return list_deprecated();
    case CMD_LIST_MODULES:
        return list_modules();
    case CMD_LIBRARY_VERSIONS:
        version_print_libraries(stdout);
        return 0;
    case CMD_HASH_PASSWORD:
        return hash_password(c->argument);
    case CMD_RELAY_ONLY:
        log_err(log, "This command is for relays, and Tunic is a client.");
        return 1;
    case CMD_RUN:
    case CMD_VERIFY_CONFIG:
    case CMD_DUMP_CONFIG:
    case CMD_LIST_FINGERPRINT:
        break;
    }
    return -1;
}

static int dump_config(const struct cmdline *c, const struct options *o)
{
    const char *arg = c->argument ? c->argument : "";
    bool full = strcmp(arg, "full") == 0, builtin = strcmp(arg, "non-builtin") == 0;
    if (!full && !builtin && strcmp(arg, "short") != 0) {
        fputs("No valid argument to --dump-config found!\nPlease select 'short' or 'full'.\n",
              stderr);
        return 1;
    }
    struct options *ours = builtin ? options_new(false) : NULL;
    char *text = options_dump(o, ours ? ours : o->base, full ? DUMP_ALL : DUMP_MINIMAL);
    options_free(ours);
    if (!text)
        return 1;
    fputs(text, stdout);
    free(text);
    return 0;
}

static int refused(const struct app *app, const struct conf_err *e)
{
    log_warn(app->log, "%s", e->text);
    log_err(app->log, "Reading config failed--see warnings above.");
    return 1;
}

/* Checks as strictly as a start does, and in its order: sockets with the rights that there are,
 * files with those of User. */
static err_t verify(const struct app *app, struct conf_err *e)
{
    const struct options *o = app->options;
    TRY(verify_ports(o, app->log, e));
    TRY(process_limits(o, app->log, e));
    TRY(process_settle(o, app->log, e));
    TRY(verify_countries(o, app->log, e));
    return verify_files(o, e);
}

static int verify_config(const struct app *app)
{
    struct conf_err e;
    if (verify(app, &e) != OK)
        return refused(app, &e);
    puts("Configuration was valid");
    return 0;
}

static int run_configured(struct app *app)
{
    switch (app->cmdline->command) {
    case CMD_VERIFY_CONFIG:
        return verify_config(app);
    case CMD_DUMP_CONFIG:
        return dump_config(app->cmdline, app->options);
    case CMD_LIST_FINGERPRINT:
        log_err(app->log, "Clients don't have long-term identity keys. Exiting.");
        return 1;
    case CMD_RUN:
    case CMD_VERSION:
    case CMD_HELP:
    case CMD_LIST_OPTIONS:
    case CMD_LIST_DEPRECATED:
    case CMD_LIST_MODULES:
    case CMD_LIBRARY_VERSIONS:
    case CMD_HASH_PASSWORD:
    case CMD_RELAY_ONLY:
        break;
    }
    return app_run(app);
}

static const char *home_folder(void)
{
    const char *home = getenv("HOME");
    const struct passwd *pw = home ? NULL : getpwuid(getuid());
    return pw ? pw->pw_dir : home;
}

static void greet(const struct log *log)
{
    char platform[VERSION_PLATFORM_MAX];
    log_notice(log, "Tunic %s %s", TUNIC_VERSION, version_platform(platform));
    log_notice(log, "Tunic hides where you connect from, not what you say there. Learn how to be "
                    "safe at https://support.torproject.org/faq/staying-anonymous/");
}

static int configure_and_run(struct app *app)
{
    struct conf_err e;
    const struct load_env env = {home_folder(), TUNIC_CONFIG_DIR, stdin, disk_source(app->log),
                                 app->log};
    if (load_configuration(app->cmdline, &env, &app->options, &e) != OK)
        return refused(app, &e);
    app->load = &env;
    int status = apply_check(app->options, &e) == OK ? run_configured(app) : refused(app, &e);
    options_free(app->options);
    return status;
}

static int client_main(int argc, char **argv)
{
    struct conf_err e;
    struct app app = {.logfile = logfile_new(cmdline_quiet(argc, argv), NULL)};
    int status = 1;
    if (!app.logfile)
        return 1;
    app.log = logfile_log(app.logfile);
    greet(app.log);
    if (cmdline_parse(argc, argv, app.log, &app.cmdline, &e) != OK) {
        status = refused(&app, &e);
    } else {
        status = run_immediate(app.cmdline, argv[0], app.log);
        if (status < 0)
            status = configure_and_run(&app);
    }
    cmdline_free(app.cmdline);
    logfile_free(app.logfile);
    if (fflush(stdout) != 0)
        status = 1;
    return status;
}

/* A first word that is neither command nor option: a mistyped command, most likely. */
static bool is_nothing(const char *word)
{
    return !strchr("-+/", word[0]) && !opt_lookup(word, NULL);
}

/* "tunic NAME ..." goes on in a program of its own, so that a client which runs for weeks has in
 * memory only what it needs. It lies beside this one, as built and as installed. Returns only if
 * it cannot be run. */
static int become_tools(char **argv)
{
    static const char *const places[] = {"libexec/tunic-tools", "../libexec/tunic-tools"};
    char here[PATH_MAX], path[PATH_MAX + 32];
    ssize_t n = readlink("/proc/self/exe", here, sizeof here - 1);
    here[n > 0 ? n : 0] = 0;
    char *slash = strrchr(here, '/');
    snprintf(path, sizeof path, "tunic-tools");
    for (size_t i = 0; slash && i < sizeof places / sizeof places[0]; i++) {
        snprintf(path, sizeof path, "%.*s/%s", (int)(slash - here), here, places[i]);
        execv(path, argv);
        if (errno != ENOENT)
            break;
    }
    fprintf(stderr,
            "tunic: cannot run %s: %s. It comes with tunic (make install); a tunic that is "
            "copied elsewhere needs it in the same place.\n",
            path, strerror(errno));
    return 1;
}

int main(int argc, char **argv)
{
    char hint[CMDLINE_HINT];
    for (size_t i = 0; argc > 1 && cmdline_programs[i]; i++)
        if (strcmp(argv[1], cmdline_programs[i]) == 0)
            return become_tools(argv);
    if (argc == 2 && strcmp(argv[1], "help") == 0) {
        print_help(argv[0]);
        return 0;
    }
    if (argc > 1 && is_nothing(argv[1])) {
        fprintf(stderr, "tunic: there is no command or option \"%.40s\".%s\n", argv[1],
                cmdline_hint(argv[1], hint));
        return 1;
    }
    return client_main(argc, argv);
}
