#include "monitor/feed.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/pace.h"
#include "monitor/stillclient.h"
#include "support/test.h"

static struct env *env;
static struct feed *feed;
static bool destinations, ended;
static unsigned sends; /* a reader said that there is something to send */

/* ---- a reader ---- */

static bool tells_destinations(void *arg)
{
    (void)arg;
    return destinations;
}

static void on_nothing(void *holder)
{
    (void)holder;
}

static void on_output(void *holder)
{
    (void)holder;
    sends++;
}

static void on_end(void *holder)
{
    (void)holder;
    ended = true;
}

static const struct talk_ops ops = {
    .on_output = on_output, .on_input_wanted = on_nothing, .on_end = on_end};

static void setup(void)
{
    env = test_env(1);
    events = events_new(env);
    feed = feed_new(env, NULL, tells_destinations, NULL);
    destinations = ended = false;
    n_circuits = 1;
}

static void teardown(void)
{
    for (unsigned kind = 0; kind < EVENT_KINDS; kind++)
        ck_assert(!events_wanted(events, (enum event_kind)kind));
    feed_free(feed);
    events_free(events);
    test_env_free(env);
}

static void *reader_new(void)
{
    static const struct ipport nobody = {.ip = {.family = IP_NONE}};
    void *r = feed_talk.make(&feed, &nobody, &ops, NULL);
    ck_assert_ptr_nonnull(r);
    return r;
}

/* As many BYTES as R takes; how many that were. */
static size_t say(void *r, const char *bytes, size_t len, size_t step)
{
    size_t at = 0, room;
    uint8_t *to;
    while (at < len && (to = feed_talk.in_room(r, &room))) {
        size_t n = len - at < step ? len - at : step;
        n = n < room ? n : room;
        memcpy(to, bytes + at, n);
        feed_talk.in_done(r, n);
        at += n;
    }
    return at;
}

static void say_line(void *r, const char *line)
{
    ck_assert_uint_eq(say(r, line, strlen(line), 3), strlen(line));
    ck_assert_uint_eq(say(r, "\n", 1, 1), 1);
}

/* The next line that waits for R; NULL: there is none. The caller lets it go. */
static json_t *hear(void *r)
{
    size_t len;
    const uint8_t *out = feed_talk.out(r, &len), *line_end;
    if (!out)
        return NULL;
    line_end = memchr(out, '\n', len);
    ck_assert_ptr_nonnull(line_end);
    json_t *line = json_loadb((const char *)out, (size_t)(line_end - out), 0, NULL);
    ck_assert_ptr_nonnull(line);
    feed_talk.sent(r, (size_t)(line_end - out) + 1);
    return line;
}

static const char *word_of(json_t *line, const char *name)
{
    const char *text = json_string_value(json_object_get(line, name));
    return text ? text : "(none)";
}

static void hears(void *r, const char *event)
{
    json_t *line = hear(r);
    ck_assert_msg(line != NULL, "nothing, not %s", event);
    ck_assert_str_eq(word_of(line, "event"), event);
    json_decref(line);
}

static void hears_nothing(void *r)
{
    json_t *line = hear(r);
    ck_assert_msg(line == NULL, "%s", word_of(line, "event"));
}

static void tell(const struct event_record *e)
{
    events_tell(events, e);
    test_env_advance_ms(env, 1);
}

static const struct event_record circuit = {.kind = EVENT_CIRCUIT,
                                            .circuit = {.id = 9, .status = CIRCUIT_LAUNCHED}};

/* ---- what is said ---- */

START_TEST(test_feed_begins_with_what_there_is)
{
    setup();
    void *r = reader_new();
    json_t *line = hear(r);
    ck_assert_str_eq(word_of(line, "event"), "HELLO");
    ck_assert_int_eq(json_integer_value(json_object_get(line, "schema")), 1);
    ck_assert(json_is_false(json_object_get(line, "destinations")));
    ck_assert_uint_eq(json_array_size(json_object_get(line, "circuits")), 1);
    ck_assert_uint_eq(json_array_size(json_object_get(line, "streams")), 0);
    json_t *guard = json_array_get(json_object_get(line, "guards"), 0);
    ck_assert_str_eq(word_of(json_object_get(guard, "relay"), "nickname"), "old");
    ck_assert(json_is_true(json_object_get(guard, "primary")));
    ck_assert(json_is_false(json_object_get(guard, "usable")));
    ck_assert_int_eq(
        json_integer_value(json_object_get(json_object_get(line, "bootstrap"), "percent")), 0);
    json_decref(line);
    hears_nothing(r);
    feed_talk.free(r);
    teardown();
}
END_TEST

START_TEST(test_feed_tells_each_kind_once)
{
    const struct event_record minor = {.kind = EVENT_CIRCUIT,
                                       .circuit = {.status = CIRCUIT_PURPOSE_CHANGED}};
    const struct event_record begun = {.kind = EVENT_CIRCUIT, .circuit = {.status = CIRCUIT_BEGUN}};
    const struct event_record up = {.kind = EVENT_STATUS, .status = {.what = STATUS_NETWORK_UP}};
    const struct event_record set = {.kind = EVENT_STATUS,
                                     .status = {.what = STATUS_BUILDTIMEOUT_SET}};
    const struct event_record bw = {.kind = EVENT_BW, .bw = {1, 2}};
    setup();
    void *r = reader_new();
    hears(r, "HELLO");
    tell(&circuit);
    hears(r, "CIRC");
    tell(&minor);
    hears(r, "CIRC_MINOR");
    tell(&begun); /* no event of the specification's */
    hears_nothing(r);
    tell(&up);
    hears(r, "NETWORK_LIVENESS");
    tell(&set);
    hears(r, "BUILDTIMEOUT_SET");
    ck_assert(!events_wanted(events, EVENT_BW));
    say_line(r, "{\"want\":[\"BW\"]}");
    hears(r, "WANTED");
    ck_assert(!events_wanted(events, EVENT_CIRCUIT));
    tell(&bw);
    hears(r, "BW");
    feed_talk.free(r);
    teardown();
}
END_TEST

START_TEST(test_feed_follows_what_each_reader_wants)
{
    const struct event_record bw = {.kind = EVENT_BW, .bw = {1, 2}};
    setup();
    void *quiet = reader_new(), *r = reader_new(), *late = reader_new();
    hears(quiet, "HELLO");
    hears(r, "HELLO");
    hears(late, "HELLO");
    say_line(quiet, "{\"want\":[]}");
    hears(quiet, "WANTED");
    say_line(r, "{\"want\":[\"BW\",\"SIGNAL\"]}");
    json_t *line = hear(r);
    char *text = json_dumps(line, JSON_COMPACT | JSON_SORT_KEYS);
    ck_assert_str_eq(text, "{\"event\":\"WANTED\",\"want\":[\"BW\",\"SIGNAL\"]}");
    free(text);
    json_decref(line);
    tell(&bw);
    tell(&circuit);
    hears(r, "BW");
    hears_nothing(r);
    hears(late, "CIRC");
    hears_nothing(late);
    hears_nothing(quiet);
    feed_talk.free(r);
    ck_assert(!events_wanted(events, EVENT_BW) && events_wanted(events, EVENT_CIRCUIT));
    feed_talk.free(late);
    feed_talk.free(quiet);
    teardown();
}
END_TEST

static json_t *heard_of_stream(bool told)
{
    struct event_record e = {
        .kind = EVENT_STREAM,
        .stream = {.id = 3,
                   .status = STREAM_NEW,
                   .host = "secret.example",
                   .port = 443,
                   .asker = {.source = {{IP_V4, {10, 0, 0, 7}}, 999},
                             .login = login_new(TEXT_LIT("me"), TEXT_LIT("mine"))}}};
    destinations = told;
    void *r = reader_new();
    hears(r, "HELLO");
    tell(&e);
    json_t *line = hear(r);
    login_release(&e.stream.asker.login);
    feed_talk.free(r);
    return line;
}

START_TEST(test_feed_keeps_what_the_log_would_keep)
{
    setup();
    json_t *line = heard_of_stream(false);
    char *text = json_dumps(line, 0);
    ck_assert_str_eq(word_of(line, "status"), "NEW");
    ck_assert_ptr_null(strstr(text, "secret"));
    ck_assert_ptr_null(strstr(text, "443"));
    ck_assert_ptr_null(strstr(text, "10.0.0.7"));
    ck_assert_ptr_null(strstr(text, "mine"));
    free(text);
    json_decref(line);
    line = heard_of_stream(true);
    ck_assert_str_eq(word_of(line, "target"), "secret.example:443");
    ck_assert_str_eq(word_of(line, "source"), "10.0.0.7:999");
    text = json_dumps(line, 0);
    ck_assert_ptr_null(strstr(text, "mine"));
    free(text);
    json_decref(line);
    teardown();
}
END_TEST

START_TEST(test_feed_sends_events_together_and_answers_at_once)
{
    setup();
    void *r = reader_new();
    hears(r, "HELLO");
    sends = 0;
    tell(&circuit);
    ck_assert_uint_eq(sends, 1);
    tell(&circuit);
    tell(&circuit);
    ck_assert_uint_eq(sends, 1);
    say_line(r, "{\"hello\":true}"); /* the answer takes along what waits */
    ck_assert_uint_eq(sends, 2);
    for (int i = 0; i < 3; i++)
        hears(r, "CIRC");
    hears(r, "HELLO");
    tell(&circuit);
    ck_assert_uint_eq(sends, 2);
    test_env_advance_ms(env, PACE_MS);
    ck_assert_uint_eq(sends, 3);
    tell(&circuit);
    feed_talk.free(r); /* with something that waits */
    test_env_advance_ms(env, PACE_MS);
    ck_assert_uint_eq(sends, 3);
    teardown();
}
END_TEST

/* ---- readers that are slow, or odd ---- */

START_TEST(test_feed_says_how_much_is_lost)
{
    size_t len;
    setup();
    void *slow = reader_new(), *quick = reader_new();
    hears(slow, "HELLO");
    hears(quick, "HELLO");
    size_t n = 0, got = 0;
    for (; n < 20000; n++) {
        events_tell(events, &circuit);
        if (n % 1000 == 0)
            test_env_advance_ms(env, 1);
        for (json_t *line; (line = hear(quick)); json_decref(line))
            got++;
    }
    test_env_advance_ms(env, 1);
    for (json_t *line; (line = hear(quick)); json_decref(line))
        got++;
    ck_assert_uint_eq(got, n);
    feed_talk.out(slow, &len);
    ck_assert_uint_le(len, FEED_QUEUE_MOST);
    for (got = 0;; got++) {
        json_t *line = hear(slow);
        ck_assert_ptr_nonnull(line);
        bool lost = strcmp(word_of(line, "event"), "LOST") == 0;
        size_t missing = (size_t)json_integer_value(json_object_get(line, "lost"));
        json_decref(line);
        if (!lost)
            continue;
        ck_assert_uint_eq(got + missing, n);
        break;
    }
    hears_nothing(slow);
    tell(&circuit);
    hears(slow, "CIRC");
    feed_talk.free(slow);
    feed_talk.free(quick);
    teardown();
}
END_TEST

START_TEST(test_feed_answers_lines_that_are_none)
{
    static const char *const lines[] = {
        "",
        "x",
        "[]",
        "{}",
        "3",
        "\"want\"",
        "{\"want\":1}",
        "{\"want\":[1]}",
        "{\"want\":[\"NO\"]}",
        "{\"want\":[\"BW\",null]}",
        "{\"hello\":1}",
        "{\"hello\":true",
        "{\"want\":[],\"want\":[]}",
        "\xff\xfe",
    };
    setup();
    void *r = reader_new();
    hears(r, "HELLO");
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        say_line(r, lines[i]);
        hears(r, "ERROR");
    }
    tell(&circuit); /* what it wanted holds */
    hears(r, "CIRC");
    say_line(r, "{\"hello\":true}");
    hears(r, "HELLO");
    ck_assert(!ended);
    feed_talk.free(r);
    teardown();
}
END_TEST

START_TEST(test_feed_ends_with_a_line_that_does_not)
{
    static char line[2 * FEED_LINE_MOST];
    memset(line, ' ', sizeof line);
    setup();
    void *r = reader_new();
    hears(r, "HELLO");
    ck_assert_uint_eq(say(r, line, sizeof line, 1000), FEED_LINE_MOST);
    hears(r, "ERROR");
    ck_assert(ended);
    tell(&circuit);
    hears_nothing(r);
    feed_talk.free(r);
    teardown();
}
END_TEST

/* Who asks again and again, and reads nothing, is not heard any more at some point. */
START_TEST(test_feed_does_not_answer_without_end)
{
    static const char ask[] = "{\"hello\":true}\n";
    size_t len, n = 0;
    setup();
    n_circuits = 1000;
    void *r = reader_new();
    while (!ended && say(r, ask, sizeof ask - 1, sizeof ask) == sizeof ask - 1)
        ck_assert_uint_lt(++n, 1000);
    feed_talk.out(r, &len);
    ck_assert_uint_le(len, 2 * FEED_QUEUE_MOST);
    feed_talk.free(r);
    teardown();
}
END_TEST

START_TEST(test_feed_has_few_readers)
{
    static const struct ipport nobody = {.ip = {.family = IP_NONE}};
    void *r[FEED_READERS_MOST];
    struct feed *none = NULL;
    setup();
    for (size_t i = 0; i < FEED_READERS_MOST; i++)
        r[i] = reader_new();
    ck_assert_ptr_null(feed_talk.make(&feed, &nobody, &ops, NULL));
    ck_assert_ptr_null(feed_talk.make(&none, &nobody, &ops, NULL));
    for (size_t i = 0; i < FEED_READERS_MOST; i++)
        feed_talk.free(r[i]);
    teardown();
}
END_TEST

TESTS("monitor/feed", test_feed_begins_with_what_there_is, test_feed_tells_each_kind_once,
      test_feed_follows_what_each_reader_wants, test_feed_keeps_what_the_log_would_keep,
      test_feed_sends_events_together_and_answers_at_once, test_feed_says_how_much_is_lost,
      test_feed_answers_lines_that_are_none, test_feed_ends_with_a_line_that_does_not,
      test_feed_does_not_answer_without_end, test_feed_has_few_readers)
