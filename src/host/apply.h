/* Options as the layers below take them. */
#ifndef TUNIC_HOST_APPLY_H
#define TUNIC_HOST_APPLY_H

#include "client/config.h"
#include "conf/options.h"
#include "socks/front.h"

/* A client_config and what its pointers point to. */
struct applied {
    struct client_config config;
    const char **authorities, **fallbacks, **families, **maps;
};

/* OUT borrows from O. ERR_NOMEM. */
MUST_USE err_t apply_client(const struct options *o, struct applied *out);
void applied_free(struct applied *a);

/* Whether the values that the layers below parse are good: ERR_MALFORMED and WHY. */
MUST_USE err_t apply_check(const struct options *o, struct conf_err *e);

/* What O says of all ports alike; borrows from O. */
struct front_rules apply_rules(const struct options *o, struct front_warnings *warnings);

#endif
