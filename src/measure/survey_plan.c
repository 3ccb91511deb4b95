/* A coordinator's plan, which it keeps line by line; the newest line of a relay holds. */
#include <string.h>

#include "crypto/encode.h"
#include "measure/schedule.h"
#include "measure/survey_int.h"

static uint64_t u64(const json_t *object, const char *name)
{
    json_int_t x = json_integer_value(json_object_get(object, name));
    return x > 0 ? (uint64_t)x : 0;
}

/* Another plan: what the one before had is over. */
static void take_plan(struct survey *s, const json_t *o)
{
    s->plan_s = (int64_t)(u64(o, "begins_us") / 1000000);
    s->slot_s = (int64_t)(u64(o, "slot_s") % (SCHEDULE_PERIOD_S + 1));
    s->capacity = u64(o, "capacity");
    s->is_compact = json_is_true(json_object_get(o, "compact"));
    for (size_t i = 0; i < s->n; i++)
        s->relays[i]->planned = 0;
}

static err_t take_relay(struct survey *s, const json_t *o)
{
    const char *fp = json_string_value(json_object_get(o, "fp"));
    uint64_t slot = u64(o, "slot");
    struct survey_relay *r;
    struct rsa_id rsa;
    char key[HEX_SIZE(sizeof rsa.b)];
    if (!fp || hex_decode_exact(text_of(fp), rsa.b, sizeof rsa.b) != OK ||
        slot >= SCHEDULE_SLOTS_MOST)
        return OK;
    TRY(survey_find_or_add(s, hex_upper(rsa.b, sizeof rsa.b, key), &r));
    r->planned = s->is_compact ? 0 : u64(o, "given");
    r->planned_s = s->plan_s + (int64_t)slot * s->slot_s;
    return OK;
}

static err_t take_line(struct survey *s, const json_t *o)
{
    const char *t = json_string_value(json_object_get(o, "t"));
    if (t && strcmp(t, "plan") == 0)
        take_plan(s, o);
    return t && strcmp(t, "relay") == 0 && s->plan_s ? take_relay(s, o) : OK;
}

err_t survey_schedule(struct survey *s, struct text plan)
{
    struct text line;
    while (text_line(&plan, &line)) {
        json_t *o = json_loadb(line.s, line.len, JSON_REJECT_DUPLICATES, NULL);
        err_t e = take_line(s, o);
        json_decref(o);
        TRY(e);
    }
    return OK;
}
