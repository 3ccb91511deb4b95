#include "app/run.h"

int app_run(struct app *app)
{
    log_err(app->log, "This build of Tunic reads its configuration and cannot run yet.");
    return 1;
}
