/* GeoIP files: the first byte says which family, and how long the pieces are that it comes in. */
#include <stdlib.h>
#include <string.h>

#include "dir/geoip.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look_up(const struct geoip *g, enum ip_family family)
{
    struct ip ip = {.family = (uint8_t)family};
    char cc[GEOIP_CC];
    for (unsigned i = 0; i < 256; i++) {
        ip.b[0] = (uint8_t)i;
        ip.b[3] = (uint8_t)(255 - i);
        if (strlen(geoip_country(g, &ip, cc)) != 2)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct geoip_reader r;
    struct geoip *g;
    if (!size)
        return 0;
    enum ip_family family = data[0] & 1 ? IP_V6 : IP_V4;
    size_t piece = (size_t)(data[0] >> 1) + 1;
    if (geoip_begin(&r, family) != OK)
        return 0;
    for (size_t at = 1; at < size; at += piece) {
        struct text t = {(const char *)data + at, piece < size - at ? piece : size - at};
        if (geoip_piece(&r, t) != OK)
            abort();
    }
    if (geoip_end(&r, &g) != OK)
        abort();
    look_up(g, family);
    geoip_unref(&g);
    return 0;
}
