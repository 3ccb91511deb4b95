/* Back-off: how long to leave somebody, or something, alone after failures in a row. */
#ifndef TUNIC_DIR_BACKOFF_H
#define TUNIC_DIR_BACKOFF_H

#include <stdbool.h>
#include <stdint.h>

#include "base/env.h"

/* All zero: nothing failed. */
struct backoff {
    unsigned fails;
    uint64_t last_ms;       /* the wait after the last one */
    uint64_t not_before_us; /* monotonic */
};

/* Nothing failed; the first try is due in FIRST_S. */
void backoff_begin(struct backoff *b, const struct env *env, uint32_t first_s);
/* One more failure, or one more try that others may follow before it fails. No wait is shorter than
 * FIRST_S, which C tor's options call the initial delay. The delays are short in a TESTING network.
 */
void backoff_fail(struct backoff *b, struct env *env, bool testing, uint32_t first_s);
/* The same for whoever did not serve us, which is left alone longer than what was asked of it: that
 * is to be asked of another. (C tor asks one that failed once no other is left.) */
void backoff_fail_server(struct backoff *b, struct env *env, bool testing);
void backoff_ok(struct backoff *b);
bool backoff_due(const struct backoff *b, const struct env *env);

#endif
