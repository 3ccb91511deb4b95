#include "measure/frame.h"

#include <string.h>

#include "support/test.h"
#include "support/vec.h"

enum { CAP = 4 * (FRAME_MOST + FRAME_HEAD) };

static void take(struct buf *in, const char *want)
{
    struct text body;
    ck_ok(frame_next(in, &body));
    ck_assert_msg(text_is(body, want), "%.*s", TEXT_ARG(body));
    frame_done(in, body);
}

START_TEST(test_frame_comes_in_single_bytes)
{
    struct buf in, out;
    struct text body;
    buf_init(&in, CAP);
    buf_init(&out, CAP);
    ck_ok(frame_add(&out, TEXT_LIT("{}")));
    for (size_t i = 0; i < out.len; i++) {
        ck_err(frame_next(&in, &body), ERR_MORE);
        ck_ok(buf_add(&in, buf_at(&out) + i, 1));
    }
    take(&in, "{}");
    ck_assert_uint_eq(in.len, 0);
    buf_free(&in);
    buf_free(&out);
}
END_TEST

/* What stopped FlashFlow's measurers: two in one read, and half a one. */
START_TEST(test_frame_glued_ones_come_one_by_one)
{
    struct buf in;
    struct text body;
    buf_init(&in, CAP);
    ck_ok(frame_add(&in, TEXT_LIT("one")));
    ck_ok(frame_add(&in, TEXT_LIT("")));
    ck_ok(frame_add(&in, TEXT_LIT("three")));
    in.len -= 2;
    take(&in, "one");
    take(&in, "");
    ck_err(frame_next(&in, &body), ERR_MORE);
    ck_ok(buf_add(&in, "ee", 2));
    take(&in, "three");
    buf_free(&in);
}
END_TEST

START_TEST(test_frame_longest_and_one_more)
{
    static char long_[FRAME_MOST + 1];
    struct buf in;
    struct text body;
    memset(long_, 'x', sizeof long_);
    buf_init(&in, CAP);
    ck_err(frame_add(&in, (struct text){long_, FRAME_MOST + 1}), ERR_LIMIT);
    ck_assert_uint_eq(in.len, 0);
    ck_ok(frame_add(&in, (struct text){long_, FRAME_MOST}));
    ck_ok(frame_next(&in, &body));
    ck_assert_uint_eq(body.len, FRAME_MOST);
    buf_free(&in);
}
END_TEST

START_TEST(test_frame_add_is_whole_or_nothing)
{
    struct buf out;
    buf_init(&out, 10);
    ck_ok(frame_add(&out, TEXT_LIT("123456")));
    ck_err(frame_add(&out, TEXT_LIT("")), ERR_FULL);
    ck_assert_uint_eq(out.len, 10);
    buf_free(&out);
}
END_TEST

START_TEST(test_frame_vectors)
{
    static uint8_t bytes[FRAME_MOST];
    struct vec *v = vec_open("vectors/measure/frames.txt");
    size_t n = 0;
    while (vec_next(v)) {
        struct buf in;
        struct text body;
        size_t len = vec_hex(v, "bytes", bytes, sizeof bytes);
        buf_init(&in, CAP);
        ck_ok(buf_add(&in, bytes, len));
        err_t e = frame_next(&in, &body);
        ck_assert_str_eq(err_name(e), vec_text(v, "frame"));
        buf_free(&in);
        n++;
    }
    ck_assert_uint_gt(n, 20);
    vec_close(v);
}
END_TEST

TESTS("measure/frame", test_frame_comes_in_single_bytes, test_frame_glued_ones_come_one_by_one,
      test_frame_longest_and_one_more, test_frame_add_is_whole_or_nothing, test_frame_vectors)
