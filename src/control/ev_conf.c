#include "control/ev_conf.h"

#include "control/session.h"
#include "control/told.h"

void control_tell_conf_changed(struct control *c, const struct options *old,
                               const struct options *now)
{
    struct conf_line *changes = NULL;
    if (!control_wants(c, TOLD_CONF_CHANGED) || options_changes(old, now, &changes) != OK ||
        !changes)
        return;
    struct text_out o = text_out(SESSION_EVENTS_MOST);
    out_str(&o, "650-CONF_CHANGED\r\n");
    for (const struct conf_line *l = changes; l; l = l->next)
        out_printf(&o, "650-%s%s%s\r\n", l->key, l->how == CONF_CLEAR ? "" : "=", l->value);
    out_str(&o, "650 OK\r\n");
    control_tell(c, TOLD_CONF_CHANGED, &o);
    out_free(&o);
    conf_lines_free(changes);
}
