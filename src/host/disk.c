#include "host/disk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct names {
    char **list;
    size_t n, room;
};

static err_t names_add(struct names *names, char *gift_name)
{
    if (!gift_name)
        return ERR_NOMEM;
    if (names->n == CONF_INCLUDE_FILES_MAX) {
        free(gift_name);
        return ERR_LIMIT;
    }
    if (names->n == names->room) {
        size_t room = names->room ? 2 * names->room : 8;
        char **list = realloc(names->list, room * sizeof *list);
        if (!list) {
            free(gift_name);
            return ERR_NOMEM;
        }
        names->list = list;
        names->room = room;
    }
    names->list[names->n++] = gift_name;
    return OK;
}

static void names_free(struct names *names)
{
    for (size_t i = 0; i < names->n; i++)
        free(names->list[i]);
    free(names->list);
    *names = (struct names){0};
}

static char *join(const char *dir, const char *name)
{
    size_t len = strlen(dir) + strlen(name) + 2;
    char *path = malloc(len);
    if (path)
        snprintf(path, len, "%s/%s", dir, name);
    return path;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

/* The files of a folder, in the order of their bytes; hidden ones and folders are left out. */
static err_t add_folder(struct names *names, const char *dir)
{
    struct dirent **entries;
    int n = scandir(dir, &entries, NULL, by_name);
    if (n < 0)
        return ERR_IO;
    err_t err = OK;
    for (int i = 0; i < n; i++) {
        if (err == OK && entries[i]->d_name[0] != '.') {
            struct stat st;
            char *path = join(dir, entries[i]->d_name);
            if (path && (stat(path, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size == 0))
                free(path);
            else
                err = names_add(names, path);
        }
        free(entries[i]);
    }
    free(entries);
    return err;
}

static err_t add_path(struct names *names, const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return ERR_IO;
    if (S_ISDIR(st.st_mode))
        return add_folder(names, path);
    if (!S_ISREG(st.st_mode) && !S_ISFIFO(st.st_mode) && !S_ISCHR(st.st_mode))
        return ERR_IO;
    if (S_ISREG(st.st_mode) && st.st_size == 0)
        return OK;
    return names_add(names, strdup(path));
}

static err_t disk_expand(void *arg, const char *pattern, char ***files, size_t *n)
{
    (void)arg;
    struct names names = {0};
    err_t err = OK;
    if (strpbrk(pattern, "*?")) {
        glob_t g = {0};
        int rv = glob(pattern, 0, NULL, &g);
        if (rv != 0 && rv != GLOB_NOMATCH)
            err = ERR_IO;
        for (size_t i = 0; rv == 0 && err == OK && i < g.gl_pathc; i++)
            err = add_path(&names, g.gl_pathv[i]);
        globfree(&g);
    } else {
        err = add_path(&names, pattern);
    }
    if (err != OK) {
        names_free(&names);
        return err;
    }
    *files = names.list;
    *n = names.n;
    return OK;
}

err_t disk_read_stream(FILE *f, char **content)
{
    size_t len = 0, room = 4096;
    char *text = malloc(room);
    while (text) {
        len += fread(text + len, 1, room - 1 - len, f);
        if (len < room - 1)
            break;
        char *more = room < CONF_FILE_MAX ? realloc(text, room * 2) : NULL;
        if (!more)
            free(text);
        text = more;
        room *= 2;
    }
    if (!text)
        return room > CONF_FILE_MAX ? ERR_LIMIT : ERR_NOMEM;
    text[len] = 0;
    bool failed = ferror(f) != 0;
    if (failed || memchr(text, 0, len)) {
        free(text);
        return failed ? ERR_IO : ERR_MALFORMED;
    }
    *content = text;
    return OK;
}

static err_t disk_read(void *arg, const char *path, char **content)
{
    (void)arg;
    FILE *f = fopen(path, "re");
    if (!f)
        return ERR_IO;
    struct stat st;
    err_t err = fstat(fileno(f), &st) == 0 && !S_ISDIR(st.st_mode) ? OK : ERR_IO;
    if (err == OK)
        err = disk_read_stream(f, content);
    fclose(f);
    return err;
}

struct conf_source disk_source(const struct log *log)
{
    return (struct conf_source){.expand = disk_expand, .read = disk_read, .log = log};
}
