/* Names of families (proposal 321): how the "family-ids" line of a microdescriptor writes the key
 * that a family's certificates are signed with. */
#ifndef TUNIC_DIR_FAMILYID_H
#define TUNIC_DIR_FAMILYID_H

#include "base/ids.h"

enum { FAMILY_ID_TEXT_MAX = 64 };

/* "ed25519:" and the key in base64 without padding. Returns OUT. Other kinds of names may follow
 * one day: to clients the whole is opaque. */
const char *family_id_text(const struct ed_id *family, char out[FAMILY_ID_TEXT_MAX]);

#endif
