/* What the files of the section "directory" share: its cases by document. */
#ifndef TUNIC_CHECK_CASE_DIRECTORY_H
#define TUNIC_CHECK_CASE_DIRECTORY_H

#include "check/pdir.h"

/* ---- case_dirdocs.c: what relays say of themselves ---- */

void dir_server_own(struct trial *t);
void dir_server_signed(struct trial *t);
void dir_server_ed25519(struct trial *t);
void dir_server_published(struct trial *t);
void dir_server_ntor(struct trial *t);
void dir_server_by_fp(struct trial *t);
void dir_server_by_digest(struct trial *t);
void dir_server_unknown(struct trial *t);
void dir_extra_own(struct trial *t);

#endif
