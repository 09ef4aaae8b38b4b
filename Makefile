# Makefile - builds, tests and installs legwork. `make help` lists what it can do.
#
# In a fresh clone: `make demo` to see it work, `make check` to test it all. Both
# install the system packages that are missing (NO_INSTALL=1: only list them).
#
#   src/FOLDER/*.c --> build/obj/    --> build/legwork             the program
#   (but src/cli)                    --> build/liblegwork.a, .so   the library
#                  --> build/asan/   --> the same and its tests, under address
#                                        and undefined sanitizers
#                  --> build/tsan/   --> thread tests under the thread sanitizer
#
# libllama is no part of the tree: tools/get-libllama finds or builds it, once a
# machine, and build/config.mk remembers where.

# --- Settings: each can be given on the command line ---------------------------

PREFIX   ?= /usr/local
DESTDIR  ?=
CFLAGS   ?= -O2 -g
WERROR   ?= -Werror
T        ?=
export NO_INSTALL

MAKEFLAGS += --no-builtin-rules
ifeq ($(MAKELEVEL)$(filter -j%,$(MAKEFLAGS)),0)
MAKEFLAGS += -j$(shell getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
endif
.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:

# --- What there is ---------------------------------------------------------------

# In the order in which they may include one another (tools/check-layers).
FOLDERS   := base flow text llm net engine providers models guard jobs proto run
LIB_SRCS  := $(sort $(wildcard $(FOLDERS:%=src/%/*.c)))
CLI_SRCS  := $(sort $(wildcard src/cli/*.c))
# Each tests/unit/test_X.c is a program; other files there help all of them.
TEST_SRCS := $(sort $(wildcard tests/unit/test_*.c))
HELP_SRCS := $(sort $(filter-out $(TEST_SRCS),$(wildcard tests/unit/*.c)))
TESTS     := $(TEST_SRCS:tests/unit/%.c=%)
ALL_CODE  := $(wildcard include/*.h src/*/*.h tests/*.c tests/unit/*.h examples/*.c bench/*.c) \
             $(LIB_SRCS) $(CLI_SRCS) $(TEST_SRCS) $(HELP_SRCS)

# Tests of what several threads share.
TSAN_TESTS := $(filter test_queue% test_thread% test_cancel% test_net% test_http% test_retry% \
                       test_run_jobs% test_resident% test_engine_queue% test_provider% test_kv_disk%,$(TESTS))
# Tests that load a real model (SmolLM2-135M).
MODEL_TESTS := $(filter test_engine% test_model%,$(TESTS))

VERSION  := $(shell sed -n 's/^.define LW_VERSION "\(.*\)"/\1/p' include/legwork.h)
SO_MAJOR := $(firstword $(subst ., ,$(VERSION)))
SONAME   := liblegwork.so.$(SO_MAJOR)
SO_FILE  := liblegwork.so.$(VERSION)

# --- What the machine has --------------------------------------------------------

# These goals need neither compiler nor libraries, or see to them first.
BARE_GOALS := help clean check demo setup format lint layers uninstall
ifneq ($(filter-out $(BARE_GOALS),$(or $(MAKECMDGOALS),all)),)
include build/config.mk
ifeq ($(wildcard $(LLAMA)/include/llama.h),)
# Made again, and once only: make begins anew with what it has made.
$(if $(MAKE_RESTARTS),$(error libllama is not in $(LLAMA): no include/llama.h is there))
build/config.mk: FORCE
endif
endif

build/config.mk: tools/get-libllama
	@NO_INSTALL=1 tools/setup build
	@mkdir -p $(@D)
	@prefix=$$(tools/get-libllama) && echo "LLAMA := $$prefix" >$@

PKGS := libcurl jansson sqlite3 libxml-2.0 libutf8proc inih libsodium

# libllama: the archives of our own build, or whatever the system's pkg-config says.
LLAMA_ARCHIVES = $(wildcard $(LLAMA)/lib/libllama.a $(LLAMA)/lib/libggml*.a)
LLAMA_PKG      = $(if $(LLAMA_ARCHIVES),,llama)
LLAMA_LIBS     = $(if $(LLAMA_ARCHIVES),-Wl$(comma)--start-group $(LLAMA_ARCHIVES) \
                   -Wl$(comma)--end-group)
comma := ,

# Foreign headers come as system headers, so that our warnings stay ours.
PKG_CFLAGS = $(patsubst -I%,-isystem %,$(shell pkg-config --cflags $(PKGS) $(LLAMA_PKG)))
PKG_LIBS   = $(shell pkg-config --libs $(PKGS) $(LLAMA_PKG))

# libstdc++, which libllama needs, goes into the program where an archive of it is there.
STDCXX_FILE := $(shell $(CXX) -print-file-name=libstdc++.a 2>/dev/null)
STDCXX      := $(if $(findstring /,$(STDCXX_FILE)),$(STDCXX_FILE),-lstdc++)
SYS_LIBS    := -lm -lpthread -ldl

# --- Flags -----------------------------------------------------------------------

WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
            -Wvla -Wwrite-strings -Wconversion $(WERROR)
DEFINES  := -D_POSIX_C_SOURCE=200809L -D_DEFAULT_SOURCE
HARDEN   := -fstack-protector-strong -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
OUR_CFLAGS = -std=c11 $(WARNINGS) $(DEFINES) -fvisibility=hidden -fPIC -Iinclude -Isrc \
             -isystem $(LLAMA)/include $(PKG_CFLAGS)
LINK_FLAGS := -pie -Wl,-z,relro,-z,now -Wl,--as-needed

obj_FLAGS  = $(CFLAGS) $(HARDEN)
# Behind a sanitizer's checks gcc does not see what has a value: false alarms.
asan_FLAGS = -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined \
             -fno-sanitize-recover=all -Wno-maybe-uninitialized
tsan_FLAGS = -O1 -g -fno-omit-frame-pointer -fsanitize=thread -Wno-maybe-uninitialized

# --- Products --------------------------------------------------------------------

all: build/legwork build/liblegwork.a build/$(SO_FILE) build/examples/ask ## build it (the default)

# variant NAME: objects in build/NAME/, all but the command line in one archive, and
# what helps tests in another: a test takes only what it needs.
define variant
build/$(1)/src/%.o: src/%.c build/config.mk
	@mkdir -p $$(@D)
	@echo "  CC    $$@"
	@$$(CC) $$(OUR_CFLAGS) $$($(1)_FLAGS) -MMD -MP -c -o $$@ $$<

build/$(1)/tests/%.o: tests/unit/%.c build/config.mk
	@mkdir -p $$(@D)
	@echo "  CC    $$@"
	@$$(CC) $$(OUR_CFLAGS) -Itests/unit $$($(1)_FLAGS) -MMD -MP -c -o $$@ $$<

build/$(1)/libinner.a: $(LIB_SRCS:%.c=build/$(1)/%.o)
	@rm -f $$@
	@$$(AR) rcs $$@ $$^

build/$(1)/tests/helpers.a: $(HELP_SRCS:tests/unit/%.c=build/$(1)/tests/%.o)
	@rm -f $$@
	@$$(AR) rcs $$@ $$^

build/$(1)/tests/%: build/$(1)/tests/%.o build/$(1)/tests/helpers.a build/$(1)/libinner.a
	@echo "  LINK  $$@"
	@$$(CC) $$($(1)_FLAGS) $$(LINK_FLAGS) -o $$@ $$^ $$(LLAMA_LIBS) $$(PKG_LIBS) \
		-lcmocka -lstdc++ $$(SYS_LIBS)

build/$(1)/legwork: $(CLI_SRCS:%.c=build/$(1)/%.o) build/$(1)/libinner.a
	@echo "  LINK  $$@"
	@$$(CC) $$($(1)_FLAGS) $$(LINK_FLAGS) -static-libgcc -o $$@ $$^ $$(LLAMA_LIBS) \
		$$(PKG_LIBS) $$(STDCXX) $$(SYS_LIBS)

-include $$(wildcard build/$(1)/src/*/*.d build/$(1)/tests/*.d)
endef
$(foreach name,obj asan tsan,$(eval $(call variant,$(name))))
.SECONDARY:

build/legwork: build/obj/legwork
	@ln -f $< $@

# The library as one object in which hidden names are local, so that none of them
# can clash with a name of the program that it is linked into; libllama beside it.
build/liblegwork.o: $(LIB_SRCS:%.c=build/obj/%.o)
	@ld -r -o $@.tmp $^
	@objcopy --localize-hidden $@.tmp $@
	@rm -f $@.tmp

build/liblegwork.a: build/liblegwork.o
	@echo "  AR    $@"
	@rm -f $@
	@{ echo "CREATE $@"; echo "ADDMOD $<"; \
	   for archive in $(LLAMA_ARCHIVES); do echo "ADDLIB $$archive"; done; \
	   echo SAVE; echo END; } | $(AR) -M

build/$(SO_FILE): $(LIB_SRCS:%.c=build/obj/%.o) tools/legwork.map
	@echo "  LINK  $@"
	@$(CC) $(obj_FLAGS) -shared -Wl,-soname,$(SONAME) -Wl,--version-script=tools/legwork.map \
		-Wl,-z,relro,-z,now,-z,defs,--as-needed -o $@ $(filter %.o,$^) $(LLAMA_LIBS) \
		$(PKG_LIBS) -lstdc++ $(SYS_LIBS)

# As a stranger would build it: the public header, the library, its needs.
define by_stranger
	@mkdir -p $(@D)
	@echo "  LINK  $@"
	@$(CC) -std=c11 $(CFLAGS) $(WARNINGS) $(DEFINES) -Iinclude -o $@ $< build/liblegwork.a \
		$(PKG_LIBS) -lstdc++ $(SYS_LIBS)
endef

build/examples/%: examples/%.c include/legwork.h build/liblegwork.a
	$(by_stranger)

build/bench/%: bench/%.c include/legwork.h build/liblegwork.a
	$(by_stranger)

# These two look inside: over src/, like a test. peer_engine keeps libllama's time.
PEER_INNER := build/bench/peer_engine build/bench/peer_read
PEER_NEEDS := build/legwork build/bench/ask_many build/bench/peer_cancel $(PEER_INNER)
build/bench/peer_engine: INNER_FLAGS := -Wl,--wrap=llama_decode,--wrap=llama_synchronize
$(PEER_INNER): build/bench/%: bench/%.c build/obj/libinner.a
	@mkdir -p $(@D)
	@echo "  LINK  $@"
	@$(CC) $(OUR_CFLAGS) $(obj_FLAGS) $(LINK_FLAGS) $(INNER_FLAGS) -o $@ $^ $(LLAMA_LIBS) \
		$(PKG_LIBS) -lstdc++ $(SYS_LIBS)

# The model server of the tests, which knows nothing of legwork.
build/tests/fake_provider: tests/fake_provider.c
	@mkdir -p $(@D)
	@echo "  LINK  $@"
	@$(CC) -std=c11 $(CFLAGS) $(WARNINGS) $(DEFINES) -o $@ $< -lpthread

build/legwork.1: build/legwork
	@build/legwork man >$@.tmp && mv $@.tmp $@

# Always: the last one may have been for another PREFIX.
build/legwork.pc: legwork.pc.in FORCE
	@sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@VERSION@|$(VERSION)|' \
	     -e 's|@LIBS@|$(strip $(PKG_LIBS)) -lstdc++ $(SYS_LIBS)|' $< >$@.tmp && \
	     mv -f $@.tmp $@

# --- Tests (T=word: only the unit tests whose name has it) -------------------------

PICK = $(if $(T),$(foreach test,$(1),$(if $(findstring $(T),$(test)),$(test))),$(1))
# UNIT VARIANT,TESTS: the programs.
UNIT = $(addprefix build/$(1)/tests/,$(call PICK,$(2)))
FAKE           := build/tests/fake_provider
TINY           := build/tiny/made
CLI_NEEDS      := $(if $(T),,build/legwork build/examples/ask)
CLI_NEEDS_ASAN := $(if $(T),,build/asan/legwork build/examples/ask)

# Models of every kind, random and tiny; without them their tests are skipped.
$(TINY): tests/models/make_tiny.py
	@echo "  MAKE  $(@D)"
	@tests/models/make_tiny.py $(@D)

test: $(FAKE) $(TINY) $(CLI_NEEDS) $(call UNIT,obj,$(TESTS)) ## all tests
	@tools/run-tests --unit $(call UNIT,obj,$(TESTS)) --cli $(filter %/legwork,$(CLI_NEEDS))

test-unit: $(FAKE) $(TINY) $(call UNIT,obj,$(TESTS)) ## the tests of single modules
	@tools/run-tests --unit $(filter-out $(FAKE) $(TINY),$^)

test-cli: $(FAKE) $(TINY) build/legwork build/examples/ask ## the program from outside
	@tools/run-tests --cli build/legwork

test-model: $(FAKE) $(TINY) $(call UNIT,obj,$(MODEL_TESTS)) ## the engine with a real, very small model
	@tools/get-model smollm2-135m >/dev/null
	@tools/run-tests --unit $(filter-out $(FAKE) $(TINY),$^)

asan: $(FAKE) $(TINY) $(CLI_NEEDS_ASAN) $(call UNIT,asan,$(TESTS)) ## all, address and undefined sanitizers
	@tools/run-tests --unit $(call UNIT,asan,$(TESTS)) --cli $(filter %/legwork,$(CLI_NEEDS_ASAN))

ubsan: asan ## the same (both sanitizers are in one build)

tsan: $(FAKE) $(call UNIT,tsan,$(TSAN_TESTS)) ## thread tests under the thread sanitizer
	@tools/run-tests --unit $(filter-out $(FAKE),$^)

check: ## set up, then every test and check there is
	@tools/setup check
	@tools/get-model smollm2-135m >/dev/null
	@$(MAKE) --no-print-directory check-run

check-run: all build/legwork.1 build/asan/legwork $(FAKE) $(TINY) $(call UNIT,obj,$(TESTS)) \
		$(call UNIT,asan,$(TESTS)) $(call UNIT,tsan,$(TSAN_TESTS))
	@tools/run-tests --unit $(call UNIT,obj,$(TESTS)) $(call UNIT,asan,$(TESTS)) \
			$(call UNIT,tsan,$(TSAN_TESTS)) \
		--cli build/legwork build/asan/legwork \
		--step tools/check-layers tools/lint "$(MAKE) -s warnings"

bench: all $(FAKE) ## the cost of orchestration, measured
	@bench/run build/legwork

evaluate: build/bench/ask_many ## answers on the evaluation pack, measured (ARGS: its own)
	@bench/evaluate.py $(ARGS)

bench-peer: $(PEER_NEEDS) ## legwork beside llama-server, measured (ARGS="--help": its own)
	@bench/peer.py $(ARGS)

# --- Checks of the source ----------------------------------------------------------

CLANG := $(shell command -v clang 2>/dev/null)

layers: ## the order of folders, one folder for each foreign library, exported names
	@tools/check-layers

lint: ## function and line length, banned calls, globals
	@tools/lint

warnings: build/config.mk ## our code through clang's warnings too, where clang is
	@$(if $(CLANG),$(CLANG) -fsyntax-only $(OUR_CFLAGS) -Itests/unit $(filter %.c,$(ALL_CODE)),\
		echo "skip: no clang on this machine")

format: ## lay out the code with clang-format
	clang-format -i $(ALL_CODE)

# --- Showing -----------------------------------------------------------------------

DOC ?=
Q   ?=
export DOC Q

demo: ## set up, then ask a real document some questions (DOC=report.pdf Q='...')
	@tools/setup demo
	@$(MAKE) --no-print-directory all
	@tools/demo

# --- Installing --------------------------------------------------------------------

# A shell may hand the tilde on as it is. Quoted: a folder's name may have blanks.
override PREFIX := $(patsubst ~/%,$(HOME)/%,$(PREFIX))
BIN  := "$(DESTDIR)$(PREFIX)/bin"
LIB  := "$(DESTDIR)$(PREFIX)/lib"
INC  := "$(DESTDIR)$(PREFIX)/include"
MAN1 := "$(DESTDIR)$(PREFIX)/share/man/man1"

# Programs are started with the library that the loader knows of.
define tell_loader
	@[ "$$(id -u)" != 0 ] || PATH=$$PATH:/sbin ldconfig 2>/dev/null || true
	@PATH=$$PATH:/sbin ldconfig -p 2>/dev/null | grep -qF $(LIB)/$(SONAME) || \
		echo "To run programs that use the library: LD_LIBRARY_PATH="$(LIB)
endef

install: all build/legwork.1 build/legwork.pc ## install below PREFIX (/usr/local); has DESTDIR
	install -d $(BIN) $(LIB)/pkgconfig $(INC) $(MAN1)
	install -m 755 build/legwork $(BIN)/legwork
	install -m 644 build/liblegwork.a $(LIB)/liblegwork.a
	install -m 755 build/$(SO_FILE) $(LIB)/$(SO_FILE)
	ln -sf $(SO_FILE) $(LIB)/$(SONAME)
	ln -sf $(SONAME) $(LIB)/liblegwork.so
	install -m 644 include/legwork.h $(INC)/legwork.h
	install -m 644 build/legwork.pc $(LIB)/pkgconfig/legwork.pc
	install -m 644 build/legwork.1 $(MAN1)/legwork.1
	$(if $(DESTDIR),,$(tell_loader))

uninstall: ## remove what install put there
	rm -f $(BIN)/legwork $(LIB)/liblegwork.a $(LIB)/$(SO_FILE) $(LIB)/$(SONAME) \
		$(LIB)/liblegwork.so $(INC)/legwork.h $(LIB)/pkgconfig/legwork.pc $(MAN1)/legwork.1

clean: ## remove build/ (libllama and models stay)
	rm -rf build

help: ## this list
	@echo "make TARGET, one of:"
	@sed -n 's/^\([a-z-]*\):.* ## \(.*\)/  \1|\2/p' Makefile | \
		awk -F'|' '{ printf "%-14s %s\n", $$1, $$2 }'

FORCE:
.PHONY: all test test-unit test-cli test-model asan ubsan tsan check check-run bench \
        bench-peer evaluate layers lint warnings format demo install uninstall clean help FORCE
