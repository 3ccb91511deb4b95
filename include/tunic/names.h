/* Statuses and reasons of OR connections, circuits and streams, spelled as stem spells them (and
 * control-spec 4.1.1, 4.1.2, 4.1.3). The numbers of reasons are those on the wire (tor-spec 5.4,
 * 6.3) where there are such; what never is on the wire begins at 256. Numbers never change. */
#ifndef TUNIC_NAMES_H
#define TUNIC_NAMES_H

#include <tunic/api.h>

/* Each list is X(NAME, number). */
#define TUNIC_CIRC_STATUS_LIST(X) \
    X(LAUNCHED, 0)                \
    X(BUILT, 1)                   \
    X(GUARD_WAIT, 2)              \
    X(EXTENDED, 3)                \
    X(FAILED, 4)                  \
    X(CLOSED, 5)

#define TUNIC_CIRC_CLOSURE_REASON_LIST(X) \
    X(NONE, 0)                            \
    X(TORPROTOCOL, 1)                     \
    X(INTERNAL, 2)                        \
    X(REQUESTED, 3)                       \
    X(HIBERNATING, 4)                     \
    X(RESOURCELIMIT, 5)                   \
    X(CONNECTFAILED, 6)                   \
    X(OR_IDENTITY, 7)                     \
    X(OR_CONN_CLOSED, 8)                  \
    X(FINISHED, 9)                        \
    X(TIMEOUT, 10)                        \
    X(DESTROYED, 11)                      \
    X(NOSUCHSERVICE, 12)                  \
    X(NOPATH, 256)                        \
    X(MEASUREMENT_EXPIRED, 257)

#define TUNIC_STREAM_STATUS_LIST(X) \
    X(NEW, 0)                       \
    X(NEWRESOLVE, 1)                \
    X(REMAP, 2)                     \
    X(SENTCONNECT, 3)               \
    X(SENTRESOLVE, 4)               \
    X(SUCCEEDED, 5)                 \
    X(FAILED, 6)                    \
    X(DETACHED, 7)                  \
    X(CLOSED, 8)

#define TUNIC_RELAY_END_REASON_LIST(X) \
    X(MISC, 1)                         \
    X(RESOLVEFAILED, 2)                \
    X(CONNECTREFUSED, 3)               \
    X(EXITPOLICY, 4)                   \
    X(DESTROY, 5)                      \
    X(DONE, 6)                         \
    X(TIMEOUT, 7)                      \
    X(NOROUTE, 8)                      \
    X(HIBERNATING, 9)                  \
    X(INTERNAL, 10)                    \
    X(RESOURCELIMIT, 11)               \
    X(CONNRESET, 12)                   \
    X(TORPROTOCOL, 13)                 \
    X(NOTDIRECTORY, 14)

/* All of the former, and two that only the client's side knows. */
#define TUNIC_STREAM_CLOSURE_REASON_LIST(X) \
    TUNIC_RELAY_END_REASON_LIST(X)          \
    X(END, 256)                             \
    X(PRIVATE_ADDR, 257)

#define TUNIC_OR_STATUS_LIST(X) \
    X(NEW, 0)                   \
    X(LAUNCHED, 1)              \
    X(CONNECTED, 2)             \
    X(FAILED, 3)                \
    X(CLOSED, 4)

/* TLS_ERROR is control-spec's; stem does not know it. */
#define TUNIC_OR_CLOSURE_REASON_LIST(X) \
    X(DONE, 0)                          \
    X(CONNECTREFUSED, 1)                \
    X(IDENTITY, 2)                      \
    X(CONNECTRESET, 3)                  \
    X(TIMEOUT, 4)                       \
    X(NOROUTE, 5)                       \
    X(IOERROR, 6)                       \
    X(RESOURCELIMIT, 7)                 \
    X(MISC, 8)                          \
    X(PT_MISSING, 9)                    \
    X(TLS_ERROR, 10)

#define TUNIC_ENUM_CIRC_STATUS(name, n)           TUNIC_CIRC_STATUS_##name = n,
#define TUNIC_ENUM_CIRC_CLOSURE_REASON(name, n)   TUNIC_CIRC_CLOSURE_REASON_##name = n,
#define TUNIC_ENUM_STREAM_STATUS(name, n)         TUNIC_STREAM_STATUS_##name = n,
#define TUNIC_ENUM_STREAM_CLOSURE_REASON(name, n) TUNIC_STREAM_CLOSURE_REASON_##name = n,
#define TUNIC_ENUM_RELAY_END_REASON(name, n)      TUNIC_RELAY_END_REASON_##name = n,
#define TUNIC_ENUM_OR_STATUS(name, n)             TUNIC_OR_STATUS_##name = n,
#define TUNIC_ENUM_OR_CLOSURE_REASON(name, n)     TUNIC_OR_CLOSURE_REASON_##name = n,

enum tunic_circ_status { TUNIC_CIRC_STATUS_LIST(TUNIC_ENUM_CIRC_STATUS) };
enum tunic_circ_closure_reason { TUNIC_CIRC_CLOSURE_REASON_LIST(TUNIC_ENUM_CIRC_CLOSURE_REASON) };
enum tunic_stream_status { TUNIC_STREAM_STATUS_LIST(TUNIC_ENUM_STREAM_STATUS) };
enum tunic_stream_closure_reason {
    TUNIC_STREAM_CLOSURE_REASON_LIST(TUNIC_ENUM_STREAM_CLOSURE_REASON)
};
enum tunic_relay_end_reason { TUNIC_RELAY_END_REASON_LIST(TUNIC_ENUM_RELAY_END_REASON) };
enum tunic_or_status { TUNIC_OR_STATUS_LIST(TUNIC_ENUM_OR_STATUS) };
enum tunic_or_closure_reason { TUNIC_OR_CLOSURE_REASON_LIST(TUNIC_ENUM_OR_CLOSURE_REASON) };

#ifdef __cplusplus
extern "C" {
#endif

/* The name as stem has it, "BUILT"; "UNKNOWN" for a number that is none of these (a relay may send
 * any). Static storage. */
TUNIC_API const char *tunic_circ_status_name(int status);
TUNIC_API const char *tunic_circ_closure_reason_name(int reason);
TUNIC_API const char *tunic_stream_status_name(int status);
TUNIC_API const char *tunic_stream_closure_reason_name(int reason);
TUNIC_API const char *tunic_relay_end_reason_name(int reason);
TUNIC_API const char *tunic_or_status_name(int status);
TUNIC_API const char *tunic_or_closure_reason_name(int reason);

#ifdef __cplusplus
}
#endif

#endif
