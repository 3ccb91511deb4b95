/* A control side over a client that knows a network. Include it in one file of a test. */
#ifndef TUNIC_TESTS_CONTROL_KNOWNCONTROL_H
#define TUNIC_TESTS_CONTROL_KNOWNCONTROL_H

#include "control/control.h"
#include "support/knownclient.h"
#include "support/quietworld.h"

static struct {
    struct control *control;
    struct quiet_world world;
} t;

/* As known_begin(). */
static inline void begin(bool whether, bool unattached)
{
    known_begin(whether, unattached);
    ck_assert(quiet_begin(&t.world));
    t.control = control_new(known.net->env, known.client, &quiet_ops, &t.world);
    ck_assert_ptr_nonnull(t.control);
}

static inline void end(void)
{
    control_free(t.control);
    known_end();
    quiet_end(&t.world);
}

#endif
