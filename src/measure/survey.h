/* Survey: what results say of all relays together, as tables, as a page and as a script that plots
 * them. Text here; files are elsewhere.
 *
 * What it keeps is bounded: of each relay its newest figure and its newest run, of each run some
 * numbers, of each measurer its parts in the newest runs. */
#ifndef TUNIC_MEASURE_SURVEY_H
#define TUNIC_MEASURE_SURVEY_H

#include "dir/consensus.h"
#include "dir/descriptor.h"
#include "dirdoc/docw.h"
#include "measure/results.h"

enum {
    SURVEY_RELAYS_MOST = 65536,
    SURVEY_RUNS_MOST = 2 * 1000 * 1000, /* the oldest are left out */
    SURVEY_UNVERIFIED_MAX = 400,
};

struct survey;

/* NULL out of memory. */
struct survey *survey_new(int64_t now_s);
void survey_free(struct survey *s); /* NULL is fine */

/* Results, the oldest first; ERR_MALFORMED: it is no line of ours; ERR_LIMIT: too many relays;
 * ERR_NOMEM. */
MUST_USE err_t survey_line(struct survey *s, struct text line);
/* What relays carry in truth, a line a relay: its fingerprint or address and bytes a second; "#"
 * begins a comment. *BAD lines are passed over. ERR_LIMIT, ERR_NOMEM. */
MUST_USE err_t survey_truth(struct survey *s, struct text truth, unsigned *bad);
/* A coordinator's plan of a period, as it keeps it: slots are those of that, with what was planned.
 * Lines that are none are passed over. ERR_LIMIT, ERR_NOMEM. */
MUST_USE err_t survey_schedule(struct survey *s, struct text plan);
/* Then what else is known of the relays that both name. */
void survey_consensus(struct survey *s, const struct consensus *c);
/* Why nobody knows whose that consensus is: the page says so. */
void survey_unverified(struct survey *s, const char *why);
void survey_descriptor(struct survey *s, const struct descriptor *d);

/* Of one relay more is shown: by its fingerprint (upper-case hex), or if that is "" its address.
 * False: nothing is known of it. */
bool survey_focus(struct survey *s, const char *fp, const struct ipport *at);

/* No relay has a run. */
bool survey_is_empty(const struct survey *s);

/* X(enumerator, file's name, what it is) */
#define SURVEY_FILES(X)                                                                          \
    X(SURVEY_CSV, "relays.csv", "a line a relay")                                                \
    X(SURVEY_JSON, "relays.json", "the same as JSON")                                            \
    X(SURVEY_SUMMARY, "summary.json", "what the page says in numbers")                           \
    X(SURVEY_RUNS, "runs.csv", "a line a run")                                                   \
    X(SURVEY_HISTORY, "history.csv", "the runs of the relay that was asked for")                 \
    X(SURVEY_SECONDS, "seconds.csv", "the seconds of the newest good run of the largest relays") \
    X(SURVEY_MEASURERS, "measurers.csv", "what each measurer had of its part")                   \
    X(SURVEY_SLOTS, "slots.csv", "the minutes of the last day")                                  \
    X(SURVEY_DAYS, "days.csv", "a line a day")                                                   \
    X(SURVEY_AGES, "ages.csv", "how old the figures are")                                        \
    X(SURVEY_TRUTH, "truth.csv", "figures beside what relays carry in truth")                    \
    X(SURVEY_PLOTS, "plots.gp", "what gnuplot makes the plots of")                               \
    X(SURVEY_PAGE, "index.html", "all of it at a glance")

enum survey_file {
#define X(name, file, what) name,
    SURVEY_FILES(X)
#undef X
        SURVEY_FILES_N
};

const char *survey_file_name(enum survey_file file);
/* Whether there is anything to write to it. */
bool survey_has(const struct survey *s, enum survey_file file);
/* All errors latch in W. The page shows the plots only if they are PLOTTED. */
void survey_write(struct survey *s, enum survey_file file, bool plotted, struct docw *w);

#endif
