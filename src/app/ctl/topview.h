/* The screen of "tunic ctl top": drawn whole from what is known, by ncurses, which sends what has
 * changed. */
#ifndef TUNIC_APP_CTL_TOPVIEW_H
#define TUNIC_APP_CTL_TOPVIEW_H

#include "app/ctl/topstate.h"

enum top_pane { PANE_CIRCUITS, PANE_STREAMS, PANES };

/* Pairs of colours. */
enum { PAIR_READ = 1, PAIR_WRITTEN, PAIR_WARN };

/* What the rows of a pane are sorted by; SORT_BUSY: circuits by their streams, streams by their
 * circuit; SORT_KIND: by purpose, by status. */
enum top_sort { SORT_NEWEST, SORT_OLDEST, SORT_BUSY, SORT_KIND, SORTS };

struct top_view {
    const char *place;   /* where the control port is */
    const char *trouble; /* NULL: connected; else what the last line says */
    bool paused, help, guards;
    unsigned step; /* seconds of a column of the curve */
    enum top_pane pane;
    enum top_sort sort[PANES];
    char selected[PANES][CTL_ID]; /* empty: the first */
    size_t scroll[PANES];
    size_t page;  /* rows of the pane that has the keys; set by top_draw() */
    bool unicode; /* of the terminal */
    bool colours;
    int64_t wall_s, now_s;
};

/* Draws all of it. */
void top_draw(const struct top *t, struct top_view *v);

/* The id that is selected in the pane that has the keys; NULL if it is empty. */
const char *top_selected(const struct top *t, struct top_view *v);
/* Selects the row that is BY further down. */
void top_move(const struct top *t, struct top_view *v, long by);

#endif
