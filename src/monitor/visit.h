/* Visit: one HTTP request for figures ("GET /metrics"), and its answer, as a byte machine. Whoever
 * comes without leave, says nothing, or says too much, costs little: he is turned away at once, or
 * soon. (libevent's evhttp can do none of that: it accepts by itself, tells neither who has come
 * nor who has gone, and waits as long as somebody sends a byte now and then.) */
#ifndef TUNIC_MONITOR_VISIT_H
#define TUNIC_MONITOR_VISIT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/env.h"
#include "base/out.h"
#include "base/talk.h"

enum {
    VISITS_MOST = 16,
    VISIT_MS = 5000,       /* for the request to be whole */
    VISIT_HEAD_MOST = 4096 /* bytes of it */
};

/* What the machines of one kind share. */
struct visits {
    struct env *env;
    bool (*is_welcome)(void *arg, const struct ipport *peer);
    /* The text, or what fails it. */
    void (*write)(void *arg, struct text_out *out);
    void *arg;
    size_t n; /* that are there now */
};

/* Its make() is given a struct visits. */
extern const struct talk_kind visit_talk;

#endif
