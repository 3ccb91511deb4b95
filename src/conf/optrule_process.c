/* Rules of files, log and process. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "conf/optlists.h"
#include "conf/optrule.h"
#include "conf/optval.h"

enum { DATA_DIR_MAX = 512 - 128 };

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

err_t rule_folders(const struct checking *c)
{
    struct options *o = c->o;
    o->is.data_dir = path_absolute(data_dir_of(c, o->data_directory));
    if (!o->is.data_dir)
        return ERR_NOMEM;
    if (strlen(o->is.data_dir) > DATA_DIR_MAX)
        return rule_reject_opt(c, "DataDirectory",
                               "Invalid DataDirectory: DataDirectory is too long.");
    o->is.cache_dir =
        path_absolute(o->cache_directory ? path_expand(o->cache_directory, c->env->home)
                                         : strdup(o->is.data_dir));
    return o->is.cache_dir ? OK : ERR_NOMEM;
}

err_t rule_relative_paths(const struct checking *c)
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
        return rule_reject(
            c, "You have specified at least one relative path (see above) with the "
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

err_t rule_log(const struct checking *c)
{
    struct options *o = c->o;
    int ms = o->log_time_granularity_ms;
    if (ms <= 0)
        return rule_reject_opt(c, "LogTimeGranularity",
                               "Log time granularity '%d' has to be positive.", ms);
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
        return rule_reject_opt(c, "SafeLogging", "Unrecognized value '\"%s\"' in SafeLogging",
                               safe);
    if (!o->log_lines)
        return default_log(o, c->env->quiet);
    return logs_parse(o->log_lines, c->env->home, &o->is.logs, &o->is.n_logs, c->faults);
}

err_t rule_process(const struct checking *c)
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
        return rule_reject_opt(c, "__OwningControllerProcess",
                               "Bad OwningControllerProcess: invalid PID");
    return OK;
}
