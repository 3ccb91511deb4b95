/* What a session says: replies, and events behind them; and that it says no more. */
#include "base/pace.h"
#include "control/control.h"
#include "control/session_int.h"

enum { NOTE_MOST = 128 };

void session_end(struct session *s)
{
    if (s->state == SESSION_ENDED)
        return;
    bool was_open = s->state == SESSION_OPEN;
    s->state = SESSION_ENDED;
    control_forget_wishes(s->control, s, was_open);
    s->ops->on_end(s->holder);
}

void session_say(struct session *s, const struct text_out *o)
{
    if (s->state == SESSION_ENDED)
        return;
    err_t e = out_end(o);
    if (e == OK)
        e = buf_add(&s->out, out_text(o), o->len);
    if (e == OK) {
        s->ops->on_output(s->holder);
        return;
    }
    log_warn(control_env(s->control)->log,
             "A reply to a controller could not be made, and its connection closes: %s",
             err_text(e));
    session_end(s);
}

/* control-spec has no word for it: a status event that controllers of today pass on unread. */
static void tell_dropped(struct session *s)
{
    struct text_out o = text_out(NOTE_MOST);
    out_printf(&o, "650 STATUS_GENERAL WARN EVENTS_DROPPED COUNT=%llu\r\n",
               (unsigned long long)s->dropped);
    if (out_end(&o) == OK && buf_add(&s->out, out_text(&o), o.len) == OK)
        s->dropped = 0;
    out_free(&o);
}

static void queue_event(struct session *s, const char *text, size_t len)
{
    bool room = s->out.len <= SESSION_EVENTS_MOST; /* whatever the size: one may be a consensus */
    if (room && s->dropped)
        tell_dropped(s);
    if (!room || buf_add(&s->out, text, len) != OK)
        s->dropped++;
    else if (control_pace_is_open(s->control) || s->out.len >= PACE_ENOUGH)
        s->ops->on_output(s->holder);
}

void session_send_waiting(struct session *s)
{
    if (s->out.len && s->state != SESSION_ENDED)
        s->ops->on_output(s->holder);
}

void session_tell(struct session *s, const struct text_out *event)
{
    size_t before = s->held.len;
    if (!s->in_command) {
        queue_event(s, out_text(event), event->len);
        return;
    }
    out_add(&s->held, out_text(event), event->len);
    if (out_end(&s->held) != OK) {
        s->held.err = OK;
        out_cut(&s->held, before);
        s->dropped++;
    }
}

void session_hold(struct session *s)
{
    s->in_command = true;
}

void session_release(struct session *s)
{
    s->in_command = false;
    if (s->held.len && s->state != SESSION_ENDED)
        queue_event(s, out_text(&s->held), s->held.len);
    out_free(&s->held);
}

struct control *session_control(const struct session *s)
{
    return s->control;
}

bool session_is_open(const struct session *s)
{
    return s->state == SESSION_OPEN;
}

void session_set_told(struct session *s, uint64_t told)
{
    s->told = told;
    control_count_wishes(s->control);
}
