/* What a reader of events writes. The first byte sets the size of the pieces; the answers must not
 * depend on it. */
#include <stdlib.h>
#include <string.h>

#include "base/env.h"
#include "base/out.h"
#include "monitor/feed.h"
#include "monitor/stillclient.h"

static bool no_destinations(void *arg)
{
    (void)arg;
    return false;
}

static void on_nothing(void *holder)
{
    (void)holder;
}

static void run(struct feed *feed, const uint8_t *data, size_t size, size_t step,
                struct text_out *answers)
{
    static const struct talk_ops ops = {
        .on_output = on_nothing, .on_input_wanted = on_nothing, .on_end = on_nothing};
    static const struct ipport nobody;
    void *r = feed_talk.make(&feed, &nobody, &ops, NULL);
    const uint8_t *out;
    uint8_t *to;
    if (!r)
        abort();
    for (size_t at = 0, room; at < size && (to = feed_talk.in_room(r, &room));) {
        size_t n = size - at < step ? size - at : step;
        n = n < room ? n : room;
        memcpy(to, data + at, n);
        feed_talk.in_done(r, n);
        at += n;
    }
    for (size_t n; (out = feed_talk.out(r, &n)); feed_talk.sent(r, n))
        out_add(answers, out, n);
    feed_talk.free(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct env env = {.wall_us = 0};
    if (size < 2)
        return 0;
    n_circuits = 1;
    events = events_new(&env);
    struct feed *feed = feed_new(&env, NULL, no_destinations, NULL);
    struct text_out whole = text_out(1 << 24), pieces = text_out(1 << 24);
    run(feed, data + 1, size - 1, size, &whole);
    run(feed, data + 1, size - 1, 1 + data[0], &pieces);
    if (strcmp(out_text(&whole), out_text(&pieces)) != 0)
        abort();
    feed_free(feed);
    events_free(events);
    out_free(&whole);
    out_free(&pieces);
    return 0;
}
