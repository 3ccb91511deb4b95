/* Survey: what results say of all relays together, as tables, as a page and as a script that plots
 * them. Text here; files are elsewhere. */
#ifndef TUNIC_MEASURE_SURVEY_H
#define TUNIC_MEASURE_SURVEY_H

#include "dir/consensus.h"
#include "dir/descriptor.h"
#include "dirdoc/docw.h"
#include "measure/results.h"

struct survey;

/* NULL out of memory. */
struct survey *survey_new(int64_t now_s);
void survey_free(struct survey *s); /* NULL is fine */

/* Results, the oldest first; ERR_MALFORMED: it is no line of ours; ERR_NOMEM. */
MUST_USE err_t survey_line(struct survey *s, struct text line);
/* Then what else is known of the relays that they name. */
void survey_consensus(struct survey *s, const struct consensus *c);
void survey_descriptor(struct survey *s, const struct descriptor *d);

/* No relay has a run. */
bool survey_is_empty(const struct survey *s);

/* X(enumerator, file's name, what it is) */
#define SURVEY_FILES(X)                                                                 \
    X(SURVEY_PAGE, "index.html", "all of it at a glance")                               \
    X(SURVEY_CSV, "relays.csv", "a line a relay")                                       \
    X(SURVEY_JSON, "relays.json", "the same as JSON")                                   \
    X(SURVEY_RUNS, "runs.csv", "a line a run")                                          \
    X(SURVEY_SECONDS, "seconds.csv", "seconds of the newest run of the largest relays") \
    X(SURVEY_PLOTS, "plots.gp", "what gnuplot is told to make of them")

enum survey_file {
#define X(name, file, what) name,
    SURVEY_FILES(X)
#undef X
        SURVEY_FILES_N
};

const char *survey_file_name(enum survey_file file);
/* All errors latch in W. */
void survey_write(const struct survey *s, enum survey_file file, struct docw *w);

#endif
