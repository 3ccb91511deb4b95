#include "app/ctl/topkeys.h"

#include <curses.h>
#include <stdio.h>
#include <string.h>

enum { CTRL_L = 'L' - '@' };

struct orders {
    void (*order)(void *arg, const char *line);
    void *arg;
};

static void close_selected(struct top *t, struct top_view *v, const struct orders *o)
{
    char line[64];
    const char *id = top_selected(t, v);
    if (!id)
        return;
    /* Reason 1 is MISC. */
    snprintf(line, sizeof line, "%s %s%s",
             v->pane == PANE_CIRCUITS ? "CLOSECIRCUIT" : "CLOSESTREAM", id,
             v->pane == PANE_CIRCUITS ? "" : " 1");
    o->order(o->arg, line);
}

static void rebuild_selected(struct top *t, struct top_view *v, const struct orders *o)
{
    if (v->pane != PANE_CIRCUITS || !top_selected(t, v)) {
        snprintf(t->said, sizeof t->said, "what is rebuilt is a circuit: Tab");
        return;
    }
    close_selected(t, v, o);
    o->order(o->arg, "EXTENDCIRCUIT 0");
}

static bool move_by(struct top *t, struct top_view *v, int key)
{
    long page = v->page ? (long)v->page : 1;
    switch (key) {
    case KEY_UP:
    case 'k':
        top_move(t, v, -1);
        return true;
    case KEY_DOWN:
    case 'j':
        top_move(t, v, 1);
        return true;
    case KEY_PPAGE:
        top_move(t, v, -page);
        return true;
    case KEY_NPAGE:
        top_move(t, v, page);
        return true;
    case KEY_HOME:
        top_move(t, v, -TOP_STREAMS_MAX);
        return true;
    case KEY_END:
        top_move(t, v, TOP_STREAMS_MAX);
        return true;
    default:
        return false;
    }
}

static void change_view(struct top_view *v, int key)
{
    switch (key) {
    case '\t':
        v->pane = (v->pane + 1) % PANES;
        break;
    case 's':
        v->sort[v->pane] = (v->sort[v->pane] + 1) % SORTS;
        break;
    case 'g':
        v->guards = !v->guards;
        break;
    case 't':
        v->step = v->step == 1 ? 5 : v->step == 5 ? 30 : 1;
        break;
    case 'p':
        v->paused = !v->paused;
        break;
    case '?':
    case 'h':
        v->help = true;
        break;
    case CTRL_L:
        (void)clearok(curscr, TRUE);
        break;
    default:
        break;
    }
}

bool top_key(struct top *t, struct top_view *v, int key, void (*order)(void *arg, const char *line),
             void *arg)
{
    const struct orders o = {order, arg};
    if (key == 'q')
        return false;
    if (v->help) {
        v->help = key == KEY_RESIZE;
        return true;
    }
    if (key != KEY_RESIZE)
        t->said[0] = 0;
    if (move_by(t, v, key))
        return true;
    if (key == 'c')
        close_selected(t, v, &o);
    else if (key == 'r')
        rebuild_selected(t, v, &o);
    else if (key == 'n')
        o.order(o.arg, "SIGNAL NEWNYM");
    else
        change_view(v, key);
    return true;
}
