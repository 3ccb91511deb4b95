/* Results: what is kept of measurements, a JSON line when one begins and one when it is over, in a
 * file a day: operators grep, copy and rotate them like other logs.
 *
 * The line of the beginning is on disk before the first measuring byte is sent. One without an end
 * was cut short: it is an attempt, and no result. Text here; files are elsewhere. */
#ifndef TUNIC_MEASURE_RESULTS_H
#define TUNIC_MEASURE_RESULTS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/addr.h"
#include "base/err.h"
#include "base/ids.h"
#include "base/text.h"
#include "measure/run.h"

enum {
    RESULTS_LINE_MOST = 256 * 1024,
    RESULTS_NAME_MAX = 32, /* "2026-11-30.jsonl" */
    RESULTS_WORD_MAX = 32,
    RESULTS_ED_MAX = 44, /* base64 of 32 bytes, with its NUL */
    RESULTS_DETAIL_MAX = MEAS_INFO_MAX,
};

/* The name of the file of the day of WALL_S, by UTC. Returns OUT. */
const char *results_file(int64_t wall_s, char out[RESULTS_NAME_MAX]);
/* The same, once it is compressed: "2026-11-30.jsonl.gz". */
const char *results_file_packed(int64_t wall_s, char out[RESULTS_NAME_MAX]);
/* Whether a file's NAME is one of these, and the beginning of its day. */
bool results_file_day(const char *name, int64_t *day_s);

/* A run, and what it was made of. */
struct results_of {
    const struct run *run;
    const struct run_config *config;
};

/* The lines, each with its end, which the caller frees; NULL out of memory. BEGAN_S is when it
 * began; NOW_S is now. */
char *results_begin(const struct results_of *r, int64_t now_s);
char *results_end(const struct results_of *r, const struct run_result *result, int64_t began_s,
                  int64_t now_s);
/* One that was over before anybody was asked anything. */
char *results_refused(const struct run_config *config, const char *why, const char *detail,
                      int64_t now_s);

/* What a line says, as far as it is needed again. */
struct result {
    bool is_end, ok;
    uint32_t id;
    int64_t ts;              /* of the line */
    int64_t began;           /* of an end; 0: nothing had begun */
    char fp[41];             /* upper-case hex; "": not known */
    struct ipport at;        /* family IP_NONE: not known */
    char ed[RESULTS_ED_MAX]; /* base64; "": not known */
    uint64_t bw, x, bg, clamped;
    uint64_t bytes;   /* on the wire, both ways */
    uint64_t counted; /* seconds that count; 0: not known */
    char mode[RESULTS_WORD_MAX], limited_by[RESULTS_WORD_MAX], why[RESULTS_WORD_MAX];
    char detail[RESULTS_DETAIL_MAX];
};

/* Whether NEWER takes OLDER's place, as what the relay carries; both have a figure. One that
 * counted less than a quarter of the seconds, such as a quick try, does not for a day. */
bool results_replaces(const struct result *newer, const struct result *older);

/* Whether it is known what the relay's clients had: relays of tor do not tell. */
static inline bool results_knows_clients(const struct result *r)
{
    return strcmp(r->mode, "flashflow") == 0 || !r->mode[0];
}

/* ERR_MALFORMED: it is no line of ours, or torn. ERR_NOMEM. What stands in the seconds is passed
 * over unread: they are nearly all of a line, and weeks of lines are read at a start. */
MUST_USE err_t results_parse(struct text line, struct result *out);
/* The same of all that the line has: the caller has OBJECT then. */
MUST_USE err_t results_read(struct text line, struct result *out, json_t **object);

#endif
