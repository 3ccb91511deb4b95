/* What is good enough to be written, and which exit status it comes to. */
#include "app/fetch/job.h"
#include "base/hash.h"

/* Good form is all that can be asked of these. */
static bool may_be_unproven(enum docs_kind kind)
{
    return kind == DOCS_BANDWIDTH || kind == DOCS_OTHER || kind == DOCS_SIGNATURES ||
           kind == DOCS_EXTRA || kind == DOCS_MICRO;
}

bool item_writes(const struct item *it, const struct docs_item *doc)
{
    return it->job->args->no_verify || doc->verdict == DOCS_GOOD ||
           (doc->verdict == DOCS_UNPROVEN && may_be_unproven(doc->kind));
}

size_t item_count_bad(const struct item *it)
{
    size_t n = 0;
    for (size_t i = 0; i < it->docs.n; i++)
        n += !item_writes(it, &it->docs.list[i]);
    return n;
}

int part_status(const struct part *p)
{
    if (p->error.cls == TUNIC_SYSTEM || p->error.cls == TUNIC_INTERNAL)
        return FETCH_STATUS_FAILED;
    if (p->saw_invalid)
        return FETCH_STATUS_INVALID;
    return p->saw_not_found ? FETCH_STATUS_NOT_FOUND : FETCH_STATUS_UNREACHABLE;
}

int status_worse(int a, int b)
{
    static const int order[] = {FETCH_STATUS_DONE, FETCH_STATUS_NOT_FOUND, FETCH_STATUS_UNREACHABLE,
                                FETCH_STATUS_INVALID, FETCH_STATUS_FAILED};
    int status = FETCH_STATUS_DONE;
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++)
        if (a == order[i] || b == order[i])
            status = order[i];
    return status;
}
