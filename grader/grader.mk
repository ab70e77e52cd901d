# The judge. Under $(B): plain/ holds what goes into a probe (static, so without sanitizers), labs/NAME/ a lab:
#   suite.o         the lab's checks, with one global
#   probe-parts.a   all of a probe but the files a student hands in: link the student's objects before it, statically
#   probe           the reference: the production files in their place
#   mutants/X       the same with mutants/X.patch applied; mutants/X.src is it as a submission folder
#   reference.src   the production files and the reference's texts, as a submission folder
GRADER_SRC := $(filter-out grader/probe%.c grader/fence.c grader/%_main.c,$(wildcard grader/*.c grader/student/*.c grader/watch/*.c))
LIB_GRADER := $(B)/libgrader.a
LIB_BLOCKING := $(B)/libblocking.a
GRADER_LIBS = $(shell pkg-config --libs check inih jansson libdw libelf libseccomp)
GRADE := $(if $(filter release,$(VARIANT)),build/bin/grade,$(B)/bin/grade)
LABS := $(foreach l,$(patsubst labs/%/lab.ini,%,$(wildcard labs/*/lab.ini)),\
            $(if $(wildcard labs/$(l)/verbs.c),$(if $(wildcard labs/$(l)/checks.c),$(l))))

$(LIB_GRADER): $(call objects,$(GRADER_SRC))
	@rm -f $@; ar rcs $@ $^

# ---- probes and mutants ---------------------------------------------------------------------------------------------
# As workshop.c compiles a hand-in: who sleeps in the last call of a function is still on the stack, to be named.
PLAIN_CFLAGS := $(filter-out $(FLAGS_$(VARIANT)),$(CFLAGS)) -O2 -fno-optimize-sibling-calls
PLAIN_LDFLAGS := -static -pthread
plain = $(patsubst %.c,$(B)/plain/%.o,$(patsubst %.S,%.c,$(1)))
PROBE_SRC := $(wildcard grader/probe*.c) grader/fence.c grader/wire.c grader/recording.c

$(B)/plain/%.o: %.c
	@mkdir -p $(@D)
	@$(CC) $(PLAIN_CFLAGS) -MMD -MP -c $< -o $@
$(B)/plain/%.o: %.S
	@mkdir -p $(@D)
	@$(CC) $(PLAIN_CFLAGS) -MMD -MP -c $< -o $@

# What lab.ini says a student hands in: code as NAME:PRODUCTION-FILE, texts as NAME or NAME?.
lab_files = $(shell awk '/^[^ \t]/ { on = sub(/^files *= */, "") } on { gsub(/[?]/, ""); print }' labs/$(1)/lab.ini)
lab_code = $(foreach f,$(call lab_files,$(1)),$(if $(findstring :,$(f)),$(f)))
lab_source = $(foreach f,$(call lab_code,$(1)),$(lastword $(subst :, ,$(f))))
lab_mutants = $(patsubst labs/$(1)/mutants/%.patch,$(B)/labs/$(1)/mutants/%,$(wildcard labs/$(1)/mutants/*.patch))
# Copies lab $(1)'s files from the tree $(2), and the reference's texts, to the folder $(3), as a student names them.
lab_copy = $(foreach f,$(call lab_code,$(1)), \
               cp $(2)/$(lastword $(subst :, ,$(f))) $(3)/$(firstword $(subst :, ,$(f)));) \
           $(if $(wildcard labs/$(1)/reference/*),cp labs/$(1)/reference/* $(3)/)

# The layers below a lab's files, and their own; what needs a library of others is in no probe.
lab_library = $(LOOP_SRC) $(if $(filter stream/% http/%,$(call lab_source,$(1))),$(call without_foreign,$(STREAM_SRC))) \
              $(if $(filter http/%,$(call lab_source,$(1))),$(call without_foreign,$(HTTP_SRC)))
without_foreign = $(foreach f,$(1),$(if $(strip $(foreach w,regex tls ares zlib,$(findstring _$(w),$(subst /,_,$(f))))),,$(f)))

define LAB_RULES
$(B)/labs/$(1)/probe-parts.a: $(call plain,$(PROBE_SRC) $(wildcard labs/$(1)/verbs*.c) \
        $(filter-out $(call lab_source,$(1)),$(call lab_library,$(1))))
	@mkdir -p $$(@D); rm -f $$@; ar rcs $$@ $$^
$(B)/labs/$(1)/probe: $(call plain,$(call lab_source,$(1))) $(B)/labs/$(1)/probe-parts.a
	@$(CC) $(PLAIN_LDFLAGS) $$^ -o $$@
$(B)/labs/$(1)/reference.src/.made: labs/$(1)/lab.ini $(call lab_source,$(1)) $(wildcard labs/$(1)/reference/*)
	@rm -rf $$(@D); mkdir -p $$(@D)
	@$(call lab_copy,$(1),.,$$(@D))
	@touch $$@
$(call lab_mutants,$(1)): $(B)/labs/$(1)/mutants/%: labs/$(1)/mutants/%.patch $(call lab_source,$(1)) \
        $(call plain,$(call lab_source,$(1))) $(B)/labs/$(1)/probe-parts.a $(wildcard labs/$(1)/reference/*)
	@rm -rf $$@.src $$@.tree; mkdir -p $$@.src $(addprefix $$@.tree/,$(dir $(call lab_source,$(1))))
	@$(foreach f,$(call lab_source,$(1)),cp $(f) $$@.tree/$(f);)
	@patch -s -p1 -d $$@.tree < $$<
	@$(call lab_copy,$(1),$$@.tree,$$@.src)
	@parts=; $(foreach f,$(call lab_source,$(1)), \
	    if cmp -s $(f) $$@.tree/$(f); then parts+=" $(call plain,$(f))"; else parts+=" $$@.tree/$(f)"; fi;) \
	 $(CC) $(PLAIN_CFLAGS) $(PLAIN_LDFLAGS) $$$$parts $(B)/labs/$(1)/probe-parts.a -o $$@
	@rm -r $$@.tree
endef
$(foreach l,$(LABS),$(eval $(call LAB_RULES,$(l))))

GRADER_PROBES := $(foreach l,$(LABS),$(B)/labs/$(l)/probe $(B)/labs/$(l)/reference.src/.made)
GRADER_MUTANTS := $(foreach l,$(LABS),$(call lab_mutants,$(l)))
GRADER_STALE := $(filter-out $(GRADER_MUTANTS) $(GRADER_MUTANTS:=.src),$(wildcard $(B)/labs/*/mutants/*))

# ---- the program grade: the judge with the checks of every lab ------------------------------------------------------
# Each lab's checks become one object with one global, so that no two labs need to know each other's names.
LAB_CHECKS := $(foreach l,$(LABS),$(B)/labs/$(l)/suite.o)
lab_symbol = checks_$(subst -,_,$(1))
define SUITE_RULE
$(B)/labs/$(1)/suite.o: $(call objects,$(wildcard labs/$(1)/checks*.c))
	@ld -r $$^ -o $$@
	@objcopy --keep-global-symbol=$(call lab_symbol,$(1)) $$@
endef
$(foreach l,$(LABS),$(eval $(call SUITE_RULE,$(l))))

$(B)/labs/table.c: grader/grader.mk $(foreach l,$(LABS),labs/$(l)/verbs.c)
	@mkdir -p $(@D)
	@{ printf '#include "grader/run_items.h"\n\n'; \
	   $(foreach l,$(LABS),printf 'Suite *$(call lab_symbol,$(l))(void);\n';) \
	   printf '\nconst struct lab_checks lab_table[] = {\n'; \
	   $(foreach l,$(LABS),printf '    { "$(l)", $(call lab_symbol,$(l)) },\n';) \
	   printf '    { 0 },\n};\nconst char grade_build[] = "$(B)";\n'; } > $@
$(B)/labs/table.o: $(B)/labs/table.c
	@$(CC) $(CFLAGS) -MMD -MP -c $< -o $@

$(GRADE): $(B)/grader/grade_main.o $(LAB_CHECKS) $(B)/labs/table.o $(LIB_GRADER) $(LIB_BLOCKING) $(LIB_TESTING) $(LIB)
	@mkdir -p $(@D)
	@$(CC) $(LDFLAGS) $^ $(GRADER_LIBS) -o $@

# ---- its tests: programs, one of which drives the probe beside it, and a script that speaks TAP ----------------------
GRADER_PROGRAMS := $(patsubst %.c,$(B)/%,$(wildcard grader/tests/test_*.c))
GRADER_TESTS := $(GRADER_PROGRAMS) $(if $(filter release,$(VARIANT)),$(wildcard grader/tests/test_*.sh))

$(GRADER_PROGRAMS): $(B)/%: $(B)/%.o $(LIB_GRADER) $(LIB_BLOCKING) $(LIB_TESTING) $(LIB)
	@$(CC) $(LDFLAGS) -rdynamic $(filter %.o %.a,$^) $(GRADER_LIBS) -o $@
$(B)/grader/tests/test_fence: $(B)/grader/fence.o
$(patsubst %,$(B)/grader/tests/%,test_judge test_judge_net test_judge_real): | $(B)/grader/tests/probe
$(B)/grader/tests/probe: $(call plain,$(PROBE_SRC) grader/tests/verbs.c $(LOOP_SRC))
	@mkdir -p $(@D)
	@$(CC) $(PLAIN_LDFLAGS) $^ -o $@

.PHONY: grader-build
grader-build: $(GRADE) $(GRADER_PROBES) $(GRADER_MUTANTS)
	@rm -rf $(GRADER_STALE)

# ---- what a lab needs besides: labs/NAME/lab.mk -----------------------------------------------------------------------
include $(wildcard labs/*/lab.mk)
