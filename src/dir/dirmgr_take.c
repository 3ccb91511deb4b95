/* Certificates and microdescriptors that arrived. */
#include <string.h>

#include "dir/dirmgr_int.h"

static bool is_configured(const struct dirmgr *d, const struct rsa_id *v3ident)
{
    for (size_t i = 0; i < d->n_auths; i++)
        if (rsa_id_equal(&d->auths[i], v3ident))
            return true;
    return false;
}

static void store_certs(struct dirmgr *d)
{
    struct buf out;
    buf_init(&out, (size_t)AUTHCERT_SET_MAX * AUTHCERT_TEXT_MAX);
    err_t e = store_write_certs(&d->certs, &out);
    if (e == OK)
        e = dirmgr_store(d, DIR_FILE_CERTS, (struct text){(const char *)buf_at(&out), out.len});
    (void)e; /* the next start fetches them again */
    buf_free(&out);
}

size_t dirmgr_take_certs(struct dirmgr *d, struct text body)
{
    struct authcert *cert;
    size_t n = 0;
    err_t err;
    while ((err = authcert_parse(&body, &cert)) != ERR_NOT_FOUND) {
        if (err == OK && !is_configured(d, authcert_identity(cert))) {
            authcert_free(&cert);
            continue;
        }
        if (err == OK)
            err = authcert_set_add(&d->certs, cert);
        if (err == ERR_LIMIT)
            authcert_set_expire(&d->certs, env_wall_s(d->env));
        if (err != OK)
            log_warn(d->env->log, "A key certificate of an authority is not usable: %s",
                     err_text(err));
        n += err == OK;
    }
    if (n)
        store_certs(d);
    return n;
}

static bool was_asked(const struct dirmgr_request *rq, const struct sha256 *digest)
{
    for (size_t i = 0; i < rq->n_digests; i++)
        if (memcmp(rq->digests[i].b, digest->b, sizeof digest->b) == 0)
            return true;
    return false;
}

size_t dirmgr_take_microdescs(struct dirmgr *d, struct text body, struct dirmgr_request *rq)
{
    struct microdesc md;
    struct buf journal;
    size_t n = 0, unasked = 0;
    err_t err;
    buf_init(&journal, MICRODESCS_BODY_MAX * 2);
    while (d->newest && (err = microdesc_next(&body, &md)) != ERR_NOT_FOUND) {
        if (!netdir_wants_md(d->newest, &md.digest) || !was_asked(rq, &md.digest)) {
            unasked++;
            continue;
        }
        if (err == OK)
            err = netdir_add_md(d->newest, &md);
        if (err == OK)
            err = store_write_microdesc(&md, env_wall_s(d->env), &journal);
        n += err == OK;
        /* Asking again does not mend what the authorities signed and we still cannot use. */
        const struct router *r = netdir_by_md(d->newest, &md.digest);
        if (err == ERR_MALFORMED && r)
            d->rows[r - netdir_at(d->newest, 0)].fails = MD_HOPELESS;
    }
    if (unasked)
        log_info(d->env->log, "%zu microdescriptors that were not asked for are dropped", unasked);
    dirmgr_store_in_journal(d, (struct text){(const char *)buf_at(&journal), journal.len});
    buf_free(&journal);
    return n;
}
