#include "app/measure/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "app/measure/named.h"
#include "app/measure/pages.h"
#include "app/measure/reading.h"
#include "app/measure/tool.h"
#include "app/measure/votes.h"
#include "app/out.h"
#include "measure/report.h"

struct reporting {
    struct offline_options o;
    struct log log;
    int64_t now_s;
    unsigned bad_lines;
    struct report *report; /* of one relay */
    struct docw text;      /* FlashFlow's lines */
    struct report_begun begun;
};

enum { TEXT_MOST = 64 * 1024 };

static err_t say(struct text text)
{
    struct out o;
    TRY(out_open(&o, NULL));
    return out_write(&o, text.s, text.len);
}

/* ---- lines ---- */

/* A line that is none of ours is passed over, and told of. */
static err_t pass(struct reporting *r, err_t e)
{
    r->bad_lines += e == ERR_MALFORMED ? 1 : 0;
    return e == ERR_MALFORMED ? OK : e;
}

static err_t on_classic(void *arg, struct text line)
{
    struct reporting *r = arg;
    TRY(pass(r, report_classic(&r->begun, line, &r->text)));
    if (docw_text(&r->text).len < TEXT_MOST)
        return OK;
    err_t e = say(docw_text(&r->text)); /* a month of a network is much */
    docw_free(&r->text);
    return e;
}

static err_t on_line(void *arg, struct text line)
{
    struct reporting *r = arg;
    return pass(r, report_line(r->report, line));
}

static int64_t oldest(const struct reporting *r)
{
    return r->now_s - r->o.max_age_s;
}

static err_t classic(struct reporting *r)
{
    TRY(reading_results(r->o.results, oldest(r), &r->log, on_classic, r));
    return say(docw_text(&r->text));
}

/* ---- one relay ---- */

static err_t find(struct reporting *r, const struct consensus *c)
{
    struct ipport at;
    char fp[41];
    TRY(named_find(r->o.relay, c, &r->log, fp, &at));
    r->report = report_new(fp, &at);
    return r->report ? OK : ERR_NOMEM;
}

static void on_descriptor(void *arg, const struct descriptor *d)
{
    report_descriptor(arg, d);
}

static void on_votes(void *arg, struct text votes)
{
    report_votes(arg, votes);
}

static err_t gather(struct reporting *r, const struct consensus *c)
{
    TRY(find(r, c));
    TRY(reading_results(r->o.results, oldest(r), &r->log, on_line, r));
    if (c)
        report_consensus(r->report, c);
    TRY(reading_descriptors(&r->o, r->now_s, &r->log, on_descriptor, r->report));
    return votes_read(&r->o, &r->log, on_votes, r->report);
}

/* It stands where what comes of it is read. */
static err_t say_unverified(const char *why)
{
    struct docw w = {.len = 0};
    docw_fmt(&w, "\nThe consensus was NOT verified: %s.\n", why);
    err_t e = w.err == OK ? say(docw_text(&w)) : w.err;
    docw_free(&w);
    return e;
}

static err_t one_relay(struct reporting *r)
{
    struct consensus *c;
    char *text, unverified[VERIFIED_WHY];
    TRY(reading_consensus(&r->o, &r->log, &c, unverified));
    err_t e = gather(r, c);
    consensus_free(&c);
    if (e != OK)
        return e;
    e = report_text(r->report, r->now_s, &text);
    if (e == ERR_NOT_FOUND)
        log_warn(&r->log, "Nothing is known of \"%.100s\".", r->o.relay);
    if (e == OK)
        e = say(text_of(text));
    if (e == OK && *unverified)
        e = say_unverified(unverified);
    free(text);
    return e;
}

int measure_report_main(int argc, char **argv)
{
    struct reporting r = {.log = reading_log(), .now_s = time(NULL)};
    char why[ARG_WHY];
    if (offline_parse(OFFLINE_REPORT, argc, argv, &r.o, why) != OK)
        return tool_complain(MEASURE_USAGE, why);
    if (r.o.help)
        return fputs(offline_report_help, stdout) < 0;
    err_t e = r.o.classic ? classic(&r) : r.o.relay ? one_relay(&r) : OK;
    if (r.bad_lines)
        log_warn(&r.log, "%u lines of the results are torn, or none of ours.", r.bad_lines);
    report_free(r.report);
    docw_free(&r.text);
    if (e != OK && e != ERR_NOT_FOUND) /* which was told */
        return tool_complain(MEASURE_NOT_ALL, err_text(e));
    if (e == OK && r.o.out)
        return pages_write(&r.o, r.now_s, &r.log);
    return e == OK ? MEASURE_DONE : MEASURE_NOT_ALL;
}
