/* A controller without a socket: it says a line and looks at the answer. Include it in one file of
 * a test. */
#ifndef TUNIC_TESTS_CONTROL_SPEAKER_H
#define TUNIC_TESTS_CONTROL_SPEAKER_H

#include <stdlib.h>
#include <string.h>

#include "control/control.h"
#include "control/session.h"
#include "support/test.h"

static bool speaker_ended; /* the last one's connection is to close */

static inline void speaker_nothing(void *holder)
{
    (void)holder;
}

static inline void speaker_end(void *holder)
{
    (void)holder;
    speaker_ended = true;
}

static inline void *speaker_new(struct control *c)
{
    static const struct talk_ops ops = {speaker_nothing, speaker_nothing, speaker_end};
    static const struct ipport nowhere = {.ip = {.family = IP_NONE}};
    speaker_ended = false;
    return session_talk.make(c, &nowhere, &ops, NULL);
}

static inline void speaker_put(void *session, const char *text, size_t len)
{
    size_t room;
    while (len > 0) {
        uint8_t *to = session_talk.in_room(session, &room);
        size_t n = len < room ? len : room;
        ck_assert_ptr_nonnull(to);
        memcpy(to, text, n);
        session_talk.in_done(session, n);
        text += n;
        len -= n;
    }
}

/* All that was said since the last time; the caller frees it. */
static inline char *speaker_hear(void *session)
{
    size_t len;
    const uint8_t *out = session_talk.out(session, &len);
    char *said = calloc(1, len + 1);
    ck_assert_ptr_nonnull(said);
    if (len)
        memcpy(said, out, len);
    session_talk.sent(session, len);
    return said;
}

/* The answer to the line COMMAND, which the caller frees. */
static inline char *speaker_ask(void *session, const char *command)
{
    speaker_put(session, command, strlen(command));
    speaker_put(session, "\r\n", 2);
    return speaker_hear(session);
}

/* WANT is without the end of its last line. */
static inline void speaker_says(void *session, const char *command, const char *want)
{
    char *said = speaker_ask(session, command);
    size_t len = strlen(said);
    ck_assert_msg(len > 2 && len - 2 == strlen(want) && memcmp(said, want, len - 2) == 0,
                  "%s: \"%s\", not \"%s\"", command, said, want);
    free(said);
}

#endif
