#include "capture.h"

/* Lines as "key=value@line;" with + and / before the key. */
static char *shown(const struct conf_line *l)
{
    static char text[8192];
    text[0] = 0;
    for (; l; l = l->next) {
        const char *colon = strrchr(l->where, ':');
        size_t len = strlen(text);
        snprintf(text + len, sizeof text - len, "%s%s=%s@%s;",
                 l->how == CONF_APPEND  ? "+"
                 : l->how == CONF_CLEAR ? "/"
                                        : "",
                 l->key, l->value, colon ? colon + 1 : "");
    }
    return text;
}

static const struct {
    const char *torrc, *lines;
} GOOD[] = {
    {"", ""},
    {"\n\n  \t\n", ""},
    {"# only a comment", ""},
    {"A b", "A=b@1;"},
    {"A b\n", "A=b@1;"},
    {"A b\r\nC d\r\n", "A=b@1;C=d@2;"},
    {"  A   b c  \t\n", "A=b c@1;"},
    {"A\n", "A=@1;"},
    {"A#c\n", "A=@1;"},
    {"A b # c\nD e", "A=b@1;D=e@2;"},
    {"A b#c\n", "A=b@1;"},
    {"# x\n\nA b\n", "A=b@3;"},
    {"A \"b # c\" # d\nE f", "A=b # c@1;E=f@2;"},
    {"A \"\"\n", "A=@1;"},
    {"A \"\\\"\\\\\\'\\x41\\101\\t\"\n", "A=\"\\'AA\t@1;"},
    {"A \"b\"   \r\nC d", "A=b@1;C=d@2;"},
    {"A b \\\n  c\nD e", "A=b   c@1;D=e@3;"},
    {"A b\\\nc", "A=bc@1;"},
    {"A b,\\\n# in between\nc\nD e", "A=b,c@1;D=e@4;"},
    {"A\\\nb\n", "A=b@1;"},
    {"A b\\c\n", "A=b\\c@1;"},
    {"A b \"c\"\n", "A=b \"c\"@1;"},
    {"+A b\n/C\n/D x\n", "+A=b@1;/C=@2;/D=@3;"},
    {"A b\\", "A=b\\@1;"},
    {"A \\\n", "A=\\@1;"},
    {"A b\\\n \n", "A=b\\@1;"},
    {"A b\\\n# c\nd\n", "A=bd@1;"},
    {"A \"\\X41\\t\"", "A=A\t@1;"},
};

START_TEST(test_conflex_lines)
{
    for (size_t i = 0; i < sizeof GOOD / sizeof GOOD[0]; i++) {
        struct conf_line *lines = lines_of(GOOD[i].torrc);
        ck_assert_msg(strcmp(shown(lines), GOOD[i].lines) == 0, "%s\nis %s\nnot %s", GOOD[i].torrc,
                      shown(lines), GOOD[i].lines);
        conf_lines_free(lines);
    }
}
END_TEST

static const struct {
    const char *torrc, *says;
} BAD[] = {
    {"A \"b", "torrc:1: Error while parsing configuration: Invalid escape sequence"},
    {"\nA \"b\nc\"", "torrc:2: Error while parsing configuration: Invalid escape sequence"},
    {"A \"\\q\"", "Invalid escape sequence in quoted string"},
    {"A \"\\x4\"", "Invalid escape sequence in quoted string"},
    {"A \"\\0\"", "Invalid escape sequence in quoted string"},
    {"A \"\\400\"", "Invalid escape sequence in quoted string"},
    {"A \"\\", "Invalid escape sequence in quoted string"},
    {"A \"b\" c", "torrc:1: Error while parsing configuration: Excess data after quoted string"},
    {"%include /x\n", "torrc:1: %include cannot be used here."},
    {"+%include /x\n", "torrc:1: %include cannot be used here."},
    {"\xef\xbb\xbf"
     "A b",
     "torrc:1: the file begins with a byte order mark."},
};

START_TEST(test_conflex_errors_name_file_and_line)
{
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        struct conf_line *lines = NULL;
        struct conf_err e = {""};
        ck_err(conf_lex(NULL, "torrc", BAD[i].torrc, &lines, NULL, &e), ERR_MALFORMED);
        ck_assert_ptr_null(lines);
        ck_assert_msg(strstr(e.text, BAD[i].says) != NULL, "%s\nsays %s", BAD[i].torrc, e.text);
    }
}
END_TEST

/* Files in memory: a pattern names those that begin with it, in order. */
struct memory {
    const char *const *files; /* name, text, name, text, ..., NULL */
};

static err_t memory_expand(void *arg, const char *pattern, char ***files, size_t *n)
{
    const struct memory *m = arg;
    *files = calloc(16, sizeof **files);
    *n = 0;
    for (size_t i = 0; m->files[i]; i += 2)
        if (strncmp(m->files[i], pattern, strlen(pattern)) == 0)
            (*files)[(*n)++] = strdup(m->files[i]);
    if (*n == 0 && strcmp(pattern, "none") != 0) {
        free(*files);
        return ERR_IO;
    }
    return OK;
}

static err_t memory_read(void *arg, const char *path, char **content)
{
    const struct memory *m = arg;
    for (size_t i = 0; m->files[i]; i += 2)
        if (strcmp(m->files[i], path) == 0 && m->files[i + 1][0] != '!') {
            *content = strdup(m->files[i + 1]);
            return OK;
        }
    return ERR_IO;
}

static err_t lex_with(const char *const *files, const char *torrc, struct conf_line **lines,
                      bool *included, struct conf_err *e)
{
    struct memory m = {files};
    const struct conf_source src = {memory_expand, memory_read, &m, NULL};
    return conf_lex(&src, "torrc", torrc, lines, included, e);
}

START_TEST(test_conflex_include_stands_where_it_is_said)
{
    const char *const files[] = {"d/1", "B 1\n%include e\n", "d/2", "C 2", "e", "E 3\nF 4", NULL};
    struct conf_line *lines = NULL;
    struct conf_err e = {""};
    bool included = false;
    ck_ok(lex_with(files, "A 0\n%include d/\nZ 9\n", &lines, &included, &e));
    ck_assert_str_eq(shown(lines), "A=0@1;B=1@1;E=3@1;F=4@2;C=2@1;Z=9@3;");
    ck_assert_str_eq(lines->next->where, "d/1:1");
    ck_assert(included);
    conf_lines_free(lines);
}
END_TEST

START_TEST(test_conflex_include_of_nothing_is_fine)
{
    const char *const files[] = {NULL};
    struct conf_line *lines = NULL;
    struct conf_err e = {""};
    ck_ok(lex_with(files, "A 0\n%include none\nZ 9\n", &lines, NULL, &e));
    ck_assert_str_eq(shown(lines), "A=0@1;Z=9@3;");
    conf_lines_free(lines);
}
END_TEST

START_TEST(test_conflex_include_that_is_missing_or_unreadable_fails)
{
    const char *const files[] = {"unreadable", "!", NULL};
    struct conf_line *lines = NULL;
    struct conf_err e = {""};
    ck_err(lex_with(files, "A 0\n%include gone\n", &lines, NULL, &e), ERR_IO);
    ck_assert_str_eq(e.text, "torrc:2: Error reading included configuration file or directory: "
                             "\"gone\".");
    ck_err(lex_with(files, "%include unreadable\n", &lines, NULL, &e), ERR_IO);
    ck_assert_ptr_nonnull(strstr(e.text, "\"unreadable\""));
    ck_assert_ptr_null(lines);
}
END_TEST

START_TEST(test_conflex_include_of_itself_ends_at_the_depth_limit)
{
    const char *const files[] = {"loop", "A 1\n%include loop\n", NULL};
    struct conf_line *lines = NULL;
    struct conf_err e = {""};
    ck_err(lex_with(files, "%include loop\n", &lines, NULL, &e), ERR_LIMIT);
    ck_assert_str_eq(e.text, "loop:2: Error while parsing configuration: more than 31 nested "
                             "%includes.");
}
END_TEST

START_TEST(test_conflex_include_as_deep_as_allowed)
{
    static const char *files[2 * CONF_INCLUDE_DEPTH_MAX + 1];
    static char names[CONF_INCLUDE_DEPTH_MAX][16], texts[CONF_INCLUDE_DEPTH_MAX][32];
    size_t n = 0;
    for (int i = 1; i < CONF_INCLUDE_DEPTH_MAX; i++) {
        snprintf(names[i], sizeof names[i], "f%02d", i);
        if (i + 1 < CONF_INCLUDE_DEPTH_MAX)
            snprintf(texts[i], sizeof texts[i], "%%include f%02d\n", i + 1);
        else
            snprintf(texts[i], sizeof texts[i], "Deep yes");
        files[n++] = names[i];
        files[n++] = texts[i];
    }
    struct conf_line *lines = NULL;
    struct conf_err e = {""};
    err_t err = lex_with(files, "%include f01\n", &lines, NULL, &e);
    ck_assert_msg(err == OK, "%s", e.text);
    ck_assert_str_eq(shown(lines), "Deep=yes@1;");
    conf_lines_free(lines);
}
END_TEST

START_TEST(test_conflex_every_truncation_ends_in_lines_or_an_error)
{
    static const char torrc[] =
        "SocksPort 9050 # x\nLog \"notice \\x66ile\" \nA b \\\n# c\n d\n+E f";
    char part[sizeof torrc];
    for (size_t len = 0; len < sizeof torrc; len++) {
        struct conf_line *lines = NULL;
        struct conf_err e = {""};
        memcpy(part, torrc, len);
        part[len] = 0;
        err_t err = conf_lex(NULL, "torrc", part, &lines, NULL, &e);
        bool in_quotes = len > 23 && len < 39;
        ck_assert_msg((err == OK) == !in_quotes, "at %zu: %s", len, e.text);
        conf_lines_free(lines);
    }
}
END_TEST

START_TEST(test_conf_place_of_a_controllers_line_is_left_out)
{
    ck_assert_str_eq(conf_without_controller("controller: X: y"), "X: y");
    ck_assert_str_eq(conf_without_controller("controller:12: X"), "X");
    ck_assert_str_eq(conf_without_controller("controllers: X"), "controllers: X");
    ck_assert_str_eq(conf_without_controller("controller:"), "controller:");
    ck_assert_str_eq(conf_without_controller("torrc:1: X"), "torrc:1: X");
}
END_TEST

TESTS("conf/conflex", test_conflex_lines, test_conflex_errors_name_file_and_line,
      test_conflex_include_stands_where_it_is_said, test_conflex_include_of_nothing_is_fine,
      test_conflex_include_that_is_missing_or_unreadable_fails,
      test_conflex_include_of_itself_ends_at_the_depth_limit,
      test_conflex_include_as_deep_as_allowed,
      test_conflex_every_truncation_ends_in_lines_or_an_error,
      test_conf_place_of_a_controllers_line_is_left_out)
