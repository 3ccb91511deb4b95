/* A client: all that `tunic` or tor does behind a SocksPort. It keeps the directory, picks guards
 * and paths, builds circuits before they are needed, and puts each stream on one that fits.
 *
 *     struct tunic *t = tunic_new(&e);
 *     struct tunic_client *c = tunic_client_open(t, "DataDirectory /var/lib/me", 60000, &e);
 *     struct tunic_stream *s = tunic_client_connect(c, "example.com", 80, NULL, 60000, &e);
 *
 * An instance may have many clients: each is another Tor user, with guards and circuits of its own.
 * They may share one directory.
 *
 * Options have tor's names and values. What differs in a library:
 * - Nothing is kept on disk unless DataDirectory is named. That folder is made if need be and
 *   locked: no other client, tunic or tor may use it at the same time.
 * - There is no listener unless a SocksPort is named.
 * - Options about a process (Log, PidFile, RunAsDaemon, ...) are the program's business: they are
 *   ignored with a warning (tunic_set_log()). User and DisableAllSwap, which somebody may
 *   rely on, are refused. So is %include. */
#ifndef TUNIC_CLIENT_H
#define TUNIC_CLIENT_H

#include <tunic/stream.h>

#ifdef __cplusplus
extern "C" {
#endif

struct tunic_client;

/* Begin with TUNIC_CLIENT_OPTIONS_INIT. All is copied. */
struct tunic_client_options {
    size_t size;
    const char *torrc; /* lines as in a torrc; NULL: none */
    /* More of them, as names and values in turn, NULL at the end: {"ExitNodes", "exit1", NULL}.
     * Each replaces what TORRC says; "+Name" adds a line. NULL: none. */
    const char *const *set;
    /* A client of the same instance, whose directory this one uses: what one has fetched, both
     * have. It begins with that one's options but for its folder, ports and cookie, and cannot
     * change the network (DirAuthority, FallbackDir, TestingTorNetwork). Either may be freed
     * first. */
    struct tunic_client *share_with;
    void (*callback)(void *arg, struct tunic_client *client, enum tunic_event event); /* or NULL */
    void *callback_arg;
};
#define TUNIC_CLIENT_OPTIONS_INIT                                         \
    {                                                                     \
        sizeof(struct tunic_client_options), NULL, NULL, NULL, NULL, NULL \
    }

/* Begins to bootstrap (unless DisableNetwork says no). The event PROGRESS follows each step, OPEN
 * when it is done. NULL: see ERROR (USAGE: the first wrong option, with its place and tor's words
 * for what is wrong, and how many there are; the log has all; SYSTEM: memory, the DataDirectory, a
 * SocksPort or ControlPort that cannot be opened). */
TUNIC_API TUNIC_MUST_USE struct tunic_client *tunic_client_start(
    struct tunic *t, const struct tunic_client_options *options, struct tunic_error *error);

/* Waits until it has bootstrapped: 0, or -1 with ERROR: TIMEOUT, with how far it got and what stood
 * in the way last; it goes on trying and may be waited for again. PROTOCOL, at once: the network
 * requires of clients what this version of the library lacks, and must not be used (tor-spec 9);
 * the event CLOSED says so too, and streams of the client fail (NETWORK). */
TUNIC_API TUNIC_MUST_USE int tunic_client_wait(struct tunic_client *client, int timeout_ms,
                                               struct tunic_error *error);

/* Start and wait in one: a client that is ready, or NULL and nothing is left behind. */
TUNIC_API TUNIC_MUST_USE struct tunic_client *tunic_client_open(struct tunic *t, const char *torrc,
                                                                int timeout_ms,
                                                                struct tunic_error *error);

/* Ends its streams, circuits and connections, without an event, and writes its state. */
TUNIC_API void tunic_client_free(struct tunic_client *client);

/* ---- bootstrap ---- */

struct tunic_progress {
    int percent;       /* 0 to 100 */
    char tag[40];      /* tor's: "conn", "loading_descriptors", "done" */
    char summary[100]; /* the same in words */
};

TUNIC_API void tunic_client_progress(const struct tunic_client *client, struct tunic_progress *out);
/* 1: it has bootstrapped. */
TUNIC_API int tunic_client_is_ready(const struct tunic_client *client);
/* What went wrong last with a connection while it was not ready; NULL: nothing so far. Valid until
 * the next call of the library. */
TUNIC_API const struct tunic_error *tunic_client_error(const struct tunic_client *client);

/* ---- streams ---- */

/* Streams share a circuit only if their isolation tokens are equal, as user name and password of a
 * SOCKS connection keep them apart; NULL is a token of its own. Nothing is shared between
 * clients.
 *
 * A stream of a client need not wait for the bootstrap: it waits for its circuit, at most
 * SocksTimeout (two minutes). If an exit cannot help, others are tried. */

/* Opens a stream as OPTIONS say: kinds BEGIN and RESOLVE, and their member isolation. A RESOLVE of
 * an address asks for its name. The handle is one of stream.h. NULL: see ERROR (USAGE, SYSTEM). */
TUNIC_API TUNIC_MUST_USE struct tunic_stream *tunic_client_stream_start(
    struct tunic_client *client, const struct tunic_stream_options *options,
    struct tunic_error *error);

/* Opens a stream to HOST (a name, an address) and waits for it: an open stream, or NULL and nothing
 * is left behind. */
TUNIC_API TUNIC_MUST_USE struct tunic_stream *tunic_client_connect(struct tunic_client *client,
                                                                   const char *host, uint16_t port,
                                                                   const char *isolation,
                                                                   int timeout_ms,
                                                                   struct tunic_error *error);

/* The same as a connected socket: see tunic_stream_to_socket(). The caller closes it. -1: see
 * ERROR. */
TUNIC_API TUNIC_MUST_USE int tunic_client_connect_socket(struct tunic_client *client,
                                                         const char *host, uint16_t port,
                                                         const char *isolation, int timeout_ms,
                                                         struct tunic_error *error);

/* Looks NAME up at an exit; an address: its name. As tunic_resolve(). */
TUNIC_API TUNIC_MUST_USE int tunic_client_resolve(struct tunic_client *client, const char *name,
                                                  const char *isolation, struct tunic_answer *out,
                                                  int most, int timeout_ms,
                                                  struct tunic_error *error);

/* ---- while it runs ---- */

/* Sets one option, as a line of torrc would; what changes holds for new circuits. VALUE NULL: back
 * to the default. 0, or -1 with ERROR (USAGE: nothing has changed; some cannot change: the network,
 * DataDirectory). */
TUNIC_API TUNIC_MUST_USE int tunic_client_set(struct tunic_client *client, const char *name,
                                              const char *value, struct tunic_error *error);

/* The value of an option as torrc would say it, several lines joined by newlines, cut to SIZE with
 * its NUL. How long all of it is, 0 for none; -1: there is no such option. */
TUNIC_API int tunic_client_get(const struct tunic_client *client, const char *name, char *out,
                               size_t size);

/* No new stream uses a circuit that has carried one before (tor's SIGNAL NEWNYM). */
TUNIC_API void tunic_client_new_identity(struct tunic_client *client);

/* The TCP port of its first SocksPort ("SocksPort auto" takes any that is free); 0: there is
 * none. */
TUNIC_API uint16_t tunic_client_socks_port(const struct tunic_client *client);

#ifdef __cplusplus
}
#endif

#endif
