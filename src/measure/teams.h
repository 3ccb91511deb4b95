/* Teams: of results, who measured, what each was to give and what came back to it; and who always
 * disagrees with the others (agree.h). */
#ifndef TUNIC_MEASURE_TEAMS_H
#define TUNIC_MEASURE_TEAMS_H

#include "measure/agree.h"
#include "measure/results.h"

enum { TEAMS_PENDING_MOST = 512 }; /* runs at a time */

struct teams_member {
    char name[MSG_NAME_MAX + 1]; /* of the characters that names have, others are "?" */
    uint64_t alloc, recv;        /* bytes/s; bytes */
    unsigned rtt_ms;
};

struct teams_run {
    uint32_t id; /* 0: none */
    size_t n;
    struct teams_member members[RUN_MEMBERS_MOST];
    uint64_t alloc, recv; /* of all; ALLOC is 0 if its beginning was not seen */
};

struct teams; /* all zero: nothing seen */

struct teams *teams_new(void); /* NULL out of memory */
void teams_free(struct teams *t);

/* A line of results as results_read() gave it. Of an end OUT has its run, of a beginning what is
 * allotted. */
void teams_read(struct teams *t, const struct result *r, const json_t *line, struct teams_run *out);
const struct agree *teams_agree(const struct teams *t);
/* Of its part of that run, in percent; 0: nothing can be said. */
unsigned teams_percent(const struct teams_run *run, size_t member);

#endif
