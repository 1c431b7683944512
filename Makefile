# ctp-enroll. `make help` lists the targets.

# ---- what may be set from outside ----------------------------------------------------------------------------
BUILD   ?= build
PREFIX  ?= /usr/local
DESTDIR ?=
CC      ?= cc
WERROR  ?=
FUZZ_SECONDS ?= 30
V       ?=
VERSION := 0.1.0

# ---- compiler ------------------------------------------------------------------------------------------------
LIBS_ENROLL  := libcurl sqlite3 libcjson libcrypto libidn2 zlib libzstd
LIBS_SANDBOX := libmicrohttpd libcjson libcrypto
WARN := -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wwrite-strings -Wundef \
        -Wpointer-arith -Wcast-qual -Wformat=2 -Wimplicit-fallthrough -Wvla -Wunused-result \
        -Wno-gnu-zero-variadic-macro-arguments $(if $(WERROR),-Werror)
HARDEN := -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fstack-clash-protection -fcf-protection -fPIE
OPT      ?= -O2 -g
SANITIZE ?=
COVER    ?=
CFLAGS   ?=
LDFLAGS  ?=
INSTRUMENT = $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-sanitize-recover=undefined -fno-omit-frame-pointer) \
        $(if $(COVER),--coverage)
INCLUDES = -iquote include -iquote $(BUILD)/gen
DEFINES  = -DCTP_VERSION=\"$(VERSION)\"
ALL_CFLAGS = -std=gnu11 $(OPT) $(WARN) $(if $(SANITIZE)$(COVER),$(INSTRUMENT),$(HARDEN)) \
        $(INCLUDES) $(DEFINES) -MMD -MP $(CFLAGS)
ALL_LDFLAGS = $(if $(SANITIZE)$(COVER),$(INSTRUMENT),-pie -Wl,-z,relro,-z,now,-z,noexecstack) $(LDFLAGS)
LINK_ENROLL  = $(shell pkg-config --libs $(LIBS_ENROLL)) -lcsv -lunistring -lm
LINK_SANDBOX = $(shell pkg-config --libs $(LIBS_SANDBOX))

# ---- sources -------------------------------------------------------------------------------------------------
FLOORS := kit value rule driver work flow cli command
SRC_LIB     := $(foreach f,$(FLOORS),$(wildcard src/$(f)/*.c))
SRC_MAIN    := $(wildcard src/main/*.c)
SRC_SANDBOX := $(wildcard src/sandbox/*.c)
OBJ_LIB     := $(SRC_LIB:src/%.c=$(BUILD)/obj/%.o)
OBJ_MAIN    := $(SRC_MAIN:src/%.c=$(BUILD)/obj/%.o)
OBJ_SANDBOX := $(SRC_SANDBOX:src/%.c=$(BUILD)/obj/%.o)
OBJ_KIT     := $(patsubst src/%.c,$(BUILD)/obj/%.o,$(wildcard src/kit/*.c))
SQL_HEADERS := $(patsubst sql/%.sql,$(BUILD)/gen/sql/%.h,$(wildcard sql/*.sql))
GENERATED   := $(SQL_HEADERS) $(BUILD)/gen/iso_tables.h $(BUILD)/gen/report_css.h

# V=1 shows the commands themselves.
SAY = $(if $(V),,@printf '  %-5s %s\n' $(1) $@;)

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:

.PHONY: all
all: $(BUILD)/ctp-enroll $(BUILD)/ctp-sandbox

# Two floors may have files of one name: q, unlike r, keeps both.
$(BUILD)/libctp.a: $(OBJ_LIB)
	@rm -f $@
	$(call SAY,AR) $(AR) qcs $@ $^

$(BUILD)/ctp-enroll: $(OBJ_MAIN) $(BUILD)/libctp.a
	$(call SAY,LINK) $(CC) $(ALL_LDFLAGS) -o $@ $^ $(LINK_ENROLL)

$(BUILD)/ctp-sandbox: $(OBJ_SANDBOX) $(OBJ_KIT)
	$(call SAY,LINK) $(CC) $(ALL_LDFLAGS) -o $@ $^ $(LINK_SANDBOX)

$(BUILD)/obj/%.o: src/%.c | $(GENERATED)
	@mkdir -p $(@D)
	$(call SAY,CC) $(CC) $(ALL_CFLAGS) -c -o $@ $<

# ---- generated -----------------------------------------------------------------------------------------------
# One statement file becomes one string: comment lines and indentation dropped, one literal a line.
$(BUILD)/gen/sql/%.h: sql/%.sql | $(BUILD)/.packages
	@mkdir -p $(@D)
	@{ printf 'static const char SQL_%s[] =\n' "$$(echo $* | tr a-z A-Z)"; \
	   sed -e '/^ *--/d' -e 's/  *-- .*$$//' -e 's/^ *//' -e '/^$$/d' -e 's/\\/\\\\/g' -e 's/"/\\"/g' \
	       -e 's/.*/    "& "/' $<; echo '    ;'; } > $@.tmp
	@mv $@.tmp $@

# The style of report.html: one literal a line, since one literal has a length that compilers must take.
$(BUILD)/gen/report_css.h: src/flow/report.css
	@mkdir -p $(@D)
	@{ echo 'static const char *const REPORT_CSS[] = {'; \
	   sed -e 's/^ *//' -e '/^$$/d' -e '/^\/\*.*\*\/$$/d' -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/.*/    "&\\n",/' $<; \
	   echo '};'; } > $@.tmp
	@mv $@.tmp $@

# Runs at build time only: without sanitizers, so that every variant may share its making.
ISO := /usr/share/iso-codes/json
$(BUILD)/iso_tables: src/gen/iso_tables.c | $(BUILD)/.packages
	@mkdir -p $(@D)
	$(call SAY,LINK) $(CC) -std=gnu11 -O1 $(WARN) -o $@ $< $(shell pkg-config --libs libcjson)

$(BUILD)/gen/iso_tables.h: $(BUILD)/iso_tables
	@mkdir -p $(@D)
	$(BUILD)/iso_tables $(ISO) > $@.tmp
	@mv $@.tmp $@

# What the option and settings tables yield beside the program.
$(BUILD)/docs: $(BUILD)/obj/gen/docs.o $(BUILD)/libctp.a
	$(call SAY,LINK) $(CC) $(ALL_LDFLAGS) -o $@ $^ $(LINK_ENROLL)

$(BUILD)/share/ctp-enroll.bash: $(BUILD)/docs
	@mkdir -p $(@D)
	$(BUILD)/docs completion > $@

$(BUILD)/share/ctp-enroll.conf: $(BUILD)/docs
	@mkdir -p $(@D)
	$(BUILD)/docs sample > $@

# A line `.\" @tables@` in the page stands for the lists of options and settings.
$(BUILD)/share/ctp-enroll.1: docs/ctp-enroll.1 $(BUILD)/docs
	@mkdir -p $(@D)
	$(BUILD)/docs man > $@.tables
	sed -e '/^\.\\" @tables@$$/{r $@.tables' -e 'd}' $< > $@

# Nothing that was made on the way to something else is thrown away.
.SECONDARY:

# ---- packages ------------------------------------------------------------------------------------------------
# `deps` installs what building and testing need, `deps-dev` also what lint, fuzz and CI need. A build only
# checks, once a folder, and names what is missing; beside a goal that installs, it waits for that. One make does
# both, so that goals given together do not build one file twice at a time: what a recipe needs of compiler and
# pkg-config is asked for when it runs.
.PHONY: deps deps-dev
deps:
	@sh .ci/deps install build test
deps-dev:
	@sh .ci/deps install build test dev

$(BUILD)/.packages: | $(if $(filter test demo bench bench-quick,$(MAKECMDGOALS)),deps)
	@sh .ci/deps check build
	@mkdir -p $(@D)
	@touch $@

# ---- tests ---------------------------------------------------------------------------------------------------
# tests/test_<module>.c is a cmocka program over the library; tests/flow_*.sh drive the programs. All run from
# here and write below $(BUILD)/tmp only. make_*.c make test data. What has no such prefix is a part that any of
# them may draw on.
TEST_NAMES := $(patsubst tests/%.c,%,$(wildcard tests/test_*.c))
TESTS      := $(TEST_NAMES:%=$(BUILD)/tests/%)
TEST_TOOLS := $(patsubst tests/%.c,$(BUILD)/%,$(wildcard tests/make_*.c))
# Calls of malloc cannot be counted in front of a sanitizer's: what does it is left out there.
COUNTER    := $(if $(SANITIZE),,$(BUILD)/bench/alloc_count.so)
FLOWS      := $(filter-out $(if $(SANITIZE),tests/flow_allocations.sh),$(wildcard tests/flow_*.sh))
PARTS      := $(filter-out tests/test_% tests/make_% tests/fuzz_% tests/fake_%,$(wildcard tests/*.c))
LIB_TEST   := $(if $(PARTS),$(BUILD)/tests/libparts.a) $(BUILD)/libctp.a

$(BUILD)/tests/%.o: tests/%.c | $(GENERATED)
	@mkdir -p $(@D)
	$(call SAY,CC) $(CC) $(ALL_CFLAGS) -iquote tests -c -o $@ $<

$(BUILD)/tests/libparts.a: $(PARTS:tests/%.c=$(BUILD)/tests/%.o)
	@rm -f $@
	$(call SAY,AR) $(AR) qcs $@ $^

# The seam is the header: an archive member is drawn only for a symbol still missing, so the fakes, named first,
# stand in for driver/http.o and kit/clock.o.
$(filter $(BUILD)/tests/test_engine%,$(TESTS)): $(BUILD)/tests/fake_http.o $(BUILD)/tests/fake_clock.o

$(BUILD)/tests/test_%: $(BUILD)/tests/test_%.o $(LIB_TEST)
	$(call SAY,LINK) $(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o,$^) $(LIB_TEST) $(LINK_ENROLL) -lcmocka

$(BUILD)/make_%: $(BUILD)/tests/make_%.o $(LIB_TEST)
	$(call SAY,LINK) $(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o,$^) $(LIB_TEST) $(LINK_ENROLL)

.PHONY: test browser programs
programs: $(BUILD)/ctp-enroll $(BUILD)/ctp-sandbox $(TESTS) $(TEST_TOOLS) $(COUNTER)

browser: deps
	@sh .ci/deps install browser || echo 'without a browser the tests do not look at report.html'

test: deps browser programs
	@BUILD='$(BUILD)' sh tests/run.sh $(TESTS) $(FLOWS)

# ---- variants: the same rules in another folder --------------------------------------------------------------
.PHONY: asan cover check
# Sanitizers look at the same paths with fewer events.
asan:
	@EVENT_CARDS=20000 $(MAKE) --no-print-directory BUILD=build-asan SANITIZE=address,undefined OPT='-O1 -g' test

cover:
	@rm -rf build-cover
	@$(MAKE) --no-print-directory BUILD=build-cover COVER=1 OPT='-O0 -g' test
	@sh .ci/cover build-cover

check: deps-dev
	@$(MAKE) --no-print-directory lint
	@$(MAKE) --no-print-directory asan

# ---- fuzzing -------------------------------------------------------------------------------------------------
# tests/fuzz_<name>.c with the seeds in testdata/fuzz/<name>; what it finds beyond them stays in the build folder.
FUZZERS := $(patsubst tests/fuzz_%.c,%,$(wildcard tests/fuzz_*.c))

$(BUILD)/tests/fuzz_%: $(BUILD)/tests/fuzz_%.o $(LIB_TEST)
	$(call SAY,LINK) $(CC) -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined $(LDFLAGS) -o $@ $(filter %.o,$^) \
	    $(LIB_TEST) $(LINK_ENROLL)

.PHONY: fuzz fuzz-build fuzz-run
fuzz: deps-dev
	@$(MAKE) --no-print-directory BUILD=build-fuzz CC=clang SANITIZE=fuzzer-no-link,address,undefined \
	    OPT='-O1 -g' fuzz-run

fuzz-build: $(FUZZERS:%=$(BUILD)/tests/fuzz_%)

fuzz-run: fuzz-build
	@for name in $(FUZZERS); do \
	    echo "== fuzz_$$name, $(FUZZ_SECONDS) s"; \
	    mkdir -p $(BUILD)/corpus/$$name $(BUILD)/found testdata/fuzz/$$name || exit 1; \
	    $(BUILD)/tests/fuzz_$$name -max_total_time=$(FUZZ_SECONDS) -timeout=10 -print_final_stats=0 -verbosity=1 \
	        -artifact_prefix=$(BUILD)/found/$$name- $(BUILD)/corpus/$$name testdata/fuzz/$$name \
	        > $(BUILD)/found/$$name.log 2>&1 || { tail -n 60 $(BUILD)/found/$$name.log; exit 1; }; \
	    tail -n 1 $(BUILD)/found/$$name.log; \
	done

# ---- lint ----------------------------------------------------------------------------------------------------
LINT_C := $(wildcard src/*/*.c) $(wildcard tests/*.c) $(wildcard tests/bench/*.c)
LINT_H := $(wildcard include/*/*.h) $(wildcard src/*/*.h) $(wildcard tests/*.h)
LINT_SH := $(wildcard .ci/*) $(wildcard tests/*.sh) $(wildcard tests/bench/*.sh)
TIDY_FLAGS = -std=gnu11 $(INCLUDES) -iquote tests $(DEFINES)
JOBS := $(shell nproc 2>/dev/null || echo 2)

.PHONY: lint lint-format lint-tidy lint-cppcheck lint-shell lint-rules
lint: lint-rules lint-format lint-shell lint-cppcheck lint-tidy
	@echo "lint: clean"

lint-rules:
	@bash tests/lint.sh

lint-format:
	@clang-format --dry-run -Werror $(LINT_C) $(LINT_H)

.PHONY: format
format:
	@clang-format -i $(LINT_C) $(LINT_H)

lint-shell:
	@shellcheck -S warning $(LINT_SH)

lint-cppcheck: | $(GENERATED)
	@mkdir -p $(BUILD)/cppcheck
	@cppcheck --quiet --error-exitcode=1 --std=c11 --enable=warning,performance,portability --inline-suppr \
	    --suppress=missingInclude --suppress=missingIncludeSystem --suppress=unknownMacro \
	    --suppress=varFuncNullUB -D__GNUC__ \
	    --cppcheck-build-dir=$(BUILD)/cppcheck -j $(JOBS) -I include -I $(BUILD)/gen -I tests $(LINT_C)

# tests/lint_fail.h tells the analyzer that fail_set always returns -1.
lint-tidy: | $(GENERATED)
	@printf '%s\n' $(LINT_C) | xargs -P $(JOBS) -n 1 sh -c \
	    'test "$$0" = src/kit/fail.c || set -- -include tests/lint_fail.h; \
	    clang-tidy --quiet --warnings-as-errors="*" "$$0" -- $(TIDY_FLAGS) "$$@" 2>/dev/null'

# ---- demo and measurements -----------------------------------------------------------------------------------
.PHONY: demo bench bench-quick
demo: deps all $(TEST_TOOLS)
	@test -f tests/demo.sh || { echo 'tests/demo.sh is not there'; exit 1; }
	@BUILD='$(BUILD)' CTP_ENROLL_BIN='$(abspath $(BUILD))/ctp-enroll' \
	    CTP_SANDBOX_BIN='$(abspath $(BUILD))/ctp-sandbox' bash tests/demo.sh

# Clients and servers that the programs are measured beside, and what is laid under them (tests/bench/*.c).
BENCH_TOOLS := $(BUILD)/bench/target $(BUILD)/bench/bare_client $(BUILD)/bench/sqlite_clock.so $(COUNTER)

bench-quick: export QUICK := 1
bench bench-quick: deps all $(TEST_TOOLS) $(BENCH_TOOLS)
	@sh .ci/deps install bench || echo 'what is missing is left out'
	@BUILD='$(BUILD)' bash tests/bench.sh

$(BUILD)/bench/%: $(BUILD)/tests/bench/%.o
	@mkdir -p $(@D)
	$(call SAY,LINK) $(CC) $(ALL_LDFLAGS) -o $@ $< $(shell pkg-config --libs libcurl)

$(BUILD)/bench/%.so: tests/bench/%.c | $(BUILD)/.packages
	@mkdir -p $(@D)
	$(call SAY,LINK) $(CC) $(ALL_CFLAGS) -fPIC -shared -o $@ $<

# ---- installing ----------------------------------------------------------------------------------------------
BIN_DIR   := $(DESTDIR)$(PREFIX)/bin
MAN_DIR   := $(DESTDIR)$(PREFIX)/share/man/man1
BASH_DIR  := $(DESTDIR)$(PREFIX)/share/bash-completion/completions
SHARE_DIR := $(DESTDIR)$(PREFIX)/share/doc/ctp-enroll
MAN_PAGE  := $(if $(wildcard docs/ctp-enroll.1),$(BUILD)/share/ctp-enroll.1)

.PHONY: install uninstall
install: all $(BUILD)/share/ctp-enroll.bash $(BUILD)/share/ctp-enroll.conf $(MAN_PAGE)
	install -D -m 755 $(BUILD)/ctp-enroll '$(BIN_DIR)/ctp-enroll'
	install -D -m 755 $(BUILD)/ctp-sandbox '$(BIN_DIR)/ctp-sandbox'
	install -D -m 644 $(BUILD)/share/ctp-enroll.bash '$(BASH_DIR)/ctp-enroll'
	install -D -m 644 $(BUILD)/share/ctp-enroll.conf '$(SHARE_DIR)/ctp-enroll.conf.sample'
	$(if $(MAN_PAGE),install -D -m 644 $(MAN_PAGE) '$(MAN_DIR)/ctp-enroll.1')

uninstall:
	rm -f '$(BIN_DIR)/ctp-enroll' '$(BIN_DIR)/ctp-sandbox' '$(BASH_DIR)/ctp-enroll' \
	    '$(SHARE_DIR)/ctp-enroll.conf.sample' '$(MAN_DIR)/ctp-enroll.1'

# ---- the rest ------------------------------------------------------------------------------------------------
.PHONY: clean help
clean:
	rm -rf build build-*

help:
	@echo 'make            build/ctp-enroll and build/ctp-sandbox'
	@echo 'make demo       the main job end to end against the sandbox, on the data in testdata/'
	@echo 'make test       all tests; installs missing packages first, or names them'
	@echo 'make check      lint, then the tests with address and undefined behaviour sanitizers'
	@echo 'make lint       form, static analysis, floors, library confinement, sizes, forbidden words'
	@echo 'make format     gives all C files the form that lint demands'
	@echo 'make asan       the tests with sanitizers'
	@echo 'make fuzz       each fuzzer for FUZZ_SECONDS (30)'
	@echo 'make cover      the tests with line counts, and a summary'
	@echo 'make bench      measurements beside peers; bench-quick: smaller ones, within three minutes'
	@echo 'make deps       packages to build and test; deps-dev: also those of lint and fuzz'
	@echo 'make install    below DESTDIR and PREFIX (/usr/local); uninstall takes it away again'
	@echo 'make clean      removes the build folders'
	@echo 'Variables: BUILD V=1 CC CFLAGS LDFLAGS OPT WERROR=1 SANITIZE=... PREFIX DESTDIR FUZZ_SECONDS'

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
