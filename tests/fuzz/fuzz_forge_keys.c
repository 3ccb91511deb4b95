/* Key files: the first byte says which; what was taken is written as it was read. */
#include <stdlib.h>
#include <string.h>

#include "forge/keys.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct forge_keys k = {.tap = NULL};
    struct docw w = {0};
    if (!size)
        return 0;
    enum forge_key key = data[0] % FORGE_KEYS;
    struct text bytes = {(const char *)data + 1, size - 1};
    if (forge_keys_take(&k, key, bytes) == OK) {
        forge_keys_write(&k, key, &w);
        struct text again = docw_text(&w);
        if (w.err != OK || forge_keys_take(&k, key, again) != OK)
            abort();
    }
    forge_wipe_text(&w);
    forge_keys_wipe(&k);
    return 0;
}
