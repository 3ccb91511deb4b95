#include "conf/decimal.h"

#include <locale.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/text.h"

double decimal_read(const char *text, char **end)
{
    locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    *end = (char *)(uintptr_t)text;
    if (!c)
        return 0;
    double x = strtod_l(text, end, c);
    freelocale(c);
    return x;
}

char *decimal_text(double x)
{
    locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (!c)
        return NULL;
    locale_t before = uselocale(c);
    char *text = text_printf("%f", x);
    uselocale(before);
    freelocale(c);
    return text;
}
