/* Sessions without a socket: what comes in goes out in any pieces, and bounds hold. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/pace.h"
#include "control/control.h"
#include "control/session.h"
#include "support/test.h"

struct holder {
    void *session;
    bool ended;
    unsigned ends, resumed;
    unsigned sends; /* it said that there is something to send */
};

struct place {
    struct env *env;
    struct control *control;
    struct options *options;
    unsigned terminated;
    bool lines; /* of the log are wanted: */
    enum log_level least;
};

static const struct options *options_now(void *arg)
{
    const struct place *p = arg;
    return p->options;
}

static void terminate(void *arg)
{
    struct place *p = arg;
    p->terminated++;
}

static void want_lines(void *arg, struct control *c, bool any, enum log_level least)
{
    struct place *p = arg;
    (void)c;
    p->lines = any;
    p->least = least;
}

static void tell(struct control *c, enum told told, const char *text)
{
    struct text_out o = text_out(1 << 20);
    out_str(&o, text);
    control_tell(c, told, &o);
    out_free(&o);
}

/* Tells of what it does while the command is being run. */
static err_t set_options(void *arg, const struct conf_line *lines, unsigned flags,
                         struct conf_err *e)
{
    const struct place *p = arg;
    (void)lines, (void)flags, (void)e;
    tell(p->control, TOLD_BW, "650 BW 9 9\r\n");
    return OK;
}

static const struct control_world world = {.set_options = set_options,

                                           .options = options_now,
                                           .want_lines = want_lines,
                                           .terminate = terminate};

static struct place *place_new(void)
{
    struct place *p = calloc(1, sizeof *p);
    p->env = test_env(1);
    p->options = options_new(false);
    p->control = control_new(p->env, NULL, &world, p);
    ck_assert(p->options && p->control);
    return p;
}

static void place_free(struct place *p)
{
    control_free(p->control);
    options_free(p->options);
    test_env_free(p->env);
    free(p);
}

static void on_output(void *arg)
{
    struct holder *h = arg;
    h->sends++;
}

static void on_input_wanted(void *arg)
{
    struct holder *h = arg;
    h->resumed++;
}

static void on_end(void *arg)
{
    struct holder *h = arg;
    h->ended = true;
    h->ends++;
}

static const struct talk_ops ops = {on_output, on_input_wanted, on_end};
static const struct ipport nowhere = {.ip = {.family = IP_NONE}};

static struct holder *session_begin(struct place *p)
{
    struct holder *h = calloc(1, sizeof *h);
    h->session = session_talk.make(p->control, &nowhere, &ops, h);
    return h;
}

static void session_over(struct holder *h)
{
    session_talk.free(h->session);
    free(h);
}

/* As much of it as is taken. */
static size_t put(struct holder *h, const void *bytes, size_t len)
{
    size_t room, taken = 0;
    uint8_t *to;
    while (taken < len && !h->ended && (to = session_talk.in_room(h->session, &room))) {
        size_t n = len - taken < room ? len - taken : room;
        memcpy(to, (const char *)bytes + taken, n);
        taken += n;
        session_talk.in_done(h->session, n);
    }
    return taken;
}

static size_t waits(struct holder *h)
{
    size_t len;
    session_talk.out(h->session, &len);
    return len;
}

/* All that it says, which the caller frees. */
static char *take(struct holder *h)
{
    size_t len;
    const uint8_t *out = session_talk.out(h->session, &len);
    char *text = calloc(1, len + 1);
    if (len)
        memcpy(text, out, len);
    session_talk.sent(h->session, len);
    return text;
}

static void assert_says(struct holder *h, const char *want)
{
    char *said = take(h);
    ck_assert_str_eq(said, want);
    free(said);
}

static void ask(struct holder *h, const char *command, const char *want)
{
    ck_assert_uint_eq(put(h, command, strlen(command)), strlen(command));
    assert_says(h, want);
}

static const char SCRIPT[] =
    "PROTOCOLINFO 1\r\nAUTHENTICATE\r\nSETEVENTS BW\n+X y\r\nab\r\n..c\r\n.\r\n"
    "GETINFO events/nothing features/names a\r\nSETCONF\r\nQUIT\r\nGETINFO";

START_TEST(test_session_is_the_same_in_any_pieces)
{
    struct place *p = place_new();
    char *want = NULL;
    for (size_t piece = sizeof SCRIPT; piece > 0; piece--) {
        struct holder *h = session_begin(p);
        for (size_t at = 0; at < sizeof SCRIPT - 1; at += piece)
            put(h, SCRIPT + at, sizeof SCRIPT - 1 - at < piece ? sizeof SCRIPT - 1 - at : piece);
        char *said = take(h);
        if (!want)
            want = strdup(said);
        ck_assert_str_eq(said, want);
        ck_assert(h->ended);
        free(said);
        session_over(h);
    }
    ck_assert_ptr_nonnull(strstr(want, "510 Unrecognized command \"+X\"\r\n552-Unrecognized key "
                                       "\"events/nothing\"\r\n552 Unrecognized key \"a\"\r\n"));
    ck_assert_ptr_nonnull(strstr(want, "250 closing connection\r\n"));
    free(want);
    place_free(p);
}
END_TEST

START_TEST(test_session_cut_anywhere_says_whole_replies)
{
    struct place *p = place_new();
    for (size_t len = 0; len < sizeof SCRIPT; len++) {
        struct holder *h = session_begin(p);
        put(h, SCRIPT, len);
        char *said = take(h);
        size_t n = strlen(said);
        ck_assert(n == 0 || strcmp(said + n - 2, "\r\n") == 0);
        free(said);
        session_over(h);
    }
    place_free(p);
}
END_TEST

START_TEST(test_session_before_authentication)
{
    struct place *p = place_new();
    static const char *const refused[] = {"GETINFO version\r\n", "\r\n", "X\r\n", "SIGNAL HALT\n",
                                          "TAKEOWNERSHIP\r\n"};
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        struct holder *h = session_begin(p);
        ask(h, refused[i], "514 Authentication required.\r\n");
        ck_assert(h->ended);
        session_over(h);
    }
    struct holder *h = session_begin(p);
    put(h, "PROTOCOLINFO\r\n", 14);
    ck_assert(!h->ended);
    free(take(h));
    ask(h, "PROTOCOLINFO\r\n", "514 Authentication required.\r\n"); /* once is enough */
    ck_assert(h->ended);
    session_over(h);
    ck_assert_uint_eq(p->terminated, 0);
    place_free(p);
}
END_TEST

START_TEST(test_session_of_an_owner_ends_the_process_once)
{
    struct place *p = place_new();
    struct holder *h = session_begin(p);
    ask(h, "AUTHENTICATE\r\nTAKEOWNERSHIP\r\nDROPOWNERSHIP\r\n", "250 OK\r\n250 OK\r\n250 OK\r\n");
    session_talk.gone(h->session);
    ck_assert_uint_eq(p->terminated, 0);
    session_over(h);
    h = session_begin(p);
    ask(h, "AUTHENTICATE\r\nTAKEOWNERSHIP\r\n", "250 OK\r\n250 OK\r\n");
    put(h, "QUIT\r\n", 6);
    ck_assert_uint_eq(p->terminated, 0); /* it is to have its answer */
    assert_says(h, "250 closing connection\r\n");
    ck_assert_uint_eq(p->terminated, 1);
    session_talk.gone(h->session);
    ck_assert_uint_eq(h->ends, 1);
    session_over(h);
    ck_assert_uint_eq(p->terminated, 1);
    h = session_begin(p);
    ask(h, "AUTHENTICATE\r\nTAKEOWNERSHIP\r\n", "250 OK\r\n250 OK\r\n");
    session_talk.gone(h->session); /* without a word */
    ck_assert_uint_eq(p->terminated, 2);
    session_over(h);
    ck_assert_uint_eq(p->terminated, 2);
    place_free(p);
}
END_TEST

START_TEST(test_session_with_too_long_a_command_ends)
{
    struct place *p = place_new();
    static char long_one[SESSION_COMMAND_MOST + 10];
    memset(long_one, 'x', sizeof long_one);
    struct holder *h = session_begin(p);
    ck_assert_uint_lt(put(h, long_one, sizeof long_one), SESSION_GREETING_MOST + 4096);
    assert_says(h, "500 Line too long.\r\n");
    ck_assert(h->ended);
    session_over(h);
    h = session_begin(p);
    ask(h, "AUTHENTICATE\r\n", "250 OK\r\n");
    ck_assert_uint_eq(put(h, long_one, sizeof long_one), SESSION_COMMAND_MOST);
    assert_says(h, "500 Line too long.\r\n");
    session_over(h);
    h = session_begin(p);
    ask(h, "AUTHENTICATE\r\n", "250 OK\r\n");
    long_one[0] = '+';
    memset(long_one + 1, '\n', sizeof long_one - 1);
    put(h, long_one, sizeof long_one);
    assert_says(h, "500 Line too long.\r\n");
    session_over(h);
    place_free(p);
}
END_TEST

START_TEST(test_session_that_is_not_read_takes_no_more_commands)
{
    struct place *p = place_new();
    struct holder *h = session_begin(p);
    static const char command[] = "GETINFO info/names\r\n";
    size_t asked = 0, answered = 0;
    ask(h, "AUTHENTICATE\r\n", "250 OK\r\n");
    while (asked < 1000000 && put(h, command, sizeof command - 1) == sizeof command - 1)
        asked++;
    ck_assert_uint_lt(asked, 100000);
    ck_assert_uint_lt(waits(h), 2 * SESSION_PAUSE);
    while (waits(h) > 0) {
        char *said = take(h);
        for (const char *at = said; (at = strstr(at, "250 OK\r\n")); at++)
            answered++;
        free(said);
        test_env_advance_ms(p->env, 1);
    }
    ck_assert_uint_ge(h->resumed, 1);
    ck_assert(answered >= asked - 1 && answered <= asked + 1);
    session_over(h);
    place_free(p);
}
END_TEST

START_TEST(test_session_hears_what_it_asked_for)
{
    struct place *p = place_new();
    struct holder *h = session_begin(p), *other = session_begin(p);
    ask(h, "AUTHENTICATE\r\nSETEVENTS bw\r\n", "250 OK\r\n250 OK\r\n");
    ck_assert(control_wants(p->control, TOLD_BW) && !control_wants(p->control, TOLD_CIRC));
    tell(p->control, TOLD_BW, "650 BW 1 2\r\n");
    tell(p->control, TOLD_CIRC, "650 CIRC 1\r\n");
    assert_says(h, "650 BW 1 2\r\n");
    assert_says(other, "");
    ask(h, "SETEVENTS\r\n", "250 OK\r\n");
    ck_assert(!control_wants(p->control, TOLD_BW));
    ask(h, "SETEVENTS CIRC\r\nSETEVENTS BW NOTHING\r\n",
        "250 OK\r\n552 Unrecognized event \"NOTHING\"\r\n");
    ck_assert(control_wants(p->control, TOLD_CIRC) && !control_wants(p->control, TOLD_BW));
    session_over(h);
    ck_assert(!control_wants(p->control, TOLD_CIRC));
    session_over(other);
    place_free(p);
}
END_TEST

/* A controller that has come in and is told of bytes. */
static struct holder *hears_bw(struct place *p)
{
    struct holder *h = session_begin(p);
    ask(h, "AUTHENTICATE\r\nSETEVENTS BW\r\n", "250 OK\r\n250 OK\r\n");
    return h;
}

START_TEST(test_session_hears_of_its_command_behind_the_reply)
{
    struct place *p = place_new();
    struct holder *h = hears_bw(p), *other = hears_bw(p);
    ask(h, "SETCONF SocksTimeout=1\r\n", "250 OK\r\n650 BW 9 9\r\n");
    assert_says(other, "650 BW 9 9\r\n");
    session_over(h);
    session_over(other);
    place_free(p);
}
END_TEST

START_TEST(test_session_that_is_slow_is_told_what_it_missed)
{
    struct place *p = place_new();
    struct holder *slow = session_begin(p), *quick = session_begin(p);
    static char event[1001] = "650 BW ";
    memset(event + 7, '1', 991);
    strcpy(event + 998, "\r\n");
    ask(slow, "AUTHENTICATE\r\nSETEVENTS BW\r\n", "250 OK\r\n250 OK\r\n");
    ask(quick, "AUTHENTICATE\r\nSETEVENTS BW\r\n", "250 OK\r\n250 OK\r\n");
    unsigned most = SESSION_EVENTS_MOST / 1000 + 1;
    for (unsigned i = 0; i < most + 7; i++) {
        tell(p->control, TOLD_BW, event);
        assert_says(quick, event);
    }
    ck_assert_uint_le(waits(slow), SESSION_EVENTS_MOST + sizeof event);
    free(take(slow));
    tell(p->control, TOLD_BW, "650 BW 1 1\r\n");
    assert_says(slow, "650 STATUS_GENERAL WARN EVENTS_DROPPED COUNT=7\r\n650 BW 1 1\r\n");
    tell(p->control, TOLD_BW, "650 BW 2 2\r\n");
    assert_says(slow, "650 BW 2 2\r\n");
    session_over(slow);
    session_over(quick);
    place_free(p);
}
END_TEST

START_TEST(test_session_is_told_of_what_the_client_had_no_room_for)
{
    struct place *p = place_new();
    struct holder *h = session_begin(p), *other = session_begin(p);
    ask(h, "AUTHENTICATE\r\nSETEVENTS CIRC\r\n", "250 OK\r\n250 OK\r\n");
    ask(other, "AUTHENTICATE\r\nSETEVENTS NOTICE\r\n", "250 OK\r\n250 OK\r\n");
    control_count_lost(p->control, TOLD_BIT(TOLD_CIRC) | TOLD_BIT(TOLD_STREAM), 5);
    tell(p->control, TOLD_CIRC, "650 CIRC 1\r\n");
    assert_says(h, "650 STATUS_GENERAL WARN EVENTS_DROPPED COUNT=5\r\n650 CIRC 1\r\n");
    tell(p->control, TOLD_NOTICE, "650 NOTICE x\r\n");
    assert_says(other, "650 NOTICE x\r\n"); /* it wanted none of these */
    session_over(h);
    session_over(other);
    place_free(p);
}
END_TEST

START_TEST(test_session_hears_lines_of_the_log_by_their_level)
{
    struct place *p = place_new();
    struct holder *h = session_begin(p), *other = session_begin(p);
    ask(h, "AUTHENTICATE\r\nSETEVENTS INFO WARN\r\n", "250 OK\r\n250 OK\r\n");
    ck_assert(p->lines && p->least == LOG_INFO);
    ask(other, "AUTHENTICATE\r\nSETEVENTS DEBUG\r\n", "250 OK\r\n250 OK\r\n");
    ck_assert(p->lines && p->least == LOG_DEBUG);
    control_log(p->control, LOG_INFO, "one");
    control_log(p->control, LOG_NOTICE, "two");
    control_log(p->control, LOG_DEBUG, "three");
    assert_says(h, "650 INFO one\r\n");
    assert_says(other, "650 DEBUG three\r\n");
    session_over(other);
    ck_assert(p->lines && p->least == LOG_INFO);
    session_over(h);
    ck_assert(!p->lines);
    place_free(p);
}
END_TEST

START_TEST(test_session_of_one_too_many_takes_the_place_of_a_silent_one)
{
    struct place *p = place_new();
    struct holder *all[40];
    size_t n = 0;
    p->options->conn_limit = 40;
    for (; n < 20; n++)
        all[n] = session_begin(p);
    ask(all[0], "AUTHENTICATE\r\n", "250 OK\r\n");
    all[n++] = session_begin(p);
    ck_assert(!all[0]->ended && all[1]->ended && !all[2]->ended && all[20]->session);
    for (size_t i = 2; i < n; i++)
        ask(all[i], "AUTHENTICATE\r\n", "250 OK\r\n");
    ck_assert_ptr_null(session_talk.make(p->control, &nowhere, &ops, NULL));
    while (n > 0)
        session_over(all[--n]);
    place_free(p);
}
END_TEST

START_TEST(test_session_refuses_what_is_spoken_by_mistake)
{
    struct place *p = place_new();
    struct holder *h = session_begin(p);
    put(h, "POST / HTTP/1.1\r\n\r\n", 19);
    char *said = take(h);
    ck_assert(strncmp(said, "HTTP/1.0 501 Tor ControlPort is not an HTTP proxy\r\n", 51) == 0);
    ck_assert_uint_gt(strlen(said), 512);
    ck_assert(h->ended);
    free(said);
    session_over(h);
    h = session_begin(p);
    put(h, "\0\1\0\7x", 5);
    ck_assert(h->ended && waits(h) > 6);
    size_t len;
    const uint8_t *out = session_talk.out(h->session, &len);
    ck_assert_uint_eq(4u + ((unsigned)out[0] << 8 | out[1]),
                      len); /* its length, its type, what it says */
    session_over(h);
    place_free(p);
}
END_TEST

/* Nothing is sent twice, nothing is lost, and whoever asks waits for nothing. */
START_TEST(test_session_sends_events_together_and_replies_at_once)
{
    struct place *p = place_new();
    struct holder *h = hears_bw(p), *other = hears_bw(p);
    h->sends = other->sends = 0;
    tell(p->control, TOLD_BW, "650 BW 1 1\r\n"); /* at once, to both */
    ck_assert(h->sends == 1 && other->sends == 1);
    assert_says(h, "650 BW 1 1\r\n");
    assert_says(other, "650 BW 1 1\r\n");
    test_env_advance_ms(p->env, 1);
    tell(p->control, TOLD_BW, "650 BW 2 2\r\n");
    test_env_advance_ms(p->env, 1);
    tell(p->control, TOLD_BW, "650 BW 3 3\r\n");
    ck_assert(h->sends == 1 && other->sends == 1);
    put(h, "GETINFO features/names\r\n", 24); /* the reply takes along what waits */
    ck_assert(h->sends == 2 && other->sends == 1);
    assert_says(h, "650 BW 2 2\r\n650 BW 3 3\r\n"
                   "250-features/names=VERBOSE_NAMES EXTENDED_EVENTS\r\n250 OK\r\n");
    test_env_advance_ms(p->env, PACE_MS - 2);
    ck_assert(h->sends == 2 && other->sends == 2); /* nothing is left for h */
    assert_says(other, "650 BW 2 2\r\n650 BW 3 3\r\n");
    session_over(h);
    session_over(other);
    place_free(p);
}
END_TEST

START_TEST(test_session_lets_nothing_wait_at_its_end)
{
    struct place *p = place_new();
    struct holder *h = hears_bw(p), *gone = hears_bw(p);
    tell(p->control, TOLD_BW, "650 BW 1 1\r\n");
    free(take(h));
    test_env_advance_ms(p->env, 1);
    tell(p->control, TOLD_BW, "650 BW 2 2\r\n");
    session_over(gone); /* with something that waits */
    put(h, "QUIT\r\n", 6);
    ck_assert_uint_eq(h->ends, 1);
    assert_says(h, "650 BW 2 2\r\n250 closing connection\r\n");
    h->sends = 0;
    test_env_advance_ms(p->env, 1000);
    ck_assert_uint_eq(h->sends, 0);
    session_over(h);
    place_free(p);
}
END_TEST

START_TEST(test_session_does_not_let_much_wait)
{
    struct place *p = place_new();
    struct holder *h = session_begin(p);
    static char event[1001] = "650 BW ";
    memset(event + 7, '1', 991);
    strcpy(event + 998, "\r\n");
    ask(h, "AUTHENTICATE\r\nSETEVENTS BW\r\n", "250 OK\r\n250 OK\r\n");
    tell(p->control, TOLD_BW, event);
    free(take(h));
    test_env_advance_ms(p->env, 1);
    h->sends = 0;
    for (; waits(h) + 1000 < PACE_ENOUGH; tell(p->control, TOLD_BW, event))
        ck_assert_uint_eq(h->sends, 0);
    tell(p->control, TOLD_BW, event);
    ck_assert_uint_eq(h->sends, 1);
    session_over(h);
    place_free(p);
}
END_TEST

TESTS("control/session", test_session_is_the_same_in_any_pieces,
      test_session_cut_anywhere_says_whole_replies, test_session_before_authentication,
      test_session_of_an_owner_ends_the_process_once, test_session_with_too_long_a_command_ends,
      test_session_that_is_not_read_takes_no_more_commands, test_session_hears_what_it_asked_for,
      test_session_hears_of_its_command_behind_the_reply,
      test_session_that_is_slow_is_told_what_it_missed,
      test_session_is_told_of_what_the_client_had_no_room_for,
      test_session_hears_lines_of_the_log_by_their_level,
      test_session_of_one_too_many_takes_the_place_of_a_silent_one,
      test_session_refuses_what_is_spoken_by_mistake,
      test_session_sends_events_together_and_replies_at_once,
      test_session_lets_nothing_wait_at_its_end, test_session_does_not_let_much_wait)
