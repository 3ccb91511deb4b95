#include "dir/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "dir/doc.h"

enum { KEEP_UNLISTED_S = 7 * 24 * 60 * 60 };

const char *dir_file_name(enum dir_file f)
{
    static const char *const names[DIR_FILE_N] = {
        [DIR_FILE_CERTS] = "cached-certs",
        [DIR_FILE_CONSENSUS] = "cached-microdesc-consensus",
        [DIR_FILE_MICRODESCS] = "cached-microdescs",
        [DIR_FILE_MICRODESCS_NEW] = "cached-microdescs.new",
    };
    return f < DIR_FILE_N ? names[f] : "";
}

static void note(struct store_report *report, err_t err)
{
    report->good += err == OK;
    report->bad += err != OK;
    if (err != OK && report->first_error == OK)
        report->first_error = err;
}

err_t store_load_certs(struct text bytes, struct authcert_set *set, struct store_report *report)
{
    struct authcert *cert;
    err_t err;
    *report = (struct store_report){0};
    while ((err = authcert_parse(&bytes, &cert)) != ERR_NOT_FOUND) {
        if (err == OK)
            err = authcert_set_add(set, cert);
        if (err == ERR_NOMEM)
            return err;
        note(report, err);
    }
    return OK;
}

err_t store_write_certs(const struct authcert_set *set, struct buf *out)
{
    for (size_t i = 0; i < set->n; i++) {
        struct text t = authcert_text(set->certs[i]);
        TRY(buf_add(out, t.s, t.len));
    }
    return OK;
}

err_t store_load_microdescs(struct text bytes, struct netdir *nd, struct store_report *report)
{
    struct microdesc md;
    err_t err;
    *report = (struct store_report){0};
    while ((err = microdesc_next(&bytes, &md)) != ERR_NOT_FOUND) {
        if (err == OK) {
            /* One that nobody lists, or that lacks what a client needs, is no damage. */
            err_t added = netdir_add_md(nd, &md);
            if (added == ERR_NOMEM)
                return added;
        }
        note(report, err);
        report->torn = err != OK;
    }
    return OK;
}

err_t store_write_microdesc(const struct microdesc *md, int64_t last_listed_s, struct buf *out)
{
    char line[64], time[DOC_TIME_TEXT_MAX];
    int n = snprintf(line, sizeof line, "@last-listed %s\n", doc_time_text(last_listed_s, time));
    size_t before = out->len;
    err_t err = buf_add(out, line, (size_t)n);
    if (err == OK)
        err = buf_add(out, md->body.s, md->body.len);
    /* A body that lost its newline would run into the next entry. */
    if (err == OK && md->body.len && md->body.s[md->body.len - 1] != '\n')
        err = buf_add(out, "\n", 1);
    if (err != OK)
        out->len = before;
    return err;
}

/* Digests that were written already. */
struct seen {
    UT_hash_handle hh;
    struct sha256 digest;
};

static void forget(struct seen **all)
{
    struct seen *s, *next;
    HASH_ITER (hh, *all, s, next) {
        HASH_DELETE(hh, *all, s);
        free(s);
    }
}

/* ERR_STATE: it was there before. */
static err_t remember(struct seen **all, const struct sha256 *digest)
{
    struct seen *s;
    HASH_FIND(hh, *all, digest, sizeof *digest, s);
    if (s)
        return ERR_STATE;
    s = calloc(1, sizeof *s);
    if (!s)
        return ERR_NOMEM;
    s->digest = *digest;
    HASH_ADD(hh, *all, digest, sizeof s->digest, s);
    if (HASH_ADDED(s, hh))
        return OK;
    free(s);
    return ERR_NOMEM;
}

static err_t merge_one(const struct microdesc *md, struct seen **all, const struct netdir *nd,
                       int64_t now_s, struct buf *out)
{
    bool listed = nd && netdir_lists_md(nd, &md->digest);
    if (!listed && md->last_listed_s + KEEP_UNLISTED_S < now_s)
        return OK;
    err_t err = remember(all, &md->digest);
    if (err != OK)
        return err == ERR_STATE ? OK : err;
    return store_write_microdesc(md, listed ? now_s : md->last_listed_s, out);
}

static err_t merge_file(struct text bytes, struct seen **all, const struct netdir *nd,
                        int64_t now_s, struct buf *out)
{
    struct microdesc md;
    err_t err;
    while ((err = microdesc_next(&bytes, &md)) != ERR_NOT_FOUND)
        if (err == OK)
            TRY(merge_one(&md, all, nd, now_s, out));
    return OK;
}

err_t store_merge_microdescs(struct text old, struct text journal, const struct netdir *nd,
                             int64_t now_s, struct buf *out)
{
    struct seen *all = NULL;
    err_t err = merge_file(old, &all, nd, now_s, out);
    if (err == OK)
        err = merge_file(journal, &all, nd, now_s, out);
    forget(&all);
    return err;
}
