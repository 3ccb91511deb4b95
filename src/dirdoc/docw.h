/* Docw: a writer of directory documents (dir-spec 1.2): lines, objects, signatures over what was
 * written. Grows as needed; the first error latches, and whoever takes the document asks for it. */
#ifndef TUNIC_DIRDOC_DOCW_H
#define TUNIC_DIRDOC_DOCW_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/text.h"
#include "crypto/ed25519.h"
#include "crypto/rsa_key.h"

struct docw {
    char *s;
    size_t len, cap;
    err_t err;
};

/* A part of a document, that stays right when the writer's storage moves. */
struct docw_span {
    size_t at, len;
};

void docw_free(struct docw *w); /* leaves an empty writer; the zero one is fine */
/* The document so far; valid until the next write. Empty after an error. */
struct text docw_text(const struct docw *w);
struct text docw_part(const struct docw *w, struct docw_span span);

void docw_add(struct docw *w, struct text t);
PRINTF_LIKE(2, 3) void docw_fmt(struct docw *w, const char *fmt, ...);
/* "keyword YYYY-MM-DD HH:MM:SS" */
void docw_date(struct docw *w, const char *keyword, int64_t time_s);
void docw_base64(struct docw *w, const void *bytes, size_t len); /* without padding */
void docw_hex(struct docw *w, const void *bytes, size_t len);    /* upper case */
void docw_object(struct docw *w, const char *label, const void *bytes, size_t len);
void docw_rsa_key(struct docw *w, const struct rsa_pub *key);

/* The object in which KEY signs a digest, called LABEL. */
void docw_rsa_sign(struct docw *w, const struct rsa_key *key, const void *digest, size_t len,
                   const char *label);
/* The same for the SHA-1 of what stands from FROM on, which goes to DIGEST too (NULL: unwanted). */
void docw_rsa_sign_from(struct docw *w, size_t from, const struct rsa_key *key, uint8_t *digest);
/* A signature of the SHA-256 of PREFIX and what stands from FROM on, and the line's end. */
void docw_ed_sign_from(struct docw *w, size_t from, const char *prefix,
                       const struct ed_secret *key);

/* Latches E, if nothing went wrong before. */
void docw_fail(struct docw *w, err_t e);

#endif
