/* The cached files: what is read at the start, what is written, and the journal of
 * microdescriptors, which becomes part of their file from time to time. */
#include <stdlib.h>
#include <string.h>

#include "dir/dirmgr_int.h"

enum {
    JOURNAL_SMALL = 16384, /* C tor, should_rebuild_md_cache(): not worth a merge */
    JOURNAL_LARGE = 1 << 20,
};

/* ---- writing ---- */

void dm_store(struct dirmgr *d, enum dir_file file, const void *bytes, size_t len)
{
    if (!d->ops.store)
        return;
    d->ops.store(d->arg, file, len ? bytes : "", len, false);
    if (file == DIR_FILE_MICRODESCS)
        d->md_file_bytes = len;
    if (file == DIR_FILE_MICRODESCS_NEW)
        d->md_journal_bytes = len;
}

void dm_store_in_journal(struct dirmgr *d, const void *bytes, size_t len)
{
    if (!d->ops.store || !len)
        return;
    d->ops.store(d->arg, DIR_FILE_MICRODESCS_NEW, bytes, len, true);
    d->md_journal_bytes += len;
}

/* ---- the journal ---- */

/* OLD and JOURNAL become one good file. Killed between the two steps, the next start finds some
 * entries in both, which is no damage. */
static void merge(struct dirmgr *d, struct text old, struct text journal)
{
    struct buf out;
    buf_init(&out, old.len + journal.len + (1 << 20) + (old.len + journal.len) / 4);
    if (store_merge_microdescs(old, journal, dm_known(d), env_wall_s(d->env), &out) == OK) {
        dm_store(d, DIR_FILE_MICRODESCS, buf_at(&out), out.len);
        dm_store(d, DIR_FILE_MICRODESCS_NEW, NULL, 0);
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

void dm_tend_journal(struct dirmgr *d)
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
        merge(d, old, journal);
    }
    if (e == ERR_NOT_FOUND) /* nothing is kept at all */
        d->md_journal_bytes = 0;
    free((void *)(uintptr_t)old.s);
    free((void *)(uintptr_t)journal.s);
}

/* ---- the start ---- */

static void set_aside(struct dirmgr *d, enum dir_file file)
{
    log_warn(d->env->log, "%s is damaged: what can't be read is fetched again",
             dir_file_name(file));
    if (d->ops.set_aside)
        d->ops.set_aside(d->arg, file);
}

static err_t load_certs(struct dirmgr *d, struct text bytes)
{
    struct store_report report;
    TRY(store_load_certs(bytes, &d->certs, &report));
    if (report.bad)
        set_aside(d, DIR_FILE_CERTS);
    return OK;
}

static err_t load_consensus(struct dirmgr *d, struct text bytes)
{
    if (!bytes.len)
        return OK;
    err_t e = take_cached_consensus(d, bytes);
    if (e == ERR_NOMEM)
        return e;
    if (e != OK && e != ERR_EXPIRED && e != ERR_NOT_YET_VALID)
        set_aside(d, DIR_FILE_CONSENSUS);
    return OK;
}

/* A journal may end in the middle of an entry: whoever wrote it was killed. */
static err_t load_microdescs(struct dirmgr *d, enum dir_file file, struct text bytes, bool *damaged)
{
    struct store_report report;
    *damaged = false;
    if (!bytes.len || !dm_known(d))
        return OK;
    TRY(store_load_microdescs(bytes, dm_known(d), &report));
    *damaged = report.bad > (file == DIR_FILE_MICRODESCS_NEW && report.torn);
    if (*damaged)
        set_aside(d, file);
    return OK;
}

err_t dirmgr_load(struct dirmgr *d, const struct text files[DIR_FILE_N])
{
    struct text old = files[DIR_FILE_MICRODESCS], journal = files[DIR_FILE_MICRODESCS_NEW];
    bool old_damaged, journal_damaged;
    TRY(load_certs(d, files[DIR_FILE_CERTS]));
    TRY(load_consensus(d, files[DIR_FILE_CONSENSUS]));
    TRY(load_microdescs(d, DIR_FILE_MICRODESCS, old, &old_damaged));
    TRY(load_microdescs(d, DIR_FILE_MICRODESCS_NEW, journal, &journal_damaged));
    d->md_file_bytes = old.len;
    d->md_journal_bytes = journal.len;
    if (dm_known(d) && (journal.len || old_damaged))
        merge(d, old, journal);
    return OK;
}
