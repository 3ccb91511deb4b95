#include "app/measure/bwfile.h"

#include <stdio.h>
#include <time.h>

#include "app/measure/bwmake.h"
#include "app/measure/reading.h"
#include "app/measure/tool.h"

/* ---- what is said about it ---- */

static int tell(const struct log *log, const struct bwfile_sum *sum)
{
    if (!sum->listed)
        log_warn(log,
                 "%zu relays, and no consensus to say which share of the network that is "
                 "(--consensus, --data-directory): no line is to be voted by.",
                 sum->measured);
    else
        log_notice(log, "%zu of %zu relays have a figure (%zu%%)%s", sum->measured, sum->listed,
                   sum->measured * 100 / sum->listed,
                   sum->votes ? "." : ": less than 60%, and so no line is to be voted by.");
    if (sum->capped)
        log_notice(log, "%zu carry more than they say that they give, and get no more.",
                   sum->capped);
    if (sum->unknown && !sum->listed)
        log_notice(log, "%zu results are of relays that were measured without their fingerprint.",
                   sum->unknown);
    else if (sum->unknown)
        log_notice(log,
                   "%zu results are of relays that the consensus does not have, or that "
                   "were measured without their fingerprint.",
                   sum->unknown);
    return sum->votes ? MEASURE_DONE : MEASURE_NOT_ALL;
}

static int make(const struct bwmake *m)
{
    struct bwmade made;
    err_t e = bwmake(m, &made);
    if (e != OK && made.why[0])
        return tool_complain(MEASURE_NOT_ALL, made.why);
    if (e != OK)
        return MEASURE_NOT_ALL; /* it was told */
    if (made.path[0])
        printf("%s\n", made.path);
    return tell(m->log, &made.sum);
}

int measure_bwfile_main(int argc, char **argv)
{
    struct log log = reading_log();
    struct bwmake m = {.now_s = time(NULL), .log = &log};
    char why[ARG_WHY], link[OUT_PATH_MAX];
    if (offline_parse(OFFLINE_BWFILE, argc, argv, &m.from, why) != OK)
        return tool_complain(MEASURE_USAGE, why);
    if (m.from.help)
        return fputs(offline_bwfile_help, stdout) < 0;
    m.started_s = m.now_s;
    if (m.from.out && snprintf(link, sizeof link, "%s/v3bw", m.from.out) < OUT_PATH_MAX)
        m.link = link;
    else if (m.from.out)
        return tool_complain(MEASURE_USAGE, "--out is too long");
    return make(&m);
}
