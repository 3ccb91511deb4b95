#include "app/ctl/relays.h"

#include <stdlib.h>
#include <string.h>

err_t ctl_relays_add(struct ctl_relays *r, const char *fingerprint)
{
    if (!*fingerprint || r->n == CTL_RELAYS_MAX || ctl_relays_find(r, fingerprint))
        return OK;
    if (r->n == r->cap) {
        size_t cap = r->cap ? 2 * r->cap : 32;
        struct ctl_place_of *list = realloc(r->list, cap * sizeof *list);
        if (!list)
            return ERR_NOMEM;
        r->list = list;
        r->cap = cap;
    }
    struct ctl_place_of *p = &r->list[r->n++];
    *p = (struct ctl_place_of){.country = "??"};
    memcpy(p->fingerprint, fingerprint, strnlen(fingerprint, CTL_FINGERPRINT - 1));
    return OK;
}

const struct ctl_place_of *ctl_relays_find(const struct ctl_relays *r, const char *fingerprint)
{
    for (size_t i = 0; i < r->n; i++)
        if (strcmp(r->list[i].fingerprint, fingerprint) == 0)
            return &r->list[i];
    return NULL;
}

void ctl_country_read(struct text value, char out[CTL_COUNTRY])
{
    bool good = value.len == 2;
    for (size_t i = 0; good && i < 2; i++)
        good = value.s[i] >= 'a' && value.s[i] <= 'z';
    memcpy(out, good ? value.s : "??", 2);
    out[2] = 0;
}

/* What PREFIX and a text of each relay ask for; the answers are VALUES. */
static err_t ask(struct ctl_relays *r, struct ctl_tool *t, const char *prefix, bool address,
                 char **values)
{
    char **keys = calloc(r->n, sizeof *keys);
    err_t e = keys ? OK : ERR_NOMEM;
    for (size_t i = 0; e == OK && i < r->n; i++) {
        const struct ctl_place_of *p = &r->list[i];
        keys[i] = text_printf("%s%s", prefix, address ? p->relay.address : p->fingerprint);
        e = keys[i] ? OK : ERR_NOMEM;
    }
    if (e == OK)
        e = ctl_get(t, r->n, (const char *const *)keys, values);
    if (keys)
        ctl_free_values(r->n, keys);
    free(keys);
    return e;
}

err_t ctl_relays_ask(struct ctl_relays *r, struct ctl_tool *t)
{
    char **values = calloc(r->n + 1, sizeof *values);
    err_t e = values ? ask(r, t, "ns/id/", false, values) : ERR_NOMEM;
    for (size_t i = 0; e == OK && i < r->n; i++)
        if (values[i])
            (void)ctl_relay_read(text_of(values[i]), &r->list[i].relay);
    if (e == OK) {
        ctl_free_values(r->n, values);
        e = ask(r, t, "ip-to-country/", true, values);
    }
    for (size_t i = 0; e == OK && i < r->n; i++)
        if (values[i])
            ctl_country_read(text_of(values[i]), r->list[i].country);
    if (values)
        ctl_free_values(r->n, values);
    free(values);
    return e;
}

void ctl_relays_free(struct ctl_relays *r)
{
    free(r->list);
    *r = (struct ctl_relays){0};
}
