#include "app/process.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/notify.h"

enum { LARGE_BLOCK = 256 << 10 };

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
