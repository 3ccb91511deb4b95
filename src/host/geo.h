/* Geo: the GeoIP files, read when somebody asks for a country and not before, since they are large,
 * and again when they have changed since. */
#ifndef TUNIC_HOST_GEO_H
#define TUNIC_HOST_GEO_H

#include <sys/stat.h>

#include "base/log.h"
#include "conf/options.h"
#include "dir/geoip.h"

struct geo_file {
    char *path; /* of the file that was read; NULL: none was */
    struct stat as;
    struct geoip *table;
};

struct geo {
    const struct log *log;
    struct geo_file v4, v6;
};

void geo_free(struct geo *g);

/* What O's file for FAMILY says, in *OUT, which is G's and good until the next call. ERR_NOT_FOUND:
 * O names none; ERR_IO (logged at info); ERR_NOMEM. */
MUST_USE err_t geo_read(struct geo *g, const struct options *o, enum ip_family family,
                        struct geoip **out);
/* The same, for countries that O's node lists name; *OUT is NULL if they name none. An error means
 * that what they say cannot be done. */
MUST_USE err_t geo_read_for_nodes(struct geo *g, const struct options *o, struct geoip **out,
                                  struct conf_err *e);

#endif
