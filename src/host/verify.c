#include "host/verify.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/optlists.h"
#include "host/folder.h"
#include "host/geo.h"
#include "net/listen.h"

/* Whether DIR is one of those that a start makes before it writes into them. */
static bool will_be_made(const struct options *o, const char *dir)
{
    return strcmp(dir, o->is.data_dir) == 0 || strcmp(dir, o->is.cache_dir) == 0;
}

/* Whether PATH can be written, or made. errno tells why not. */
static bool is_writable(const struct options *o, const char *path)
{
    char dir[PATH_MAX];
    struct stat st;
    if (stat(path, &st) == 0) {
        if (S_ISDIR(st.st_mode)) {
            errno = EISDIR;
            return false;
        }
        return access(path, W_OK) == 0;
    }
    folder_of(path, dir, sizeof dir);
    if (errno != ENOENT)
        return false;
    return access(dir, W_OK | X_OK) == 0 || (errno == ENOENT && will_be_made(o, dir));
}

/* What its listener will be called. */
static const char *what_of(enum port_kind kind)
{
    return kind == PORT_CONTROL ? "Control" : kind == PORT_EVENTS ? "Event" : "Socks";
}

static err_t check_socket(const struct port_spec *p, const struct log *log, struct conf_err *e)
{
    const char *path = p->at.unix_path;
    char dir[PATH_MAX];
    struct stat st;
    folder_of(path, dir, sizeof dir);
    bool there = lstat(path, &st) == 0;
    if (there && !S_ISSOCK(st.st_mode))
        errno = EADDRINUSE;
    else if (access(dir, W_OK | X_OK) == 0) {
        if (listen_check_folder(what_of(p->kind), &p->at, log) == OK)
            return OK;
        errno = 0; /* it has said why */
    }
    return conf_fail(e, ERR_IO, "%s unix:%s could not be opened: %s", port_grammars[p->kind].option,
                     path, errno ? strerror(errno) : "see above");
}

err_t verify_ports(const struct options *o, const struct log *log, struct conf_err *e)
{
    for (size_t i = 0; i < o->is.ports.n; i++) {
        bool opens = !o->disable_network || !port_kind_is_closed(o->is.ports.of[i].kind);
        errno = 0;
        if (opens && o->is.ports.of[i].at.unix_path)
            TRY(check_socket(&o->is.ports.of[i], log, e));
    }
    return OK;
}

err_t verify_countries(const struct options *o, const struct log *log, struct conf_err *e)
{
    struct geo geo = {.log = log};
    struct geoip *geoip;
    err_t err = geo_read_for_nodes(&geo, o, &geoip, e);
    geo_free(&geo);
    return err;
}

static err_t check_logs(const struct options *o, struct conf_err *e)
{
    for (size_t i = 0; i < o->is.n_logs; i++) {
        const struct log_dest *d = &o->is.logs[i];
        if (d->to == LOG_TO_FILE && !is_writable(o, d->path))
            return conf_fail(e, ERR_IO, "Couldn't open file for 'Log file %s': %s", d->path,
                             strerror(errno));
    }
    return OK;
}

/* A state file that is there and cannot be read would end the start. */
static err_t check_state(const struct options *o, struct conf_err *e)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/state", o->is.data_dir);
    if (access(path, R_OK) == 0 || errno == ENOENT)
        return OK;
    return conf_fail(e, ERR_IO, "Unable to read state file \"%s\": %s", path, strerror(errno));
}

/* CacheDirectory may lie in DataDirectory, which is made first. */
static err_t check_cache(const struct options *o, struct conf_err *e)
{
    char parent[PATH_MAX];
    folder_of(o->is.cache_dir, parent, sizeof parent);
    if (strcmp(parent, o->is.data_dir) == 0 && access(parent, F_OK) != 0)
        return OK;
    return folder_check(o->is.cache_dir, e);
}

err_t verify_files(const struct options *o, struct conf_err *e)
{
    TRY(folder_check(o->is.data_dir, e));
    TRY(check_cache(o, e));
    TRY(check_state(o, e));
    TRY(check_logs(o, e));
    if (o->pid_file && !is_writable(o, o->pid_file))
        return conf_fail(e, ERR_IO, "Unable to open \"%s\" for writing: %s", o->pid_file,
                         strerror(errno));
    if (o->cookie_authentication && !is_writable(o, o->is.cookie_file))
        return conf_fail(e, ERR_IO, "Error creating control cookie authentication file %s: %s",
                         o->is.cookie_file, strerror(errno));
    return OK;
}
