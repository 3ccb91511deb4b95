/* Ns: relays as entries of a network-status document, as tor writes them for GETINFO ns/... and for
 * the events NS and NEWCONSENSUS. They are made from the rows of a netdir; no document's text is
 * kept. */
#ifndef TUNIC_CONTROL_NS_H
#define TUNIC_CONTROL_NS_H

#include "base/out.h"
#include "dir/netdir.h"

/* "r", "a" if it has an IPv6 address, "s" and "w", each with its newline. */
void ns_entry(struct text_out *out, const struct router *r);
void ns_entries(struct text_out *out, const struct netdir *nd); /* ND may be NULL */

/* Those of ND's relays that OLD (or NULL) does not have, or has otherwise. */
void ns_changes(struct text_out *out, const struct netdir *old, const struct netdir *nd);

/* The relay that a controller calls NAME: by its fingerprint, or the first that has this nickname,
 * as tor does: several may. NULL: there is none. ND may be NULL. */
const struct router *ns_find(const struct netdir *nd, const char *name);

#endif
