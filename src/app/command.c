#include "app/command.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SWEEP_STEPS = 50, SWEEP_STEP_MS = 10, CHILDREN_TEXT = 4096 };

/* ---- start ---- */

static void give_terminal(int tty, pid_t group)
{
    sigset_t out, old;
    if (tty < 0)
        return;
    /* A process of the background that does this would be stopped by SIGTTOU. */
    sigemptyset(&out);
    sigaddset(&out, SIGTTOU);
    sigprocmask(SIG_BLOCK, &out, &old);
    (void)tcsetpgrp(tty, group);
    sigprocmask(SIG_SETMASK, &old, NULL);
}

/* Runs in the child, and returns only if the program cannot be run. */
static void become(char *const *argv, const struct rlimit *files, int tty, pid_t parent)
{
    sigset_t none;
    if (files)
        (void)setrlimit(RLIMIT_NOFILE, files);
    (void)setpgid(0, 0);
    give_terminal(tty, getpid());
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(COMMAND_NOT_RUNNABLE); /* it died before the line above */
    for (int i = 1; i < NSIG; i++)
        (void)signal(i, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execvp(argv[0], argv);
}

int command_start(struct command *c, char *const *argv, const struct rlimit *files)
{
    int ends[2], error = 0;
    sigset_t all, old;
    pid_t parent = getpid();
    *c = (struct command){.tty = tcgetpgrp(STDIN_FILENO) == getpgrp() ? STDIN_FILENO : -1};
    if (pipe2(ends, O_CLOEXEC) != 0)
        return errno;
    /* Orphans of the command come to us, not to init: so that they can be swept up. */
    (void)prctl(PR_SET_CHILD_SUBREAPER, 1);
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, &old); /* our handlers must not run in the child */
    pid_t pid = fork();
    if (pid == 0) {
        become(argv, files, c->tty, parent);
        error = errno;
        (void)!write(ends[1], &error, sizeof error);
        _exit(COMMAND_NOT_RUNNABLE);
    }
    error = pid < 0 ? errno : 0;
    sigprocmask(SIG_SETMASK, &old, NULL);
    close(ends[1]);
    if (pid > 0) {
        (void)setpgid(pid, pid);
        c->pid = pid;
        if (read(ends[0], &error, sizeof error) == (ssize_t)sizeof error) {
            (void)waitpid(pid, NULL, 0);
            c->ended = true;
        } else {
            error = 0;
        }
    }
    close(ends[0]);
    if (error)
        give_terminal(c->tty, getpgrp());
    return error;
}

/* ---- while it runs ---- */

void command_signal(const struct command *c, int signum)
{
    if (c->pid > 0 && !c->ended)
        (void)kill(-c->pid, signum);
}

/* Ctrl-Z: the shell has to see us stopped as well, and gets its terminal back. */
static void stop_too(const struct command *c)
{
    if (c->tty < 0)
        return;
    give_terminal(c->tty, getpgrp());
    (void)raise(SIGSTOP);
    if (tcgetpgrp(c->tty) == getpgrp()) /* "fg", not "bg" */
        give_terminal(c->tty, c->pid);
    command_signal(c, SIGCONT);
}

void command_reap(struct command *c)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG | WUNTRACED)) > 0) {
        if (pid != c->pid)
            continue;
        if (WIFSTOPPED(status)) {
            stop_too(c);
            continue;
        }
        c->ended = true;
        c->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
}

/* ---- what is left of it ---- */

static void signal_children(int signum)
{
    char path[64], text[CHILDREN_TEXT];
    snprintf(path, sizeof path, "/proc/self/task/%ld/children", (long)syscall(SYS_gettid));
    FILE *f = fopen(path, "re");
    if (!f)
        return; /* a kernel without it: the group was all that could be reached */
    size_t len = fread(text, 1, sizeof text - 1, f);
    fclose(f);
    text[len] = 0;
    char *at = text, *end;
    for (long pid = strtol(at, &end, 10); end != at; pid = strtol(at, &end, 10)) {
        (void)kill((pid_t)pid, signum);
        at = end;
    }
}

static bool any_left(const struct command *c)
{
    while (waitpid(-1, NULL, WNOHANG) > 0)
        ;
    return waitpid(-1, NULL, WNOHANG) == 0 || kill(-c->pid, 0) == 0;
}

void command_sweep(struct command *c)
{
    const struct timespec step = {0, SWEEP_STEP_MS * 1000000L};
    if (c->pid <= 0)
        return;
    for (int i = 0; any_left(c) && i < 2 * SWEEP_STEPS; i++) {
        int signum = i < SWEEP_STEPS ? SIGTERM : SIGKILL;
        if (i == 0 || i >= SWEEP_STEPS) {
            (void)kill(-c->pid, signum);
            signal_children(signum);
            if (signum == SIGTERM)
                (void)kill(-c->pid, SIGCONT); /* what is stopped hears nothing */
        }
        nanosleep(&step, NULL);
    }
    give_terminal(c->tty, getpgrp());
    c->pid = 0;
}
