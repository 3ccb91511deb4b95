/* What outlives a run: the state file, which is the client's own, and the directory's files. */
#include <stdlib.h>
#include <string.h>

#include "client/client_int.h"

/* As tor: FAST_GUARD_STATE_FLUSH_TIME, SLOW_GUARD_STATE_FLUSH_TIME. */
enum { SAVE_STATE_MS = 30000, SAVE_STATE_SELDOM_MS = 600000 };

#define STATE_FILE "state"

/* ---- the state file ---- */

void client_save_state(struct client *c)
{
    char *text;
    size_t len;
    err_t e = guards_save(c->guards, c->state);
    if (e == OK)
        e = cbt_save(c->cbt, c->state);
    if (e == OK)
        e = client_save_dormancy(c);
    if (e == OK)
        e = state_write(c->state, env_wall_s(c->env), TUNIC_VERSION, &text, &len);
    if (e != OK) {
        log_warn(c->env->log, "The state file was not written: %s", err_text(e));
        return;
    }
    const struct text whole = {text, len};
    /* Without it the one of before stays, and the next is written in a while. */
    e = c->world_ops->store(c->world, STATE_FILE, &whole, 1, false);
    (void)e;
    free(text);
}

void client_arm_save(struct client *c)
{
    env_arm_lazy_ms(c->env, &c->save,
                    c->settings->config.avoid_disk_writes ? SAVE_STATE_SELDOM_MS : SAVE_STATE_MS);
}

void client_save_due(void *arg)
{
    struct client *c = arg;
    if (guards_dirty(c->guards) || cbt_dirty(c->cbt) || client_dormancy_changed(c))
        client_save_state(c);
    client_arm_save(c);
}

/* A file whose guards are all damaged is kept: somebody may mend it. */
static err_t keep_damaged_state(struct client *c, size_t damaged_lines, size_t damaged_guards)
{
    if (damaged_lines)
        log_warn(c->env->log, "%zu lines of the state file are damaged and left out",
                 damaged_lines);
    if ((!damaged_lines && !damaged_guards) || guards_remembered(c->guards))
        return OK;
    log_warn(c->env->log,
             "No entry guard of the damaged state file can be read: new ones are chosen");
    err_t e = c->world_ops->set_aside(c->world, STATE_FILE);
    return e == ERR_NOT_FOUND ? OK : e;
}

static err_t load_state(struct client *c, struct text text)
{
    struct state *state;
    size_t damaged_lines, damaged_guards;
    TRY(state_parse(text, &state, &damaged_lines));
    state_free(&c->state);
    c->state = state;
    TRY(guards_load(c->guards, state, &damaged_guards));
    if (cbt_load(c->cbt, state) != OK)
        log_warn(c->env->log, "The circuit build times of the state file contradict each other: "
                              "they are learnt afresh");
    return keep_damaged_state(c, damaged_lines, damaged_guards);
}

/* ---- those that the directory reads ---- */

const struct client_file *client_files(void)
{
    static const struct client_file files[] = {
        {STATE_FILE, true},
        {"cached-certs", false},
        {"cached-microdesc-consensus", false},
        {"cached-microdescs", false},
        {"cached-microdescs.new", false},
        {"unverified-microdesc-consensus", false},
        {NULL, false},
    };
    return files;
}

const struct client_file *client_file(const char *name)
{
    const struct client_file *file = client_files();
    while (file->name && strcmp(file->name, name) != 0)
        file++;
    return file->name ? file : NULL;
}

err_t client_load(struct client *c, const char *name, struct blob gift_bytes)
{
    for (enum dir_file file = 0; file < DIR_FILE_N; file++)
        if (strcmp(name, dir_file_name(file)) == 0) {
            blob_drop(&c->files[file]);
            c->files[file] = gift_bytes;
            return OK;
        }
    err_t e = strcmp(name, STATE_FILE) == 0 ? load_state(c, gift_bytes.text) : OK;
    blob_drop(&gift_bytes);
    return e;
}

void client_drop_files(struct client *c)
{
    for (size_t i = 0; i < DIR_FILE_N; i++)
        blob_drop(&c->files[i]);
}
