#include "base/nearest.h"

#include <string.h>

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static size_t min3(size_t a, size_t b, size_t c)
{
    size_t ab = a < b ? a : b;
    return ab < c ? ab : c;
}

/* Edits that make A of B: insert, remove, replace a letter, swap two neighbours; without regard to
 * case. B has at most NEAREST_NAME_MAX bytes. */
static size_t distance(const char *a, const char *b)
{
    size_t rows[3][NEAREST_NAME_MAX + 1], lb = strlen(b), i = 0;
    for (size_t j = 0; j <= lb; j++)
        rows[0][j] = j;
    for (; a[i]; i++) {
        size_t *row = rows[(i + 1) % 3], *before = rows[i % 3], *earlier = rows[(i + 2) % 3];
        row[0] = i + 1;
        for (size_t j = 0; j < lb; j++) {
            size_t other = lower(a[i]) != lower(b[j]);
            row[j + 1] = min3(before[j + 1] + 1, row[j] + 1, before[j] + other);
            if (other && i > 0 && j > 0 && lower(a[i]) == lower(b[j - 1]) &&
                lower(a[i - 1]) == lower(b[j]) && earlier[j - 1] + 1 < row[j + 1])
                row[j + 1] = earlier[j - 1] + 1;
        }
    }
    return rows[i % 3][lb];
}

struct nearest nearest_begin(const char *word)
{
    size_t len = strlen(word);
    /* A name that differs in more than a third of its letters is another word. */
    return (struct nearest){.word = word,
                            .least = len > 0 && len <= NEAREST_NAME_MAX ? len / 3 + 1 : 0};
}

void nearest_try(struct nearest *n, const char *name)
{
    if (n->least == 0 || strlen(name) > NEAREST_NAME_MAX)
        return;
    size_t d = distance(n->word, name);
    if (d >= n->least)
        return;
    n->least = d;
    n->best = name;
}
