/* Answers of a coordinator, and lines of results, as `tunic measure ctl` tells them: whatever they
 * are, what goes to a terminal moves no cursor, but for the one line that is written over. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "app/measure/ctlwords.h"
#include "base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void tell(const json_t *object, bool live)
{
    static const char over[] = "\r\033[K";
    char *text = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&text, &len);
    if (!f)
        return;
    ctlwords_write(f, object, live);
    if (fclose(f) != 0)
        abort();
    size_t i = live && len >= strlen(over) && !memcmp(text, over, strlen(over)) ? strlen(over) : 0;
    for (; i < len; i++)
        if ((text[i] >= 0 && text[i] < ' ' && text[i] != '\n') || text[i] == 127)
            abort();
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct text rest = {(const char *)data, len}, line;
    json_error_t error;
    while (text_line(&rest, &line)) {
        json_t *object = json_loadb(line.s, line.len, JSON_REJECT_DUPLICATES, &error);
        tell(object, false);
        tell(object, true);
        json_decref(object);
    }
    return 0;
}
