/* What the user is told of a want: what failed and what to do, what is invalid, where it is from.
 */
#include <stdio.h>
#include <string.h>

#include "app/fetch/job.h"
#include "base/hash.h"

enum { TOLD_MOST = 100 };

/* ---- failures ---- */

/* What to do about it. */
static const char *hint(const struct part *p)
{
    const struct tunic_error *e = &p->error;
    bool http = p->get && get_source(p->get)->spec->kind == SOURCE_DIRPORT;
    if (e->cls == TUNIC_SYSTEM || e->cls == TUNIC_INTERNAL || e->reason == 404)
        return "";
    if (e->stage == TUNIC_STAGE_DIRECTORY && e->reason == 503)
        return ". It is busy: try again later, or ask another one (--from)";
    if (e->cls == TUNIC_IDENTITY)
        return ". Check rsa= and ed25519=, or leave them out";
    if (e->stage == TUNIC_STAGE_TLS)
        return ". Is that an ORPort? What answers there does not speak TLS as a relay does (for a "
               "DirPort or another web server say --dirport)";
    if (e->stage == TUNIC_STAGE_LINK)
        return ". Is that an ORPort? What answers there speaks TLS, but not as a relay does";
    if (e->stage == TUNIC_STAGE_TCP && http && e->reason != TUNIC_OR_CLOSURE_REASON_CONNECTREFUSED)
        return ". Is that a DirPort? For an ORPort say --from";
    if (e->stage == TUNIC_STAGE_TCP)
        return ". Check address and port, and whether you are online";
    if (e->cls == TUNIC_TIMEOUT)
        return ". Try another source (--from), or a longer --timeout";
    return ". Try another source (--from)";
}

static void part_complain(const struct part *p)
{
    char text[512];
    const struct job *j = p->item->job;
    static const char *const whats[] = {
        "", "certificates to verify it with: ", "server descriptors to verify it with: "};
    const char *what = whats[p->purpose];
    unsigned n = p->n_attempts;
    tunic_error_text(&p->error, text, sizeof text);
    if (!p->where[0])
        job_say(j, p->item->word, "%s%s", what, p->error.text);
    else if (n > 1)
        job_say(j, p->item->word, "%snot fetched in %u attempts; the last one, %s: %s%s", what, n,
                p->where, text, hint(p));
    else
        job_say(j, p->item->word, "%snot fetched from %s: %s%s", what, p->where, text, hint(p));
}

/* ---- verdicts ---- */

const char *item_where_from(const struct item *it)
{
    const struct part *p, *from = NULL;
    DL_FOREACH (it->parts, p)
        if (p->purpose == FOR_WANT && p->good) {
            if (from && get_source(from->get) != get_source(p->get))
                return "several sources";
            from = p;
        }
    return from ? get_source(from->get)->spec->name : "nowhere";
}

/* What is said of many documents in the same words is said once. */
static size_t count_same(const struct item *it, size_t from)
{
    const struct docs_item *d = &it->docs.list[from];
    size_t n = 0;
    for (size_t i = from + 1; i < it->docs.n; i++)
        n += it->docs.list[i].verdict == d->verdict && strcmp(it->docs.list[i].why, d->why) == 0;
    return n;
}

static bool was_told(const struct item *it, size_t doc)
{
    const struct docs_item *d = &it->docs.list[doc];
    for (size_t i = 0; i < doc && i < TOLD_MOST; i++)
        if (it->docs.list[i].verdict == d->verdict && strcmp(it->docs.list[i].why, d->why) == 0)
            return true;
    return doc > TOLD_MOST;
}

static void tell_verdict(const struct item *it, size_t doc, const char *what)
{
    const struct docs_item *d = &it->docs.list[doc];
    if (was_told(it, doc))
        return;
    size_t more = count_same(it, doc);
    char others[32] = "";
    if (more)
        snprintf(others, sizeof others, " and %zu more", more);
    job_say(it->job, it->word, "%s: %s%s, from %s: %s", what, d->title, others, item_where_from(it),
            d->why);
}

void item_tell_verdicts(struct item *it)
{
    const struct fetch_args *args = it->job->args;
    for (size_t i = 0; i < it->docs.n; i++) {
        const struct docs_item *d = &it->docs.list[i];
        if (!item_writes(it, d)) {
            tell_verdict(it, i, "invalid");
            it->status = status_worse(it->status, FETCH_STATUS_INVALID);
        } else if (!args->no_verify && d->why[0] &&
                   (d->verdict == DOCS_UNPROVEN || args->verbose)) {
            tell_verdict(it, i, "note");
        }
    }
}

void item_tell_failures(struct item *it)
{
    struct part *p;
    DL_FOREACH (it->parts, p) {
        if (p->good || p->error.cls == TUNIC_OK)
            continue;
        if (p->purpose != FOR_WANT) { /* may be that it did not matter */
            if (item_count_bad(it) || p->purpose == FOR_SERVERS)
                part_complain(p);
            continue;
        }
        if (!it->docs.n || !p->saw_not_found) /* else it is told what is missing */
            part_complain(p);
        it->status = status_worse(it->status, part_status(p));
    }
}

void item_tell_source(const struct item *it)
{
    static const char *const whats[] = {"", "certificates: ", "server descriptors: "};
    const struct part *p;
    DL_FOREACH (it->parts, p)
        if (p->good && it->job->args->verbose)
            job_say(it->job, it->word, "%s%zu bytes from %s, %s, %zu bytes on the wire",
                    whats[p->purpose], get_document(p->get).len, get_source(p->get)->spec->name,
                    get_encoding(p->get), get_received(p->get));
}
