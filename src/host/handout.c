#include "host/handout.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/secret.h"

/* ---- a file ---- */

static bool write_all(int fd, const void *bytes, size_t len)
{
    const uint8_t *at = bytes;
    while (len > 0) {
        ssize_t n = write(fd, at, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        at += n;
        len -= (size_t)n;
    }
    return true;
}

/* Into a new file, which nobody else can have opened; errno is set on failure. */
static bool fill(int fd, bool group_readable, const void *bytes, size_t len)
{
    bool good = fchmod(fd, group_readable ? 0640 : 0600) == 0 && write_all(fd, bytes, len);
    int error = errno;
    if (close(fd) != 0 && good)
        return false;
    errno = error;
    return good;
}

/* PATH becomes a file of these bytes, or stays what it is. ERR_IO: errno is set. */
static err_t lay_down(const char *path, bool group_readable, const void *bytes, size_t len)
{
    char *aside = text_printf("%s.tmp", path);
    if (!aside)
        return ERR_NOMEM;
    (void)unlink(aside);
    int fd = open(aside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    bool good = fd >= 0 && fill(fd, group_readable, bytes, len) && rename(aside, path) == 0;
    if (!good && fd >= 0) {
        int error = errno;
        (void)unlink(aside);
        errno = error;
    }
    free(aside);
    return good ? OK : ERR_IO;
}

static void take_away(char **path)
{
    if (*path)
        (void)unlink(*path);
    free(*path);
    *path = NULL;
}

/* ---- the cookie ---- */

static bool is_as_wanted(const struct handout *h, const struct options *o)
{
    if (!o->cookie_authentication)
        return true;
    return h->cookie_path && strcmp(h->cookie_path, o->is.cookie_file) == 0 &&
           h->cookie_group_readable == o->cookie_auth_file_group_readable;
}

static err_t write_cookie(struct handout *h, const struct options *o, struct conf_err *e)
{
    err_t err = lay_down(o->is.cookie_file, o->cookie_auth_file_group_readable, h->cookie,
                         sizeof h->cookie);
    if (err == OK)
        return OK;
    log_warn(h->env->log, "Error writing auth cookie to \"%s\": %s.", o->is.cookie_file,
             err == ERR_IO ? strerror(errno) : err_text(err));
    return conf_fail(e, err, "Error creating control cookie authentication file.");
}

err_t handout_prepare(struct handout *h, const struct options *fresh, struct conf_err *e)
{
    if (is_as_wanted(h, fresh))
        return OK;
    if (!h->cookie_path)
        env_random(h->env, h->cookie, sizeof h->cookie);
    h->coming_path = strdup(fresh->is.cookie_file);
    if (!h->coming_path)
        return conf_fail(e, ERR_NOMEM, "Out of memory");
    err_t err = write_cookie(h, fresh, e);
    if (err != OK) {
        free(h->coming_path);
        h->coming_path = NULL;
    }
    return err;
}

static bool moves(const struct handout *h)
{
    return !h->cookie_path || strcmp(h->cookie_path, h->coming_path) != 0;
}

void handout_commit(struct handout *h, const struct options *fresh)
{
    if (!fresh->cookie_authentication)
        take_away(&h->cookie_path);
    if (!h->coming_path)
        return;
    if (moves(h))
        take_away(&h->cookie_path);
    free(h->cookie_path);
    h->cookie_path = h->coming_path;
    h->coming_path = NULL;
    h->cookie_group_readable = fresh->cookie_auth_file_group_readable;
}

void handout_roll_back(struct handout *h)
{
    if (h->coming_path && moves(h))
        (void)unlink(h->coming_path);
    else if (h->coming_path) /* others may read it now, or not, who could not before, or could */
        (void)lay_down(h->cookie_path, h->cookie_group_readable, h->cookie, sizeof h->cookie);
    free(h->coming_path);
    h->coming_path = NULL;
}

const uint8_t *handout_cookie(const struct handout *h)
{
    return h->cookie_path ? h->cookie : NULL;
}

/* ---- the list of ports ---- */

static void add_port(void *arg, const char *name, bool is_unix)
{
    out_printf(arg, "%s=%s\n", is_unix ? "UNIX_PORT" : "PORT", name);
}

void handout_ports(struct handout *h, const struct options *o, const struct ports *p)
{
    const char *path = o->is.control_port_file;
    if (h->ports_path && (!path || strcmp(path, h->ports_path) != 0))
        take_away(&h->ports_path);
    if (!path)
        return;
    struct text_out list = text_out(1 << 20);
    ports_each(p, PORT_CONTROL, add_port, &list);
    err_t e = out_end(&list);
    if (e == OK)
        e = lay_down(path, o->control_port_file_group_readable, out_text(&list), list.len);
    if (e != OK)
        log_warn(h->env->log, "Writing %s failed: %s", path,
                 e == ERR_IO ? strerror(errno) : err_text(e));
    else if (!h->ports_path)
        h->ports_path = strdup(path);
    out_free(&list);
}

void handout_end(struct handout *h)
{
    take_away(&h->cookie_path);
    take_away(&h->ports_path);
    secret_wipe(h->cookie, sizeof h->cookie);
}
