#include "app/measure/orderwish.h"

#include <jansson.h>
#include <stdio.h>

static bool take_address(const json_t *order, const char *member, struct ipport *out)
{
    const json_t *v = json_object_get(order, member);
    char why[CONSENT_WHY_MAX];
    return !v || json_is_null(v) ||
           (json_is_string(v) && consent_address(json_string_value(v), out, why) == OK);
}

err_t orderwish_read(const json_t *order, struct coordinator_wish *out, char why[COORDINATOR_WHY])
{
    json_int_t dur = json_integer_value(json_object_get(order, "dur"));
    json_int_t prior = json_integer_value(json_object_get(order, "prior"));
    const char *mode = json_string_value(json_object_get(order, "mode"));
    *out = (struct coordinator_wish){
        .dur = dur > 0 && dur <= MSG_DUR_MOST ? (unsigned)dur : 0,
        .prior = prior > 0 ? (uint64_t)prior : 0,
        .any_mode = !mode,
    };
    snprintf(why, COORDINATOR_WHY, "dur is 0, for the usual, to %d", MSG_DUR_MOST);
    if (dur < 0 || dur > MSG_DUR_MOST)
        return ERR_ARG;
    snprintf(why, COORDINATOR_WHY, "there is no such mode");
    if (mode && !meas_mode_find(text_of(mode), &out->mode))
        return ERR_ARG;
    snprintf(why, COORDINATOR_WHY, "exit and server are ADDRESS:PORT, in numbers");
    if (!take_address(order, "exit", &out->exit) || !take_address(order, "server", &out->server))
        return ERR_ARG;
    return OK;
}
