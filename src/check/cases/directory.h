/* What the files of the section "directory" share: its cases by document. */
#ifndef TUNIC_CHECK_CASES_DIRECTORY_H
#define TUNIC_CHECK_CASES_DIRECTORY_H

#include "check/pdir.h"

/* ---- dirdocs.c: what relays say of themselves ---- */

void dir_server_own(struct trial *t);
void dir_server_signed(struct trial *t);
void dir_server_ed25519(struct trial *t);
void dir_server_published(struct trial *t);
void dir_server_ntor(struct trial *t);
void dir_server_by_fp(struct trial *t);
void dir_server_by_digest(struct trial *t);
void dir_server_several(struct trial *t);
void dir_uncached(struct trial *t);
void dir_server_unknown(struct trial *t);
void dir_extra_own(struct trial *t);

/* ---- dircons.c: consensuses, key certificates, microdescriptors ---- */

void dir_consensus_ns(struct trial *t);
void dir_consensus_microdesc(struct trial *t);
void dir_consensus_live(struct trial *t);
void dir_consensus_signed(struct trial *t);
void dir_signers_order(struct trial *t);
void dir_signers_prefix(struct trial *t);
void dir_signers_too_few(struct trial *t);
void dir_keys_all(struct trial *t);
void dir_keys_by_id(struct trial *t);
void dir_keys_by_signing_key(struct trial *t);
void dir_keys_by_both(struct trial *t);
void dir_keys_several(struct trial *t);
void dir_keys_unknown(struct trial *t);
void dir_micro_one(struct trial *t);
void dir_micro_several(struct trial *t);
void dir_micro_unknown(struct trial *t);
void dir_micro_none(struct trial *t);

/* ---- dirhttp.c: requests, headers, encodings ---- */

void dir_encoding_none(struct trial *t);
void dir_encoding_deflate(struct trial *t);
void dir_encoding_gzip(struct trial *t);
void dir_encoding_zstd(struct trial *t);
void dir_encoding_lzma(struct trial *t);
void dir_encoding_unknown(struct trial *t);
void dir_encoding_listed(struct trial *t);
void dir_encoding_accepted(struct trial *t);
void dir_suffix_z(struct trial *t);
void dir_suffix_overridden(struct trial *t);
void dir_header_case(struct trial *t);
void dir_status_line(struct trial *t);
void dir_date(struct trial *t);
void dir_length(struct trial *t);
void dir_type(struct trial *t);
void dir_address(struct trial *t);
void dir_vary(struct trial *t);
void dir_end(struct trial *t);
void dir_modified_not(struct trial *t);
void dir_modified(struct trial *t);
void dir_modified_bad(struct trial *t);
void dir_url_unknown(struct trial *t);
void dir_malformed(struct trial *t);
void dir_head_long(struct trial *t);
void dir_method_unknown(struct trial *t);
void dir_post_unknown(struct trial *t);
void dir_one_answer(struct trial *t);
void dir_in_pieces(struct trial *t);

/* ---- dirdiff.c: consensus diffs ---- */

void dir_diff_current(struct trial *t);
void dir_diff_list(struct trial *t);
void dir_diff_unknown(struct trial *t);
void dir_diff_only_unknown(struct trial *t);
void dir_diff_known(struct trial *t);

#endif
