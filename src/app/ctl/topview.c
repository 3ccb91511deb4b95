#include "app/ctl/topview.h"

#include <curses.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <wchar.h>

#include "app/ctl/toprows.h"

enum { LEAST_ROWS = 12, LEAST_COLUMNS = 40, LINE = 512 };

/* A line of the screen, cut off at its right edge. */
static void PRINTF_LIKE(4, 5) put(int y, int x, int width, const char *fmt, ...)
{
    char text[LINE];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (x < COLS && width > 0)
        (void)mvaddnstr(y, x, text, x + width > COLS ? COLS - x : width);
}

static void put_bar(int y, attr_t how, const char *left, const char *right)
{
    int n = (int)strlen(right);
    (void)attron(how);
    (void)mvhline(y, 0, ' ', COLS);
    put(y, 1, COLS - 2, "%s", left);
    if ((int)strlen(left) + n + 3 < COLS)
        put(y, COLS - n - 1, n, "%s", right);
    (void)attroff(how);
}

/* ---- head ---- */

static void draw_title(const struct top *t, const struct top_view *v)
{
    char left[LINE], right[CTL_SHORT + 64], up[CTL_SHORT] = "?";
    struct tm tm = {0};
    time_t now = (time_t)v->wall_s;
    (void)localtime_r(&now, &tm);
    if (t->up_since_s)
        (void)text_duration(v->now_s - t->up_since_s, up);
    snprintf(left, sizeof left, "tunic ctl top   %.60s at %.100s, up %s%s", t->version, v->place,
             up, v->paused ? "   PAUSED" : "");
    snprintf(right, sizeof right, "%02d:%02d:%02d", tm.tm_hour, tm.tm_min, tm.tm_sec);
    put_bar(0, A_REVERSE | A_BOLD, left, right);
}

/* "guards 1 of 4 up: guard4 de" */
static void describe_guards(const struct top *t, char *out, size_t cap)
{
    unsigned up = 0;
    size_t n;
    for (size_t i = 0; i < t->n_guards; i++)
        up += strcmp(t->guards[i].status, "up") == 0;
    n = (size_t)snprintf(out, cap, "guards %u of %zu up", up, t->n_guards);
    for (size_t i = 0, shown = 0; i < t->n_guards && n < cap; i++) {
        const struct ctl_hop *relay = &t->guards[i].relay;
        if (strcmp(t->guards[i].status, "up") == 0)
            n += (size_t)snprintf(out + n, cap - n, "%s %s %s", shown++ ? "," : ":",
                                  relay->nickname, top_country(t, relay->fingerprint));
    }
}

static void draw_bootstrap(const struct top *t)
{
    char guards[LINE], left[LINE];
    const struct ctl_bootstrap *b = &t->bootstrap;
    describe_guards(t, guards, sizeof guards);
    if (b->tag[0])
        snprintf(left, sizeof left, "bootstrap %u%% (%s): %s%s%s", b->percent, b->tag,
                 b->warning[0] ? b->warning : b->summary, b->reason[0] ? " " : "", b->reason);
    else
        snprintf(left, sizeof left, "bootstrap unknown");
    put(1, 1, COLS - 2, "%s", left);
    int x = (int)strlen(left) + 4, n = (int)strlen(guards);
    put(1, x + n < COLS ? COLS - n - 1 : x, COLS - x, "%s", guards);
}

/* ---- the curve ---- */

/* One character that is EIGHTHS of 8 full. */
static void put_block(int y, int x, unsigned eighths, bool unicode)
{
    static const wchar_t blocks[] = L" \u2581\u2582\u2583\u2584\u2585\u2586\u2587\u2588";
    static const char ascii[] = " ..::||##";
    if (unicode)
        (void)mvaddnwstr(y, x, &blocks[eighths], 1);
    else
        (void)mvaddch(y, x, (chtype)ascii[eighths]);
}

struct curve {
    const char *name;
    bool read;
    int x, width; /* columns */
    uint64_t total;
};

static void draw_label(const struct top *t, const struct curve *c, unsigned step, int y)
{
    unsigned seconds = (unsigned)c->width * step;
    const struct ctl_rates rates = {.name = c->name,
                                    .now = top_peak(t, 1, c->read),
                                    .most = top_peak(t, seconds, c->read),
                                    .total = c->total,
                                    .seconds = seconds};
    char text[CTL_RATES];
    put(y, c->x, c->width, "%s", ctl_rates_text(&rates, (size_t)c->width, text));
}

/* HEIGHT rows from Y on, the label among them. */
static void draw_curve(const struct top *t, const struct top_view *v, const struct curve *c, int y,
                       int height)
{
    uint32_t peak = 0;
    size_t width = (size_t)c->width;
    for (size_t i = 0; i < width; i++) {
        uint32_t rate = top_rate(t, i, width, v->step, c->read);
        peak = rate > peak ? rate : peak;
    }
    draw_label(t, c, v->step, y);
    attr_t colour = v->colours ? (attr_t)COLOR_PAIR(c->read ? PAIR_READ : PAIR_WRITTEN) : A_NORMAL;
    (void)attron(colour);
    for (size_t i = 0; i < width && peak; i++) {
        uint64_t full = (uint64_t)(height - 1) * 8;
        uint64_t level = (full * top_rate(t, i, width, v->step, c->read) + peak - 1) / peak;
        for (int row = 0; row < height - 1; row++) {
            uint64_t below = (uint64_t)(height - 2 - row) * 8;
            uint64_t part = level > below ? level - below : 0;
            put_block(y + 1 + row, c->x + (int)i, part > 8 ? 8 : (unsigned)part, v->unicode);
        }
    }
    (void)attroff(colour);
}

static void draw_curves(const struct top *t, const struct top_view *v, int y, int height)
{
    int width = (COLS - 3) / 2;
    const struct curve read = {"read", true, 1, width, t->read};
    const struct curve written = {"written", false, 2 + width, width, t->written};
    draw_curve(t, v, &read, y, height);
    draw_curve(t, v, &written, y, height);
}

/* ---- rows ---- */

#define CIRCUIT_FORMAT "%4s %-7.7s %-7.7s %3s %-*.*s %s"
#define STREAM_FORMAT  "%4s %-11.11s %7s %-*.*s %-*s %s"

/* "guard4 de > middle1 fr > exit2 us", its names shortened alike until it fits. */
static void path_text(const struct top *t, const struct ctl_circuit *c, int width, char *out,
                      size_t cap)
{
    size_t longest = 19, n;
    do {
        n = 0;
        *out = 0;
        for (size_t i = 0; i < c->n_hops && n < cap; i++) {
            const struct ctl_hop *hop = &c->hops[i];
            const char *name = hop->nickname[0] ? hop->nickname : hop->fingerprint;
            n += (size_t)snprintf(out + n, cap - n, "%s%.*s %s", i ? " > " : "", (int)longest, name,
                                  top_country(t, hop->fingerprint));
        }
    } while ((int)n > width && longest-- > 4);
}

static const char *or_dash(const char *text)
{
    return *text ? text : "-";
}

/* Widths of what differs between a narrow and a wide terminal. */
static int purpose_width(void)
{
    return COLS >= 120 ? 22 : 10;
}

static void draw_circuit(const struct top *t, const struct top_view *v, const struct ctl_circuit *c,
                         int y)
{
    char path[LINE], age[CTL_SHORT] = "-", streams[16];
    int width = purpose_width(), x = 26 + width;
    if (c->created_s)
        (void)text_duration(v->wall_s - c->created_s, age);
    snprintf(streams, sizeof streams, "%u", top_streams_of(t, c->id));
    path_text(t, c, COLS - x - 1, path, sizeof path);
    put(y, 1, COLS - 2, CIRCUIT_FORMAT, c->id, c->status, age, streams, width, width,
        or_dash(c->purpose), path);
}

static void draw_stream(const struct ctl_stream *s, int y)
{
    int width = purpose_width(), target = COLS >= 120 ? 64 : 0;
    put(y, 1, COLS - 2, STREAM_FORMAT, s->id, s->status, strcmp(s->circuit, "0") ? s->circuit : "-",
        width, width, or_dash(s->purpose), target, s->target, target ? s->source : "");
}

static const char *sort_name(const struct top_view *v, enum top_pane pane)
{
    static const char *const names[PANES][SORTS] = {
        {"newest first", "oldest first", "by streams", "by purpose"},
        {"newest first", "oldest first", "by circuit", "by status"}};
    return names[pane][v->sort[pane]];
}

static void draw_head(const struct top *t, const struct top_view *v, enum top_pane pane, int y,
                      size_t n)
{
    char left[LINE], right[96];
    int width = purpose_width();
    bool circuits = pane == PANE_CIRCUITS, more = circuits ? t->more_circuits : t->more_streams;
    if (circuits)
        snprintf(left, sizeof left, CIRCUIT_FORMAT, "ID", "STATUS", "AGE", "STR", width, width,
                 "PURPOSE", "PATH");
    else
        snprintf(left, sizeof left, STREAM_FORMAT, "ID", "STATUS", "CIRCUIT", width, width,
                 "PURPOSE", COLS >= 120 ? 64 : 0, "TARGET", COLS >= 120 ? "FROM" : "");
    snprintf(right, sizeof right, "%zu %s%s%s, %s", n, circuits ? "circuit" : "stream",
             n == 1 ? "" : "s", more ? " and more" : "", sort_name(v, pane));
    put_bar(y, v->pane == pane ? A_REVERSE : A_UNDERLINE, left, right);
}

/* So far that the row that is selected is among ROOM rows. */
static void scroll_to(size_t *scroll, size_t selected, size_t room, size_t n)
{
    if (*scroll + room > n)
        *scroll = n > room ? n - room : 0;
    if (selected < *scroll)
        *scroll = selected;
    else if (room && selected >= *scroll + room)
        *scroll = selected - room + 1;
}

static void draw_row(const struct top *t, const struct top_view *v, enum top_pane pane, size_t at,
                     int y, bool selected)
{
    if (selected) {
        (void)attron(A_REVERSE);
        (void)mvhline(y, 0, ' ', COLS);
    }
    if (pane == PANE_CIRCUITS)
        draw_circuit(t, v, &t->circuits[at], y);
    else
        draw_stream(&t->streams[at], y);
    (void)attroff(A_REVERSE);
}

/* HEIGHT rows from Y on: a head, then rows around the one that is selected. */
static void draw_pane(const struct top *t, struct top_view *v, enum top_pane pane, int y,
                      int height)
{
    struct top_rows rows;
    bool has_keys = v->pane == pane;
    size_t room = height > 1 ? (size_t)height - 1 : 0;
    top_rows(t, v, pane, &rows);
    size_t selected = top_row_selected(t, v, pane, &rows);
    draw_head(t, v, pane, y, rows.n);
    if (has_keys)
        v->page = room;
    scroll_to(&v->scroll[pane], selected, room, rows.n);
    for (size_t i = 0; i < room && v->scroll[pane] + i < rows.n; i++) {
        size_t row = v->scroll[pane] + i;
        draw_row(t, v, pane, rows.at[row], y + 1 + (int)i, has_keys && row == selected);
    }
}

/* ---- log, guards, help ---- */

static void draw_log(const struct top *t, const struct top_view *v, int y, int height)
{
    put_bar(y, A_UNDERLINE, "log", "g: guards");
    for (int i = 0; i < height - 1; i++) {
        uint64_t back = (uint64_t)(height - 1 - i);
        if (back > t->n_log || back > TOP_LOG_MAX)
            continue;
        const struct top_log *l = &t->log[(t->n_log - back) % TOP_LOG_MAX];
        struct tm tm = {0};
        time_t at = (time_t)l->at_s;
        bool loud = l->level != 'n';
        (void)localtime_r(&at, &tm);
        attr_t how = !loud ? A_NORMAL : v->colours ? (attr_t)COLOR_PAIR(PAIR_WARN) : A_BOLD;
        (void)attron(how);
        put(y + 1 + i, 1, COLS - 2, "%02d:%02d:%02d %s%s", tm.tm_hour, tm.tm_min, tm.tm_sec,
            l->level == 'w'   ? "[warn] "
            : l->level == 'e' ? "[err] "
                              : "",
            l->text);
        (void)attroff(how);
    }
}

static void draw_guards(const struct top *t, int y, int height)
{
    put_bar(y, A_UNDERLINE, "guards", "g: log");
    for (int i = 0; i < height - 1 && (size_t)i < t->n_guards; i++) {
        const struct ctl_guard *g = &t->guards[i];
        const struct ctl_place_of *p = ctl_relays_find(&t->relays, g->relay.fingerprint);
        put(y + 1 + i, 1, COLS - 2, "%-19s %-15s %s %-15s %s", g->relay.nickname, g->status,
            top_country(t, g->relay.fingerprint), p ? p->relay.address : "", g->relay.fingerprint);
    }
}

static void draw_help(void)
{
    static const char *const lines[] = {
        "up, down, j, k      select a circuit or a stream",
        "PgUp, PgDn          a page; Home, End: the first, the last",
        "Tab                 circuits or streams have the keys",
        "c                   close what is selected",
        "r                   rebuild: close the circuit and build another one",
        "n                   new identity: new connections take new circuits",
        "s                   sort otherwise",
        "g                   guards in place of the log, and back",
        "t                   1, 5 or 30 seconds a column of the curve",
        "p                   pause: nothing is drawn anew until p",
        "^L                  draw all anew",
        "q, ^C               quit",
        "",
        "Countries come from the program's own GeoIP files. Nothing is written.",
        "Any key goes back.",
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        put(3 + (int)i, 3, COLS - 4, "%s", lines[i]);
}

static void draw_foot(const struct top *t, const struct top_view *v)
{
    if (v->trouble)
        put_bar(LINES - 1, A_REVERSE | A_BOLD, v->trouble, "");
    else if (t->said[0])
        put_bar(LINES - 1, A_REVERSE, t->said, "? help");
    else
        put_bar(LINES - 1, A_REVERSE,
                "q quit Tab pane c close r rebuild n newnym s sort g guards p pause", "? help");
}

void top_draw(const struct top *t, struct top_view *v)
{
    (void)erase();
    if (LINES < LEAST_ROWS || COLS < LEAST_COLUMNS) {
        put(0, 0, COLS, "%dx%d is too small", COLS, LINES);
        (void)refresh();
        return;
    }
    draw_title(t, v);
    if (v->help) {
        draw_help();
        (void)refresh();
        return;
    }
    int curves = LINES >= 40 ? 8 : LINES >= 20 ? 5 : 3, rest = LINES - 3 - curves;
    int foot = rest / 4 < 3 ? 2 : rest / 4, streams = (rest - foot) * 2 / 5;
    int y = 2;
    draw_bootstrap(t);
    draw_curves(t, v, y, curves);
    y += curves;
    draw_pane(t, v, PANE_CIRCUITS, y, rest - foot - streams);
    y += rest - foot - streams;
    draw_pane(t, v, PANE_STREAMS, y, streams);
    y += streams;
    if (v->guards)
        draw_guards(t, y, foot);
    else
        draw_log(t, v, y, foot);
    draw_foot(t, v);
    (void)refresh();
}
