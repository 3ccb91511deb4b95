/* Ctlline: the lines of a coordinator that was given an order, until SIGINT. */
#ifndef TUNIC_APP_MEASURE_CTLLINE_H
#define TUNIC_APP_MEASURE_CTLLINE_H

#include <signal.h>
#include <stdbool.h>

#include "base/buf.h"
#include "base/text.h"

struct ctlline {
    int fd;
    struct buf in;
    size_t told;   /* bytes of the line that was given out */
    sigset_t mask; /* while it waits */
};

enum ctlline_next { CTLLINE_LINE, CTLLINE_GONE, CTLLINE_INTERRUPTED };

/* Connects with the socket at PATH; false, and errno. From here on SIGINT interrupts
 * ctlline_next() and nothing else. */
bool ctlline_open(struct ctlline *l, const char *path);
void ctlline_close(struct ctlline *l);
/* Sends TEXT and a line's end; false, and errno. */
bool ctlline_say(const struct ctlline *l, const char *text);
/* LINE is without its end, and valid until the next call. */
enum ctlline_next ctlline_next(struct ctlline *l, struct text *line);

#endif
