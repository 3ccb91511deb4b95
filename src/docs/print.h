/* Documents from their JSON form: json.h the other way round.
 *
 * What a program of the network's own wrote comes out as it was, byte for byte: lines as C tor (and
 * sbws, bandwidth files) writes them, in the order of the form's members; what is "unrecognized"
 * stands where its first line stood. Reading what was printed gives the same form again. */
#ifndef TUNIC_DOCS_PRINT_H
#define TUNIC_DOCS_PRINT_H

#include <jansson.h>

#include "base/err.h"
#include "dirdoc/docw.h"
#include "docs/want.h"

/* Appends the document that FORM describes, with its annotations; what the form says of the
 * document ("digest", "verdict", "why") counts for nothing. ERR_MALFORMED: it is no such form, and
 * WHY has a sentence without a full stop. ERR_NOMEM. */
MUST_USE err_t docs_print(const json_t *form, struct docw *out, char why[DOCS_WHY_MAX]);

#endif
