/* The inside of a directory server, for its files and its misdeeds:
 *
 *     dirserv.c          bytes in and out, the answer as it is sent
 *     dirserv_request.c  a request's head
 *     dirserv_route.c    which document a URL names, and whether it may be given */
#ifndef TUNIC_TESTNET_DIRSERV_INT_H
#define TUNIC_TESTNET_DIRSERV_INT_H

#include "base/buf.h"
#include "dirdoc/docw.h"
#include "testnet/dirserv.h"

enum {
    DIRSERV_REQUEST_MAX = 50000, /* as C tor */
    DIRSERV_DIFFS_MOST = 8,
};

struct dirserv {
    const struct dirserv_source *source;
    struct ip peer;
    void (*on_output)(void *arg);
    void *arg;
    struct buf in, out;
    bool answered;
    size_t held; /* bytes at the end of OUT that may not go out yet: a misdeed's doing */
    void *memo;  /* what misdeeds remember of it; theirs, freed in OVER */
};

/* A request for a document, as views into the bytes that came. */
struct dirserv_request {
    struct text url;  /* begins with "/tor/"; without ".z" */
    unsigned accepts; /* 1 << enum dir_encoding */
    int64_t if_modified_since_s;
    uint8_t diff_from[DIRSERV_DIFFS_MOST][32];
    size_t n_diff_from;
    bool z;               /* the URL ended in ".z" */
    bool names_encodings; /* by Accept-Encoding */
    struct text head;     /* all of it */
};

/* HEAD is everything up to the empty line. A status to refuse it with, and why; 0: it is good. */
int dirserv_parse(struct text head, struct dirserv_request *out, const char **reason);

/* What is said of an answer. */
struct dirserv_words {
    const char *version, *date, *type, *encoding, *address;
    size_t len;
    bool vary;
};

struct dirserv_answer {
    int status;
    const char *reason;
    struct docw body;   /* of a 200, unless.. */
    struct text stored; /* ..this is it, which docs keep, in.. */
    enum dir_encoding stored_encoding;
    unsigned encodings; /* encodings that the body may be sent in */
    const char *type;
    int64_t lifetime_s, modified_s; /* 0: not said */
    bool vary;                      /* other answers depend on X-Or-Diff-From-Consensus */
};

/* Finds what R asks for. The caller frees OUT->body. */
void dirserv_route(const struct dirserv_source *source, const struct dirserv_request *r,
                   struct dirserv_answer *out);

/* Where a directory server that is to break the protocol steps in (misdeeds.h): a table is whole,
 * its hooks find their own in S->source->misdeeds_arg. */
struct dirserv_misdeeds {
    /* Some of a request came, and it is not whole. */
    void (*piece)(struct dirserv *s);
    /* A request was read: it is refused with *STATUS and *REASON, or, if that is 0, R is looked
     * for. */
    void (*request)(struct dirserv *s, int *status, const char **reason, struct dirserv_request *r);
    void (*found)(struct dirserv *s, const struct dirserv_request *r, struct dirserv_answer *a);
    /* What is said of a 200. */
    void (*words)(struct dirserv *s, struct dirserv_words *w);
    /* The whole answer is in S->out; what came, in S->in. */
    void (*answer)(struct dirserv *s, const struct dirserv_request *r);
    void (*over)(struct dirserv *s); /* S is about to be freed */
};

/* Refuses what is in S->in with 400. */
void dirserv_refuse(struct dirserv *s, const char *reason);
/* The best of the encodings in SET, which has ENC_IDENTITY: of ones that take long only if the work
 * is kept. */
enum dir_encoding dirserv_best_encoding(unsigned set, bool kept);

#endif
