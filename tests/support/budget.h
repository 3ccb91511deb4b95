/* The step budget of a reader: work that grows with the length of its text and with nothing else.
 * Four times as much of what makes a careless reader quadratic may take four times as long, and no
 * more than the half of sixteen times. Header-only. */
#ifndef TUNIC_TESTS_BUDGET_H
#define TUNIC_TESTS_BUDGET_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/text.h"
#include "support/test.h"

enum { BUDGET_SMALL = 128 << 10, BUDGET_TIMES = 4, BUDGET_TRIES = 6 };

/* HEAD, many of PIECE, TAIL. "%u" in PIECE is its number, in eight digits. */
struct budget_trap {
    const char *name, *head, *piece, *tail;
};

typedef void budget_read_fn(struct text text);

/* LEN bytes of pieces; the caller frees it. */
static inline char *budget_text(const struct budget_trap *t, size_t len)
{
    size_t head = strlen(t->head);
    char *s = malloc(head + len + strlen(t->piece) + strlen(t->tail) + 64);
    ck_assert_ptr_nonnull(s);
    const char *mark = strstr(t->piece, "%u");
    int before = mark ? (int)(mark - t->piece) : (int)strlen(t->piece);
    size_t at = (size_t)sprintf(s, "%s", t->head);
    for (unsigned i = 0; at < head + len; i++) {
        at += (size_t)sprintf(s + at, "%.*s", before, t->piece);
        if (mark)
            at += (size_t)sprintf(s + at, "%08u%s", i, mark + 2);
    }
    (void)sprintf(s + at, "%s", t->tail);
    return s;
}

static inline double budget_now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Seconds of the processor, the better of two times. */
static inline double budget_best(budget_read_fn *read, const char *text)
{
    double best = 1e9;
    for (int i = 0; i < 2; i++) {
        double from = budget_now_s();
        read(text_of(text));
        double took = budget_now_s() - from;
        best = took < best ? took : best;
    }
    return best;
}

/* Other programs have the processor's cache at times, so there is more than one try; and what takes
 * no time at all tells nothing. */
static inline void budget_is_linear(budget_read_fn *read, const struct budget_trap *t)
{
    char *small = budget_text(t, BUDGET_SMALL);
    char *large = budget_text(t, (size_t)BUDGET_SMALL * BUDGET_TIMES);
    double a = 1e9, b = 1e9;
    for (int i = 0; i < BUDGET_TRIES && (!i || (b > 8 * a && b > 2e-3)); i++) {
        double x = budget_best(read, small), y = budget_best(read, large);
        a = x < a ? x : a;
        b = y < b ? y : b;
    }
    ck_assert_msg(b <= 8 * a || b <= 2e-3, "%s: %.2f ms for %d bytes, %.2f ms for %d", t->name,
                  a * 1e3, BUDGET_SMALL, b * 1e3, BUDGET_SMALL * BUDGET_TIMES);
    free(small);
    free(large);
}

#endif
