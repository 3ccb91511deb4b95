#include "app/check/check.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "app/check/args.h"
#include "app/check/identity.h"
#include "app/check/plainwire.h"
#include "app/check/report.h"
#include "app/out.h"
#include "crypto/secret.h"
#include "net/clock.h"

enum { STATUS_BROKEN = 1, STATUS_USAGE = 2, STATUS_UNREACHABLE = 3, STATUS_SIGNAL = 128 };
enum { WHY_MAX = ARG_WHY, CONSENSUS_MOST = 32 << 20, LISTEN_MS = 200 };

struct tool {
    struct check_args args;
    struct check_run *run;
    struct check_report *report;
    unsigned planned;
    int signum;     /* the signal that ends it early */
    struct log log; /* silent */
    struct env env;
    struct link_identity identity; /* of --identity */
};

static int complain(int status, const char *why)
{
    fprintf(stderr, "tunic check: %s\n", why);
    return status;
}

/* ---- Ctrl-C ---- */

static const int ends[] = {SIGINT, SIGTERM, SIGHUP};

/* From now on these signals wait until they are asked for, so that what has been tried is
 * reported. */
static void hold_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        sigaddset(&set, ends[i]);
    sigprocmask(SIG_BLOCK, &set, NULL);
}

static bool is_interrupted(struct tool *t)
{
    sigset_t set;
    sigpending(&set);
    for (size_t i = 0; !t->signum && i < sizeof ends / sizeof *ends; i++)
        if (sigismember(&set, ends[i]))
            t->signum = ends[i];
    return t->signum != 0;
}

/* ---- connections ---- */

static uint32_t patience_ms(const struct tool *t)
{
    return t->args.config.answer_ms ? t->args.config.answer_ms : 5 * MS_PER_SEC;
}

static void *wire_open(void *world, const char **why)
{
    struct tool *t = world;
    struct plainwire *w = NULL;
    if (plainwire_open(&t->env, &t->args.config.reach.addr, patience_ms(t), &w) != OK)
        *why = strerror(errno);
    return w;
}

static err_t wire_send(void *world, void *conn, const void *bytes, size_t len)
{
    return plainwire_send(conn, bytes, len, patience_ms(world)) == OK ? OK : ERR_LINK_CLOSED;
}

/* Waits in short pieces, so that Ctrl-C is heard. */
static err_t wire_recv(void *world, void *conn, void *out, size_t cap, size_t *n,
                       uint32_t timeout_ms)
{
    for (;;) {
        uint32_t part = timeout_ms < LISTEN_MS ? timeout_ms : LISTEN_MS;
        err_t e = plainwire_recv(conn, out, cap, n, part);
        if (e != ERR_MORE || part == timeout_ms)
            return e;
        if (is_interrupted(world))
            return ERR_LINK_CLOSED;
        timeout_ms -= part;
    }
}

static void wire_close(void *world, void *conn)
{
    (void)world;
    plainwire_close(conn);
}

static void wire_sleep(void *world, uint32_t ms)
{
    struct tool *t = world;
    const struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000L};
    nanosleep(&pause, NULL);
    clock_read(&t->env);
}

static const struct check_wire wire = {wire_open, wire_send, wire_recv, wire_close, wire_sleep};

/* ---- reports ---- */

static int write_report(const char *path, char *text)
{
    struct out out;
    if (!text)
        return complain(STATUS_BROKEN, "out of memory");
    err_t e = out_open(&out, strcmp(path, "-") ? path : NULL);
    if (e == OK && out.to_folder)
        e = out_file(&out, "check", (struct text){"", 0}, text_of(text));
    else if (e == OK)
        e = out_write(&out, text, strlen(text));
    if (e == OK)
        e = out_finish(&out);
    out_close(&out);
    free(text);
    return e == OK ? 0 : complain(STATUS_BROKEN, out.why);
}

static int write_reports(const struct check_args *args, const struct check_report *report)
{
    int bad = args->json ? write_report(args->json, check_report_json(report)) : 0;
    return args->junit ? bad | write_report(args->junit, check_report_junit(report)) : bad;
}

/* ---- the run ---- */

/* The file of --consensus, which the caller frees; NULL: it cannot be read. */
static char *read_consensus(struct check_args *a)
{
    FILE *f = fopen(a->consensus, "re");
    char *text = f ? malloc(CONSENSUS_MOST) : NULL;
    size_t len = text ? fread(text, 1, CONSENSUS_MOST, f) : 0;
    bool bad = !text || ferror(f) || len == CONSENSUS_MOST;
    if (text && !bad && !len)
        errno = ENODATA;
    if (f)
        fclose(f);
    if (!bad && len &&
        !text_starts((struct text){text, len}, "network-status-version 3 microdesc")) {
        fprintf(stderr, "tunic check: \"%s\" is no microdescriptor consensus\n", a->consensus);
        free(text);
        return NULL;
    }
    if (bad || !len) {
        fprintf(stderr, "tunic check: cannot read \"%s\": %s\n", a->consensus,
                len == CONSENSUS_MOST ? "it is too long" : strerror(errno));
        free(text);
        return NULL;
    }
    a->config.old_consensus = (struct text){text, len};
    return text;
}

static bool use_identity(struct tool *t)
{
    err_t e = check_identity_read(&t->env, t->args.identity, &t->identity);
    t->args.config.identity = &t->identity;
    if (e != OK)
        fprintf(stderr, "tunic check: cannot use the identity in \"%s\": %s\n", t->args.identity,
                e == ERR_IO ? strerror(errno) : err_text(e));
    return e == OK;
}

/* FN for each case that is asked for, until it is enough. */
static void each_wanted(struct tool *t, void (*fn)(struct tool *t, const struct check_case *c))
{
    for (size_t s = 0; s < check_n_sections; s++)
        for (size_t i = 0; i < check_sections[s]->n && !is_interrupted(t); i++)
            if (check_wants(t->args.config.only, &check_sections[s]->cases[i]))
                fn(t, &check_sections[s]->cases[i]);
}

static void count_it(struct tool *t, const struct check_case *c)
{
    (void)c;
    t->planned++;
}

/* A case that was interrupted says nothing. */
static void on_result(void *arg, const struct check_result *r)
{
    struct tool *t = arg;
    if (!is_interrupted(t))
        check_report_add(t->report, r);
}

static void try_it(struct tool *t, const struct check_case *c)
{
    check_try(t->run, c, on_result, t);
}

static FILE *tap_of(const struct check_args *a)
{
    bool taken = (a->json && !strcmp(a->json, "-")) || (a->junit && !strcmp(a->junit, "-"));
    return taken ? NULL : stdout;
}

static int try_relay(struct tool *t)
{
    const struct check_args *a = &t->args;
    enum check_detail detail = a->quiet ? CHECK_QUIET : a->verbose ? CHECK_VERBOSE : CHECK_USUAL;
    each_wanted(t, count_it);
    t->report = check_report_new(tap_of(a), detail, &a->config, t->planned);
    if (!t->report)
        return complain(STATUS_BROKEN, "out of memory");
    each_wanted(t, try_it);
    unsigned failed = check_report_end(t->report, check_connections(t->run));
    int bad = write_reports(a, t->report);
    bad |= fflush(stdout) != 0;
    check_report_free(t->report);
    return t->signum ? STATUS_SIGNAL + t->signum : bad || failed ? STATUS_BROKEN : 0;
}

static int list(void)
{
    for (size_t s = 0; s < check_n_sections; s++) {
        printf("# %s\n", check_sections[s]->title);
        for (size_t i = 0; i < check_sections[s]->n; i++) {
            const struct check_case *c = &check_sections[s]->cases[i];
            printf("%-32s %-6s %-20s %s\n", c->id, c->level == CHECK_MUST ? "MUST" : "SHOULD",
                   c->spec, c->rule);
        }
    }
    return fflush(stdout) != 0;
}

/* Whether it answers in plain HTTP: a directory port says nothing to a TLS handshake. */
static bool speaks_http(struct tool *t)
{
    static const char ask[] = "GET /tor/server/authority HTTP/1.0\r\n\r\n", http[] = "HTTP/";
    char answer[sizeof http - 1];
    size_t have = 0, n = 0;
    const char *why;
    void *conn = wire_open(t, &why);
    bool open = conn && wire_send(t, conn, ask, sizeof ask - 1) == OK;
    while (open && have < sizeof answer &&
           wire_recv(t, conn, answer + have, sizeof answer - have, &n, patience_ms(t)) == OK)
        have += n;
    if (conn)
        wire_close(t, conn);
    return have == sizeof answer && memcmp(answer, http, have) == 0;
}

static int unreachable(struct tool *t, const char *why)
{
    char text[WHY_MAX + 128];
    bool tls = !strncmp(why, "TLS failed", strlen("TLS failed"));
    snprintf(text, sizeof text, "%s%s", why,
             !tls              ? ""
             : !speaks_http(t) ? ". Is that an ORPort?"
                               : ". It answers in plain HTTP: a directory port, or another web "
                                 "server, and no ORPort");
    return complain(STATUS_UNREACHABLE, text);
}

int check_main(int argc, char **argv)
{
    struct tool t = {.log = {.least = LOG_ERR}};
    char why[WHY_MAX];
    if (check_args_parse(argc, argv, &t.args, why) != OK)
        return complain(STATUS_USAGE, why);
    if (t.args.help)
        return fputs(check_help, stdout) < 0;
    if (t.args.list)
        return list();
    if (crypto_init() != OK)
        return complain(STATUS_BROKEN, "the crypto library does not start");
    t.env = (struct env){.random = crypto_random, .log = &t.log};
    clock_read(&t.env);
    t.args.config.env = &t.env;
    t.args.config.wire = &wire;
    t.args.config.world = &t;
    if (t.args.identity && !use_identity(&t))
        return STATUS_USAGE;
    char *old = t.args.consensus ? read_consensus(&t.args) : NULL;
    if (t.args.consensus && !old)
        return STATUS_USAGE;
    hold_signals();
    err_t e = check_open(&t.args.config, &t.run, why, sizeof why);
    int status = is_interrupted(&t) ? STATUS_SIGNAL + t.signum
                 : e == OK          ? try_relay(&t)
                                    : unreachable(&t, *why ? why : err_text(e));
    check_close(t.run);
    link_identity_wipe(&t.identity);
    free(old);
    return status;
}
