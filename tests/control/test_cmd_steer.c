/* Commands that steer circuits, streams and names, of a client that knows a network which does not
 * answer: what is refused, in which words, and what is done. */
#include <stdarg.h>

#include "client/steer.h"
#include "client/tunnel.h"
#include "control/knowncontrol.h"
#include "control/speaker.h"

static struct capture {
    struct tunnel *tunnel;
    struct tunnel_end end;
    unsigned ends;
} asked;

static void *session;

static void setup_with(bool unattached)
{
    begin(true, unattached);
    asked = (struct capture){NULL};
    session = speaker_new(t.control);
    speaker_says(session, "AUTHENTICATE", "250 OK");
}

static void setup(void)
{
    setup_with(false);
}

static void teardown(void)
{
    session_talk.free(session);
    end();
}

static void says(const char *command, const char *want)
{
    speaker_says(session, command, want);
}

/* Words put together from a format. */
static const char *words(const char *format, ...)
{
    static char text[2][2000];
    static unsigned at;
    va_list args;
    at = 1 - at;
    va_start(args, format);
    vsnprintf(text[at], sizeof text[at], format, args);
    va_end(args);
    return text[at];
}

static const char *fingerprint(size_t node)
{
    static char hex[HEX_SIZE(20)];
    return hex_upper(known.net->id[node].rsa_id.b, 20, hex);
}

/* The answer to COMMAND with the events that it brought about, which the caller frees. */
static char *answer_and_events(const char *command)
{
    speaker_put(session, command, strlen(command));
    speaker_put(session, "\r\n", 2);
    test_env_advance_ms(known.net->env, 0);
    return speaker_hear(session);
}

static void begins(const char *said, const char *want)
{
    ck_assert_msg(strncmp(said, want, strlen(want)) == 0, "%s", said);
}

/* Whether the answer to GETINFO KEY has TEXT in it. */
static bool has(const char *key, const char *text)
{
    char *said = speaker_ask(session, words("GETINFO %s", key));
    bool found = strstr(said, text) != NULL;
    free(said);
    return found;
}

/* ---- circuits ---- */

START_TEST(test_extendcircuit_begins_circuits_by_any_name_of_a_relay)
{
    setup();
    const char *nickname = known.net->plan.node[5].nickname;
    says(words("EXTENDCIRCUIT 0 %s", nickname), "250 EXTENDED 1");
    ck_assert(has("circuit-status", words("1 LAUNCHED")));
    says(words("EXTENDCIRCUIT 0 %s", fingerprint(5)), "250 EXTENDED 2");
    says(words("EXTENDCIRCUIT 0 $%s~whoever,%s", fingerprint(5), known.net->plan.node[6].nickname),
         "250 EXTENDED 3");
    says(words("EXTENDCIRCUIT 0 %s purpose=controller", nickname), "250 EXTENDED 4");
    ck_assert(has("circuit-status", "PURPOSE=CONTROLLER"));
    says(words("EXTENDCIRCUIT 0 $%s=%s", fingerprint(5), nickname),
         words("552 No such router \"$%s=%s\"", fingerprint(5), nickname));
    says("EXTENDCIRCUIT 0 nobody", "552 No such router \"nobody\"");
    says("EXTENDCIRCUIT 0 Unnamed", "552 No such router \"Unnamed\"");
    says(words("EXTENDCIRCUIT 0 %s,nobody,x", nickname), "552 No such router \"nobody\"");
    says(words("EXTENDCIRCUIT 0 %s,", nickname), "552 No such router \"\"");
    ck_assert(client_has_circuit(known.client, 4) && !client_has_circuit(known.client, 5));
    teardown();
}
END_TEST

static unsigned warnings;

static void count_line(void *arg, enum log_level level, const char *line)
{
    (void)arg;
    warnings += level == LOG_WARN && strstr(line, "You specified a relay");
}

START_TEST(test_extendcircuit_by_nickname_does_not_fill_the_log)
{
    struct log counting = {.least = LOG_WARN, .sink = count_line};
    setup();
    const char *nickname = known.net->plan.node[5].nickname;
    known.net->env->log = &counting;
    for (int i = 0; i < 3; i++)
        says(words("EXTENDCIRCUIT 0 %1$s,%1$s", nickname), words("250 EXTENDED %d", i + 1));
    ck_assert_uint_eq(warnings, 1);
    teardown();
}
END_TEST

START_TEST(test_extendcircuit_refuses_in_tors_words)
{
    setup();
    const char *nickname = known.net->plan.node[5].nickname;
    says("EXTENDCIRCUIT", "512 Bad arguments to EXTENDCIRCUIT: Need at least 1 argument(s)");
    says("EXTENDCIRCUIT 9", "552 Unknown circuit \"9\"");
    says(words("EXTENDCIRCUIT 9 %s", nickname), "552 Unknown circuit \"9\"");
    says("EXTENDCIRCUIT x", "552 Unknown circuit \"x\"");
    says("EXTENDCIRCUIT 4294967296", "552 Unknown circuit \"4294967296\"");
    says(words("EXTENDCIRCUIT 0 %s purpose=x", nickname), "552 Unknown purpose \"x\"");
    says("EXTENDCIRCUIT 0 purpose=controller", "551 Couldn't start circuit");
    says(words("EXTENDCIRCUIT 0 %1$s,%1$s,%1$s,%1$s,%1$s,%1$s,%1$s,%1$s,%1$s", nickname),
         "551 Couldn't start circuit");
    /* Each name may cost a look at all relays and a warning: those that are too many are not met.
     */
    says(words("EXTENDCIRCUIT 0 %1$s,%1$s,%1$s,%1$s,%1$s,%1$s,%1$s,%1$s,%1$s,nobody", nickname),
         "551 Couldn't start circuit");
    says(words("EXTENDCIRCUIT 0 %s", nickname), "250 EXTENDED 1");
    says("EXTENDCIRCUIT 1", "512 syntax error: path required.");
    client_stop(known.client);
    says(words("EXTENDCIRCUIT 0 %s", nickname), "551 Couldn't start circuit");
    teardown();
}
END_TEST

START_TEST(test_extendcircuit_tells_behind_its_reply)
{
    setup();
    says("SETEVENTS CIRC", "250 OK");
    char *said = answer_and_events(words("EXTENDCIRCUIT 0 %s", known.net->plan.node[5].nickname));
    begins(said, "250 EXTENDED 1\r\n650 CIRC 1 LAUNCHED ");
    free(said);
    said = answer_and_events("CLOSECIRCUIT 1");
    begins(said, "250 OK\r\n650 CIRC 1 FAILED ");
    ck_assert_ptr_nonnull(strstr(said, " REASON=REQUESTED"));
    free(said);
    teardown();
}
END_TEST

START_TEST(test_setcircuitpurpose_and_closecircuit)
{
    setup();
    says("SETCIRCUITPURPOSE 1 purpose=controller", "552 Unknown circuit \"1\"");
    says("CLOSECIRCUIT 1", "552 Unknown circuit \"1\"");
    says(words("EXTENDCIRCUIT 0 %s", known.net->plan.node[5].nickname), "250 EXTENDED 1");
    says("SETCIRCUITPURPOSE 1", "552 No purpose given");
    says("SETCIRCUITPURPOSE 1 purpose=hs", "552 Unknown purpose \"hs\"");
    ck_assert(has("circuit-status", "PURPOSE=GENERAL"));
    says("SETCIRCUITPURPOSE 1 purpose=Controller", "250 OK");
    ck_assert(has("circuit-status", "PURPOSE=CONTROLLER"));
    says("SETCIRCUITPURPOSE 1 purpose=purpose=general", "250 OK"); /* as tor has it */
    ck_assert(has("circuit-status", "PURPOSE=GENERAL"));
    says("CLOSECIRCUIT", "512 Bad arguments to CLOSECIRCUIT: Need at least 1 argument(s)");
    says("CLOSECIRCUIT 1 IfUnused", "250 OK");
    says("CLOSECIRCUIT 1", "552 Unknown circuit \"1\"");
    teardown();
}
END_TEST

/* ---- streams ---- */

static void on_end(void *arg, const struct tunnel_end *end_)
{
    (void)arg;
    asked.end = *end_;
    asked.ends++;
}

/* One of an application, which waits for a circuit. -> its id */
static uint64_t open_stream(void)
{
    static const struct tunnel_ops ops = {.on_end = on_end};
    const struct tunnel_request req = {
        .kind = TUNNEL_CONNECT, .host = "web.test", .port = 80, .ipv4_ok = true};
    asked.tunnel = tunnel_open(known.client, &req, &ops, NULL);
    ck_assert_ptr_nonnull(asked.tunnel);
    test_env_advance_ms(known.net->env, 0);
    return tunnel_stream(asked.tunnel);
}

START_TEST(test_commands_of_streams_refuse_in_tors_words)
{
    setup();
    says("ATTACHSTREAM 1", "512 Bad arguments to ATTACHSTREAM: Need at least 2 argument(s)");
    says("ATTACHSTREAM 77 0", "552 Unknown stream \"77\"");
    says("REDIRECTSTREAM 77 x", "552 Unknown stream \"77\"");
    says("CLOSESTREAM 77 1", "552 Unknown stream \"77\"");
    says("CLOSESTREAM x 1", "552 Unknown stream \"x\"");
    unsigned id = (unsigned)open_stream();
    says(words("ATTACHSTREAM %u 99", id), "552 Unknown circuit \"99\"");
    says(words("ATTACHSTREAM %u x", id), "552 Unknown circuit \"x\"");
    says(words("ATTACHSTREAM %u 00", id), "552 Unknown circuit \"00\"");
    says(words("ATTACHSTREAM %u 0", id), "555 Connection is not managed by controller.");
    says(words("ATTACHSTREAM %u 0 HOPS=1", id),
         "512 Bad arguments to ATTACHSTREAM: Unrecognized keyword argument \"HOPS\"");
    says(words("REDIRECTSTREAM %u b.test 0", id), "512 Cannot parse port \"0\"");
    says(words("REDIRECTSTREAM %u b.test 65536", id), "512 Cannot parse port \"65536\"");
    says(words("CLOSESTREAM %u x", id), "552 Unrecognized reason \"x\"");
    says(words("CLOSESTREAM %u 256", id), "552 Unrecognized reason \"256\"");
    ck_assert_uint_eq(asked.ends, 0);
    teardown();
}
END_TEST

START_TEST(test_streams_are_redirected_and_closed)
{
    setup();
    unsigned id = (unsigned)open_stream();
    ck_assert(has("stream-status", words("%u NEW 0 web.test:80", id)));
    says(words("REDIRECTSTREAM %u b.test", id), "250 OK");
    ck_assert(has("stream-status", words("%u NEW 0 b.test:80", id)));
    says(words("REDIRECTSTREAM %u c.test 65535", id), "250 OK");
    ck_assert(has("stream-status", words("%u NEW 0 c.test:65535", id)));
    says(words("CLOSESTREAM %u 6", id), "250 OK");
    test_env_advance_ms(known.net->env, 0);
    ck_assert_uint_eq(asked.ends, 1);
    ck_assert_uint_eq(asked.end.reason, 6);
    says(words("CLOSESTREAM %u 6", id), words("552 Unknown stream \"%u\"", id));
    teardown();
}
END_TEST

START_TEST(test_attachstream_of_one_that_is_left_to_controllers)
{
    setup_with(true);
    const char *nickname = known.net->plan.node[5].nickname;
    says(words("EXTENDCIRCUIT 0 %s", nickname), "250 EXTENDED 1");
    unsigned id = (unsigned)open_stream();
    says(words("ATTACHSTREAM %u 1", id), "551 Can't attach stream to non-open origin circuit");
    says(words("ATTACHSTREAM %u 1 HOP=x", id), "552 Bad value hop=x");
    says(words("ATTACHSTREAM %u 0 HOP=x", id), "250 OK"); /* tor looks at it for a circuit only */
    says(words("ATTACHSTREAM %u 0", id), "555 Connection is not managed by controller.");
    teardown();
}
END_TEST

/* ---- names ---- */

START_TEST(test_mapaddress_answers_for_each)
{
    setup();
    says("MAPADDRESS", "512 syntax error: not enough arguments to mapaddress.");
    says("MAPADDRESS a.test=b.test", "250 a.test=b.test");
    says("MAPADDRESS c.test=d.test e.test=f!test [2001:db8::1]=g.test",
         "250-c.test=d.test\r\n512-syntax error: invalid address 'f!test'\r\n"
         "250 [2001:db8::1]=g.test");
    says("MAPADDRESS c.test=d.test a.test=*",
         "250-c.test=d.test\r\n512 syntax error: invalid address '*'");
    says("MAPADDRESS *.a.test=*.b!test", "512 syntax error: invalid address '*.b!test'");
    says("MAPADDRESS *.w.test=*.v.test", "250 *.w.test=*.v.test");
    says("MAPADDRESS a.test=*.b.test",
         "512 syntax error: invalid address mapping  'a.test=*.b.test': can only use wildcard "
         "(i.e. '*.') if 'from' address uses wildcard also");
    ck_assert(has("address-mappings/control", "\r\na.test b.test NEVER\r\n"));
    char *said = speaker_ask(session, "MAPADDRESS .=h.test"), *key = said + 4;
    char *sign = strchr(said, '=');
    ck_assert(strncmp(said, "250 ", 4) == 0 && strcmp(sign, "=h.test\r\n") == 0);
    *sign = 0;
    ck_assert_uint_eq(strlen(key), 16 + strlen(".virtual"));
    says("MAPADDRESS .=h.test", words("250 %s=h.test", key));
    free(said);
    said = speaker_ask(session, "MAPADDRESS 0.0.0.0=h.test ::=h.test");
    ck_assert_msg(strncmp(said, "250-127.", 8) == 0, "%s", said);
    ck_assert_ptr_nonnull(strstr(said, "=h.test\r\n250 [fe"));
    free(said);
    teardown();
}
END_TEST

static void note_line(void *arg, enum log_level level, const char *line)
{
    struct text_out *out = arg;
    (void)level;
    out_printf(out, "%s\n", line);
}

START_TEST(test_mapaddress_keeps_destinations_out_of_the_log)
{
    struct text_out said = text_out(1 << 16);
    struct log kept = {.least = LOG_DEBUG, .sink = note_line, .arg = &said};
    setup();
    known.net->env->log = &kept;
    free(speaker_ask(session, "MAPADDRESS secret.test=x!secret secret.test=*.secret.test "
                              "*.secret.test=*.secret!test secret.test=b.secret.test"));
    free(answer_and_events("RESOLVE secret.test"));
    ck_assert_ptr_nonnull(strstr(out_text(&said), "Skipping invalid argument"));
    ck_assert_msg(!strstr(out_text(&said), "secret"), "%s", out_text(&said));
    teardown();
    out_free(&said);
}
END_TEST

START_TEST(test_events_that_the_client_has_no_room_for_are_counted)
{
    setup();
    static const struct event_record e = {.kind = EVENT_ADDRMAP,
                                          .addrmap = {.from = "a.test", .to = "b.test"}};
    size_t told = 0, dropped = 0, n = EVENTS_MOST_BYTES / 256;
    says("SETEVENTS ADDRMAP", "250 OK");
    for (size_t i = 0; i < n; i++)
        client_tell(known.client, &e);
    test_env_advance_ms(known.net->env, 0);
    client_tell(known.client, &e);
    test_env_advance_ms(known.net->env, 0);
    char *said = speaker_hear(session);
    for (const char *at = said; (at = strstr(at, "650 ADDRMAP ")); at++)
        told++;
    for (const char *at = said; (at = strstr(at, "EVENTS_DROPPED COUNT=")); at++)
        dropped += strtoul(at + strlen("EVENTS_DROPPED COUNT="), NULL, 10);
    ck_assert(told > 0 && dropped > 0);
    ck_assert_uint_ge(told + dropped, n + 1); /* of other kinds some are left out, too */
    ck_assert_uint_le(told + dropped, n + 100);
    free(said);
    teardown();
}
END_TEST

START_TEST(test_addrmap_events_have_the_form_of_tors)
{
    setup();
    says("SETEVENTS ADDRMAP", "250 OK");
    char *said = answer_and_events("MAPADDRESS a.test=b.test");
    ck_assert_str_eq(said, "250 a.test=b.test\r\n650 ADDRMAP a.test b.test NEVER "
                           "CACHED=\"YES\"\r\n");
    free(said);
    t.world.utc_offset_s = 3600;
    said = answer_and_events("RESOLVE mode=reverse no.address");
    ck_assert_str_eq(said, "250 OK\r\n650 ADDRMAP no.address no.address \"2026-01-01 01:00:00\" "
                           "internal EXPIRES=\"2026-01-01 00:00:00\" CACHED=\"NO\"\r\n");
    free(said);
    says("GETINFO current-time/utc", "250-current-time/utc=2026-01-01T00:00:00\r\n250 OK");
    says("GETINFO current-time/local", "250-current-time/local=2026-01-01T01:00:00\r\n250 OK");
    teardown();
}
END_TEST

START_TEST(test_resolve_answers_by_events)
{
    setup();
    says("RESOLVE", "250 OK");
    says("RESOLVE web.test", "250 OK");
    says("SETEVENTS ADDRMAP", "250 OK");
    char *said = answer_and_events("RESOLVE mode=Reverse no.address 0.0.0.0");
    begins(said, "250 OK\r\n650 ADDRMAP no.address no.address ");
    free(said);
    says("RESOLVE x=y", "250 OK"); /* no name is in it */
    teardown();
}
END_TEST

/* ---- signals ---- */

START_TEST(test_signal_knows_each_name)
{
    static const struct {
        const char *name;
        enum signal_what signal;
    } rows[] = {
        {"RELOAD", SIGNAL_RELOAD}, {"hup", SIGNAL_RELOAD},          {"SHUTDOWN", SIGNAL_SHUTDOWN},
        {"DUMP", SIGNAL_DUMP},     {"USR1", SIGNAL_DUMP},           {"DEBUG", SIGNAL_DEBUG},
        {"USR2", SIGNAL_DEBUG},    {"HALT", SIGNAL_HALT},           {"TERM", SIGNAL_HALT},
        {"INT", SIGNAL_HALT},      {"HEARTBEAT", SIGNAL_HEARTBEAT},
    };
    setup();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        t.world.signals = 0;
        says(words("SIGNAL %s", rows[i].name), "250 OK");
        ck_assert_uint_eq(t.world.signals, 0); /* when the answer is out */
        test_env_advance_ms(known.net->env, 0);
        ck_assert_uint_eq(t.world.signals, 1u << rows[i].signal);
    }
    t.world.lacks_signals = 1u << SIGNAL_SHUTDOWN | 1u << SIGNAL_NEWNYM; /* a library's program */
    t.world.signals = 0;
    says("SIGNAL ShutDown", "552 Unrecognized signal code \"ShutDown\"");
    says("SIGNAL NEWNYM", "250 OK"); /* is the client's */
    ck_assert(has("signal/names", "=RELOAD HUP DUMP USR1 DEBUG USR2 HALT TERM INT NEWNYM "
                                  "CLEARDNSCACHE HEARTBEAT ACTIVE DORMANT\r\n"));
    test_env_advance_ms(known.net->env, 0);
    ck_assert_uint_eq(t.world.signals, 0);
    says("SIGNAL x", "552 Unrecognized signal code \"x\"");
    says("SIGNAL", "512 Bad arguments to SIGNAL: Need at least 1 argument(s)");
    says("SIGNAL HUP HUP", "512 Bad arguments to SIGNAL: Cannot accept more than 1 argument(s)");
    teardown();
}
END_TEST

START_TEST(test_signals_of_the_client)
{
    static const char *const names[] = {"NEWNYM", "CLEARDNSCACHE", "DORMANT", "ACTIVE"};
    setup();
    says("SETEVENTS SIGNAL", "250 OK");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char *said = answer_and_events(words("SIGNAL %s", names[i]));
        ck_assert_str_eq(said, words("250 OK\r\n650 SIGNAL %s\r\n", names[i]));
        free(said);
    }
    ck_assert_uint_eq(t.world.signals, 0); /* these are not the process's */
    ck_assert(has("signal/names", "=RELOAD HUP SHUTDOWN DUMP USR1 DEBUG USR2 HALT TERM INT NEWNYM "
                                  "CLEARDNSCACHE HEARTBEAT ACTIVE DORMANT\r\n"));
    ck_assert(has("status/enough-dir-info", "info=1\r\n"));
    ck_assert(has("dormant", "250-dormant=0\r\n"));
    test_env_advance_ms(known.net->env, UINT64_C(3600) * 1000 + 1000); /* nobody wanted anything */
    ck_assert(has("dormant", "250-dormant=1\r\n"));
    teardown();
}
END_TEST

START_TEST(test_dropguards_and_droptimeouts)
{
    setup();
    says("DROPGUARDS x", "512 Bad arguments to DROPGUARDS: Cannot accept more than 0 argument(s)");
    says("SETEVENTS GUARD BUILDTIMEOUT_SET", "250 OK");
    char *said = answer_and_events("DROPTIMEOUTS");
    begins(said, "250 OK\r\n650 BUILDTIMEOUT_SET RESET ");
    free(said);
    said = answer_and_events("DROPGUARDS");
    begins(said, "250 OK\r\n650 GUARD ENTRY $");
    ck_assert_ptr_nonnull(strstr(said, " DROPPED\r\n"));
    free(said);
    teardown();
}
END_TEST

TESTS("control/cmd_steer", test_extendcircuit_begins_circuits_by_any_name_of_a_relay,
      test_extendcircuit_by_nickname_does_not_fill_the_log,
      test_extendcircuit_refuses_in_tors_words, test_extendcircuit_tells_behind_its_reply,
      test_setcircuitpurpose_and_closecircuit, test_commands_of_streams_refuse_in_tors_words,
      test_streams_are_redirected_and_closed, test_attachstream_of_one_that_is_left_to_controllers,
      test_mapaddress_answers_for_each, test_addrmap_events_have_the_form_of_tors,
      test_mapaddress_keeps_destinations_out_of_the_log,
      test_events_that_the_client_has_no_room_for_are_counted, test_resolve_answers_by_events,
      test_signal_knows_each_name, test_signals_of_the_client, test_dropguards_and_droptimeouts)
