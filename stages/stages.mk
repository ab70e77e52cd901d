# The ladder: build/stages/NN is stages/NN-name/, with what all share, page.c and peer.c, and the library
# and jobs.c where it includes them. stages/README.md.
STAGES := $(patsubst stages/%/main.c,%,$(sort $(wildcard stages/*/main.c)))
stage_number = $(firstword $(subst -, ,$(1)))
STAGE_BIN := $(if $(filter release,$(VARIANT)),build/stages,$(B)/stages/bin)
STAGE_PROGRAMS := $(foreach s,$(STAGES),$(STAGE_BIN)/$(call stage_number,$(s)))
STAGE_TOOLS := $(STAGE_BIN)/slow_names.so $(STAGE_BIN)/probe
STAGE_TESTS := $(if $(filter release,$(VARIANT)),stages/tests/test_stages.py)
STAGE_PACKAGES := gcc libc6-dev binutils make python3 libdw-dev libjansson-dev

define STAGE_RULES
$(STAGE_BIN)/$(call stage_number,$(1)): $(call objects,$(wildcard stages/$(1)/*.c)) $(B)/stages/page.o $(B)/stages/peer.o $(if $(shell grep -l '"stages/jobs' stages/$(1)/*.c),$(B)/stages/jobs.o) $(if $(shell grep -lE '"(loop|stream|http)/' stages/$(1)/*.c),$(LIB))
	@mkdir -p $$(@D)
	@$(CC) $(LDFLAGS) $$^ -o $$@
.PHONY: stage-$(call stage_number,$(1))
stage-$(call stage_number,$(1)):
	@.ci/need $(STAGE_PACKAGES)
	@$$(MAKE) stages-build
	@stages/run/stage_run.py stage $(call stage_number,$(1))
endef
$(foreach s,$(STAGES),$(eval $(call STAGE_RULES,$(s))))

$(STAGE_BIN)/slow_names.so: stages/run/slow_names.c
	@mkdir -p $(@D)
	@$(CC) -std=c17 -D_GNU_SOURCE -I. -g -Wall -Wextra -Wshadow -O2 -fPIC -shared $< -ldl -o $@
$(STAGE_BIN)/probe: $(B)/stages/run/probe.o $(LIB)
	@mkdir -p $(@D)
	@$(CC) $(LDFLAGS) $^ -o $@

.PHONY: stages stages-build
stages-build: $(STAGE_PROGRAMS) $(STAGE_TOOLS) $(if $(filter release,$(VARIANT)),blocking-build)
	@:
#: make stage-03                one step of the ladder: builds and tests it, says where it sleeps, and its latency beside the former's
#: make stages                  the whole ladder as one table, and as a picture: build/stages/ladder.svg
stages:
	@.ci/need $(STAGE_PACKAGES)
	@$(MAKE) stages-build
	@stages/run/stage_run.py ladder
