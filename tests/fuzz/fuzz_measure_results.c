/* Lines of results, as a coordinator reads them when it begins: whatever they are, nothing is
 * believed that is no line, and what is remembered can be found. (What reports make of them:
 * fuzz_measure_report.) */
#include <stdlib.h>
#include <string.h>

#include "measure/history.h"
#include "measure/results.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void look(const struct history *h, struct text line)
{
    struct result r;
    if (results_parse(line, &r) != OK)
        abort();
    if (!r.id || strlen(r.fp) > 40 || strlen(r.detail) >= sizeof r.detail)
        abort();
    if (r.is_end && !history_find(h, r.fp, &r.at))
        abort();
}

/* What is read without its seconds is the same. */
static void compare(struct text line)
{
    struct result some, all;
    json_t *object;
    if (results_read(line, &all, &object) != OK)
        return;
    json_decref(object);
    if (results_parse(line, &some) != OK || some.id != all.id || some.ts != all.ts ||
        some.bw != all.bw || some.ok != all.ok || strcmp(some.fp, all.fp) != 0 ||
        strcmp(some.why, all.why) != 0 || strcmp(some.detail, all.detail) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct text rest = {(const char *)data, len}, line;
    struct polite *polite = polite_new(POLITE_BYTES_A_DAY);
    struct history h;
    if (!polite)
        return 0;
    history_init(&h);
    while (text_line(&rest, &line)) {
        compare(line);
        if (history_read(&h, line, polite) == OK)
            look(&h, line);
    }
    (void)!history_read_end(&h, polite);
    if (h.n_pending)
        abort();
    history_free(&h);
    polite_free(polite);
    return 0;
}
