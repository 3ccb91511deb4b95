#include "dir/protover.h"

#include <stdio.h>
#include <string.h>

enum { NAME_MAX_LEN = 100, VERSION_MAX = 63 };

static const struct {
    const char *name;
    unsigned version;
} known[PROTO_N] = {
#define X(name, text, version) [name] = {text, version},
    PROTO_LIST(X)
#undef X
};

/* What Tunic's client side speaks, for the authorities' required and recommended lists; and what
 * was recommended when this was written, but is not there yet: onion services. LinkAuth is for who
 * shows certificates, and Relay=1 is TAP. */
static const struct {
    const char *name;
    uint64_t versions, not_yet;
} supported[] = {
#define V(n) (UINT64_C(1) << (n))
    {"Cons", V(1) | V(2), 0},
    {"Desc", V(1) | V(2) | V(3) | V(4), 0},
    {"DirCache", V(1) | V(2), 0},
    {"FlowCtrl", V(1) | V(2), 0},
    {"HSDir", 0, V(2)},
    {"HSIntro", 0, V(4)},
    {"HSRend", 0, V(2)},
    {"Link", V(3) | V(4) | V(5), 0},
    {"Microdesc", V(1) | V(2) | V(3), 0},
    {"Padding", V(2), 0},
    {"Relay", V(2) | V(3) | V(4) | V(5) | V(6), 0},
#undef V
};

static bool is_name(struct text t)
{
    if (!t.len || t.len > NAME_MAX_LEN)
        return false;
    for (size_t i = 0; i < t.len; i++) {
        char c = t.s[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '-'))
            return false;
    }
    return true;
}

/* tor-spec 9: "Int: a number without leading zeros". */
static err_t parse_version(struct text t, unsigned *out)
{
    uint64_t x;
    if (t.len > 1 && t.s[0] == '0')
        return ERR_MALFORMED;
    if (text_to_u64(t, VERSION_MAX, &x) != OK)
        return ERR_MALFORMED;
    *out = (unsigned)x;
    return OK;
}

static err_t parse_range(struct text t, uint64_t *versions)
{
    struct text low;
    unsigned a, b;
    bool dash = memchr(t.s, '-', t.len) != NULL;
    if (!text_split(&t, '-', &low))
        return ERR_MALFORMED;
    TRY(parse_version(low, &a));
    b = a;
    if (dash)
        TRY(parse_version(t, &b));
    if (b < a)
        return ERR_MALFORMED;
    for (unsigned v = a; v <= b; v++)
        *versions |= UINT64_C(1) << v;
    return OK;
}

/* One entry at a time, for lists in which the unknown matters: takes "Name=..." off *REST and
 * yields its versions as bits 0..63; ERR_NOT_FOUND at the end. */
static err_t next_entry(struct text *rest, struct text *name, uint64_t *versions)
{
    struct text entry, part;
    *versions = 0;
    if (!text_token(rest, &entry))
        return ERR_NOT_FOUND;
    if (!memchr(entry.s, '=', entry.len) || !text_split(&entry, '=', name) || !is_name(*name))
        return ERR_MALFORMED;
    if (entry.len && entry.s[entry.len - 1] == ',')
        return ERR_MALFORMED;
    while (text_split(&entry, ',', &part)) {
        if (!part.len)
            return ERR_MALFORMED;
        TRY(parse_range(part, versions));
    }
    return OK;
}

err_t protover_parse(struct text list, uint32_t *bits)
{
    struct text name;
    uint64_t versions;
    uint32_t found = 0;
    err_t err;
    *bits = 0;
    while ((err = next_entry(&list, &name, &versions)) == OK)
        for (unsigned i = 0; i < PROTO_N; i++)
            if (((versions >> known[i].version) & 1) && text_is(name, known[i].name))
                found |= PROTO_BIT(i);
    if (err != ERR_NOT_FOUND)
        return err;
    *bits = found;
    return OK;
}

static uint64_t lacking(struct text name, uint64_t versions, bool not_yet_counts)
{
    for (size_t i = 0; i < sizeof supported / sizeof supported[0]; i++)
        if (text_is(name, supported[i].name))
            versions &= ~(supported[i].versions | (not_yet_counts ? supported[i].not_yet : 0));
    return versions;
}

static void note_missing(struct text name, uint64_t versions, char *out, size_t cap)
{
    for (unsigned v = 0; v <= VERSION_MAX; v++) {
        size_t len = strlen(out);
        if ((versions >> v) & 1)
            (void)snprintf(out + len, cap - len, "%s%.*s=%u", len ? " " : "", TEXT_ARG(name), v);
    }
}

static bool covers(struct text list, bool not_yet_counts, char *missing, size_t cap)
{
    struct text name;
    uint64_t versions;
    bool all = true;
    if (cap)
        missing[0] = 0;
    while (next_entry(&list, &name, &versions) == OK) {
        versions = lacking(name, versions, not_yet_counts);
        if (!versions)
            continue;
        all = false;
        if (cap)
            note_missing(name, versions, missing, cap);
    }
    return all;
}

bool protover_all_supported(struct text list, char *missing, size_t cap)
{
    return covers(list, false, missing, cap);
}

bool protover_all_known(struct text list, char *missing, size_t cap)
{
    return covers(list, true, missing, cap);
}
