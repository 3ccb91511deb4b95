#include "app/ctl/toprows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Ids are numbers, as texts: a longer one is larger. */
static int compare_ids(const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b);
    return n != m ? (n < m ? -1 : 1) : strcmp(a, b);
}

struct order {
    const struct top *t;
    enum top_pane pane;
    enum top_sort sort;
    uint16_t busy[TOP_CIRCUITS_MAX]; /* streams of each circuit, if these are what counts */
};

static int by_age(const struct order *o, const char *a, const char *b)
{
    return o->sort == SORT_OLDEST ? compare_ids(a, b) : compare_ids(b, a);
}

static int compare_circuits(const struct order *o, uint16_t i, uint16_t k)
{
    const struct ctl_circuit *a = &o->t->circuits[i], *b = &o->t->circuits[k];
    int by = 0;
    if (o->sort == SORT_BUSY)
        by = (int)o->busy[k] - (int)o->busy[i];
    else if (o->sort == SORT_KIND)
        by = strcmp(a->purpose, b->purpose);
    return by ? by : by_age(o, a->id, b->id);
}

static int compare_streams(const struct order *o, uint16_t i, uint16_t k)
{
    const struct ctl_stream *a = &o->t->streams[i], *b = &o->t->streams[k];
    int by = 0;
    if (o->sort == SORT_BUSY)
        by = compare_ids(a->circuit, b->circuit);
    else if (o->sort == SORT_KIND)
        by = strcmp(a->status, b->status);
    return by ? by : by_age(o, a->id, b->id);
}

static int compare(const void *a, const void *b, void *arg)
{
    const struct order *o = arg;
    uint16_t i = *(const uint16_t *)a, k = *(const uint16_t *)b;
    return o->pane == PANE_CIRCUITS ? compare_circuits(o, i, k) : compare_streams(o, i, k);
}

void top_rows(const struct top *t, const struct top_view *v, enum top_pane pane,
              struct top_rows *out)
{
    struct order o = {.t = t, .pane = pane, .sort = v->sort[pane]};
    bool circuits = pane == PANE_CIRCUITS;
    out->n = circuits ? t->n_circuits : t->n_streams;
    for (size_t i = 0; i < out->n; i++)
        out->at[i] = (uint16_t)i;
    for (size_t i = 0; circuits && o.sort == SORT_BUSY && i < t->n_circuits; i++)
        o.busy[i] = (uint16_t)top_streams_of(t, t->circuits[i].id);
    qsort_r(out->at, out->n, sizeof *out->at, compare, &o);
}

const char *top_row_id(const struct top *t, enum top_pane pane, const struct top_rows *rows,
                       size_t i)
{
    return pane == PANE_CIRCUITS ? t->circuits[rows->at[i]].id : t->streams[rows->at[i]].id;
}

size_t top_row_selected(const struct top *t, const struct top_view *v, enum top_pane pane,
                        const struct top_rows *rows)
{
    for (size_t i = 0; i < rows->n; i++)
        if (strcmp(top_row_id(t, pane, rows, i), v->selected[pane]) == 0)
            return i;
    return 0;
}

const char *top_selected(const struct top *t, struct top_view *v)
{
    struct top_rows rows;
    top_rows(t, v, v->pane, &rows);
    if (!rows.n)
        return NULL;
    size_t i = top_row_selected(t, v, v->pane, &rows);
    snprintf(v->selected[v->pane], CTL_ID, "%s", top_row_id(t, v->pane, &rows, i));
    return v->selected[v->pane];
}

void top_move(const struct top *t, struct top_view *v, long by)
{
    struct top_rows rows;
    top_rows(t, v, v->pane, &rows);
    if (!rows.n)
        return;
    long to = (long)top_row_selected(t, v, v->pane, &rows) + by, last = (long)rows.n - 1;
    to = to < 0 ? 0 : to > last ? last : to;
    snprintf(v->selected[v->pane], CTL_ID, "%s", top_row_id(t, v->pane, &rows, (size_t)to));
}
