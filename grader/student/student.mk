# What a student calls besides make grade: the machine, the starter, hints, reasons, and the files that were given.
STUDENT_OPTIONS = $(if $(LAB),--lab '$(LAB)') $(if $(SUB),--sub '$(SUB)') $(if $(WHO),--who '$(WHO)') \
                  $(if $(T),--item '$(T)') $(if $(SEED),--seed '$(SEED)') $(if $(filter-out 0,$(AGAIN)),--again)

.PHONY: doctor lab hint why check-protected restore student-build
# The + before a command keeps make from taking the terminal away from it (--output-sync would).
#: make doctor                  can this machine grade, and how well? Says what is missing, and the line that puts it right
doctor:
	+@MAKE='$(MAKE)' grader/student/doctor.sh

student-build:
	@.ci/need $(GRADE_PACKAGES)
	@test -x build/bin/grade || echo "building eddy (the first time: under a minute) ..."
	@$(MAKE) grader-build

#: make lab [LAB=02]            puts a lab's starter under work/, or what is missing of it; without LAB: lists the labs
lab: student-build
	+@build/bin/grade lab $(STUDENT_OPTIONS)

#: make hint [LAB=02] [T=A3] [AGAIN=1]    the next hint for an item, or for the first that fails
hint: student-build
	+@build/bin/grade hint $(STUDENT_OPTIONS)

#: make why [LAB=02] [T=A3] [SEED=n]      every step of an item, turn by turn, and a debugger's command
why: student-build
	+@build/bin/grade why $(STUDENT_OPTIONS)

#: make check-protected [STRICT=1]        which of the files that were given are not as they were given
check-protected:
	+@grader/student/protected.sh check || [ -z "$(filter-out 0,$(STRICT))" ]

#: make restore F=path | F=all  brings such a file back; yours is kept beside it as path.mine
restore:
	+@F='$(F)' grader/student/protected.sh restore

# ---- the doctor's measuring parts: the first needs a compiler alone, the second libseccomp as well ------------------
DOCTOR_SANDBOX := $(call objects,$(wildcard grader/sandbox*.c)) $(B)/grader/student/doctor_sandbox_main.o

build/bin/doctor: $(B)/grader/student/doctor_main.o
	@mkdir -p $(@D)
	@$(CC) $(LDFLAGS) $^ -o $@
build/bin/doctor-sandbox: $(DOCTOR_SANDBOX) $(LIB)
	@mkdir -p $(@D)
	@$(CC) $(LDFLAGS) $^ -lseccomp -o $@
