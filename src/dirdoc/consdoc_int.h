/* Lines that consensuses and votes share. */
#ifndef TUNIC_DIRDOC_CONSDOC_INT_H
#define TUNIC_DIRDOC_CONSDOC_INT_H

#include "dirdoc/consdoc.h"

/* "KEYWORD" and the names of FLAGS */
void consdoc_flags(struct docw *w, const char *keyword, unsigned flags);
/* From "valid-after" to "server-versions" */
void consdoc_times(struct docw *w, const struct consdoc *c);
void consdoc_protocols(struct docw *w);
/* "dir-source" and "contact" */
void consdoc_source(struct docw *w, const struct consdoc_authority *a);
/* "r" and "a"; DIGEST may be NULL. */
void consdoc_row(struct docw *w, const struct consdoc_relay *r, const uint8_t *digest,
                 int64_t published_s, bool nowhere);
/* "s", "v", "pr" */
void consdoc_fact_lines(struct docw *w, const struct consdoc_relay *r);
/* What follows the algorithm's name in a "directory-signature" */
void consdoc_sign_one(struct docw *w, const struct consdoc_authority *a, const uint8_t *digest,
                      size_t len);

#endif
