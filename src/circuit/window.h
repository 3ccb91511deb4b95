/* Fixed windows: the kind of flow that every relay knows (tor-spec 7.3, 7.4). Each end may send so
 * many DATA messages, and each SENDME allows some more. */
#ifndef TUNIC_CIRCUIT_WINDOW_H
#define TUNIC_CIRCUIT_WINDOW_H

#include "circuit/flow.h"

enum { CIRCWINDOW_START = 1000, CIRCWINDOW_INCREMENT = 100 };

/* What lies behind the head, for those who look on. */
struct window {
    struct flow flow; /* its room is the package window */
    unsigned package_start, deliver_start;
    unsigned inc;
    unsigned sent;    /* since the last that a SENDME will be for */
    unsigned deliver; /* DATA the other end may still send */
};

extern const struct flow_kind window_kind;

#endif
