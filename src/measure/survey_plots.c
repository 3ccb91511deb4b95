/* What gnuplot is told to make of the tables of a survey. Nothing in it is a relay's own word but
 * letters and digits, and no text is taken for markup. */
#include "measure/survey_int.h"

enum {
    DAY_S = 24 * 3600,
    WIDTH = 960,
    HEIGHT = 480,
    PANEL_HEIGHT = 300,
    MINUTE_S = 60,
    WIDE_FROM_S = 12 * 3600, /* from here on a minute is too narrow to be seen */
    WIDE_S = 120,
    DAYS_TICKED = 12
};

static const char *const names[SURVEY_PLOTS_N] = {
#define X(plot, file, title, how) [plot] = file,
    SURVEY_PLOTS_X(X)
#undef X
};

static bool has_seconds(const struct survey *s)
{
    for (size_t i = 0; i < s->n && i < SURVEY_LARGEST; i++)
        if (s->relays[i]->n_sec)
            return true;
    return false;
}

bool survey_has_plot(const struct survey *s, enum survey_plot plot)
{
    struct survey_sum sum;
    survey_sum(s, &sum);
    switch (plot) {
    case PLOT_HISTORY:
        return s->focus && s->focus->runs;
    case PLOT_FIGURES:
        return sum.n_weights || sum.n_advertised;
    case PLOT_SECONDS:
        return has_seconds(s);
    case PLOT_MEASURERS:
        return s->n_measurers > 0;
    case PLOT_TRUTH:
        return s->n_truth && survey_weight_error(s, SURVEY_OURS) >= 0;
    case PLOT_SLOTS:
    case PLOT_COVERAGE:
    case SURVEY_PLOTS_N:
        break;
    }
    return s->n_runs > 0;
}

/* ---- figures ---- */

/* Both axes from a little under the least to a little over the most. */
static void put_log_range(const struct survey *s, struct docw *w)
{
    struct survey_sum sum;
    survey_sum(s, &sum);
    docw_fmt(w,
             "set logscale xy\nset xrange [%g:%g]\nset yrange [%g:%g]\nset grid\n"
             "set key outside top center horizontal\n",
             survey_mbit(sum.least) / 1.5, survey_mbit(sum.most) * 1.5,
             survey_mbit(sum.least) / 1.5, survey_mbit(sum.most) * 1.5);
}

static void put_cloud(struct docw *w, const char *file, int x, int y, const char *title,
                      const char *color)
{
    docw_fmt(w,
             ", '%s' using ($%d > 0 && $%d > 0 ? $%d*8/1e6 : NaN):($%d*8/1e6) skip 1 with points "
             "%s lc rgb '%s' title '%s'",
             file, x, y, x, y, y % 2 ? "pt 6 ps .9" : "pt 7 ps .5", color, title);
}

static void put_figures(const struct survey *s, struct docw *w)
{
    struct survey_sum sum;
    survey_sum(s, &sum);
    put_log_range(s, w);
    docw_fmt(w, "set title 'What was measured, and what is said of the relays'\n"
                "set xlabel 'measured, Mbit/s'\nset ylabel 'said, Mbit/s'\n"
                "plot x with lines dt 2 lc 'black' title 'the same'");
    if (sum.n_weights)
        put_cloud(w, "relays.csv", 3, 11, "consensus weight", "#ee6677");
    if (sum.n_advertised)
        put_cloud(w, "relays.csv", 3, 12, "advertised by the relay", "#4477aa");
    docw_fmt(w, "\n");
}

/* ---- history ---- */

/* Ranges that are never empty: TO is the last run, most what any carried. */
static void put_history_range(const struct survey *s, struct docw *w)
{
    int64_t from = INT64_MAX, to = 0;
    uint64_t most = 0;
    for (size_t i = 0; i < survey_runs_kept(s); i++) {
        const struct survey_run *run = survey_run(s, i);
        if (run->relay != s->focus)
            continue;
        from = run->ts < from ? run->ts : from;
        to = run->ts > to ? run->ts : to;
        most = run->ok && run->bw > most ? run->bw : most;
    }
    int64_t margin = to > from ? (to - from) / 30 + 10 : 600;
    docw_fmt(w, "set xrange ['%lld':'%lld']\nset yrange [0:%g]\n", (long long)(from - margin),
             (long long)(to + margin), most ? survey_mbit(most) * 1.15 : 1.);
}

static void put_history(const struct survey *s, struct docw *w)
{
    const struct survey_relay *r = s->focus;
    docw_fmt(w, "set title 'Runs of ");
    survey_put_word(w, r->nickname);
    docw_fmt(w,
             "%s%.8s'\nset xdata time\nset timefmt '%%s'\nset format x '%%d %%b %%H:%%M'\n"
             "set xtics rotate by -45\nset rmargin 9\nset xlabel 'time, UTC'\n"
             "set ylabel 'Mbit/s'\nset grid\nset key outside top center horizontal\n",
             r->nickname[0] ? " " : "", r->key);
    put_history_range(s, w);
    docw_fmt(w, "plot 'history.csv' using 1:($3 == 1 ? $4*8/1e6 : NaN) skip 1 with linespoints "
                "pt 7 ps .8 lc rgb '#4477aa' title 'carried', "
                "'' using 1:($3 == 1 ? $5*8/1e6 : NaN) skip 1 with points pt 6 lc rgb '#66ccee' "
                "title 'of that clients', "
                "'' using 1:($3 == 0 ? 0 : NaN) skip 1 with points pt 7 ps .8 lc rgb '#ee6677' "
                "title 'no figure'\n");
}

/* ---- seconds ---- */

static uint64_t highest(const struct survey_relay *r)
{
    uint64_t most = r->good.bw;
    for (size_t i = 0; i < r->n_sec; i++) {
        uint64_t sum = r->sec[i].verified + r->sec[i].trusted + r->sec[i].untrusted;
        most = sum > most ? sum : most;
    }
    return most;
}

/* What is in the front comes last. */
static const struct {
    const char *sum, *how, *title;
} layers[] = {
    {"$3+$4+$5", "boxes lc rgb '#ccbb44'", "claimed"},
    {"$3+$4", "boxes lc rgb '#66ccee'", "believed"},
    {"$3", "boxes lc rgb '#4477aa'", "verified"},
    {"$6", "lines lw 2 lc 'black'", "median"},
};

static void put_relay_seconds(const struct survey_relay *r, bool with_key, struct docw *w)
{
    docw_fmt(w, "set title '");
    survey_put_word(w, r->nickname);
    docw_fmt(w, "%s%.8s: %.1f Mbit/s'\nset yrange [0:%g]\nset xrange [0:%zu]\n%s\nplot ",
             r->nickname[0] ? " " : "", r->key, survey_mbit(r->good.bw),
             survey_mbit(highest(r)) * 1.5 + 1e-3, r->n_sec + 1,
             with_key ? "set key top left Left reverse maxrows 2 samplen 1" : "unset key");
    for (size_t i = 0; i < sizeof layers / sizeof *layers; i++)
        docw_fmt(w,
                 "%s'seconds.csv' using 2:(strcol(1) eq '%s' ? (%s)*8/1e6 : NaN) skip 1 with %s "
                 "title '%s'",
                 i ? ", " : "", r->key, layers[i].sum, layers[i].how, layers[i].title);
    docw_fmt(w, "\n");
}

static void put_seconds(const struct survey *s, struct docw *w)
{
    size_t n = 0, put = 0;
    for (size_t i = 0; i < s->n && i < SURVEY_LARGEST; i++)
        n += s->relays[i]->n_sec ? 1 : 0;
    docw_fmt(w,
             "set multiplot layout %zu,%d title 'What came back verified, what is believed of "
             "clients beside it, what they claimed beyond that'\nset style fill solid\n"
             "set boxwidth 1\nset xlabel 'second'\nset ylabel 'Mbit/s'\n",
             (n + 2) / 3, n < 3 ? (int)n : 3);
    for (size_t i = 0; i < s->n && i < SURVEY_LARGEST; i++)
        if (s->relays[i]->n_sec)
            put_relay_seconds(s->relays[i], put++ == 0, w);
    docw_fmt(w, "unset multiplot\n");
}

/* ---- measurers ---- */

static void put_measurers(const struct survey *s, struct docw *w)
{
    unsigned most = 150;
    for (size_t i = 0; i < s->n_measurers; i++) {
        unsigned p90 = survey_part(s->measurers[i], 90);
        most = p90 > most ? p90 : most;
    }
    docw_fmt(w,
             "set title 'What each measurer had of its part'\nset ylabel '%% of its part'\n"
             "set xlabel 'measurer'\nset yrange [0:%u]\nset xrange [-.6:%g]\nset grid y\n"
             "set boxwidth .4\nset style fill solid .5\n"
             "set key outside top center horizontal\nplot 100 with lines dt 2 lc 'black' title "
             "'all agree', "
             "'measurers.csv' using 0:4:3:7:6:xtic(1) skip 1 with candlesticks lc rgb '#4477aa' "
             "title 'box: half of its runs, whiskers: eight of ten' whiskerbars .5, "
             "'' using 0:5:5:5:5 skip 1 with candlesticks lw 3 lc rgb '#222222' title 'median'\n",
             most + most / 5, (double)s->n_measurers - .4);
}

/* ---- slots ---- */

/* About a dozen ticks. */
static int64_t tick_of(int64_t len)
{
    static const int64_t ticks[] = {60, 120, 300, 600, 900, 1800, 3600};
    for (size_t i = 0; i < sizeof ticks / sizeof *ticks; i++)
        if (len / ticks[i] <= 12)
            return ticks[i];
    return 7200;
}

static void put_slots_axes(const struct survey *s, struct docw *w)
{
    char begin[SURVEY_TIME_MAX], end[SURVEY_TIME_MAX];
    int64_t from, to;
    survey_day(s, &from, &to);
    double most = survey_mbit(survey_slots_most(s));
    docw_fmt(w,
             "set title 'Slots from %s to %s UTC'\nset xdata time\nset timefmt '%%s'\n"
             "set format x '%%H:%%M'\nset xtics %lld rotate by -45\n"
             "set xrange ['%lld':'%lld']\nset yrange [0:%g]\nset xlabel 'time of the day, UTC'\n"
             "set ylabel 'Mbit/s, of what ran at once'\nset grid\n"
             "set key outside top center horizontal\nset style fill solid noborder\n"
             "set boxwidth %d\n",
             survey_when(from, begin), survey_when(to, end), (long long)tick_of(to - from),
             (long long)(from - (to - from) / 50), (long long)(to + (to - from) / 50),
             most > 0 ? most * 1.1 : 1, to - from > WIDE_FROM_S ? WIDE_S : MINUTE_S);
}

static void put_slots(const struct survey *s, struct docw *w)
{
    put_slots_axes(s, w);
    if (s->plan_s && s->capacity)
        docw_fmt(w, "plot %g with lines dt 2 lc 'black' title 'what the team has', ",
                 survey_mbit(s->capacity));
    else
        docw_fmt(w, "plot ");
    if (s->plan_s && !s->is_compact)
        docw_fmt(w, "'slots.csv' using ($1+30):($7*8/1e6) skip 1 with boxes lc rgb '#ddcc77' "
                    "title 'planned', ");
    docw_fmt(w, "'slots.csv' using ($1+30):($5*8/1e6) skip 1 with boxes lc rgb '#bbbbbb' "
                "title 'allotted', "
                "'' using ($1+30):($6*8/1e6) skip 1 with boxes lc rgb '#4477aa' title 'carried', "
                "'' using ($1+30):($3 > $4 ? 0 : 1/0) skip 1 with points pt 7 ps .6 lc rgb "
                "'#ee6677' title 'a run without a figure'\n");
}

/* ---- coverage ---- */

static void put_coverage(const struct survey *s, struct docw *w)
{
    char from[SURVEY_TIME_MAX], to[SURVEY_TIME_MAX];
    int64_t today = s->now_s / DAY_S;
    docw_fmt(w,
             "set multiplot layout 1,2\n"
             "set title 'Coverage by day'\nset ylabel 'relays'\nset yrange [0:%g]\n"
             "set grid\nset key outside top center horizontal\n"
             "set xdata time\nset timefmt '%%Y-%%m-%%d'\nset format x '%%d %%b'\n"
             "set xlabel 'day, UTC'\n",
             (double)survey_days_most(s) * 1.1 + 1);
    docw_fmt(w, "set xtics %u rotate by -45\nset xrange ['%.10s':'%.10s']\n",
             (survey_oldest_day(s) / DAYS_TICKED + 1) * DAY_S,
             survey_when((today - survey_oldest_day(s) - 1) * DAY_S, from),
             survey_when((today + 1) * DAY_S, to));
    docw_fmt(w, "plot 'days.csv' using 1:2 skip 1 with linespoints pt 7 ps .6 lc rgb '#bbbbbb' "
                "title 'tried', "
                "'' using 1:3 skip 1 with linespoints pt 7 ps .6 lc rgb '#4477aa' "
                "title 'measured', "
                "'' using 1:4 skip 1 with linespoints pt 7 ps .6 lc rgb '#228833' "
                "title 'with a figure of 7 days'\n"
                "set xdata\nset format x '%%g'\nunset xtics\nset xtics auto\n"
                "unset key\nset title 'Figures that are younger than that'\nset xlabel 'hours'\n"
                "set ylabel '%% of all figures'\nset yrange [0:105]\nset xrange [0:*]\n"
                "plot 'ages.csv' using 1:3 skip 1 with linespoints pt 7 ps .6 lc rgb '#4477aa' "
                "title 'younger than that'\nunset multiplot\n");
}

/* ---- truth ---- */

static void put_truth(const struct survey *s, struct docw *w)
{
    static const char *const colors[] = {"#4477aa", "#ee6677", "#228833"};
    int n = 0;
    docw_fmt(w, "$errors << EOD\n");
    for (int i = 0; i < SURVEY_SOURCES_N; i++) {
        double error = survey_weight_error(s, (enum survey_source)i);
        if (error >= 0)
            docw_fmt(w, "%d,\"%s\",%.3f\n", n++, survey_source_name((enum survey_source)i),
                     error * 100);
    }
    docw_fmt(w, "EOD\nset multiplot layout 1,2\n");
    put_log_range(s, w);
    docw_fmt(w, "set title 'What is said, and the truth'\nset xlabel 'truth, Mbit/s'\n"
                "set ylabel 'said, Mbit/s'\nplot x with lines dt 2 lc 'black' title 'the same'");
    for (int i = SURVEY_SOURCES_N - 1; i >= 0; i--)
        if (survey_weight_error(s, (enum survey_source)i) >= 0)
            put_cloud(w, "truth.csv", 2, 3 + i, survey_source_name((enum survey_source)i),
                      colors[i]);
    docw_fmt(w,
             "\nunset logscale\nset xrange [-.6:%d.6]\nset yrange [0:*]\nunset key\n"
             "set style fill solid\nset boxwidth .5\nset title 'Network weight error'\n"
             "unset xlabel\nset ylabel '%%'\nset offsets 0,0,graph .1,0\n"
             "plot $errors using 1:3:xtic(2) with boxes lc rgb '#4477aa', "
             "'' using 1:3:(gprintf('%%.1f%%%%', $3)) with labels offset 0,.7\n"
             "unset multiplot\n",
             n - 1);
}

/* ---- all ---- */

static void put_one(const struct survey *s, enum survey_plot plot, struct docw *w)
{
    switch (plot) {
    case PLOT_HISTORY:
        put_history(s, w);
        break;
    case PLOT_FIGURES:
        put_figures(s, w);
        break;
    case PLOT_SECONDS:
        put_seconds(s, w);
        break;
    case PLOT_MEASURERS:
        put_measurers(s, w);
        break;
    case PLOT_SLOTS:
        put_slots(s, w);
        break;
    case PLOT_COVERAGE:
        put_coverage(s, w);
        break;
    case PLOT_TRUTH:
    case SURVEY_PLOTS_N:
        put_truth(s, w);
        break;
    }
}

static int height(const struct survey *s, enum survey_plot plot)
{
    size_t rows = ((s->n < SURVEY_LARGEST ? s->n : SURVEY_LARGEST) + 2) / 3;
    return plot == PLOT_SECONDS && rows > 1 ? (int)rows * PANEL_HEIGHT : HEIGHT;
}

/* Each both ways, for pages and for papers. */
static void put_plot(const struct survey *s, enum survey_plot plot, struct docw *w)
{
    static const char *const kinds[][2] = {
        {"svg", "dynamic background 'white' noenhanced font 'sans,11'"},
        {"pngcairo", "noenhanced font 'sans,10'"},
    };
    for (size_t i = 0; i < 2; i++) {
        docw_fmt(w, "\nreset\nset datafile separator ','\nset terminal %s size %d,%d %s\n",
                 kinds[i][0], WIDTH, height(s, plot), kinds[i][1]);
        docw_fmt(w, "set output '%s.%.3s'\n", names[plot], kinds[i][0]);
        put_one(s, plot, w);
        docw_fmt(w, "unset output\n");
    }
}

void survey_write_plots(const struct survey *s, struct docw *w)
{
    docw_fmt(w, "# gnuplot plots.gp, in this folder, makes each plot as .svg and as .png\n");
    for (int plot = 0; plot < SURVEY_PLOTS_N; plot++)
        if (survey_has_plot(s, (enum survey_plot)plot))
            put_plot(s, (enum survey_plot)plot, w);
}
