#include "dirdoc/bwweights.h"

#include <stdlib.h>

/* The names of dir-spec 3.8.3. */
struct input {
    int64_t G, M, E, D, T, scale;
};

static bool in_range(int64_t w, int64_t scale)
{
    return w >= 0 && w <= scale;
}

static bool near(int64_t a, int64_t b, int64_t margin)
{
    return llabs(a - b) <= margin;
}

/* Weights of one kind of relay add up to the whole, and none is negative. */
static bool sums_fit(const struct bwweights *w, int64_t scale)
{
    enum { ROUNDING = 10 };
    return near(w->gd + w->md + w->ed, scale, ROUNDING) && near(w->mg + w->gg, scale, ROUNDING) &&
           near(w->me + w->ee, scale, ROUNDING) && in_range(w->gg, scale) &&
           in_range(w->gd, scale) && in_range(w->mg, scale) && in_range(w->me, scale) &&
           in_range(w->md, scale) && in_range(w->ee, scale) && in_range(w->ed, scale);
}

/* The three places are served alike. */
static bool balanced(const struct input *i, const struct bwweights *w)
{
    int64_t margin = 10 * i->T / 3;
    int64_t guard = w->gg * i->G + w->gd * i->D;
    int64_t exit = w->ee * i->E + w->ed * i->D;
    int64_t middle = i->M * i->scale + w->md * i->D + w->me * i->E + w->mg * i->G;
    return near(guard, exit, margin) && near(guard, middle, margin);
}

/* Case 1: E >= T/3 and G >= T/3, there is enough of both. */
static bool none_scarce(const struct input *i, struct bwweights *w)
{
    w->gd = w->ed = w->md = i->scale / 3;
    w->ee = i->scale * (i->E + i->G + i->M) / (3 * i->E);
    w->me = i->scale - w->ee;
    w->mg = i->scale * (2 * i->G - i->E - i->M) / (3 * i->G);
    w->gg = i->scale - w->mg;
    return sums_fit(w, i->scale) && balanced(i, w);
}

/* Case 2: E < T/3 and G < T/3, both are scarce. */
static bool both_scarce(const struct input *i, struct bwweights *w)
{
    int64_t R = i->E < i->G ? i->E : i->G, S = i->E < i->G ? i->G : i->E;
    *w = (struct bwweights){.gg = i->scale, .ee = i->scale};
    if (R + i->D < S) { /* subcase a: all of D goes to what there is least of */
        *(i->E < i->G ? &w->ed : &w->gd) = i->scale;
        return true;
    }
    w->ee = i->scale * (i->E - i->G + i->M) / i->E;
    w->ed = i->scale * (i->D - 2 * i->E + 4 * i->G - 2 * i->M) / (3 * i->D);
    w->me = i->scale * (i->G - i->M) / i->E;
    w->md = w->gd = (i->scale - w->ed) / 2;
    if (sums_fit(w, i->scale) && balanced(i, w))
        return true;
    w->ee = i->scale;
    w->me = 0;
    w->ed = i->scale * (i->D - 2 * i->E + i->G + i->M) / (3 * i->D);
    w->md = i->scale * (i->D - 2 * i->M + i->G + i->E) / (3 * i->D);
    if (w->md < 0) /* "Too much Middle bandwidth": it can't be balanced */
        w->md = 0;
    w->gd = i->scale - w->ed - w->md;
    return sums_fit(w, i->scale);
}

/* Case 3: one of them is scarce. */
static bool one_scarce(const struct input *i, struct bwweights *w)
{
    bool guards = i->G < i->E; /* guards are the scarce ones */
    int64_t S = guards ? i->G : i->E, rich = guards ? i->E : i->G;
    int64_t keep, lend; /* of the rich kind: for its own place, for the middle */
    int64_t to_scarce = i->scale, to_rich = 0, to_middle = 0; /* of D */
    if (3 * (S + i->D) < i->T) {
        lend = rich < i->M ? 0 : i->scale * (rich - i->M) / (2 * rich);
        keep = i->scale - lend;
    } else {
        to_scarce = i->scale * (i->D - 2 * S + rich + i->M) / (3 * i->D);
        to_rich = to_middle = (i->scale - to_scarce) / 2;
        keep = i->scale * (rich + i->M) / (2 * rich);
        lend = i->scale - keep;
    }
    *w = guards ? (struct bwweights){.gg = i->scale, .gd = to_scarce, .ee = keep, .me = lend}
                : (struct bwweights){.ee = i->scale, .ed = to_scarce, .gg = keep, .mg = lend};
    *(guards ? &w->ed : &w->gd) = to_rich;
    w->md = to_middle;
    return sums_fit(w, i->scale);
}

bool bwweights_compute(const struct bwweights_totals *t, int64_t scale, struct bwweights *out)
{
    struct input i = {t->g, t->m, t->e, t->d, t->g + t->m + t->e + t->d, scale};
    if (i.G < 1 || i.M < 1 || i.E < 1 || i.D < 1 || scale < 1 || scale > BWWEIGHTS_SCALE_MOST)
        return false;
    bool exits_scarce = 3 * i.E < i.T, guards_scarce = 3 * i.G < i.T;
    if (exits_scarce != guards_scarce)
        return one_scarce(&i, out);
    return exits_scarce ? both_scarce(&i, out) : none_scarce(&i, out);
}
