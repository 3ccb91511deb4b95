/* The little HTTP/1.0 that directory streams speak (dir-spec 5.3, appendix B).
 *
 * One struct dirhttp is one request and its answer: the request's bytes go out, what comes in is
 * fed, dirhttp_end() is told that the stream ended (directory servers answer one request a stream).
 * Pure bytes; the stream is the caller's. */
#ifndef TUNIC_DIR_DIRHTTP_H
#define TUNIC_DIR_DIRHTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"
#include "dir/decompress.h"

enum {
    DIRHTTP_URL_MAX = 22528,     /* of a request's path: 500 digests of microdescriptors */
    DIRHTTP_REQUEST_MAX = 23040, /* whole request head */
    DIRHTTP_HEAD_MAX = 16384,    /* status line and headers of an answer */
};

/* What we take, best first (protocol-map 2k). Only where the server knows anyway who we are. */
#define DIRHTTP_ACCEPT "x-tor-lzma, x-zstd, deflate, gzip, identity"

struct dirhttp_options {
    const char *host;            /* of the Host header: "ADDR" or "ADDR:PORT" */
    int64_t if_modified_since_s; /* 0: none */
    const char *accept;          /* encodings to ask for; NULL: all, best first */
    const char *diff_from;       /* digest of the consensus that is here, in hex; NULL, "": none */
    /* Through a circuit of more than one hop: no header that tells us apart, and no lzma or zstd in
     * the answer. */
    bool anonymous;
};

/* "GET PATH HTTP/1.0" with its headers, NUL-terminated; *LEN is its length. ERR_FULL, ERR_ARG (a
 * character that does not belong into a URL). */
MUST_USE err_t dirhttp_get(const char *path, const struct dirhttp_options *o,
                           char out[DIRHTTP_REQUEST_MAX], size_t *len);

struct dirhttp_reply {
    int status; /* 200, 304, 404, 503 ... */
    char reason[64];
    int64_t date_s; /* the server's clock, or 0 */
    enum dir_encoding encoding;
    struct text body; /* decompressed; views into the struct dirhttp */
};

struct dirhttp;

/* BODY_CAP bounds the body, compressed as well as decompressed. */
MUST_USE err_t dirhttp_new(size_t body_cap, bool anonymous, struct dirhttp **out);
void dirhttp_free(struct dirhttp **h);

/* Called before the answer: its body is wanted as it comes, compressed or not. */
void dirhttp_keep_raw(struct dirhttp *h);

/* ERR_LIMIT, ERR_MALFORMED, ERR_UNSUPPORTED (encoding), ERR_NOMEM; all final. Bytes behind a
 * Content-Length are ignored. */
MUST_USE err_t dirhttp_feed(struct dirhttp *h, const void *bytes, size_t len);
/* Calls for answers whose head somebody else takes apart (app/fetch/httpget.h): the status, each
 * header, and then dirhttp_feed() of the body alone. REASON may hold any bytes. */
MUST_USE err_t dirhttp_take_status(struct dirhttp *h, int status, struct text reason);
MUST_USE err_t dirhttp_take_header(struct dirhttp *h, struct text name, struct text value);
MUST_USE err_t dirhttp_begin_body(struct dirhttp *h);
/* All of a body with a Content-Length is here: the stream need not be waited for. */
bool dirhttp_complete(const struct dirhttp *h);
/* The first body byte has come: a sign of life for progress reports. */
bool dirhttp_in_body(const struct dirhttp *h);
size_t dirhttp_received(const struct dirhttp *h); /* bytes fed so far */
/* How much of the body is there, as it comes, and in all (0: not known). */
size_t dirhttp_body_received(const struct dirhttp *h);
size_t dirhttp_body_length(const struct dirhttp *h);

/* The stream ended: checks and decompresses. ERR_TRUNCATED, errors of decompress.h, or OK. REPLY is
 * valid until dirhttp_free(); its status may be anything. */
MUST_USE err_t dirhttp_end(struct dirhttp *h, struct dirhttp_reply *reply);

/* "Sun, 06 Nov 1994 08:49:37 GMT" */
MUST_USE err_t dirhttp_date(struct text t, int64_t *out);
enum { DIRHTTP_DATE_MAX = 32 };
const char *dirhttp_date_text(int64_t t, char out[DIRHTTP_DATE_MAX]);

#endif
