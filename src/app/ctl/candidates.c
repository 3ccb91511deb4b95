#include "app/ctl/candidates.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "app/ctl/words.h"

void ctl_candidate_add(struct ctl_candidates *out, const struct ctl_place *place, const char *fmt,
                       ...)
{
    va_list args;
    char from[CTL_FROM]; /* names of files in it are anybody's */
    struct ctl_candidate *c = &out->list[out->n];
    for (size_t i = 0; i < out->n; i++)
        if (memcmp(&out->list[i].place.addr, &place->addr, sizeof place->addr) == 0)
            return;
    if (out->n == CTL_CANDIDATES_MAX)
        return;
    c->place = *place;
    va_start(args, fmt);
    vsnprintf(from, sizeof from, fmt, args);
    va_end(args);
    ctl_printable(text_of(from), c->from, sizeof c->from);
    out->n++;
}
