#include "app/process.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <malloc.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/notify.h"

enum {
    SPARE_FDS = 32, /* files that are no connections: logs, stores, the event loop */
    FILE_UMASK = 027,
    LARGE_BLOCK = 256 << 10,
};

/* The parent of a daemon: waits to hear how it went. */
static void parent_wait(int fd)
{
    char byte = 0;
    ssize_t n;
    do
        n = read(fd, &byte, 1);
    while (n < 0 && errno == EINTR);
    _exit(n == 1 ? 0 : 1);
}

err_t process_daemon_start(int *ready_fd, struct conf_err *e)
{
    int fds[2];
    if (pipe(fds) != 0)
        return conf_fail(e, ERR_IO, "pipe failed: %s", strerror(errno));
    pid_t pid = fork();
    if (pid < 0) {
        close(fds[0]);
        close(fds[1]);
        return conf_fail(e, ERR_IO, "fork failed: %s", strerror(errno));
    }
    if (pid > 0) {
        close(fds[1]);
        parent_wait(fds[0]);
    }
    close(fds[0]);
    (void)fcntl(fds[1], F_SETFD, FD_CLOEXEC);
    (void)setsid();
    pid = fork(); /* a process that leads no session can never get a terminal */
    if (pid != 0)
        _exit(pid < 0 ? 1 : 0);
    if (chdir("/") != 0)
        _exit(1);
    *ready_fd = fds[1];
    return OK;
}

void process_daemon_ready(int *ready_fd)
{
    if (*ready_fd < 0)
        return;
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null >= 0) {
        for (int fd = 0; fd <= 2; fd++)
            (void)dup2(null, fd);
        if (null > 2)
            close(null);
    }
    ssize_t n;
    do
        n = write(*ready_fd, "c", 1);
    while (n < 0 && errno == EINTR);
    close(*ready_fd);
    *ready_fd = -1;
}

err_t process_pidfile_write(const char *path, struct conf_err *e)
{
    char text[32];
    int len = snprintf(text, sizeof text, "%ld\n", (long)getpid());
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    bool ok = fd >= 0 && fchmod(fd, 0644) == 0 && write(fd, text, (size_t)len) == len;
    int why = errno;
    if (fd >= 0 && close(fd) != 0)
        ok = false;
    if (!ok)
        return conf_fail(e, ERR_IO, "Unable to open \"%s\" for writing: %s", path, strerror(why));
    return OK;
}

static void pidfile_remove(const char *path)
{
    if (path)
        (void)unlink(path);
}

static err_t drop_rights(const char *user, const struct passwd *pw, struct conf_err *e)
{
    if (initgroups(user, pw->pw_gid) != 0 || setgid(pw->pw_gid) != 0 || setuid(pw->pw_uid) != 0)
        return conf_fail(e, ERR_IO,
                         "Error switching to user \"%s\": %s. If you set the \"User\" option, you "
                         "must start Tunic as root.",
                         user, strerror(errno));
    if (pw->pw_uid != 0 && (setuid(0) == 0 || seteuid(0) == 0))
        return conf_fail(e, ERR_IO, "Was able to regain root after switching to user \"%s\".",
                         user);
    if (getuid() != pw->pw_uid || geteuid() != pw->pw_uid || getgid() != pw->pw_gid ||
        getegid() != pw->pw_gid)
        return conf_fail(e, ERR_IO, "Switching to user \"%s\" did not take effect.", user);
    return OK;
}

err_t process_switch_user(const char *user, const struct log *log, struct conf_err *e)
{
    const struct passwd *found = getpwnam(user);
    if (!found)
        return conf_fail(e, ERR_IO,
                         "Couldn't look up user \"%s\" for the User option: no such user.", user);
    struct passwd pw = *found;
    if (getuid() == pw.pw_uid && geteuid() == pw.pw_uid && getgid() == pw.pw_gid &&
        getegid() == pw.pw_gid && pw.pw_uid != 0)
        return OK; /* we are that already, and may not set groups */
    TRY(drop_rights(user, &pw, e));
    log_info(log, "Running as user \"%s\".", user);
    return OK;
}

err_t process_raise_fd_limit(int conn_limit, const struct log *log, struct conf_err *e)
{
    struct rlimit lim;
    if (conn_limit < SPARE_FDS)
        return conf_fail(e, ERR_LIMIT, "ConnLimit must be at least %d. Failing.", SPARE_FDS);
    if (getrlimit(RLIMIT_NOFILE, &lim) != 0)
        return conf_fail(e, ERR_IO, "Could not get maximum number of file descriptors: %s",
                         strerror(errno));
    if (lim.rlim_max < (rlim_t)conn_limit)
        return conf_fail(e, ERR_LIMIT,
                         "We need %d file descriptors available, and we're limited to %lu. Please "
                         "change your ulimit -n.",
                         conn_limit, (unsigned long)lim.rlim_max);
    if (lim.rlim_cur < lim.rlim_max) {
        struct rlimit more = {lim.rlim_max, lim.rlim_max};
        log_info(log, "Raising max file descriptors from %lu to %lu.", (unsigned long)lim.rlim_cur,
                 (unsigned long)lim.rlim_max);
        if (setrlimit(RLIMIT_NOFILE, &more) != 0 && lim.rlim_cur < (rlim_t)conn_limit)
            return conf_fail(e, ERR_IO, "Couldn't set maximum number of file descriptors: %s",
                             strerror(errno));
    }
    return OK;
}

/* No core files, no debugger, safe umask, no SIGPIPE. */
static void harden(bool disable_debugger, const struct log *log)
{
    const struct rlimit none = {0, 0};
    if (setrlimit(RLIMIT_CORE, &none) != 0)
        log_warn(log, "Could not turn off core files: %s", strerror(errno));
    if (disable_debugger && prctl(PR_SET_DUMPABLE, 0) != 0)
        log_warn(log, "Could not turn off debugger attachment: %s", strerror(errno));
    umask(FILE_UMASK);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a write beyond the limit of file sizes fails, and is reported */
}

bool process_alive(pid_t pid)
{
    return kill(pid, 0) == 0 || errno == EPERM;
}

/* What is large (documents, answers to controllers) goes back to the system when it is freed. Left
 * to itself glibc takes the first large block that is freed for a sign that all are to be kept. */
static void return_large_blocks(void)
{
#ifdef M_MMAP_THRESHOLD
    (void)mallopt(M_MMAP_THRESHOLD, LARGE_BLOCK);
#endif
}

err_t process_begin(struct process *p, const struct options *o, const struct log *log,
                    struct conf_err *e)
{
    *p = (struct process){.ready_fd = -1};
    return_large_blocks();
    if (o->run_as_daemon)
        TRY(process_daemon_start(&p->ready_fd, e));
    notify_pid(log);
    return process_limits(o, log, e);
}

err_t process_limits(const struct options *o, const struct log *log, struct conf_err *e)
{
    if (o->disable_all_swap && mlockall(MCL_CURRENT | MCL_FUTURE) != 0)
        return conf_fail(e, ERR_IO, "DisableAllSwap failure. Do you have proper permissions?");
    harden(o->disable_debugger_attachment, log);
    return process_raise_fd_limit(o->conn_limit, log, e);
}

err_t process_settle(const struct options *o, const struct log *log, struct conf_err *e)
{
    if (o->user)
        return process_switch_user(o->user, log, e);
    if (geteuid() == 0)
        log_warn(log, "You are running Tunic as root. You don't need to, and you probably "
                      "shouldn't.");
    return OK;
}

err_t process_mark(struct process *p, const struct options *o, struct conf_err *e)
{
    if (!o->pid_file)
        return OK;
    TRY(process_pidfile_write(o->pid_file, e));
    p->pid_file = strdup(o->pid_file);
    return p->pid_file ? OK : conf_fail(e, ERR_NOMEM, "Out of memory");
}

void process_serving(struct process *p)
{
    process_daemon_ready(&p->ready_fd);
}

void process_end(struct process *p)
{
    pidfile_remove(p->pid_file);
    free(p->pid_file);
    p->pid_file = NULL;
    if (p->ready_fd >= 0)
        close(p->ready_fd); /* the parent was told nothing, and ends with 1 */
    p->ready_fd = -1;
}
