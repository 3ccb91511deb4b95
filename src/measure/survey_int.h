/* What a survey is made of. */
#ifndef TUNIC_MEASURE_SURVEY_INT_H
#define TUNIC_MEASURE_SURVEY_INT_H

#include <jansson.h>

#include "measure/survey.h"

enum { SURVEY_KEY_MAX = IPPORT_TEXT_MAX > 41 ? IPPORT_TEXT_MAX : 41, SURVEY_LARGEST = 6 };

struct survey_relay {
    char key[SURVEY_KEY_MAX]; /* fingerprint, or address */
    char nickname[NICKNAME_MAX + 1];
    struct result good, newest; /* .ts 0: there is none */
    uint64_t p10, p90;
    json_t *sec; /* of the good one; may be NULL */
    unsigned runs;
    bool is_listed, is_described, is_unmeasured;
    uint64_t weight, advertised, average; /* bytes/s */
};

struct survey {
    int64_t now_s;
    void *tree; /* of relays by key, for tsearch() */
    struct survey_relay **relays;
    size_t n, n_listed;
    struct docw runs;
};

/* By what they carry, the largest first. */
void survey_sort(const struct survey *s);

void survey_write_page(const struct survey *s, struct docw *w);
void survey_write_plots(const struct survey *s, struct docw *w);

#endif
