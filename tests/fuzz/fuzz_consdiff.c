/* A diff and the consensus that it is for, which begins behind a NUL: whatever the script says,
 * what comes out is no longer than both. */
#include <stdlib.h>
#include <string.h>

#include "crypto/hash.h"
#include "dir/consdiff.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *end = size ? memchr(data, 0, size) : NULL;
    struct consdiff d;
    char *out;
    size_t len, diff_len = end ? (size_t)(end - data) : size;
    struct text base = {(const char *)data + diff_len, size - diff_len};
    if (end)
        base = (struct text){base.s + 1, base.len - 1};
    if (consdiff_read((struct text){(const char *)data, diff_len}, &d) != OK)
        return 0;
    err_t e = consdiff_apply(base, &d, &out, &len);
    if (e == OK && len > size)
        abort();
    if ((e == OK) != (out != NULL))
        abort();
    free(out);
    return 0;
}
