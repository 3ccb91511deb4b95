#include "forge/network.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/encode.h"
#include "crypto/hash.h"

/* ---- what is set ---- */

err_t forge_flags(struct text names, unsigned *out, struct text *bad)
{
    static const char *const known[] = {
#define X(name, text) text,
        ROUTER_FLAG_LIST(X)
#undef X
    };
    *out = 0;
    while (text_split(&names, ',', bad)) {
        size_t i = 0;
        while (i < ROUTER_FLAG_N && !text_is(*bad, known[i]))
            i++;
        if (i == ROUTER_FLAG_N)
            return ERR_NOT_FOUND;
        *out |= 1u << i;
    }
    return OK;
}

static bool fits(const struct forge_override *o, const struct consdoc_relay *row)
{
    char hex[HEX_SIZE(20)];
    return text_is(o->relay, "*") || text_is(o->relay, row->nickname) ||
           text_is_nocase(o->relay, hex_upper(row->rsa.b, sizeof row->rsa.b, hex));
}

static err_t override_rows(const struct forge_network_wish *wish, char *what)
{
    for (size_t i = 0; i < wish->n_overrides; i++) {
        const struct forge_override *o = &wish->override[i];
        bool any = false;
        for (size_t k = 0; k < wish->n_descs; k++) {
            struct consdoc_relay *row = &wish->desc[k].row;
            if (!fits(o, row))
                continue;
            any = true;
            row->flags = o->has_flags ? o->flags : row->flags;
            row->bandwidth_kb = o->has_bandwidth ? o->bandwidth_kb : row->bandwidth_kb;
        }
        if (!any) {
            snprintf(what, FORGE_WHAT_MAX,
                     "there is no relay \"%.*s\"; say a nickname, a "
                     "fingerprint or *",
                     (int)(o->relay.len < 60 ? o->relay.len : 60), o->relay.s);
            return ERR_ARG;
        }
    }
    return OK;
}

/* ---- the documents ---- */

static int by_rsa(const void *a, const void *b)
{
    const struct forge_desc *const *x = a, *const *y = b;
    return memcmp((*x)->row.rsa.b, (*y)->row.rsa.b, sizeof(*x)->row.rsa.b);
}

/* dir-spec 3.4.1: "sorted in ascending order by identity digest" */
static err_t sort(const struct forge_network_wish *wish, const struct forge_desc **sorted,
                  char *what)
{
    for (size_t i = 0; i < wish->n_descs; i++)
        sorted[i] = &wish->desc[i];
    qsort(sorted, wish->n_descs, sizeof(struct forge_desc *), by_rsa);
    for (size_t i = 1; i < wish->n_descs; i++)
        if (by_rsa(&sorted[i - 1], &sorted[i]) == 0) {
            snprintf(what, FORGE_WHAT_MAX, "two descriptors are of one relay (%s); leave one out",
                     sorted[i]->row.nickname);
            return ERR_ARG;
        }
    return OK;
}

/* Two relays can share a microdescriptor only if they share keys; it is listed once then. */
static void collect(const struct forge_desc *const *sorted, size_t n, int64_t listed_s,
                    struct forge_network *out)
{
    for (size_t i = 0; i < n; i++) {
        bool again = false;
        for (size_t k = 0; k < i && !again; k++)
            again = memcmp(sorted[k]->row.microdesc_sha256, sorted[i]->row.microdesc_sha256,
                           sizeof sorted[i]->row.microdesc_sha256) == 0;
        if (!again) {
            docw_date(&out->microdescs, "@last-listed", listed_s);
            docw_add(&out->microdescs, docw_text(&sorted[i]->microdesc));
        }
        docw_add(&out->descriptors, sorted[i]->body);
    }
}

static err_t write_votes(const struct forge_network_wish *wish, struct consdoc *c,
                         struct forge_network *out)
{
    size_t head_len = 0;
    for (size_t i = 0; i < c->n_authorities; i++) {
        struct docw *w = &out->vote[i];
        consdoc_write_vote(w, c, &c->authority[i], &head_len);
        edit_apply(wish->votes.edit, wish->votes.n, w, 0, head_len);
        if (!wish->unsigned_only)
            consdoc_sign_vote(w, &c->authority[i]);
        TRY(w->err);
    }
    return OK;
}

static err_t write_consensuses(const struct forge_network_wish *wish, const struct consdoc *c,
                               struct forge_network *out)
{
    size_t head_len = 0, signed_len;
    for (enum consdoc_flavor f = 0; f < CONSDOC_FLAVORS; f++) {
        struct docw *w = &out->consensus[f];
        consdoc_write(w, c, f, &head_len);
        edit_apply(wish->head.edit, wish->head.n, w, 0, head_len);
        if (!wish->unsigned_only && wish->signatures)
            consdoc_sign(w, c, f, NULL, wish->signatures, &signed_len);
        TRY(w->err);
    }
    return OK;
}

static err_t write_all(const struct forge_network_wish *wish, struct consdoc *c,
                       struct forge_network *out)
{
    for (size_t i = 0; i < wish->n_authorities; i++) {
        wish->authority[i].doc.nickname = wish->authority[i].nickname;
        wish->authority[i].doc.cert = docw_text(&wish->authority[i].cert);
        c->authority[i] = wish->authority[i].doc;
        docw_add(&out->certs, c->authority[i].cert);
    }
    TRY(out->certs.err);
    TRY(write_votes(wish, c, out));
    return write_consensuses(wish, c, out);
}

static err_t make(const struct forge_network_wish *wish, const struct forge_desc **sorted,
                  const struct consdoc_relay **rows, struct forge_network *out, char *what)
{
    struct consdoc_authority authority[CONSDOC_AUTHORITIES_MOST];
    TRY(override_rows(wish, what));
    TRY(sort(wish, sorted, what));
    for (size_t i = 0; i < wish->n_descs; i++)
        rows[i] = &sorted[i]->row;
    collect(sorted, wish->n_descs, wish->valid_after_s, out);
    TRY(out->microdescs.err);
    TRY(out->descriptors.err);
    char *params = consdoc_params(wish->params);
    if (!params)
        return ERR_NOMEM;
    struct consdoc c = {.valid_after_s = wish->valid_after_s,
                        .fresh_until_s = wish->fresh_until_s,
                        .valid_until_s = wish->valid_until_s,
                        .vote_s = wish->vote_s,
                        .dist_s = wish->dist_s,
                        .params = params,
                        .authority = authority,
                        .n_authorities = wish->n_authorities,
                        .relay = rows,
                        .n_relays = wish->n_descs};
    err_t err = write_all(wish, &c, out);
    free(params);
    return err;
}

err_t forge_network_make(const struct forge_network_wish *wish, struct forge_network *out,
                         char what[FORGE_WHAT_MAX])
{
    const struct forge_desc **sorted = calloc(wish->n_descs + 1, sizeof(struct forge_desc *));
    const struct consdoc_relay **rows = calloc(wish->n_descs + 1, sizeof(struct consdoc_relay *));
    *out = (struct forge_network){.certs = {0}};
    snprintf(what, FORGE_WHAT_MAX, "out of memory");
    err_t err = ERR_NOMEM;
    if (wish->n_authorities > CONSDOC_AUTHORITIES_MOST)
        err = ERR_LIMIT;
    else if (sorted && rows)
        err = make(wish, sorted, rows, out, what);
    free(sorted);
    free(rows);
    if (err != OK)
        forge_network_free(out);
    return err;
}

void forge_network_free(struct forge_network *n)
{
    docw_free(&n->certs);
    for (size_t i = 0; i < CONSDOC_AUTHORITIES_MOST; i++)
        docw_free(&n->vote[i]);
    for (size_t f = 0; f < CONSDOC_FLAVORS; f++)
        docw_free(&n->consensus[f]);
    docw_free(&n->microdescs);
    docw_free(&n->descriptors);
}
