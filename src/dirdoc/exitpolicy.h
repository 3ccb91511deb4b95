/* Exit policies of planned relays: "reject *:25,accept *:1-1024", first match counts, and what
 * matches nothing is rejected. Their check, and the short form that consensuses carry. */
#ifndef TUNIC_DIRDOC_EXITPOLICY_H
#define TUNIC_DIRDOC_EXITPOLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/err.h"
#include "base/text.h"

struct exitpolicy_rule {
    bool accept;
    struct ip_net net;
    uint16_t first, last; /* ports */
};

/* Takes the next rule off *REST. ERR_NOT_FOUND at the end, ERR_MALFORMED. */
MUST_USE err_t exitpolicy_next(struct text *rest, struct exitpolicy_rule *out);
MUST_USE err_t exitpolicy_check(const char *policy);
/* An ill-formed policy allows nothing. */
bool exitpolicy_allows(const char *policy, const struct ipport *to);

/* "accept 80,443" or "reject 1-65535", whichever is shorter (dir-spec 3.8.2). A rule about
 * loopback addresses counts as one about all: there are no others in a test network; rules about
 * anything else than those or all don't count. */
enum { EXITPOLICY_SUMMARY_MAX = 1000 };
const char *exitpolicy_summary(const char *policy, char out[EXITPOLICY_SUMMARY_MAX]);
/* The same of a relay of any network: loopback addresses are like others, and rules about less than
 * all addresses count if they reject a large part. */
const char *exitpolicy_summary_public(const char *policy, char out[EXITPOLICY_SUMMARY_MAX]);

#endif
