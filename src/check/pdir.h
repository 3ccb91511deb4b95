/* Directory requests in the hands of a case: BEGIN_DIR, bytes as the case wants them, and all that
 * comes back, with the SENDMEs that are due. */
#ifndef TUNIC_CHECK_PDIR_H
#define TUNIC_CHECK_PDIR_H

#include "base/text.h"
#include "check/pcirc.h"
#include "dir/doc.h"

enum { PDIR_ANSWER_MOST = 16 << 20 };

/* An answer: views into BYTES. */
struct pdir_answer {
    struct buf bytes;
    int status;         /* of the status line, 0: there was none */
    struct text head;   /* all header lines, with the status line */
    struct text body;   /* as it came */
    unsigned cells;     /* DATA messages */
    uint8_t end_reason; /* the reason in its END */
};

/* Free with pdir_free(), whatever happened. */
void pdir_free(struct pdir_answer *a); /* the zero one is fine */

/* Sends REQUEST, LEN bytes, on a new stream and takes what comes until END. */
void pdir_ask(struct pcirc *c, const void *request, size_t len, struct pdir_answer *out);
/* "GET PATH HTTP/1.0" with HEADERS, each ended by "\r\n"; "" for none. */
void pdir_get(struct pcirc *c, const char *path, const char *headers, struct pdir_answer *out);
/* The same, and the answer has to have that status: false, and the trial has failed, if not. */
bool pdir_expect(struct pcirc *c, const char *path, const char *headers, int status,
                 struct pdir_answer *out);
/* All that comes on STREAM until END. */
void pdir_take(struct pcirc *c, uint16_t stream, struct pdir_answer *out);

/* The first line that begins with KEYWORD, with its object; the trial fails if there is none. */
bool pdir_item(struct trial *t, struct text doc, const char *keyword, struct doc_item *out);

/* The value of a header, without spaces around it; empty if there is none. */
struct text pdir_header(const struct pdir_answer *a, const char *name);
/* The body, decompressed as Content-Encoding says: false, and the trial has failed, if it cannot
 * be. OUT is the caller's to free(). */
bool pdir_decoded(struct trial *t, const struct pdir_answer *a, char **out, size_t *len);

#endif
