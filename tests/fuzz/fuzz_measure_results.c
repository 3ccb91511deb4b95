/* Lines of results, as a coordinator reads them when it begins: whatever they are, nothing is
 * believed that is no line, and what is remembered can be found. */
#include <stdlib.h>
#include <string.h>

#include "measure/history.h"

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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct text rest = {(const char *)data, len}, line;
    struct polite *polite = polite_new(POLITE_BYTES_A_DAY);
    struct history h;
    if (!polite)
        return 0;
    history_init(&h);
    while (text_line(&rest, &line))
        if (history_read(&h, line, polite) == OK)
            look(&h, line);
    history_read_end(&h, polite);
    if (h.n_pending)
        abort();
    history_free(&h);
    polite_free(polite);
    return 0;
}
