/* Faults of a directory server's documents and of its HTTP, one for each rule that `tunic check`
 * tries; part of the list in faults.h. The occasion is a request of the kind in question. */
#ifndef TUNIC_FAULTS_LIST_DIR_H
#define TUNIC_FAULTS_LIST_DIR_H

#define FAULTS_DIR(X)                                                                              \
    /* directory; the occasion is a request */                                                     \
    X(DIR_SILENT, "dir-silent", FAULT_FROM, "never answers a request")                             \
    X(DIR_404, "dir-404", FAULT_FROM, "has nothing")                                               \
    X(DIR_503, "dir-503", FAULT_FROM, "is always busy")                                            \
    X(DIR_GARBAGE, "dir-garbage", FAULT_FROM, "bytes that are no HTTP")                            \
    X(DIR_TRUNCATED, "dir-truncated", FAULT_FROM, "half of the body")                              \
    X(DIR_BOMB, "dir-bomb", FAULT_FROM, "a few kB that decompress to a GB")                        \
    X(DIR_CONCATENATED, "dir-concatenated", FAULT_FROM, "a body of many small compressed streams") \
    X(DIR_ZLIB_CUT, "dir-zlib-cut", FAULT_FROM,                                                    \
      "a zlib stream cut before its end, said to be whole")                                        \
    X(DIR_UNSIGNED, "dir-unsigned", FAULT_FROM, "a consensus with one signature")                  \
    X(DIR_BAD_DIGEST_ALG, "dir-bad-digest-alg", FAULT_FROM, "signatures over an unknown digest")   \
    X(DIR_FORGED, "dir-forged", FAULT_FROM, "a consensus changed after it was signed")             \
    X(DIR_OLD, "dir-old", FAULT_FROM, "a consensus that has expired")                              \
    X(DIR_FUTURE, "dir-future", FAULT_FROM, "a consensus from the future")                         \
    X(DIR_WRONG_MICRODESC, "dir-wrong-microdesc", FAULT_FROM, "microdescriptors nobody asked for") \
    X(DIR_STRANGERS, "dir-strangers", FAULT_FROM, "the consensus of another network")              \
    X(DIR_OVERSIZED, "dir-oversized", FAULT_FROM, "more than anybody may take")                    \
    X(DIR_REDIRECT, "dir-redirect", FAULT_FROM, "302, to where it came from")                      \
    X(DIR_YEARS_OFF, "dir-years-off", FAULT_FROM, "a Date of ten years from now")                  \
    X(DIR_BAD_UTF8, "dir-bad-utf8", FAULT_FROM, "bytes over 127 where text belongs")               \
    X(DIR_EVIL_ADDRESS, "dir-evil-address", FAULT_FROM, "relays at 0.0.0.0 in the consensus")      \
    X(DIR_DRIP, "dir-drip", FAULT_FROM, "a body at 1 byte in N seconds")

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
    X(DIR_SERVER_ONE, "dir-server-one", FAULT_FROM, "one of several descriptors")                 \
    X(DIR_CACHED, "dir-cached", FAULT_FROM, "has everything cached for a day")                    \
    X(DIR_EMPTY_200, "dir-empty-200", FAULT_FROM, "200 and nothing instead of 404")

#define FAULTS_DIR_HTTP(X)                                                                         \
    /* encodings */                                                                                \
    X(DIR_UNASKED, "dir-unasked", FAULT_FROM, "deflate to whoever did not ask for it")             \
    X(DIR_NOT_ENCODING, "dir-not-encoding", FAULT_FROM,                                            \
      "does not know encoding N: 1 deflate, 2 gzip, 3 zstd, 4 lzma")                               \
    X(DIR_MISNAMED, "dir-misnamed", FAULT_FROM, "calls every encoding identity")                   \
    X(DIR_UNKNOWN_ENCODING, "dir-unknown-encoding", FAULT_FROM, "400 to unknown encodings")        \
    X(DIR_NO_Z, "dir-no-z", FAULT_FROM, "does not know what .z means")                             \
    X(DIR_Z_ALWAYS, "dir-z-always", FAULT_FROM, "goes by .z more than by Accept-Encoding")         \
    X(DIR_HEADER_CASE, "dir-header-case", FAULT_FROM, "does not know headers in lower case")       \
    /* answers */                                                                                  \
    X(DIR_HTTP_9, "dir-http-9", FAULT_FROM, "answers in HTTP/0.9")                                 \
    X(DIR_NO_DATE, "dir-no-date", FAULT_FROM, "Date without a date")                               \
    X(DIR_LENGTH, "dir-length", FAULT_FROM, "a Content-Length that is one too high")               \
    X(DIR_HTML, "dir-html", FAULT_FROM, "text/html")                                               \
    X(DIR_ADDRESS, "dir-address", FAULT_FROM, "a wrong X-Your-Address-Is")                         \
    X(DIR_NO_VARY, "dir-no-vary", FAULT_FROM, "no Vary")                                           \
    X(DIR_END_MISC, "dir-end-misc", FAULT_FROM, "END with reason MISC after an answer")            \
    X(DIR_NEVER_304, "dir-never-304", FAULT_FROM, "does not care for If-Modified-Since")           \
    X(DIR_ALWAYS_304, "dir-always-304", FAULT_FROM, "304 to any If-Modified-Since")                \
    X(DIR_DATE_STRICT, "dir-date-strict", FAULT_FROM,                                              \
      "400 to an If-Modified-Since without a date")                                                \
    /* diffs */                                                                                    \
    X(DIR_DIFF_NEWEST, "dir-diff-newest", FAULT_FROM, "does not know its own consensus by digest") \
    X(DIR_DIFF_LAST, "dir-diff-last", FAULT_FROM, "looks at the last of several digests only")     \
    X(DIR_DIFF_OR_404, "dir-diff-or-404", FAULT_FROM, "404 if there is no diff")                   \
    X(DIR_DIFF_WHOLE, "dir-diff-whole", FAULT_FROM,                                                \
      "a whole consensus though the URL is a diff's")                                              \
    X(DIR_DIFF_WRONG, "dir-diff-wrong", FAULT_FROM, "diffs that lead elsewhere")                   \
    X(DIR_DIFF_CHAIN, "dir-diff-chain", FAULT_FROM, "diffs to diffs")                              \
    /* requests; the ones at fault get the relay's descriptor */                                   \
    X(DIR_ANY_URL, "dir-any-url", FAULT_FROM, "has something for every URL")                       \
    X(DIR_MALFORMED, "dir-malformed", FAULT_FROM, "takes malformed requests")                      \
    X(DIR_NO_LIMIT, "dir-no-limit", FAULT_FROM, "waits for the end of headers for ever")           \
    X(DIR_ANY_METHOD, "dir-any-method", FAULT_FROM, "takes any method for GET")                    \
    X(DIR_POST, "dir-post", FAULT_FROM, "takes whatever is posted")                                \
    X(DIR_TWO_ANSWERS, "dir-two-answers", FAULT_FROM,                                              \
      "a second answer if more comes behind a request")                                            \
    X(DIR_ONE_PIECE, "dir-one-piece", FAULT_FROM, "400 to a request in more than one message")

#endif
