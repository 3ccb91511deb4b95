/* What the files of the directory server share. */
#ifndef TUNIC_TESTNET_DIRSERV_INT_H
#define TUNIC_TESTNET_DIRSERV_INT_H

#include "dirdoc/docw.h"
#include "testnet/dirserv.h"

enum {
    DIRSERV_REQUEST_MAX = 50000, /* as C tor */
    DIRSERV_DIFFS_MOST = 8,
};

/* A request for a document, as views into the bytes that came. */
struct dirserv_request {
    struct text url;  /* begins with "/tor/"; without ".z" */
    unsigned accepts; /* 1 << enum dir_encoding */
    int64_t if_modified_since_s;
    uint8_t diff_from[DIRSERV_DIFFS_MOST][32];
    size_t n_diff_from;
    /* What only faults care for. */
    bool z; /* the URL ended in ".z" */
    bool names_encodings, unknown_encoding, lower_case, conditional;
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
    unsigned encodings; /* that the body may be sent in */
    const char *type;
    int64_t lifetime_s, modified_s; /* 0: not said */
    bool vary;                      /* other answers depend on X-Or-Diff-From-Consensus */
};

/* What is to be served falsely. */
struct dirserv_spoil {
    enum netdocs_lie lie;
    bool wrong_microdescs;
};

/* Finds what R asks for. The caller frees OUT->body. */
void dirserv_route(const struct dirserv_source *source, const struct dirserv_request *r,
                   const struct dirserv_spoil *spoil, struct dirserv_answer *out);

/* dirserv_faults.c: before it is looked for, R is made another request; what is found for it is
 * made wrong; as the node's faults want it. */
void dirserv_misread(const struct dirserv_source *source, struct dirserv_request *r);
/* A status to refuse it with, or what it was refused with (0: not at all). */
int dirserv_misjudge(const struct dirserv_source *source, int status, struct dirserv_request *r);
void dirserv_misname(const struct dirserv_source *source, struct dirserv_words *w);
void dirserv_spoil(const struct dirserv_source *source, const struct dirserv_request *r,
                   struct dirserv_answer *a);

/* The best of the encodings in SET, which has ENC_IDENTITY: of ones that take long only if the work
 * is kept. */
enum dir_encoding dirserv_best_encoding(unsigned set, bool kept);

#endif
