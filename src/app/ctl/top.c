#include "app/ctl/top.h"

#include <curses.h>
#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "app/ctl/topkeys.h"

enum {
    SECOND_MS = 1000,
    DRAW_MS = 250,       /* between two drawings, but for keys */
    AGAIN_MS = 1000,     /* between two tries to connect */
    PATIENCE_MS = 1500,  /* while connecting: keys are not heard then */
    MESSAGES_MAX = 2000, /* at a time, so that keys are heard in between */
    MESSAGE_MOST = 8 << 20,
};

struct screen {
    struct ctl_tool *tool;
    struct top *top;
    struct top_view view;
    int signals;
    uint64_t next_second_ms, next_try_ms, drawn_ms;
    bool dirty, done;
    int status;
    char trouble[CTL_WHY + 64];
};

/* ---- terminal ---- */

/* What would end us is read, so that the terminal is given back as it was. Ctrl-Z and a new size
 * are ncurses's. */
static int hold_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGQUIT);
    sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void take_colours(struct top_view *v)
{
    if (!has_colors() || start_color() != OK || use_default_colors() != OK)
        return;
    v->colours = true;
    (void)init_pair(PAIR_READ, COLOR_GREEN, -1);
    (void)init_pair(PAIR_WRITTEN, COLOR_CYAN, -1);
    (void)init_pair(PAIR_WARN, COLOR_YELLOW, -1);
}

/* NULL: it is of no kind that is known. */
static SCREEN *take_terminal(struct top_view *v)
{
    (void)setlocale(LC_CTYPE, "");
    v->unicode = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    SCREEN *terminal = newterm(NULL, stdout, stdin);
    if (!terminal)
        return NULL;
    (void)cbreak();
    (void)noecho();
    (void)nonl();
    (void)keypad(stdscr, TRUE);
    (void)nodelay(stdscr, TRUE);
    (void)set_escdelay(25);
    (void)curs_set(0);
    take_colours(v);
    return terminal;
}

/* ---- connection ---- */

static void lost(struct screen *s, const char *why)
{
    /* WHY may be the connection's own. */
    snprintf(s->trouble, sizeof s->trouble, "no connection: %.400s; trying again", why);
    ctl_conn_close(s->tool->conn);
    s->tool->conn = NULL;
    s->next_try_ms = ctl_now_ms() + AGAIN_MS;
    s->view.trouble = s->trouble;
    s->dirty = true;
}

static void try_again(struct screen *s)
{
    struct ctl_tool *t = s->tool;
    char why[CTL_WHY];
    if (ctl_login(&t->place, &t->login, &t->conn, why) != OK) {
        lost(s, why);
        return;
    }
    s->view.trouble = NULL;
    top_begin(s->top);
    s->dirty = true;
}

static void send_wanted(struct screen *s)
{
    char line[TOP_LINE_MAX];
    while (s->tool->conn && top_next(s->top, line))
        if (ctl_send(s->tool->conn, line) != OK)
            lost(s, s->tool->conn->why);
}

static void hear(struct screen *s)
{
    struct ctl_message m;
    int64_t now_s = (int64_t)(ctl_now_ms() / SECOND_MS), wall_s = (int64_t)time(NULL);
    for (int i = 0; s->tool->conn && i < MESSAGES_MAX; i++) {
        err_t e = ctl_take(s->tool->conn, &m);
        if (e == ERR_MORE)
            return;
        if (e != OK)
            lost(s, s->tool->conn->why);
        else
            top_message(s->top, &m, now_s, wall_s);
        s->dirty = true;
    }
}

/* ---- the loop ---- */

static void on_signal(struct screen *s)
{
    struct signalfd_siginfo info;
    if (read(s->signals, &info, sizeof info) != (ssize_t)sizeof info)
        return;
    s->done = true;
    /* Ctrl-C is a key here. */
    s->status = info.ssi_signo == SIGINT ? CTL_DONE : 128 + (int)info.ssi_signo;
}

static void order(void *arg, const char *line)
{
    struct screen *s = arg;
    if (!s->tool->conn || !top_may_order(s->top)) {
        snprintf(s->top->said, sizeof s->top->said, "not now: %s",
                 s->tool->conn ? "it has not answered yet" : "there is no connection");
        return;
    }
    if (ctl_send(s->tool->conn, line) != OK)
        lost(s, s->tool->conn->why);
    else
        top_ordered(s->top, line);
}

static void on_keys(struct screen *s)
{
    int key;
    while ((key = getch()) != ERR) {
        s->done |= !top_key(s->top, &s->view, key, order, s);
        s->dirty = true;
        s->drawn_ms = 0;
    }
}

static void draw(struct screen *s)
{
    uint64_t now = ctl_now_ms();
    if (!s->dirty || now - s->drawn_ms < DRAW_MS || (s->view.paused && s->drawn_ms))
        return;
    s->view.now_s = (int64_t)(now / SECOND_MS);
    s->view.wall_s = (int64_t)time(NULL);
    top_draw(s->top, &s->view);
    s->drawn_ms = now;
    s->dirty = false;
}

static void tick(struct screen *s)
{
    uint64_t now = ctl_now_ms();
    if (!s->tool->conn && now >= s->next_try_ms)
        try_again(s);
    if (now < s->next_second_ms)
        return;
    s->next_second_ms = now + SECOND_MS;
    top_second(s->top);
    s->dirty = true;
}

/* Until something is to be done. */
static void await(struct screen *s)
{
    uint64_t now = ctl_now_ms(), until = s->next_second_ms;
    if (s->dirty && s->drawn_ms + DRAW_MS < until)
        until = s->drawn_ms + DRAW_MS;
    struct pollfd p[] = {{STDIN_FILENO, POLLIN, 0},
                         {s->signals, POLLIN, 0},
                         {s->tool->conn ? s->tool->conn->fd : -1, POLLIN, 0}};
    if (poll(p, sizeof p / sizeof *p, until > now ? (int)(until - now) : 0) < 0)
        return; /* a signal of ncurses's */
    if (p[1].revents)
        on_signal(s);
    if (p[0].revents & (POLLHUP | POLLERR)) {
        s->done = true; /* the terminal has gone */
        s->status = CTL_FAILED;
    }
}

static void run(struct screen *s)
{
    s->next_second_ms = ctl_now_ms();
    top_begin(s->top);
    while (!s->done) {
        hear(s);
        send_wanted(s);
        on_keys(s);
        tick(s);
        draw(s);
        if (!s->done)
            await(s);
    }
}

/* Draws on the terminal until the end, then gives it back. */
static int draw_on_terminal(struct screen *s)
{
    SCREEN *terminal = take_terminal(&s->view);
    if (!terminal)
        return ctl_complain(CTL_FAILED, "this kind of terminal is not known: TERM is \"%.40s\"",
                            getenv("TERM") ? getenv("TERM") : "");
    run(s);
    /* Where a terminal has no second screen the shell goes on in the last line. */
    (void)mvhline(LINES - 1, 0, ' ', COLS);
    (void)refresh();
    (void)endwin();
    delscreen(terminal);
    return s->status;
}

int ctl_cmd_top(struct ctl_tool *t)
{
    struct screen s = {.tool = t, .view = {.place = t->place.text, .step = 5}};
    if (t->args->json)
        return ctl_complain(CTL_USAGE, "top is a screen; \"events BW CIRC STREAM --json\" and "
                                       "\"status --json\" are for programs");
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
        return ctl_complain(CTL_USAGE, "top needs a terminal");
    if (!(s.top = top_new()))
        return ctl_complain(CTL_FAILED, "out of memory");
    t->login.patience_ms = PATIENCE_MS;
    t->login.may_ask = false;
    t->login.most = MESSAGE_MOST;
    s.signals = hold_signals();
    int status = draw_on_terminal(&s);
    if (s.signals >= 0)
        close(s.signals);
    top_free(s.top);
    return status;
}
