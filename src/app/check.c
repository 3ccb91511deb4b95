#include "app/check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "app/check_args.h"
#include "app/check_report.h"
#include "crypto/secret.h"
#include "net/clock.h"
#include "net/plainwire.h"

enum {
    STATUS_BROKEN = 1,
    STATUS_USAGE = 2,
    STATUS_UNREACHABLE = 3,
    WHY_MAX = 512,
    CONSENSUS_MOST = 32 << 20
};

struct tool {
    struct check_args args;
    struct log log; /* silent */
    struct env env;
};

static int complain(int status, const char *why)
{
    fprintf(stderr, "tunic check: %s\n", why);
    return status;
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
    if (plainwire_open(&t->env, &t->args.config.addr, patience_ms(t), &w) != OK)
        *why = strerror(errno);
    return w;
}

static err_t wire_send(void *world, void *conn, const void *bytes, size_t len)
{
    return plainwire_send(conn, bytes, len, patience_ms(world)) == OK ? OK : ERR_LINK_CLOSED;
}

static err_t wire_recv(void *world, void *conn, void *out, size_t cap, size_t *n,
                       uint32_t timeout_ms)
{
    (void)world;
    return plainwire_recv(conn, out, cap, n, timeout_ms);
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

/* "-" is standard output. A file is written under another name first: no half report. */
static int write_report(const char *path, char *text)
{
    char other[4096];
    FILE *f;
    int bad = 0;
    if (!text)
        return complain(STATUS_BROKEN, "out of memory");
    if (!strcmp(path, "-"))
        return fputs(text, stdout) < 0 || fflush(stdout) != 0;
    int n = snprintf(other, sizeof other, "%s.tmp", path);
    f = n > 0 && (size_t)n < sizeof other ? fopen(other, "we") : NULL;
    if (f) {
        bad = fputs(text, f) < 0;
        bad |= fclose(f) != 0;
    }
    if (f && !bad && rename(other, path) == 0)
        return 0;
    fprintf(stderr, "tunic check: cannot write \"%s\": %s\n", path, strerror(errno));
    if (f)
        (void)remove(other);
    return 1;
}

static int write_reports(const struct check_args *args, const struct check_report *report)
{
    int bad = 0;
    if (args->json) {
        char *text = check_report_json(report);
        bad |= write_report(args->json, text);
        free(text);
    }
    if (args->junit) {
        char *text = check_report_junit(report);
        bad |= write_report(args->junit, text);
        free(text);
    }
    return bad;
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
    if (bad || !len) {
        fprintf(stderr, "tunic check: cannot read \"%s\": %s\n", a->consensus,
                len == CONSENSUS_MOST ? "it is too long" : strerror(errno));
        free(text);
        return NULL;
    }
    a->config.old_consensus = (struct text){text, len};
    return text;
}

static unsigned planned(const char *only)
{
    unsigned n = 0;
    for (size_t s = 0; s < check_n_sections; s++)
        for (size_t i = 0; i < check_sections[s]->n; i++)
            n += check_wants(only, &check_sections[s]->cases[i]);
    return n;
}

static FILE *tap_of(const struct check_args *a)
{
    bool taken = (a->json && !strcmp(a->json, "-")) || (a->junit && !strcmp(a->junit, "-"));
    return taken ? NULL : stdout;
}

static int try_relay(struct tool *t, struct check_run *run)
{
    const struct check_args *a = &t->args;
    enum check_detail detail = a->quiet ? CHECK_QUIET : a->verbose ? CHECK_VERBOSE : CHECK_USUAL;
    struct check_report *report =
        check_report_new(tap_of(a), detail, &a->config, planned(a->config.only));
    if (!report)
        return complain(STATUS_BROKEN, "out of memory");
    check_try_all(run, check_report_add, report);
    struct check_counts counts = check_counts(run);
    check_report_end(report, &counts);
    int bad = write_reports(a, report);
    bad |= fflush(stdout) != 0;
    check_report_free(report);
    return bad || counts.fail_must ? STATUS_BROKEN : 0;
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

int check_main(int argc, char **argv)
{
    struct tool t = {.log = {.least = LOG_ERR}};
    struct check_run *run = NULL;
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
    char *old = t.args.consensus ? read_consensus(&t.args) : NULL;
    if (t.args.consensus && !old)
        return STATUS_USAGE;
    err_t e = check_open(&t.args.config, &run, why, sizeof why);
    int status =
        e == OK ? try_relay(&t, run) : complain(STATUS_UNREACHABLE, *why ? why : err_text(e));
    check_close(run);
    free(old);
    return status;
}
