/* What a process does to itself before it serves: daemon, pid file, user, data folder, limits. */
#ifndef TUNIC_APP_PROCESS_H
#define TUNIC_APP_PROCESS_H

#include <sys/types.h>

#include "conf/options.h"

/* The state that main's run needs for it. */
struct process {
    int ready_fd;   /* of a daemon until it serves; -1 */
    char *pid_file; /* to be removed at the end; NULL */
};

/* The start of a run, in its order. First, with all rights: detach, lock memory, harden, raise the
 * limit of open files. Then listeners are opened. */
MUST_USE err_t process_begin(struct process *p, const struct options *o, const struct log *log,
                             struct conf_err *e);
/* Becomes User, once the listeners are open. Folders, lock and log files come after this. */
MUST_USE err_t process_settle(const struct options *o, const struct log *log, struct conf_err *e);
/* Writes the pid file, once the lock is held. */
MUST_USE err_t process_mark(struct process *p, const struct options *o, struct conf_err *e);
/* The program serves: a daemon's parent may go. */
void process_serving(struct process *p);
void process_end(struct process *p);

/* The steps, one by one. */

/* Memory is locked, the process hardened, the limit of open files raised: what options ask of the
 * system, and may be denied. */
MUST_USE err_t process_limits(const struct options *o, const struct log *log, struct conf_err *e);

/* Detaches (RunAsDaemon): the caller's process ends with status 0 once process_daemon_ready() is
 * called in the child, with 1 if the child ends before that. *READY_FD is for that call. */
MUST_USE err_t process_daemon_start(int *ready_fd, struct conf_err *e);
void process_daemon_ready(int *ready_fd);

/* Writes "PID\n"; ERR_IO. process_pidfile_remove() is for the end. */
MUST_USE err_t process_pidfile_write(const char *path, struct conf_err *e);

/* The home folder of whoever runs it, or NULL; static storage. */
const char *process_home(void);

/* Becomes USER for good (groups, gid, uid) and checks that there is no way back. */
MUST_USE err_t process_switch_user(const char *user, const struct log *log, struct conf_err *e);

/* Raises the limit of open files to what the system allows; fails below CONN_LIMIT. */
MUST_USE err_t process_raise_fd_limit(int conn_limit, const struct log *log, struct conf_err *e);

/* Whether PID is alive, for __OwningControllerProcess. */
bool process_alive(pid_t pid);

#endif
