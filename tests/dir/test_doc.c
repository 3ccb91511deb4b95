#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dir/doc.h"
#include "dir/policy.h"

static struct doc_lines over(const char *text)
{
    return doc_over(text, strlen(text));
}

START_TEST(test_doc_items_with_and_without_objects)
{
    const char *text =
        "first a  b\tc\n-----BEGIN X Y-----\nAAAA\nBBBB\n-----END X Y-----\nsecond\n";
    struct doc_lines d = over(text);
    struct doc_item item;
    struct text args[3];
    ck_assert(doc_peek(&d, &item) && doc_is(&item, "first"));
    ck_assert(doc_next(&d, &item));
    ck_assert(doc_is(&item, "first"));
    ck_assert(doc_args(&item, args, 3) && text_is(args[2], "c"));
    ck_assert(text_is(item.tag, "X Y") && text_is(item.object, "AAAA\nBBBB\n"));
    ck_assert_ptr_eq(item.begin, text);
    ck_assert(doc_next(&d, &item));
    ck_assert(doc_is(&item, "second") && !item.args.len && !item.tag.len);
    ck_assert_ptr_eq(item.end, text + strlen(text));
    ck_assert(!doc_args(&item, args, 1));
    ck_assert(!doc_next(&d, &item));
    ck_ok(d.err);
}
END_TEST

START_TEST(test_doc_malformed_lines_end_it_with_an_error)
{
    static const char *const bad[] = {
        "no-newline",
        "\n",
        "-dash first\n",
        "bad_char x\n",
        " leading space\n",
        "k\n-----BEGIN X-----\nAAAA\n",
        "k\n-----BEGIN X-----\nAAAA\n-----END Y-----\n",
        "k\n-----BEGIN X-----\nAAAA\n-----BEGIN X-----\n",
        "k\n-----BEGIN X\nAAAA\n-----END X-----\n",
        "-----BEGIN X-----\nAAAA\n-----END X-----\n",
        "k\n-----END X-----\n",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct doc_lines d = over(bad[i]);
        struct doc_item item;
        while (doc_next(&d, &item))
            ;
        ck_assert_msg(d.err == ERR_MALFORMED, "%s", bad[i]);
        ck_assert(!doc_next(&d, &item));
    }
    struct doc_lines d = doc_over("a\0b\n", 4);
    struct doc_item item;
    ck_assert(!doc_next(&d, &item));
    ck_err(d.err, ERR_MALFORMED);
}
END_TEST

START_TEST(test_doc_times_both_ways)
{
    static const struct {
        const char *date, *time;
        int64_t at;
    } good[] = {
        {"1970-01-01", "00:00:00", 0},          {"2000-02-29", "12:34:56", 951827696},
        {"2026-01-01", "12:00:00", 1767268800}, {"2038-01-19", "03:14:08", 2147483648},
        {"2100-03-01", "00:00:00", 4107542400}, {"9999-12-31", "23:59:59", 253402300799},
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        int64_t t;
        char text[DOC_TIME_TEXT_MAX], want[64];
        ck_ok(doc_time(text_of(good[i].date), text_of(good[i].time), &t));
        ck_assert_int_eq(t, good[i].at);
        snprintf(want, sizeof want, "%s %s", good[i].date, good[i].time);
        ck_assert_str_eq(doc_time_text(t, text), want);
    }
    char text[DOC_TIME_TEXT_MAX];
    for (int64_t t = 0; t < INT64_C(8000000000); t += 86400 * 13 + 3601) {
        int64_t back;
        doc_time_text(t, text);
        ck_ok(doc_time((struct text){text, 10}, (struct text){text + 11, 8}, &back));
        ck_assert_int_eq(back, t);
    }
    ck_assert_str_eq(doc_time_text(INT64_MIN, text), "1970-01-01 00:00:00");
    ck_assert_str_eq(doc_time_text(INT64_MAX, text), "9999-12-31 23:59:59");
}
END_TEST

START_TEST(test_doc_times_that_do_not_exist)
{
    static const char *const bad[][2] = {
        {"2001-02-29", "00:00:00"}, {"1969-12-31", "00:00:00"}, {"2000-00-01", "00:00:00"},
        {"2000-13-01", "00:00:00"}, {"2000-04-31", "00:00:00"}, {"2000-01-00", "00:00:00"},
        {"2000-01-01", "24:00:00"}, {"2000-01-01", "00:60:00"}, {"2000-1-1", "00:00:00"},
        {"2000-01-01", "0:00:000"}, {"2000/01/01", "00:00:00"}, {"+200-01-01", "00:00:00"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        int64_t t;
        ck_assert_msg(doc_time(text_of(bad[i][0]), text_of(bad[i][1]), &t) == ERR_MALFORMED,
                      "%s %s", bad[i][0], bad[i][1]);
    }
}
END_TEST

static bool allows(const char *args, uint16_t port)
{
    struct exit_summary *p;
    ck_ok(exit_summary_parse(text_of(args), &p));
    bool yes = exit_summary_allows(p, port);
    free(p);
    return yes;
}

START_TEST(test_policy_accept_and_reject_lists)
{
    ck_assert(allows("accept 80,443,6660-6669", 443));
    ck_assert(allows("accept 80,443,6660-6669", 6660) && allows("accept 80,443,6660-6669", 6669));
    ck_assert(!allows("accept 80,443,6660-6669", 6670) && !allows("accept 80", 79));
    ck_assert(!allows("reject 25,135-139", 137) && allows("reject 25,135-139", 140));
    ck_assert(allows("accept 1-65535", 65535) && !allows("accept 1-65535", 0));
    ck_assert(!exit_summary_allows(NULL, 80) && exit_summary_allows_none(NULL));
    struct exit_summary *p;
    ck_ok(exit_summary_parse(text_of("reject 1-65535"), &p));
    ck_assert(exit_summary_allows_none(p));
    free(p);
}
END_TEST

START_TEST(test_policy_malformed_summaries)
{
    static const char *const bad[] = {
        "",
        "accept",
        "accept ",
        "allow 80",
        "accept 0",
        "accept 0-80",
        "accept 80-",
        "accept -80",
        "accept 80,",
        "accept ,80",
        "accept 80,,443",
        "accept 443,80",
        "accept 65536",
        "accept 80-79",
        "accept 80 443",
        "accept 80-90,90",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct exit_summary *p;
        ck_assert_msg(exit_summary_parse(text_of(bad[i]), &p) != OK, "%s", bad[i]);
    }
    char many[EXIT_SUMMARY_RANGES_MAX * 12] = "accept 1";
    size_t at = strlen(many);
    for (int i = 0; i < EXIT_SUMMARY_RANGES_MAX; i++)
        at += (size_t)snprintf(many + at, sizeof many - at, ",%d", 3 + 2 * i);
    struct exit_summary *p;
    ck_err(exit_summary_parse(text_of(many), &p), ERR_LIMIT);
}
END_TEST

TESTS("dir/doc", test_doc_items_with_and_without_objects,
      test_doc_malformed_lines_end_it_with_an_error, test_doc_times_both_ways,
      test_doc_times_that_do_not_exist, test_policy_accept_and_reject_lists,
      test_policy_malformed_summaries)
