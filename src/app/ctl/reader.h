/* Reader of what a control port says (control-spec 2.3): bytes in, whole messages out.
 *
 * A message is a reply or an event: mid lines ("250-..."), data ("250+key=", lines, ".") and an end
 * line ("250 OK"). Whatever a server sends costs at most what the reader was made for: text of one
 * message, and CTL_LINES_MAX lines of it. A fault is for ever: the bytes behind it mean nothing. */
#ifndef TUNIC_APP_CTL_READER_H
#define TUNIC_APP_CTL_READER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/text.h"

enum {
    CTL_LINES_MAX = 1 << 16,
    CTL_MESSAGE_MOST = 64 << 20, /* descriptors of the whole public network are half of it */
};

struct ctl_line {
    unsigned code;    /* of three digits */
    char kind;        /* '-' mid, '+' with data, ' ' the end */
    struct text text; /* behind that, without the line's end */
    struct text data; /* of '+': lines as they came, read with ctl_data_line() */
};

struct ctl_message {
    struct text raw; /* all of it, as it came */
    size_t n;        /* lines, one at least */
    const struct ctl_line *lines;
};

struct ctl_reader;

/* MOST: bytes of a message. NULL out of memory. */
struct ctl_reader *ctl_reader_new(size_t most);
void ctl_reader_free(struct ctl_reader *r);

/* Where *ROOM bytes may be written to, then told by ctl_reader_done(); NULL out of memory. Messages
 * that were given out are gone. */
char *ctl_reader_room(struct ctl_reader *r, size_t *room);
void ctl_reader_done(struct ctl_reader *r, size_t n);

/* The next message, which lives until the next call of any function here. ERR_MORE: more bytes are
 * needed; ERR_MALFORMED: this is no control port; ERR_LIMIT, ERR_NOMEM. */
MUST_USE err_t ctl_reader_next(struct ctl_reader *r, struct ctl_message *out);

/* An event comes whenever it likes, a reply for each command in turn. */
bool ctl_is_event(const struct ctl_message *m);
/* What the command came to: the code of the last line is 2xx. */
bool ctl_is_ok(const struct ctl_message *m);

/* Takes the next line off the DATA of a line, without the dot that was put before one ("."); false
 * at the end. */
bool ctl_data_line(struct text *data, struct text *line);

#endif
