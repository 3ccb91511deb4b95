/* Relays by what they are called. Indexes are made when somebody asks, and are caches: nothing that
 * a caller can see changes. Out of memory, rows are looked through. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "crypto/encode.h"
#include "dir/netdir_int.h"

/* Keys are digests of something, so that those with the same head are few and in no order. */
static int by_head(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    if (x->head != y->head)
        return x->head < y->head ? -1 : 1;
    return x->row < y->row ? -1 : x->row > y->row;
}

void netdir_entries_sort(struct entry *index, size_t n)
{
    qsort(index, n, sizeof *index, by_head);
}

size_t netdir_entries_find(const struct entry *index, size_t n, uint32_t head)
{
    size_t low = 0, high = n;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (index[mid].head < head)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static int order_name(const void *a, const void *b)
{
    const struct router *const *x = a, *const *y = b;
    return strcasecmp((*x)->nickname, (*y)->nickname);
}

const struct router *netdir_by_rsa(const struct netdir *nd, const struct rsa_id *rsa)
{
    return consensus_relay(nd->c, rsa);
}

static bool index_ed(struct netdir *nd)
{
    if (!nd->by_ed)
        nd->by_ed = calloc(nd->c->n_relays + 1, sizeof *nd->by_ed);
    else if (nd->by_ed_changes == nd->changes)
        return true;
    if (!nd->by_ed)
        return false;
    nd->n_by_ed = 0;
    for (size_t i = 0; i < nd->c->n_relays; i++)
        if (nd->c->relays[i].has_md)
            nd->by_ed[nd->n_by_ed++] =
                (struct entry){entry_head(nd->c->relays[i].ed.b), (uint32_t)i};
    netdir_entries_sort(nd->by_ed, nd->n_by_ed);
    nd->by_ed_changes = nd->changes;
    return true;
}

static bool has_ed(const struct router *r, const struct ed_id *ed)
{
    return r->has_md && memcmp(r->ed.b, ed->b, sizeof ed->b) == 0;
}

static const struct router *look_through_for_ed(const struct netdir *nd, const struct ed_id *ed)
{
    for (size_t i = 0; i < nd->c->n_relays; i++)
        if (has_ed(&nd->c->relays[i], ed))
            return &nd->c->relays[i];
    return NULL;
}

const struct router *netdir_by_ed(const struct netdir *netdir, const struct ed_id *ed)
{
    struct netdir *nd = (struct netdir *)(uintptr_t)netdir;
    uint32_t head = entry_head(ed->b);
    if (!index_ed(nd))
        return look_through_for_ed(nd, ed);
    for (size_t i = netdir_entries_find(nd->by_ed, nd->n_by_ed, head);
         i < nd->n_by_ed && nd->by_ed[i].head == head; i++)
        if (has_ed(&nd->c->relays[nd->by_ed[i].row], ed))
            return &nd->c->relays[nd->by_ed[i].row];
    return NULL;
}

static bool index_names(struct netdir *nd)
{
    size_t n = nd->c->n_relays;
    if (nd->by_name)
        return true;
    nd->by_name = calloc(n + 1, sizeof(struct router *));
    for (size_t i = 0; nd->by_name && i < n; i++)
        nd->by_name[i] = &nd->c->relays[i];
    if (nd->by_name)
        qsort(nd->by_name, n, sizeof *nd->by_name, order_name);
    return nd->by_name != NULL;
}

/* The only one of that name. */
static const struct router *look_through_for_name(const struct netdir *nd, const char *nickname)
{
    const struct router *found = NULL;
    for (size_t i = 0; i < nd->c->n_relays; i++)
        if (strcasecmp(nd->c->relays[i].nickname, nickname) == 0) {
            if (found)
                return NULL;
            found = &nd->c->relays[i];
        }
    return found;
}

const struct router *netdir_by_nickname(const struct netdir *netdir, struct text nickname)
{
    struct netdir *nd = (struct netdir *)(uintptr_t)netdir;
    struct router key = {0}, *key_at = &key;
    if (!nickname.len || nickname.len > NICKNAME_MAX)
        return NULL;
    memcpy(key.nickname, nickname.s, nickname.len);
    if (!index_names(nd))
        return look_through_for_name(nd, key.nickname);
    struct router **at =
        bsearch(&key_at, nd->by_name, nd->c->n_relays, sizeof *nd->by_name, order_name);
    if (!at)
        return NULL;
    bool twin_before = at > nd->by_name && order_name(at - 1, &key_at) == 0;
    bool twin_after = at + 1 < nd->by_name + nd->c->n_relays && order_name(at + 1, &key_at) == 0;
    return twin_before || twin_after ? NULL : *at;
}

const struct router *netdir_by_name(const struct netdir *nd, struct text name)
{
    struct rsa_id rsa;
    size_t hex = 2 * sizeof rsa.b;
    bool dollar = name.len && name.s[0] == '$';
    struct text t = {name.s + dollar, name.len - dollar};
    if (t.len < hex || (t.len > hex && t.s[hex] != '=' && t.s[hex] != '~'))
        return dollar ? NULL : netdir_by_nickname(nd, name);
    if (hex_decode_exact((struct text){t.s, hex}, rsa.b, sizeof rsa.b) != OK)
        return NULL;
    const struct router *r = netdir_by_rsa(nd, &rsa);
    struct text nickname = {t.s + hex + 1, t.len > hex ? t.len - hex - 1 : 0};
    return r && nickname.len && !text_is_nocase(nickname, r->nickname) ? NULL : r;
}
