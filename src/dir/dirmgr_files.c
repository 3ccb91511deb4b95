/* The cached files: what is written, and the journal of microdescriptors, which becomes part of
 * their file from time to time. */
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

void dirmgr_merge_journal(struct dirmgr *d, struct text old, struct text journal)
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

err_t dirmgr_read_microdescs(struct dirmgr *d, struct blob *old, struct blob *journal)
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
    err_t e = dirmgr_read_microdescs(d, &old, &journal);
    if (e == OK) {
        log_info(d->env->log,
                 "Merging %zu bytes of new microdescriptors into %zu bytes of cached ones",
                 journal.text.len, old.text.len);
        dirmgr_merge_journal(d, old.text, journal.text);
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
