/* Faults of a directory server's documents and of its HTTP, one for each rule that `tunic check`
 * tries; part of the list in faults.h. The occasion is a request of the kind in question. */
#ifndef TUNIC_TESTNET_FAULTS_DIR_H
#define TUNIC_TESTNET_FAULTS_DIR_H

#define FAULTS_DIR_DOCS(X)                                                                        \
    /* documents of relays */                                                                     \
    X(DIR_DESC_FINGERPRINT, "dir-desc-fingerprint", FAULT_FROM,                                   \
      "its descriptor has another fingerprint")                                                   \
    X(DIR_DESC_SIG, "dir-desc-sig", FAULT_FROM, "router-signature of its descriptor is garbled")  \
    X(DIR_DESC_ED_SIG, "dir-desc-ed-sig", FAULT_FROM, "so is router-sig-ed25519")                 \
    X(DIR_DESC_DATE, "dir-desc-date", FAULT_FROM, "its descriptor was published in another year") \
    X(DIR_DESC_NTOR, "dir-desc-ntor", FAULT_FROM, "its descriptor has another ntor-onion-key")    \
    X(DIR_EXTRA_DATE, "dir-extra-date", FAULT_FROM, "its extra-info differs from its digest")     \
    X(DIR_NO_SERVER_FP, "dir-no-server-fp", FAULT_FROM, "knows no descriptor by fingerprint")     \
    X(DIR_NO_SERVER_DIGEST, "dir-no-server-digest", FAULT_FROM, "knows no descriptor by digest")  \
    /* consensuses, key certificates, microdescriptors */                                         \
    X(DIR_FLAVOR_OTHER, "dir-flavor-other", FAULT_FROM, "a consensus of the other flavor")        \
    X(DIR_SIGNERS_NONE, "dir-signers-none", FAULT_FROM, "404 to whoever names signers")           \
    X(DIR_SIGNERS_ASCENDING, "dir-signers-ascending", FAULT_FROM, "or names them out of order")   \
    X(DIR_SIGNERS_WHOLE, "dir-signers-whole", FAULT_FROM, "or does not name them in full")        \
    X(DIR_SIGNERS_ANY, "dir-signers-any", FAULT_FROM, "does not care who is to have signed")      \
    X(DIR_KEYS_DATE, "dir-keys-date", FAULT_FROM, "a key certificate that was changed")           \
    X(DIR_KEYS_OTHER, "dir-keys-other", FAULT_FROM, "the key certificate of another authority")   \
    X(DIR_KEYS_ONE, "dir-keys-one", FAULT_FROM, "one of several key certificates")                \
    X(DIR_MICRO_ONE, "dir-micro-one", FAULT_FROM, "one of several microdescriptors")              \
    X(DIR_MICRO_ALL, "dir-micro-all", FAULT_FROM, "404 if one of several is missing")             \
    X(DIR_EMPTY_200, "dir-empty-200", FAULT_FROM, "200 and nothing instead of 404")

#endif
