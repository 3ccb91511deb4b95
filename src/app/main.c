/* The program: reads the command line and the configuration, and hands on what is asked for. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app/dryrun.h"
#include "app/immediate.h"
#include "app/process.h"
#include "app/run.h"
#include "app/version.h"
#include "host/apply.h"
#include "host/disk.h"

static int refused(const struct app *app, const struct conf_err *e)
{
    log_warn(app->log, "%s", e->text);
    log_err(app->log, "Reading config failed--see warnings above.");
    return 1;
}

static int verify_config(const struct app *app)
{
    struct conf_err e;
    if (dryrun_verify(app->options, app->log, &e) != OK)
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
        return dryrun_dump(app->cmdline, app->options);
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
    const struct load_env env = {process_home(), TUNIC_CONFIG_DIR, stdin, disk_source(app->log),
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
        status = immediate_run(app.cmdline, argv[0], app.log);
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
        immediate_help(argv[0]);
        return 0;
    }
    if (argc > 1 && is_nothing(argv[1])) {
        fprintf(stderr, "tunic: there is no command or option \"%.40s\".%s\n", argv[1],
                cmdline_hint(argv[1], hint));
        return 1;
    }
    return client_main(argc, argv);
}
