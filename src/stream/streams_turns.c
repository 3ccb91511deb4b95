/* Turns: who of a set may write, and who waits for that. */
#include "stream/stream_int.h"

void streams_leave_place(struct stream *s)
{
    struct streams *set = s->set;
    if (s->place == STREAM_IN_RING)
        DL_DELETE(set->ring, s);
    else if (s->place == STREAM_SLOWED)
        DL_DELETE(set->slowed, s);
    s->place = STREAM_NOWHERE;
}

bool streams_may_write(const struct stream *s)
{
    const struct streams *set = s->set;
    return !set->blocked && (s->turn_left > 0 || (!set->ring && !set->in_turns));
}

/* Calls on_writable within S's turn. */
static void take_turn(struct stream *s)
{
    s->turn_left = STREAM_TURN_CELLS;
    s->wants_turn = false;
    s->set->calling++;
    if (s->ops->on_writable)
        s->ops->on_writable(s->arg);
    s->set->calling--;
    s->turn_left = 0;
}

void streams_run_turns(struct streams *set)
{
    if (set->in_turns) /* a callback asks for turns: the loop that called it goes on anyway */
        return;
    set->in_turns = true;
    while (set->ring && !set->blocked) {
        struct stream *s = set->ring;
        streams_leave_place(s);
        take_turn(s);
    }
    set->in_turns = false;
}

void streams_want_turn(struct stream *s)
{
    struct streams *set = s->set;
    s->wants_turn = true;
    if (s->place != STREAM_NOWHERE)
        return;
    if (stream_flow_may_send(&s->flow, set->env->mono_us)) {
        DL_APPEND(set->ring, s);
        s->place = STREAM_IN_RING;
    } else if (stream_flow_is_slowed(&s->flow)) {
        DL_APPEND(set->slowed, s);
        s->place = STREAM_SLOWED;
        if (!set->pace.armed)
            env_arm_ms(set->env, &set->pace, STREAM_PACE_MS);
    } /* else a SENDME or an XON will put it there */
}

/* Those that an XON has slowed down: whose moment has come, and whom an XOFF has stopped. */
static void pace(void *arg)
{
    struct streams *set = arg;
    struct stream *s, *next, *slowed = set->slowed;
    set->slowed = NULL;
    DL_FOREACH_SAFE (slowed, s, next) {
        s->place = STREAM_NOWHERE;
        streams_want_turn(s);
    }
    streams_run_turns(set);
}

void streams_on_room(void *arg)
{
    struct streams *set = arg;
    set->blocked = false;
    streams_run_turns(set);
}

void streams_init_turns(struct streams *set)
{
    timer_init(&set->pace, pace, set);
}
