#include "app/sandbox.h"

#include <seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/sandbox_calls.h"

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

enum { CALLS_MAX = 512, CALL_NAME_MAX = 32 };

/* What the handler of SIGSYS knows. A handler has no argument, so this is the process's, as the
 * filter is. Names are looked up beforehand: libseccomp's lookup allocates. */
static struct {
    char name[CALLS_MAX][CALL_NAME_MAX];
    int fds[SANDBOX_FDS_MAX];
    size_t n_fds;
} known;

static void learn_names(void)
{
    for (int i = 0; i < CALLS_MAX; i++) {
        char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, i);
        snprintf(known.name[i], CALL_NAME_MAX, "%s", name ? name : "unknown");
        free(name);
    }
}

void sandbox_log_to(const int *fds, size_t n)
{
    known.n_fds = n < SANDBOX_FDS_MAX ? n : SANDBOX_FDS_MAX;
    memcpy(known.fds, fds, known.n_fds * sizeof *fds);
}

/* ---- a call that is refused: nothing here but what signal-safety(7) allows ---- */

struct words {
    char text[160];
    size_t len;
};

static void put(struct words *w, const char *text)
{
    while (*text && w->len < sizeof w->text)
        w->text[w->len++] = *text++;
}

static void put_number(struct words *w, unsigned number)
{
    char digits[12];
    size_t at = sizeof digits - 1;
    digits[at] = 0;
    do
        digits[--at] = (char)('0' + number % 10);
    while (number /= 10);
    put(w, digits + at);
}

static void say(const struct words *w)
{
    bool stderr_is_a_log = false;
    for (size_t i = 0; i < known.n_fds; i++) {
        stderr_is_a_log |= known.fds[i] == STDERR_FILENO;
        if (write(known.fds[i], w->text, w->len) < 0)
            continue; /* the next may take it */
    }
    if (!stderr_is_a_log && write(STDERR_FILENO, w->text, w->len) < 0)
        return;
}

static void on_refused(int signum, siginfo_t *info, void *context)
{
    struct words w = {.len = 0};
    int call = info->si_syscall;
    (void)signum, (void)context;
    put(&w, "[err] (Sandbox) Caught a bad syscall attempt (syscall ");
    put(&w, call >= 0 && call < CALLS_MAX ? known.name[call] : "unknown");
    put(&w, ", number ");
    put_number(&w, (unsigned)call);
    put(&w, "). The program ends.\n");
    say(&w);
    _exit(1);
}

/* ---- the filter ---- */

static err_t set_up(scmp_filter_ctx filter)
{
    /* As a tree: 6 comparisons to a call, not 30. There are no threads yet, and those that came
     * later would have the filter, too. */
    if (seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2) != 0)
        return ERR_NOMEM;
    return sandbox_add_rules(filter);
}

static err_t load(struct conf_err *e)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_TRAP);
    err_t err = filter ? set_up(filter) : ERR_NOMEM;
    int status = err == OK ? seccomp_load(filter) : 0;
    if (filter)
        seccomp_release(filter);
    if (err != OK)
        return conf_fail(e, err, "Failed to create syscall sandbox filter: %s", err_text(err));
    if (status != 0)
        return conf_fail(e, ERR_UNSUPPORTED,
                         "Failed to create syscall sandbox filter: %s. Does this kernel filter "
                         "system calls (seccomp2)? To run without, write \"Sandbox 0\".",
                         strerror(-status));
    return OK;
}

err_t sandbox_enter(const struct log *log, struct conf_err *e)
{
    struct sigaction refused = {.sa_sigaction = on_refused, .sa_flags = SA_SIGINFO};
    if (SANITIZED) {
        log_warn(log, "Sandbox has no effect: this program was built with AddressSanitizer, which "
                      "makes system calls of its own.");
        return OK;
    }
    learn_names();
    sigemptyset(&refused.sa_mask);
    if (sigaction(SIGSYS, &refused, NULL) != 0)
        return conf_fail(e, ERR_IO, "Failed to create syscall sandbox filter: no SIGSYS");
    TRY(load(e));
    log_info(log, "The sandbox is closed.");
    return OK;
}
