/* The cached files: what is written, and the journal of microdescriptors, which becomes part of
 * their file from time to time; what both still are good for. */
#include "dir/dirmgr_int.h"

enum {
    JOURNAL_SMALL = 16384, /* C tor, should_rebuild_md_cache(): not worth a merge */
    JOURNAL_LARGE = 1 << 20,
    TEND_AFTER_MS = 60000, /* what a start or a new consensus brings is here by then */
};

/* ---- writing ---- */

err_t dirmgr_store(struct dirmgr *d, enum dir_file file, struct text whole)
{
    return d->carrier.store ? d->carrier.store(d->carrier_arg, file, &whole, 1, false) : OK;
}

void dirmgr_store_in_journal(struct dirmgr *d, struct text news)
{
    if (d->carrier.store && news.len &&
        d->carrier.store(d->carrier_arg, DIR_FILE_MICRODESCS_NEW, &news, 1, true) == OK)
        d->md_journal_bytes += news.len;
}

/* ---- the journal ---- */

/* The journal goes only when what was in it is stored. Killed between the two steps, the next start
 * finds some entries in both, which is no damage. */
static void store_merged(struct dirmgr *d, const struct store_merged *m)
{
    const struct text empty = {"", 0};
    if (!d->carrier.store ||
        d->carrier.store(d->carrier_arg, DIR_FILE_MICRODESCS, m->parts, m->n, false) != OK)
        return;
    d->md_file_bytes = m->len;
    if (dirmgr_store(d, DIR_FILE_MICRODESCS_NEW, empty) == OK)
        d->md_journal_bytes = 0;
}

static void merge_journal(struct dirmgr *d, struct text old, struct text journal)
{
    struct store_merged m;
    if (store_merge_microdescs(old, journal, dirmgr_known(d), env_wall_s(d->env), &m) == OK)
        store_merged(d, &m);
    store_merged_free(&m);
}

static bool journal_is_long(const struct dirmgr *d)
{
    return d->md_journal_bytes >= JOURNAL_SMALL &&
           (d->md_journal_bytes >= JOURNAL_LARGE || d->md_journal_bytes > d->md_file_bytes / 4);
}

/* Both files of microdescriptors; one of them may be missing, and empty. To be dropped whatever
 * comes back. ERR_NOT_FOUND: there is neither. */
static err_t read_microdescs(struct dirmgr *d, struct blob *old, struct blob *journal)
{
    *old = *journal = (struct blob){{NULL, 0}, NULL};
    if (!d->carrier.read_back)
        return ERR_NOT_FOUND;
    err_t e = d->carrier.read_back(d->carrier_arg, DIR_FILE_MICRODESCS, old);
    if (e != OK && e != ERR_NOT_FOUND)
        return e;
    err_t e_journal = d->carrier.read_back(d->carrier_arg, DIR_FILE_MICRODESCS_NEW, journal);
    return e == OK && e_journal == ERR_NOT_FOUND ? OK : e_journal;
}

static void tend_journal(void *arg)
{
    struct dirmgr *d = arg;
    struct blob old, journal;
    if (!journal_is_long(d))
        return;
    err_t e = read_microdescs(d, &old, &journal);
    if (e == OK) {
        log_info(d->env->log,
                 "Merging %zu bytes of new microdescriptors into %zu bytes of cached ones",
                 journal.text.len, old.text.len);
        merge_journal(d, old.text, journal.text);
    }
    if (e == ERR_NOT_FOUND) /* nothing is kept at all */
        d->md_journal_bytes = 0;
    blob_drop(&old);
    blob_drop(&journal);
}

void dirmgr_init_tending(struct dirmgr *d)
{
    timer_init(&d->tend, tend_journal, d);
}

void dirmgr_tend_soon(struct dirmgr *d)
{
    env_arm_ms(d->env, &d->tend, TEND_AFTER_MS);
}

/* ---- reading ---- */

void dirmgr_set_aside(struct dirmgr *d, enum dir_file file)
{
    log_warn(d->env->log, "%s is damaged: what can't be read is fetched again",
             dir_file_name(file));
    if (d->carrier.set_aside)
        d->carrier.set_aside(d->carrier_arg, file);
}

/* A journal may end in the middle of an entry: whoever wrote it was killed. */
static err_t load_microdescs(struct dirmgr *d, enum dir_file file, struct text bytes, bool *mend)
{
    struct store_report report;
    if (!bytes.len || !dirmgr_known(d))
        return OK;
    TRY(store_load_microdescs(bytes, dirmgr_known(d), &report));
    if (report.bad > (file == DIR_FILE_MICRODESCS_NEW && report.torn))
        dirmgr_set_aside(d, file);
    *mend |= report.bad;
    return OK;
}

err_t dirmgr_load_microdescs(struct dirmgr *d, struct text old, struct text journal)
{
    bool mend = false; /* before anything is appended to what is torn */
    TRY(load_microdescs(d, DIR_FILE_MICRODESCS, old, &mend));
    TRY(load_microdescs(d, DIR_FILE_MICRODESCS_NEW, journal, &mend));
    d->md_file_bytes = old.len;
    d->md_journal_bytes = journal.len;
    if (mend)
        merge_journal(d, old, journal);
    return OK;
}

void dirmgr_load_waiting(struct dirmgr *d)
{
    struct blob old, journal;
    if (!d->microdescs_wait)
        return;
    d->microdescs_wait = false;
    err_t e = read_microdescs(d, &old, &journal);
    if (e == OK)
        e = dirmgr_load_microdescs(d, old.text, journal.text);
    if (e != OK && e != ERR_NOT_FOUND)
        log_warn(d->env->log, "The cached microdescriptors are not used: %s", err_text(e));
    blob_drop(&old);
    blob_drop(&journal);
}
