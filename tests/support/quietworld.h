/* A world around a control side that does what a process would, and harms nothing: options change
 * in memory, files are not written, an owner who is gone is counted. Include it in one file of a
 * test. */
#ifndef TUNIC_TESTS_QUIETWORLD_H
#define TUNIC_TESTS_QUIETWORLD_H

#include <string.h>

#include "control/world.h"

struct quiet_world {
    struct options *options; /* those that hold; checked */
    /* Options that are about to hold; an error refuses them. NULL: none is. */
    err_t (*change)(void *arg, const struct options *fresh);
    void *arg;
    unsigned terminated;
    unsigned signals;       /* a set of those that came, by bit */
    unsigned lacks_signals; /* a set of those that nobody carries out */
    int64_t utc_offset_s;
};

static const struct options_env quiet_env = {.home = "/home/quiet", .quiet = QUIET_LIBRARY};

/* False out of memory. */
static inline bool quiet_begin(struct quiet_world *q)
{
    struct conf_err e;
    *q = (struct quiet_world){.options = options_new(false)};
    if (q->options && options_check(q->options, &quiet_env, &e) == OK)
        return true;
    options_free(q->options);
    q->options = NULL;
    return false;
}

static inline void quiet_end(struct quiet_world *q)
{
    options_free(q->options);
}

static inline const struct options *quiet_options(void *world)
{
    const struct quiet_world *q = world;
    return q->options;
}

static inline void quiet_terminate(void *world)
{
    struct quiet_world *q = world;
    q->terminated++;
}

static inline void quiet_signal(void *world, enum signal_what signal)
{
    struct quiet_world *q = world;
    q->signals |= 1u << signal;
}

static inline err_t quiet_change(struct quiet_world *q, struct options *fresh, struct conf_err *e)
{
    err_t err = options_check(fresh, &quiet_env, e);
    if (err == OK)
        err = options_check_transition(q->options, fresh, e);
    if (err == OK && q->change)
        err = q->change(q->arg, fresh);
    return err;
}

static inline err_t quiet_set_options(void *world, const struct conf_line *lines, unsigned flags,
                                      struct conf_err *e)
{
    struct quiet_world *q = world;
    struct options *fresh = options_dup(q->options);
    conf_fail(e, OK, "out of memory");
    if (!fresh)
        return ERR_NOMEM;
    options_forget_derived(fresh);
    err_t err = options_assign(fresh, lines, flags, NULL, e);
    if (err == OK)
        err = quiet_change(q, fresh, e);
    if (err != OK) {
        options_free(fresh);
        return err;
    }
    options_free(q->options);
    q->options = fresh;
    return OK;
}

static inline err_t quiet_load_options(void *world, const char *text, struct conf_err *e)
{
    (void)world, (void)text;
    return conf_fail(e, ERR_MALFORMED, "there is no torrc here");
}

static inline err_t quiet_save_options(void *world, bool force)
{
    (void)world, (void)force;
    return ERR_IO;
}

static inline bool quiet_can_save_options(void *world)
{
    (void)world;
    return true;
}

static inline const char *quiet_torrc(void *world, bool defaults)
{
    (void)world;
    return defaults ? "" : "/etc/tor/torrc";
}

static inline void quiet_process(void *world, struct control_process *out)
{
    const struct quiet_world *q = world;
    *out = (struct control_process){
        .pid = 4711, .uid = 0, .user = "quiet", .fd_limit = 1024, .utc_offset_s = q->utc_offset_s};
}

static inline void quiet_listeners(void *world, enum port_kind kind, struct text_out *out)
{
    (void)world;
    if (kind == PORT_CONTROL)
        out_str(out, "\"127.0.0.1:9051\"");
}

static inline struct geoip *quiet_geoip(void *world, enum ip_family family)
{
    (void)world, (void)family;
    return NULL;
}

static inline bool quiet_can_signal(void *world, enum signal_what signal)
{
    const struct quiet_world *q = world;
    return !(q->lacks_signals & 1u << signal);
}

static const struct control_world quiet_ops = {
    .options = quiet_options,
    .terminate = quiet_terminate,
    .signal = quiet_signal,
    .can_signal = quiet_can_signal,
    .set_options = quiet_set_options,
    .load_options = quiet_load_options,
    .save_options = quiet_save_options,
    .can_save_options = quiet_can_save_options,
    .torrc = quiet_torrc,
    .process = quiet_process,
    .listeners = quiet_listeners,
    .geoip = quiet_geoip,
};

#endif
