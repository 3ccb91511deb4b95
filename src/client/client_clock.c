/* What a client makes of clocks that are wrong, or jump. */
#include <stdio.h>

#include "client/client_int.h"
#include "dir/doc.h"

enum { CLOCK_WORDS_S = 600 };

/* One wrong clock is found by each relay and each document. */
static bool may_warn_of_clock(struct client *c)
{
    unsigned held_back;
    return ratelim_pass(&c->clock_words, c->env, CLOCK_WORDS_S, &held_back);
}

/* Certificates that are good, at another time than ours: our own fault, most likely. */
void client_warn_dates(struct client *c, const struct link_target *peer)
{
    char addr[REACH_TEXT_MAX], now[DOC_TIME_TEXT_MAX];
    if (may_warn_of_clock(c))
        log_warn(c->env->log,
                 "The certificates of the relay at %s are not valid at the time of this computer, "
                 "%s UTC. If that is wrong, please check your time and date settings!",
                 reach_text(&peer->reach, addr), doc_time_text(env_wall_s(c->env), now));
}

void client_warn_clock(struct client *c, int64_t skew_s, const char *source, const char *who)
{
    struct event_record e = {.kind = EVENT_STATUS,
                             .status = {.what = STATUS_CLOCK_SKEW, .seconds = skew_s}};
    snprintf(e.status.text, sizeof e.status.text, "%s", source);
    events_tell(c->events, &e);
    if (!may_warn_of_clock(c))
        return;
    log_warn(c->env->log,
             "Our clock is %lld seconds %s the time published by %s. Tor needs an accurate clock "
             "to work: please check your time and date settings!",
             (long long)(skew_s < 0 ? -skew_s : skew_s), skew_s < 0 ? "behind" : "ahead of", who);
}

/* Circuits that stood while the machine slept are mostly gone at the other end, and a stream of the
 * morning is not to share one with those of the evening. The words are C tor's. */
static void clock_jumped(void *arg, int64_t seconds, bool late)
{
    struct client *c = arg;
    if (late)
        client_dormancy_slept(c, seconds);
    if (late)
        log_notice(c->env->log,
                   "Tunic has been idle for %lld seconds (asleep, or stopped); assuming "
                   "established circuits no longer work.",
                   (long long)seconds);
    else
        log_notice(c->env->log,
                   "Your system clock just jumped %lld seconds %s; assuming established circuits "
                   "no longer work.",
                   (long long)(seconds < 0 ? -seconds : seconds),
                   seconds < 0 ? "backward" : "forward");
    const struct event_record e = {.kind = EVENT_STATUS,
                                   .status = {
                                       .what = STATUS_CLOCK_JUMPED,
                                       .seconds = seconds,
                                       .idle = late,
                                   }};
    events_tell(c->events, &e);
    circuits_doubt(c->circuits, true);
    exits_retire_all(c->exits);
    dirfetch_retire_all(c->dirfetch);
    dirmgr_retry_now(directory_mgr(c->directory));
    client_configure_chooser(c); /* guards may have grown too old */
}

void client_watch_clocks(struct client *c)
{
    c->watch = (struct clock_watch){.jumped = clock_jumped, .arg = c};
    env_watch_clocks(c->env, &c->watch);
}
