#include "dir/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "dir/doc.h"

enum {
    KEEP_UNLISTED_S = 7 * 24 * 60 * 60,
    DATE_STANDS_S = 24 * 60 * 60, /* so that what is as it was need not be written anew */
};

const char *dir_file_name(enum dir_file f)
{
    static const char *const names[DIR_FILE_N] = {
        [DIR_FILE_CERTS] = "cached-certs",
        [DIR_FILE_CONSENSUS] = "cached-microdesc-consensus",
        [DIR_FILE_MICRODESCS] = "cached-microdescs",
        [DIR_FILE_MICRODESCS_NEW] = "cached-microdescs.new",
        [DIR_FILE_UNVERIFIED] = "unverified-microdesc-consensus",
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

static struct text date_line(int64_t last_listed_s, char out[STORE_DATE_MAX])
{
    char time[DOC_TIME_TEXT_MAX];
    int n = snprintf(out, STORE_DATE_MAX, "@last-listed %s\n", doc_time_text(last_listed_s, time));
    return (struct text){out, (size_t)n};
}

err_t store_write_microdesc(const struct microdesc *md, int64_t last_listed_s, struct buf *out)
{
    char date[STORE_DATE_MAX];
    struct text line = date_line(last_listed_s, date);
    size_t before = out->len;
    err_t err = buf_add(out, line.s, line.len);
    if (err == OK)
        err = buf_add(out, md->body.s, md->body.len);
    if (err != OK)
        out->len = before;
    return err;
}

/* ---- two files become one ---- */

/* What was taken already: rows, and digests that no row has. */
struct merge {
    const struct netdir *nd;
    int64_t now_s;
    bool *rows;
    struct seen {
        UT_hash_handle hh;
        struct sha256 digest;
    } * others;
    struct store_merged *out;
};

static void merge_end(struct merge *m)
{
    struct seen *s, *next;
    HASH_ITER (hh, m->others, s, next) {
        HASH_DELETE(hh, m->others, s);
        free(s);
    }
    free(m->rows);
}

static bool first_of_row(struct merge *m, const struct router *r)
{
    bool *seen = &m->rows[r - netdir_at(m->nd, 0)];
    bool first = !*seen;
    *seen = true;
    return first;
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

/* What follows the last part in its file makes that one longer. */
static err_t add_part(struct store_merged *m, struct text t)
{
    m->len += t.len;
    if (m->n && m->parts[m->n - 1].s + m->parts[m->n - 1].len == t.s) {
        m->parts[m->n - 1].len += t.len;
        return OK;
    }
    if (m->n == m->room) {
        size_t room = m->room ? 2 * m->room : 64;
        struct text *parts = realloc(m->parts, room * sizeof *parts);
        if (!parts)
            return ERR_NOMEM;
        m->parts = parts;
        m->room = room;
    }
    m->parts[m->n++] = t;
    return OK;
}

/* ENTRY is MD with what stands before it. */
static err_t merge_one(struct merge *m, const struct microdesc *md, struct text entry)
{
    const struct router *r = m->nd ? netdir_by_md(m->nd, &md->digest) : NULL;
    int64_t age_s = m->now_s - md->last_listed_s;
    if (r && !first_of_row(m, r))
        return OK;
    if (r && (age_s < 0 || age_s > DATE_STANDS_S)) {
        TRY(add_part(m->out, text_of(m->out->line)));
        return add_part(m->out, md->body);
    }
    if (!r && age_s > KEEP_UNLISTED_S)
        return OK;
    err_t err = r ? OK : remember(&m->others, &md->digest);
    return err == OK ? add_part(m->out, entry) : err == ERR_STATE ? OK : err;
}

static err_t merge_file(struct merge *m, struct text bytes)
{
    struct microdesc md;
    const char *begin = bytes.s;
    err_t err;
    while ((err = microdesc_next(&bytes, &md)) != ERR_NOT_FOUND) {
        if (err == OK)
            TRY(merge_one(m, &md, (struct text){begin, (size_t)(bytes.s - begin)}));
        begin = bytes.s;
    }
    return OK;
}

err_t store_merge_microdescs(struct text old, struct text journal, const struct netdir *nd,
                             int64_t now_s, struct store_merged *out)
{
    struct merge m = {.nd = nd, .now_s = now_s, .out = out};
    *out = (struct store_merged){0};
    m.rows = calloc(nd ? netdir_n(nd) + 1 : 1, sizeof *m.rows);
    if (!m.rows)
        return ERR_NOMEM;
    (void)date_line(now_s, out->line);
    err_t err = merge_file(&m, old);
    if (err == OK)
        err = merge_file(&m, journal);
    merge_end(&m);
    return err;
}

void store_merged_free(struct store_merged *m)
{
    free(m->parts);
    *m = (struct store_merged){0};
}
