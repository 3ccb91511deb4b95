/* Relays of `tunic forge`: keys, made or read; descriptors, made or read. */
#ifndef TUNIC_APP_FORGE_RELAYS_H
#define TUNIC_APP_FORGE_RELAYS_H

#include "app/forge/run.h"

/* Makes N relays: their documents go to R's servers, extras and files. */
MUST_USE err_t forge_relays_make(struct forge_run *r, unsigned n);

struct forge_descs {
    struct forge_desc *desc;
    size_t n;
};
/* The descriptors of the files, and of relays that are made (DEFAULT_COUNT of them if none was
 * asked for and there are no files); behind them phantoms. The caller frees them. */
MUST_USE err_t forge_relays_descs(struct forge_run *r, unsigned default_count,
                                  struct forge_descs *out);
void forge_relays_free_descs(struct forge_descs *d);

#endif
