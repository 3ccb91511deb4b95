/* The page of a survey: all of it at a glance, whether there are plots or not. It needs no other
 * file to be read, and asks no network for any. */
#include <string.h>

#include "measure/survey_int.h"

/* Results and documents hold what relays said: nothing of it becomes a tag. */
static void put_escaped(struct docw *w, const char *text)
{
    for (; *text; text++)
        switch (*text) {
        case '<':
            docw_add(w, TEXT_LIT("&lt;"));
            break;
        case '>':
            docw_add(w, TEXT_LIT("&gt;"));
            break;
        case '&':
            docw_add(w, TEXT_LIT("&amp;"));
            break;
        case '"':
            docw_add(w, TEXT_LIT("&quot;"));
            break;
        default:
            docw_add(w, *text >= ' ' && *text <= '~' ? (struct text){text, 1} : TEXT_LIT("?"));
        }
}

/* ---- at a glance ---- */

static void put_glance(const struct survey *s, const struct survey_sum *sum, struct docw *w)
{
    char a[SURVEY_TIME_MAX], b[SURVEY_TIME_MAX];
    docw_fmt(w, "<p>%zu relays were tried in %zu runs; %zu have a figure, together %.1f Mbit/s, ",
             sum->tried, s->n_runs, sum->measured, survey_mbit(sum->all));
    docw_fmt(w, "and %zu of these are of the last %d days.", sum->fresh, SURVEY_FRESH_DAYS);
    if (s->n_listed)
        docw_fmt(w, " Of the %zu relays of the consensus <b>%zu (%zu%%)</b> have such a figure.",
                 s->n_listed, sum->listed_fresh, sum->listed_fresh * 100 / s->n_listed);
    docw_fmt(w, " The newest run of %zu gave none.</p>\n", sum->failing);
    if (*s->unverified) {
        docw_fmt(w, "<p class=\"bad\">The consensus was NOT verified: ");
        put_escaped(w, s->unverified);
        docw_fmt(w, ".</p>\n");
    }
    if (sum->measured)
        docw_fmt(w, "<p>The newest figure is of %s UTC, the oldest of %s.</p>\n",
                 survey_when(sum->newest_s, a), survey_when(sum->oldest_s, b));
    if (s->n_begun > s->n_ended)
        docw_fmt(w, "<p>%zu runs began and have no end: they were cut short, or go on.</p>\n",
                 s->n_begun - s->n_ended);
    if (s->n_runs > SURVEY_RUNS_MOST)
        docw_fmt(w, "<p>Of the runs the newest %d are in these tables.</p>\n", SURVEY_RUNS_MOST);
}

static void put_odd(const struct survey *s, struct docw *w)
{
    for (size_t i = 0; i < s->n_measurers; i++)
        if (survey_is_odd(s, s->measurers[i])) {
            docw_fmt(w, "<p class=\"bad\">Measurer ");
            put_escaped(w, s->measurers[i]->name);
            docw_fmt(w,
                     " disagrees with the others in nearly every run: it has %u%% of its part. "
                     "Its line is slow, or its word is wrong.</p>\n",
                     agree_percent(teams_agree(s->teams), s->measurers[i]->name));
        }
}

static void put_errors(const struct survey *s, struct docw *w)
{
    if (!s->n_truth)
        return;
    docw_fmt(w,
             "<h2>Network weight error</h2>\n<table><tr><th>over %zu relays</th>"
             "<th>network weight error</th></tr>\n",
             s->n_truth);
    for (int i = 0; i < SURVEY_SOURCES_N; i++) {
        double error = survey_weight_error(s, (enum survey_source)i);
        docw_fmt(w, "<tr><td>%s</td>", survey_source_name((enum survey_source)i));
        if (error >= 0)
            docw_fmt(w, "<td class=\"n\">%.2f%%</td></tr>\n", error * 100);
        else
            docw_fmt(w, "<td>not known</td></tr>\n");
    }
    docw_fmt(w, "</table>\n");
}

/* ---- plots ---- */

static void put_plots(const struct survey *s, bool plotted, struct docw *w)
{
    static const char *const plots[SURVEY_PLOTS_N][3] = {
#define X(plot, file, title, how) [plot] = {file, title, how},
        SURVEY_PLOTS_X(X)
#undef X
    };
    if (!plotted) {
        docw_fmt(w, "<h2>Plots</h2>\n<p>There are none: gnuplot is not here, or failed. Install it "
                    "(Debian: <code>gnuplot-nox</code>) and run <code>gnuplot plots.gp</code> in "
                    "this folder; their data is in the tables named below.</p>\n");
        return;
    }
    for (int i = 0; i < SURVEY_PLOTS_N; i++)
        if (survey_has_plot(s, (enum survey_plot)i))
            docw_fmt(w,
                     "<h2>%s</h2>\n<p>%s</p>\n<p><img src=\"%s.svg\" alt=\"%s\"><br>"
                     "<a href=\"%s.png\">as PNG</a></p>\n",
                     plots[i][1], plots[i][2], plots[i][0], plots[i][1], plots[i][0]);
    if (!survey_has_plot(s, PLOT_FIGURES))
        docw_fmt(w, "<p>With <code>--consensus</code> and <code>--descriptors</code> (or "
                    "<code>--data-directory</code>) there is also a plot of what is measured "
                    "beside consensus weights and what relays advertise.</p>\n");
}

/* ---- tables ---- */

static void put_reasons(const struct survey *s, struct docw *w)
{
    size_t n[SURVEY_WORDS_MOST] = {0}, failed = 0;
    for (size_t i = 0; i < survey_runs_kept(s); i++) {
        const struct survey_run *run = survey_run(s, i);
        n[run->why] += run->ok ? 0 : 1;
        failed += run->ok ? 0 : 1;
    }
    if (!failed)
        return;
    docw_fmt(w, "<h2>Runs without a figure</h2>\n<table><tr><th>why</th><th>runs</th></tr>\n");
    for (size_t i = 0; i < s->n_words; i++)
        if (n[i]) {
            docw_fmt(w, "<tr><td>");
            put_escaped(w, s->words[i][0] ? s->words[i] : "no reason is known");
            docw_fmt(w, "</td><td class=\"n\">%zu</td></tr>\n", n[i]);
        }
    docw_fmt(w, "</table>\n");
}

static void put_measurers(const struct survey *s, struct docw *w)
{
    if (!s->n_measurers)
        return;
    docw_fmt(w, "<h2>Measurers</h2>\n<table><tr><th>measurer</th><th>runs</th><th>of its part, "
                "median</th><th>half of its runs</th><th>eight of ten</th><th>away, ms</th>"
                "<th></th></tr>\n");
    for (size_t i = 0; i < s->n_measurers; i++) {
        const struct survey_measurer *m = s->measurers[i];
        docw_fmt(w, "<tr><td>");
        put_escaped(w, m->name);
        docw_fmt(w,
                 "</td><td class=\"n\">%zu</td><td class=\"n\">%u%%</td><td>%u to %u%%</td>"
                 "<td>%u to %u%%</td><td class=\"n\">%u</td><td>%s</td></tr>\n",
                 m->n, survey_part(m, 50), survey_part(m, 25), survey_part(m, 75),
                 survey_part(m, 10), survey_part(m, 90), survey_rtt(m),
                 survey_is_odd(s, m) ? "disagrees" : "");
    }
    docw_fmt(w, "</table>\n");
}

/* An empty cell for what is not known. */
static void put_mbit(struct docw *w, bool known, uint64_t bytes, const char *more)
{
    if (known)
        docw_fmt(w, "<td class=\"n\">%.1f%s</td>", survey_mbit(bytes), more);
    else
        docw_fmt(w, "<td></td>");
}

static void put_row(const struct survey_relay *r, struct docw *w)
{
    char time[SURVEY_TIME_MAX];
    bool known = r->good.ts != 0;
    docw_fmt(w, "<tr><td>");
    put_escaped(w, r->nickname);
    docw_fmt(w, "</td><td><code>%s</code></td>", r->key);
    put_mbit(w, known, r->good.bw, "");
    if (known)
        docw_fmt(w, "<td>%.1f to %.1f</td>", survey_mbit(r->p10), survey_mbit(r->p90));
    else
        docw_fmt(w, "<td></td>");
    if (known && !results_knows_clients(&r->good))
        docw_fmt(w, "<td>unknown</td>");
    else
        put_mbit(w, known, r->good.bg, r->good.clamped ? " clamped" : "");
    docw_fmt(w, "<td>%s</td>", r->good.limited_by[0] == 'r' ? "relay" : "");
    docw_fmt(w, "<td>%s</td>", known ? survey_when(r->good.ts, time) : "");
    put_mbit(w, r->is_listed, r->weight, r->is_unmeasured ? " unmeasured" : "");
    put_mbit(w, r->is_described, r->advertised, "");
    put_mbit(w, r->is_described, r->average, "");
    docw_fmt(w, "<td class=\"n\">%u</td><td>", r->runs);
    put_escaped(w, r->newest.why);
    docw_fmt(w, "%s", r->newest.detail[0] ? ": " : "");
    put_escaped(w, r->newest.detail);
    docw_fmt(w, "</td></tr>\n");
}

static void put_relays(const struct survey *s, struct docw *w)
{
    docw_fmt(w, "<h2>Relays</h2>\n<p>Figures in Mbit/s.</p>\n"
                "<table><tr><th>nickname</th><th>relay</th><th>carries</th><th>8 of 10 seconds</th>"
                "<th>of that clients</th><th>limit</th><th>measured, UTC</th><th>weight</th>"
                "<th>advertised</th><th>its own limit</th><th>runs</th>"
                "<th>the newest run failed</th></tr>\n");
    for (size_t i = 0; i < s->n; i++)
        put_row(s->relays[i], w);
    docw_fmt(w, "</table>\n");
}

static void put_files(const struct survey *s, struct docw *w)
{
    static const char *const what[SURVEY_FILES_N] = {
#define X(name, file, is) [name] = is,
        SURVEY_FILES(X)
#undef X
    };
    docw_fmt(w, "<h2>Files</h2>\n<ul>\n");
    for (int i = 0; i < SURVEY_FILES_N; i++)
        if (survey_has(s, (enum survey_file)i))
            docw_fmt(w, "<li><a href=\"%s\">%s</a>: %s</li>\n",
                     survey_file_name((enum survey_file)i), survey_file_name((enum survey_file)i),
                     what[i]);
    docw_fmt(w, "</ul>\n");
}

void survey_write_page(const struct survey *s, bool plotted, struct docw *w)
{
    char time[SURVEY_TIME_MAX];
    struct survey_sum sum;
    survey_sum(s, &sum);
    docw_fmt(w, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
                "<title>What relays carry</title>\n<style>body{font:14px sans-serif;margin:2em}"
                "table{border-collapse:collapse}td,th{padding:2px 8px;text-align:left;"
                "border-bottom:1px solid #ddd}.n{text-align:right}.bad{color:#a00}"
                "img{max-width:100%%}p{max-width:60em}</style></head><body>\n"
                "<h1>What relays carry</h1>\n");
    put_glance(s, &sum, w);
    put_odd(s, w);
    put_errors(s, w);
    put_plots(s, plotted, w);
    put_measurers(s, w);
    put_reasons(s, w);
    put_relays(s, w);
    put_files(s, w);
    docw_fmt(w, "<p>Made %s UTC by <code>tunic measure report</code>.</p>\n</body></html>\n",
             survey_when(s->now_s, time));
}
