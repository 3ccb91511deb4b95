/* Edit: lines of a document replaced, added or left out before it is signed, as stem's create()
 * takes them. */
#ifndef TUNIC_FORGE_EDIT_H
#define TUNIC_FORGE_EDIT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/text.h"
#include "dirdoc/docw.h"

struct edit {
    bool drop;
    struct text keyword;
    struct text item; /* "keyword value", and an object's lines if it has one; borrowed */
};

enum { EDITS_MOST = 256 };

/* "keyword value", without the last newline. ERR_MALFORMED: not one item of a document. */
MUST_USE err_t edit_set(const char *item, struct edit *out);
/* A keyword. ERR_MALFORMED */
MUST_USE err_t edit_drop(const char *keyword, struct edit *out);

/* Changes what stands in W from FROM to TO. All items of a keyword give way to those that are set,
 * in the place of the first; what had no place comes at the end. W->len tells how much the part has
 * grown. An error latches in W. */
void edit_apply(const struct edit *edits, size_t n, struct docw *w, size_t from, size_t to);

#endif
