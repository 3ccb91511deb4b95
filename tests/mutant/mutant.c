/* The program with one option without effect: build/mutant/tunic, for tools/mutate-options.
 *
 * TUNIC_MUTANT names the option. Once the options of a source have been checked, its value is put
 * back to the default and all that is derived from it is derived again, so that nobody outside conf
 * sees what was said. What shows options (the dump, GETCONF, what changed) still sees it. The
 * product has nothing of this: the linker puts these functions in front of its own.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/options.h"

err_t __real_options_check(struct options *o, const struct options_env *env, struct conf_err *e);
err_t __real_options_check_each(struct options *o, const struct options_env *env,
                                struct conf_faults *faults);
struct options *__real_options_new(bool testing);
struct options *__real_options_dup(const struct options *o);
void __real_options_free(struct options *o);
err_t __real_options_get(const struct options *o, const struct opt *opt, struct conf_line **out);
char *__real_options_dump(const struct options *o, const struct options *defaults, enum dump how);
size_t __real_options_diff(const struct options *a, const struct options *b, const struct opt **out,
                           size_t cap);
err_t __real_options_check_transition(const struct options *old, const struct options *new_options,
                                      struct conf_err *e);

err_t __wrap_options_check(struct options *o, const struct options_env *env, struct conf_err *e);
err_t __wrap_options_check_each(struct options *o, const struct options_env *env,
                                struct conf_faults *faults);
struct options *__wrap_options_new(bool testing);
struct options *__wrap_options_dup(const struct options *o);
void __wrap_options_free(struct options *o);
err_t __wrap_options_get(const struct options *o, const struct opt *opt, struct conf_line **out);
char *__wrap_options_dump(const struct options *o, const struct options *defaults, enum dump how);
size_t __wrap_options_diff(const struct options *a, const struct options *b, const struct opt **out,
                           size_t cap);
err_t __wrap_options_check_transition(const struct options *old, const struct options *new_options,
                                      struct conf_err *e);

/* What was said, of options that are in use. */
static struct said {
    const struct options *of;
    struct options *truth;
} said[64];

static struct said *find(const struct options *o)
{
    for (size_t i = 0; i < sizeof said / sizeof said[0]; i++)
        if (said[i].of == o)
            return &said[i];
    fputs("mutant: too many options at once\n", stderr);
    abort();
}

static struct said *known(const struct options *o)
{
    for (size_t i = 0; o && i < sizeof said / sizeof said[0]; i++)
        if (said[i].of == o)
            return &said[i];
    return NULL;
}

static const struct options *truth_of(const struct options *o)
{
    const struct said *s = known(o);
    return s ? s->truth : o;
}

static const struct opt *mutant(void)
{
    const char *name = getenv("TUNIC_MUTANT");
    const struct opt *opt = name ? opt_find(name) : NULL;
    if (name && (!opt || opt->kind != OPT_WORKS)) {
        fprintf(stderr, "mutant: there is no option \"%s\" that works\n", name);
        exit(3);
    }
    return opt;
}

/* The options of one list (SocksPort, __SocksPort) go together. */
static err_t forget(struct options *o, const struct opt *opt, struct conf_err *e)
{
    size_t n;
    const struct opt *table = opt_table(&n);
    for (size_t i = 0; i < n; i++) {
        if (table[i].at != opt->at || table[i].type == OPTT_VIRTUAL)
            continue;
        struct conf_line *line = NULL, **tail = &line;
        TRY(conf_line_add(&tail, text_of(table[i].name), text_of(""), "mutant", CONF_SET));
        err_t err = options_assign(o, line, ASSIGN_CLEAR_FIRST | ASSIGN_USE_DEFAULTS, NULL, e);
        conf_lines_free(line);
        TRY(err);
    }
    return OK;
}

/* O has been found good as it is. */
static err_t take_effect_without(struct options *o, const struct opt *opt,
                                 const struct options_env *env)
{
    struct options_env quiet = *env;
    struct conf_faults ignored = {.log = NULL};
    struct conf_err e;
    if (!known(o)) {
        struct said *s = find(NULL);
        *s = (struct said){o, __real_options_dup(o)};
        if (!s->truth)
            return ERR_NOMEM;
    }
    TRY(forget(o, opt, &e));
    quiet.log = NULL;
    /* What was good need not be good without it: then as much as there is. */
    (void)!__real_options_check_each(o, &quiet, &ignored);
    return OK;
}

err_t __wrap_options_check_each(struct options *o, const struct options_env *env,
                                struct conf_faults *faults)
{
    const struct opt *opt = mutant();
    TRY(__real_options_check_each(o, env, faults));
    return opt && faults->n == 0 ? take_effect_without(o, opt, env) : OK;
}

err_t __wrap_options_check(struct options *o, const struct options_env *env, struct conf_err *e)
{
    const struct opt *opt = mutant();
    TRY(__real_options_check(o, env, e));
    return opt ? take_effect_without(o, opt, env) : OK;
}

struct options *__wrap_options_new(bool testing)
{
    const struct opt *opt = mutant();
    return __real_options_new(testing && !(opt && strcmp(opt->name, "TestingTorNetwork") == 0));
}

void __wrap_options_free(struct options *o)
{
    struct said *s = known(o);
    if (s) {
        __real_options_free(s->truth);
        *s = (struct said){NULL, NULL};
    }
    __real_options_free(o);
}

struct options *__wrap_options_dup(const struct options *o)
{
    return __real_options_dup(truth_of(o));
}

err_t __wrap_options_get(const struct options *o, const struct opt *opt, struct conf_line **out)
{
    return __real_options_get(truth_of(o), opt, out);
}

char *__wrap_options_dump(const struct options *o, const struct options *defaults, enum dump how)
{
    return __real_options_dump(truth_of(o), truth_of(defaults), how);
}

size_t __wrap_options_diff(const struct options *a, const struct options *b, const struct opt **out,
                           size_t cap)
{
    return __real_options_diff(truth_of(a), truth_of(b), out, cap);
}

err_t __wrap_options_check_transition(const struct options *old, const struct options *new_options,
                                      struct conf_err *e)
{
    return __real_options_check_transition(truth_of(old), truth_of(new_options), e);
}
