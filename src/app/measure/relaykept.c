#include "app/measure/relaykept.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "net/chore.h"
#include "net/files.h"

enum { LATE_MOST = 16 << 20 };

static const char FILE_NAME[] = "cached-descriptors", JOURNAL[] = "cached-descriptors.new";

struct relaykept {
    struct net *net;
    const struct listing *listing;
    size_t least;
    char folder[4096];
    struct files *files;
    bool restoring;        /* what is kept is being read */
    size_t kept, appended; /* bytes of the two files */
    struct chore *merging; /* NULL: it is not */
    struct buf late;       /* what came meanwhile, for the new journal */
};

static struct log *log_of(const struct relaykept *k)
{
    return net_env(k->net)->log;
}

/* ---- in the other process ---- */

/* Those that the listing has, of TEXT. */
static err_t still_used(const struct listing *l, struct text text, struct text *parts, size_t *n,
                        size_t most)
{
    struct descriptor d;
    for (err_t e; (e = descriptor_next(&text, &d)) != ERR_NOT_FOUND;) {
        const struct listed_relay *relay = e == OK && d.has_rsa ? listing_find(l, &d.rsa) : NULL;
        if (!relay || !relay->is_described || memcmp(relay->sha1, d.sha1, sizeof d.sha1) != 0)
            continue;
        if (*n == most)
            return ERR_LIMIT;
        parts[(*n)++] = d.body;
    }
    return OK;
}

static err_t open_folder(const struct relaykept *k, struct files **out)
{
    int fd = open(k->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (fd >= 0)
        return files_open(fd, k->folder, log_of(k), out);
    log_warn(log_of(k), "%s: %s", k->folder, strerror(errno));
    return ERR_IO;
}

/* Both files as one, without those that are replaced by now, and its bytes. If it is cut short in
 * between, some descriptors stand in both: those are read once. */
static err_t merge(const struct relaykept *k, struct files *files, size_t *bytes)
{
    size_t n = 0, most = 2 * listing_n(k->listing);
    struct blob old = {.release = NULL}, journal = {.release = NULL};
    struct text *parts = calloc(most + 1, sizeof *parts);
    err_t e = parts ? files_load(files, JOURNAL, &journal) : ERR_NOMEM;
    if (e == OK && k->kept)
        e = files_load(files, FILE_NAME, &old);
    if (e == OK)
        e = still_used(k->listing, old.text, parts, &n, most);
    if (e == OK)
        e = still_used(k->listing, journal.text, parts, &n, most);
    if (e == OK)
        e = files_replace(files, FILE_NAME, parts, n);
    if (e == OK)
        e = files_replace(files, JOURNAL, NULL, 0);
    for (size_t i = 0; i < n; i++)
        *bytes += parts[i].len;
    blob_drop(&old);
    blob_drop(&journal);
    free(parts);
    return e;
}

static bool work(void *arg, int to)
{
    const struct relaykept *k = arg;
    struct files *files;
    size_t bytes = 0;
    if (open_folder(k, &files) != OK)
        return false;
    err_t e = merge(k, files, &bytes);
    files_close(files);
    return e == OK && dprintf(to, "%zu", bytes) > 0;
}

/* ---- in this one ---- */

static void append(struct relaykept *k, const struct text *parts, size_t n)
{
    if (files_append(k->files, JOURNAL, parts, n) != OK)
        return;
    for (size_t i = 0; i < n; i++)
        k->appended += parts[i].len;
}

static void append_late(struct relaykept *k)
{
    const struct text late = {(const char *)buf_at(&k->late), k->late.len};
    if (late.len)
        append(k, &late, 1);
    buf_free(&k->late);
    buf_init(&k->late, LATE_MOST);
}

/* If it failed: once more when so much has come again. */
static void done(void *arg, bool good, struct text said)
{
    struct relaykept *k = arg;
    uint64_t bytes;
    k->merging = NULL;
    k->appended = 0;
    if (good && text_to_u64(said, SIZE_MAX, &bytes) == OK)
        k->kept = (size_t)bytes;
    else
        log_info(log_of(k), "Server descriptors are kept in two files for now");
    append_late(k);
}

void relaykept_look(struct relaykept *k)
{
    const struct chore_work of = {.work = work, .done = done, .arg = k};
    if (k->merging || k->appended <= k->least || k->appended <= k->kept / 4)
        return;
    if (chore_start(k->net, &of, &k->merging) != OK) {
        k->merging = NULL;
        k->appended = 0;
    }
}

/* The journal is the other process's meanwhile. What has no room is fetched again after a start. */
void relaykept_add(struct relaykept *k, struct text descriptor)
{
    const struct text parts[] = {descriptor, TEXT_LIT("\n")};
    size_t n = descriptor.s[descriptor.len - 1] == '\n' ? 1 : 2;
    if (k->restoring)
        return;
    if (!k->merging) {
        append(k, parts, n);
        return;
    }
    if (buf_space(&k->late) <= descriptor.len)
        return;
    for (size_t i = 0; i < n; i++)
        (void)!buf_add(&k->late, parts[i].s, parts[i].len);
}

void relaykept_read(struct relaykept *k, struct listing_reader *reader)
{
    const char *const names[] = {FILE_NAME, JOURNAL};
    size_t *const sizes[] = {&k->kept, &k->appended};
    k->restoring = true;
    for (size_t i = 0; i < 2; i++) {
        struct blob text;
        if (files_load(k->files, names[i], &text) != OK)
            continue;
        *sizes[i] = text.text.len;
        if (listing_reader_add(reader, text) != OK)
            log_warn(log_of(k), "%s is not read", names[i]);
    }
}

void relaykept_was_read(struct relaykept *k)
{
    k->restoring = false;
}

/* ---- life ---- */

err_t relaykept_open(struct net *n, const char *folder, const struct listing *l, size_t least,
                     struct relaykept **out)
{
    struct relaykept *k = calloc(1, sizeof *k);
    if (!k)
        return ERR_NOMEM;
    *k = (struct relaykept){.net = n, .listing = l, .least = least};
    buf_init(&k->late, LATE_MOST);
    snprintf(k->folder, sizeof k->folder, "%s", folder);
    err_t e = open_folder(k, &k->files);
    if (e == OK)
        *out = k;
    else
        relaykept_close(k);
    return e;
}

void relaykept_close(struct relaykept *k)
{
    if (!k)
        return;
    chore_stop(k->merging);
    append_late(k);
    files_close(k->files);
    buf_free(&k->late);
    free(k);
}
