#include "app/check/report.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

struct check_report {
    FILE *tap;
    enum check_detail detail;
    const struct check_config *config;
    unsigned planned, n;
    json_t *cases;
    struct counts {
        unsigned pass, fail_must, fail_should, skip, connections;
    } counts; /* of what was added */
};

static const char *const levels[] = {[CHECK_MUST] = "MUST", [CHECK_SHOULD] = "SHOULD"};
static const char *const verdicts[] = {
    [CHECK_PASS] = "pass", [CHECK_FAIL] = "fail", [CHECK_SKIP] = "skip"};

/* How long so many cases take with a relay that answers: as measured with ours and tor's, 111
 * connections and 12 s of waiting for a hundred cases. */
static unsigned seconds_for(unsigned cases, uint32_t pace_ms)
{
    return 1 + cases * 111 / 100 * pace_ms / MS_PER_SEC + cases * 12 / 100;
}

struct check_report *check_report_new(FILE *tap, enum check_detail detail,
                                      const struct check_config *config, unsigned planned)
{
    char addr[REACH_TEXT_MAX];
    struct check_report *r = calloc(1, sizeof *r);
    if (!r || !(r->cases = json_array())) {
        free(r);
        return NULL;
    }
    r->tap = tap;
    r->detail = detail;
    r->config = config;
    r->planned = planned;
    if (tap && detail != CHECK_QUIET) /* without all cases it is no TAP */
        fputs("TAP version 13\n", tap);
    if (tap)
        fprintf(tap, "# tunic check %s: for relays that you run yourself\n",
                reach_text(&config->reach, addr));
    if (tap && detail != CHECK_QUIET)
        fprintf(tap, "1..%u\n# about %u s, more where it leaves us without an answer\n", planned,
                seconds_for(planned, config->pace_ms));
    return r;
}

void check_report_free(struct check_report *r)
{
    if (!r)
        return;
    json_decref(r->cases);
    free(r);
}

/* ---- TAP ---- */

/* A YAML scalar in double quotes. */
static void yaml(FILE *f, const char *key, const char *value)
{
    if (!*value)
        return;
    fprintf(f, "  %s: \"", key);
    for (; *value; value++) {
        if (*value == '"' || *value == '\\')
            fputc('\\', f);
        fputc((unsigned char)*value < ' ' ? '?' : *value, f);
    }
    fputs("\"\n", f);
}

static void tap_details(FILE *f, const struct check_result *r)
{
    fputs("  ---\n", f);
    yaml(f, "why", r->why);
    yaml(f, "level", levels[r->c->level]);
    yaml(f, "spec", r->c->spec);
    yaml(f, "sent", r->sent);
    yaml(f, "awaited", r->awaited);
    yaml(f, "seen", r->seen);
    fputs("  ...\n", f);
}

/* A SHOULD that is not kept is "TODO": no failure to those who read TAP. */
static void tap_case(const struct check_report *rep, const struct check_result *r)
{
    bool failed = r->verdict == CHECK_FAIL;
    if (rep->detail == CHECK_QUIET && r->verdict != CHECK_FAIL)
        return;
    fprintf(rep->tap, "%s %u - %s: the relay %s", failed ? "not ok" : "ok", rep->n, r->c->id,
            r->c->rule);
    if (r->verdict == CHECK_SKIP)
        fprintf(rep->tap, " # SKIP %s", r->why);
    else if (failed && r->c->level == CHECK_SHOULD)
        fputs(" # TODO it only SHOULD", rep->tap);
    fputc('\n', rep->tap);
    if (failed || rep->detail == CHECK_VERBOSE)
        tap_details(rep->tap, r);
    fflush(rep->tap);
}

/* ---- gathering ---- */

static json_t *case_json(const struct check_result *r)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:i}", "id", r->c->id, "rule",
                     r->c->rule, "spec", r->c->spec, "level", levels[r->c->level], "verdict",
                     verdicts[r->verdict], "why", r->why, "sent", r->sent, "awaited", r->awaited,
                     "seen", r->seen, "took_ms", (int)r->took_ms);
}

static void count(struct counts *n, const struct check_result *r)
{
    n->pass += r->verdict == CHECK_PASS;
    n->skip += r->verdict == CHECK_SKIP;
    n->fail_must += r->verdict == CHECK_FAIL && r->c->level == CHECK_MUST;
    n->fail_should += r->verdict == CHECK_FAIL && r->c->level == CHECK_SHOULD;
}

void check_report_add(struct check_report *r, const struct check_result *result)
{
    json_t *c = case_json(result);
    r->n++;
    count(&r->counts, result);
    if (c)
        (void)json_array_append_new(r->cases, c);
    if (r->tap)
        tap_case(r, result);
}

unsigned check_report_end(struct check_report *r, unsigned connections)
{
    const struct counts *n = &r->counts;
    r->counts.connections = connections;
    if (r->tap && r->n < r->planned)
        fprintf(r->tap, "Bail out! Interrupted; %u of %u cases were not tried\n", r->planned - r->n,
                r->planned);
    if (r->tap)
        fprintf(r->tap, "# %u passed, %u MUST and %u SHOULD failed, %u skipped; %u connections\n",
                n->pass, n->fail_must, n->fail_should, n->skip, n->connections);
    return n->fail_must;
}

/* ---- whole reports ---- */

char *check_report_json(const struct check_report *r)
{
    char addr[REACH_TEXT_MAX];
    json_t *all = json_pack("{s:s, s:i, s:i, s:i, s:i, s:i, s:O}", "relay",
                            reach_text(&r->config->reach, addr), "passed", (int)r->counts.pass,
                            "must_failed", (int)r->counts.fail_must, "should_failed",
                            (int)r->counts.fail_should, "skipped", (int)r->counts.skip,
                            "connections", (int)r->counts.connections, "cases", r->cases);
    char *text = all ? json_dumps(all, JSON_INDENT(1)) : NULL;
    json_decref(all);
    return text;
}

static void xml(FILE *f, const char *text)
{
    for (; *text; text++)
        switch (*text) {
        case '&':
            fputs("&amp;", f);
            break;
        case '<':
            fputs("&lt;", f);
            break;
        case '>':
            fputs("&gt;", f);
            break;
        case '"':
            fputs("&quot;", f);
            break;
        default:
            fputc((unsigned char)*text < ' ' ? '?' : *text, f);
        }
}

static const char *member(const json_t *c, const char *name)
{
    return json_string_value(json_object_get(c, name));
}

static void junit_case(FILE *f, const json_t *c)
{
    const char *id = member(c, "id"), *verdict = member(c, "verdict");
    bool must = !strcmp(member(c, "level"), "MUST"), failed = !strcmp(verdict, "fail");
    fprintf(f, "  <testcase classname=\"%.*s\" name=\"%s\" time=\"%.3f\">", (int)strcspn(id, "/"),
            id, id, (double)json_integer_value(json_object_get(c, "took_ms")) / 1000);
    if (!strcmp(verdict, "skip") || (failed && !must)) {
        fputs("<skipped message=\"", f);
        xml(f, member(c, "why"));
        fputs("\"/>", f);
    } else if (failed) {
        fputs("<failure message=\"", f);
        xml(f, member(c, "why"));
        fputs("\">", f);
        xml(f, member(c, "rule"));
        fprintf(f, " (%s, %s)&#10;sent: ", member(c, "level"), member(c, "spec"));
        xml(f, member(c, "sent"));
        fputs("&#10;awaited: ", f);
        xml(f, member(c, "awaited"));
        fputs("&#10;seen: ", f);
        xml(f, member(c, "seen"));
        fputs("</failure>", f);
    }
    fputs("</testcase>\n", f);
}

char *check_report_junit(const struct check_report *r)
{
    char *text = NULL;
    size_t len, i;
    json_t *c;
    FILE *f = open_memstream(&text, &len);
    if (!f)
        return NULL;
    fprintf(f,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
            "<testsuite name=\"tunic check\" tests=\"%zu\" failures=\"%u\" skipped=\"%u\">\n",
            json_array_size(r->cases), r->counts.fail_must, r->counts.skip + r->counts.fail_should);
    json_array_foreach(r->cases, i, c) junit_case(f, c);
    fputs("</testsuite>\n", f);
    if (fclose(f) != 0) {
        free(text);
        return NULL;
    }
    return text;
}
