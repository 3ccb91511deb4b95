/* tor's `state` file: lines "Key value", kept in order and byte for byte unless they are replaced.
 *
 * What a line means is its owner's business (guards.h: Guard; cbt.h: TotalBuildTimes,
 * CircuitBuildTimeBin, CircuitBuildAbandonedCount); lines that nobody knows survive every rewrite.
 * Bytes in, bytes out: reading and writing the file is done elsewhere. Keys match in any case. */
#ifndef TUNIC_PATH_STATE_H
#define TUNIC_PATH_STATE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/text.h"

struct state;

enum {
    STATE_TEXT_MAX = 4 << 20,
    STATE_LINES_MAX = 20000,
    STATE_LINE_MAX = 65536, /* bytes of one line that state_set() makes */
};

struct state *state_new(void); /* empty; NULL out of memory */
void state_free(struct state **s);

/* DAMAGED: how many lines were left out, for a control character in them or because they are no
 * "Key value"; the others are all there. Comments and empty lines are dropped: they are written
 * anew. ERR_LIMIT: too much to be a state file, nothing of it may be overwritten. ERR_NOMEM. */
MUST_USE err_t state_parse(struct text text, struct state **out, size_t *damaged);

/* The whole file's text, which the caller frees. LastWritten and TorVersion are set. */
MUST_USE err_t state_write(struct state *s, int64_t now_s, const char *version, char **out,
                           size_t *len);

/* The value of the N-th line with KEY, counted from 0, or NULL. Valid until S is changed. */
const char *state_get(const struct state *s, const char *key, size_t nth);
size_t state_count(const struct state *s, const char *key);

/* All lines with KEY make room for N values (0: none), at the place of the first. On error S is as
 * it was. ERR_NOMEM, ERR_LIMIT, ERR_ARG (a newline or another
 * control character in a value). */
MUST_USE err_t state_set(struct state *s, const char *key, const char *const *values, size_t n);

/* "2016-11-29T19:39:31", as in Guard lines. */
enum { STATE_TIME_MAX = 20 };
const char *state_time_text(int64_t t, char out[STATE_TIME_MAX]);
MUST_USE err_t state_time_parse(struct text t, int64_t *out);

#endif
