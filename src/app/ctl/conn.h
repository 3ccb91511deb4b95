/* A connection to a control port: commands out, messages in. It waits for nobody longer than it is
 * told to, and holds no more than one message. */
#ifndef TUNIC_APP_CTL_CONN_H
#define TUNIC_APP_CTL_CONN_H

#include <stdint.h>
#include <sys/socket.h>

#include "app/ctl/reader.h"

enum { CTL_WHY = 512, CTL_PLACE_TEXT = 160 };

/* Where a control port is. */
struct ctl_place {
    struct sockaddr_storage addr;
    socklen_t addr_len;
    char text[CTL_PLACE_TEXT]; /* "127.0.0.1:9051", "unix:/run/tor/control", printable */
};

/* A port of this computer ("9051"), ADDRESS:PORT in numbers, unix:PATH or a path with a "/". No
 * name is looked up but "localhost", which is 127.0.0.1. */
MUST_USE err_t ctl_place_parse(const char *text, struct ctl_place *out);
MUST_USE err_t ctl_place_unix(const char *path, struct ctl_place *out);

struct ctl_conn {
    int fd;
    struct ctl_reader *reader;
    uint32_t patience_ms; /* for one answer */
    /* What is to be done with an event that comes while a reply is awaited; NULL: nothing. */
    void (*on_event)(void *arg, const struct ctl_message *m);
    void *arg;
    char why[CTL_WHY]; /* after an error: a sentence about it */
};

/* *OUT is set on OK only; WHY else. */
MUST_USE err_t ctl_conn_open(const struct ctl_place *place, uint32_t patience_ms, size_t most,
                             struct ctl_conn **out, char why[CTL_WHY]);
void ctl_conn_close(struct ctl_conn *c); /* NULL is harmless */

/* Sends LINE, which has no line's end, and that. ERR_IO. */
MUST_USE err_t ctl_send(struct ctl_conn *c, const char *line);
/* The next message that is here already: ERR_MORE if there is none, ERR_IO or ERR_LINK_CLOSED if
 * none will come. */
MUST_USE err_t ctl_take(struct ctl_conn *c, struct ctl_message *out);
/* The reply that is due, once it is there; ERR_LINK_TIMEOUT if it does not come. */
MUST_USE err_t ctl_reply(struct ctl_conn *c, struct ctl_message *out);
/* Both. */
MUST_USE err_t ctl_ask(struct ctl_conn *c, const char *line, struct ctl_message *out);

/* The end line's code and text, for people: "552 Unrecognized key "x"". OUT has CTL_WHY bytes. */
const char *ctl_end_text(const struct ctl_message *m, char *out);

/* Writes what is wrong to WHY; returns E. */
err_t ctl_fail(char why[CTL_WHY], err_t e, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Milliseconds of a clock that only goes forward. */
uint64_t ctl_now_ms(void);

#endif
