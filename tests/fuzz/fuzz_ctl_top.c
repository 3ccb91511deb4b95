/* What "tunic ctl top" makes of a server's messages, whatever they are, while it asks and gives
 * orders in between. */
#include <stdlib.h>
#include <string.h>

#include "app/ctl/toprows.h"

enum { MOST = 1 << 16 };

static void look(const struct top *t, struct top_view *v)
{
    struct top_rows rows;
    if (t->n_circuits > TOP_CIRCUITS_MAX || t->n_streams > TOP_STREAMS_MAX ||
        t->n_guards > TOP_GUARDS_MAX || t->n_in_flight > TOP_IN_FLIGHT_MAX)
        abort();
    for (enum top_pane pane = 0; pane < PANES; pane++) {
        top_rows(t, v, pane, &rows);
        if (rows.n && top_row_selected(t, v, pane, &rows) >= rows.n)
            abort();
    }
    for (size_t i = 0; i < t->n_circuits; i++)
        for (size_t k = 0; k < t->circuits[i].n_hops; k++)
            if (strlen(top_country(t, t->circuits[i].hops[k].fingerprint)) != 2)
                abort();
    (void)top_rate(t, 3, 10, 5, true);
    (void)top_peak(t, 100, false);
}

/* The first byte says how often there is an order, and how rows are sorted. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ctl_message m;
    struct top_view v = {.pane = PANE_CIRCUITS};
    char line[TOP_LINE_MAX];
    size_t room, n = 0;
    if (size < 2)
        return 0;
    struct top *t = top_new();
    struct ctl_reader *r = ctl_reader_new(MOST);
    v.sort[PANE_CIRCUITS] = data[0] % SORTS;
    v.sort[PANE_STREAMS] = data[0] / SORTS % SORTS;
    char *to = t && r ? ctl_reader_room(r, &room) : NULL;
    if (!to)
        abort();
    size = size - 1 < room ? size - 1 : room;
    memcpy(to, data + 1, size);
    ctl_reader_done(r, size);
    top_begin(t);
    while (ctl_reader_next(r, &m) == OK) {
        while (top_next(t, line))
            if (strpbrk(line, "\r\n"))
                abort();
        if (n++ % (1 + data[0]) == 0 && top_may_order(t))
            top_ordered(t, "SIGNAL NEWNYM");
        top_message(t, &m, 0, 0);
        top_second(t);
        top_move(t, &v, (long)(n % 5) - 2);
    }
    look(t, &v);
    ctl_reader_free(r);
    top_free(t);
    return 0;
}
