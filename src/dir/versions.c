#include "dir/versions.h"

#include <stdint.h>
#include <string.h>

/* Between the third number and the fourth. */
enum stage { STAGE_PRE, STAGE_RC, STAGE_RELEASE };

struct version {
    uint64_t number[3]; /* the series */
    enum stage stage;
    uint64_t patch;
    struct text tag; /* "alpha" */
};

static bool take(struct text *t, const char *word)
{
    size_t len = strlen(word);
    if (!text_starts(*t, word))
        return false;
    *t = (struct text){t->s + len, t->len - len};
    return true;
}

static bool take_number(struct text *t, uint64_t *out)
{
    size_t n = 0;
    while (n < t->len && t->s[n] >= '0' && t->s[n] <= '9')
        n++;
    if (text_to_u64((struct text){t->s, n}, INT32_MAX, out) != OK)
        return false;
    *t = (struct text){t->s + n, t->len - n};
    return true;
}

/* What stands between the numbers, and after which the fourth must follow. */
static bool take_stage(struct text *t, enum stage *out)
{
    *out = STAGE_RELEASE;
    if (take(t, "pre"))
        *out = STAGE_PRE;
    else if (take(t, "rc"))
        *out = STAGE_RC;
    else
        return take(t, ".");
    return true;
}

static bool parse(struct text t, struct version *out)
{
    *out = (struct version){.stage = STAGE_RELEASE};
    struct text rest;
    take(&t, "Tor ");
    if (!text_token(&t, &rest) || !take_number(&rest, &out->number[0]) || !take(&rest, ".") ||
        !take_number(&rest, &out->number[1]))
        return false;
    bool tagged = !rest.len || rest.s[0] == '-';
    if (!tagged) {
        if (!take(&rest, ".") || !take_number(&rest, &out->number[2]))
            return false;
        tagged = !rest.len || rest.s[0] == '-';
    }
    if (!tagged && !(take_stage(&rest, &out->stage) && take_number(&rest, &out->patch)))
        return false;
    if (!take(&rest, "-"))
        take(&rest, ".");
    out->tag = rest;
    return true;
}

static int order(uint64_t a, uint64_t b)
{
    return a < b ? -1 : a > b;
}

static int compare_text(struct text a, struct text b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    int d = n ? memcmp(a.s, b.s, n) : 0;
    return d ? d : order(a.len, b.len);
}

static int compare(const struct version *a, const struct version *b)
{
    int d = 0;
    for (size_t i = 0; !d && i < 3; i++)
        d = order(a->number[i], b->number[i]);
    d = d ? d : order(a->stage, b->stage);
    d = d ? d : order(a->patch, b->patch);
    return d ? d : compare_text(a->tag, b->tag);
}

enum version_standing version_standing(struct text mine, struct text list)
{
    struct version own, other;
    struct text word;
    bool newer = false, older = false, in_series = false, newer_in_series = false;
    if (!list.len)
        return VERSION_NONE_LISTED;
    if (!parse(mine, &own))
        return VERSION_UNRECOMMENDED;
    while (text_split(&list, ',', &word)) {
        if (!parse(text_strip(word), &other))
            continue;
        int d = compare(&own, &other);
        bool same = memcmp(own.number, other.number, sizeof own.number) == 0;
        if (d == 0)
            return VERSION_RECOMMENDED;
        in_series = in_series || same;
        newer_in_series = newer_in_series || (same && d < 0);
        newer = newer || d < 0;
        older = older || d > 0;
    }
    if (in_series && !newer_in_series && newer)
        return VERSION_NEW_IN_SERIES;
    if (newer != older)
        return newer ? VERSION_OLD : VERSION_NEW;
    return VERSION_UNRECOMMENDED;
}

const char *version_standing_name(enum version_standing standing)
{
    static const char *const names[] = {
        [VERSION_RECOMMENDED] = "recommended",
        [VERSION_OLD] = "obsolete",
        [VERSION_NEW] = "new",
        [VERSION_NEW_IN_SERIES] = "new in series",
        [VERSION_UNRECOMMENDED] = "unrecommended",
        [VERSION_NONE_LISTED] = "none recommended",
    };
    return names[standing];
}
