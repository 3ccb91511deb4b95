/* The start: what the cached files still are good for. */
#include "dir/dirmgr_int.h"

static void set_aside(struct dirmgr *d, enum dir_file file)
{
    log_warn(d->env->log, "%s is damaged: what can't be read is fetched again",
             dir_file_name(file));
    if (d->carrier.set_aside)
        d->carrier.set_aside(d->carrier_arg, file);
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
    err_t e = dirmgr_take_cached_consensus(d, bytes);
    if (e == ERR_NOMEM)
        return e;
    if (e != OK && e != ERR_EXPIRED && e != ERR_NOT_YET_VALID && e != ERR_UNDERSIGNED)
        set_aside(d, DIR_FILE_CONSENSUS);
    return OK;
}

static err_t load_unverified(struct dirmgr *d, struct text bytes)
{
    if (!bytes.len)
        return OK;
    err_t e = dirmgr_take_unverified(d, bytes);
    if (e == OK || e == ERR_NOMEM)
        return e;
    d->unverified_stored = dirmgr_store(d, DIR_FILE_UNVERIFIED, (struct text){"", 0}) != OK;
    return OK;
}

/* A journal may end in the middle of an entry: whoever wrote it was killed. */
static err_t load_microdescs(struct dirmgr *d, enum dir_file file, struct text bytes, bool *mend)
{
    struct store_report report;
    if (!bytes.len || !dirmgr_known(d))
        return OK;
    TRY(store_load_microdescs(bytes, dirmgr_known(d), &report));
    if (report.bad > (file == DIR_FILE_MICRODESCS_NEW && report.torn))
        set_aside(d, file);
    *mend |= report.bad;
    return OK;
}

static err_t load_both(struct dirmgr *d, struct text old, struct text journal)
{
    bool mend = false; /* before anything is appended to what is torn */
    TRY(load_microdescs(d, DIR_FILE_MICRODESCS, old, &mend));
    TRY(load_microdescs(d, DIR_FILE_MICRODESCS_NEW, journal, &mend));
    d->md_file_bytes = old.len;
    d->md_journal_bytes = journal.len;
    if (mend)
        dirmgr_merge_journal(d, old, journal);
    return OK;
}

err_t dirmgr_load(struct dirmgr *d, const struct text files[DIR_FILE_N])
{
    TRY(load_certs(d, files[DIR_FILE_CERTS]));
    TRY(load_consensus(d, files[DIR_FILE_CONSENSUS]));
    TRY(load_unverified(d, files[DIR_FILE_UNVERIFIED]));
    d->microdescs_wait = !dirmgr_known(d);
    return load_both(d, files[DIR_FILE_MICRODESCS], files[DIR_FILE_MICRODESCS_NEW]);
}

void dirmgr_load_waiting(struct dirmgr *d)
{
    struct blob old, journal;
    if (!d->microdescs_wait)
        return;
    d->microdescs_wait = false;
    err_t e = dirmgr_read_microdescs(d, &old, &journal);
    if (e == OK)
        e = load_both(d, old.text, journal.text);
    if (e != OK && e != ERR_NOT_FOUND)
        log_warn(d->env->log, "The cached microdescriptors are not used: %s", err_text(e));
    blob_drop(&old);
    blob_drop(&journal);
}
