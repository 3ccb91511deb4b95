/* Stockside: what `tunic measure run` has besides for relays of unmodified tor: whether they have
 * agreed, the second hop, what their own tor counts, and the words for the result. */
#ifndef TUNIC_APP_MEASURE_STOCKSIDE_H
#define TUNIC_APP_MEASURE_STOCKSIDE_H

#include <stdio.h>

#include "app/measure/hopdoor.h"
#include "app/measure/tool.h"
#include "app/measure/torcontrol.h"
#include "app/measure/whom.h"
#include "measure/local.h"
#include "measure/selfdesc.h"

struct stockside {
    struct tool *tool;
    struct hopdoor *door;
    struct torcontrol *control;
    struct selfdesc *asking;
    /* What was asked of the relay or the exit: the descriptor, which is freed with it. */
    struct selfdesc_answer answer;
    char *proof, *next_proof;
    struct circ_hop_target next;
    bool has_pin;
    struct sha256 pin;
    bool control_waits;
    /* Seconds by the relay's own count, since measuring began. */
    uint64_t read[ESTIMATE_SECONDS_MOST], written[ESTIMATE_SECONDS_MOST];
    unsigned n_counted;
    bool counts;
    char no_control[TORBW_WHY_MAX]; /* why nothing is counted; "": nobody asked for it */
};

/* Runs the loop until all that is needed is there: false, with a complaint. WHOM's identity is
 * filled in if the relay's own word was needed for it. */
bool stockside_begin(struct stockside *s, struct tool *t, struct whom *whom);
/* After a false: nobody was reached at the relay's address. */
bool stockside_unreached(const struct stockside *s);
/* CONFIG's relay may move BYTES_LEFT today; 0: as many as it likes. */
void stockside_fill(const struct stockside *s, struct local_config *config, uint64_t bytes_left);
/* A second of ours is over: from the first on the relay's count, too. */
void stockside_second(struct stockside *s);
void stockside_verdict(const struct stockside *s, FILE *to, const char *name,
                       const struct run_result *result, const struct run *run);
void stockside_end(struct stockside *s); /* the zero one is fine */

#endif
