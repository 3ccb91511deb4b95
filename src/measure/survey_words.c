/* Which files a survey has, and how all of them write words and times. */
#include <string.h>
#include <time.h>

#include "measure/survey_int.h"

static const char *const names[] = {
#define X(name, file, what) [name] = file,
    SURVEY_FILES(X)
#undef X
};

const char *survey_file_name(enum survey_file file)
{
    return names[file];
}

bool survey_has(const struct survey *s, enum survey_file file)
{
    return (file != SURVEY_TRUTH || s->n_truth) && (file != SURVEY_MEASURERS || s->n_measurers) &&
           (file != SURVEY_HISTORY || s->focus);
}

const char *survey_when(int64_t s, char out[SURVEY_TIME_MAX])
{
    struct tm tm;
    time_t t = (time_t)s;
    if (!gmtime_r(&t, &tm) || !strftime(out, SURVEY_TIME_MAX, "%Y-%m-%d %H:%M", &tm))
        memcpy(out, "?", sizeof "?");
    return out;
}

void survey_put_word(struct docw *w, const char *word)
{
    for (; *word; word++)
        docw_add(w, text_is_alnum((struct text){word, 1}) || strchr("_-.:[]", *word)
                        ? (struct text){word, 1}
                        : TEXT_LIT("?"));
}
