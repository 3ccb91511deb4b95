#include "app/measure/tool.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "crypto/secret.h"
#include "dirdoc/identity_file.h"
#include "host/disk.h"
#include "link/tls.h"

int tool_complain(int status, const char *why)
{
    fprintf(stderr, "tunic measure: %s\n", why);
    return status;
}

static void to_stderr(void *arg, enum log_level level, const char *line)
{
    (void)arg, (void)level;
    fprintf(stderr, "tunic measure: %s\n", line);
}

/* ---- who we are ---- */

static int bad_identity(const char *path, const char *why)
{
    fprintf(stderr, "tunic measure: cannot use the identity in \"%s\": %s\n", path, why);
    return MEASURE_USAGE;
}

static int take_identity(struct tool *t, const char *path, FILE *f)
{
    char *text = NULL;
    struct identity id;
    err_t e = disk_read_stream(f, &text);
    if (e == OK)
        e = identity_file_read(net_env(t->net), text_of(text), &id);
    if (text)
        secret_wipe(text, strlen(text));
    free(text);
    if (e != OK)
        return bad_identity(path, err_text(e));
    e = link_identity_make(net_env(t->net), id.rsa, &id.ed, &t->identity);
    identity_wipe(&id);
    t->has_identity = e == OK;
    return e == OK ? 0 : bad_identity(path, err_text(e));
}

/* That of --identity, or the one that a test network's relays know; or none, and then we prove
 * nothing. */
static int read_identity(struct tool *t)
{
    const char *given = t->options.identity;
    char path[4096];
    if (!given && !t->folder)
        return 0;
    snprintf(path, sizeof path, "%s%s", given ? given : t->folder,
             given ? "" : "/measure/coord.id");
    FILE *f = fopen(path, "re");
    if (!f)
        return given ? bad_identity(path, strerror(errno)) : 0;
    int status = take_identity(t, path, f);
    fclose(f);
    return status;
}

/* ---- the loop ---- */

static void on_signal(void *arg, int signum)
{
    struct tool *t = arg;
    if (t->signum) { /* asked twice: at once */
        net_stop(t->net);
        return;
    }
    t->signum = signum;
    t->interrupted(t->arg);
}

static err_t begin_loop(struct tool *t)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    if (crypto_init() != OK)
        return ERR_CRYPTO;
    TRY(net_new(&t->log, NULL, &t->net));
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        TRY(net_on_signal(t->net, signals[i], on_signal, t));
    net_enter(t->net);
    return tls_ctx_new_client(&t->tls);
}

/* A socket a circuit. */
static void raise_fd_limit(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur >= files.rlim_max)
        return;
    files.rlim_cur = files.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &files);
}

int tool_begin(struct tool *t, void (*interrupted)(void *arg), void *arg)
{
    t->log = (struct log){.least = LOG_WARN, .unsafe = true, .sink = to_stderr};
    t->interrupted = interrupted;
    t->arg = arg;
    t->folder = t->options.folder ? t->options.folder : getenv("TUNIC_TESTNET_DIR");
    signal(SIGPIPE, SIG_IGN);
    raise_fd_limit();
    err_t e = begin_loop(t);
    if (e != OK)
        return tool_complain(MEASURE_NOT_ALL, err_text(e));
    return read_identity(t);
}

void tool_end(struct tool *t)
{
    if (t->has_identity)
        link_identity_wipe(&t->identity);
    tls_ctx_free(t->tls);
    net_free(t->net);
}

struct link_config tool_link(const struct tool *t)
{
    return (struct link_config){.tls = t->tls, .identity = t->has_identity ? &t->identity : NULL};
}
