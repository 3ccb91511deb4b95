/* Command: one program that runs with us: started in a process group of its own, signalled, waited
 * for, and swept up with whatever it left running. */
#ifndef TUNIC_APP_COMMAND_H
#define TUNIC_APP_COMMAND_H

#include <stdbool.h>
#include <sys/resource.h>
#include <sys/types.h>

struct command {
    pid_t pid; /* 0: not started */
    bool ended;
    int status; /* once ended: its exit status, or 128 + the signal that killed it */
    int tty;    /* the terminal it was given, -1: none */
};

/* What a shell would report of a program that cannot be run. */
enum { COMMAND_NOT_RUNNABLE = 126, COMMAND_NOT_FOUND = 127 };

/* Runs ARGV (NULL at the end), found in PATH, with our environment, default signal actions, FILES
 * as its limit of open files (NULL: ours), and the terminal if we have it. It dies with us. 0, or
 * errno if it could not be run. */
int command_start(struct command *c, char *const *argv, const struct rlimit *files);

/* Passes SIGNUM on to all of its group. Harmless before and after. */
void command_signal(const struct command *c, int signum);

/* Call it on SIGCHLD: it waits for all that ended. When the command was stopped from the terminal
 * we stop too, and both go on together. */
void command_reap(struct command *c);

/* Ends what is left of it: SIGTERM, half a second later SIGKILL, to its group and to orphans that
 * came to us; then takes the terminal back. */
void command_sweep(struct command *c);

#endif
