/* Lists of fallback directories: the C strings in which tor's are published (fallback_dirs.inc,
 * version 2 and later), which stem reads too.
 *
 * Comments of "name=value" make the header: type=fallback, version, timestamp, source. An entry is
 *   "192.0.2.1:80 orport=443 id=FINGERPRINT"      (without the DirPort: the address alone)
 *   " ipv6=[2001:db8::1]:443"
 * then comments with nickname=NAME and extrainfo=0 or 1, one with "=====", and a comma. */
#ifndef TUNIC_DOCS_FALLBACKS_H
#define TUNIC_DOCS_FALLBACKS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/text.h"
#include "dir/servers.h"

enum {
    FALLBACKS_MAX = DIR_SERVERS_MAX,
    FALLBACKS_HEADERS_MAX = 32,
    FALLBACKS_PROBLEMS_MAX = 1000,
    FALLBACKS_TEXT_MAX = 4 << 20,
    FALLBACKS_WHY_MAX = 200,
};

struct fallback {
    struct dir_server server; /* .nickname: from the comment, or "" */
    bool has_nickname;
    bool has_extrainfo, extrainfo;
    unsigned line; /* where it begins, from 1 on */
};

struct fallback_header {
    char *name, *value;
};

struct fallback_problem {
    unsigned line;
    bool warning; /* the entry can be used all the same */
    char text[FALLBACKS_WHY_MAX];
};

struct fallbacks {
    struct fallback *list;
    size_t n;
    struct fallback_header *headers; /* in order */
    size_t n_headers;
    struct fallback_problem *problems; /* by line */
    size_t n_problems;
    size_t n_errors; /* of them, how many are no warnings */
};

/* Parses and checks; OK also for a list full of problems: entries with an error are left out of
 * ->list. Errors: bad syntax; bad or missing address, ORPort or id; an id, or an address and port,
 * that an earlier entry has; a comma missing between entries; no header type=fallback, no version
 * or one older than 2; no entry at all. Warnings: unknown version or keyword; an internal address;
 * no nickname, or a bad one; no comma behind the last entry. ERR_NOMEM, ERR_LIMIT. OUT is the
 * caller's, for fallbacks_free(). */
MUST_USE err_t fallbacks_parse(struct text text, struct fallbacks *out);
void fallbacks_free(struct fallbacks *f); /* the zero one is fine */

/* The list in that form again, with the dividers behind header and comment that stem wants, as a
 * string that the caller frees; NULL out of memory. */
char *fallbacks_write(const struct fallbacks *f);

/* {"headers": {...}, "fallbacks": [...], "problems": [...]}; a new reference, or NULL. */
json_t *fallbacks_json(const struct fallbacks *f);

/* Adds them to SERVERS. */
MUST_USE err_t fallbacks_servers(const struct fallbacks *f, struct dir_servers *servers);

#endif
