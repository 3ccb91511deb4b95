/* Commands about server descriptors (control-spec 3.12, 3.14), of which a client that lives by
 * microdescriptors keeps none.
 */
#include <string.h>
#include <strings.h>

#include "control/commands.h"
#include "control/control.h"
#include "control/reply.h"
#include "control/session.h"
#include "dir/descriptor.h"

static bool is_one_of(const char *word, const char *const *words)
{
    for (; *words; words++)
        if (strcasecmp(word, *words) == 0)
            return true;
    return false;
}

/* Whether BODY is one whole descriptor, rightly signed. */
static bool is_sound(const struct control *c, const struct args *a)
{
    struct text rest = {a->body, a->body_len};
    struct descriptor d;
    char why[DESCRIPTOR_WHY_MAX];
    return descriptor_next(&rest, &d) == OK &&
           descriptor_verify(&d, env_wall_s(control_env(c)), why) == OK;
}

static void postdescriptor(struct session *s, const struct args *a)
{
    static const char *const purposes[] = {"general", "controller", "bridge", NULL};
    static const char *const yes_no[] = {"yes", "no", NULL};
    const char *purpose = args_keyword(a, "purpose"), *cache = args_keyword(a, "cache");
    if (purpose && !is_one_of(purpose, purposes))
        reply_end(s, 552, "Unknown purpose \"%s\"", purpose);
    else if (cache && !is_one_of(cache, yes_no))
        reply_end(s, 552, "Unknown cache request \"%s\"", cache);
    else if (!is_sound(session_control(s), a))
        reply_end(s, 554, "Couldn't parse router descriptor.");
    else
        reply_end(s, 251, "Descriptor not added");
}

static void setrouterpurpose(struct session *s, const struct args *a)
{
    reply_end(s, 511, "%s is obsolete.", a->command);
}

static const char *const post_keywords[] = {"cache", "purpose", NULL};

const struct command_row control_descriptor_commands[] = {
    {"+POSTDESCRIPTOR",
     {.flags = ARGS_KEYWORDS, .keywords = post_keywords, .body = true},
     postdescriptor},
    {"SETROUTERPURPOSE", {.most = ARGS_ANY}, setrouterpurpose},
    {0},
};
