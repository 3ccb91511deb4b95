#include "check/sections.h"

const struct check_section *const check_sections[] = {
    &check_tls,         &check_versions, &check_certs,     &check_auth_challenge,
    &check_netinfo,     &check_order,    &check_padding,   &check_relay,
    &check_circpad,     &check_sendme,   &check_streams,   &check_create_fast,
    &check_create,      &check_ntor,     &check_ntor_v3,   &check_extend,
    &check_relay_early, &check_destroy,  &check_directory, &check_measurement,
    &check_robustness,
};
const size_t check_n_sections = sizeof check_sections / sizeof *check_sections;
