/* Messages between coordinator and measurer: what is taken can be written, is short enough for a
 * frame, and says the same when it is read again. */
#include <stdlib.h>
#include <string.h>

#include "measure/frame.h"
#include "measure/msg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static char *written(const struct msg *m)
{
    char *json;
    size_t len;
    if (msg_write(m, &json, &len) != OK || len != strlen(json))
        abort();
    return json;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct msg m, again;
    char why[MSG_WHY];
    if (len > FRAME_MOST)
        return 0;
    err_t e = msg_parse((struct text){(const char *)data, len}, &m, why);
    if (e != OK) {
        if (!why[0] || strlen(why) >= sizeof why)
            abort();
        return 0;
    }
    char *first = written(&m);
    if (msg_parse(text_of(first), &again, why) != OK || again.type != m.type)
        abort();
    char *second = written(&again);
    if (strcmp(first, second) != 0)
        abort();
    free(first);
    free(second);
    msg_free(&m);
    msg_free(&again);
    return 0;
}
