/* Arguments of commands. Byte 0 says by which syntax; the rest is what stands behind the command.
 * What was read is within its bounds, and reads the same when it is written out again. */
#include <stdlib.h>
#include <string.h>

#include "control/args.h"
#include "control/reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const char *const known[] = {"purpose", "HOP", NULL};
static const struct args_syntax syntaxes[] = {
    {.most = ARGS_ANY},
    {.least = 1, .most = 2},
    {.least = 1, .most = 1, .flags = ARGS_KEYWORDS},
    {.least = 1, .most = 1, .flags = ARGS_KEYWORDS | ARGS_OMIT_VALUES},
    {.flags = ARGS_KEYWORDS | ARGS_OMIT_VALUES | ARGS_QUOTED},
    {.most = 1, .flags = ARGS_KEYWORDS | ARGS_OMIT_KEYS | ARGS_QUOTED_STRING},
    {.most = 1, .flags = ARGS_KEYWORDS, .keywords = known},
    {.most = 1, .flags = ARGS_KEYWORDS, .body = true},
};

static void check_word(const char *word)
{
    size_t len = strlen(word);
    if (len == 0 || strchr(word, ' ') || strchr(" \t\r\n\v\f", word[len - 1]))
        abort();
}

static void check_bounds(const struct args_syntax *s, const struct args *a)
{
    if (a->n > s->most || (a->n_keywords && !(s->flags & ARGS_KEYWORDS)) || a->n < s->least)
        abort();
    for (size_t i = 0; i < a->n; i++)
        check_word(a->word[i]);
    for (size_t i = 0; i < a->n_keywords; i++) {
        const struct arg *k = &a->keyword[i];
        if ((!*k->key && !(s->flags & ARGS_OMIT_KEYS)) || args_keyword(a, k->key) == NULL)
            abort();
    }
    if (a->body && a->body_len != strlen(a->body) && !memchr(a->body, 0, a->body_len))
        abort();
}

/* Words by position, written again, are the same words. */
static void check_again(const struct args *a)
{
    static const struct args_syntax any = {.most = ARGS_ANY};
    struct text_out text = text_out(1 << 22);
    struct args again;
    char why[ARGS_WHY_MAX];
    for (size_t i = 0; i < a->n; i++)
        out_printf(&text, "%s ", a->word[i]);
    if (out_end(&text) != OK || memchr(out_text(&text), '\n', text.len))
        goto out;
    if (args_parse(&any, "X", out_text(&text), text.len, &again, why) != OK || again.n != a->n)
        abort();
    for (size_t i = 0; i < a->n; i++)
        if (strcmp(again.word[i], a->word[i]) != 0)
            abort();
    args_free(&again);
out:
    out_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct args a;
    char why[ARGS_WHY_MAX];
    if (len < 1)
        return 0;
    const struct args_syntax *s = &syntaxes[data[0] % (sizeof syntaxes / sizeof syntaxes[0])];
    char *text = malloc(len);
    if (!text)
        abort();
    memcpy(text, data + 1, len - 1);
    text[len - 1] = 0;
    if (args_parse(s, "COMMAND", text, len - 1, &a, why) == OK) {
        check_bounds(s, &a);
        check_again(&a);
        args_free(&a);
    } else if (!*why) {
        abort();
    }
    free(text);
    return 0;
}
