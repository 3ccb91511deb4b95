/* Configuration of `tunic measure`: what is taken can be shown as a file that says the same; and
 * the file of relays that have opted in. */
#include <stdlib.h>
#include <string.h>

#include "measure/conf.h"
#include "measure/roster.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static bool is_same(const struct mconf_coord *a, const struct mconf_coord *b)
{
    return strcmp(a->resultsdir, b->resultsdir) == 0 && strcmp(a->key, b->key) == 0 &&
           ipport_equal(&a->listen_addr, &b->listen_addr) && a->n_measurers == b->n_measurers &&
           memcmp(a->measurers, b->measurers, sizeof a->measurers) == 0 && a->dur == b->dur &&
           a->percent == b->percent && a->prior == b->prior && a->adaptive == b->adaptive;
}

static void show_again(const struct mconf *c, const struct mconf_coord *coord)
{
    char why[MCONF_WHY];
    static struct mconf_coord again;
    char *text = mconf_dump(c, "coord");
    struct mconf *copy = mconf_new();
    if (!text || !copy)
        abort();
    /* With where each comes from, a line may be too long for a file. */
    if (mconf_read(copy, text_of(text), "again", why) == OK &&
        (mconf_coord(copy, &again, why) != OK || !is_same(&again, coord)))
        abort();
    free(text);
    mconf_free(copy);
}

static void read_relays(struct text text)
{
    struct roster r;
    char why[ROSTER_WHY] = "";
    roster_init(&r);
    if (roster_read(&r, text, why) != OK && !why[0])
        abort();
    roster_sort(&r);
    for (size_t i = 0; i < r.n; i++)
        if (roster_find(&r, &r.relays[i].who.fp) != &r.relays[i])
            abort();
    roster_free(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static struct mconf_coord coord;
    static struct mconf_measurer_side side;
    char why[MCONF_WHY] = "";
    struct mconf *c = mconf_new();
    if (!c)
        return 0;
    read_relays((struct text){(const char *)data, len});
    if (mconf_read(c, (struct text){(const char *)data, len}, "file", why) == OK) {
        if (mconf_coord(c, &coord, why) == OK)
            show_again(c, &coord);
        if (mconf_measurer(c, &side, why) != OK && !why[0])
            abort();
    } else if (!why[0]) {
        abort();
    }
    mconf_free(c);
    return 0;
}
