/* patient.h - what the files of the program with six stalls share. */
#ifndef EDDY_LABS_00_PATIENT_H
#define EDDY_LABS_00_PATIENT_H

#include "labs/00-look/checks_plan.h"

/* Does what that kind does, for so long. 0, or -errno: this machine cannot, and nothing was done. */
int patient_act(enum plan_kind, int ms);

#endif
