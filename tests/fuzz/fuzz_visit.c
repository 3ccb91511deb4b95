/* HTTP requests for figures. The first byte sets the size of the pieces; the answer must not depend
 * on it. */
#include <stdlib.h>
#include <string.h>

#include "base/env.h"
#include "monitor/visit.h"

static bool is_welcome(void *arg, const struct ipport *peer)
{
    (void)arg, (void)peer;
    return true;
}

static void write_text(void *arg, struct text_out *out)
{
    (void)arg;
    out_str(out, "x 1\n");
}

static void on_nothing(void *holder)
{
    (void)holder;
}

static void run(struct visits *visits, const uint8_t *data, size_t size, size_t step,
                struct text_out *answer)
{
    static const struct talk_ops ops = {.on_output = on_nothing, .on_end = on_nothing};
    static const struct ipport peer;
    void *v = visit_talk.make(visits, &peer, &ops, NULL);
    const uint8_t *out;
    uint8_t *to;
    if (!v)
        abort();
    for (size_t at = 0, room; at < size && (to = visit_talk.in_room(v, &room));) {
        size_t n = size - at < step ? size - at : step;
        n = n < room ? n : room;
        memcpy(to, data + at, n);
        visit_talk.in_done(v, n);
        at += n;
    }
    for (size_t n; (out = visit_talk.out(v, &n)); visit_talk.sent(v, n))
        out_add(answer, out, n);
    visit_talk.free(v);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct env env = {.wall_us = 0};
    if (size < 2)
        return 0;
    struct visits visits = {.env = &env, .is_welcome = is_welcome, .write = write_text};
    struct text_out whole = text_out(1 << 16), pieces = text_out(1 << 16);
    run(&visits, data + 1, size - 1, size, &whole);
    run(&visits, data + 1, size - 1, 1 + data[0], &pieces);
    if (strcmp(out_text(&whole), out_text(&pieces)) != 0 || visits.n)
        abort();
    out_free(&whole);
    out_free(&pieces);
    return 0;
}
