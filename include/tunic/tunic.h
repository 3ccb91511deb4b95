/* libtunic: a Tor client as a library. Each of the other headers includes those below it, and this
 * one.
 *
 * Protocol level: an instance (here), relays (relay.h), circuits (circuit.h) and streams
 * (stream.h). Client level: a client (client.h) that finds relays and builds circuits by itself.
 * Each handle is freed exactly once with its own _free function, in any order; freeing
 * closes. NULL may be freed.
 *
 * Any call may be given NULL for its object: it fails and leaves the error as it is, so a chain of
 * calls may be checked once, at its end. What only asks answers nothing: FAILED, 0, -1, "", NULL.
 *
 * Callbacks may free any object, also one that is being waited for further up: that wait ends
 * (USAGE).
 *
 * Threads: an instance and all that is made from it are used by one thread at a time; instances
 * share nothing.
 *
 * fork(): an instance stays the first process's. In the other one every call fails (USAGE), and
 * freeing frees memory and closes descriptors: nothing is sent, and the first goes on undisturbed.
 *
 * Time limits are in milliseconds for the whole call; -1: none; 0: only what is ready now. */
#ifndef TUNIC_TUNIC_H
#define TUNIC_TUNIC_H

#include <tunic/error.h>
#include <tunic/names.h>

/* The version of these headers; of the library that runs: tunic_version(). */
#define TUNIC_VERSION_MAJOR 0
#define TUNIC_VERSION_MINOR 1
#define TUNIC_VERSION_PATCH 0
#define TUNIC_VERSION       "0.1.0"

#ifdef __cplusplus
extern "C" {
#endif

struct tunic;
struct event_base; /* libevent's */

/* The version of the library that runs, "0.1.0"; static storage. */
TUNIC_API const char *tunic_version(void);

/* An instance with an event loop of its own, which runs inside waiting calls and tunic_run_once().
 * NULL: see ERROR (SYSTEM: out of memory or descriptors; INTERNAL: the crypto library). */
TUNIC_API TUNIC_MUST_USE struct tunic *tunic_new(struct tunic_error *error);

/* An instance that lives in the caller's libevent loop. BASE outlives the instance. Calls that wait
 * are refused (USAGE): use callbacks. */
TUNIC_API TUNIC_MUST_USE struct tunic *tunic_new_on_base(struct event_base *base,
                                                         struct tunic_error *error);

/* Closes all that was made from it without callbacks. Handles to those are good for asking and for
 * being freed only. Not from inside a callback. */
TUNIC_API void tunic_free(struct tunic *t);

/* The same, and frees every handle made from it that has not been freed yet. */
TUNIC_API void tunic_free_all(struct tunic *t);

/* Waits until something happens, at most TIMEOUT_MS, and handles it: callbacks come from here. 0,
 * or -1 with ERROR (USAGE: the loop is the caller's, or this is inside a callback). */
TUNIC_API TUNIC_MUST_USE int tunic_run_once(struct tunic *t, int timeout_ms,
                                            struct tunic_error *error);

/* A descriptor that is readable (poll, select, epoll) whenever there is something to do: then call
 * tunic_run_once() with a TIMEOUT_MS of 0. It stays the library's, and the same; it is made by the
 * first call. -1 with ERROR: SYSTEM; USAGE: the loop is the caller's. */
TUNIC_API TUNIC_MUST_USE int tunic_fd(struct tunic *t, struct tunic_error *error);

/* What a callback tells; the object itself knows the rest. */
enum tunic_event {
    TUNIC_EVENT_OPEN = 1,     /* relay, circuit (all hops asked for are there), stream, client */
    TUNIC_EVENT_CLOSED = 2,   /* it failed or ended: see its error; the last event of an object */
    TUNIC_EVENT_READABLE = 3, /* stream: bytes or the end; circuit: a message */
    TUNIC_EVENT_WRITABLE = 4, /* stream: a write that took less than offered may be tried again */
    TUNIC_EVENT_PROGRESS = 5  /* client: it got further with its bootstrap */
};

enum tunic_log_level {
    TUNIC_LOG_DEBUG = 0,
    TUNIC_LOG_INFO = 1,
    TUNIC_LOG_NOTICE = 2,
    TUNIC_LOG_WARN = 3,
    TUNIC_LOG_ERR = 4
};

/* FN gets lines of LEAST and above, without a newline, valid during the call; NULL: silence (as at
 * first). FN may not call the library. */
TUNIC_API void tunic_set_log(struct tunic *t, enum tunic_log_level least,
                             void (*fn)(void *arg, enum tunic_log_level level, const char *line),
                             void *arg);

#ifdef __cplusplus
}
#endif

#endif
