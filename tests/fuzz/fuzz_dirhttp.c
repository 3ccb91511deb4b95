/* HTTP answers of directory servers. The first byte sets the size of the pieces; the result must
 * not depend on it. */
#include <stdlib.h>
#include <string.h>

#include "dir/dirhttp.h"

enum { BODY_CAP = 1 << 16 };

static err_t run(const uint8_t *data, size_t size, size_t step, bool anonymous,
                 struct dirhttp_reply *reply, struct dirhttp **h)
{
    err_t err = dirhttp_new(BODY_CAP, anonymous, h);
    if (err != OK)
        return err;
    for (size_t at = 0; at < size && err == OK; at += step)
        err = dirhttp_feed(*h, data + at, size - at < step ? size - at : step);
    return err == OK ? dirhttp_end(*h, reply) : err;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dirhttp_reply whole = {0}, pieces = {0};
    struct dirhttp *a, *b;
    if (size < 2)
        return 0;
    bool anonymous = data[0] & 1;
    err_t err_a = run(data + 1, size - 1, size, anonymous, &whole, &a);
    err_t err_b = run(data + 1, size - 1, 1 + data[0] / 2, anonymous, &pieces, &b);
    if (err_a != err_b)
        abort();
    if (err_a == OK && (whole.status != pieces.status || !text_equal(whole.body, pieces.body)))
        abort();
    if (err_a == OK && whole.body.len > BODY_CAP)
        abort();
    dirhttp_free(&a);
    dirhttp_free(&b);
    return 0;
}
