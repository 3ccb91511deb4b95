#include "conf/confquote.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Escapes of one letter, and what they stand for. */
static const char letters[] = "ntr\"\\'", bytes[] = "\n\t\r\"\\'";

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* "x41", "101": the number behind a backslash; -1 if there is none. */
static int read_number(const char **at)
{
    const char *s = *at;
    int n = 0;
    if (*s == 'x' || *s == 'X') {
        int high = hex_value(s[1]), low = high < 0 ? -1 : hex_value(s[2]);
        *at = s + 3;
        return low < 0 ? -1 : high * 16 + low;
    }
    for (; s < *at + 3 && *s >= '0' && *s <= '7'; s++)
        n = n * 8 + (*s - '0');
    if (s == *at)
        return -1;
    *at = s;
    return n;
}

/* Decodes what follows a backslash at *AT. */
static bool read_escape(const char **at, char *out)
{
    const char *letter = **at ? strchr(letters, **at) : NULL;
    if (letter) {
        *out = bytes[letter - letters];
        ++*at;
        return true;
    }
    int n = read_number(at);
    *out = (char)(unsigned char)n;
    return n > 0 && n <= 255;
}

const char *conf_unquote(const char *text, char *out, size_t *len)
{
    *len = 0;
    for (text++; *text != '"'; ++*len) {
        if (*text == 0 || *text == '\n')
            return NULL;
        if (*text != '\\') {
            out[*len] = *text++;
            continue;
        }
        text++;
        if (!read_escape(&text, out + *len))
            return NULL;
    }
    return text + 1;
}

static bool needs_quotes(const char *text)
{
    if (*text == '"')
        return true;
    for (; *text; text++)
        if (*text == '#' || *text < ' ' || *text > '~')
            return true;
    return false;
}

static char *quote_byte(char *at, char c)
{
    const char *known = strchr(bytes, c);
    if (known)
        at += snprintf(at, 3, "\\%c", letters[known - bytes]);
    else if (c >= ' ' && c <= '~')
        *at++ = c;
    else
        at += snprintf(at, 5, "\\%03o", (unsigned char)c);
    return at;
}

char *conf_quote(const char *text)
{
    if (!needs_quotes(text))
        return strdup(text);
    char *out = malloc(4 * strlen(text) + 3), *at = out;
    if (!out)
        return NULL;
    *at++ = '"';
    for (; *text; text++)
        at = quote_byte(at, *text);
    *at++ = '"';
    *at = 0;
    return out;
}
