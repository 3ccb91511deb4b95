/* Whom "tunic fetch" asks, and whom it believes: the lists behind --from, --dirport, --fallbacks,
 * --dir-authority, --authorities-from and -f. */
#ifndef TUNIC_APP_FETCH_SOURCES_H
#define TUNIC_APP_FETCH_SOURCES_H

#include "base/addr.h"
#include "base/ids.h"
#include "dir/servers.h"
#include "docs/fallbacks.h"

enum { SOURCES_MOST = 2048, SOURCE_NAME_MAX = 96, SOURCES_WHY = 320 };

enum source_kind {
    SOURCE_ORPORT,    /* BEGIN_DIR */
    SOURCE_DIRPORT,   /* HTTP */
    SOURCE_ANONYMOUS, /* BEGIN_DIR, three hops away, at one relay or another */
};

struct source_spec {
    enum source_kind kind;
    struct ipport addr;
    bool has_rsa, has_ed;
    struct rsa_id rsa;
    struct ed_id ed;
    bool is_authority;
    bool is_given; /* by --from or --dirport: may be an authority, too */
    char name[SOURCE_NAME_MAX];
};

struct sources {
    struct source_spec *list;
    size_t n;
    struct dir_servers servers; /* the network's: authorities and fallbacks */
    struct rsa_id *auths;       /* v3 identities that are believed */
    size_t n_auths;
    /* The same as lines, for a client of this network; NULL: the public network's. */
    char **authority_lines, **fallback_lines; /* end in NULL */
    bool testing;
};

void sources_free(struct sources *s); /* the zero one is fine */

/* All of these: ERR_ARG and WHY (what is wrong with the value, what is wanted), ERR_NOMEM. */

/* "ADDR:PORT[,rsa=FP][,ed25519=B64]" */
MUST_USE err_t sources_add_orport(struct sources *s, const char *value, char why[SOURCES_WHY]);
/* "ADDR:PORT" */
MUST_USE err_t sources_add_dirport(struct sources *s, const char *value, char why[SOURCES_WHY]);
/* A DirAuthority line's value. */
MUST_USE err_t sources_add_authority(struct sources *s, const char *value, char why[SOURCES_WHY]);
/* A file of such lines, with or without the word DirAuthority. */
MUST_USE err_t sources_read_authorities(struct sources *s, const char *path, char why[SOURCES_WHY]);
/* DirAuthority, FallbackDir and TestingTorNetwork of a torrc. */
MUST_USE err_t sources_read_torrc(struct sources *s, const char *path, char why[SOURCES_WHY]);
/* A list of fallbacks, version 2 and later, for fallbacks_free() in any case. Problems go to
 * standard error, unless QUIET. */
MUST_USE err_t sources_read_list(const char *path, bool quiet, struct fallbacks *out,
                                 char why[SOURCES_WHY]);
/* The same, to be asked. Problems go to standard error, unless QUIET. */
MUST_USE err_t sources_read_fallbacks(struct sources *s, const char *path, bool quiet,
                                      char why[SOURCES_WHY]);

/* What was not said: the public network. Then the list to ask, in order. */
MUST_USE err_t sources_complete(struct sources *s, bool anonymous, char why[SOURCES_WHY]);

#endif
