/* The name that somebody who mistyped it may have meant. */
#ifndef TUNIC_BASE_NEAREST_H
#define TUNIC_BASE_NEAREST_H

#include <stddef.h>

/* A search: nearest_begin(), nearest_try() for each name there is, and BEST is the answer, NULL if
 * none is near. Names of more than NEAREST_NAME_MAX bytes are nobody's neighbours. */
struct nearest {
    const char *word, *best;
    size_t least; /* edits; a candidate needs fewer */
};

enum { NEAREST_NAME_MAX = 64 };

struct nearest nearest_begin(const char *word);
void nearest_try(struct nearest *n, const char *name);

#endif
