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

static int compare_circuits(const struct ctl_circuit *a, const struct ctl_circuit *b,
                            enum top_sort sort)
{
    int by = 0;
    if (sort == SORT_STATUS)
        by = strcmp(a->status, b->status);
    else if (sort == SORT_SECOND)
        by = strcmp(a->purpose, b->purpose);
    return by ? by : sort == SORT_OLDEST ? compare_ids(a->id, b->id) : compare_ids(b->id, a->id);
}

static int compare_streams(const struct ctl_stream *a, const struct ctl_stream *b,
                           enum top_sort sort)
{
    int by = 0;
    if (sort == SORT_STATUS)
        by = strcmp(a->status, b->status);
    else if (sort == SORT_SECOND)
        by = compare_ids(a->circuit, b->circuit);
    return by ? by : sort == SORT_OLDEST ? compare_ids(a->id, b->id) : compare_ids(b->id, a->id);
}

struct order {
    const struct top *t;
    enum top_pane pane;
    enum top_sort sort;
};

static int compare(const void *a, const void *b, void *arg)
{
    const struct order *o = arg;
    uint16_t i = *(const uint16_t *)a, k = *(const uint16_t *)b;
    return o->pane == PANE_CIRCUITS
               ? compare_circuits(&o->t->circuits[i], &o->t->circuits[k], o->sort)
               : compare_streams(&o->t->streams[i], &o->t->streams[k], o->sort);
}

void top_rows(const struct top *t, const struct top_view *v, enum top_pane pane,
              struct top_rows *out)
{
    struct order o = {t, pane, v->sort[pane]};
    out->n = pane == PANE_CIRCUITS ? t->n_circuits : t->n_streams;
    for (size_t i = 0; i < out->n; i++)
        out->at[i] = (uint16_t)i;
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
