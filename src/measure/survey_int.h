/* What a survey is made of. */
#ifndef TUNIC_MEASURE_SURVEY_INT_H
#define TUNIC_MEASURE_SURVEY_INT_H

#include <jansson.h>

#include "measure/survey.h"
#include "measure/teams.h"

enum {
    SURVEY_KEY_MAX = IPPORT_TEXT_MAX > 41 ? IPPORT_TEXT_MAX : 41,
    SURVEY_LARGEST = 6,
    SURVEY_WORDS_MOST = 64,
    SURVEY_DAYS_MOST = 64,
    SURVEY_PARTS_MOST = 4096, /* of the newest runs */
    SURVEY_FRESH_DAYS = 7,    /* older figures do not count in a bandwidth file */
    SURVEY_TIME_MAX = 24,
};

struct survey_second {
    uint64_t verified, trusted, untrusted;
};

struct survey_relay {
    char key[SURVEY_KEY_MAX]; /* fingerprint, or address */
    char nickname[NICKNAME_MAX + 1];
    struct result good, newest; /* .ts 0: there is none */
    uint64_t p10, p90;
    struct survey_second *sec; /* of the good one; NULL: not known */
    size_t n_sec;
    unsigned runs;
    uint64_t tried_days, good_days; /* bit K: K days before today */
    bool is_listed, is_described, is_unmeasured, has_truth;
    uint64_t weight, advertised, average, truth; /* bytes/s */
    uint64_t planned;                            /* the same; in the slot that begins then */
    int64_t planned_s;
};

struct survey_run {
    int64_t ts, began; /* BEGAN 0: it did not */
    const struct survey_relay *relay;
    uint64_t bw, bg, alloc;
    uint32_t id;
    uint16_t seconds;              /* that were measured, its last ones */
    uint8_t mode, limited_by, why; /* words */
    bool ok, knows_bg;
};

struct survey_measurer {
    char name[MSG_NAME_MAX + 1];
    unsigned percent[SURVEY_PARTS_MOST], rtt_ms[SURVEY_PARTS_MOST]; /* rings */
    size_t n;
};

struct survey {
    int64_t now_s;
    void *tree; /* of relays by key, for tsearch() */
    struct survey_relay **relays;
    size_t n, n_listed, n_truth;
    char unverified[SURVEY_UNVERIFIED_MAX]; /* why nobody knows whose the consensus is; "": it is */
    struct survey_run *runs;                /* a ring once there are SURVEY_RUNS_MOST */
    size_t n_runs, runs_cap;
    size_t n_begun, n_ended;                         /* of those that had begun */
    char words[SURVEY_WORDS_MOST][RESULTS_WORD_MAX]; /* the first is "" */
    size_t n_words;
    int64_t plan_s; /* when the plan begins; 0: there is none */
    int64_t slot_s;
    bool is_compact;                  /* it says nothing of when slots begin */
    uint64_t capacity;                /* of its team */
    const struct survey_relay *focus; /* NULL: none; else the first once they are sorted */
    struct teams *teams;
    struct survey_measurer *measurers[AGREE_MEASURERS_MOST];
    size_t n_measurers;
};

/* ---- survey.c ---- */

/* The I-th run that is kept, the oldest first. */
const struct survey_run *survey_run(const struct survey *s, size_t i);
size_t survey_runs_kept(const struct survey *s);
/* ERR_LIMIT, ERR_NOMEM. */
MUST_USE err_t survey_find_or_add(struct survey *s, const char *key, struct survey_relay **out);

/* ---- survey_sum.c ---- */

struct survey_sum {
    size_t tried, measured, fresh, listed_fresh, failing;
    int64_t newest_s, oldest_s;     /* of figures */
    size_t n_weights, n_advertised; /* relays that have both */
    uint64_t least, most;           /* of all figures and what is said; 0: none */
    uint64_t all;                   /* figures together */
};

void survey_sum(const struct survey *s, struct survey_sum *out);

enum survey_source { SURVEY_OURS, SURVEY_WEIGHT, SURVEY_ADVERTISED, SURVEY_SOURCES_N };

const char *survey_source_name(enum survey_source source);
/* Network weight error over the relays whose truth is known: half of the sum of |w/W - c/C|; less
 * than 0: the source says nothing. */
double survey_weight_error(const struct survey *s, enum survey_source source);

/* Relays by what they carry, the largest first; what measurers had, ascending: for all that writes,
 * once there are no more results. */
void survey_sort(struct survey *s);

/* P-th of 100, of what a measurer had, of its part; and how far away relays are, in the median. */
unsigned survey_part(const struct survey_measurer *m, unsigned p);
unsigned survey_rtt(const struct survey_measurer *m);
/* Whether it always disagrees with the others. */
bool survey_is_odd(const struct survey *s, const struct survey_measurer *m);

/* What is shown of a day, in whole minutes: from the plan's beginning, or else the first run of the
 * 24 hours that end with the newest one, to the end of the last run; of a plan with times up to
 * now.
 */
void survey_day(const struct survey *s, int64_t *from, int64_t *to);
/* The most that the minutes of it have together of anything, bytes/s. */
uint64_t survey_slots_most(const struct survey *s);
/* The most relays of any day. */
size_t survey_days_most(const struct survey *s);

/* The days since the oldest run, at most SURVEY_DAYS_MOST. */
unsigned survey_oldest_day(const struct survey *s);

/* ---- survey_words.c ---- */

/* A word of a table: nothing that would end it, nor what a spreadsheet would reckon with. */
void survey_put_word(struct docw *w, const char *word);
const char *survey_when(int64_t s, char out[SURVEY_TIME_MAX]);

/* ---- writers ---- */

void survey_write_page(const struct survey *s, bool plotted, struct docw *w);
void survey_write_plots(const struct survey *s, struct docw *w);
void survey_write_slots(const struct survey *s, struct docw *w);
void survey_write_days(const struct survey *s, struct docw *w);
void survey_write_ages(const struct survey *s, struct docw *w);
void survey_write_measurers(const struct survey *s, struct docw *w);
void survey_write_truth(const struct survey *s, struct docw *w);
void survey_write_summary(const struct survey *s, struct docw *w);

static inline double survey_mbit(uint64_t bytes)
{
    return (double)bytes * 8 / 1e6;
}

/* X(name of the files, title, how it is to be read) */
#define SURVEY_PLOTS_X(X)                                                                          \
    X(PLOT_HISTORY, "history", "One relay's runs",                                                 \
      "What the relay that was asked for carried in each run, and what of it was its clients'; a " \
      "red dot is a run without a figure.")                                                        \
    X(PLOT_FIGURES, "figures", "Measured, and what is said",                                       \
      "Each point is a relay. On the dashed line both are the same; below it a relay carries "     \
      "more than is said of it.")                                                                  \
    X(PLOT_SECONDS, "seconds", "Seconds of the largest relays",                                    \
      "What came back and was verified, what is believed of clients beside it, and what was "      \
      "claimed beyond that. The line is the figure: the median.")                                  \
    X(PLOT_MEASURERS, "measurers", "Spread per measurer",                                          \
      "What each measurer had of its part, over its runs: the box has half of them, the "          \
      "whiskers eight of ten, the bar is the median. All are at 100% if they agree.")              \
    X(PLOT_SLOTS, "slots", "Slots of the last day",                                                \
      "What was allotted to the runs that went on at once, the most of each minute, and what the " \
      "relays carried in them.")                                                                   \
    X(PLOT_COVERAGE, "coverage", "Coverage and age",                                               \
      "Left, by day: relays that were tried, that were measured, and that have a figure of the "   \
      "last seven days. Right: how many figures are younger than so many hours.")                  \
    X(PLOT_TRUTH, "truth", "Beside the truth",                                                     \
      "Left: each point is a relay; on the dashed line it is said what it carries. Right: the "    \
      "network weight error, the share of clients that weights send to the wrong relays.")

enum survey_plot {
#define X(name, file, title, how) name,
    SURVEY_PLOTS_X(X)
#undef X
        SURVEY_PLOTS_N
};

bool survey_has_plot(const struct survey *s, enum survey_plot plot);

#endif
