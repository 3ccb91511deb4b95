/* Who a process is, and who it becomes. */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/process.h"

const char *process_home(void)
{
    const char *home = getenv("HOME");
    const struct passwd *pw = home ? NULL : getpwuid(getuid());
    return pw ? pw->pw_dir : home;
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
