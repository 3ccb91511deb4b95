#include "monitor/feed_fields.h"

#include "control/words.h"
#include "dir/netdir.h"

FEED_NAME(status_word, status_what, EVENT_STATUS, status.what)
FEED_NAME(signal_word, signal_what, EVENT_SIGNAL, signal.what)

/* ---- the start, the directory, status ---- */

FEED_MAKE(boot_percent, event_bootstrap, FEED_INT(e->step.percent < 0 ? 0 : e->step.percent))
FEED_MAKE(boot_tag, event_bootstrap, json_string(e->step.tag))
FEED_MAKE(boot_summary, event_bootstrap, json_string(e->step.summary))
FEED_MAKE(boot_problem, event_bootstrap, e->problem ? json_string(e->end.text) : NULL)
FEED_MAKE(boot_reason, event_bootstrap,
          e->problem && !e->clock ? json_string(or_reason_name(e->end.reason)) : NULL)
FEED_MAKE(boot_count, event_bootstrap, e->problem ? FEED_INT(e->count) : NULL)
FEED_MAKE(boot_warn, event_bootstrap, e->problem ? json_boolean(e->warn) : NULL)

const struct feed_field feed_bootstrap_fields[] = {
    {"percent", INTEGER, NULL, ALWAYS, boot_percent, "how far it is; 100: done"},
    {"tag", STRING, NULL, ALWAYS, boot_tag, "the step, for programs"},
    {"summary", STRING, NULL, ALWAYS, boot_summary, "the step, for people"},
    {"problem", STRING, NULL, SOMETIMES, boot_problem, "why it goes on no further, for people"},
    {"reason", WORD, "ORClosureReason", SOMETIMES, boot_reason, "why not"},
    {"count", INTEGER, NULL, SOMETIMES, boot_count, "how many such there were"},
    {"warn", BOOLEAN, NULL, SOMETIMES, boot_warn, "people should hear of it"},
    {0},
};

FEED_MAKE(cons_relays, event_directory, FEED_INT(netdir_n(e->nd)))
FEED_MAKE(cons_valid, event_directory,
          feed_time(netdir_consensus(e->nd)->valid_after_s *US_PER_SEC))
FEED_MAKE(cons_kept, event_directory, json_boolean(e->from_file))

const struct feed_field feed_consensus_fields[] = {
    {"relays", INTEGER, NULL, ALWAYS, cons_relays, "how many it lists"},
    {"valid_after", TIME, NULL, ALWAYS, cons_valid, "from when on it is the network's"},
    {"kept", BOOLEAN, NULL, ALWAYS, cons_kept, "it was kept by the last run, not fetched"},
    {0},
};

/* Of one that says where an application wants to go. */
static bool status_has_target(const struct event_status *e)
{
    return e->what == STATUS_DANGEROUS_SOCKS || e->what == STATUS_SOCKS_BAD_HOSTNAME;
}

static json_t *status_target(const struct feed_scope *s, const void *of)
{
    const struct event_status *e = of;
    (void)s;
    return status_has_target(e) ? json_string(e->text) : NULL;
}

static json_t *status_number(const struct feed_scope *s, const void *of)
{
    const struct event_status *e = of;
    (void)s;
    if (e->what == STATUS_CLOCK_JUMPED || e->what == STATUS_CLOCK_SKEW)
        return FEED_INT(e->seconds);
    return NULL;
}

FEED_MAKE(status_type, event_status, json_string(words_status(e).type))
FEED_MAKE(status_severity, event_status, json_string(words_status(e).severity))
FEED_MAKE(status_action, event_status, json_string(status_word(e->what)))
FEED_MAKE(status_source, event_status, e->what == STATUS_CLOCK_SKEW ? json_string(e->text) : NULL)
FEED_MAKE(status_port, event_status, e->what == STATUS_DANGEROUS_PORT ? FEED_INT(e->number) : NULL)
FEED_MAKE(status_refused, event_status,
          e->what == STATUS_DANGEROUS_PORT ? json_boolean(e->refused) : NULL)

const struct feed_field feed_status_fields[] = {
    {"type", WORD, "StatusType", ALWAYS, status_type, "whom it is about"},
    {"severity", WORD, "Runlevel", ALWAYS, status_severity, "how bad it is"},
    {"action", STRING, NULL, ALWAYS, status_action, "what happened: control-spec 4.1.10"},
    {"seconds", INTEGER, NULL, SOMETIMES, status_number, "CLOCK_JUMPED, CLOCK_SKEW: by how much"},
    {"source", STRING, NULL, SOMETIMES, status_source, "CLOCK_SKEW: who says so"},
    {"port", INTEGER, NULL, UNSAFE, status_port, "DANGEROUS_PORT: which"},
    {"refused", BOOLEAN, NULL, SOMETIMES, status_refused, "DANGEROUS_PORT: not let through"},
    {"target", STRING, NULL, UNSAFE, status_target, "what an application asked for"},
    {0},
};

FEED_MAKE(cbt_set, event_status, json_string(e->reset ? "RESET" : "COMPUTED"))
FEED_MAKE(cbt_times, event_status, FEED_INT(e->cbt.n_times))
FEED_MAKE(cbt_timeout, event_status, FEED_INT(e->cbt.timeout_ms))
FEED_MAKE(cbt_close, event_status, FEED_INT(e->cbt.close_ms))
FEED_MAKE(cbt_timeouts, event_status, json_real(e->cbt.timeout_rate))
FEED_MAKE(cbt_closes, event_status, json_real(e->cbt.close_rate))

const struct feed_field feed_timeout_fields[] = {
    {"set", WORD, "TimeoutSetType", ALWAYS, cbt_set, "how it came about"},
    {"times", INTEGER, NULL, ALWAYS, cbt_times, "how many build times it is made of"},
    {"timeout_ms", INTEGER, NULL, ALWAYS, cbt_timeout, "a circuit that takes longer is given up"},
    {"close_ms", INTEGER, NULL, ALWAYS, cbt_close, "one that takes so long is closed"},
    {"timeout_rate", NUMBER, NULL, ALWAYS, cbt_timeouts, "the share that was given up"},
    {"close_rate", NUMBER, NULL, ALWAYS, cbt_closes, "the share that was closed"},
    {0},
};

FEED_MAKE(net_status, event_status, json_string(e->what == STATUS_NETWORK_UP ? "UP" : "DOWN"))

const struct feed_field feed_liveness_fields[] = {
    {"status", WORD, NULL, ALWAYS, net_status, "UP or DOWN"},
    {0},
};

/* ---- what stands for what, signals ---- */

FEED_MAKE(addrmap_cached, event_addrmap, json_boolean(e->cached))
FEED_MAKE(addrmap_failed, event_addrmap, json_boolean(e->error != NULL))
FEED_MAKE(addrmap_from, event_addrmap, json_string(e->from))
FEED_MAKE(addrmap_to, event_addrmap, e->error ? NULL : json_string(e->to))

static json_t *addrmap_expires(const struct feed_scope *s, const void *of)
{
    const struct event_addrmap *e = of;
    (void)s;
    return e->expires_s ? feed_time(e->expires_s * (int64_t)US_PER_SEC) : NULL;
}

static json_t *addrmap_stream(const struct feed_scope *s, const void *of)
{
    const struct event_addrmap *e = of;
    (void)s;
    return e->stream ? FEED_INT(e->stream) : NULL;
}

const struct feed_field feed_addrmap_fields[] = {
    {"cached", BOOLEAN, NULL, ALWAYS, addrmap_cached, "whether it holds for whoever asks next"},
    {"failed", BOOLEAN, NULL, ALWAYS, addrmap_failed, "whether a look-up failed"},
    {"expires", TIME, NULL, SOMETIMES, addrmap_expires, "until when it holds"},
    {"stream", INTEGER, NULL, SOMETIMES, addrmap_stream, "the look-up's number as a stream"},
    {"from", STRING, NULL, UNSAFE, addrmap_from, "what was asked for"},
    {"to", STRING, NULL, UNSAFE, addrmap_to, "what it stands for"},
    {0},
};

FEED_MAKE(signal_name, event_signal, json_string(signal_word(e->what)))

const struct feed_field feed_signal_fields[] = {
    {"signal", WORD, "Signal", ALWAYS, signal_name, "which it was"},
    {0},
};
