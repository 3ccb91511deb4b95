/* A stream's inside: what it goes over, a circuit's stream or a client's tunnel, and what those
 * tell it. */
#ifndef TUNIC_LIB_STREAM_H
#define TUNIC_LIB_STREAM_H

#include "base/queue.h"
#include "lib/lib.h"
#include "tunic/stream.h"

/* What a stream goes over. */
struct lib_flow {
    size_t (*write)(void *flow, const uint8_t *bytes, size_t len);
    void (*consumed)(void *flow, size_t len);
    void (*close)(void *flow, uint8_t reason); /* enum end_reason; then the stream hears no more */
};

struct lib_socket;

struct tunic_stream {
    struct handle h;
    void *flow; /* NULL once it has ended */
    const struct lib_flow *ops;
    int id;
    enum tunic_stream_kind kind;
    enum tunic_stream_status status;
    bool optimistic;
    bool begun; /* optimistic: the exit was asked, and the program told that it may write */
    struct tunic_error error;
    struct queue in; /* unread */
    bool writable;   /* since the last write that came up short */
    char address[IP_TEXT_MAX];
    struct tunic_answer answers[TUNIC_ANSWERS_MOST];
    size_t n_answers;
    void (*callback)(void *arg, struct tunic_stream *stream, enum tunic_event event);
    void *callback_arg;
    struct lib_socket *socket;   /* the program has a socket in its place; or NULL */
    struct tunic_stream **among; /* its owner's that have not ended */
    struct tunic_stream *prev, *next;
};

/* A stream without a flow, NULL out of memory. Then either lib_stream_begin() or free(). */
struct tunic_stream *lib_stream_new(const struct tunic_stream_options *o);
/* The stream, whose flow is set, becomes a handle. */
void lib_stream_begin(struct tunic_stream *s, struct tunic *t, struct handle *parent,
                      struct tunic_stream **among);
/* S has settled within the time, or it is freed and NULL is the answer. S may be NULL. */
struct tunic_stream *lib_stream_settled(struct tunic_stream *s, int timeout_ms,
                                        struct tunic_error *error);
/* The answers of a look-up, and S is freed; -1 if S is NULL. */
int lib_stream_answers(struct tunic_stream *s, struct tunic_answer *out, int most);
/* Ends the streams of a list whose owner was freed, each with ERROR. */
void lib_streams_lose(struct tunic_stream **among, const struct tunic_error *error);

/* ---- what the flow tells; three of them as its callbacks, whatever it is ---- */

/* BEGIN has gone out; one that is optimistic counts as open from now on. */
void lib_stream_begun(struct tunic_stream *s);
void lib_stream_connected(struct tunic_stream *s, const struct ip *addr);
void lib_stream_resolved(void *stream, const struct stream_answer *answers, size_t n);
void lib_stream_data(void *stream, const uint8_t *bytes, size_t len);
void lib_stream_writable(void *stream);
/* The flow is gone. ERROR says why, unless S knows better. */
void lib_stream_over(struct tunic_stream *s, const struct tunic_error *error);

/* ---- stream_socket.c ---- */

void lib_socket_free(struct lib_socket *k); /* NULL is fine */

#endif
