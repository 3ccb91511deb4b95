/* Info: the one table of GETINFO's keys (control-spec 3.9), in which each room has its rows. */
#ifndef TUNIC_CONTROL_INFO_H
#define TUNIC_CONTROL_INFO_H

#include <stdbool.h>

#include "base/out.h"

struct control;

struct info_row {
    const char *name; /* "version", or a prefix, "ns/id/" */
    bool is_prefix;
    const char *text; /* its description in info/names, which is tor's; NULL: it is not listed */
    /* Writes the value of a key, of which REST is what stands behind a prefix ("" else). The reply
     * is 552 for ERR_NOT_FOUND, with *WHY or, without one, `Unrecognized key "x"`; 551 for any
     * other error, with *WHY or "Internal error". *WHY is static. NULL: a row that describes only.
     */
    MUST_USE err_t (*get)(struct control *c, const char *rest, struct text_out *out,
                          const char **why);
};

/* The rooms, each ended by a row without a name. */
extern const struct info_row control_map_info[];
extern const struct info_row control_names_info[];
extern const struct info_row control_signal_info[];
extern const struct info_row control_process_info[];
extern const struct info_row control_conf_info[];
extern const struct info_row control_ns_info[];
extern const struct info_row control_docs_info[];
extern const struct info_row control_status_info[];
extern const struct info_row control_downloads_info[];
extern const struct info_row control_circuit_info[];
extern const struct info_row control_onion_info[];

/* The value of KEY. */
MUST_USE err_t info_get(struct control *c, const char *key, struct text_out *out, const char **why);

#endif
