/* Why a relay has the figure that it has, and all of it in short. */
#include <string.h>

#include "measure/report_int.h"

enum { AGE_OLD_S = 2 * 24 * 3600 };

/* ---- why ---- */

/* What a run came to that gave no figure: what it means, and in short, with what to do. */
static const struct reason {
    const char *why, *means, *in_short;
} reasons[] = {
    {"unsupported",
     "It does not know measurements, as tor's relays do not: measure it in a mode for those "
     "(--mode echo2).",
     "it is an unmodified tor, and was not measured as one: use --mode echo2"},
    {"refused", "The relay itself said no.",
     "the relay refuses: its operator has to allow this coordinator"},
    {"resting",
     "It was measured twice within 24 hours, or has sent us away: it is left alone till then.",
     "it is left alone for a day: measure it tomorrow"},
    {"offline", "It was not there when its turn in the schedule came.",
     "it was not there: see whether it runs"},
    {"no_consent",
     "It has not agreed: its operator has to write so into its contact line, or to allow the "
     "coordinator.",
     "its operator has not agreed yet: the contact line has to say so"},
    {"unreachable", "Nobody was there: it is down, or somewhere else by now.",
     "nobody is there: see whether it runs, and at which address"},
    {"handshake_failed", "Who answered there made no link as relays do.",
     "what answers there is no relay: see which address and port it has"},
    {"wrong_identity", "Another relay was there: its keys are not those that it is known by.",
     "another relay answers there: see whether it has got new keys"},
    {"timeout", "It did not answer, or not in time: it is down, or the way to it.",
     "it does not answer: see whether it runs, and is reachable from the measurers"},
    {"cheat", "What came back was not what went out: it is no figure of an honest relay.",
     "it returned what was not sent: its figure is to be none"},
    {"measurer_lost", "A measurer went away: nothing is said about the relay.",
     "a measurer failed, which says nothing about the relay: measure it again"},
    {"no_circuits", "Fewer than half of the circuits to it came about.",
     "too few circuits to it came about: see what the result says of them"},
    {"protocol_error", "It answered as no relay does.",
     "it answers as no relay does: see what runs there"},
    {"relay_lost", "It closed links or circuits, and is left alone for a day.",
     "it gave up while it was measured: look at its log, and measure it tomorrow"},
    {"inconclusive",
     "The measurers were too weak for it, or what it carries was thought too little: it carries "
     "that at least. Measure again, or with more.",
     "we could not fill it: measure it again, with more"},
    {"cancelled", "Somebody cancelled it.", "the run was cancelled: measure it again"},
};

static const struct reason *reason_of(const struct result *run)
{
    for (size_t i = 0; run && i < sizeof reasons / sizeof *reasons; i++)
        if (strcmp(reasons[i].why, run->why) == 0)
            return &reasons[i];
    return NULL;
}

static void why_no_figure(const struct report *r, struct docw *w)
{
    const struct result *run = report_run(r, 0);
    const struct reason *reason = reason_of(run);
    if (reason)
        docw_fmt(w, "- %s\n", reason->means);
    if (!run)
        docw_fmt(w, r->begun ? "- Runs of it began, and none was brought to its end.\n"
                             : "- It was never measured.\n");
}

static void why_limit(const struct report *r, const struct result *run, struct docw *w)
{
    if (strcmp(run->limited_by, "relay") == 0)
        docw_fmt(w, "- The relay was the limit, or its way to the network: the measurers would "
                    "have sent more.\n");
    else if (run->limited_by[0])
        docw_fmt(w, "- The measurers were the limit: it may carry more.\n");
    if (!r->is_described)
        return;
    if (r->average < run->bw)
        docw_fmt(w,
                 "- It says itself that it gives %.1f Mbit/s (RelayBandwidthRate), and gets no "
                 "more than that in the bandwidth file.\n",
                 report_mbit(r->average));
    else if (run->bw >= r->average / 100 * 85)
        docw_fmt(w,
                 "- That is what its RelayBandwidthRate of %.1f Mbit/s allows; tor gives some "
                 "percent less.\n",
                 report_mbit(r->average));
    else if (r->average < UINT64_C(1000000000))
        docw_fmt(w,
                 "- Its RelayBandwidthRate of %.1f Mbit/s is not what holds it back: look at its "
                 "link, its processor, and what else runs there.\n",
                 report_mbit(r->average));
}

static void why_clients(const struct report *r, const struct result *run, struct docw *w)
{
    uint64_t counted = report_u64(r->good, "counted");
    if (run->clamped)
        docw_fmt(w,
                 "- In %llu of %llu seconds it claimed more for its clients than is believed: "
                 "what was over does not count.\n",
                 (unsigned long long)run->clamped, (unsigned long long)counted);
    if (strcmp(run->mode, "flashflow") != 0 && run->mode[0])
        docw_fmt(w, "- Unmodified relays do not tell what their clients had meanwhile: with many "
                    "of them it carries more.\n");
}

static void why_others(const struct report *r, const struct result *run, struct docw *w)
{
    size_t measured = 0;
    for (size_t i = 0; i < r->n_votes; i++)
        measured += r->votes[i].measured ? 1 : 0;
    if (r->is_listed && r->is_unmeasured)
        docw_fmt(w, "- Fewer than three authorities have measured it, so its weight is capped "
                    "(Unmeasured).\n");
    else if (r->is_listed && (uint64_t)r->weight_kb * 2000 < run->bw)
        docw_fmt(w, "- Its consensus weight is under half of what it carries: authorities saw less "
                    "of it than we.\n");
    if (r->n_votes && measured < 3)
        docw_fmt(w, "- %zu of %zu authorities in these votes have measured it.\n", measured,
                 r->n_votes);
    if (r->is_described && r->observed < run->bw / 2)
        docw_fmt(w, "- It has not seen so much itself for days (observed): clients do not use it "
                    "to its limit.\n");
}

static void why_history(const struct report *r, const struct result *run, int64_t now_s,
                        struct docw *w)
{
    uint64_t median = report_before(r);
    const struct result *newest = report_run(r, 0);
    if (median && run->bw < median / 3 * 2)
        docw_fmt(w, "- It carried more before: %.1f Mbit/s, the median of the runs before this.\n",
                 report_mbit(median));
    if (newest && newest != run && newest->ok)
        docw_fmt(
            w,
            "- A run since then gave %.1f Mbit/s in %llu seconds: too few to take the place of "
            "this one within a day.\n",
            report_mbit(newest->bw), (unsigned long long)newest->counted);
    else if (newest && newest != run)
        docw_fmt(w, "- Since then a run of it gave no figure: %s.\n", newest->why);
    if (now_s - run->ts > AGE_OLD_S)
        docw_fmt(w, "- The figure is old.\n");
}

/* One that sees less than its part has a slow line, or is far away: the relay is not to blame. */
static void why_measurers(const struct report *r, struct docw *w)
{
    const struct agree *agree = teams_agree(r->all);
    for (size_t i = 0; i < r->by.n; i++) {
        const char *name = r->by.members[i].name;
        unsigned percent = teams_percent(&r->by, i);
        if (agree_is_odd(agree, name))
            docw_fmt(
                w,
                "- Measurer %s has with nearly every relay another part than the rest of the "
                "team (%u%% of what it was to have): its line is slow, or its word is wrong.\n",
                name, agree_percent(agree, name));
        else if (r->by.n > 1 && percent && percent < AGREE_LOW_PERCENT)
            docw_fmt(w,
                     "- Measurer %s had %u%% of its part only: the way between it and the relay "
                     "may be the limit.\n",
                     name, percent);
    }
}

void report_put_why(const struct report *r, int64_t now_s, struct docw *w)
{
    const struct result *run = report_figure(r);
    docw_fmt(w, "\nWhy:\n");
    if (!run) {
        why_no_figure(r, w);
        return;
    }
    why_limit(r, run, w);
    if (json_is_true(json_object_get(r->good, "unsteady")))
        docw_fmt(w, "- The run was unsteady: its seconds differ widely. Measure it again.\n");
    why_clients(r, run, w);
    why_measurers(r, w);
    why_others(r, run, w);
    why_history(r, run, now_s, w);
}

/* ---- in short ---- */

static const char *in_short_failed(const struct report *r)
{
    const struct result *run = report_run(r, 0);
    const struct reason *reason = reason_of(run);
    if (reason)
        return reason->in_short;
    return run ? "no run of it was brought to a good end"
               : "it was not measured, or not to the end";
}

/* What its figure comes from. */
static const char *in_short_limit(const struct report *r, const struct result *run)
{
    bool is_capped = r->is_described && run->bw >= r->average / 100 * 85;
    if (run->limited_by[0] && strcmp(run->limited_by, "relay") != 0)
        return "and perhaps more: we were the limit";
    if (is_capped)
        return "since its RelayBandwidthRate says so: to carry more it has to be told to";
    if (run->clamped)
        return "and said more of its clients than is believed";
    if (r->is_described && r->average < UINT64_C(1000000000))
        return "less than its RelayBandwidthRate allows: its link, its processor, or its "
               "neighbours hold it back";
    if (r->is_described)
        return "with no limit of its own: its link, its processor, or its neighbours hold it back";
    return "and was itself the limit, or its way to the network";
}

/* Whether what clients are sent to it fits that. */
static const char *in_short_weight(const struct report *r, const struct result *run)
{
    uint64_t weight = (uint64_t)r->weight_kb * 1000;
    if (!r->is_listed)
        return "";
    if (r->is_unmeasured)
        return "\nIts weight is low because fewer than three authorities have measured it.";
    if (weight * 2 < run->bw)
        return "\nIts weight is low because authorities measured less of it than it carries: that "
               "is their view of it, not its capacity.";
    if (weight > run->bw * 2)
        return "\nIts weight is more than twice of what it carries: clients will find it slow.";
    return "\nIts weight fits that.";
}

void report_put_verdict(const struct report *r, struct docw *w)
{
    const struct result *run = report_figure(r), *newest = report_run(r, 0);
    uint64_t before = report_before(r);
    if (!run) {
        docw_fmt(w, "\nIn short: nobody knows what it carries: %s.\n", in_short_failed(r));
        return;
    }
    docw_fmt(w, "\nIn short: it carries %.1f Mbit/s, %s.%s", report_mbit(run->bw),
             in_short_limit(r, run), in_short_weight(r, run));
    if (before && run->bw < before / 3 * 2)
        docw_fmt(w, "\nIt carried %.1f Mbit/s before: find out what changed since.",
                 report_mbit(before));
    if (newest && newest != run && strcmp(newest->why, "cheat") == 0)
        docw_fmt(w, "\nDo not believe that figure: since then it returned what was not sent.");
    docw_fmt(w, "\n");
}
