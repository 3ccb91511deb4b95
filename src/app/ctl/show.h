/* Messages as they are shown: as text, or as a line of JSON. */
#ifndef TUNIC_APP_CTL_SHOW_H
#define TUNIC_APP_CTL_SHOW_H

#include "app/ctl/tool.h"

/* An event without its code: "BW 0 512"; of more lines each on its own, data as it is. False out of
 * memory, or nobody reads any more. */
bool ctl_show_event(const struct ctl_message *m, bool json);
/* The answer to COMMAND, as it came, and an empty line. */
bool ctl_show_reply(const char *command, const struct ctl_message *m, bool json);

#endif
