/* The page of a survey, and its plots. */
#include <string.h>
#include <time.h>

#include "measure/survey_int.h"

enum { TIME_MAX = 24 };

static double mbit(uint64_t bytes)
{
    return (double)bytes * 8 / 1e6;
}

static const char *when(int64_t s, char out[TIME_MAX])
{
    struct tm tm;
    time_t t = (time_t)s;
    if (!gmtime_r(&t, &tm) || !strftime(out, TIME_MAX, "%Y-%m-%d %H:%M", &tm))
        memcpy(out, "?", sizeof "?");
    return out;
}

/* Results hold what relays said: nothing of it becomes a tag. */
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
        default:
            docw_add(w, (struct text){text, 1});
        }
}

/* ---- page ---- */

static void put_coverage(const struct survey *s, struct docw *w)
{
    size_t measured = 0, listed = 0;
    int64_t newest = 0, oldest = INT64_MAX;
    char a[TIME_MAX], b[TIME_MAX];
    for (size_t i = 0; i < s->n; i++) {
        const struct survey_relay *r = s->relays[i];
        if (!r->good.ts)
            continue;
        measured++;
        listed += r->is_listed ? 1 : 0;
        newest = r->good.ts > newest ? r->good.ts : newest;
        oldest = r->good.ts < oldest ? r->good.ts : oldest;
    }
    docw_fmt(w, "<p>%zu relays were tried, %zu have a figure", s->n, measured);
    if (s->n_listed)
        docw_fmt(w, ": %zu of the %zu of the consensus, %zu%%", listed, s->n_listed,
                 listed * 100 / s->n_listed);
    docw_fmt(w, ".</p>\n");
    if (measured)
        docw_fmt(w, "<p>The newest figure is of %s UTC, the oldest of %s.</p>\n", when(newest, a),
                 when(oldest, b));
}

static void put_row(const struct survey_relay *r, struct docw *w)
{
    char time[TIME_MAX];
    docw_fmt(w, "<tr><td>%s</td><td><code>%s</code></td>", r->nickname, r->key);
    if (r->good.ts)
        docw_fmt(w, "<td>%.1f</td><td>%.1f to %.1f</td><td>%s</td>", mbit(r->good.bw), mbit(r->p10),
                 mbit(r->p90), when(r->good.ts, time));
    else
        docw_fmt(w, "<td></td><td></td><td></td>");
    docw_fmt(w, "<td>%s</td><td>%llu</td>", r->good.limited_by[0] == 'r' ? "relay" : "",
             (unsigned long long)r->good.clamped);
    if (r->is_listed)
        docw_fmt(w, "<td>%.1f%s</td>", mbit(r->weight), r->is_unmeasured ? " unmeasured" : "");
    else
        docw_fmt(w, "<td></td>");
    if (r->is_described)
        docw_fmt(w, "<td>%.1f</td>", mbit(r->advertised));
    else
        docw_fmt(w, "<td></td>");
    docw_fmt(w, "<td>%u</td><td>", r->runs);
    put_escaped(w, r->newest.why);
    docw_fmt(w, "%s", r->newest.detail[0] ? ": " : "");
    put_escaped(w, r->newest.detail);
    docw_fmt(w, "</td></tr>\n");
}

void survey_write_page(const struct survey *s, struct docw *w)
{
    char time[TIME_MAX];
    docw_fmt(w, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
                "<title>What relays carry</title>\n<style>body{font:14px sans-serif;margin:2em}"
                "td,th{padding:2px 8px;text-align:left;border-bottom:1px solid #ddd}"
                "object{max-width:48em;display:block}</style></head><body>\n"
                "<h1>What relays carry</h1>\n");
    put_coverage(s, w);
    docw_fmt(w, "<p>Tables: <a href=\"relays.csv\">relays.csv</a>, "
                "<a href=\"relays.json\">relays.json</a>, <a href=\"runs.csv\">runs.csv</a>, "
                "<a href=\"seconds.csv\">seconds.csv</a>. Plots are made by gnuplot of "
                "<a href=\"plots.gp\">plots.gp</a>: <a href=\"figures.svg\">figures</a>, "
                "<a href=\"day.svg\">the day</a>, <a href=\"seconds.svg\">seconds</a>.</p>\n");
    docw_fmt(w, "<table><tr><th>nickname</th><th>relay</th><th>Mbit/s</th><th>8 of 10 seconds</th>"
                "<th>measured, UTC</th><th>limit</th><th>clamped s</th><th>weight</th>"
                "<th>advertised</th><th>runs</th><th>the newest run failed</th></tr>\n");
    for (size_t i = 0; i < s->n; i++)
        put_row(s->relays[i], w);
    docw_fmt(w, "</table>\n<p>Made %s UTC.</p>\n</body></html>\n", when(s->now_s, time));
}

/* ---- plots ---- */

/* Each both ways, for pages and for papers. */
static void put_plot(struct docw *w, const char *name, const char *commands)
{
    docw_fmt(w,
             "set terminal svg size 900,500 background 'white'\nset output '%s.svg'\n%s"
             "set terminal pngcairo size 900,500\nset output '%s.png'\n%s"
             "unset output\nunset multiplot\nreset\nset datafile separator ','\n",
             name, commands, name, commands);
}

static void put_seconds(const struct survey *s, struct docw *w)
{
    struct docw c = {.err = OK};
    size_t n = 0;
    for (size_t i = 0; i < s->n && i < SURVEY_LARGEST; i++)
        n += s->relays[i]->sec ? 1 : 0;
    if (!n)
        return;
    docw_fmt(&c,
             "set multiplot layout %zu,%d\nset style fill solid\nset boxwidth 1\nunset key\n"
             "set yrange [0:*]\n",
             (n + 2) / 3, n < 3 ? (int)n : 3);
    for (size_t i = 0; i < s->n && i < SURVEY_LARGEST; i++) {
        const char *key = s->relays[i]->key;
        if (!s->relays[i]->sec)
            continue;
        docw_fmt(&c, "set title '%s %.8s'\nplot ", s->relays[i]->nickname, key);
        for (int k = 5; k >= 3; k--)
            docw_fmt(&c,
                     "'seconds.csv' using 2:(strcol(1) eq '%s' ? (%s)*8/1e6 : NaN) skip 1 "
                     "with boxes, ",
                     key,
                     k == 5   ? "$3+$4+$5"
                     : k == 4 ? "$3+$4"
                              : "$3");
        docw_fmt(&c,
                 "'seconds.csv' using 2:(strcol(1) eq '%s' ? $6*8/1e6 : NaN) skip 1 with lines "
                 "lw 2 lc 'black'\n",
                 key);
    }
    docw_fmt(&c, "unset multiplot\n");
    docw_add(&c, (struct text){"", 1});
    if (c.err == OK)
        put_plot(w, "seconds", docw_text(&c).s);
    else
        docw_fail(w, c.err);
    docw_free(&c);
}

void survey_write_plots(const struct survey *s, struct docw *w)
{
    docw_fmt(w, "# gnuplot plots.gp, in this folder: figures, day, seconds, as .svg and .png\n"
                "set datafile separator ','\n");
    put_plot(w, "figures",
             "set logscale xy\nset xlabel 'measured, Mbit/s'\nset ylabel 'said, Mbit/s'\n"
             "set key left top\nplot 'relays.csv' using ($3*8/1e6):($11*8/1e6) skip 1 "
             "title 'consensus weight', "
             "'' using ($3*8/1e6):($12*8/1e6) skip 1 title 'advertised', x title 'the same'\n");
    put_plot(w, "day",
             "set xlabel 'hour of the day, UTC'\nset ylabel 'Mbit/s'\nset xrange [0:24]\n"
             "set xtics 2\nplot 'runs.csv' using ((int($1)%86400)/3600.0):($6*8/1e6) skip 1 "
             "with impulses title 'runs'\n");
    put_seconds(s, w);
}
