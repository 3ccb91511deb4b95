/* Lists of fallbacks: what is read is written in a form that reads the same, and has a JSON form.
 */
#include <stdlib.h>
#include <string.h>

#include "docs/fallbacks.h"

static void check_again(const struct fallbacks *f, const char *text)
{
    struct fallbacks again;
    if (fallbacks_parse(text_of(text), &again) != OK)
        abort();
    if (again.n != f->n || again.n_headers != f->n_headers)
        abort();
    for (size_t i = 0; i < f->n; i++)
        if (!rsa_id_equal(&f->list[i].server.rsa, &again.list[i].server.rsa) ||
            !ipport_equal(&f->list[i].server.or6, &again.list[i].server.or6) ||
            strcmp(f->list[i].server.nickname, again.list[i].server.nickname) != 0)
            abort();
    fallbacks_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fallbacks f;
    if (fallbacks_parse((struct text){(const char *)data, size}, &f) != OK)
        return 0;
    char *text = fallbacks_write(&f);
    json_t *j = fallbacks_json(&f);
    if (!text || !j)
        abort();
    check_again(&f, text);
    json_decref(j);
    free(text);
    fallbacks_free(&f);
    return 0;
}
