#include "monitor/metrics_text.h"

#include <inttypes.h>

void metrics_family(struct text_out *out, enum metrics_type type, const char *name,
                    const char *help)
{
    static const char *const types[] = {"counter", "gauge", "histogram"};
    out_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, types[type]);
}

void metrics_value(struct text_out *out, enum metrics_type type, const char *name, const char *help,
                   uint64_t value)
{
    metrics_family(out, type, name, help);
    out_printf(out, "%s %" PRIu64 "\n", name, value);
}

void metrics_labelled(struct text_out *out, const char *name, const char *label, const char *word,
                      uint64_t value)
{
    out_printf(out, "%s{%s=\"%s\"} %" PRIu64 "\n", name, label, word, value);
}
