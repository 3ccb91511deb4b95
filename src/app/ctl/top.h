/* tunic ctl top: what runs, on a live screen. */
#ifndef TUNIC_APP_CTL_TOP_H
#define TUNIC_APP_CTL_TOP_H

#include "app/ctl/tool.h"

/* Until a key or a signal ends it, however often the connection does. An exit status. */
int ctl_cmd_top(struct ctl_tool *t);

#endif
