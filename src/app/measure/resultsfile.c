#include "app/measure/resultsfile.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dir/decompress.h"
#include "measure/results.h"
#include "testnet/compress.h"

enum { DAY_S = 24 * 3600 };

err_t resultsfile_folder(const char *path, struct log *log, struct files **out)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;
    return files_open(fd, path, log, out);
}

/* ---- a file ---- */

static bool is_packed(const char *name)
{
    size_t len = strlen(name);
    return len > 3 && strcmp(name + len - 3, ".gz") == 0;
}

/* ".gz" is unpacked into OUT, a bomb is refused. ERR_NOT_FOUND is not logged. */
static err_t load_packed(struct files *f, const char *name, struct buf *out)
{
    struct blob blob;
    TRY(files_load(f, name, &blob));
    err_t e = decompress_all(ENC_GZIP, false, blob.text.s, blob.text.len, RESULTSFILE_MOST, out);
    blob_drop(&blob);
    if (e != OK && e != ERR_NOMEM)
        log_warn(files_log(f), "The results in \"%s/%s\" are not read: %s", files_dir(f), name,
                 err_text(e));
    return e;
}

static err_t each_line(struct text text, resultsfile_line_fn *fn, void *arg)
{
    struct text line;
    while (text_line(&text, &line))
        if (line.len)
            TRY(fn(arg, line));
    return OK;
}

static struct text text_in(const struct buf *b)
{
    return (struct text){(const char *)buf_at(b), b->len};
}

err_t resultsfile_one(struct files *folder, const char *name, resultsfile_line_fn *fn, void *arg)
{
    struct blob blob = {.release = NULL};
    struct buf unpacked;
    buf_init(&unpacked, RESULTSFILE_MOST);
    err_t e =
        is_packed(name) ? load_packed(folder, name, &unpacked) : files_load(folder, name, &blob);
    if (e == OK)
        e = each_line(is_packed(name) ? text_in(&unpacked) : blob.text, fn, arg);
    else if (e == ERR_NOT_FOUND)
        log_warn(files_log(folder), "There is no file \"%s/%s\".", files_dir(folder), name);
    blob_drop(&blob);
    buf_free(&unpacked);
    return e;
}

/* ---- what there is of a day ---- */

/* Its file as it was written, and the compressed one, unpacked. */
struct day {
    char name[RESULTS_NAME_MAX], packed_name[RESULTS_NAME_MAX];
    struct blob plain;
    struct buf unpacked;
    bool has_plain, has_packed;
    struct text packed_lines, plain_lines; /* without what is in both */
};

static void day_drop(struct day *d)
{
    blob_drop(&d->plain);
    buf_free(&d->unpacked);
}

static bool is_part(struct text part, struct text all)
{
    return part.len <= all.len && (memcmp(all.s, part.s, part.len) == 0 ||
                                   memcmp(all.s + all.len - part.len, part.s, part.len) == 0);
}

/* What is in both is there once: a crash comes between the writing of the one and the removal of
 * the other. Else both count: a clock that was set back has lines appended to a day that was
 * compressed. */
static void day_settle(struct day *d)
{
    d->packed_lines = text_in(&d->unpacked);
    d->plain_lines = d->plain.text;
    if (!d->packed_lines.len || !d->plain_lines.len)
        return;
    if (is_part(d->plain_lines, d->packed_lines))
        d->plain_lines.len = 0;
    else if (is_part(d->packed_lines, d->plain_lines))
        d->packed_lines.len = 0;
}

/* The plain one first: if it goes meanwhile, then the compressed one is there. */
static err_t day_load(struct files *f, int64_t day_s, struct day *d)
{
    *d = (struct day){.has_plain = false};
    buf_init(&d->unpacked, RESULTSFILE_MOST);
    (void)results_file(day_s, d->name);
    (void)results_file_packed(day_s, d->packed_name);
    err_t plain = files_load(f, d->name, &d->plain);
    err_t packed = load_packed(f, d->packed_name, &d->unpacked);
    d->has_plain = plain == OK;
    d->has_packed = packed == OK;
    if (plain == ERR_NOMEM || packed == ERR_NOMEM) {
        day_drop(d);
        return ERR_NOMEM;
    }
    day_settle(d);
    return OK;
}

/* ---- the folder ---- */

static int is_results(const struct dirent *d)
{
    int64_t day;
    return results_file_day(d->d_name, &day);
}

/* FN for each day that is there, the oldest first. */
typedef err_t day_fn(void *arg, struct files *f, int64_t day_s);
static err_t each_day(struct files *f, day_fn *fn, void *arg)
{
    struct dirent **names;
    int64_t last_s = INT64_MIN, day_s = 0;
    int n = scandirat(files_fd(f), ".", &names, is_results, alphasort); /* as days do */
    err_t e = OK;
    if (n < 0) {
        int failed = errno;
        log_warn(files_log(f), "Cannot list the results in \"%s\": %s", files_dir(f),
                 strerror(failed));
        return failed == ENOMEM ? ERR_NOMEM : ERR_IO;
    }
    for (int i = 0; i < n; i++) {
        if (e == OK && results_file_day(names[i]->d_name, &day_s) && day_s != last_s)
            e = fn(arg, f, day_s);
        last_s = day_s;
        free(names[i]);
    }
    free(names);
    return e;
}

struct reading {
    int64_t oldest_s;
    resultsfile_line_fn *fn;
    void *arg;
};

static err_t read_day(void *arg, struct files *f, int64_t day_s)
{
    const struct reading *r = arg;
    struct day d;
    if (day_s + DAY_S <= r->oldest_s)
        return OK;
    TRY(day_load(f, day_s, &d));
    err_t e = each_line(d.packed_lines, r->fn, r->arg);
    if (e == OK)
        e = each_line(d.plain_lines, r->fn, r->arg);
    day_drop(&d);
    return e;
}

err_t resultsfile_each(struct files *folder, int64_t oldest_s, resultsfile_line_fn *fn, void *arg)
{
    struct reading r = {oldest_s, fn, arg};
    return each_day(folder, read_day, &r);
}

/* ---- old ones ---- */

struct tidying {
    int64_t now_s;
    const struct resultsfile_keep *keep;
};

static void remove_file(struct files *f, const char *name)
{
    if (unlinkat(files_fd(f), name, 0) != 0 && errno != ENOENT)
        log_warn(files_log(f), "Cannot remove \"%s/%s\": %s", files_dir(f), name, strerror(errno));
}

/* What is packed is looked at before anything of it counts: it has to be what was there. */
static err_t pack(const struct day *d, struct buf *out)
{
    struct buf all, again;
    struct text packed = d->packed_lines, plain = d->plain_lines;
    buf_init(&all, RESULTSFILE_MOST);
    buf_init(&again, RESULTSFILE_MOST);
    err_t e = buf_add(&all, packed.s, packed.len);
    if (e == OK && packed.len && packed.s[packed.len - 1] != '\n')
        e = buf_add(&all, "\n", 1);
    if (e == OK)
        e = buf_add(&all, plain.s, plain.len);
    if (e == OK)
        e = compress_all(ENC_GZIP, buf_at(&all), all.len, out);
    if (e == OK)
        e = decompress_all(ENC_GZIP, false, buf_at(out), out->len, RESULTSFILE_MOST, &again);
    if (e == OK && (again.len != all.len || memcmp(buf_at(&again), buf_at(&all), all.len) != 0))
        e = ERR_BUG;
    buf_free(&all);
    buf_free(&again);
    return e;
}

/* Both names are good for whoever may read the results. */
static void remove_plain(struct files *f, const struct day *d)
{
    struct stat st;
    char torn[RESULTS_NAME_MAX + 8]; /* what a crash left of files_replace() */
    snprintf(torn, sizeof torn, "%s.tmp", d->packed_name);
    remove_file(f, torn);
    if (fstatat(files_fd(f), d->name, &st, 0) != 0 || (size_t)st.st_size != d->plain.text.len)
        return; /* it has grown meanwhile: the next time */
    (void)!fchmodat(files_fd(f), d->packed_name, st.st_mode & 0777, 0);
    remove_file(f, d->name);
}

static void compress(struct files *f, const struct day *d)
{
    struct buf packed;
    buf_init(&packed, RESULTSFILE_MOST);
    err_t e = d->plain_lines.len ? pack(d, &packed) : OK;
    const struct text part = text_in(&packed);
    if (e == OK && d->plain_lines.len)
        e = files_replace(f, d->packed_name, &part, 1); /* it logs */
    else if (e != OK)
        log_warn(files_log(f), "\"%s/%s\" is not compressed: %s", files_dir(f), d->name,
                 err_text(e));
    if (e == OK)
        remove_plain(f, d);
    buf_free(&packed);
}

static err_t tidy_day(void *arg, struct files *f, int64_t day_s)
{
    const struct tidying *t = arg;
    int64_t end_s = day_s + DAY_S;
    struct day d;
    if (end_s + (int64_t)t->keep->keep_days * DAY_S <= t->now_s) {
        char name[RESULTS_NAME_MAX];
        remove_file(f, results_file(day_s, name));
        remove_file(f, results_file_packed(day_s, name));
        return OK;
    }
    if (!t->keep->compress_days || end_s + (int64_t)t->keep->compress_days * DAY_S > t->now_s)
        return OK;
    if (faccessat(files_fd(f), results_file(day_s, d.name), F_OK, 0) != 0)
        return OK;
    TRY(day_load(f, day_s, &d));
    bool is_known = d.has_packed || faccessat(files_fd(f), d.packed_name, F_OK, 0) != 0;
    if (d.has_plain && is_known) /* what cannot be read is not overwritten */
        compress(f, &d);
    day_drop(&d);
    return OK;
}

void resultsfile_tidy(struct files *folder, int64_t now_s, const struct resultsfile_keep *keep)
{
    struct tidying t = {now_s, keep};
    if (each_day(folder, tidy_day, &t) == ERR_NOMEM)
        log_warn(files_log(folder), "Old results stay as they are: out of memory");
}
