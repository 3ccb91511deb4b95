/* The start: what the cached files still are good for. */
#include "dir/dirmgr_int.h"

static err_t load_certs(struct dirmgr *d, struct text bytes)
{
    struct store_report report;
    TRY(store_load_certs(bytes, &d->certs, &report));
    if (report.bad)
        dirmgr_set_aside(d, DIR_FILE_CERTS);
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
        dirmgr_set_aside(d, DIR_FILE_CONSENSUS);
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

err_t dirmgr_load(struct dirmgr *d, const struct text files[DIR_FILE_N])
{
    TRY(load_certs(d, files[DIR_FILE_CERTS]));
    TRY(load_consensus(d, files[DIR_FILE_CONSENSUS]));
    TRY(load_unverified(d, files[DIR_FILE_UNVERIFIED]));
    d->microdescs_wait = !dirmgr_known(d);
    return dirmgr_load_microdescs(d, files[DIR_FILE_MICRODESCS], files[DIR_FILE_MICRODESCS_NEW]);
}
