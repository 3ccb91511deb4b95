#include "dir/mdpool.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/hash.h"
#include "crypto/encode.h"

enum kind { POLICY = 'p', FAMILY = 'f' };

/* The key is KIND, the text, and for families a NUL and the ids' text. The entry that users see
 * follows the header directly. */
struct entry {
    UT_hash_handle hh;
    size_t refs;
    char *key;
    size_t key_len;
    _Alignas(16) unsigned char body[];
};

struct mdpool {
    struct entry *entries;
    size_t refs;
};

struct mdpool *mdpool_new(void)
{
    struct mdpool *pool = calloc(1, sizeof *pool);
    if (pool)
        pool->refs = 1;
    return pool;
}

struct mdpool *mdpool_ref(struct mdpool *pool)
{
    pool->refs++;
    return pool;
}

static void drop(struct mdpool *pool, struct entry *e)
{
    HASH_DELETE(hh, pool->entries, e);
    free(e->key);
    free(e);
}

void mdpool_unref(struct mdpool **pool)
{
    struct mdpool *p = *pool;
    struct entry *e, *next;
    *pool = NULL;
    if (!p || --p->refs)
        return;
    HASH_ITER (hh, p->entries, e, next)
        drop(p, e);
    free(p);
}

static struct entry *entry_of(const void *body)
{
    return (struct entry *)(void *)((unsigned char *)(uintptr_t)body -
                                    offsetof(struct entry, body));
}

void mdpool_hold(const void *body)
{
    if (body)
        entry_of(body)->refs++;
}

void mdpool_release(struct mdpool *pool, const void *body)
{
    if (body && --entry_of(body)->refs == 0)
        drop(pool, entry_of(body));
}

static char *make_key(enum kind kind, struct text a, struct text b, size_t *len)
{
    *len = 1 + a.len + (b.len ? 1 + b.len : 0);
    char *key = malloc(*len);
    if (!key)
        return NULL;
    key[0] = (char)kind;
    if (a.len)
        memcpy(key + 1, a.s, a.len);
    if (b.len) {
        key[1 + a.len] = 0;
        memcpy(key + 2 + a.len, b.s, b.len);
    }
    return key;
}

/* Adds an entry with room for SIZE bytes; takes over GIFT_KEY, also on error. */
static struct entry *add(struct mdpool *pool, char *gift_key, size_t key_len, size_t size)
{
    struct entry *e = calloc(1, sizeof *e + size);
    if (!e) {
        free(gift_key);
        return NULL;
    }
    e->key = gift_key;
    e->key_len = key_len;
    e->refs = 1;
    HASH_ADD_KEYPTR(hh, pool->entries, e->key, e->key_len, e);
    if (!HASH_ADDED(e, hh)) {
        free(e->key);
        free(e);
        return NULL;
    }
    return e;
}

static struct entry *find(struct mdpool *pool, const char *key, size_t len)
{
    struct entry *e;
    HASH_FIND(hh, pool->entries, key, len, e);
    if (e)
        e->refs++;
    return e;
}

static err_t new_policy(struct mdpool *pool, struct text args, char *gift_key, size_t key_len,
                        const struct exit_summary **out)
{
    struct exit_summary *p;
    err_t err = exit_summary_parse(args, &p);
    if (err != OK) {
        free(gift_key);
        return err;
    }
    size_t size = sizeof *p + p->n * sizeof p->ranges[0];
    struct entry *e = add(pool, gift_key, key_len, size);
    if (e) {
        memcpy(e->body, p, size);
        *out = (const struct exit_summary *)(void *)e->body;
    }
    free(p);
    return e ? OK : ERR_NOMEM;
}

err_t mdpool_policy(struct mdpool *pool, struct text args, const struct exit_summary **out)
{
    size_t len;
    *out = NULL;
    if (!args.len)
        return OK;
    char *key = make_key(POLICY, args, (struct text){NULL, 0}, &len);
    if (!key)
        return ERR_NOMEM;
    struct entry *e = find(pool, key, len);
    if (!e)
        return new_policy(pool, args, key, len, out);
    free(key);
    *out = (const struct exit_summary *)(void *)e->body;
    return OK;
}

/* "$fingerprint", also with "=name" or "~name" behind it. */
static bool parse_member(struct text word, struct rsa_id *out)
{
    size_t hex = 2 * sizeof out->b;
    if (word.len < hex + 1 || word.s[0] != '$')
        return false;
    if (word.len > hex + 1 && word.s[hex + 1] != '=' && word.s[hex + 1] != '~')
        return false;
    return hex_decode_exact((struct text){word.s + 1, hex}, out->b, sizeof out->b) == OK;
}

static int by_bytes(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct rsa_id));
}

static size_t count_tokens(struct text t)
{
    struct text word;
    size_t n = 0;
    while (text_token(&t, &word))
        n++;
    return n;
}

/* The entry's views point into its own key. Counting tokens first bounds all three lists. */
static void fill_family(struct entry *e, struct text family, struct text ids, size_t n_family)
{
    struct router_family *f = (struct router_family *)(void *)e->body;
    struct text *names = (struct text *)(void *)(f + 1);
    struct text *id_texts = names + n_family;
    struct rsa_id *rsa = (struct rsa_id *)(void *)(id_texts + count_tokens(ids));
    struct text word;
    while (text_token(&family, &word)) {
        if (parse_member(word, &rsa[f->n_rsa]))
            f->n_rsa++;
        else if (word.s[0] != '$')
            names[f->n_names++] = word;
    }
    while (text_token(&ids, &word))
        id_texts[f->n_ids++] = word;
    qsort(rsa, f->n_rsa, sizeof *rsa, by_bytes);
    f->rsa = rsa;
    f->names = names;
    f->ids = id_texts;
}

err_t mdpool_family(struct mdpool *pool, struct text family, struct text ids,
                    const struct router_family **out)
{
    size_t len;
    *out = NULL;
    if (!family.len && !ids.len)
        return OK;
    char *key = make_key(FAMILY, family, ids, &len);
    if (!key)
        return ERR_NOMEM;
    struct entry *e = find(pool, key, len);
    if (e) {
        free(key);
    } else {
        size_t n = count_tokens(family), n_ids = count_tokens(ids);
        size_t size = sizeof(struct router_family) + (n + n_ids) * sizeof(struct text) +
                      (n + 1) * sizeof(struct rsa_id);
        e = add(pool, key, len, size);
        if (!e)
            return ERR_NOMEM;
        struct text own = {e->key + 1, family.len};
        struct text own_ids = {e->key + 1 + family.len + (ids.len ? 1 : 0), ids.len};
        fill_family(e, own, own_ids, n);
    }
    *out = (const struct router_family *)(void *)e->body;
    return OK;
}

bool router_family_has_rsa(const struct router_family *f, const struct rsa_id *rsa)
{
    return f && f->n_rsa && bsearch(rsa, f->rsa, f->n_rsa, sizeof *rsa, by_bytes);
}

static bool equal_nocase(struct text a, const char *b, size_t b_len)
{
    return a.len == b_len && strncasecmp(a.s, b, b_len) == 0;
}

bool router_family_has_name(const struct router_family *f, struct text nickname)
{
    for (size_t i = 0; f && i < f->n_names; i++)
        if (equal_nocase(f->names[i], nickname.s, nickname.len))
            return true;
    return false;
}

bool router_family_shares_id(const struct router_family *a, const struct router_family *b)
{
    for (size_t i = 0; a && b && i < a->n_ids; i++)
        for (size_t j = 0; j < b->n_ids; j++)
            if (text_equal(a->ids[i], b->ids[j]))
                return true;
    return false;
}
