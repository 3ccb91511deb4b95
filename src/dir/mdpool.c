#include "dir/mdpool.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/hash.h"

/* A family is what is compared when another one comes: nothing of the text is kept that is not
 * asked for. Of a relay's fingerprint the first eight bytes do: to be in a family both relays must
 * list each other, so that whoever makes a key like another's gains nothing by it. Large families
 * whose members forget some of each other are most of what a directory of the public network's size
 * takes besides its rows. */
struct router_family {
    uint32_t n_members, names_len, ids_len;
    uint64_t members[]; /* ascending; then names and ids, words apart by one space */
};

struct entry {
    UT_hash_handle hh;
    size_t refs;
    _Alignas(8) unsigned char body[];
};

struct mdpool {
    struct entry *policies; /* by their text, which stands behind the summary */
    struct entry *families; /* by all of the body */
    struct router_family *scratch;
    size_t scratch_size;
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

static void drop(struct entry **table, struct entry *e)
{
    HASH_DELETE(hh, *table, e);
    free(e);
}

static void drop_all(struct entry **table)
{
    struct entry *e, *next;
    HASH_ITER (hh, *table, e, next)
        drop(table, e);
}

void mdpool_unref(struct mdpool **pool)
{
    struct mdpool *p = *pool;
    *pool = NULL;
    if (!p || --p->refs)
        return;
    drop_all(&p->policies);
    drop_all(&p->families);
    free(p->scratch);
    free(p);
}

static struct entry *entry_of(const void *body)
{
    return (struct entry *)(void *)((unsigned char *)(uintptr_t)body -
                                    offsetof(struct entry, body));
}

static void hold(const void *body)
{
    if (body)
        entry_of(body)->refs++;
}

static void release(struct entry **table, const void *body)
{
    if (body && --entry_of(body)->refs == 0)
        drop(table, entry_of(body));
}

void mdpool_hold_policy(const struct exit_summary *p)
{
    hold(p);
}

void mdpool_hold_family(const struct router_family *f)
{
    hold(f);
}

void mdpool_release_policy(struct mdpool *pool, const struct exit_summary *p)
{
    release(&pool->policies, p);
}

void mdpool_release_family(struct mdpool *pool, const struct router_family *f)
{
    release(&pool->families, f);
}

/* The entry with this key, held once more; or NULL. */
static struct entry *find(struct entry *table, const void *key, size_t len)
{
    struct entry *e;
    HASH_FIND(hh, table, key, len, e);
    if (e)
        e->refs++;
    return e;
}

/* BODY and MORE, one after the other; the key is the LEN bytes at KEY_AT of them. */
static struct entry *add(struct entry **table, struct text body, struct text more, size_t key_at,
                         size_t len)
{
    struct entry *e = malloc(sizeof *e + body.len + more.len);
    if (!e)
        return NULL;
    *e = (struct entry){.refs = 1};
    memcpy(e->body, body.s, body.len);
    if (more.len)
        memcpy(e->body + body.len, more.s, more.len);
    HASH_ADD_KEYPTR(hh, *table, e->body + key_at, len, e);
    if (HASH_ADDED(e, hh))
        return e;
    free(e);
    return NULL;
}

err_t mdpool_policy(struct mdpool *pool, struct text args, const struct exit_summary **out)
{
    struct exit_summary *p;
    *out = NULL;
    if (!args.len)
        return OK;
    struct entry *e = find(pool->policies, args.s, args.len);
    if (!e) {
        TRY(exit_summary_parse(args, &p));
        struct text body = {(const char *)p, sizeof *p + p->n * sizeof p->ranges[0]};
        e = add(&pool->policies, body, args, body.len, args.len);
        free(p);
    }
    if (!e)
        return ERR_NOMEM;
    *out = (const struct exit_summary *)(void *)e->body;
    return OK;
}

/* ---- families ---- */

enum { MEMBER_HEX = 2 * sizeof(struct rsa_id), MEMBER_LEN = 1 + MEMBER_HEX };

/* Over 15: no digit. Lists of families are most of the text of a directory, so they are read by a
 * table. */
static uint8_t digit_of(char c)
{
    static const uint8_t and_one[256] = {
        ['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,
        ['6'] = 7,  ['7'] = 8,  ['8'] = 9,  ['9'] = 10, ['A'] = 11, ['B'] = 12,
        ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16, ['a'] = 11, ['b'] = 12,
        ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
    };
    return (uint8_t)(and_one[(unsigned char)c] - 1);
}

static uint64_t member_of(const struct rsa_id *rsa)
{
    uint64_t x = 0;
    for (size_t i = 0; i < sizeof x; i++)
        x = x << 8 | rsa->b[i];
    return x;
}

/* "$fingerprint", also with "=name" or "~name" behind it. */
static bool parse_member(struct text word, uint64_t *out)
{
    uint64_t x = 0;
    unsigned bad = 0;
    if (word.len < MEMBER_LEN || word.s[0] != '$')
        return false;
    if (word.len > MEMBER_LEN && word.s[MEMBER_LEN] != '=' && word.s[MEMBER_LEN] != '~')
        return false;
    for (size_t i = 0; i < 2 * sizeof x; i++) {
        uint8_t digit = digit_of(word.s[1 + i]);
        bad |= digit;
        x = x << 4 | (digit & 0xf);
    }
    for (size_t i = 2 * sizeof x; i < MEMBER_HEX; i++)
        bad |= digit_of(word.s[1 + i]);
    *out = x;
    return !(bad & 0xf0);
}

/* text_token() that knows how long a member is. */
static bool next_word(struct text *rest, struct text *word)
{
    if (rest->len > MEMBER_LEN && rest->s[0] == '$' && rest->s[MEMBER_LEN] == ' ' &&
        !memchr(rest->s, ' ', MEMBER_LEN) && !memchr(rest->s, '\t', MEMBER_LEN)) {
        *word = (struct text){rest->s, MEMBER_LEN};
        *rest = (struct text){rest->s + MEMBER_LEN + 1, rest->len - MEMBER_LEN - 1};
        return true;
    }
    return text_token(rest, word);
}

static int by_number(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

/* Most lists are in order already. */
static void sort(uint64_t *list, size_t n)
{
    size_t i = 1;
    while (i < n && list[i - 1] <= list[i])
        i++;
    if (i < n)
        qsort(list, n, sizeof *list, by_number);
}

/* Room for what any lines of LEN characters come to: a member stands for 41 of them. */
static bool make_room(struct mdpool *pool, size_t len)
{
    size_t need = sizeof *pool->scratch + len + sizeof(uint64_t);
    if (need <= pool->scratch_size)
        return true;
    struct router_family *fresh = realloc(pool->scratch, 2 * need);
    if (!fresh)
        return false;
    pool->scratch = fresh;
    pool->scratch_size = 2 * need;
    return true;
}

static char *texts_of(const struct router_family *f)
{
    return (char *)(uintptr_t)(f->members + f->n_members);
}

static void add_word(struct router_family *f, uint32_t *len, struct text word)
{
    char *at = texts_of(f) + f->names_len + f->ids_len;
    memcpy(at, word.s, word.len);
    at[word.len] = ' ';
    *len += (uint32_t)word.len + 1;
}

/* The size of what the lines come to, in the scratch. */
static size_t read_family(struct router_family *f, struct text family, struct text ids)
{
    struct text rest = family, word;
    uint64_t member;
    bool named = false;
    *f = (struct router_family){0};
    while (next_word(&rest, &word)) {
        named |= word.s[0] != '$';
        if (parse_member(word, &member))
            f->members[f->n_members++] = member;
    }
    sort(f->members, f->n_members);
    while (named && next_word(&family, &word))
        if (word.s[0] != '$')
            add_word(f, &f->names_len, word);
    while (text_token(&ids, &word))
        add_word(f, &f->ids_len, word);
    return (size_t)(texts_of(f) - (char *)f) + f->names_len + f->ids_len;
}

err_t mdpool_family(struct mdpool *pool, struct text family, struct text ids,
                    const struct router_family **out)
{
    *out = NULL;
    if (!family.len && !ids.len)
        return OK;
    if (!make_room(pool, family.len + ids.len + 2))
        return ERR_NOMEM;
    size_t size = read_family(pool->scratch, family, ids);
    struct entry *e = find(pool->families, pool->scratch, size);
    if (!e)
        e = add(&pool->families, (struct text){(const char *)pool->scratch, size},
                (struct text){NULL, 0}, 0, size);
    if (!e)
        return ERR_NOMEM;
    *out = (const struct router_family *)(void *)e->body;
    return OK;
}

bool router_family_has_rsa(const struct router_family *f, const struct rsa_id *rsa)
{
    uint64_t member = member_of(rsa);
    return f && f->n_members &&
           bsearch(&member, f->members, f->n_members, sizeof member, by_number);
}

static struct text names_of(const struct router_family *f)
{
    return (struct text){f ? texts_of(f) : "", f ? f->names_len : 0};
}

static struct text ids_of(const struct router_family *f)
{
    return (struct text){f ? texts_of(f) + f->names_len : "", f ? f->ids_len : 0};
}

size_t router_family_names_len(const struct router_family *f)
{
    return names_of(f).len;
}

bool router_family_has_name(const struct router_family *f, struct text nickname)
{
    struct text rest = names_of(f), name;
    while (text_token(&rest, &name))
        if (name.len == nickname.len && strncasecmp(name.s, nickname.s, name.len) == 0)
            return true;
    return false;
}

bool router_family_shares_id(const struct router_family *a, const struct router_family *b)
{
    struct text rest = ids_of(a), mine, theirs;
    if (!ids_of(b).len)
        return false;
    while (text_token(&rest, &mine))
        for (struct text others = ids_of(b); text_token(&others, &theirs);)
            if (text_equal(mine, theirs))
                return true;
    return false;
}
