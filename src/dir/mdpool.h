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

/* What the lines "family" and "family-ids" say. */
struct router_family;

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
/* Of this pool, or NULL. */
void mdpool_hold_policy(const struct exit_summary *p);
void mdpool_hold_family(const struct router_family *f);
void mdpool_release_policy(struct mdpool *pool, const struct exit_summary *p);
void mdpool_release_family(struct mdpool *pool, const struct router_family *f);

/* F may be NULL: none is declared. */
bool router_family_has_rsa(const struct router_family *f, const struct rsa_id *rsa);
bool router_family_has_name(const struct router_family *f, struct text nickname);
size_t router_family_names_len(const struct router_family *f); /* of all names, in bytes */
bool router_family_shares_id(const struct router_family *a, const struct router_family *b);

#endif
