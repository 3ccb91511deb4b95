/* Directory: documents and HTTP over BEGIN_DIR (dir-spec 4, 6, appendix B). */
#include "check/case_directory.h"
#include "check/sections.h"

static const struct check_case cases[] = {
    {"directory/server-own", CHECK_MUST, "dir-spec B",
     "serves its own descriptor, with the identity that CERTS shows", dir_server_own},
    {"directory/server-signed", CHECK_MUST, "dir-spec 2.1.1",
     "signs its descriptor with its RSA identity", dir_server_signed},
    {"directory/server-ed25519", CHECK_MUST, "dir-spec 2.1.1",
     "signs its descriptor with its Ed25519 identity, which CERTS shows", dir_server_ed25519},
    {"directory/server-published", CHECK_SHOULD, "dir-spec 2.1",
     "made its descriptor within the last day (18 hours and an upload)", dir_server_published},
    {"directory/server-ntor", CHECK_MUST, "dir-spec 2.1.1",
     "answers CREATE2 under the ntor-onion-key of its descriptor", dir_server_ntor},
    {"directory/server-by-fingerprint", CHECK_MUST, "dir-spec B",
     "gives its descriptor by its identity", dir_server_by_fp},
    {"directory/server-by-digest", CHECK_MUST, "dir-spec B",
     "gives its descriptor by the descriptor's digest", dir_server_by_digest},
    {"directory/server-unknown", CHECK_MUST, "dir-spec 6.2",
     "answers 404 if it has none of the descriptors asked for", dir_server_unknown},
    {"directory/extra-own", CHECK_SHOULD, "dir-spec B",
     "serves the extra-info document that its descriptor names", dir_extra_own},
};
const struct check_section check_directory = {"directory", "Directory", cases,
                                              sizeof cases / sizeof *cases};
