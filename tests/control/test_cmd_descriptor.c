/* POSTDESCRIPTOR, with descriptors of a made-up network. */
#include <stdlib.h>
#include <string.h>

#include "control/control.h"
#include "control/session.h"
#include "support/docnet.h"
#include "support/quietworld.h"

static void nothing(void *holder)
{
    (void)holder;
}

static const struct talk_ops ops = {nothing, nothing, nothing};

/* The last line of what is said to TEXT. */
static char *ask(void *session, const char *text, size_t len)
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
    const uint8_t *out = session_talk.out(session, &len);
    char *said = calloc(1, len + 1);
    memcpy(said, out, len);
    session_talk.sent(session, len);
    return said;
}

static void assert_says(void *session, const char *descriptor, size_t len, const char *want)
{
    struct text_out command = text_out(1 << 20);
    out_printf(&command, "+POSTDESCRIPTOR purpose=general cache=no\r\n%.*s\r\n.\r\n", (int)len,
               descriptor);
    char *said = ask(session, out_text(&command), command.len);
    ck_assert_str_eq(said, want);
    free(said);
    out_free(&command);
}

START_TEST(test_postdescriptor_says_whether_it_is_sound)
{
    static const struct ipport nowhere = {.ip = {.family = IP_NONE}};
    struct docnet *net = docnet_usual(5);
    struct text d = netdocs_descriptor(net->docs, &net->id[4].rsa_id);
    struct quiet_world world;
    ck_assert(quiet_begin(&world) && d.len > 500);
    struct control *control = control_new(net->env, NULL, &quiet_ops, &world);
    void *session = session_talk.make(control, &nowhere, &ops, NULL);
    free(ask(session, "AUTHENTICATE\r\n", 14));
    assert_says(session, d.s, d.len, "251 Descriptor not added\r\n");
    assert_says(session, d.s, d.len / 2, "554 Couldn't parse router descriptor.\r\n");
    char *changed = text_dup(d);
    char *at = strstr(changed, "bandwidth ");
    at[strlen("bandwidth ")] ^= 1;
    assert_says(session, changed, d.len, "554 Couldn't parse router descriptor.\r\n");
    free(changed);
    session_talk.free(session);
    control_free(control);
    quiet_end(&world);
    docnet_free(net);
}
END_TEST

TESTS("control/cmd_descriptor", test_postdescriptor_says_whether_it_is_sound)
