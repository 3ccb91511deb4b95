/* A process that detaches, and tells the one it came from how it went. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "app/process.h"

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
