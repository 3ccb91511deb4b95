/* What a request for a consensus says of the one that is here, and what a diff of it makes. The
 * text is not kept: it is read back from its file, once before a diff is asked for and once when it
 * is there. Whatever is in the file, the answer fits it; so it need not be what was verified. */
#include <string.h>

#include "dir/consdiff.h"
#include "dir/dirmgr_int.h"

enum {
    /* C tor, dir_consensus_request_set_additional_headers() */
    NEWS_DELAY_S = 180,
    DIFF_HOURS = 72,
    DIFF_HOURS_MAX = 8192,
};

/* *OUT is to be dropped whatever comes back. */
static err_t read_base(struct dirmgr *d, struct blob *out)
{
    *out = (struct blob){{NULL, 0}, NULL};
    return d->carrier.read_back ? d->carrier.read_back(d->carrier_arg, DIR_FILE_CONSENSUS, out)
                                : ERR_NOT_FOUND;
}

static bool knows_base(struct dirmgr *d)
{
    struct blob base;
    if (d->base.state == BASE_UNREAD) {
        err_t e = read_base(d, &base);
        if (e == OK)
            e = consdiff_digest(base.text, d->base.digest);
        d->base.state = e == OK ? BASE_READ : BASE_NONE;
        blob_drop(&base);
    }
    return d->base.state == BASE_READ;
}

void dirmgr_base_changed(struct dirmgr *d)
{
    d->base.state = BASE_UNREAD;
}

/* dir-spec 5.1: If-Modified-Since; as C tor: the date of ours and up to three minutes. */
static int64_t news_since(const struct consensus *c)
{
    int64_t half = (c->fresh_until_s - c->valid_after_s) / 2;
    return c->valid_after_s + (half < NEWS_DELAY_S ? half : NEWS_DELAY_S);
}

/* dir-spec, "try-diff-for-consensus-newer-than": in hours. */
static bool is_young(const struct dirmgr *d, const struct consensus *c)
{
    int64_t hours =
        consensus_param(c, "try-diff-for-consensus-newer-than", DIFF_HOURS, 0, DIFF_HOURS_MAX);
    return c->valid_after_s >= env_wall_s(d->env) - hours * 3600;
}

void dirmgr_ask_for_news(struct dirmgr *d, struct dirmgr_request *rq, struct dir_request *out)
{
    const struct netdir *known = dirmgr_known(d);
    if (!known)
        return;
    const struct consensus *c = netdir_consensus(known);
    rq->news_since_s = out->if_modified_since_s = news_since(c);
    if (!is_young(d, c) || !knows_base(d))
        return;
    rq->diff_asked = true;
    memcpy(rq->diff_from, d->base.digest, sizeof rq->diff_from);
    hex_upper(d->base.digest, sizeof d->base.digest, out->diff_from);
}

/* The base may have been replaced since: several requests may be under way. */
static err_t read_base_of(struct dirmgr *d, const struct consdiff *diff, struct blob *base)
{
    uint8_t digest[SHA3_256_LEN];
    if (read_base(d, base) != OK || consdiff_digest(base->text, digest) != OK)
        return ERR_STATE;
    return memcmp(digest, diff->from, sizeof digest) == 0 ? OK : ERR_STATE;
}

err_t dirmgr_apply_diff(struct dirmgr *d, const struct dirmgr_request *rq, struct text body,
                        char **out, size_t *len)
{
    struct consdiff diff;
    struct blob base;
    TRY(consdiff_read(body, &diff));
    if (!rq->diff_asked || memcmp(rq->diff_from, diff.from, sizeof diff.from) != 0)
        return ERR_MALFORMED;
    err_t e = read_base_of(d, &diff, &base);
    if (e == OK)
        e = consdiff_apply(base.text, &diff, out, len);
    blob_drop(&base);
    if (e == OK)
        log_info(d->env->log, "A diff of %zu bytes makes a consensus of %zu bytes", body.len, *len);
    return e;
}
