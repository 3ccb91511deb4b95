/* CONF_CHANGED (control-spec 4.1.18). */
#ifndef TUNIC_CONTROL_EV_CONF_H
#define TUNIC_CONTROL_EV_CONF_H

#include "conf/options.h"

struct control;

/* NOW hold in place of OLD: what is another is told, if anybody wants it. */
void control_tell_conf_changed(struct control *c, const struct options *old,
                               const struct options *now);

#endif
