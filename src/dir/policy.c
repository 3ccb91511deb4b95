#include "dir/policy.h"

#include <stdlib.h>
#include <string.h>

/* "80" or "6660-6669". */
static err_t parse_range(struct text t, struct port_range *out)
{
    struct text low;
    uint64_t a, b;
    bool dash = memchr(t.s, '-', t.len) != NULL;
    if (!text_split(&t, '-', &low))
        return ERR_MALFORMED;
    TRY(text_to_u64(low, 65535, &a));
    b = a;
    if (dash)
        TRY(text_to_u64(t, 65535, &b));
    /* Port 0 names no port: C tor's ticket 41292. */
    if (a == 0 || b < a)
        return ERR_MALFORMED;
    *out = (struct port_range){(uint16_t)a, (uint16_t)b};
    return OK;
}

static size_t count_ranges(struct text list)
{
    size_t n = 1;
    for (size_t i = 0; i < list.len; i++)
        n += list.s[i] == ',';
    return n;
}

static err_t parse_ranges(struct text list, struct exit_summary *p)
{
    struct text part;
    uint16_t last = 0;
    if (list.s[list.len - 1] == ',')
        return ERR_MALFORMED;
    while (text_split(&list, ',', &part)) {
        struct port_range range;
        if (!part.len || parse_range(part, &range) != OK || range.first <= last)
            return ERR_MALFORMED;
        last = range.last;
        p->ranges[p->n++] = range;
    }
    return OK;
}

err_t exit_summary_parse(struct text args, struct exit_summary **out)
{
    struct text verb, list, more;
    if (!text_token(&args, &verb) || !text_token(&args, &list) || text_token(&args, &more))
        return ERR_MALFORMED;
    if (!text_is(verb, "accept") && !text_is(verb, "reject"))
        return ERR_MALFORMED;
    size_t n = count_ranges(list);
    if (n > EXIT_SUMMARY_RANGES_MAX)
        return ERR_LIMIT;
    struct exit_summary *p = malloc(sizeof *p + n * sizeof p->ranges[0]);
    if (!p)
        return ERR_NOMEM;
    p->accept = text_is(verb, "accept");
    p->n = 0;
    err_t err = parse_ranges(list, p);
    if (err != OK) {
        free(p);
        return err;
    }
    *out = p;
    return OK;
}

bool exit_summary_allows(const struct exit_summary *p, uint16_t port)
{
    if (!p || !port)
        return false;
    for (uint16_t i = 0; i < p->n; i++)
        if (port >= p->ranges[i].first && port <= p->ranges[i].last)
            return p->accept;
    return !p->accept;
}

bool exit_summary_allows_none(const struct exit_summary *p)
{
    return !p || (!p->accept && p->n == 1 && p->ranges[0].first == 1 && p->ranges[0].last == 65535);
}
