#include "app/measure/bwfile.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "app/measure/reading.h"
#include "app/measure/tool.h"
#include "app/out.h"
#include "measure/bwfile.h"
#include "tunic/tunic.h"

struct making {
    struct offline_options o;
    struct log log;
    struct bwfile *b;
    int64_t now_s;
    unsigned bad_lines;
};

/* ---- what it is made of ---- */

static err_t on_line(void *arg, struct text line)
{
    struct making *m = arg;
    struct result r;
    err_t e = results_parse(line, &r);
    if (e == ERR_MALFORMED) {
        m->bad_lines++;
        return OK;
    }
    return e == OK ? bwfile_result(m->b, &r) : e;
}

static void on_descriptor(void *arg, const struct descriptor *d)
{
    bwfile_descriptor(arg, d);
}

static err_t gather(struct making *m)
{
    struct consensus *c;
    TRY(reading_consensus(&m->o, &m->log, &c));
    if (c && consensus_liveness(c, m->now_s) == LIVE_EXPIRED)
        log_warn(&m->log, "The consensus is out of date: the relays of another day.");
    err_t e = c ? bwfile_consensus(m->b, c) : OK;
    consensus_free(&c);
    if (e == OK)
        e = reading_descriptors(&m->o, m->now_s, &m->log, on_descriptor, m->b);
    if (e == OK)
        e = reading_results(m->o.results, m->now_s - m->o.max_age_s, &m->log, on_line, m);
    if (m->bad_lines)
        log_warn(&m->log, "%u lines of the results are torn, or none of ours.", m->bad_lines);
    return e;
}

/* ---- where it goes ---- */

/* The link is never missing meanwhile: another one takes its place. */
static err_t link_to(const char *folder, const char *name, char why[OUT_WHY])
{
    char temporary[OUT_PATH_MAX + 64], path[OUT_PATH_MAX + 8];
    snprintf(temporary, sizeof temporary, "%s/.v3bw.tunic-%ld", folder, (long)getpid());
    snprintf(path, sizeof path, "%s/v3bw", folder);
    unlink(temporary);
    if (symlink(name, temporary) == 0 && rename(temporary, path) == 0)
        return OK;
    snprintf(why, OUT_WHY, "cannot make the link %.200s: %s", path, strerror(errno));
    unlink(temporary);
    return ERR_IO;
}

static err_t put_file(struct out *o, const char *text, int64_t now_s)
{
    char name[BWFILE_NAME_MAX];
    TRY(out_file(o, bwfile_name(now_s, name), text_of(text), text_of("")));
    TRY(link_to(o->path, name, o->why));
    TRY(out_finish(o));
    printf("%s/%s\n", o->path, name);
    return OK;
}

static int put(const struct making *m, const char *text)
{
    struct out o;
    char folder[OUT_PATH_MAX];
    snprintf(folder, sizeof folder, "%s/", m->o.out ? m->o.out : "");
    err_t e = out_open(&o, m->o.out ? folder : NULL);
    if (e == OK)
        e = m->o.out ? put_file(&o, text, m->now_s) : out_write(&o, text, strlen(text));
    out_close(&o);
    return e == OK ? MEASURE_DONE : tool_complain(MEASURE_NOT_ALL, o.why);
}

/* ---- what is said about it ---- */

static int tell(const struct making *m, const struct bwfile_sum *sum, int status)
{
    if (!sum->listed)
        log_warn(&m->log,
                 "%zu relays, and no consensus to say which share of the network that is "
                 "(--consensus, --data-directory): no line is to be voted by.",
                 sum->measured);
    else
        log_notice(&m->log, "%zu of %zu relays have a figure (%zu%%)%s", sum->measured, sum->listed,
                   sum->measured * 100 / sum->listed,
                   sum->votes ? "." : ": less than 60%, and so no line is to be voted by.");
    if (sum->capped)
        log_notice(&m->log, "%zu carry more than they say that they give, and get no more.",
                   sum->capped);
    if (sum->unknown && !sum->listed)
        log_notice(&m->log,
                   "%zu results are of relays that were measured without their fingerprint.",
                   sum->unknown);
    else if (sum->unknown)
        log_notice(&m->log,
                   "%zu results are of relays that the consensus does not have, or that "
                   "were measured without their fingerprint.",
                   sum->unknown);
    return status || sum->votes ? status : MEASURE_NOT_ALL;
}

static int make(struct making *m)
{
    struct bwfile_config config = {.version = tunic_version(),
                                   .started_s = m->now_s,
                                   .digits = m->o.digits,
                                   .country = m->o.country};
    struct bwfile_sum sum;
    char *text = NULL;
    err_t e = m->b ? gather(m) : ERR_NOMEM;
    if (e == OK)
        e = bwfile_write(m->b, &config, &text, &sum);
    else if (e == ERR_NOT_FOUND)
        return MEASURE_NOT_ALL; /* it was told */
    if (e == ERR_NOT_FOUND)
        return tool_complain(MEASURE_NOT_ALL, "no relay has a recent result: no file is made");
    if (e != OK)
        return tool_complain(MEASURE_NOT_ALL, err_text(e));
    int status = tell(m, &sum, put(m, text));
    free(text);
    return status;
}

int measure_bwfile_main(int argc, char **argv)
{
    struct making m = {.log = reading_log(), .now_s = time(NULL)};
    char why[ARG_WHY];
    if (offline_parse(OFFLINE_BWFILE, argc, argv, &m.o, why) != OK)
        return tool_complain(MEASURE_USAGE, why);
    if (m.o.help)
        return fputs(offline_bwfile_help, stdout) < 0;
    m.b = bwfile_new(m.now_s, m.o.max_age_s);
    int status = make(&m);
    bwfile_free(m.b);
    return status;
}
