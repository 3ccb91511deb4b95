#include "app/measure/reading.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "measure/results.h"
#include "net/files.h"

enum { PATH_SIZE = 4096, DAY_S = 24 * 3600 };

static void to_stderr(void *arg, enum log_level level, const char *line)
{
    (void)arg, (void)level;
    fprintf(stderr, "tunic measure: %s\n", line);
}

struct log reading_log(void)
{
    return (struct log){.least = LOG_NOTICE, .sink = to_stderr};
}

/* ---- files ---- */

static err_t load(const char *folder, const char *name, struct log *log, struct blob *out)
{
    struct files *files;
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return ERR_NOT_FOUND;
    TRY(files_open(fd, folder, log, &files));
    err_t e = files_load(files, name, out);
    files_close(files);
    return e;
}

static err_t try_file(const char *path, struct log *log, struct blob *out)
{
    char folder[PATH_SIZE];
    const char *base = strrchr(path, '/');
    size_t len = base ? (size_t)(base - path) + 1 : 0;
    if (len >= sizeof folder)
        return ERR_NOT_FOUND;
    memcpy(folder, path, len);
    folder[len] = 0;
    return load(len ? folder : ".", path + len, log, out);
}

err_t reading_file(const char *path, struct log *log, struct blob *out)
{
    err_t e = try_file(path, log, out);
    if (e == ERR_NOT_FOUND)
        log_warn(log, "There is no file \"%s\".", path);
    return e;
}

/* ---- results ---- */

static err_t each_line(struct text text, reading_line_fn *fn, void *arg)
{
    struct text line;
    while (text_line(&text, &line))
        if (line.len)
            TRY(fn(arg, line));
    return OK;
}

static err_t results_of(const char *path, struct log *log, reading_line_fn *fn, void *arg)
{
    struct blob blob;
    TRY(reading_file(path, log, &blob));
    err_t e = each_line(blob.text, fn, arg);
    blob_drop(&blob);
    return e;
}

static int is_results(const struct dirent *d)
{
    int64_t day;
    return results_file_day(d->d_name, &day);
}

err_t reading_results(const char *path, int64_t oldest_s, struct log *log, reading_line_fn *fn,
                      void *arg)
{
    struct dirent **names;
    int n = scandir(path, &names, is_results, alphasort); /* names sort as days do */
    err_t e = OK;
    if (n < 0 && errno == ENOTDIR)
        return results_of(path, log, fn, arg);
    if (n < 0) {
        log_warn(log, "Cannot read results in \"%s\": %s. Say where they are.", path,
                 strerror(errno));
        return errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;
    }
    for (int i = 0; i < n; i++) {
        char file[PATH_SIZE];
        int64_t day_s = 0;
        snprintf(file, sizeof file, "%s/%s", path, names[i]->d_name);
        if (e == OK && results_file_day(names[i]->d_name, &day_s) && day_s + DAY_S > oldest_s)
            e = results_of(file, log, fn, arg);
        free(names[i]);
    }
    free(names);
    return e;
}

/* ---- the consensus ---- */

static err_t parse_consensus(const char *path, struct text text, struct log *log,
                             struct consensus **out)
{
    err_t e = consensus_parse_kind(text, CONSENSUS_MICRODESC, out);
    if (e == ERR_UNSUPPORTED)
        e = consensus_parse_kind(text, CONSENSUS_NS, out);
    if (e != OK)
        log_warn(log, "\"%s\" is no consensus that can be read: %s", path, err_text(e));
    return e;
}

static err_t consensus_of(const char *path, bool must, struct log *log, struct consensus **out)
{
    struct blob blob;
    TRY(must ? reading_file(path, log, &blob) : try_file(path, log, &blob));
    err_t e = parse_consensus(path, blob.text, log, out);
    blob_drop(&blob);
    return e;
}

err_t reading_consensus(const struct offline_options *o, struct log *log, struct consensus **out)
{
    char path[PATH_SIZE];
    *out = NULL;
    if (o->consensus)
        return consensus_of(o->consensus, true, log, out);
    if (!o->folder)
        return OK;
    snprintf(path, sizeof path, "%s/cached-microdesc-consensus", o->folder);
    err_t e = consensus_of(path, false, log, out);
    if (e != ERR_NOT_FOUND)
        return e;
    snprintf(path, sizeof path, "%s/cached-consensus", o->folder);
    return consensus_of(path, true, log, out);
}

/* ---- descriptors ---- */

static void each_descriptor(struct text rest, int64_t now_s, struct log *log,
                            reading_descriptor_fn *fn, void *arg)
{
    struct descriptor d;
    char why[DESCRIPTOR_WHY_MAX];
    unsigned bad = 0;
    for (err_t e; (e = descriptor_next(&rest, &d)) != ERR_NOT_FOUND;) {
        e = e == OK ? descriptor_verify(&d, now_s, why) : e;
        if (e == OK || e == ERR_EXPIRED)
            fn(arg, &d);
        else
            bad++;
    }
    if (bad)
        log_warn(log, "%u server descriptors do not verify, and do not count.", bad);
}

static err_t descriptors_of(const char *path, bool must, int64_t now_s, struct log *log,
                            reading_descriptor_fn *fn, void *arg)
{
    struct blob blob;
    err_t e = must ? reading_file(path, log, &blob) : try_file(path, log, &blob);
    if (e != OK)
        return must ? e : OK;
    each_descriptor(blob.text, now_s, log, fn, arg);
    blob_drop(&blob);
    return OK;
}

err_t reading_descriptors(const struct offline_options *o, int64_t now_s, struct log *log,
                          reading_descriptor_fn *fn, void *arg)
{
    char path[PATH_SIZE];
    if (o->descriptors)
        return descriptors_of(o->descriptors, true, now_s, log, fn, arg);
    if (!o->folder)
        return OK;
    snprintf(path, sizeof path, "%s/cached-descriptors", o->folder);
    TRY(descriptors_of(path, false, now_s, log, fn, arg));
    snprintf(path, sizeof path, "%s/cached-descriptors.new", o->folder);
    return descriptors_of(path, false, now_s, log, fn, arg);
}
