/* Replies (control-spec 2.3): "250 OK", "250-key=value", "250+key=" and its data, and the quoting
 * that they share with events. All that a command answers goes through here. */
#ifndef TUNIC_CONTROL_REPLY_H
#define TUNIC_CONTROL_REPLY_H

#include "base/err.h"
#include "base/out.h"

struct session;

/* The last line of a reply: "250 OK". */
void reply_end(struct session *s, int code, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* A line before it: "250-PROTOCOLINFO 1". */
void reply_mid(struct session *s, int code, const char *fmt, ...) PRINTF_LIKE(3, 4);
void reply_ok(struct session *s); /* "250 OK" */

/* The same lines into a text, for replies that are known only when all of them are. */
void out_reply_mid(struct text_out *o, int code, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* KEY=VALUE as a line before the last, or, if VALUE has several lines, "250+KEY=" and data. */
void out_reply_value(struct text_out *o, int code, const char *key, const char *value);
/* CmdData: dots doubled at the begin of lines, CRLF line ends, and the "." behind it. */
void out_data(struct text_out *o, const char *data);
/* "TEXT" with C's escapes, as tor's escaped() has it; NULL: (null) */
void out_escaped(struct text_out *o, const char *text);

#endif
