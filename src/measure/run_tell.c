/* When a second is told. The relay says what its clients had in it a way later than measurers
 * report it: so it is told once both are there, or when the next one is over without the relay's
 * word. */
#include "measure/run_int.h"

bool run_has_claim(const struct run *r, unsigned sec)
{
    return r->config.mode != MEAS_FLASHFLOW || r->has_bg[sec - 1];
}

void run_tell(struct run *r)
{
    struct run_second told = r->untold;
    if (!told.sec)
        return;
    r->untold.sec = 0;
    told.sum = r->seconds[told.sec - 1];
    told.t = told.sum.x + estimate_believed(told.sum.x, estimate_claim(&told.sum), r->percent);
    if (r->ops->on_second)
        r->ops->on_second(r->arg, &told);
}

void run_tell_if_whole(struct run *r)
{
    if (r->untold.sec && run_has_claim(r, r->untold.sec))
        run_tell(r);
}
