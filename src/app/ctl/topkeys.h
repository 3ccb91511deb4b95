/* What keys do in "tunic ctl top". */
#ifndef TUNIC_APP_CTL_TOPKEYS_H
#define TUNIC_APP_CTL_TOPKEYS_H

#include "app/ctl/topview.h"

/* KEY is ncurses's. ORDER sends a command. False: it is the end. */
bool top_key(struct top *t, struct top_view *v, int key, void (*order)(void *arg, const char *line),
             void *arg);

#endif
