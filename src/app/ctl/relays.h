/* Which country the relays of circuits are in: asked of the control port once for each. */
#ifndef TUNIC_APP_CTL_RELAYS_H
#define TUNIC_APP_CTL_RELAYS_H

#include "app/ctl/model.h"
#include "app/ctl/tool.h"

enum { CTL_COUNTRY = 4, CTL_RELAYS_MAX = 4096 };

struct ctl_place_of {
    char fingerprint[CTL_FINGERPRINT];
    char country[CTL_COUNTRY]; /* "de", "??" */
    struct ctl_relay relay;    /* an empty address: it is not in the consensus */
};

struct ctl_relays {
    size_t n, cap;
    struct ctl_place_of *list;
};

/* Wants to know of this one; harmless if it is known. Beyond CTL_RELAYS_MAX
 * relays nothing is known. */
MUST_USE err_t ctl_relays_add(struct ctl_relays *r, const char *fingerprint);
/* Asks about all that were added. */
MUST_USE err_t ctl_relays_ask(struct ctl_relays *r, struct ctl_tool *t);
const struct ctl_place_of *ctl_relays_find(const struct ctl_relays *r, const char *fingerprint);
void ctl_relays_free(struct ctl_relays *r);

/* ip-to-country's answer: two letters in lower case, or "??". */
void ctl_country_read(struct text value, char out[CTL_COUNTRY]);

#endif
