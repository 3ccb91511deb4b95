#include "testnet/netdocs_int.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/hash.h"
#include "dirdoc/consdiff.h"
#include "testnet/compress.h"

enum {
    VALID_INTERVALS = 3,
    LIE_SHIFT_S = 2 * 24 * 3600, /* more than clients forgive */
    ENCODED_MAX = 2 * CONSENSUS_TEXT_MAX,
};

/* ---- making ---- */

static int by_rsa(const void *a, const void *b)
{
    const struct netdocs_relay *x = a, *y = b;
    return memcmp(x->row.rsa.b, y->row.rsa.b, sizeof x->row.rsa.b);
}

static int by_digest(const void *a, const void *b)
{
    const struct netdocs_relay *const *x = a, *const *y = b;
    return memcmp((*x)->row.microdesc_sha256, (*y)->row.microdesc_sha256, 32);
}

static err_t make_relays(struct netdocs *d, const struct identity *ids)
{
    size_t nodes = d->plan->n_nodes, n = nodes + d->plan->phantoms;
    d->relay = calloc(n, sizeof *d->relay);
    d->by_microdesc = calloc(n, sizeof(struct netdocs_relay *));
    d->rows = calloc(n, sizeof(struct consdoc_relay *));
    d->node_rows = calloc(nodes, sizeof(struct consdoc_relay *));
    if (!d->relay || !d->by_microdesc || !d->rows || !d->node_rows)
        return ERR_NOMEM;
    if (d->plan->phantoms)
        TRY(spread_new(d->env, d->plan->phantoms, d->plan->spread, &d->phantoms));
    for (size_t i = 0; i < n; i++) {
        d->n_relays = i + 1;
        TRY(i < nodes ? netdocs_make_relay(d, &d->plan->node[i], &ids[i], &d->relay[i])
                      : netdocs_make_phantom(d, (uint32_t)(i - nodes), &d->relay[i]));
    }
    qsort(d->relay, n, sizeof *d->relay, by_rsa);
    for (size_t i = 0; i < n; i++) {
        d->by_microdesc[i] = &d->relay[i];
        d->rows[i] = &d->relay[i].row;
        if (d->relay[i].plan)
            d->node_rows[d->n_node_rows++] = &d->relay[i].row;
    }
    qsort(d->by_microdesc, n, sizeof(struct netdocs_relay *), by_digest);
    return OK;
}

int32_t netdocs_param(const struct netdocs *d, const char *name, int32_t fallback)
{
    return consdoc_param(d->params, name, fallback);
}

static err_t make(struct netdocs *d, const struct identity *ids)
{
    d->params = consdoc_params(d->plan->params);
    if (!d->params)
        return ERR_NOMEM;
    /* Documents still carry a key of the TAP handshake, which nobody speaks: one for all. */
    TRY(rsa_key_generate_from(d->env, IDENTITY_RSA_BITS, &d->tap));
    for (size_t i = 0; i < netdocs_authority_count(d); i++)
        TRY(netdocs_make_authority(d, i, &ids[i].rsa_id));
    return make_relays(d, ids);
}

err_t netdocs_new(struct env *env, const struct plan *plan, const struct identity *ids,
                  struct netdocs **out)
{
    struct netdocs *d = calloc(1, sizeof *d);
    if (!d)
        return ERR_NOMEM;
    d->env = env;
    d->plan = plan;
    d->made_s = env_wall_s(env);
    for (size_t f = 0; f < CONSDOC_FLAVORS; f++)
        for (size_t e = 0; e < NETDOCS_ENCODINGS; e++)
            buf_init(&d->encoded[f][e], ENCODED_MAX);
    err_t err = make(d, ids);
    if (err == OK)
        *out = d;
    else
        netdocs_free(d);
    return err;
}

/* What was made of the newest consensus on demand. */
static void forget_derived(struct netdocs *d)
{
    for (size_t f = 0; f < CONSDOC_FLAVORS; f++) {
        for (size_t i = 0; i < NETDOCS_LIES; i++)
            docw_free(&d->lie[f][i]);
        for (size_t i = 0; i < NETDOCS_ENCODINGS; i++)
            buf_free(&d->encoded[f][i]);
        for (size_t i = 0; i < d->n_editions; i++)
            docw_free(&d->edition[i].diff[f]);
    }
}

static void free_edition(struct netdocs_edition *e)
{
    for (size_t f = 0; f < CONSDOC_FLAVORS; f++) {
        docw_free(&e->text[f]);
        docw_free(&e->diff[f]);
    }
}

void netdocs_free(struct netdocs *d)
{
    if (!d)
        return;
    forget_derived(d);
    for (size_t i = 0; i < d->n_editions; i++)
        free_edition(&d->edition[i]);
    for (size_t i = 0; i < PLAN_AUTHORITIES_MOST; i++)
        netdocs_wipe_authority(d, i);
    rsa_key_free(d->tap);
    docw_free(&d->certs);
    docw_free(&d->microdescs);
    docw_free(&d->descriptors);
    docw_free(&d->extra_infos);
    for (size_t i = 0; i < d->n_relays; i++)
        free(d->relay[i].policy);
    spread_free(&d->phantoms);
    free(d->relay);
    free(d->rows);
    free(d->node_rows);
    free(d->by_microdesc);
    free(d->params);
    free(d);
}

/* ---- publishing ---- */

static struct netdocs_times times_from(const struct netdocs *d, int64_t valid_after_s)
{
    int64_t interval = d->plan->interval_s;
    return (struct netdocs_times){valid_after_s, valid_after_s + interval,
                                  valid_after_s + VALID_INTERVALS * interval};
}

static err_t make_edition(struct netdocs *d, const struct netdocs_times *t,
                          struct netdocs_edition *e)
{
    e->valid_after_s = t->valid_after_s;
    TRY(netdocs_make_votes(d, t));
    for (enum consdoc_flavor f = 0; f < CONSDOC_FLAVORS; f++) {
        TRY(netdocs_write_consensus(d, f, NETDOCS_HONEST, t, &e->text[f], &e->signed_len[f]));
        TRY(sha3_256(e->text[f].s, e->signed_len[f], e->sha3_signed[f]));
    }
    return OK;
}

err_t netdocs_publish(struct netdocs *d)
{
    return netdocs_publish_ahead(d, 0);
}

err_t netdocs_publish_ahead(struct netdocs *d, uint32_t ahead_s)
{
    struct netdocs_edition e = {0};
    int64_t valid_after_s = env_wall_s(d->env) + ahead_s;
    /* One of two consensuses has to be the newer one. */
    if (d->n_editions && valid_after_s <= d->edition[0].valid_after_s)
        valid_after_s = d->edition[0].valid_after_s + 1;
    struct netdocs_times t = times_from(d, valid_after_s);
    err_t err = make_edition(d, &t, &e);
    if (err != OK) {
        free_edition(&e);
        return err;
    }
    forget_derived(d);
    if (d->n_editions == NETDOCS_KEPT)
        free_edition(&d->edition[--d->n_editions]);
    memmove(&d->edition[1], &d->edition[0], d->n_editions * sizeof d->edition[0]);
    d->edition[0] = e;
    d->n_editions++;
    return OK;
}

int64_t netdocs_valid_after_s(const struct netdocs *d)
{
    return d->n_editions ? d->edition[0].valid_after_s : 0;
}

int64_t netdocs_valid_until_s(const struct netdocs *d)
{
    return d->n_editions ? times_from(d, d->edition[0].valid_after_s).valid_until_s : 0;
}

int64_t netdocs_fresh_until_s(const struct netdocs *d)
{
    return d->n_editions ? times_from(d, d->edition[0].valid_after_s).fresh_until_s : 0;
}

/* ---- consensuses ---- */

static void tell_lie(struct netdocs *d, enum consdoc_flavor flavor, enum netdocs_lie lie,
                     struct docw *out)
{
    size_t signed_len;
    struct netdocs_times t = times_from(d, d->edition[0].valid_after_s);
    if (lie == NETDOCS_EXPIRED)
        t = times_from(d, 2 * t.valid_after_s - t.valid_until_s - LIE_SHIFT_S);
    if (lie == NETDOCS_FUTURE)
        t = times_from(d, t.valid_after_s + LIE_SHIFT_S);
    docw_free(out);
    if (netdocs_write_consensus(d, flavor, lie, &t, out, &signed_len) != OK)
        docw_free(out);
}

struct text netdocs_consensus(struct netdocs *d, enum consdoc_flavor flavor, enum netdocs_lie lie)
{
    struct docw *told = &d->lie[flavor][lie];
    if (!d->n_editions)
        return (struct text){0};
    if (lie == NETDOCS_HONEST)
        return docw_text(&d->edition[0].text[flavor]);
    if (!told->len)
        tell_lie(d, flavor, lie, told);
    return docw_text(told);
}

err_t netdocs_consensus_encoded(struct netdocs *d, enum consdoc_flavor flavor,
                                enum dir_encoding encoding, struct text *out)
{
    struct text plain = netdocs_consensus(d, flavor, NETDOCS_HONEST);
    struct buf *b = &d->encoded[flavor][encoding];
    *out = plain;
    if (!plain.len)
        return ERR_NOT_FOUND;
    if (encoding == ENC_IDENTITY)
        return OK;
    if (!b->len)
        TRY(compress_all(encoding, plain.s, plain.len, b));
    *out = (struct text){(const char *)buf_at(b), b->len};
    return OK;
}

static err_t make_diff(const struct netdocs *d, enum consdoc_flavor flavor,
                       struct netdocs_edition *from)
{
    struct text old = docw_text(&from->text[flavor]);
    struct text new = docw_text(&d->edition[0].text[flavor]);
    uint8_t whole[SHA3_256_LEN];
    TRY(sha3_256(new.s, new.len, whole));
    return consdiff_make(old, new, from->sha3_signed[flavor], whole, &from->diff[flavor]);
}

struct text netdocs_diff(struct netdocs *d, enum consdoc_flavor flavor, const uint8_t from[32])
{
    for (size_t i = 1; i < d->n_editions; i++) {
        struct netdocs_edition *e = &d->edition[i];
        if (memcmp(e->sha3_signed[flavor], from, sizeof e->sha3_signed[flavor]) != 0)
            continue;
        if (!e->diff[flavor].len && make_diff(d, flavor, e) != OK)
            docw_free(&e->diff[flavor]);
        return docw_text(&e->diff[flavor]);
    }
    return (struct text){0};
}

bool netdocs_is_newest(const struct netdocs *d, enum consdoc_flavor flavor,
                       const uint8_t sha3_signed[32])
{
    return d->n_editions && memcmp(d->edition[0].sha3_signed[flavor], sha3_signed, 32) == 0;
}

/* ---- the other documents ---- */

struct text netdocs_key_certs(const struct netdocs *d)
{
    return docw_text(&d->certs);
}

struct text netdocs_key_cert(const struct netdocs *d, const uint8_t *id, const uint8_t *sk)
{
    for (size_t i = 0; i < netdocs_authority_count(d); i++) {
        const struct consdoc_authority *a = &d->authority[i];
        if ((!id || memcmp(a->identity.b, id, sizeof a->identity.b) == 0) &&
            (!sk || memcmp(a->signing.b, sk, sizeof a->signing.b) == 0))
            return docw_part(&d->certs, d->authority_docs[i].cert);
    }
    return (struct text){0};
}

int64_t netdocs_certs_published_s(const struct netdocs *d)
{
    return d->certs_published_s;
}

const uint8_t *netdocs_v3_id_of(const struct netdocs *d, const struct rsa_id *relay)
{
    for (size_t i = 0; i < netdocs_authority_count(d); i++)
        if (rsa_id_equal(&d->authority_docs[i].relay, relay))
            return d->authority[i].identity.b;
    return NULL;
}

const uint8_t *netdocs_v3_id(const struct netdocs *d, size_t i)
{
    return d->authority[i].identity.b;
}

struct text netdocs_vote(const struct netdocs *d, const uint8_t v3_id[20])
{
    for (size_t i = 0; i < netdocs_authority_count(d); i++)
        if (memcmp(d->authority[i].identity.b, v3_id, 20) == 0)
            return docw_text(&d->authority_docs[i].vote);
    return (struct text){0};
}

static int digest_order(const void *digest, const void *row)
{
    const struct netdocs_relay *const *r = row;
    return memcmp(digest, (*r)->row.microdesc_sha256, sizeof(*r)->row.microdesc_sha256);
}

struct text netdocs_microdesc(const struct netdocs *d, const uint8_t digest[32])
{
    struct netdocs_relay **r =
        bsearch(digest, d->by_microdesc, d->n_relays, sizeof(struct netdocs_relay *), digest_order);
    return r ? docw_part(&d->microdescs, (*r)->microdesc) : (struct text){0};
}

struct text netdocs_microdesc_at(const struct netdocs *d, size_t i, struct sha256 *digest)
{
    if (i >= d->n_relays)
        return (struct text){0};
    memcpy(digest->b, d->relay[i].row.microdesc_sha256, sizeof digest->b);
    return docw_part(&d->microdescs, d->relay[i].microdesc);
}

static int rsa_order(const void *id, const void *row)
{
    return memcmp(id, ((const struct netdocs_relay *)row)->row.rsa.b, sizeof(struct rsa_id));
}

/* A node's row; phantoms have no descriptors. */
static const struct netdocs_relay *node_row(const struct netdocs *d, const struct rsa_id *id)
{
    const struct netdocs_relay *r =
        bsearch(id->b, d->relay, d->n_relays, sizeof *d->relay, rsa_order);
    return r && r->plan ? r : NULL;
}

struct text netdocs_descriptor(const struct netdocs *d, const struct rsa_id *id)
{
    const struct netdocs_relay *r = node_row(d, id);
    return r ? docw_part(&d->descriptors, r->descriptor) : (struct text){0};
}

struct text netdocs_extra_info(const struct netdocs *d, const struct rsa_id *id)
{
    const struct netdocs_relay *r = node_row(d, id);
    return r ? docw_part(&d->extra_infos, r->extra_info) : (struct text){0};
}

struct text netdocs_descriptor_by_digest(const struct netdocs *d, const uint8_t digest[20])
{
    for (size_t i = 0; i < d->n_relays; i++)
        if (d->relay[i].plan && memcmp(d->relay[i].row.descriptor_sha1, digest, 20) == 0)
            return docw_part(&d->descriptors, d->relay[i].descriptor);
    return (struct text){0};
}

struct text netdocs_extra_info_by_digest(const struct netdocs *d, const uint8_t digest[20])
{
    for (size_t i = 0; i < d->n_relays; i++)
        if (d->relay[i].plan && memcmp(d->relay[i].extra_info_sha1, digest, 20) == 0)
            return docw_part(&d->extra_infos, d->relay[i].extra_info);
    return (struct text){0};
}

struct text netdocs_all_descriptors(const struct netdocs *d)
{
    return docw_text(&d->descriptors);
}

struct text netdocs_all_extra_infos(const struct netdocs *d)
{
    return docw_text(&d->extra_infos);
}
