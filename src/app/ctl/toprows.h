/* The rows of a pane of "tunic ctl top", sorted; which one is selected. */
#ifndef TUNIC_APP_CTL_TOPROWS_H
#define TUNIC_APP_CTL_TOPROWS_H

#include "app/ctl/topview.h"

/* Places in T->circuits or T->streams, in the order that V says. */
struct top_rows {
    size_t n;
    uint16_t at[TOP_STREAMS_MAX];
};

void top_rows(const struct top *t, const struct top_view *v, enum top_pane pane,
              struct top_rows *out);
/* The id of row I. */
const char *top_row_id(const struct top *t, enum top_pane pane, const struct top_rows *rows,
                       size_t i);
/* The row that is selected, the first if that is gone; 0 if there is none. */
size_t top_row_selected(const struct top *t, const struct top_view *v, enum top_pane pane,
                        const struct top_rows *rows);

#endif
