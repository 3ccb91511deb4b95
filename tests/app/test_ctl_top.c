/* What "tunic ctl top" makes of replies and events. */
#include "app/ctl/topstate.h"

#include <string.h>

#include "app/ctl/toprows.h"
#include "support/test.h"

enum { NOW = 1000, WALL = 1795999259 };

#define FP(c) #c #c #c #c #c #c #c #c #c #c #c #c #c #c #c #c #c #c #c #c

static struct top *t;
static char line[TOP_LINE_MAX];

static void begin(void)
{
    t = top_new();
    ck_assert_ptr_nonnull(t);
    top_begin(t);
}

static void hear(const char *text)
{
    struct ctl_reader *r = ctl_reader_new(1 << 20);
    struct ctl_message m;
    size_t room;
    char *to = ctl_reader_room(r, &room);
    ck_assert_ptr_nonnull(to);
    ck_assert_uint_le(strlen(text), room);
    memcpy(to, text, strlen(text));
    ctl_reader_done(r, strlen(text));
    ck_ok(ctl_reader_next(r, &m));
    top_message(t, &m, NOW, WALL);
    ctl_reader_free(r);
}

/* Answers what is asked with ANSWER if the line is ASKS, else with a refusal. */
static void answer(const char *asks, const char *text)
{
    bool found = false;
    while (top_next(t, line)) {
        bool is_it = strcmp(line, asks) == 0;
        hear(is_it ? text : "552 Unrecognized key\r\n");
        found |= is_it;
    }
    ck_assert_msg(found, "\"%s\" is not asked for", asks);
}

static void end(void)
{
    top_free(t);
    t = NULL;
}

START_TEST(test_ctl_top_asks_for_what_there_is)
{
    begin();
    answer("GETINFO events/names", "250-events/names=CIRC BW SOMETHING\r\n250 OK\r\n");
    top_begin(t);
    bool events = false;
    while (top_next(t, line)) {
        events |= strcmp(line, "SETEVENTS BW CIRC") == 0;
        hear(strstr(line, "names") ? "250-events/names=CIRC BW SOMETHING\r\n250 OK\r\n"
                                   : "250 OK\r\n");
    }
    ck_assert(events);
    end();
}
END_TEST

START_TEST(test_ctl_top_follows_circuits)
{
    begin();
    answer("GETINFO circuit-status",
           "250+circuit-status=\r\n"
           "1 BUILT $" FP(AA) "~one PURPOSE=GENERAL\r\n"
                              "2 EXTENDED $" FP(AA) "~one,$" FP(BB) "~two\r\n.\r\n"
                                                                    "250 OK\r\n");
    ck_assert_uint_eq(t->n_circuits, 2);
    hear("650 CIRC 3 LAUNCHED PURPOSE=GENERAL TIME_CREATED=2026-11-30T00:33:29.131211\r\n");
    hear("650 CIRC 2 BUILT $" FP(AA) "~one,$" FP(BB) "~two PURPOSE=GENERAL\r\n");
    ck_assert_uint_eq(t->n_circuits, 3);
    ck_assert_str_eq(t->circuits[1].status, "BUILT");
    ck_assert_int_eq(t->circuits[2].created_s, 1795998809);
    hear("650 CIRC_MINOR 2 PURPOSE_CHANGED $" FP(AA) "~one PURPOSE=MEASURE_TIMEOUT\r\n");
    ck_assert_str_eq(t->circuits[1].status, "BUILT");
    ck_assert_str_eq(t->circuits[1].purpose, "MEASURE_TIMEOUT");
    hear("650 CIRC 1 CLOSED $" FP(AA) "~one REASON=FINISHED\r\n");
    hear("650 CIRC 9 FAILED REASON=TIMEOUT\r\n");
    ck_assert_uint_eq(t->n_circuits, 2);
    ck_assert_str_eq(t->circuits[0].id, "2");
    end();
}
END_TEST

START_TEST(test_ctl_top_keeps_what_streams_said_first)
{
    begin();
    hear("650 STREAM 5 NEW 0 hello.test:80 SOURCE_ADDR=127.0.0.1:4711 PURPOSE=USER\r\n");
    hear("650 STREAM 5 REMAP 7 127.0.0.1:80 SOURCE=EXIT\r\n");
    hear("650 STREAM 5 XOFF_SENT 7 127.0.0.1:80\r\n");
    ck_assert_str_eq(t->streams[0].status, "XOFF_SENT");
    hear("650 STREAM 5 XON_SENT 7 127.0.0.1:80\r\n");
    ck_assert_uint_eq(t->n_streams, 1);
    ck_assert_str_eq(t->streams[0].status, "SUCCEEDED");
    ck_assert_str_eq(t->streams[0].target, "hello.test:80");
    ck_assert_str_eq(t->streams[0].purpose, "USER");
    ck_assert_str_eq(t->streams[0].source, "127.0.0.1:4711");
    ck_assert_str_eq(t->streams[0].circuit, "7");
    ck_assert_uint_eq(top_streams_of(t, "7"), 1);
    /* An answer to stream-status is all there is, with what was known of it. */
    answer("GETINFO stream-status", "250+stream-status=\r\n5 SUCCEEDED 7 127.0.0.1:80\r\n"
                                    "6 NEW 0 a.test:1\r\n.\r\n250 OK\r\n");
    ck_assert_uint_eq(t->n_streams, 2);
    ck_assert_str_eq(t->streams[0].target, "hello.test:80");
    hear("650 STREAM 5 CLOSED 7 127.0.0.1:80 REASON=DONE\r\n");
    ck_assert_uint_eq(t->n_streams, 1);
    ck_assert_str_eq(t->streams[0].id, "6");
    end();
}
END_TEST

START_TEST(test_ctl_top_learns_countries)
{
    begin();
    while (top_next(t, line))
        hear(strstr(line, "circuit-status")
                 ? "250-circuit-status=1 BUILT $" FP(AA) "~one,$" FP(BB) "~two\r\n250 OK\r\n"
             : strstr(line, "ns/id/" FP(AA)) ? "250+ns/id/x=\r\nr one a b 2026-01-01 00:00:00 "
                                               "192.0.2.1 1 0\r\ns Fast\r\n.\r\n250 OK\r\n"
             : strstr(line, "ip-to-country/192.0.2.1")
                 ? "250-ip-to-country/192.0.2.1=de\r\n250 OK\r\n"
                 : "552 No\r\n");
    ck_assert_str_eq(top_country(t, FP(AA)), "de");
    ck_assert_str_eq(top_country(t, FP(BB)), "??");
    ck_assert_str_eq(top_country(t, ""), "??");
    end();
}
END_TEST

START_TEST(test_ctl_top_bounds_what_is_under_way)
{
    size_t n = 0;
    char text[256];
    begin();
    for (int i = 0; i < 100; i++) {
        snprintf(text, sizeof text, "650 CIRC %d BUILT $%040d~a\r\n", i, i);
        hear(text);
    }
    while (top_next(t, line))
        n++;
    ck_assert_uint_lt(n, TOP_IN_FLIGHT_MAX);
    ck_assert(top_may_order(t));
    top_ordered(t, "SIGNAL NEWNYM");
    for (size_t i = 0; i < n; i++)
        hear("250 OK\r\n");
    ck_assert_str_eq(t->said, "");
    hear("552 Unrecognized signal\r\n");
    ck_assert_str_eq(t->said, "SIGNAL NEWNYM: 552 Unrecognized signal");
    hear("250 OK\r\n"); /* nobody asked */
    end();
}
END_TEST

START_TEST(test_ctl_top_has_room_for_so_many)
{
    char text[256];
    begin();
    for (int i = 0; i < TOP_STREAMS_MAX + 10; i++) {
        snprintf(text, sizeof text, "650 STREAM %d NEW 0 a.test:80\r\n", i);
        hear(text);
        snprintf(text, sizeof text, "650 CIRC %d LAUNCHED\r\n", i);
        hear(text);
        snprintf(text, sizeof text, "650 WARN line %d\r\n", i);
        hear(text);
    }
    ck_assert_uint_eq(t->n_streams, TOP_STREAMS_MAX);
    ck_assert_uint_eq(t->n_circuits, TOP_CIRCUITS_MAX);
    ck_assert(t->more_streams && t->more_circuits);
    ck_assert_str_eq(t->log[(t->n_log - 1) % TOP_LOG_MAX].text, "line 2057");
    end();
}
END_TEST

START_TEST(test_ctl_top_shows_nothing_that_a_terminal_obeys)
{
    begin();
    hear("650 CIRC 1 BUILT $" FP(AA) "~\033]0;x PURPOSE=\"\033[2J\"\r\n");
    hear("650 STREAM 1 NEW 0 \033[31m.test:80\r\n");
    hear("650 WARN \033[2J\r\n");
    ck_assert_str_eq(t->circuits[0].hops[0].nickname, "?]0;x");
    ck_assert_str_eq(t->circuits[0].purpose, "?[2J");
    ck_assert_str_eq(t->streams[0].target, "?[31m.test:80");
    ck_assert_str_eq(t->log[0].text, "?[2J");
    end();
}
END_TEST

START_TEST(test_ctl_top_curve_stands_still)
{
    begin();
    ck_assert_uint_eq(top_rate(t, 0, 10, 5, true), 0);
    for (int i = 0; i < 12; i++)
        hear(i < 5 ? "650 BW 100 10\r\n" : "650 BW 200 20\r\n");
    /* Seconds 0 to 4, 5 to 9, and 10 and 11 so far. */
    ck_assert_uint_eq(top_rate(t, 9, 10, 5, true), 200);
    ck_assert_uint_eq(top_rate(t, 8, 10, 5, true), 200);
    ck_assert_uint_eq(top_rate(t, 7, 10, 5, false), 10);
    ck_assert_uint_eq(top_rate(t, 6, 10, 5, true), 0);
    hear("650 BW 900 20\r\n");
    ck_assert_uint_eq(top_rate(t, 7, 10, 5, true), 100);
    ck_assert_uint_eq(top_peak(t, 1, true), 900);
    ck_assert_uint_eq(top_peak(t, 100, false), 20);
    ck_assert_uint_eq(t->read, 5 * 100 + 7 * 200 + 900);
    hear("650 BW 1\r\n");
    hear("650 BW x y\r\n");
    ck_assert_uint_eq(t->n_seconds, 13);
    end();
}
END_TEST

START_TEST(test_ctl_top_sorts_and_keeps_the_selection)
{
    struct top_view v = {.pane = PANE_CIRCUITS};
    struct top_rows rows;
    begin();
    hear("650 CIRC 9 BUILT $" FP(AA) "~a PURPOSE=GENERAL\r\n");
    hear("650 CIRC 10 EXTENDED $" FP(AA) "~a PURPOSE=CONFLUX_LINKED\r\n");
    hear("650 CIRC 11 BUILT $" FP(AA) "~a PURPOSE=GENERAL\r\n");
    top_rows(t, &v, PANE_CIRCUITS, &rows);
    ck_assert_str_eq(top_row_id(t, PANE_CIRCUITS, &rows, 0), "11");
    ck_assert_str_eq(top_row_id(t, PANE_CIRCUITS, &rows, 2), "9");
    top_move(t, &v, 1);
    ck_assert_str_eq(top_selected(t, &v), "10");
    v.sort[PANE_CIRCUITS] = SORT_KIND;
    top_rows(t, &v, PANE_CIRCUITS, &rows);
    ck_assert_str_eq(top_row_id(t, PANE_CIRCUITS, &rows, 0), "10");
    ck_assert_str_eq(top_selected(t, &v), "10");
    hear("650 STREAM 1 SUCCEEDED 9 a.test:80\r\n");
    hear("650 STREAM 2 SUCCEEDED 11 a.test:80\r\n");
    hear("650 STREAM 3 SUCCEEDED 9 a.test:80\r\n");
    v.sort[PANE_CIRCUITS] = v.sort[PANE_STREAMS] = SORT_BUSY;
    top_rows(t, &v, PANE_CIRCUITS, &rows);
    ck_assert_str_eq(top_row_id(t, PANE_CIRCUITS, &rows, 0), "9");
    ck_assert_str_eq(top_row_id(t, PANE_CIRCUITS, &rows, 2), "10");
    top_rows(t, &v, PANE_STREAMS, &rows);
    ck_assert_str_eq(top_row_id(t, PANE_STREAMS, &rows, 0), "3");
    ck_assert_str_eq(top_row_id(t, PANE_STREAMS, &rows, 2), "2");
    top_move(t, &v, 100);
    ck_assert_str_eq(top_selected(t, &v), "10");
    top_move(t, &v, -100);
    ck_assert_str_eq(top_selected(t, &v), "9");
    hear("650 CIRC 9 CLOSED\r\n");
    ck_assert_str_eq(top_selected(t, &v), "11");
    t->n_circuits = 0;
    ck_assert_ptr_null(top_selected(t, &v));
    end();
}
END_TEST

START_TEST(test_ctl_top_cuts_no_figure)
{
    static const char *const shown[] = {
        [77] = "written 999 KB/s, peak 999 MB/s in 10 min, in all 999 GB",
        [47] = "written 999 KB/s, peak 999 MB/s, 999 GB",
        [38] = "written 999 KB/s, peak 999 MB, 999 GB", /* of 80 columns */
        [31] = "written 999 KB/s, peak 999 MB/s",
        [18] = "written 999 KB/s", /* of 40 */
    };
    const struct ctl_rates most = {"written", 999000, 999000000, 999000000000, 600};
    char text[CTL_RATES];
    for (size_t width = 18; width < 200; width++)
        ck_assert_uint_le(strlen(ctl_rates_text(&most, width, text)), width);
    for (size_t width = 0; width < sizeof shown / sizeof *shown; width++)
        if (shown[width])
            ck_assert_str_eq(ctl_rates_text(&most, width, text), shown[width]);
}
END_TEST

TESTS("app/ctl_top", test_ctl_top_asks_for_what_there_is, test_ctl_top_follows_circuits,
      test_ctl_top_keeps_what_streams_said_first, test_ctl_top_learns_countries,
      test_ctl_top_bounds_what_is_under_way, test_ctl_top_has_room_for_so_many,
      test_ctl_top_shows_nothing_that_a_terminal_obeys, test_ctl_top_curve_stands_still,
      test_ctl_top_sorts_and_keeps_the_selection, test_ctl_top_cuts_no_figure)
