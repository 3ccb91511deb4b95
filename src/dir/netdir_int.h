/* Inside of the netdir: shared by netdir.c and netdir_find.c. */
#ifndef TUNIC_DIR_NETDIR_INT_H
#define TUNIC_DIR_NETDIR_INT_H

#include "dir/mdpool.h"
#include "dir/netdir.h"

/* A row by a key of it: the beginning of the key and its number. So a search seldom looks at rows,
 * which are far apart. */
struct entry {
    uint32_t head, row;
};

struct netdir {
    size_t refs;
    struct consensus *c;
    struct mdpool *pool;
    struct entry *by_digest;
    /* Of those with microdescriptors. Made when it is asked for, and again when rows have changed
     * since; NULL: never, or no memory was to be had. */
    struct entry *by_ed;
    size_t n_by_ed;
    struct router **by_name; /* the same; rows' names do not change */
    uint32_t changes, by_ed_changes;
    struct weight_sums *sums[WEIGHT_POSITIONS]; /* made when they are asked for */
    bool family_lists, family_ids; /* which of them the consensus's parameters let count */
    bool coverage_known;
    uint32_t coverage_asked;
    struct netdir_coverage coverage;
};

static inline uint32_t entry_head(const uint8_t *key)
{
    return (uint32_t)key[0] << 24 | (uint32_t)key[1] << 16 | (uint32_t)key[2] << 8 | key[3];
}

/* By their heads. */
void netdir_entries_sort(struct entry *index, size_t n);
/* The first entry with this head; its equals follow. */
size_t netdir_entries_find(const struct entry *index, size_t n, uint32_t head);

#endif
