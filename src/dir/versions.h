/* Versions of C tor, and what a consensus's list of recommended ones says of one (dir-spec 3.4.1,
 * client-versions; C tor: tor_version_is_obsolete()). */
#ifndef TUNIC_DIR_VERSIONS_H
#define TUNIC_DIR_VERSIONS_H

#include <stdbool.h>

#include "base/text.h"

enum version_standing {
    VERSION_RECOMMENDED,   /* it is in the list */
    VERSION_OLD,           /* all in the list are newer */
    VERSION_NEW,           /* all are older */
    VERSION_NEW_IN_SERIES, /* of those with the same first three numbers, none is newer */
    VERSION_UNRECOMMENDED, /* some are newer, some older */
    VERSION_NONE_LISTED,
};

/* MINE is "0.4.9.11" or "0.4.9.1-alpha", with whatever behind a space; LIST has commas. What cannot
 * be read in LIST is skipped; a MINE that cannot is unrecommended. */
enum version_standing version_standing(struct text mine, struct text list);
/* "recommended", "obsolete", ...: GETINFO status/version/current's word. */
const char *version_standing_name(enum version_standing standing);

#endif
