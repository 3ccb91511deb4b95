/* JSON: the parsed form of documents, for scripts.
 *
 * Members are named by the format's keywords. Times are "YYYY-MM-DDTHH:MM:SSZ", numbers are
 * numbers, keys and signatures are base64 as they stand in the document, fingerprints upper-case
 * hex. Lines that may come once are a member each, lines that may come more often a list. What the
 * format does not define, or what is malformed, is kept as it stands under "unrecognized"; so any
 * text has a JSON form. Bytes that are no UTF-8 are taken for Latin-1. */
#ifndef TUNIC_DOCS_JSON_H
#define TUNIC_DOCS_JSON_H

#include <jansson.h>

#include "docs/docs.h"

/* A new reference, or NULL out of memory. First members: "type" ("server-descriptor", as on "@type"
 * lines), "digest" (as the document's name), "verdict" ("good", "bad", "unproven" or null) and, if
 * there is something to say, "why". */
json_t *docs_item_json(const struct docs_item *doc);

#endif
