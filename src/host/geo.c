#include "host/geo.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "path/nodeset.h"

enum { PIECE = 32768 };

static void forget(struct geo_file *f)
{
    free(f->path);
    geoip_unref(&f->table);
    *f = (struct geo_file){.path = NULL};
}

void geo_free(struct geo *g)
{
    forget(&g->v4);
    forget(&g->v6);
}

/* ---- the files ---- */

static err_t read_pieces(int fd, struct geoip_reader *r)
{
    char piece[PIECE];
    for (;;) {
        ssize_t n = read(fd, piece, sizeof piece);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return ERR_IO;
        if (n == 0)
            return OK;
        TRY(geoip_piece(r, (struct text){piece, (size_t)n}));
    }
}

static err_t read_fd(const struct geo *g, int fd, const char *path, enum ip_family family,
                     struct geoip **out)
{
    struct geoip_reader r;
    const char *name = family == IP_V4 ? "IPv4" : "IPv6";
    TRY(geoip_begin(&r, family));
    err_t e = read_pieces(fd, &r);
    if (e == OK)
        e = geoip_end(&r, out);
    if (e != OK) {
        geoip_abandon(&r);
        return e;
    }
    log_notice(g->log, "Parsing GEOIP %s file %s.", name, path);
    log_info(g->log, "%zu ranges in %zu bytes", geoip_rows(*out), geoip_bytes(*out));
    if (r.n_bad)
        log_warn(g->log, "Unable to parse %zu lines from GEOIP %s file %s", r.n_bad, name, path);
    return OK;
}

static bool is_as_it_was(const struct geo_file *f, const char *path)
{
    struct stat now;
    return f->path && strcmp(f->path, path) == 0 && stat(path, &now) == 0 &&
           now.st_dev == f->as.st_dev && now.st_ino == f->as.st_ino &&
           now.st_size == f->as.st_size && now.st_mtim.tv_sec == f->as.st_mtim.tv_sec &&
           now.st_mtim.tv_nsec == f->as.st_mtim.tv_nsec;
}

/* A pipe that nobody writes to would stop the loop. -1, and errno. */
static int open_file(const char *path, struct stat *as)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 || (fstat(fd, as) == 0 && !S_ISFIFO(as->st_mode)))
        return fd;
    close(fd);
    errno = ESPIPE;
    return -1;
}

/* F becomes what PATH is now. */
static err_t read_again(const struct geo *g, struct geo_file *f, const char *path,
                        enum ip_family family)
{
    struct geo_file fresh = {.path = strdup(path)};
    int fd = open_file(path, &fresh.as);
    err_t e = fd < 0 ? ERR_IO : OK;
    if (e == OK)
        e = fresh.path ? read_fd(g, fd, path, family, &fresh.table) : ERR_NOMEM;
    int error = errno;
    if (fd >= 0)
        close(fd);
    if (e != OK)
        forget(&fresh);
    forget(f);
    *f = fresh;
    errno = error;
    return e;
}

err_t geo_read(struct geo *g, const struct options *o, enum ip_family family, struct geoip **out)
{
    const char *path = family == IP_V4 ? o->geoip_file : o->geoip6_file;
    struct geo_file *f = family == IP_V4 ? &g->v4 : &g->v6;
    err_t e = OK;
    *out = NULL;
    if (!path || !*path)
        return ERR_NOT_FOUND;
    if (!is_as_it_was(f, path))
        e = read_again(g, f, path, family);
    if (e == ERR_IO)
        log_info(g->log, "Failed to open GEOIP file %s.", path);
    *out = f->table;
    return e;
}

/* ---- node lists ---- */

/* Of one list: the first country that it names, or NULL; those that TABLE (or NULL) does not know
 * are warned of. */
static const char *look_through(const struct geo *g, const char *list, const struct geoip *table,
                                char first[GEOIP_CC])
{
    struct nodeset *set = NULL;
    const char *cc;
    first[0] = 0;
    if (!list || nodeset_parse(text_of(list), &set, NULL) != OK)
        return NULL;
    for (size_t i = 0; (cc = nodeset_country(set, i)); i++) {
        if (!i)
            memcpy(first, cc, GEOIP_CC);
        if (table && strcmp(cc, "??") != 0 && !geoip_knows(table, cc))
            log_warn(g->log, "Country code '%s' is not recognized.", cc);
    }
    nodeset_free(&set);
    return first[0] ? first : NULL;
}

/* Which option names a country first; NULL: none. */
static const char *look_through_all(const struct geo *g, const struct options *o,
                                    const struct geoip *table, char cc[GEOIP_CC])
{
    const struct {
        const char *option, *list;
    } rows[] = {
        {"ExcludeNodes", o->exclude_nodes}, {"ExcludeExitNodes", o->exclude_exit_nodes},
        {"ExitNodes", o->exit_nodes},       {"EntryNodes", o->entry_nodes},
        {"MiddleNodes", o->middle_nodes},
    };
    const char *option = NULL;
    char there[GEOIP_CC];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (look_through(g, rows[i].list, table, there) && !option) {
            option = rows[i].option;
            memcpy(cc, there, GEOIP_CC);
        }
    for (const struct conf_line *l = o->node_family_lines; l; l = l->next)
        if (look_through(g, l->value, table, there) && !option) {
            option = "NodeFamily";
            memcpy(cc, there, GEOIP_CC);
        }
    return option;
}

err_t geo_read_for_nodes(struct geo *g, const struct options *o, struct geoip **out,
                         struct conf_err *e)
{
    char cc[GEOIP_CC];
    const char *option = look_through_all(g, o, NULL, cc);
    *out = NULL;
    if (!option && o->geoip_exclude_unknown != YES)
        return OK;
    errno = 0;
    err_t err = geo_read(g, o, IP_V4, out);
    if (!option) /* C tor: without the file GeoIPExcludeUnknown says nothing */
        return err == ERR_NOMEM ? conf_fail(e, err, "Out of memory") : OK;
    if (err == OK && geoip_rows(*out)) {
        look_through_all(g, o, *out, cc);
        return OK;
    }
    /* tor goes on, and avoids nobody. */
    return conf_fail(e, err == OK ? ERR_MALFORMED : err,
                     "%s \"{%s}\" needs GeoIPFile to say where relays are, and \"%s\" %s%s", option,
                     cc, o->geoip_file ? o->geoip_file : "",
                     err == OK ? "names no country" : "cannot be read: ",
                     err == OK ? ""
                     : errno   ? strerror(errno)
                               : err_text(err));
}
