/* Streams: TCP connections of an exit's, directory requests and look-ups, over one hop of a circuit
 * (tor-spec 6.2 to 6.4, 7.4).
 *
 * Streams of a client (client.h) are the same handles; the client chooses their circuits.
 *
 * Life: SENTCONNECT (or SENTRESOLVE) -> SUCCEEDED -> CLOSED, or FAILED. Bytes that have come can be
 * read after the end, too. What is not read holds back the sender. There is no half-closing in Tor:
 * once either side has sent END, nothing more can be written. */
#ifndef TUNIC_STREAM_H
#define TUNIC_STREAM_H

#include <sys/types.h>

#include <tunic/circuit.h>

enum tunic_stream_kind { TUNIC_BEGIN = 0, TUNIC_BEGIN_DIR = 1, TUNIC_RESOLVE = 2 };

/* BEGIN flags (tor-spec 6.2). */
enum tunic_begin_flag {
    TUNIC_BEGIN_IPV6_OK = 1,
    TUNIC_BEGIN_IPV4_NOT_OK = 2,
    TUNIC_BEGIN_IPV6_PREFERRED = 4
};

enum { TUNIC_ANSWER_TEXT_MAX = 256, TUNIC_ANSWERS_MOST = 16 };

#ifdef __cplusplus
extern "C" {
#endif

struct tunic_stream;

/* Begin with TUNIC_STREAM_OPTIONS_INIT. All is copied. */
struct tunic_stream_options {
    size_t size;
    enum tunic_stream_kind kind;
    /* BEGIN: "host:port", IPv6 in brackets; RESOLVE: a host name, or a name under in-addr.arpa or
     * ip6.arpa; BEGIN_DIR: NULL. */
    const char *target;
    unsigned flags; /* BEGIN: of enum tunic_begin_flag */
    void (*callback)(void *arg, struct tunic_stream *stream, enum tunic_event event);
    void *callback_arg;
    const char *isolation; /* streams of a client only: see client.h */
    /* BEGIN: 1 does not wait for the exit's answer. The stream counts as open (the event OPEN,
     * tunic_stream_wait()) as soon as the exit was asked; what is written then goes out behind
     * BEGIN, so that an answer is there one round trip earlier. What it costs: a refusal comes
     * later, as the stream's end, its status FAILED then. Of a client's stream about 32 KB go out
     * before CONNECTED, and are sent again if another exit has to be tried; the address is known
     * once the status is SUCCEEDED. */
    int optimistic;
};
#define TUNIC_STREAM_OPTIONS_INIT                                                      \
    {                                                                                  \
        sizeof(struct tunic_stream_options), TUNIC_BEGIN, NULL, 0, NULL, NULL, NULL, 0 \
    }

/* Opens a stream to the circuit's last hop. All streams of a circuit leave at the hop of its first
 * one. NULL: see ERROR (USAGE, SYSTEM, or why the circuit ended). SYSTEM is also: hundreds were
 * opened in one go, let the loop run and go on. */
TUNIC_API TUNIC_MUST_USE struct tunic_stream *tunic_stream_start(
    struct tunic_circuit *circuit, const struct tunic_stream_options *options,
    struct tunic_error *error);

/* Waits for CONNECTED or RESOLVED: 0, or -1 with ERROR: REFUSED with the reason that came in END;
 * what the circuit or the relay under it had to say; TIMEOUT: it may be waited for again. */
TUNIC_API TUNIC_MUST_USE int tunic_stream_wait(struct tunic_stream *stream, int timeout_ms,
                                               struct tunic_error *error);

/* Start and wait in one: an open stream, or NULL and nothing is left behind. */
TUNIC_API TUNIC_MUST_USE struct tunic_stream *tunic_stream_begin(struct tunic_circuit *circuit,
                                                                 const char *target, int timeout_ms,
                                                                 struct tunic_error *error);
TUNIC_API TUNIC_MUST_USE struct tunic_stream *tunic_stream_begin_dir(struct tunic_circuit *circuit,
                                                                     int timeout_ms,
                                                                     struct tunic_error *error);

/* Sends END if that is still due. */
TUNIC_API void tunic_stream_free(struct tunic_stream *stream);

/* Reads what is there, or waits for something: how many bytes, 0 at the orderly end (END with
 * reason DONE), or -1 with ERROR. With TIMEOUT_MS 0 it never waits and is for callbacks, too. */
TUNIC_API TUNIC_MUST_USE ssize_t tunic_stream_read(struct tunic_stream *stream, void *out,
                                                   size_t len, int timeout_ms,
                                                   struct tunic_error *error);

/* Reads all up to the orderly end and writes it to the descriptor FD. How many bytes, or -1 with
 * ERROR: as above; SYSTEM with errno: FD does not take them. A STREAM of NULL fails, here and in
 * tunic_stream_write(), and leaves the error as it is. */
TUNIC_API TUNIC_MUST_USE int64_t tunic_stream_copy(struct tunic_stream *stream, int fd,
                                                   int timeout_ms, struct tunic_error *error);

/* Writes; waits until all is on its way: how many bytes were taken, LEN unless the time ran out; -1
 * with ERROR: the stream has ended. May be used before CONNECTED. With TIMEOUT_MS 0 it never waits
 * and is for callbacks, too; the event WRITABLE follows if it took less than LEN.
 *
 * On its way is not there: what was written last may be lost if the relay, the client or the
 * instance is freed at once. Freeing the stream alone loses nothing as long as the loop runs. To
 * know that it arrived, read the other side's answer, or its end. */
TUNIC_API TUNIC_MUST_USE ssize_t tunic_stream_write(struct tunic_stream *stream, const void *bytes,
                                                    size_t len, int timeout_ms,
                                                    struct tunic_error *error);

/* Gives a stream of kind BEGIN or BEGIN_DIR up for one end of a socket pair (AF_UNIX, blocking,
 * closed on exec): what is written there goes out, what comes in can be read there, and the end of
 * either is the end of both; after shutdown(SHUT_WR) what comes in can still be read, but the far
 * side does not hear of it. For code that wants a plain socket. Bytes move while the loop runs: so
 * it has to be run (tunic_run_once(), also when tunic_fd() is readable, or the caller's loop), from
 * this thread; the socket may be used from any other. On success the handle is gone, freed; the
 * caller closes the socket, also after the instance was freed. A stream that fails later just ends.
 * -1 with ERROR (USAGE, SYSTEM, or why the stream has ended): all is as it was. */
TUNIC_API TUNIC_MUST_USE int tunic_stream_to_socket(struct tunic_stream *stream,
                                                    struct tunic_error *error);

TUNIC_API enum tunic_stream_status tunic_stream_status(const struct tunic_stream *stream);
/* Why it failed or closed (class CLOSED: in an orderly way); NULL: it did not. */
TUNIC_API const struct tunic_error *tunic_stream_error(const struct tunic_stream *stream);
/* On its circuit; 0 for streams of a client, which may change it. */
TUNIC_API int tunic_stream_id(const struct tunic_stream *stream);
/* The address the exit says it connected to, "" if it did not say. Valid as long as the handle. */
TUNIC_API const char *tunic_stream_address(const struct tunic_stream *stream);

/* ---- look-ups ---- */

struct tunic_answer {
    int family; /* 4, 6; 0: TEXT is a name */
    uint32_t ttl_s;
    char text[TUNIC_ANSWER_TEXT_MAX]; /* "192.0.2.1", "2001:db8::1", "www.example" */
};

/* Asks the circuit's last hop for NAME. How many answers were written to OUT, at most MOST; -1 with
 * ERROR: stage dns, RESOLVEFAILED if it does not exist. */
TUNIC_API TUNIC_MUST_USE int tunic_resolve(struct tunic_circuit *circuit, const char *name,
                                           struct tunic_answer *out, int most, int timeout_ms,
                                           struct tunic_error *error);

/* The I-th answer (from 0) of a stream of kind RESOLVE; NULL: there is none, or not yet. */
TUNIC_API const struct tunic_answer *tunic_stream_answer(const struct tunic_stream *stream, int i);

/* Whether exits may say that they connected to, or resolved a name to, an internal address. Not at
 * first: it would let an exit point a program into its own network. Test networks need it. */
TUNIC_API void tunic_allow_internal_addresses(struct tunic *t, int allow);

#ifdef __cplusplus
}
#endif

#endif
