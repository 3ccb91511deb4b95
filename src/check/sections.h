/* The sections, each in a file of its own. */
#ifndef TUNIC_CHECK_SECTIONS_H
#define TUNIC_CHECK_SECTIONS_H

#include "check/check.h"

extern const struct check_section check_tls;
extern const struct check_section check_versions;
extern const struct check_section check_certs;
extern const struct check_section check_auth_challenge;
extern const struct check_section check_netinfo;
extern const struct check_section check_order;
extern const struct check_section check_padding;
extern const struct check_section check_create_fast;
extern const struct check_section check_create;
extern const struct check_section check_ntor;
extern const struct check_section check_ntor_v3;
extern const struct check_section check_extend;
extern const struct check_section check_relay_early;
extern const struct check_section check_destroy;
extern const struct check_section check_directory;
extern const struct check_section check_robustness;
extern const struct check_section check_measurement;
extern const struct check_section check_relay;
extern const struct check_section check_circpad;
extern const struct check_section check_sendme;
extern const struct check_section check_streams;

#endif
