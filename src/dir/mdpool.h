/* What many relays' microdescriptors have in common, kept once: exit-policy summaries and families.
 * Private to the dir layer. Entries are immutable and counted; several netdirs share one pool. */
#ifndef TUNIC_DIR_MDPOOL_H
#define TUNIC_DIR_MDPOOL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/ids.h"
#include "base/text.h"
#include "dir/policy.h"

/* Arguments of the "family" and "family-ids" lines. */
struct router_family {
    const struct rsa_id *rsa; /* ascending */
    size_t n_rsa;
    const struct text *names; /* nicknames */
    size_t n_names;
    const struct text *ids; /* "ed25519:..." and whatever else */
    size_t n_ids;
};

struct mdpool;

struct mdpool *mdpool_new(void); /* NULL: out of memory; held once */
struct mdpool *mdpool_ref(struct mdpool *pool);
void mdpool_unref(struct mdpool **pool);

/* Each returned entry is held once for the caller; NULL in *OUT for empty ARGS. A policy that does
 * not parse is ERR_MALFORMED; a family always makes sense. */
MUST_USE err_t mdpool_policy(struct mdpool *pool, struct text args,
                             const struct exit_summary **out);
MUST_USE err_t mdpool_family(struct mdpool *pool, struct text family, struct text ids,
                             const struct router_family **out);
/* ENTRY is a policy or a family of this pool, or NULL. */
void mdpool_hold(const void *entry);
void mdpool_release(struct mdpool *pool, const void *entry);

bool router_family_has_rsa(const struct router_family *f, const struct rsa_id *rsa);
bool router_family_has_name(const struct router_family *f, struct text nickname);
bool router_family_shares_id(const struct router_family *a, const struct router_family *b);

#endif
