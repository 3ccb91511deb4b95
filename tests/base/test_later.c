#include "base/later.h"

#include <string.h>

#include "support/test.h"

/* Machines that write their letter when their act runs. */
struct scene {
    struct env env;
    char said[8];
    size_t n;
    struct machine {
        struct scene *scene;
        char letter;
        struct machine *asks; /* whom its act asks for */
        struct later tell;
    } a, b;
};

static void say(void *arg)
{
    struct machine *m = arg;
    m->scene->said[m->scene->n++] = m->letter;
    if (m->asks)
        later_ask(&m->scene->env, &m->asks->tell);
}

static void begin(struct scene *s)
{
    *s = (struct scene){
        .env = {.mono_us = 5}, .a = {s, 'a', NULL, {{0}}}, .b = {s, 'b', NULL, {{0}}}};
    later_init(&s->a.tell, say, &s->a);
    later_init(&s->b.tell, say, &s->b);
}

START_TEST(test_later_asked_twice_is_done_once_and_in_turn)
{
    struct scene s;
    begin(&s);
    later_ask(&s.env, &s.a.tell);
    later_ask(&s.env, &s.b.tell);
    later_ask(&s.env, &s.a.tell);
    ck_assert_uint_eq(s.n, 0); /* not inside of the call */
    ck_assert(later_is_asked(&s.a.tell));
    env_run_timers(&s.env);
    ck_assert_str_eq(s.said, "ab");
    ck_assert(!later_is_asked(&s.a.tell));
    env_run_timers(&s.env);
    ck_assert_str_eq(s.said, "ab");
}
END_TEST

START_TEST(test_later_asked_inside_of_an_act_waits_for_the_next_round)
{
    struct scene s;
    begin(&s);
    s.a.asks = &s.a;
    later_ask(&s.env, &s.a.tell);
    env_run_timers(&s.env);
    ck_assert_str_eq(s.said, "a");
    env_run_timers(&s.env);
    ck_assert_str_eq(s.said, "aa");
}
END_TEST

START_TEST(test_later_cancelled_is_not_done)
{
    struct scene s;
    begin(&s);
    later_cancel(&s.env, &s.a.tell);
    later_ask(&s.env, &s.a.tell);
    later_ask(&s.env, &s.b.tell);
    later_cancel(&s.env, &s.a.tell);
    env_run_timers(&s.env);
    ck_assert_str_eq(s.said, "b");
}
END_TEST

TESTS("base/later", test_later_asked_twice_is_done_once_and_in_turn,
      test_later_asked_inside_of_an_act_waits_for_the_next_round, test_later_cancelled_is_not_done)
