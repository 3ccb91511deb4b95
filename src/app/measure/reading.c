#include "app/measure/reading.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/measure/resultsfile.h"

enum { PATH_SIZE = 4096 };

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

/* FOLDER of PATH, and its last part; false: it is too long. */
static bool folder_of(const char *path, char folder[PATH_SIZE], const char **base)
{
    const char *slash = strrchr(path, '/');
    size_t len = slash ? (size_t)(slash - path) + 1 : 0;
    *base = path + len;
    if (len >= PATH_SIZE)
        return false;
    snprintf(folder, PATH_SIZE, "%.*s", len ? (int)len : 1, len ? path : ".");
    return true;
}

static err_t try_file(const char *path, struct log *log, struct blob *out)
{
    char folder[PATH_SIZE];
    const char *base;
    struct files *files;
    if (!folder_of(path, folder, &base))
        return ERR_NOT_FOUND;
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return ERR_NOT_FOUND;
    TRY(files_open(fd, folder, log, &files));
    err_t e = files_load(files, base, out);
    files_close(files);
    return e;
}

err_t reading_file(const char *path, struct log *log, struct blob *out)
{
    err_t e = try_file(path, log, out);
    if (e == ERR_NOT_FOUND)
        log_warn(log, "There is no file \"%s\".", path);
    return e;
}

/* ---- results ---- */

/* One that was named. */
static err_t results_of(const char *path, struct log *log, reading_line_fn *fn, void *arg)
{
    char folder[PATH_SIZE];
    struct files *files;
    const char *base;
    err_t e = ERR_NOT_FOUND;
    if (folder_of(path, folder, &base))
        e = resultsfile_folder(folder, log, &files);
    if (e != OK)
        return e;
    e = resultsfile_one(files, base, fn, arg);
    files_close(files);
    return e;
}

err_t reading_results(const char *path, int64_t oldest_s, struct log *log, reading_line_fn *fn,
                      void *arg)
{
    struct files *folder;
    err_t e = resultsfile_folder(path, log, &folder);
    if (e != OK && errno == ENOTDIR)
        return results_of(path, log, fn, arg);
    if (e == ERR_NOT_FOUND || e == ERR_IO)
        log_warn(log, "Cannot read results in \"%s\": %s. Say where they are.", path,
                 strerror(errno));
    if (e != OK)
        return e;
    e = resultsfile_each(folder, oldest_s, fn, arg);
    files_close(folder);
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

static err_t find_consensus(const struct offline_options *o, struct log *log,
                            struct consensus **out)
{
    char path[PATH_SIZE];
    if (o->consensus)
        return consensus_of(o->consensus, true, log, out);
    snprintf(path, sizeof path, "%s/cached-microdesc-consensus", o->folder);
    err_t e = consensus_of(path, false, log, out);
    if (e != ERR_NOT_FOUND)
        return e;
    snprintf(path, sizeof path, "%s/cached-consensus", o->folder);
    return consensus_of(path, true, log, out);
}

/* ERR_NOT_FOUND: there are none. */
static err_t find_certificates(const struct offline_options *o, struct log *log, struct blob *out)
{
    char path[PATH_SIZE];
    if (o->certificates)
        return reading_file(o->certificates, log, out);
    snprintf(path, sizeof path, "%s/cached-certs", o->folder ? o->folder : "");
    return o->folder ? try_file(path, log, out) : ERR_NOT_FOUND;
}

static err_t verify(const struct offline_options *o, struct log *log, const struct consensus *c,
                    char unverified[VERIFIED_WHY])
{
    struct blob certs;
    err_t e = find_certificates(o, log, &certs);
    if (e == OK) {
        e = verified_consensus(o, c, certs.text, unverified);
        blob_drop(&certs);
    } else if (e == ERR_NOT_FOUND && !o->certificates) {
        snprintf(unverified, VERIFIED_WHY,
                 "there are no authorities' certificates (--certificates, or cached-certs of "
                 "--data-directory)");
        e = OK;
    }
    if (e != OK && *unverified)
        log_err(log, "The consensus does not count: %s.", unverified);
    else if (*unverified)
        log_warn(log, "THE CONSENSUS WAS NOT VERIFIED: %s.", unverified);
    return e;
}

err_t reading_consensus(const struct offline_options *o, struct log *log, struct consensus **out,
                        char unverified[VERIFIED_WHY])
{
    *out = NULL;
    unverified[0] = 0;
    if (!o->consensus && !o->folder)
        return OK;
    TRY(find_consensus(o, log, out));
    err_t e = verify(o, log, *out, unverified);
    if (e != OK)
        consensus_free(out);
    return e;
}

/* ---- descriptors ---- */

static err_t each_descriptor(struct text rest, int64_t now_s, struct log *log,
                             reading_descriptor_fn *fn, void *arg)
{
    struct descriptor d;
    char why[DESCRIPTOR_WHY_MAX];
    unsigned bad = 0;
    for (err_t e; (e = descriptor_next(&rest, &d)) != ERR_NOT_FOUND;) {
        e = e == OK ? descriptor_verify(&d, now_s, why) : e;
        if (e == ERR_NOMEM)
            return e; /* nothing of it is known */
        if (e == OK || e == ERR_EXPIRED)
            fn(arg, &d);
        else
            bad++;
    }
    if (bad)
        log_warn(log, "%u server descriptors do not verify, and do not count.", bad);
    return OK;
}

static err_t descriptors_of(const char *path, bool must, int64_t now_s, struct log *log,
                            reading_descriptor_fn *fn, void *arg)
{
    struct blob blob;
    err_t e = must ? reading_file(path, log, &blob) : try_file(path, log, &blob);
    if (e != OK)
        return must || e == ERR_NOMEM ? e : OK;
    e = each_descriptor(blob.text, now_s, log, fn, arg);
    blob_drop(&blob);
    return e;
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
