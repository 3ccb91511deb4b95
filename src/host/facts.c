#include "host/facts.h"

#include <pwd.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

/* tor keeps so many for other things than sockets, and tells what is left (set_max_sockets()). */
enum { FDS_KEPT = 32, PASSWD_MAX = 4096 };

void facts_settle(struct facts *f, const struct env *env)
{
    const uid_t uid = geteuid();
    struct passwd pw, *found = NULL;
    char words[PASSWD_MAX];
    if (getpwuid_r(uid, &pw, words, sizeof words, &found) != 0)
        found = NULL;
    f->begun_us = env->mono_us;
    f->uid = uid;
    snprintf(f->user, sizeof f->user, "%s", found ? pw.pw_name : "");
}

static uint64_t sockets_most(void)
{
    struct rlimit files = {0};
    if (getrlimit(RLIMIT_NOFILE, &files) != 0)
        return 0;
    return files.rlim_cur > FDS_KEPT ? files.rlim_cur - FDS_KEPT : 0;
}

void facts_tell(const struct facts *f, const struct env *env, struct control_process *out)
{
    struct tm local;
    time_t now = (time_t)env_wall_s(env);
    *out = (struct control_process){
        .pid = getpid(),
        .uid = f->uid,
        .user = f->user,
        .fd_limit = sockets_most(),
        .uptime_s = (env->mono_us - f->begun_us) / US_PER_SEC,
        .utc_offset_s = localtime_r(&now, &local) ? local.tm_gmtoff : 0,
    };
}
