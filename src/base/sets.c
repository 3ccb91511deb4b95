#include "base/sets.h"

uint32_t sets_first(uint32_t *set, uint32_t i)
{
    while (set[i] != i) {
        set[i] = set[set[i]];
        i = set[i];
    }
    return i;
}

void sets_join(uint32_t *set, uint32_t a, uint32_t b)
{
    a = sets_first(set, a);
    b = sets_first(set, b);
    if (a < b)
        set[b] = a;
    else
        set[a] = b;
}
