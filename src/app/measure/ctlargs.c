#include "app/measure/ctlargs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "app/measure/tool.h"
#include "measure/conf.h"
#include "measure/consent.h"

static int check_address(const char *option, const char *word)
{
    struct ipport at;
    char why[CONSENT_WHY_MAX];
    if (consent_address(word, &at, why) == OK)
        return 2;
    fprintf(stderr, "tunic measure: %s: %s\n", option, why);
    return 0;
}

static int take_mode(struct ctlargs *c, const char *mode)
{
    enum meas_mode found;
    c->mode = mode;
    if (meas_mode_find(text_of(mode), &found))
        return 2;
    fprintf(stderr,
            "tunic measure: --mode is one of flashflow, echo2, sink2, dir, drop and http, not %s\n",
            mode);
    return 0;
}

static int take_exit(struct ctlargs *c, const char *word)
{
    c->exit = word;
    return check_address("--exit", word);
}

static int take_server(struct ctlargs *c, const char *word)
{
    c->server = word;
    return check_address("--server", word);
}

static int take_folder(struct ctlargs *c, const char *folder)
{
    struct stat st;
    c->folder = folder;
    errno = stat(folder, &st) != 0 ? errno : S_ISDIR(st.st_mode) ? 0 : ENOTDIR;
    if (!errno)
        return 2;
    fprintf(stderr, "tunic measure: --data-directory %s: %s\n", folder, strerror(errno));
    return 0;
}

static int take_dur(struct ctlargs *c, const char *word)
{
    uint64_t x = 0;
    bool good = text_u64(word, MSG_DUR_MOST, &x) == OK && x > 0;
    c->dur = (json_int_t)x;
    if (!good)
        fprintf(stderr, "tunic measure: --dur is a number of seconds, 1 to %d, not %s\n",
                MSG_DUR_MOST, word);
    return good ? 2 : 0;
}

static int take_prior(struct ctlargs *c, const char *word)
{
    uint64_t x = 0;
    bool good = mconf_bw(text_of(word), &x) && x <= INT64_MAX;
    c->prior = (json_int_t)x;
    if (!good)
        fprintf(stderr, "tunic measure: --prior is bytes a second, or like 5MB or 4mbit, not %s\n",
                word);
    return good ? 2 : 0;
}

static const struct {
    const char *name;
    int (*take)(struct ctlargs *c, const char *word);
} VALUED[] = {{"--dur", take_dur},   {"--prior", take_prior},   {"--mode", take_mode},
              {"--exit", take_exit}, {"--server", take_server}, {"--data-directory", take_folder}};

/* -1: it is for the configuration. Else how many words were taken; 0: it is wrong, and that was
 * said. */
static int own_option(struct ctlargs *c, int argc, char **argv, int i)
{
    const char *word = argv[i];
    for (size_t k = 0; k < sizeof VALUED / sizeof *VALUED; k++) {
        if (strcmp(word, VALUED[k].name) != 0)
            continue;
        if (i + 1 < argc)
            return VALUED[k].take(c, argv[i + 1]);
        fprintf(stderr, "tunic measure: %s needs a value\n", word);
        return 0;
    }
    static const char *const schedules[] = {"--start", "--stop", "--show"};
    for (size_t k = 0; k < sizeof schedules / sizeof *schedules; k++)
        if (strcmp(word, schedules[k]) == 0) {
            if (c->schedule && strcmp(c->schedule, schedules[k] + 2) != 0) {
                fprintf(stderr, "tunic measure: --%s and %s are not for one order\n", c->schedule,
                        word);
                return 0;
            }
            c->schedule = schedules[k] + 2;
            return 1;
        }
    c->json |= strcmp(word, "--json") == 0;
    c->no_wait |= strcmp(word, "--no-wait") == 0;
    return strcmp(word, "--json") == 0 || strcmp(word, "--no-wait") == 0 ? 1 : -1;
}

int ctlargs_sort(struct ctlargs *c, int argc, char **argv, char **rest, int *n_rest)
{
    rest[(*n_rest)++] = argv[0];
    for (int i = 1; i < argc;) {
        int own = argv[i][0] == '-' ? own_option(c, argc, argv, i) : -1;
        if (own == 0)
            return MEASURE_USAGE;
        if (own > 0) {
            i += own;
        } else if (argv[i][0] == '-') {
            bool valued = strcmp(argv[i], "-h") != 0 && strcmp(argv[i], "--help") != 0 &&
                          !strchr(argv[i], '=');
            rest[(*n_rest)++] = argv[i++];
            if (valued && i < argc)
                rest[(*n_rest)++] = argv[i++];
        } else if (c->n_words < CTLARGS_WORDS_MOST) {
            c->words[c->n_words++] = argv[i++];
        } else {
            return tool_complain(MEASURE_USAGE, "so many relays at a time are too many");
        }
    }
    return 0;
}
