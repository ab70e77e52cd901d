# The program watch: the companion of a student at work. Included below grader.mk.
WATCH := $(if $(filter release,$(VARIANT)),build/bin/watch,$(B)/bin/watch)
WATCH_OPTIONS = $(if $(LAB),--lab '$(LAB)') $(if $(T),--item '$(T)')

$(WATCH): $(B)/grader/watch/watch_main.o $(LAB_CHECKS) $(B)/labs/table.o $(LIB_GRADER) $(LIB_BLOCKING) $(LIB_TESTING) $(LIB)
	@mkdir -p $(@D)
	@$(CC) $(LDFLAGS) $^ $(GRADER_LIBS) -o $@
grader-build: $(WATCH)
GRADER_TESTS += $(if $(filter release,$(VARIANT)),$(wildcard grader/tests/test_watch*.py))

.PHONY: watch
#: make watch [LAB=02] [T=A3]                              run the first failing item at each save (? shows the keys)
# The + as in student.mk. It is no error that there is nothing to watch yet.
watch: student-build
	+@build/bin/watch $(WATCH_OPTIONS); rc=$$?; if [ $$rc = 1 ]; then exit 0; fi; exit $$rc
