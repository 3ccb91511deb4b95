/* What a client makes of clocks that are wrong, or jump. */
#include <stdio.h>

#include "client/client_int.h"
#include "dir/doc.h"

/* One wrong clock is found by each relay and each document: it is said once, by the first, and
 * again when that may have been forgotten, or the clock has been set. */
enum { CLOCK_WORDS_S = 3600 };

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

static void tell_controllers(struct client *c, const struct clock_word *w)
{
    char addr[REACH_TEXT_MAX], warning[96];
    struct event_record e = {.kind = EVENT_STATUS,
                             .status = {.what = STATUS_CLOCK_SKEW, .seconds = w->skew_s}};
    snprintf(e.status.text, sizeof e.status.text, "%s%s%s", w->source, w->peer ? ":" : "",
             w->peer ? reach_text(w->peer, addr) : "");
    events_tell(c->events, &e);
    snprintf(warning, sizeof warning, "Clock skew %lld in %s from %s", (long long)w->skew_s,
             w->received, w->source);
    bootstrap_clock_skewed(&c->bootstrap, warning, w->peer, w->id);
}

void client_hear_of_clock(struct client *c, const struct clock_word *w)
{
    char by[TEXT_DURATION_MAX];
    if (w->trusted)
        tell_controllers(c, w);
    if (may_warn_of_clock(c))
        log_warn(c->env->log,
                 "Our clock is %s %s %s. Tor needs an accurate clock to work: please check your "
                 "time and date settings!",
                 text_duration(w->skew_s < 0 ? -w->skew_s : w->skew_s, by),
                 w->skew_s < 0 ? "behind" : "ahead of", w->whose);
}

/* Circuits that stood while the machine slept are mostly gone at the other end, and a stream of the
 * morning is not to share one with those of the evening. The words are C tor's. */
static void clock_jumped(void *arg, int64_t seconds, bool late)
{
    struct client *c = arg;
    c->clock_words = (struct ratelim){0};
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
