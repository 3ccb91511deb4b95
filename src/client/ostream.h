/* Origin streams: what the outside calls a stream, an application's tunnel or a request for a
 * directory document. Each is a member of whoever it belongs to; here it has its id, which counts
 * up from 1 and is never given twice, and what happens to it is told from here (events.h). The
 * streams of attempts, on circuits, are the stream layer's. */
#ifndef TUNIC_CLIENT_OSTREAM_H
#define TUNIC_CLIENT_OSTREAM_H

#include "base/hash.h"
#include "client/events.h"

struct ostreams;
struct tunnel;

struct ostream {
    /* What is told of it; set before ostream_begin(), borrowed while it lives. */
    enum stream_purpose purpose;
    const char *host;
    uint16_t port;
    const struct asker *asker;         /* NULL: nobody but ourselves */
    const struct rsa_id *relay;        /* the relay whose directory it goes to; NULL: none */
    const struct isolation *isolation; /* or NULL */
    struct tunnel *tunnel;             /* the tunnel that it is; NULL: it is for a document */
    uint64_t circuit;                  /* the circuit that it is on, or 0 */
    uint64_t written, read; /* bytes, as its application sees them; counted by its owner */
    /* The rest is ostream.c's. */
    struct ostreams *set; /* NULL: not begun, or over */
    uint64_t id;
    uint64_t told_written, told_read; /* of these bytes */
    uint32_t nym_epoch;
    struct ip addr;
    bool succeeded;
    UT_hash_handle hh;
};

/* Why an attempt or a stream ended. */
struct ostream_end {
    err_t why;
    uint8_t reason; /* enum end_reason */
    bool remote;    /* the other side said so */
};

/* EVENTS is borrowed. NULL out of memory. */
struct ostreams *ostreams_new(struct events *events);
void ostreams_free(struct ostreams *set); /* NULL is fine */

/* Streams from now on are of another identity (SIGNAL NEWNYM). */
void ostreams_next_epoch(struct ostreams *set);

/* Somebody asks for NAME, which is none. */
void ostreams_tell_bad_name(const struct ostreams *set, const char *name);

/* NULL: there is none, or no more. */
struct ostream *ostreams_find(const struct ostreams *set, uint64_t id);
/* Oldest first. FN may end the one that it is given. */
void ostreams_each(const struct ostreams *set, void (*fn)(void *arg, struct ostream *s), void *arg);

/* Gives S its id and tells of it: NEW, or NEWRESOLVE. False out of memory. */
MUST_USE bool ostream_begin(struct ostreams *set, struct ostream *s);
/* S in STATUS, and no end of it. */
void ostream_describe(const struct ostream *s, enum stream_status status, struct event_stream *out);
/* CONTROLLER_WAIT; SENTCONNECT and SENTRESOLVE, on S->circuit. */
void ostream_tell(const struct ostream *s, enum stream_status status);
/* S goes to another host from now on, which stands for the one that it was asked for: REMAP. */
void ostream_remap(const struct ostream *s);
/* ADDR: what the exit says the name is, which is told first (REMAP); family IP_NONE: nothing. Of a
 * look-up no more is told but its end, as by tor. */
void ostream_succeed(struct ostream *s, const struct ip *addr);
/* How many bytes went since this was told last, if any did. */
void ostream_tell_bytes(struct ostream *s);
/* S is on no circuit any more, and may go onto another. */
void ostream_detach(struct ostream *s, const struct ostream_end *end);
/* S is over: STATUS is CLOSED, or FAILED. Told once; harmless on one that was not begun. */
void ostream_finish(struct ostream *s, enum stream_status status, const struct ostream_end *end);

#endif
