#include "app/measure/service.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "app/measure/tool.h"
#include "app/notify.h"
#include "crypto/secret.h"
#include "host/logfile.h"

/* ---- what is asked for ---- */

struct asked {
    const char *file;
    bool dump, help;
};

/* -1: it is none of these. */
static int common_option(const struct service *s, int *i, struct asked *out)
{
    const char *word = s->argv[*i];
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
        out->help = true;
    } else if (strcmp(word, "--dump-config") == 0) {
        out->dump = true;
    } else if (strcmp(word, "-c") == 0) {
        if (*i + 1 >= s->argc)
            return tool_complain(MEASURE_USAGE, "-c needs the name of a file");
        out->file = s->argv[++*i];
    } else {
        return -1;
    }
    return 0;
}

/* "--key value" or "--key=value" */
static err_t key_option(const struct service *s, int *i, struct mconf *conf, char why[MCONF_WHY])
{
    char name[64];
    const char *word = s->argv[*i], *equals = strchr(word, '=');
    size_t len = equals ? (size_t)(equals - word) : strlen(word);
    if (strncmp(word, "--", 2) != 0 || len >= sizeof name) {
        snprintf(why, MCONF_WHY, "%.60s is no option of tunic measure %s", word, s->name);
        return ERR_NOT_FOUND;
    }
    memcpy(name, word, len);
    name[len] = 0;
    const char *value = equals ? equals + 1 : *i + 1 < s->argc ? s->argv[++*i] : NULL;
    err_t e = mconf_option(conf, s->section, name, value ? value : "", why);
    if (e == OK && !value) {
        snprintf(why, MCONF_WHY, "%s needs a value", name);
        return ERR_MALFORMED;
    }
    return e;
}

static err_t read_file(const char *path, struct mconf *conf, char why[MCONF_WHY])
{
    FILE *f = fopen(path, "re");
    char *text = f ? malloc(MCONF_FILE_MOST + 1) : NULL;
    if (!text) {
        snprintf(why, MCONF_WHY, "cannot open %.300s: %s", path, strerror(errno));
        if (f)
            fclose(f);
        return ERR_IO;
    }
    size_t len = fread(text, 1, MCONF_FILE_MOST + 1, f);
    bool bad = ferror(f) || len > MCONF_FILE_MOST;
    fclose(f);
    err_t e = bad ? ERR_IO : mconf_read(conf, (struct text){text, len}, path, why);
    if (bad)
        snprintf(why, MCONF_WHY, "cannot read %.300s, or it is too long", path);
    free(text);
    return e;
}

/* The file first, so that options stand for what it says. *STATUS: as of service_read(). */
static err_t read_all(const struct service *s, struct asked *asked, struct mconf *conf, int *status,
                      char why[MCONF_WHY])
{
    *asked = (struct asked){.file = NULL};
    *status = -1;
    for (int i = 1; i < s->argc; i++) {
        int common = common_option(s, &i, asked);
        if (common > 0) {
            *status = common;
            return OK;
        }
        if (common < 0)
            i += strchr(s->argv[i], '=') || i + 1 >= s->argc ? 0 : 1;
    }
    if (asked->help)
        return OK;
    if (asked->file)
        TRY(read_file(asked->file, conf, why));
    for (int i = 1; i < s->argc; i++)
        if (common_option(s, &i, asked) < 0)
            TRY(key_option(s, &i, conf, why));
    return OK;
}

static void complain(void *arg, enum log_level level, const char *line)
{
    (void)arg, (void)level;
    (void)tool_complain(0, line);
}

/* What would be read at a start, is: the exit status. */
static int rehearse(const struct service *s, const struct mconf *conf)
{
    char why[KEYS_WHY] = "";
    struct log log = {.least = LOG_WARN, .unsafe = true, .sink = complain};
    struct net *net;
    if (!s->rehearse)
        return MEASURE_DONE;
    if (crypto_init() != OK || net_new(&log, NULL, &net) != OK)
        return tool_complain(MEASURE_NOT_ALL, "the event loop or the crypto library did not start");
    net_enter(net);
    err_t e = s->rehearse(net, &log, conf, why);
    net_free(net);
    if (e != OK && *why)
        return tool_complain(MEASURE_USAGE, why);
    return e == OK ? MEASURE_DONE : MEASURE_USAGE;
}

static int dump(const struct service *s, const struct mconf *conf)
{
    char *text = mconf_dump(conf, s->section);
    char why[MCONF_WHY];
    bool good = text && fputs(text, stdout) >= 0 && fflush(stdout) == 0;
    free(text);
    for (size_t i = 0; mconf_notice(conf, i); i++)
        (void)tool_complain(0, mconf_notice(conf, i));
    if (good &&
        (mconf_check(conf, s->section, why) != OK || (s->check && s->check(conf, why) != OK)))
        return tool_complain(MEASURE_USAGE, why);
    return good ? rehearse(s, conf) : MEASURE_NOT_ALL;
}

int service_read(struct service *s, struct mconf **conf)
{
    char why[MCONF_WHY] = "out of memory";
    struct asked asked;
    int status = -1;
    struct mconf *c = mconf_new();
    err_t e = c ? read_all(s, &asked, c, &status, why) : ERR_NOMEM;
    if (e != OK)
        status = tool_complain(MEASURE_USAGE, why);
    else if (status < 0 && asked.help)
        status = fputs(s->help, stdout) < 0;
    else if (status < 0 && asked.dump)
        status = dump(s, c);
    if (status < 0) {
        *conf = c;
        return status;
    }
    mconf_free(c);
    return status;
}

/* ---- the loop ---- */

/* A configuration that is wrong changes nothing. */
static void reload(struct service *s)
{
    char why[MCONF_WHY] = "out of memory";
    struct asked asked;
    int status;
    struct mconf *c = mconf_new();
    notify_reloading(&s->log);
    err_t e = c ? read_all(s, &asked, c, &status, why) : ERR_NOMEM;
    if (e == OK)
        s->reload(s->arg, c);
    else
        log_warn(&s->log, "The configuration stays as it was: %s", why);
    mconf_free(c);
    notify_ready(&s->log);
}

static void on_signal(void *arg, int signum)
{
    struct service *s = arg;
    if (signum == SIGHUP) {
        reload(s);
    } else if (s->finishing) {
        net_stop(s->net);
    } else {
        s->finishing = true;
        notify_stopping(&s->log);
        log_notice(&s->log, "Ending when what runs is over; once more, and it ends at once");
        s->finish(s->arg);
    }
}

static void raise_fd_limit(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur >= files.rlim_max)
        return;
    files.rlim_cur = files.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &files);
}

int service_begin(struct service *s)
{
    static const int signals[] = {SIGHUP, SIGINT, SIGTERM};
    s->log = (struct log){.least = LOG_NOTICE, .unsafe = true, .sink = logfile_to_stderr};
    signal(SIGPIPE, SIG_IGN);
    raise_fd_limit();
    err_t e = crypto_init();
    if (e == OK)
        e = net_new(&s->log, NULL, &s->net);
    for (size_t i = 0; e == OK && i < sizeof signals / sizeof *signals; i++)
        e = net_on_signal(s->net, signals[i], on_signal, s);
    if (e != OK)
        return tool_complain(MEASURE_NOT_ALL, err_text(e));
    net_enter(s->net);
    return 0;
}

void service_run(struct service *s)
{
    notify_ready(&s->log);
    net_run(s->net);
}

void service_stop(struct service *s)
{
    net_stop(s->net);
}

void service_end(struct service *s)
{
    net_free(s->net);
    s->net = NULL;
}
