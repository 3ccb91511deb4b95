#include "base/bucket.h"

#include <assert.h>
#include <stdbool.h>

#include "base/env.h"

static uint64_t at_least_1(uint64_t n)
{
    return n ? n : 1;
}

void bucket_init(struct bucket *b, uint64_t rate, uint64_t burst, uint64_t step_us, uint64_t now_us)
{
    *b = (struct bucket){.filled_us = now_us};
    bucket_change(b, rate, burst, step_us, now_us);
    b->left = b->burst;
}

void bucket_change(struct bucket *b, uint64_t rate, uint64_t burst, uint64_t step_us,
                   uint64_t now_us)
{
    if (b->step_us)
        (void)bucket_look(b, now_us);
    b->rate = at_least_1(rate);
    b->burst = at_least_1(burst);
    b->step_us = step_us;
    b->left = b->left < b->burst ? b->left : b->burst;
}

uint64_t bucket_look(struct bucket *b, uint64_t now_us)
{
    if (now_us < b->filled_us + b->step_us)
        return b->left;
    uint64_t span_us = now_us - b->filled_us, parts;
    span_us -= span_us % b->step_us;
    bool much = __builtin_mul_overflow(span_us, b->rate, &parts) ||
                __builtin_add_overflow(parts, b->part, &parts);
    b->filled_us += span_us;
    if (much || parts / US_PER_SEC >= b->burst - b->left) {
        b->left = b->burst;
        b->part = 0;
    } else {
        b->left += parts / US_PER_SEC;
        b->part = parts % US_PER_SEC;
    }
    return b->left;
}

void bucket_take(struct bucket *b, uint64_t n)
{
    assert(n <= b->left);
    b->left -= n;
}

uint64_t bucket_next_us(const struct bucket *b)
{
    uint64_t byte_us = (US_PER_SEC - b->part + b->rate - 1) / b->rate;
    uint64_t steps = (byte_us + b->step_us - 1) / b->step_us;
    return b->filled_us + steps * b->step_us;
}
