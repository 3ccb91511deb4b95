/* What a process asks of the system for itself, and may be denied. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "app/process.h"

enum {
    SPARE_FDS = 32, /* files that are no connections: logs, stores, the event loop */
    FILE_UMASK = 027,
};

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

err_t process_limits(const struct options *o, const struct log *log, struct conf_err *e)
{
    if (o->disable_all_swap && mlockall(MCL_CURRENT | MCL_FUTURE) != 0)
        return conf_fail(e, ERR_IO, "DisableAllSwap failure. Do you have proper permissions?");
    harden(o->disable_debugger_attachment, log);
    return process_raise_fd_limit(o->conn_limit, log, e);
}
