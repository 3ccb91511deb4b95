/* The cached files: what is written, and the journal of microdescriptors, which becomes part of
 * their file from time to time. */
#include <stdlib.h>
#include <string.h>

#include "dir/dirmgr_int.h"

enum {
    JOURNAL_SMALL = 16384, /* C tor, should_rebuild_md_cache(): not worth a merge */
    JOURNAL_LARGE = 1 << 20,
};

/* ---- writing ---- */

void dirmgr_store(struct dirmgr *d, enum dir_file file, const void *bytes, size_t len)
{
    if (!d->ops.store)
        return;
    d->ops.store(d->arg, file, len ? bytes : "", len, false);
    if (file == DIR_FILE_MICRODESCS)
        d->md_file_bytes = len;
    if (file == DIR_FILE_MICRODESCS_NEW)
        d->md_journal_bytes = len;
}

void dirmgr_store_in_journal(struct dirmgr *d, const void *bytes, size_t len)
{
    if (!d->ops.store || !len)
        return;
    d->ops.store(d->arg, DIR_FILE_MICRODESCS_NEW, bytes, len, true);
    d->md_journal_bytes += len;
}

/* ---- the journal ---- */

/* OLD and JOURNAL become one good file. Killed between the two steps, the next start finds some
 * entries in both, which is no damage. */
void dirmgr_merge_journal(struct dirmgr *d, struct text old, struct text journal)
{
    struct buf out;
    buf_init(&out, old.len + journal.len + (1 << 20) + (old.len + journal.len) / 4);
    if (store_merge_microdescs(old, journal, dirmgr_known(d), env_wall_s(d->env), &out) == OK) {
        dirmgr_store(d, DIR_FILE_MICRODESCS, buf_at(&out), out.len);
        dirmgr_store(d, DIR_FILE_MICRODESCS_NEW, NULL, 0);
    }
    buf_free(&out);
}

static bool journal_is_long(const struct dirmgr *d)
{
    return d->md_journal_bytes >= JOURNAL_SMALL &&
           (d->md_journal_bytes >= JOURNAL_LARGE || d->md_journal_bytes > d->md_file_bytes / 4);
}

static err_t read_back(struct dirmgr *d, enum dir_file file, struct text *out)
{
    uint8_t *bytes = NULL;
    size_t len = 0;
    err_t e = d->ops.read_back(d->arg, file, &bytes, &len);
    *out = (struct text){(const char *)bytes, e == OK ? len : 0};
    return e;
}

void dirmgr_tend_journal(struct dirmgr *d)
{
    struct text old = {NULL, 0}, journal = {NULL, 0};
    if (!d->ops.read_back || !journal_is_long(d))
        return;
    err_t e = read_back(d, DIR_FILE_MICRODESCS, &old);
    if (e == OK || e == ERR_NOT_FOUND)
        e = read_back(d, DIR_FILE_MICRODESCS_NEW, &journal);
    if (e == OK) {
        log_info(d->env->log,
                 "Merging %zu bytes of new microdescriptors into %zu bytes of cached ones",
                 journal.len, old.len);
        dirmgr_merge_journal(d, old, journal);
    }
    if (e == ERR_NOT_FOUND) /* nothing is kept at all */
        d->md_journal_bytes = 0;
    free((void *)(uintptr_t)old.s);
    free((void *)(uintptr_t)journal.s);
}
