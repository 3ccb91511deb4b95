/* POSTDESCRIPTOR, with descriptors of a made-up network. */
#include "control/speaker.h"
#include "support/docnet.h"
#include "support/quietworld.h"

static void assert_says(void *session, const char *descriptor, size_t len, const char *want)
{
    struct text_out command = text_out(1 << 20);
    out_printf(&command, "+POSTDESCRIPTOR purpose=general cache=no\r\n%.*s\r\n.\r\n", (int)len,
               descriptor);
    speaker_put(session, out_text(&command), command.len);
    char *said = speaker_hear(session);
    ck_assert_str_eq(said, want);
    free(said);
    out_free(&command);
}

START_TEST(test_postdescriptor_says_whether_it_is_sound)
{
    struct docnet *net = docnet_usual(5);
    struct text d = netdocs_descriptor(net->docs, &net->id[4].rsa_id);
    struct quiet_world world;
    ck_assert(quiet_begin(&world) && d.len > 500);
    struct control *control = control_new(net->env, NULL, &quiet_ops, &world);
    void *session = speaker_new(control);
    speaker_says(session, "AUTHENTICATE", "250 OK");
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
