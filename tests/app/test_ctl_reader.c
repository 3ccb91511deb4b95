/* What a control port says, and how little it may cost. */
#include "app/ctl/reader.h"

#include <stdlib.h>
#include <string.h>

#include "app/ctl/words.h"
#include "support/test.h"

static struct ctl_reader *reader;
static struct ctl_message m;

static void feed(const void *bytes, size_t len)
{
    size_t room;
    while (len) {
        char *to = ctl_reader_room(reader, &room);
        ck_assert_ptr_nonnull(to);
        size_t n = len < room ? len : room;
        memcpy(to, bytes, n);
        ctl_reader_done(reader, n);
        bytes = (const char *)bytes + n;
        len -= n;
    }
}

static void feed_text(const char *text)
{
    feed(text, strlen(text));
}

static void begin(size_t most)
{
    ctl_reader_free(reader);
    reader = ctl_reader_new(most);
    ck_assert_ptr_nonnull(reader);
}

static void is_text(struct text t, const char *want)
{
    ck_assert_msg(text_is(t, want), "\"%.*s\", not \"%s\"", TEXT_ARG(t), want);
}

#define REPLY "250-version=0.4.9.11\r\n250+config-text=\r\nA 1\r\n..dot\r\n\r\n.\r\n250 OK\r\n"

START_TEST(test_ctl_reader_reads_the_three_kinds_of_lines)
{
    struct text data, line;
    begin(1024);
    feed_text(REPLY);
    ck_ok(ctl_reader_next(reader, &m));
    data = m.lines[1].data;
    ck_assert(ctl_data_line(&data, &line));
    is_text(line, "A 1");
    ck_assert(ctl_data_line(&data, &line));
    is_text(line, ".dot");
    ck_assert(ctl_data_line(&data, &line));
    is_text(line, "");
    ck_assert(!ctl_data_line(&data, &line));
    is_text(m.raw, REPLY);
    is_text(m.lines[0].text, "version=0.4.9.11");
    is_text(m.lines[2].text, "OK");
    ck_err(ctl_reader_next(reader, &m), ERR_MORE);
}
END_TEST

START_TEST(test_ctl_reader_does_not_care_how_bytes_come)
{
    begin(1024);
    for (size_t i = 0; i + 1 < sizeof REPLY - 1; i++) {
        feed(&REPLY[i], 1);
        ck_err(ctl_reader_next(reader, &m), ERR_MORE);
    }
    feed_text("\n");
    ck_ok(ctl_reader_next(reader, &m));
    ck_assert_uint_eq(m.n, 3);
    is_text(m.raw, REPLY);
}
END_TEST

START_TEST(test_ctl_reader_gives_messages_one_by_one)
{
    begin(1024);
    feed_text("650 BW 1 2\r\n250 OK\r\n552 Unrecog");
    ck_ok(ctl_reader_next(reader, &m));
    ck_assert(ctl_is_event(&m));
    is_text(m.lines[0].text, "BW 1 2");
    ck_ok(ctl_reader_next(reader, &m));
    ck_assert(!ctl_is_event(&m) && ctl_is_ok(&m));
    ck_err(ctl_reader_next(reader, &m), ERR_MORE);
    feed_text("nized\r\n");
    ck_ok(ctl_reader_next(reader, &m));
    ck_assert(!ctl_is_ok(&m));
    is_text(m.lines[0].text, "Unrecognized");
}
END_TEST

START_TEST(test_ctl_reader_refuses_what_is_no_reply_for_ever)
{
    static const char *const bad[] = {
        "HTTP/1.0 400 Bad Request\r\n", "25 OK\r\n", "\r\n", "250\r\n", "250_OK\r\n", "2x0 OK\r\n",
        "250-a\r\nnothing\r\n"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        begin(1024);
        feed_text(bad[i]);
        ck_err(ctl_reader_next(reader, &m), ERR_MALFORMED);
        feed_text("250 OK\r\n");
        ck_err(ctl_reader_next(reader, &m), ERR_MALFORMED);
    }
    begin(1024);
    feed("250 a\0b\r\n", 9);
    ck_err(ctl_reader_next(reader, &m), ERR_MALFORMED);
}
END_TEST

START_TEST(test_ctl_reader_bounds_a_message)
{
    char bytes[1000];
    memset(bytes, 'a', sizeof bytes);
    begin(4096);
    feed_text("250 ");
    for (int i = 0; i < 4; i++) {
        feed(bytes, sizeof bytes);
        ck_err(ctl_reader_next(reader, &m), ERR_MORE);
    }
    feed(bytes, sizeof bytes);
    ck_err(ctl_reader_next(reader, &m), ERR_LIMIT);
    begin(4096);
    feed_text("250+x=\r\n");
    err_t e = ERR_MORE;
    for (int i = 0; i < 1000 && e == ERR_MORE; i++) {
        feed_text("line\r\n");
        e = ctl_reader_next(reader, &m);
    }
    ck_err(e, ERR_LIMIT);
}
END_TEST

START_TEST(test_ctl_reader_bounds_lines)
{
    begin(CTL_MESSAGE_MOST);
    err_t e = ERR_MORE;
    size_t n = 0;
    for (; n < 2 * CTL_LINES_MAX && e == ERR_MORE; n++) {
        feed_text("250-\r\n");
        e = ctl_reader_next(reader, &m);
    }
    ck_err(e, ERR_LIMIT);
    ck_assert_uint_eq(n, CTL_LINES_MAX + 1);
}
END_TEST

START_TEST(test_ctl_reader_messages_of_the_largest_size_follow_each_other)
{
    begin(65536);
    for (int i = 0; i < 40; i++) {
        feed_text("250 ");
        for (int k = 0; k < 60000; k += 10)
            feed_text("0123456789");
        feed_text("\r\n");
        ck_ok(ctl_reader_next(reader, &m));
        ck_assert_uint_eq(m.raw.len, 60006);
    }
}
END_TEST

/* ---- words ---- */

static struct ctl_word word_of(struct text *rest)
{
    struct ctl_word w;
    ck_assert(ctl_word(rest, &w));
    return w;
}

START_TEST(test_ctl_words_of_an_event)
{
    struct text t = TEXT_LIT("7 BUILT $AB=a,$CD~b  PURPOSE=GENERAL SOCKS_USERNAME=\"a \\\"b\" "
                             "EMPTY= Q=\"open");
    char plain[32];
    is_text(word_of(&t).value, "7");
    is_text(word_of(&t).value, "BUILT");
    struct ctl_word w = word_of(&t);
    ck_assert_uint_eq(w.key.len, 0);
    is_text(w.value, "$AB=a,$CD~b");
    w = word_of(&t);
    is_text(w.key, "PURPOSE");
    is_text(w.value, "GENERAL");
    w = word_of(&t);
    is_text(w.key, "SOCKS_USERNAME");
    ck_assert(w.quoted);
    ctl_unquote(w.value, plain, sizeof plain);
    ck_assert_str_eq(plain, "a \"b");
    w = word_of(&t);
    is_text(w.key, "EMPTY");
    is_text(w.value, "");
    is_text(word_of(&t).value, "open");
    ck_assert(!ctl_word(&t, &w));
}
END_TEST

START_TEST(test_ctl_words_value_of)
{
    struct text t = TEXT_LIT("AUTH METHODS=COOKIE,SAFECOOKIE COOKIEFILE=\"/run/a b\"");
    is_text(ctl_value_of(t, "METHODS"), "COOKIE,SAFECOOKIE");
    is_text(ctl_value_of(t, "COOKIEFILE"), "/run/a b");
    is_text(ctl_value_of(t, "METHOD"), "");
}
END_TEST

START_TEST(test_ctl_words_escapes)
{
    char plain[16], cut[4];
    ctl_unquote(TEXT_LIT("a\\n\\t\\\\\\101\\7x\\"), plain, sizeof plain);
    ck_assert_str_eq(plain, "a\n\t\\A\ax\\");
    ctl_unquote(TEXT_LIT("abcdef"), cut, sizeof cut);
    ck_assert_str_eq(cut, "abc");
    char *quoted = ctl_quote(TEXT_LIT("a\"\\ b"));
    ck_assert_str_eq(quoted, "\"a\\\"\\\\ b\"");
    free(quoted);
    ck_assert_ptr_null(ctl_quote(TEXT_LIT("a\r\nb")));
}
END_TEST

START_TEST(test_ctl_words_show_nothing_that_a_terminal_obeys)
{
    char shown[8];
    ctl_printable(TEXT_LIT("a\033[2J\x9b\nZtoo long"), shown, sizeof shown);
    ck_assert_str_eq(shown, "a?[2J??");
}
END_TEST

TESTS("app/ctl_reader", test_ctl_reader_reads_the_three_kinds_of_lines,
      test_ctl_reader_does_not_care_how_bytes_come, test_ctl_reader_gives_messages_one_by_one,
      test_ctl_reader_refuses_what_is_no_reply_for_ever, test_ctl_reader_bounds_a_message,
      test_ctl_reader_bounds_lines, test_ctl_reader_messages_of_the_largest_size_follow_each_other,
      test_ctl_words_of_an_event, test_ctl_words_value_of, test_ctl_words_escapes,
      test_ctl_words_show_nothing_that_a_terminal_obeys)
