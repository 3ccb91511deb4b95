/* Families of the listing. */
#include <stdlib.h>
#include <string.h>

#include "base/sets.h"
#include "crypto/encode.h"
#include "measure/listing_int.h"

static uint64_t kin_name(const void *bytes)
{
    uint64_t x;
    memcpy(&x, bytes, sizeof x);
    return x;
}

void listing_kin_drop(struct listing *l, struct listed_relay *r)
{
    if (r->kin)
        l->kin -= r->kin->n;
    free(r->kin);
    r->kin = NULL;
}

/* "$FINGERPRINT", and "=nickname" or "~nickname" behind it. By nickname nobody is meant: anybody
 * may be called so. */
static bool name_of(struct text word, uint64_t *out)
{
    struct rsa_id rsa;
    enum { HEX = 2 * sizeof rsa.b };
    if (word.len <= HEX || word.s[0] != '$' ||
        (word.len > HEX + 1 && word.s[HEX + 1] != '=' && word.s[HEX + 1] != '~') ||
        hex_decode_exact((struct text){word.s + 1, HEX}, rsa.b, sizeof rsa.b) != OK)
        return false;
    *out = kin_name(rsa.b);
    return true;
}

static int ascending(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

void listing_kin_take(struct listing *l, struct listed_relay *r, const struct descriptor *d)
{
    uint64_t names[LISTING_KIN_MOST];
    size_t n = 0;
    struct text rest = d->item[DESCRIPTOR_FAMILY].args, word;
    while (n < LISTING_KIN_MOST && descriptor_has(d, DESCRIPTOR_FAMILY) && text_token(&rest, &word))
        n += name_of(word, &names[n]) ? 1 : 0;
    qsort(names, n, sizeof *names, ascending);
    size_t n_relays = n;
    struct doc_lines at = doc_over(d->body.s, d->body.len);
    struct ed_id key;
    while (n < LISTING_KIN_MOST && descriptor_family_next(&at, &key))
        names[n++] = kin_name(key.b);
    if (!n || l->kin + n > LISTING_ALL_KIN_MOST)
        return;
    r->kin = malloc(sizeof *r->kin + n * sizeof *names);
    if (!r->kin)
        return;
    r->kin->n_relays = n_relays;
    r->kin->n = n;
    memcpy(r->kin->name, names, n * sizeof *names);
    l->kin += n;
}

/* ---- numbers ---- */

/* A relay with that name, or L's N. Names are the beginnings of fingerprints, so they are in
 * their order as bytes. */
static size_t find(const struct listing *l, uint64_t name)
{
    size_t low = 0, high = l->n;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = memcmp(&name, l->relays[middle].rsa.b, sizeof name);
        if (order == 0)
            return middle;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return l->n;
}

static bool names(const struct listed_relay *a, const struct listed_relay *b)
{
    uint64_t name = kin_name(b->rsa.b);
    return a->kin && bsearch(&name, a->kin->name, a->kin->n_relays, sizeof name, ascending) != NULL;
}

/* Both have to say so: else anybody could join the largest. */
static void join_named(const struct listing *l, uint32_t *set)
{
    for (uint32_t i = 0; i < l->n; i++) {
        const struct listing_kin *kin = l->relays[i].kin;
        for (size_t k = 0; kin && k < kin->n_relays; k++) {
            size_t other = find(l, kin->name[k]);
            if (other < l->n && other != i && names(&l->relays[other], &l->relays[i]))
                sets_join(set, i, (uint32_t)other);
        }
    }
}

struct keyed {
    uint64_t key;
    uint32_t relay;
};

static int by_key(const void *a, const void *b)
{
    const struct keyed *x = a, *y = b;
    return x->key == y->key ? (x->relay > y->relay) - (x->relay < y->relay)
                            : (x->key > y->key) - (x->key < y->key);
}

/* Who has a certificate of a family's key is of it. */
static err_t join_certified(const struct listing *l, uint32_t *set)
{
    size_t n = 0, most = 0;
    for (size_t i = 0; i < l->n; i++)
        most += l->relays[i].kin ? l->relays[i].kin->n - l->relays[i].kin->n_relays : 0;
    struct keyed *all = most ? malloc(most * sizeof *all) : NULL;
    if (!all)
        return most ? ERR_NOMEM : OK;
    for (uint32_t i = 0; i < l->n; i++) {
        const struct listing_kin *kin = l->relays[i].kin;
        for (size_t k = kin ? kin->n_relays : 0; kin && k < kin->n; k++)
            all[n++] = (struct keyed){kin->name[k], i};
    }
    qsort(all, n, sizeof *all, by_key);
    for (size_t i = 1; i < n; i++)
        if (all[i].key == all[i - 1].key)
            sets_join(set, all[i].relay, all[i - 1].relay);
    free(all);
    return OK;
}

err_t listing_families(struct listing *l)
{
    if (!l->families_due)
        return OK;
    uint32_t *set = malloc((l->n + 1) * sizeof *set);
    if (!set)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < l->n; i++)
        set[i] = i;
    join_named(l, set);
    err_t e = join_certified(l, set);
    for (uint32_t i = 0; e == OK && i < l->n; i++)
        l->relays[i].family = 0;
    for (uint32_t i = 0; e == OK && i < l->n; i++) {
        uint32_t first = sets_first(set, i);
        if (first != i)
            l->relays[i].family = l->relays[first].family = first + 1;
    }
    l->families_due = e != OK;
    free(set);
    return e;
}
