/* Control ports that a configuration names. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "app/ctl/find.h"
#include "conf/confquote.h"
#include "host/disk.h"

enum { PATH_SIZE = 4096, PORT_FILE_MOST = 4096 };

struct search {
    struct ctl_candidates *out;
    const char *base, *from;
    struct ctl_ports *ports;
};

/* The first word of a value, without quotes; empty if it is too long. */
static void first_word(const char *value, char *out, size_t cap)
{
    size_t n = strcspn(value, " \t");
    *out = 0;
    if (*value == '"') {
        if (strlen(value) >= cap || !conf_unquote(value, out, &n))
            n = 0;
        out[n] = 0;
    } else if (n < cap) {
        snprintf(out, cap, "%.*s", (int)n, value);
    }
}

static void absolute(const struct search *s, const char *path, char *out)
{
    bool whole = *path == '/';
    int n = snprintf(out, PATH_SIZE, "%s%s%s", whole ? "" : s->base, whole ? "" : "/", path);
    if (n < 0 || n >= PATH_SIZE)
        *out = 0;
}

static void add_unix(const struct search *s, const char *value, const char *what)
{
    char word[PATH_SIZE], path[PATH_SIZE];
    struct ctl_place place;
    if (strncmp(value, "unix:", 5) == 0)
        value += 5;
    first_word(value, word, sizeof word);
    if (!*word || strcmp(word, "0") == 0)
        return;
    absolute(s, word, path);
    if (ctl_place_unix(path, &place) == OK)
        ctl_candidate_add(s->out, &place, "%s of %.200s", what, s->from);
}

static void add_port(const struct search *s, const char *value)
{
    char word[PATH_SIZE];
    struct ctl_place place;
    if (strncmp(value, "unix:", 5) == 0) {
        add_unix(s, value, "ControlPort");
        return;
    }
    first_word(value, word, sizeof word);
    const char *colon = strrchr(word, ':');
    s->ports->is_auto |= strcasecmp(colon ? colon + 1 : word, "auto") == 0;
    if (ctl_place_parse(word, &place) == OK)
        ctl_candidate_add(s->out, &place, "ControlPort of %.200s", s->from);
}

/* control-spec's "PORT=127.0.0.1:9051" and "UNIX_PORT=/path", one a line. */
static void read_port_file(const struct search *s, const char *value)
{
    char word[PATH_SIZE], path[PATH_SIZE], text[PORT_FILE_MOST + 1];
    struct ctl_place place;
    first_word(value, word, sizeof word);
    absolute(s, word, path);
    int fd = *word ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : -1;
    ssize_t n = fd < 0 ? -1 : read(fd, text, PORT_FILE_MOST);
    if (fd >= 0)
        close(fd);
    if (n <= 0)
        return;
    text[n] = 0;
    for (char *line = text, *next; line; line = next) {
        if ((next = strchr(line, '\n')))
            *next++ = 0;
        bool tcp = strncmp(line, "PORT=", 5) == 0, un = strncmp(line, "UNIX_PORT=", 10) == 0;
        if ((tcp && ctl_place_parse(line + 5, &place) == OK) ||
            (un && ctl_place_unix(line + 10, &place) == OK))
            ctl_candidate_add(s->out, &place, "%.120s, ControlPortWriteToFile of %.100s", path,
                              s->from);
    }
}

/* "9050", "127.0.0.1:9050 IsolateDestAddr": a port that is of another kind. */
static void note_other(struct ctl_ports *ports, const char *value)
{
    char word[PATH_SIZE];
    uint64_t port;
    first_word(value, word, sizeof word);
    const char *colon = strrchr(word, ':');
    if (text_u64(colon ? colon + 1 : word, UINT16_MAX, &port) == OK && port &&
        ports->n < CTL_PORTS_MAX)
        ports->others[ports->n++] = (uint16_t)port;
}

static bool ends_in_port(const char *key)
{
    size_t n = strlen(key);
    return n > 4 && strcasecmp(key + n - 4, "Port") == 0;
}

void ctl_find_lines(struct ctl_candidates *out, const struct conf_line *lines, const char *base,
                    const char *from, struct ctl_ports *ports)
{
    const struct search s = {out, base, from, ports};
    for (const struct conf_line *l = lines; l; l = l->next) {
        const char *key = strncmp(l->key, "__", 2) ? l->key : l->key + 2;
        if (l->how == CONF_CLEAR)
            continue;
        if (strcasecmp(key, "ControlPort") == 0)
            add_port(&s, l->value);
        else if (strcasecmp(key, "ControlSocket") == 0)
            add_unix(&s, l->value, "ControlSocket");
        else if (strcasecmp(key, "ControlPortWriteToFile") == 0)
            read_port_file(&s, l->value);
        else if (ends_in_port(key))
            note_other(ports, l->value);
    }
}

bool ctl_find_torrc(struct ctl_candidates *out, const char *path, const char *base,
                    const char *from, struct ctl_ports *ports)
{
    const struct log silent = {.least = LOG_ERR};
    const struct conf_source source = disk_source(&silent);
    struct conf_faults faults = {.log = NULL};
    struct conf_line *lines = NULL;
    char *text = NULL;
    if (source.read(source.arg, path, &text) != OK)
        return false;
    /* What is wrong with other lines is tor's business. */
    (void)!conf_lex_each(&source, path, text, &lines, NULL, &faults);
    ctl_find_lines(out, lines, base, from, ports);
    conf_lines_free(lines);
    free(text);
    return true;
}
