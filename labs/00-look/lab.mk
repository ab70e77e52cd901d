# The program that lab 00 looks at. Included by grader/grader.mk.
PATIENT := $(if $(filter release,$(VARIANT)),build/bin,$(B)/bin)/patient
$(PATIENT): $(call objects,$(addprefix labs/00-look/,patient.c patient_acts.c checks_plan.c)) $(LIB)
	@mkdir -p $(@D)
	@$(CC) $(LDFLAGS) $^ -o $@
grader-build: $(PATIENT)
ifeq ($(VARIANT),release)
grader/tests/blocking/test_patient.py: | $(PATIENT) blocking-build
GRADER_TESTS += grader/tests/blocking/test_patient.py
endif
