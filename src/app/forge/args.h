/* The command line of `tunic forge`. */
#ifndef TUNIC_APP_FORGE_ARGS_H
#define TUNIC_APP_FORGE_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "app/args.h"
#include "base/err.h"
#include "forge/network.h"

enum forge_kind {
    FORGE_SERVER = 1,
    FORGE_EXTRA_INFO = 2,
    FORGE_MICRODESC = 4,
    FORGE_CONSENSUS = 8,
    FORGE_VOTE = 16,
    FORGE_KEY_CERT = 32,
};

enum {
    FORGE_COUNT_MOST = 100000,
    FORGE_FILES_MOST = 256,
    FORGE_OVERRIDES_MOST = 1024,
};

/* Borrows from argv. Times are INT64_MIN where none was given. */
struct forge_args {
    enum forge_kind kind;
    bool help, unsigned_only;
    const char *out, *seed, *keys;
    unsigned count; /* 0: not given */
    uint32_t phantoms;
    enum spread_kind spread;
    struct forge_relay_wish relay;
    struct edit edit[EDITS_MOST];
    size_t n_edits;
    const char *relay_file[FORGE_FILES_MOST];
    size_t n_relay_files;
    unsigned authorities; /* 0: not given */
    const char *authority_dir[CONSDOC_AUTHORITIES_MOST];
    size_t n_authority_dirs;
    struct forge_override override[FORGE_OVERRIDES_MOST];
    size_t n_overrides;
    const char *params;
    enum consdoc_flavor flavor;
    bool has_signatures;
    uint32_t signatures, vote_s, dist_s;
    int64_t published_s, expires_s, valid_after_s, fresh_until_s, valid_until_s;
};

extern const char forge_help[];

/* ARGV[0] is "forge". ERR_ARG: WHY says which argument is wrong and what to say instead. */
MUST_USE err_t forge_args_parse(int argc, char *const *argv, struct forge_args *out,
                                char why[ARG_WHY]);

#endif
