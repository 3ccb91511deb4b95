#include "app/forge/net.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/forge/relays.h"
#include "crypto/encode.h"

enum { HOUR_S = 3600, DAY_S = 24 * HOUR_S, CERT_LIFE_DAYS = 365, VALID_HOURS = 3 };

struct authorities {
    struct forge_authority a[CONSDOC_AUTHORITIES_MOST];
    size_t n;
};

static int64_t given(int64_t time_s, int64_t otherwise_s)
{
    return time_s == INT64_MIN ? otherwise_s : time_s;
}

/* ---- authorities ---- */

static void wipe_authorities(struct authorities *all)
{
    for (size_t i = 0; i < all->n; i++)
        forge_authority_wipe(&all->a[i]);
    all->n = 0;
}

static err_t read_file(struct forge_run *r, const char *folder, const char *name, struct docw *out)
{
    char path[FORGE_PATH_MAX];
    int n = snprintf(path, sizeof path, "%s/%s", folder, name);
    if (n < 0 || (size_t)n >= sizeof path)
        return forge_run_fail(r, ERR_LIMIT, "--authority-keys: the name is too long");
    return forge_file_read(path, out, r->why);
}

static err_t read_authority(struct forge_run *r, const char *folder, struct authorities *all)
{
    struct docw key = {0}, cert = {0};
    const char *why;
    err_t err = read_file(r, folder, "authority_signing_key", &key);
    if (err == OK)
        err = read_file(r, folder, "authority_certificate", &cert);
    if (err == OK) {
        err = forge_authority_read(&r->env, (unsigned)all->n + 1, docw_text(&key), docw_text(&cert),
                                   &all->a[all->n], &why);
        if (err == OK)
            all->n++;
        else
            forge_run_fail(r, err, "--authority-keys \"%.200s\": %s", folder, why);
    }
    forge_wipe_text(&key);
    docw_free(&cert);
    return err;
}

static err_t make_authorities(struct forge_run *r, unsigned n, int64_t published_s,
                              const struct forge_edits *edits, struct authorities *all)
{
    const struct forge_args *a = &r->args;
    int64_t expires_s = given(a->expires_s, published_s + (int64_t)CERT_LIFE_DAYS * DAY_S);
    bool bare = a->unsigned_only && a->kind == FORGE_KEY_CERT;
    for (unsigned i = 0; i < n; i++) {
        err_t err = forge_authority_make(&r->env, (unsigned)all->n + 1, published_s, expires_s,
                                         edits, bare, &all->a[all->n]);
        if (err != OK)
            return forge_run_fail(r, err, "the certificate cannot be made: %s", err_text(err));
        all->n++;
    }
    return OK;
}

/* authorities/V3IDENT/: what --authority-keys takes. */
static err_t save_key(struct forge_run *r, const char *folder, const char *name,
                      const struct rsa_key *key)
{
    char path[FORGE_NAME_MAX];
    struct docw w = {0};
    if (!key)
        return OK;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    forge_rsa_to_pem(key, &w);
    err_t err = w.err;
    if (err == OK)
        err = forge_file_write(r->args.out, path, true, docw_text(&w), r->why);
    forge_wipe_text(&w);
    return err;
}

static err_t save_authority(struct forge_run *r, const struct forge_authority *a)
{
    char folder[FORGE_NAME_MAX - 32], path[FORGE_NAME_MAX], hex[HEX_SIZE(20)];
    if (!r->args.out)
        return OK;
    snprintf(folder, sizeof folder, "authorities/%s",
             hex_upper(a->doc.identity.b, sizeof a->doc.identity.b, hex));
    snprintf(path, sizeof path, "%s/authority_certificate", folder);
    TRY(save_key(r, folder, "authority_identity_key", a->doc.identity_key));
    if (a->doc.identity_key) /* made here, not given */
        TRY(save_key(r, folder, "authority_signing_key", a->doc.signing_key));
    return forge_file_write(r->args.out, path, false, docw_text(&a->cert), r->why);
}

err_t forge_net_write_certs(struct forge_run *r, struct docw *out)
{
    struct authorities all = {.n = 0};
    const struct forge_args *a = &r->args;
    const struct forge_edits edits = {a->edit, a->n_edits};
    err_t err = make_authorities(r, a->authorities ? a->authorities : 1, a->relay.published_s,
                                 &edits, &all);
    for (size_t i = 0; i < all.n && err == OK; i++) {
        docw_add(out, docw_text(&all.a[i].cert));
        err = save_authority(r, &all.a[i]);
    }
    wipe_authorities(&all);
    return err;
}

/* ---- a network's files ---- */

static err_t save_torrc(struct forge_run *r, const struct authorities *all)
{
    char ip[IP_TEXT_MAX], *folder = realpath(r->args.out, NULL);
    struct docw w = {0};
    if (!folder)
        return forge_run_fail(r, ERR_IO, "cannot use --out %.200s: %s", r->args.out,
                              strerror(errno));
    docw_fmt(
        &w,
        "# A network that does not exist, made by tunic forge for tests: nothing of it can be\n"
        "# reached. The consensus and what belongs to it are in the DataDirectory.\n"
        "DataDirectory \"%s/data\"\n",
        folder);
    for (size_t i = 0; i < all->n; i++) {
        const struct consdoc_authority *a = &all->a[i].doc;
        docw_fmt(&w, "DirAuthority %s orport=%u v3ident=", all->a[i].nickname, a->or_port.port);
        docw_hex(&w, a->identity.b, sizeof a->identity.b);
        docw_fmt(&w, " %s:%u ", ip_text(&a->or_port.ip, ip), a->dir_port);
        docw_hex(&w, all->a[i].relay.b, sizeof all->a[i].relay.b);
        docw_add(&w, TEXT_LIT("\n"));
    }
    err_t err = w.err;
    if (err == OK)
        err = forge_file_write(r->args.out, "torrc", false, docw_text(&w), r->why);
    docw_free(&w);
    free(folder);
    return err;
}

static err_t save_each(struct forge_run *r, const struct forge_descs *descs)
{
    for (size_t i = 0; i < descs->n; i++) {
        const struct forge_desc *d = &descs->desc[i];
        if (d->body.len)
            TRY(forge_run_save(r, "server-descriptors", d->row.descriptor_sha1,
                               sizeof d->row.descriptor_sha1, d->body));
        TRY(forge_run_save(r, "microdescs", d->row.microdesc_sha256, sizeof d->row.microdesc_sha256,
                           docw_text(&d->microdesc)));
    }
    return OK;
}

static err_t save_network(struct forge_run *r, const struct forge_descs *descs,
                          const struct authorities *all, const struct forge_network *n)
{
    const struct {
        const char *name;
        struct text bytes;
    } files[] = {
        {"key-certificates", docw_text(&n->certs)},
        {"consensus", docw_text(&n->consensus[CONSDOC_NS])},
        {"consensus-microdesc", docw_text(&n->consensus[CONSDOC_MICRODESC])},
        {"data/cached-certs", docw_text(&n->certs)},
        {"data/cached-consensus", docw_text(&n->consensus[CONSDOC_NS])},
        {"data/cached-microdesc-consensus", docw_text(&n->consensus[CONSDOC_MICRODESC])},
        {"data/cached-microdescs", docw_text(&n->microdescs)},
        {"data/cached-descriptors", docw_text(&n->descriptors)},
        {"data/cached-extrainfo", docw_text(&r->extras)},
    };
    TRY(save_each(r, descs));
    for (size_t i = 0; i < all->n; i++) {
        TRY(save_authority(r, &all->a[i]));
        TRY(forge_run_save(r, "votes", all->a[i].doc.identity.b, sizeof all->a[i].doc.identity.b,
                           docw_text(&n->vote[i])));
    }
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        TRY(forge_file_write(r->args.out, files[i].name, false, files[i].bytes, r->why));
    return save_torrc(r, all);
}

/* ---- a network ---- */

static struct forge_network_wish wish_of(const struct forge_run *r, struct authorities *all,
                                         struct forge_descs *descs, int64_t valid_after_s)
{
    const struct forge_args *a = &r->args;
    const struct forge_edits edits = {a->edit, a->n_edits};
    struct forge_network_wish wish = {
        .authority = all->a,
        .n_authorities = all->n,
        .desc = descs->desc,
        .n_descs = descs->n,
        .override = a->override,
        .n_overrides = a->n_overrides,
        .valid_after_s = valid_after_s,
        .fresh_until_s = given(a->fresh_until_s, valid_after_s + HOUR_S),
        .valid_until_s = given(a->valid_until_s, valid_after_s + VALID_HOURS * HOUR_S),
        .vote_s = a->vote_s,
        .dist_s = a->dist_s,
        .params = a->params,
        .signatures = a->has_signatures ? a->signatures : all->n,
        .unsigned_only = a->unsigned_only};
    *(a->kind == FORGE_VOTE ? &wish.votes : &wish.head) = edits;
    return wish;
}

static err_t make(struct forge_run *r, struct authorities *all, struct forge_descs *descs,
                  int64_t valid_after_s, struct docw *out)
{
    char what[FORGE_WHAT_MAX];
    struct forge_network n;
    if (r->args.has_signatures && r->args.signatures > all->n)
        return forge_run_fail(r, ERR_ARG, "--signatures %u: there are %zu authorities",
                              (unsigned)r->args.signatures, all->n);
    struct forge_network_wish wish = wish_of(r, all, descs, valid_after_s);
    err_t err = forge_network_make(&wish, &n, what);
    if (err == ERR_ARG)
        return forge_run_fail(r, err, "%s", what);
    if (err != OK)
        return forge_run_fail(r, err, "the documents cannot be made: %s", err_text(err));
    for (size_t i = 0; r->args.kind == FORGE_VOTE && i < all->n; i++)
        docw_add(out, docw_text(&n.vote[i]));
    if (r->args.kind == FORGE_CONSENSUS)
        docw_add(out, docw_text(&n.consensus[r->args.flavor]));
    if (r->args.out)
        err = save_network(r, descs, all, &n);
    forge_network_free(&n);
    return err;
}

err_t forge_net_write(struct forge_run *r, struct docw *out)
{
    enum { RELAYS = 9, AUTHORITIES = 3 };
    const struct forge_args *a = &r->args;
    const struct forge_edits none = {NULL, 0};
    struct authorities all = {.n = 0};
    struct forge_descs descs = {.n = 0};
    /* Times as of the public network's authorities, who vote on the hour. */
    int64_t now_s = env_wall_s(&r->env);
    int64_t valid_after_s = given(a->valid_after_s, now_s - now_s % HOUR_S);
    unsigned made = a->authorities;
    if (!made && !a->n_authority_dirs)
        made = a->kind == FORGE_VOTE ? 1 : AUTHORITIES;
    r->args.relay.published_s = given(a->published_s, valid_after_s - HOUR_S);
    err_t err = OK;
    for (size_t i = 0; i < a->n_authority_dirs && err == OK; i++)
        err = read_authority(r, a->authority_dir[i], &all);
    if (err == OK)
        err = make_authorities(r, made, valid_after_s - DAY_S, &none, &all);
    if (err == OK)
        err = forge_relays_descs(r, RELAYS, &descs);
    if (err == OK)
        err = make(r, &all, &descs, valid_after_s, out);
    forge_relays_free_descs(&descs);
    wipe_authorities(&all);
    return err;
}
